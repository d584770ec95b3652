/// The distances between the elements of a tensor whose last dimension's neighbours lie next to each other.
package func contiguousStrides(_ shape: [Int]) -> [Int] {
  var strides = shape
  var next = 1
  for index in shape.indices.reversed() {
    strides[index] = next
    next *= shape[index]
  }
  return strides
}

/// The fewest dimensions that visit the same elements in the same order, with each tensor's distances along them.
///
/// Dimensions of 1 are left out, and neighbours become one where every tensor goes through them evenly.
package func mergedDimensions(_ shape: [Int], _ strides: [[Int]]) -> (shape: [Int], strides: [[Int]]) {
  var merged: (shape: [Int], strides: [[Int]]) = ([], strides.map { _ in [] })
  for (index, count) in shape.enumerated() where count != 1 {
    let isEven = zip(merged.strides, strides).allSatisfy { $0.last == $1[index] * count }
    if isEven, let last = merged.shape.indices.last {
      merged.shape[last] *= count
      for tensor in strides.indices { merged.strides[tensor][last] = strides[tensor][index] }
    } else {
      merged.shape.append(count)
      for tensor in strides.indices { merged.strides[tensor].append(strides[tensor][index]) }
    }
  }
  return merged.shape.isEmpty ? ([1], strides.map { _ in [0] }) : merged
}
