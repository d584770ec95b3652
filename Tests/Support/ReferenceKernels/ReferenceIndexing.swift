/// The place of an element: the row-major index into a tensor's codes.
func offset(_ indices: [Int], in shape: [Int]) -> Int {
  var offset = 0
  for (index, count) in zip(indices, shape) { offset = offset * count + index }
  return offset
}

/// Every index of a tensor, in the order of its codes: the last dimension runs fastest.
func allIndices(of shape: [Int]) -> [[Int]] {
  shape.reduce([[]]) { prefixes, count in
    prefixes.flatMap { prefix in (0..<count).map { prefix + [$0] } }
  }
}
