/// MEAN's factor: the ratio of the scales divided by the number of codes, as QuantizedMeanOrSum does it.
///
/// The quotient keeps 31 bits by a shift of floor(log2(count)) before the division, so that the mantissa may
/// come out below 2^30.
public func referenceMeanMultiplier(_ ratio: ReferenceMultiplier, count: Int) -> ReferenceMultiplier {
  var shift = 0
  while count >> (shift + 1) > 0 { shift += 1 }
  shift = min(shift, 32, 31 + ratio.leftShift)
  return ReferenceMultiplier(
    multiplierQ31: (ratio.multiplierQ31 << shift) / count, leftShift: ratio.leftShift - shift)
}

/// MEAN over some axes: the sum of the codes less their zero points, times one factor.
///
/// - Parameters:
///   - input: The codes.
///   - shape: Their dimensions.
///   - axes: The dimensions that are summed up, each once.
///   - zeroPoint: The input code of real 0.
///   - multiplier: The ratio of the scales divided by the number of codes.
///   - outputZeroPoint: The output code of real 0.
///   - range: The codes of the output's type.
/// - Returns: The output's codes.
public func referenceMean(
  _ input: [Int], shape: [Int], axes: [Int], zeroPoint: Int, multiplier: ReferenceMultiplier,
  outputZeroPoint: Int, range: ClosedRange<Int>
) -> [Int] {
  let keptShape = shape.indices.map { axes.contains($0) ? 1 : shape[$0] }
  let reducedShape = shape.indices.map { axes.contains($0) ? shape[$0] : 1 }
  return allIndices(of: keptShape).map { kept in
    var sum = 0
    for reduced in allIndices(of: reducedShape) {
      sum += input[offset(zip(kept, reduced).map { $0 + $1 }, in: shape)] - zeroPoint
    }
    let mean = multiplier.scale(ReferenceArithmetic.wrapped(sum))
    return ReferenceArithmetic.clamped(ReferenceArithmetic.wrapped(mean + outputZeroPoint), to: range)
  }
}
