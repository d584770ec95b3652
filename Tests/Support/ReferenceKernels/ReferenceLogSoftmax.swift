/// LOG_SOFTMAX of rows of int8 codes.
///
/// - Parameters:
///   - input: The codes.
///   - depth: The number of codes in a row.
///   - multiplier: From differences of codes to 26 bits of fraction.
///   - leastDifference: Differences below it count as 0.
///   - reverseMultiplier: Back to differences of codes.
/// - Returns: The output's codes, of scale 1/16 and zero point 127.
public func referenceLogSoftmax(
  _ input: [Int], depth: Int, multiplier: ReferenceMultiplier, leastDifference: Int,
  reverseMultiplier: ReferenceMultiplier
) -> [Int] {
  stride(from: 0, to: input.count, by: depth).flatMap { start -> [Int] in
    let row = input[start..<start + depth]
    let differences = row.map { $0 - (row.max() ?? 0) }
    var sum = 0
    for difference in differences where difference >= leastDifference {
      let exponential = ReferenceExponential.exponential(multiplier.scale(difference), integerBits: 5)
      sum += ReferenceArithmetic.roundingDivide(exponential, byPowerOfTwo: 12)
    }
    let logarithm = ReferenceLogarithm.logarithm(sum, integerBits: 12)
    let bound = max(leastDifference - 1, reverseMultiplier.scale(logarithm - (1 << 31)))
    return differences.map { difference in
      guard difference > bound else { return -128 }
      let code = ReferenceArithmetic.roundingDivide(
        multiplier.scale(difference) - logarithm, byPowerOfTwo: 22)
      return ReferenceArithmetic.clamped(code + 127, to: -128...127)
    }
  }
}

/// gemmlowp's logarithm of fixed-point numbers.
enum ReferenceLogarithm {
  private static func multiply(_ a: Int, _ b: Int) -> Int { ReferenceArithmetic.doublingHighMultiply(a, b) }
  private static func fraction(_ real: Double) -> Int { Int((real * 0x1p31).rounded()) }

  /// The bits before the first 1 of a number of 32 bits.
  private static func zeros(_ x: Int) -> Int { (0..<32).first { x >> (31 - $0) & 1 == 1 } ?? 32 }

  /// log(x) with 5 integer bits, for x >= 1 with so many integer bits.
  static func logarithm(_ x: Int, integerBits: Int) -> Int {
    let root = fraction(0.5.squareRoot())
    let fourthRoot = fraction(0.5.squareRoot().squareRoot())
    let twoFourthRoot = 2.0.squareRoot().squareRoot()
    let quarter = 1 << 23  // With 6 integer bits, as the powers of two.
    let first = zeros(x)
    let second = zeros(multiply(x, root)) - 1
    let r = min(
      ReferenceArithmetic.saturated(multiply(x << (first - 1), root) << 1),
      ReferenceArithmetic.saturated(x << second))
    let power = max(
      (integerBits - first) * (1 << 25) + quarter, (integerBits - second) * (1 << 25) - quarter)
    let p = (r + fourthRoot + 1) / 2
    let q = 2 * (r - fourthRoot)
    let square = multiply(q, q)
    let numerator = multiply(q, r) + multiply(multiply(q, square), fraction(11 / 240 * twoFourthRoot))
    let denominator =
      multiply(
        p, fraction(2 / twoFourthRoot - twoFourthRoot) + q + multiply(fraction(twoFourthRoot / 20), square))
      + multiply(fraction(twoFourthRoot / 4), q)
    let quotient = multiply(
      ReferenceArithmetic.roundingDivide(numerator, byPowerOfTwo: 6),
      ReferenceExponential.reciprocalOfOnePlus(denominator))
    // log(2) is 1,488,522,236 in gemmlowp, as it rounds.
    return ReferenceArithmetic.saturated((multiply(power, 1_488_522_236) + quotient) << 1)
  }
}
