/// The numeric contract in the plainest words: 64-bit integers, divisions, no shared code with the engine.
public enum ReferenceArithmetic {
  /// gemmlowp's SaturatingRoundingDoublingHighMul: a signed nudge and a division that truncates toward zero.
  public static func doublingHighMultiply(_ a: Int64, _ b: Int64) -> Int64 {
    let product = a * b
    let nudge: Int64 = product >= 0 ? 1 << 30 : 1 - (1 << 30)
    return (product + nudge) / (1 << 31)
  }

  /// gemmlowp's RoundingDivideByPOT: to the nearest integer, halves away from zero.
  public static func roundingDivide(_ x: Int64, byPowerOfTwo exponent: Int64) -> Int64 {
    let divisor = Int64(1) << exponent
    let magnitude = (2 * abs(x) + divisor) / (2 * divisor)
    return x < 0 ? -magnitude : magnitude
  }

  /// TensorFlow Lite Micro's MultiplyByQuantizedMultiplier with double rounding.
  public static func multiply(_ x: Int64, multiplierQ31: Int64, leftShift: Int64) -> Int64 {
    let shifted = x * (1 << max(leftShift, 0))
    return roundingDivide(doublingHighMultiply(shifted, multiplierQ31), byPowerOfTwo: max(-leftShift, 0))
  }
}

/// Steps of a kernel along one dimension.
public struct ReferenceStep {
  var kernel, stride, dilation, paddingBefore: Int

  /// Creates steps.
  public init(kernel: Int, stride: Int, dilation: Int, paddingBefore: Int) {
    (self.kernel, self.stride, self.dilation) = (kernel, stride, dilation)
    self.paddingBefore = paddingBefore
  }
}

/// What turns an accumulator into an output code.
public struct ReferenceOutput {
  var multipliersQ31: [Int64]
  var leftShifts: [Int64]
  var zeroPoint: Int64
  var range: ClosedRange<Int64>

  /// Creates the output's constants: a multiplier and a shift a channel.
  public init(multipliersQ31: [Int64], leftShifts: [Int64], zeroPoint: Int, range: ClosedRange<Int>) {
    (self.multipliersQ31, self.leftShifts) = (multipliersQ31, leftShifts)
    self.zeroPoint = Int64(zeroPoint)
    self.range = Int64(range.lowerBound)...Int64(range.upperBound)
  }

  func code(_ accumulator: Int64, channel: Int) -> Int8 {
    let scaled = ReferenceArithmetic.multiply(
      accumulator, multiplierQ31: multipliersQ31[channel], leftShift: leftShifts[channel])
    return Int8(min(max(scaled + zeroPoint, range.lowerBound), range.upperBound))
  }
}

/// CONV_2D over `[time, frequency, channel]`, index by index, the input's zero point taken off each code.
public func referenceConvolution(
  _ input: [Int8], shape: [Int], zeroPoint: Int, weights: [Int8], biases: [Int32], time: ReferenceStep,
  frequency: ReferenceStep, outputShape: [Int], output: ReferenceOutput
) -> [Int8] {
  var codes: [Int8] = []
  for t in 0..<outputShape[0] {
    for f in 0..<outputShape[1] {
      for o in 0..<outputShape[2] {
        var sum = Int64(biases[o])
        for i in 0..<time.kernel {
          for j in 0..<frequency.kernel {
            let column = t * time.stride - time.paddingBefore + i * time.dilation
            let row = f * frequency.stride - frequency.paddingBefore + j * frequency.dilation
            guard (0..<shape[0]).contains(column), (0..<shape[1]).contains(row) else { continue }
            for c in 0..<shape[2] {
              let x = Int64(input[(column * shape[1] + row) * shape[2] + c]) - Int64(zeroPoint)
              let w = Int64(weights[((o * time.kernel + i) * frequency.kernel + j) * shape[2] + c])
              sum += x * w
            }
          }
        }
        codes.append(output.code(sum, channel: o))
      }
    }
  }
  return codes
}

/// FULLY_CONNECTED over all of the input, index by index.
public func referenceFullyConnected(
  _ input: [Int8], zeroPoint: Int, weights: [Int8], biases: [Int32], output: ReferenceOutput
) -> [Int8] {
  biases.indices.map { o in
    let sum = input.indices.reduce(Int64(biases[o])) { sum, i in
      sum + (Int64(input[i]) - Int64(zeroPoint)) * Int64(weights[o * input.count + i])
    }
    return output.code(sum, channel: o)
  }
}
