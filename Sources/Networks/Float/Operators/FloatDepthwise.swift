/// DEPTHWISE_CONV_2D, eight channels at a time.
struct FloatDepthwise: FloatKernel {
  private let input: CellGrid
  private let output: CellGrid
  private let kernelWidth: Int
  /// `[kernel time, kernel frequency, padded output channel]`.
  private let weights: [Float]
  /// `[padded output channel]`.
  private let biases: [Float]
  /// For each output row or column the taps that lie inside: the tap's and the input row's or column's number.
  private let vertical: [[(tap: Int, input: Int)]]
  private let horizontal: [[(tap: Int, input: Int)]]

  /// Prepares a convolution; nil where weights and shapes don't fit together.
  init?(
    _ window: QuantizedNetwork.Window, _ weights: FloatGraph.Weights, from source: [Int], to target: [Int]
  ) {
    guard let (input, output, window) = CellGrid.pair(source, target, window),
      output.channels.isMultiple(of: input.channels), weights.biases.count == output.channels,
      weights.values.count == window.time.kernel * window.frequency.kernel * output.channels
    else { return nil }
    (self.input, self.output, kernelWidth) = (input, output, window.frequency.kernel)
    let (channels, width) = (output.channels, Contraction.padded(output.channels))
    func padded(_ row: ArraySlice<Float>) -> [Float] {
      row + [Float](repeating: 0, count: width - channels)
    }
    self.weights = stride(from: 0, to: weights.values.count, by: channels)
      .flatMap { padded(weights.values[$0..<$0 + channels]) }
    biases = padded(weights.biases[...])
    vertical = (0..<output.rows).map { window.time.taps(of: $0, inputs: input.rows) }
    horizontal = (0..<output.columns).map { window.frequency.taps(of: $0, inputs: input.columns) }
  }

  func compute(_ inputs: [UnsafePointer<Float>], into target: UnsafeMutablePointer<Float>) {
    let (width, multiplier) = (biases.count, output.channels / input.channels)
    // A cell of inputs, a value an output channel, and a cell of sums, both padded to whole blocks.
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * width) { cells in
      cells.initialize(repeating: 0)
      guard let values = cells.baseAddress else { return }
      let sums = values + width
      for batch in 0..<input.batches {
        for row in 0..<output.rows {
          for column in 0..<output.columns {
            sums.update(from: biases, count: width)
            for (y, inputRow) in vertical[row] {
              for (x, inputColumn) in horizontal[column] {
                let cell = (batch * input.rows + inputRow) * input.columns + inputColumn
                let source = inputs[0] + cell * input.channels
                if multiplier == 1 {
                  values.update(from: source, count: input.channels)
                } else {
                  for channel in 0..<output.channels { values[channel] = source[channel / multiplier] }
                }
                add(values, tap: y * kernelWidth + x, to: sums)
              }
            }
            let cell = (batch * output.rows + row) * output.columns + column
            (target + cell * output.channels).update(from: sums, count: output.channels)
          }
        }
      }
    }
  }

  @inline(__always)
  private func add(_ values: UnsafePointer<Float>, tap: Int, to sums: UnsafeMutablePointer<Float>) {
    let width = biases.count
    weights.withUnsafeBufferPointer { weights in
      guard let factors = weights.baseAddress.map({ $0 + tap * width }) else { return }
      var channel = 0
      while channel < width {
        sums.set(channel, sums.block(channel) + values.block(channel) * factors.block(channel))
        channel += Contraction.blockWidth
      }
    }
  }
}
