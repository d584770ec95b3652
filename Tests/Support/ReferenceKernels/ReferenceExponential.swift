/// gemmlowp's fixed-point functions; a number of n integer bits is held as an integer times 2^(n - 31).
enum ReferenceExponential {
  private static func multiply(_ a: Int, _ b: Int) -> Int { ReferenceArithmetic.doublingHighMultiply(a, b) }
  private static func halve(_ x: Int, times: Int) -> Int {
    ReferenceArithmetic.roundingDivide(x, byPowerOfTwo: times)
  }

  /// exp(x) without integer bits, for x from -2^integerBits to 0.
  static func exponential(_ x: Int, integerBits: Int) -> Int {
    if x == 0 { return Int(Int32.max) }
    let fractionBits = 31 - integerBits
    // x = quarter - remainder: a part in [-1/4, 0) and a multiple of 1/4.
    let oneQuarter = 1 << (fractionBits - 2)
    let quarter = (x & (oneQuarter - 1)) - oneQuarter
    let remainder = quarter - x
    var result = exponentialOfQuarter(ReferenceArithmetic.saturated(quarter << integerBits))
    // exp(-2^exponent) without integer bits.
    let factors = [
      (-2, 1_672_461_947), (-1, 1_302_514_674), (0, 790_015_084), (1, 290_630_308), (2, 39_332_535),
      (3, 720_401), (4, 242),
    ]
    for (exponent, factor) in factors where integerBits > exponent {
      if (remainder >> (fractionBits + exponent)) & 1 == 1 { result = multiply(result, factor) }
    }
    return result
  }

  /// exp(x) for x in [-1/4, 0): a Taylor polynomial around -1/8.
  private static func exponentialOfQuarter(_ a: Int) -> Int {
    let exponentialOfMinusEighth = 1_895_147_668
    let third = 715_827_883
    let x = a + (1 << 28)
    let x2 = multiply(x, x)
    let x3 = multiply(x2, x)
    let x4 = multiply(x2, x2)
    let tail = halve(multiply(halve(x4, times: 2) + x3, third) + x2, times: 1)
    return exponentialOfMinusEighth + multiply(exponentialOfMinusEighth, x + tail)
  }

  /// 2 / (1 + x) with 2 integer bits, for x in [0, 1] without integer bits: three Newton steps.
  private static func twiceReciprocalOfOnePlus(_ x: Int) -> Int {
    let half = (x + Int(Int32.max) + 1) / 2
    var y = 1_515_870_810 + multiply(half, -1_010_580_540)
    for _ in 0..<3 {
      let error = (1 << 29) - multiply(half, y)
      y += ReferenceArithmetic.saturated(multiply(y, error) << 2)
    }
    return y
  }

  /// 1 / (1 + x) without integer bits, for x in [0, 1] without integer bits.
  static func reciprocalOfOnePlus(_ x: Int) -> Int {
    ReferenceArithmetic.saturated(twiceReciprocalOfOnePlus(x) << 1)
  }

  /// (1 - x) / (1 + x) without integer bits, for x in [0, 1] without integer bits.
  private static func oneMinusOverOnePlus(_ x: Int) -> Int {
    ReferenceArithmetic.saturated((twiceReciprocalOfOnePlus(x) - (1 << 29)) << 2)
  }

  /// The logistic function without integer bits of a number of 4 integer bits.
  static func logistic(_ x: Int) -> Int {
    if x == 0 { return 1 << 30 }
    let positive = reciprocalOfOnePlus(exponential(-abs(x), integerBits: 4))
    return x > 0 ? positive : Int(Int32.max) - positive
  }

  /// The hyperbolic tangent without integer bits of a number of 4 integer bits.
  static func hyperbolicTangent(_ x: Int) -> Int {
    // The same integer with 5 integer bits is twice the number.
    let magnitude = x == 0 ? 0 : oneMinusOverOnePlus(exponential(-abs(x), integerBits: 5))
    return x < 0 ? -magnitude : magnitude
  }
}
