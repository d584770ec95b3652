/// DEPTHWISE_CONV_2D by plain loops.
struct FloatDepthwise: FloatKernel {
  private let input: CellGrid
  private let output: CellGrid
  private let window: QuantizedNetwork.Window
  private let weights: FloatGraph.Weights

  /// Prepares a convolution; nil where weights and shapes don't fit together.
  init?(
    _ window: QuantizedNetwork.Window, _ weights: FloatGraph.Weights, from source: [Int], to target: [Int]
  ) {
    guard let (input, output, window) = CellGrid.pair(source, target, window),
      output.channels.isMultiple(of: input.channels), weights.biases.count == output.channels,
      weights.values.count == window.time.kernel * window.frequency.kernel * output.channels
    else { return nil }
    (self.input, self.output, self.window, self.weights) = (input, output, window, weights)
  }

  func compute(_ inputs: [UnsafePointer<Float>], into target: UnsafeMutablePointer<Float>) {
    let multiplier = output.channels / input.channels
    input.forEachCell(of: output, window) { cell, taps in
      let sums = target + cell * output.channels
      for channel in 0..<output.channels {
        var sum = weights.biases[channel]
        for (tap, source) in taps {
          sum +=
            inputs[0][source * input.channels + channel / multiplier]
            * weights.values[tap * output.channels + channel]
        }
        sums[channel] = sum
      }
    }
  }
}
