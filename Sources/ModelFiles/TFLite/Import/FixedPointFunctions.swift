/// Functions of 32-bit fixed-point numbers, bit for bit those of gemmlowp, which TensorFlow Lite's int8 kernels use.
///
/// "Qi" is a number of i integer bits and 31 - i fraction bits.
enum FixedPointFunctions {
  /// The logistic function of a Q4, in Q0.
  static func logistic(_ x: Int32) -> Int32 {
    if x == 0 { return 1 << 30 }
    let positive = half(reciprocal(exponential(x < 0 ? x : -x, integerBits: 4)))
    return x > 0 ? positive : Int32.max - positive
  }

  /// The hyperbolic tangent of a Q4, in Q0.
  static func tanh(_ x: Int32) -> Int32 {
    if x == 0 { return 0 }
    // tanh |x| = (1 - e) / (1 + e) with e = exp(-2 |x|); a Q4 with a fraction bit less is twice as much.
    let exponential = exponential(x < 0 ? x : -x, integerBits: 5)
    let magnitude = shiftedLeft(reciprocal(exponential) &- (1 << 29), by: 2)
    return x < 0 ? -magnitude : magnitude
  }

  /// 2 / (1 + x) of a Q0 that isn't negative, in Q2, by Newton's method.
  private static func reciprocal(_ x: Int32) -> Int32 {
    let halfDenominator = Int32((Int64(x) + Int64(Int32.max) + 1) / 2)
    // 48/17 - 32/17 d is the line nearest to 1 / d for d in 0.5...1.
    var estimate: Int32 = 1_515_870_810 &+ product(halfDenominator, -1_010_580_540)
    for _ in 0..<3 {
      let missing = (1 << 29) &- product(halfDenominator, estimate)
      estimate = estimate &+ shiftedLeft(product(estimate, missing), by: 2)
    }
    return estimate
  }

  /// Half of a Q2, in Q0.
  private static func half(_ x: Int32) -> Int32 { shiftedLeft(x, by: 1) }

  /// exp(x) of a Qi that isn't positive, in Q0.
  private static func exponential(_ x: Int32, integerBits: Int32) -> Int32 {
    if x == 0 { return .max }
    let fractionBits = 31 - integerBits
    let quarter: Int32 = 1 << (fractionBits - 2)
    let rest = (x & (quarter - 1)) - quarter
    let quarters = rest &- x
    var result = exponentialBelowQuarter(rest << integerBits)
    for (exponent, factor) in powers
    where exponent < integerBits && quarters >> (fractionBits + exponent) & 1 == 1 {
      result = product(result, factor)
    }
    return result
  }

  /// exp(-2^exponent) in Q0.
  private static let powers: [(exponent: Int32, factor: Int32)] = [
    (-2, 1_672_461_947), (-1, 1_302_514_674), (0, 790_015_084), (1, 290_630_308), (2, 39_332_535),
    (3, 720_401),
    (4, 242),
  ]

  /// exp(x) of a Q0 in -1/4 ..< 0, in Q0: Taylor's polynomial of degree four around -1/8.
  private static func exponentialBelowQuarter(_ x: Int32) -> Int32 {
    let center: Int32 = 1_895_147_668  // exp(-1/8)
    let third: Int32 = 715_827_883
    let a = x &+ (1 << 28)
    let square = product(a, a)
    let cube = product(square, a)
    let fourth = roundedShiftRight(product(square, square), by: 2)
    let tail = roundedShiftRight(product(fourth &+ cube, third) &+ square, by: 1)
    return center &+ product(center, a &+ tail)
  }

  /// The product of two numbers, of which one is a Q0, rounded to the nearest.
  private static func product(_ a: Int32, _ b: Int32) -> Int32 {
    Int32(clamping: (Int64(a) * Int64(b) + 1 << 30) >> 31)
  }

  private static func shiftedLeft(_ x: Int32, by count: Int64) -> Int32 { Int32(clamping: Int64(x) << count) }

  /// x / 2^count to the nearest, ties away from zero.
  static func roundedShiftRight(_ x: Int32, by count: Int32) -> Int32 {
    let half = (Int64(1) << Int64(count)) >> 1
    return Int32(x < 0 ? -((half - Int64(x)) >> Int64(count)) : (Int64(x) + half) >> Int64(count))
  }
}
