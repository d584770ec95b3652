/// The cells of a tensor `[batch, time, frequency, channel]`, over which windows move.
struct CellGrid: Equatable {
  var batches: Int
  var rows: Int
  var columns: Int
  var channels: Int

  private init?(_ shape: [Int]) {
    guard shape.count == 4, shape.allSatisfy({ $0 > 0 }) else { return nil }
    (batches, rows, columns, channels) = (shape[0], shape[1], shape[2], shape[3])
  }

  /// The cells that a window reads and writes, and the window; nil where the shapes can't be.
  ///
  /// Where there is only time, it is turned into frequency: a row of columns is faster than a column of rows.
  static func pair(
    _ source: [Int], _ target: [Int], _ window: QuantizedNetwork.Window
  ) -> (input: CellGrid, output: CellGrid, window: QuantizedNetwork.Window)? {
    guard var input = CellGrid(source), var output = CellGrid(target), input.batches == output.batches,
      [window.time, window.frequency].allSatisfy({ $0.kernel > 0 && $0.stride > 0 && $0.dilation > 0 })
    else { return nil }
    guard input.columns == 1, output.columns == 1, window.frequency == .init() else {
      return (input, output, window)
    }
    (input.rows, input.columns) = (1, input.rows)
    (output.rows, output.columns) = (1, output.rows)
    return (input, output, .init(time: window.frequency, frequency: window.time))
  }

  /// Calls `body` with each output cell and its taps inside this grid: the tap's and the input cell's number.
  func forEachCell(
    of output: CellGrid, _ window: QuantizedNetwork.Window,
    _ body: (_ cell: Int, _ taps: [(tap: Int, cell: Int)]) -> Void
  ) {
    let horizontal = (0..<output.columns).map { window.frequency.taps(of: $0, inputs: columns) }
    for batch in 0..<batches {
      for row in 0..<output.rows {
        let vertical = window.time.taps(of: row, inputs: rows)
        for column in 0..<output.columns {
          let taps = vertical.flatMap { y in
            horizontal[column].map { x in
              (
                tap: y.tap * window.frequency.kernel + x.tap,
                cell: (batch * rows + y.input) * columns + x.input
              )
            }
          }
          body((batch * output.rows + row) * output.columns + column, taps)
        }
      }
    }
  }
}

extension QuantizedNetwork.Step {
  /// The taps of an output that lie inside, with their inputs.
  package func taps(of output: Int, inputs: Int) -> [(tap: Int, input: Int)] {
    (0..<kernel).compactMap { tap in
      let input = output * stride + tap * dilation - paddingBefore
      return (0..<inputs).contains(input) ? (tap, input) : nil
    }
  }
}
