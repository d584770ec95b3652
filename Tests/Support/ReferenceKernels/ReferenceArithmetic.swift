/// The numeric contract in the plainest words: 64-bit integers, divisions, no code shared with the engine.
public enum ReferenceArithmetic {
  /// What C's 32-bit integers keep of a number: its value modulo 2^32, in -2^31 ..< 2^31.
  public static func wrapped(_ x: Int) -> Int { Int(Int32(truncatingIfNeeded: x)) }

  /// The nearest number that 32 bits hold.
  public static func saturated(_ x: Int) -> Int { min(max(x, Int(Int32.min)), Int(Int32.max)) }

  /// gemmlowp's SaturatingRoundingDoublingHighMul: a signed nudge and a division that truncates toward zero.
  public static func doublingHighMultiply(_ a: Int, _ b: Int) -> Int {
    let product = a * b
    let nudge = product >= 0 ? 1 << 30 : 1 - (1 << 30)
    return saturated((product + nudge) / (1 << 31))
  }

  /// gemmlowp's RoundingDivideByPOT: to the nearest integer, halves away from zero.
  public static func roundingDivide(_ x: Int, byPowerOfTwo exponent: Int) -> Int {
    let divisor = 1 << exponent
    let magnitude = (2 * abs(x) + divisor) / (2 * divisor)
    return x < 0 ? -magnitude : magnitude
  }

  /// The nearest number in a range.
  public static func clamped(_ x: Int, to range: ClosedRange<Int>) -> Int {
    min(max(x, range.lowerBound), range.upperBound)
  }
}

/// A real factor in fixed point: `multiplierQ31 * 2^(leftShift - 31)`.
public struct ReferenceMultiplier: Equatable, Sendable {
  /// The mantissa: at least 2^30 for a normal factor, less after MEAN's division, 0 for none.
  public var multiplierQ31: Int
  /// The power of two; positive means left.
  public var leftShift: Int

  /// Creates a multiplier.
  public init(multiplierQ31: Int, leftShift: Int) {
    (self.multiplierQ31, self.leftShift) = (multiplierQ31, leftShift)
  }

  /// TensorFlow Lite Micro's MultiplyByQuantizedMultiplier of 32 bits: it rounds twice.
  ///
  /// - Parameter x: A 32-bit number; a left shift keeps its lower 32 bits only.
  /// - Returns: The scaled number.
  public func scale(_ x: Int) -> Int {
    let shifted = ReferenceArithmetic.wrapped(x << max(leftShift, 0))
    return ReferenceArithmetic.roundingDivide(
      ReferenceArithmetic.doublingHighMultiply(shifted, multiplierQ31), byPowerOfTwo: max(-leftShift, 0))
  }

  /// TensorFlow Lite Micro's MultiplyByQuantizedMultiplier of 64 bits: a 16-bit mantissa, one rounding.
  ///
  /// - Parameter x: A 64-bit number; the product keeps its lower 64 bits, the result its lower 32 bits only.
  /// - Returns: The scaled number, halves rounded up.
  public func scaleWide(_ x: Int) -> Int {
    let multiplierQ15 = multiplierQ31 < 0x7FFF_0000 ? (multiplierQ31 + (1 << 15)) >> 16 : 0x7FFF
    let shift = 15 - leftShift
    return ReferenceArithmetic.wrapped((x &* multiplierQ15 &+ (1 << (shift - 1))) >> shift)
  }
}

/// What turns the accumulators of a weighted operator into output codes.
public struct ReferenceOutput: Equatable, Sendable {
  /// A multiplier an output channel, or one for all channels.
  public var multipliers: [ReferenceMultiplier]
  /// The output code of real 0.
  public var zeroPoint: Int
  /// The codes that the fused activation allows.
  public var range: ClosedRange<Int>
  /// 32, where sums wrap; or 64, where the multiplier has 16 bits and rounds once.
  public var accumulatorBits: Int

  /// Creates the output's constants.
  public init(
    multipliers: [ReferenceMultiplier], zeroPoint: Int, range: ClosedRange<Int>, accumulatorBits: Int = 32
  ) {
    (self.multipliers, self.zeroPoint, self.range) = (multipliers, zeroPoint, range)
    self.accumulatorBits = accumulatorBits
  }

  func code(_ accumulator: Int, channel: Int) -> Int {
    let multiplier = multipliers.count == 1 ? multipliers[0] : multipliers[channel]
    let scaled =
      accumulatorBits == 32
      ? multiplier.scale(ReferenceArithmetic.wrapped(accumulator)) : multiplier.scaleWide(accumulator)
    return ReferenceArithmetic.clamped(ReferenceArithmetic.wrapped(scaled + zeroPoint), to: range)
  }
}
