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

/// REDUCE_MAX or REDUCE_MIN over some axes: of the raw codes.
public func referenceExtreme(_ input: [Int], shape: [Int], axes: [Int], isMaximum: Bool) -> [Int] {
  let keptShape = shape.indices.map { axes.contains($0) ? 1 : shape[$0] }
  let reducedShape = shape.indices.map { axes.contains($0) ? shape[$0] : 1 }
  return allIndices(of: keptShape).map { kept in
    let codes = allIndices(of: reducedShape).map { reduced in
      input[offset(zip(kept, reduced).map { $0 + $1 }, in: shape)]
    }
    return codes.reduce(codes[0]) { isMaximum ? max($0, $1) : min($0, $1) }
  }
}

/// BATCH_MATMUL of `[batch, row, depth]` and `[batch, depth, column]`; a batch of 1 is repeated.
public func referenceBatchProduct(
  _ first: [Int], _ firstShape: [Int], zeroPoint firstZero: Int, _ second: [Int], _ secondShape: [Int],
  zeroPoint secondZero: Int, output: ReferenceOutput
) -> [Int] {
  let shape = [max(firstShape[0], secondShape[0]), firstShape[1], secondShape[2]]
  return allIndices(of: shape).map { index in
    var sum = 0
    for depth in 0..<firstShape[2] {
      let x = first[offset([firstShape[0] == 1 ? 0 : index[0], index[1], depth], in: firstShape)]
      let y = second[offset([secondShape[0] == 1 ? 0 : index[0], depth, index[2]], in: secondShape)]
      sum += (x - firstZero) * (y - secondZero)
    }
    return output.code(sum, channel: 0)
  }
}
