/// The constants of ADD and SUB: both inputs are brought to one scale before they meet.
public struct ReferenceAddition: Equatable, Sendable {
  /// The first input's code of real 0.
  public var firstZeroPoint: Int
  /// The second input's code of real 0.
  public var secondZeroPoint: Int
  /// The left shift of both inputs: 20, or 15 for int16.
  public var leftShift: Int
  /// From the shifted first input to the common scale.
  public var firstMultiplier: ReferenceMultiplier
  /// From the shifted second input to the common scale.
  public var secondMultiplier: ReferenceMultiplier
  /// From the sum to output codes.
  public var outputMultiplier: ReferenceMultiplier
  /// The output's code of real 0.
  public var outputZeroPoint: Int
  /// The codes that the fused activation allows.
  public var range: ClosedRange<Int>

  /// Creates the constants.
  public init(
    firstZeroPoint: Int, secondZeroPoint: Int, leftShift: Int, firstMultiplier: ReferenceMultiplier,
    secondMultiplier: ReferenceMultiplier, outputMultiplier: ReferenceMultiplier, outputZeroPoint: Int,
    range: ClosedRange<Int>
  ) {
    (self.firstZeroPoint, self.secondZeroPoint) = (firstZeroPoint, secondZeroPoint)
    (self.leftShift, self.firstMultiplier) = (leftShift, firstMultiplier)
    (self.secondMultiplier, self.outputMultiplier) = (secondMultiplier, outputMultiplier)
    (self.outputZeroPoint, self.range) = (outputZeroPoint, range)
  }

  fileprivate func code(_ first: Int, _ second: Int, sign: Int) -> Int {
    let a = firstMultiplier.scale(ReferenceArithmetic.wrapped((first - firstZeroPoint) << leftShift))
    let b = secondMultiplier.scale(ReferenceArithmetic.wrapped((second - secondZeroPoint) << leftShift))
    let sum = outputMultiplier.scale(ReferenceArithmetic.wrapped(a + sign * b))
    return ReferenceArithmetic.clamped(ReferenceArithmetic.wrapped(sum + outputZeroPoint), to: range)
  }
}

/// Two tensors whose shapes are aligned at their last dimension; a dimension of 1 is repeated.
public struct ReferencePair {
  var first, firstShape, second, secondShape: [Int]

  /// Creates a pair of tensors.
  public init(_ first: [Int], _ firstShape: [Int], _ second: [Int], _ secondShape: [Int]) {
    (self.first, self.firstShape) = (first, firstShape)
    (self.second, self.secondShape) = (second, secondShape)
  }

  /// The dimensions of the two together.
  public var shape: [Int] {
    let rank = max(firstShape.count, secondShape.count)
    return zip(aligned(firstShape, rank), aligned(secondShape, rank)).map { max($0, $1) }
  }

  fileprivate func map(_ transform: (Int, Int) -> Int) -> [Int] {
    let (a, b) = (aligned(firstShape, shape.count), aligned(secondShape, shape.count))
    return allIndices(of: shape).map { index in
      transform(
        first[offset(zip(index, a).map { $1 == 1 ? 0 : $0 }, in: a)],
        second[offset(zip(index, b).map { $1 == 1 ? 0 : $0 }, in: b)])
    }
  }

  private func aligned(_ shape: [Int], _ rank: Int) -> [Int] {
    [Int](repeating: 1, count: rank - shape.count) + shape
  }
}

/// ADD.
public func referenceAdd(_ pair: ReferencePair, _ constants: ReferenceAddition) -> [Int] {
  pair.map { constants.code($0, $1, sign: 1) }
}

/// SUB.
public func referenceSubtract(_ pair: ReferencePair, _ constants: ReferenceAddition) -> [Int] {
  pair.map { constants.code($0, $1, sign: -1) }
}

