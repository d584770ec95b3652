/// PAD: a constant code before and after each dimension.
public func referencePad(
  _ input: [Int], shape: [Int], before: [Int], after: [Int], value: Int
) -> [Int] {
  let outputShape = shape.indices.map { before[$0] + shape[$0] + after[$0] }
  return allIndices(of: outputShape).map { index in
    let source = zip(index, before).map { $0 - $1 }
    let isInside = zip(source, shape).allSatisfy { (0..<$1).contains($0) }
    return isInside ? input[offset(source, in: shape)] : value
  }
}

/// RESHAPE: the same codes in the same order.
public func referenceReshape(_ input: [Int]) -> [Int] { input }

/// TRANSPOSE: output dimension d is input dimension `permutation[d]`.
public func referenceTranspose(_ input: [Int], shape: [Int], permutation: [Int]) -> [Int] {
  allIndices(of: permutation.map { shape[$0] }).map { index in
    var source = [Int](repeating: 0, count: shape.count)
    for (d, from) in permutation.enumerated() { source[from] = index[d] }
    return input[offset(source, in: shape)]
  }
}

/// CONCATENATION: the inputs one after the other along an axis; their other dimensions agree.
public func referenceConcatenate(_ inputs: [(codes: [Int], shape: [Int])], axis: Int) -> [Int] {
  var outputShape = inputs[0].shape
  outputShape[axis] = inputs.reduce(0) { $0 + $1.shape[axis] }
  return allIndices(of: outputShape).map { index in
    var source = index
    var input = 0
    while source[axis] >= inputs[input].shape[axis] {
      source[axis] -= inputs[input].shape[axis]
      input += 1
    }
    return inputs[input].codes[offset(source, in: inputs[input].shape)]
  }
}

/// STRIDED_SLICE, its masks resolved: from begin to before end by the stride, which may be negative.
public func referenceStridedSlice(
  _ input: [Int], shape: [Int], begin: [Int], end: [Int], strides: [Int]
) -> [Int] {
  let positions = shape.indices.map { Array(stride(from: begin[$0], to: end[$0], by: strides[$0])) }
  return allIndices(of: positions.map(\.count)).map { index in
    input[offset(zip(positions, index).map { $0[$1] }, in: shape)]
  }
}
