/// AVERAGE_POOL_2D and MAX_POOL_2D over the cells that are there.
struct FloatPooling: FloatKernel {
  private let input: CellGrid
  private let output: CellGrid
  private let window: QuantizedNetwork.Window
  private let isMaximum: Bool

  /// Prepares a pool; nil where the shapes don't fit together.
  init?(_ window: QuantizedNetwork.Window, from source: [Int], to target: [Int], isMaximum: Bool) {
    guard let (input, output, window) = CellGrid.pair(source, target, window),
      input.channels == output.channels
    else { return nil }
    (self.input, self.output, self.window, self.isMaximum) = (input, output, window, isMaximum)
  }

  func compute(_ inputs: [UnsafePointer<Float>], into target: UnsafeMutablePointer<Float>) {
    input.forEachCell(of: output, window) { cell, taps in
      for channel in 0..<output.channels {
        let values = taps.lazy.map { inputs[0][$0.cell * input.channels + channel] }
        target[cell * output.channels + channel] =
          isMaximum ? values.max() ?? 0 : values.reduce(0, +) / Float(max(1, taps.count))
      }
    }
  }
}
