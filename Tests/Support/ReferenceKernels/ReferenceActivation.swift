/// RELU and QUANTIZE: codes less their zero point, times one factor, clamped.
///
/// RELU's range starts at the output's zero point.
public func referenceRescale(
  _ input: [Int], zeroPoint: Int, multiplier: ReferenceMultiplier, outputZeroPoint: Int,
  range: ClosedRange<Int>
) -> [Int] {
  input.map { code in
    let scaled = ReferenceArithmetic.wrapped(multiplier.scale(code - zeroPoint) + outputZeroPoint)
    return ReferenceArithmetic.clamped(scaled, to: range)
  }
}

/// RELU6: the input's codes, clamped to those of 0 and 6; the output shares the input's scale.
public func referenceRelu6(_ input: [Int], zero: Int, six: Int) -> [Int] {
  input.map { $0 > six ? six : $0 < zero ? zero : $0 }
}

/// LEAKY_RELU: one factor from the zero point up, another below it.
///
/// A negative slope's factor has a negative mantissa: its magnitude scales, then the sign turns.
public func referenceLeakyRelu(
  _ input: [Int], zeroPoint: Int, multiplier: ReferenceMultiplier, negativeMultiplier: ReferenceMultiplier,
  outputZeroPoint: Int, range: ClosedRange<Int>
) -> [Int] {
  let sign = negativeMultiplier.multiplierQ31 < 0 ? -1 : 1
  var magnitude = negativeMultiplier
  magnitude.multiplierQ31 *= sign
  return input.map { code in
    let x = code - zeroPoint
    let scaled = x >= 0 ? multiplier.scale(x) : sign * magnitude.scale(x)
    return ReferenceArithmetic.clamped(ReferenceArithmetic.wrapped(scaled + outputZeroPoint), to: range)
  }
}

/// The constants of LOGISTIC and TANH of int8 codes.
public struct ReferenceSigmoid: Equatable, Sendable {
  /// The input's code of real 0.
  public var zeroPoint: Int
  /// Codes at least so far from the zero point give the extreme codes.
  public var inputRadius: Int
  /// From codes to 4 integer bits.
  public var multiplier: ReferenceMultiplier

  /// Creates the constants.
  public init(zeroPoint: Int, inputRadius: Int, multiplier: ReferenceMultiplier) {
    (self.zeroPoint, self.inputRadius, self.multiplier) = (zeroPoint, inputRadius, multiplier)
  }

  fileprivate func codes(_ input: [Int], _ function: (Int) -> Int) -> [Int] {
    input.map { code in
      let x = code - zeroPoint
      if x <= -inputRadius { return -128 }
      if x >= inputRadius { return 127 }
      return ReferenceArithmetic.clamped(function(multiplier.scale(x)), to: -128...127)
    }
  }
}

/// LOGISTIC of int8 codes: the output's scale is 1/256, its zero point -128.
public func referenceLogistic(_ input: [Int], _ constants: ReferenceSigmoid) -> [Int] {
  constants.codes(input) {
    ReferenceArithmetic.roundingDivide(ReferenceExponential.logistic($0), byPowerOfTwo: 23) - 128
  }
}

/// TANH of int8 codes: the output's scale is 1/128, its zero point 0.
public func referenceTanh(_ input: [Int], _ constants: ReferenceSigmoid) -> [Int] {
  constants.codes(input) {
    ReferenceArithmetic.roundingDivide(ReferenceExponential.hyperbolicTangent($0), byPowerOfTwo: 24)
  }
}

/// LOGISTIC of int16 codes, to Q15: straight lines between the values of a table.
///
/// - Parameters:
///   - input: The codes.
///   - multiplier: From codes to the table's 512ths of a step, before the shift.
///   - shift: The right shift after the multiplication, which rounds half up.
///   - tableQ16: The logistic function's upper half: 256 values for arguments of 24ths.
/// - Returns: The output's codes.
public func referenceLogistic16(_ input: [Int], multiplier: Int, shift: Int, tableQ16: [Int]) -> [Int] {
  input.map { code in
    let x = shiftRoundingUp(code * multiplier, by: shift)
    let step = abs(x) >> 9
    // 25 fraction bits.
    let upper =
      step >= 255
      ? 0x7FFF << 10 : (tableQ16[step] << 9) + (abs(x) & 511) * (tableQ16[step + 1] - tableQ16[step])
    return x >= 0 ? (upper + 512) >> 10 : ((1 << 25) - upper + 511) >> 10
  }
}

/// TANH of int16 codes, to Q15: twice the logistic function of twice the argument, less 1.
///
/// - Parameters:
///   - input: The codes.
///   - multiplier: From codes to the table's 256ths of a step, before the shift.
///   - shift: The right shift after the multiplication, which rounds half up.
///   - tableQ16: The logistic function's upper half: 256 values for arguments of 24ths.
/// - Returns: The output's codes.
public func referenceTanh16(_ input: [Int], multiplier: Int, shift: Int, tableQ16: [Int]) -> [Int] {
  input.map { code in
    let x = shiftRoundingUp(code * multiplier, by: shift)
    let step = abs(x) >> 8
    // 24 fraction bits.
    let upper =
      step >= 255
      ? 0xFFFF << 8 : (tableQ16[step] << 8) + (abs(x) & 255) * (tableQ16[step + 1] - tableQ16[step])
    return x >= 0 ? (upper - (1 << 23) + 128) >> 8 : (-upper + (1 << 23) + 127) >> 8
  }
}

private func shiftRoundingUp(_ x: Int, by shift: Int) -> Int {
  shift > 0 ? (x + (1 << (shift - 1))) >> shift : x
}
