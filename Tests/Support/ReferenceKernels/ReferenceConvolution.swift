/// Steps of a window along one dimension.
public struct ReferenceStep: Equatable, Sendable {
  /// The number of taps.
  public var kernel: Int
  /// The distance between outputs.
  public var stride: Int
  /// The distance between taps.
  public var dilation: Int
  /// The positions before the first input that the first window covers.
  public var paddingBefore: Int

  /// Creates steps.
  public init(kernel: Int, stride: Int = 1, dilation: Int = 1, paddingBefore: Int = 0) {
    (self.kernel, self.stride, self.dilation) = (kernel, stride, dilation)
    self.paddingBefore = paddingBefore
  }

  /// The input position under a tap, which may lie in the padding.
  func position(output: Int, tap: Int) -> Int { output * stride - paddingBefore + tap * dilation }
}

/// CONV_2D: sums over the window and the channels of a group, the zero point taken off, padding left out.
///
/// - Parameters:
///   - input: `[batch, time, frequency, channel]`.
///   - shape: The input's dimensions.
///   - zeroPoint: The input code of real 0.
///   - weights: `[output channel, time, frequency, channel of the group]`.
///   - biases: One an output channel; empty for none.
///   - time: Steps along time (TensorFlow Lite's height).
///   - frequency: Steps along frequency (its width).
///   - outputShape: `[batch, time, frequency, channel]`.
///   - output: From sums to codes.
/// - Returns: The output's codes.
public func referenceConvolution(
  _ input: [Int], shape: [Int], zeroPoint: Int, weights: [Int], biases: [Int], time: ReferenceStep,
  frequency: ReferenceStep, outputShape: [Int], output: ReferenceOutput
) -> [Int] {
  let outputChannels = outputShape[3]
  let groupChannels = weights.count / (outputChannels * time.kernel * frequency.kernel)
  let groups = shape[3] / groupChannels
  var codes: [Int] = []
  for b in 0..<outputShape[0] {
    for t in 0..<outputShape[1] {
      for f in 0..<outputShape[2] {
        for o in 0..<outputChannels {
          let firstChannel = o / (outputChannels / groups) * groupChannels
          var sum = biases.isEmpty ? 0 : biases[o]
          for i in 0..<time.kernel {
            for j in 0..<frequency.kernel {
              let row = time.position(output: t, tap: i)
              let column = frequency.position(output: f, tap: j)
              guard (0..<shape[1]).contains(row), (0..<shape[2]).contains(column) else { continue }
              for c in 0..<groupChannels {
                let x = ((b * shape[1] + row) * shape[2] + column) * shape[3] + firstChannel + c
                let w = ((o * time.kernel + i) * frequency.kernel + j) * groupChannels + c
                sum &+= (input[x] - zeroPoint) * weights[w]
              }
            }
          }
          codes.append(output.code(sum, channel: o))
        }
      }
    }
  }
  return codes
}

/// DEPTHWISE_CONV_2D: output channel o sums over the window of input channel o / multiplier.
///
/// - Parameters:
///   - input: `[batch, time, frequency, channel]`.
///   - shape: The input's dimensions.
///   - zeroPoint: The input code of real 0.
///   - weights: `[time, frequency, output channel]`.
///   - biases: One an output channel; empty for none.
///   - time: Steps along time (TensorFlow Lite's height).
///   - frequency: Steps along frequency (its width).
///   - outputShape: `[batch, time, frequency, channel]`.
///   - output: From sums to codes.
/// - Returns: The output's codes.
public func referenceDepthwiseConvolution(
  _ input: [Int], shape: [Int], zeroPoint: Int, weights: [Int], biases: [Int], time: ReferenceStep,
  frequency: ReferenceStep, outputShape: [Int], output: ReferenceOutput
) -> [Int] {
  let outputChannels = outputShape[3]
  let multiplier = outputChannels / shape[3]
  var codes: [Int] = []
  for b in 0..<outputShape[0] {
    for t in 0..<outputShape[1] {
      for f in 0..<outputShape[2] {
        for o in 0..<outputChannels {
          var sum = biases.isEmpty ? 0 : biases[o]
          for i in 0..<time.kernel {
            for j in 0..<frequency.kernel {
              let row = time.position(output: t, tap: i)
              let column = frequency.position(output: f, tap: j)
              guard (0..<shape[1]).contains(row), (0..<shape[2]).contains(column) else { continue }
              let x = ((b * shape[1] + row) * shape[2] + column) * shape[3] + o / multiplier
              let w = (i * frequency.kernel + j) * outputChannels + o
              sum &+= (input[x] - zeroPoint) * weights[w]
            }
          }
          codes.append(output.code(sum, channel: o))
        }
      }
    }
  }
  return codes
}
