/// RSQRT of int16 codes: TensorFlow Lite Micro's Newton iterations in 3 integer bits.
///
/// - Parameters:
///   - input: Codes whose real 0 is 0; those that aren't above it give the greatest output code.
///   - multiplier: From inverse roots with 20 bits behind the point to output codes.
///   - range: The output's codes.
/// - Returns: The output's codes; their real 0 is 0.
public func referenceReciprocalSquareRoot16(
  _ input: [Int], multiplier: ReferenceMultiplier, range: ClosedRange<Int>
) -> [Int] {
  func double(_ x: Int, times count: Int) -> Int {
    (0..<count).reduce(x) { x, _ in ReferenceArithmetic.saturated(2 * x) }
  }
  return input.map { code in
    guard code > 0 else { return range.upperBound }
    var (mantissa, shift) = (Int(Int32.max), 0)
    if code > 1 {
      // The code times a power of 4, in 2^27 ..< 2^29.
      var (scaled, power) = (code, 0)
      while scaled < 1 << 27 { (scaled, power) = (4 * scaled, power + 1) }
      let halfInput = ReferenceArithmetic.roundingDivide(scaled / 2, byPowerOfTwo: 1)
      func product(_ a: Int, _ b: Int) -> Int { ReferenceArithmetic.doublingHighMultiply(a, b) }
      var root = 1 << 28
      for _ in 0..<5 {
        let cube = double(product(product(root, root), root), times: 6)
        root = double(product(3 << 27, root) - product(halfInput, cube), times: 3)
      }
      mantissa = product(root, 1_518_500_250)
      shift = power - 11
      while shift > 0 { (mantissa, shift) = (2 * mantissa, shift - 1) }
    }
    let inverse = ReferenceMultiplier(multiplierQ31: mantissa, leftShift: shift + 20).scale(1)
    return ReferenceArithmetic.clamped(multiplier.scale(inverse), to: range)
  }
}