/// MUL: the product of the codes, their zero points taken off, scaled once.
public func referenceMultiply(
  _ pair: ReferencePair, firstZeroPoint: Int, secondZeroPoint: Int, multiplier: ReferenceMultiplier,
  outputZeroPoint: Int, range: ClosedRange<Int>
) -> [Int] {
  pair.map { first, second in
    let product = ReferenceArithmetic.wrapped((first - firstZeroPoint) * (second - secondZeroPoint))
    let sum = ReferenceArithmetic.wrapped(multiplier.scale(product) + outputZeroPoint)
    return ReferenceArithmetic.clamped(sum, to: range)
  }
}

/// MINIMUM: of the raw codes, which share their scale.
public func referenceMinimum(_ pair: ReferencePair) -> [Int] { pair.map { min($0, $1) } }

/// MAXIMUM: of the raw codes, which share their scale.
public func referenceMaximum(_ pair: ReferencePair) -> [Int] { pair.map { max($0, $1) } }

/// PRELU: codes from the zero point up times one factor, those below times the other input's and another factor.
public func referenceSlope(
  _ pair: ReferencePair, firstZeroPoint: Int, secondZeroPoint: Int, multiplier: ReferenceMultiplier,
  slopeMultiplier: ReferenceMultiplier, outputZeroPoint: Int, range: ClosedRange<Int>
) -> [Int] {
  pair.map { first, second in
    let value = first - firstZeroPoint
    let scaled =
      value >= 0
      ? multiplier.scale(value)
      : slopeMultiplier.scale(ReferenceArithmetic.wrapped(value * (second - secondZeroPoint)))
    return ReferenceArithmetic.clamped(ReferenceArithmetic.wrapped(scaled + outputZeroPoint), to: range)
  }
}

/// SQUARED_DIFFERENCE: the difference on the common scale, squared, times one factor.
public func referenceSquaredDifference(_ pair: ReferencePair, _ constants: ReferenceAddition) -> [Int] {
  pair.map { first, second in
    let (a, b) = (
      constants.firstMultiplier.scale((first - constants.firstZeroPoint) << constants.leftShift),
      constants.secondMultiplier.scale((second - constants.secondZeroPoint) << constants.leftShift)
    )
    let scaled = constants.outputMultiplier.scale(ReferenceArithmetic.wrapped((a - b) * (a - b)))
    return ReferenceArithmetic.clamped(
      ReferenceArithmetic.wrapped(scaled + constants.outputZeroPoint), to: constants.range)
  }
}

/// DIV: the dividend times the divisor's reciprocal of 31 bits; a quotient by 0 is beyond all codes, but 0 / 0 is 0.
public func referenceDivide(
  _ pair: ReferencePair, firstZeroPoint: Int, secondZeroPoint: Int, multiplier: ReferenceMultiplier,
  outputZeroPoint: Int, range: ClosedRange<Int>
) -> [Int] {
  pair.map { first, second in
    var (x, y) = (first - firstZeroPoint, second - secondZeroPoint)
    if y < 0 { (x, y) = (-x, -y) }
    var quotient = x.signum() * 1_000_000
    if y > 0 {
      // y * 2^zeros lies in 2^31 ..< 2^32, |x| * 2^headroom below 2^31.
      var (zeros, headroom) = (0, 0)
      while y << zeros < 1 << 31 { zeros += 1 }
      while headroom < 31, -(1 << 31)..<(1 << 31) ~= x << (headroom + 1) { headroom += 1 }
      let inverse = ReferenceExponential.reciprocalOfOnePlus((y << zeros) - (1 << 31))
      let fine = ReferenceArithmetic.doublingHighMultiply(x << headroom, inverse)
      quotient = ReferenceArithmetic.roundingDivide(
        ReferenceArithmetic.doublingHighMultiply(fine, multiplier.multiplierQ31),
        byPowerOfTwo: 31 - zeros + headroom - multiplier.leftShift)
    }
    return ReferenceArithmetic.clamped(quotient + outputZeroPoint, to: range)
  }
}
