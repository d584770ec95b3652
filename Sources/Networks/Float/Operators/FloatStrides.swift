/// A walk over the elements of some dimensions, with a place in each of some tensors.
struct StridedWalk: Sendable {
  private let outerShape: [Int]
  private let outerStrides: [[Int]]
  /// The length of the innermost dimension.
  let innerCount: Int
  /// Each tensor's distance between neighbours along the innermost dimension.
  let innerStrides: [Int]

  /// Prepares a walk; nil where the dimensions and distances don't fit together, or leave `counts` values of a tensor.
  init?(_ shape: [Int], strides: [[Int]], starts: [Int], counts: [Int]) {
    guard !shape.isEmpty, shape.allSatisfy({ $0 > 0 }), strides.allSatisfy({ $0.count == shape.count }) else {
      return nil
    }
    for (index, strides) in strides.enumerated() {
      let reaches = zip(shape, strides).map { ($0 - 1) * $1 }
      let least = starts[index] + reaches.reduce(0) { $0 + min($1, 0) }
      let greatest = starts[index] + reaches.reduce(0) { $0 + max($1, 0) }
      guard least >= 0, greatest < counts[index] else { return nil }
    }
    outerShape = Array(shape.dropLast())
    outerStrides = strides.map { Array($0.dropLast()) }
    innerCount = shape[shape.count - 1]
    innerStrides = strides.map { $0[shape.count - 1] }
  }

  /// Calls `body` with the tensors' places at the beginning of each row of the innermost dimension.
  func forEachRow(from starts: [Int], _ body: (_ places: [Int]) -> Void) {
    var index = [Int](repeating: 0, count: outerShape.count)
    var places = starts
    while true {
      body(places)
      var axis = outerShape.count - 1
      while axis >= 0 {
        index[axis] += 1
        for tensor in places.indices { places[tensor] += outerStrides[tensor][axis] }
        if index[axis] < outerShape[axis] { break }
        for tensor in places.indices { places[tensor] -= outerShape[axis] * outerStrides[tensor][axis] }
        index[axis] = 0
        axis -= 1
      }
      guard axis >= 0 else { return }
    }
  }
}
