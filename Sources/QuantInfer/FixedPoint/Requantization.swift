import CKernels

/// A positive real factor as integers: `multiplierQ31 * 2^(leftShift - 31)`.
///
/// The numeric contract is TensorFlow Lite Micro's: a 32-bit accumulator is scaled by a doubling
/// high-half multiplication that rounds, then by a rounding shift (double rounding).
public struct FixedPointMultiplier: Equatable, Sendable {
  /// The mantissa, 0 or in `2^30 ... 2^31 - 1`: a fraction in 0.5 ..< 1.
  public var multiplierQ31: Int32
  /// The power of two, in -31...30; positive means left.
  public var leftShift: Int8

  /// Creates a multiplier from its parts.
  @inline(__always)
  public init(multiplierQ31: Int32, leftShift: Int8) {
    self.multiplierQ31 = multiplierQ31
    self.leftShift = leftShift
  }

  /// Scales an accumulator, rounding twice as the contract says.
  ///
  /// - Parameter accumulator: Products plus bias; shifted left by a positive `leftShift` it must fit 32 bits,
  ///   which the model's validation proves unless the operator says that it may wrap.
  /// - Returns: The scaled value.
  /// - Complexity: O(1): one 32 x 32 multiplication.
  @inline(__always)
  public func scale(_ accumulator: Int32) -> Int32 {
    let left = leftShift > 0 ? Int32(leftShift) : 0
    let right = leftShift < 0 ? -Int32(leftShift) : 0
    return dividedByPowerOfTwo(doubledHighProduct(accumulator &<< left, multiplierQ31), exponent: right)
  }

  /// Scales an accumulator of 64 bits with a multiplier of 16, rounding once, as int16 activations with a 64-bit
  /// bias do.
  ///
  /// - Parameter accumulator: At most 48 bits, or the result wraps; `leftShift` is below 15.
  /// - Returns: The scaled value.
  @inline(__always)
  func scaleWide(_ accumulator: Int64) -> Int32 {
    let isGreatest = multiplierQ31 >= 0x7FFF_0000
    let multiplierQ15 = isGreatest ? 0x7FFF : (multiplierQ31 &+ 0x8000) &>> 16
    let shift = 15 &- Int64(extending: Int32(leftShift))
    let product = accumulator &* Int64(extending: multiplierQ15)
    return Int32(truncatingIfNeeded: (product &+ (1 &<< (shift &- 1))) &>> shift)
  }

  /// Whether mantissa and power are in their ranges.
  var isValid: Bool {
    let mantissas: ClosedRange<Int32> = 0x4000_0000...0x7FFF_FFFF
    return (multiplierQ31 == 0 || mantissas.contains(multiplierQ31)) && (-31...30).contains(leftShift)
  }
}

/// The upper half of twice the product, rounded to the nearest integer, ties toward positive infinity:
/// `floor((a * b + 2^30) / 2^31)`.
///
/// This equals gemmlowp's SaturatingRoundingDoublingHighMul, whose truncating division and signed nudge come to
/// the same; its one saturating case (both factors -2^31) can't arise, as `b` is not negative.
@inline(__always)
func doubledHighProduct(_ a: Int32, _ b: Int32) -> Int32 { qi_doubled_high_product(a, b) }

/// `x / 2^exponent`, rounded to the nearest integer, ties away from zero; `exponent` in 0...31.
@inline(__always)
func dividedByPowerOfTwo(_ x: Int32, exponent: Int32) -> Int32 {
  let mask = Int32(truncatingIfNeeded: (UInt32(1) &<< UInt32(truncatingIfNeeded: exponent)) &- 1)
  let remainder = x & mask
  let threshold = (mask &>> 1) &+ (x < 0 ? 1 : 0)
  return (x &>> exponent) &+ (remainder > threshold ? 1 : 0)
}
