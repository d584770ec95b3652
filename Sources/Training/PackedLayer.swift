import Networks

extension LayerShape {
  /// Weights `[output channel, kernel column, input channel]` as
  /// `[kernel column, output channel, padded input channel]`.
  func packBackward(_ weights: [Float], inputWidth: Int) -> [Float] {
    var packed = [Float](repeating: 0, count: kernelColumns * outputChannels * inputWidth)
    for output in 0..<outputChannels {
      for column in 0..<kernelColumns {
        for channel in 0..<inputChannels {
          packed[(column * outputChannels + output) * inputWidth + channel] =
            weights[(output * kernelColumns + column) * inputChannels + channel]
        }
      }
    }
    return packed
  }
}

/// A depthwise convolution's loops: channel by channel, neighbours side by side.
extension LayerShape {
  /// Weights `[channel, kernel column]` as `[kernel column, padded channel]`.
  func packTaps(_ weights: [Float]) -> [Float] {
    let width = Contraction.padded(outputChannels)
    var packed = [Float](repeating: 0, count: kernelColumns * width)
    for channel in 0..<outputChannels {
      for column in 0..<kernelColumns {
        packed[column * width + channel] = weights[channel * kernelColumns + column]
      }
    }
    return packed
  }

  /// Calls `body` with each output column's and each of its taps' place, and the tap.
  @inline(__always)
  private func forEachTap(_ inputWidth: Int, _ body: (_ output: Int, _ input: Int, _ tap: Int) -> Void) {
    let width = Contraction.padded(outputChannels)
    for column in 0..<outputColumns {
      for tap in 0..<kernelColumns {
        body(
          column &* width, (column &* strideColumns &+ tap &* dilationColumns) &* inputWidth, tap &* width)
      }
    }
  }

  /// Adds a window's sums to its products.
  func addDepthwise(
    _ input: UnsafePointer<Float>, _ inputWidth: Int, _ weights: UnsafePointer<Float>,
    into products: UnsafeMutablePointer<Float>
  ) {
    forEachTap(inputWidth) { output, source, tap in
      for channel in 0..<outputChannels {
        products[output &+ channel] += input[source &+ channel] * weights[tap &+ channel]
      }
    }
  }

  /// Adds a window's part of the gradient by the weights, `[kernel column, padded channel]`.
  func addDepthwiseWeightGradient(
    _ input: UnsafePointer<Float>, _ inputWidth: Int, _ slopes: UnsafePointer<Float>,
    into sums: UnsafeMutablePointer<Float>
  ) {
    forEachTap(inputWidth) { output, source, tap in
      for channel in 0..<outputChannels {
        sums[tap &+ channel] += input[source &+ channel] * slopes[output &+ channel]
      }
    }
  }

  /// Adds a window's gradient by its input.
  func addDepthwiseInputGradient(
    _ slopes: UnsafePointer<Float>, _ weights: UnsafePointer<Float>,
    into gradient: UnsafeMutablePointer<Float>, _ inputWidth: Int
  ) {
    forEachTap(inputWidth) { output, source, tap in
      for channel in 0..<outputChannels {
        gradient[source &+ channel] += slopes[output &+ channel] * weights[tap &+ channel]
      }
    }
  }
}
