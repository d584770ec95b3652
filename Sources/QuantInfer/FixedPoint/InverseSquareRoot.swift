extension FixedPointMultiplier {
  /// 1 / sqrt(x), by Newton's method in 3 integer bits, as TensorFlow Lite's RSQRT takes it.
  ///
  /// - Parameter x: A whole number in 1 ..< 2^27; there is an answer for every other one, without a meaning.
  /// - Complexity: O(1): 21 multiplications of 32 x 32 bits.
  public init(inverseSquareRootOf x: Int32) {
    guard x > 1 else {
      self.init(multiplierQ31: .max, leftShift: 0)
      return
    }
    // Shifted by pairs of bits into 2^27 ..< 2^29; half of it is a Q3 in 1/4 ..< 1.
    let pairs = Int32(truncatingIfNeeded: x.leadingZeroBitCount &- 1) &>> 1 &- 1
    let input = (x &<< (2 &* max(0, pairs))) &>> 1
    let halfInput = dividedByPowerOfTwo(input, exponent: 1)
    let threeHalves: Int32 = (1 << 28) + (1 << 27)
    var y: Int32 = 1 << 28
    var rounds = Indices(to: 5)
    while rounds.next() != nil {
      // Products of Q3 are Q6, and of three Q9.
      let cube = Self.shiftedLeft(doubledHighProduct(doubledHighProduct(y, y), y), by: 6)
      y = Self.shiftedLeft(
        doubledHighProduct(threeHalves, y) &- doubledHighProduct(halfInput, cube), by: 3)
    }
    let mantissa = doubledHighProduct(y, 1_518_500_250)  // sqrt(2) / 2.
    let leftShift = pairs &- 11
    self.init(
      multiplierQ31: leftShift > 0 ? mantissa &<< leftShift : mantissa,
      leftShift: Int8(truncatingIfNeeded: min(0, leftShift)))
  }

  /// x * 2^count, or the nearest number that there is; `count` in 0...30.
  private static func shiftedLeft(_ x: Int32, by count: Int32) -> Int32 {
    let greatest = Int32.max &>> count
    return x > greatest ? .max : x < ~greatest ? .min : x &<< count
  }
}
