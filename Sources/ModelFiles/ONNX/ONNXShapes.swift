import Networks

// What operators say of shapes and places, the same for constants and computed tensors.

extension ONNXNode {
  /// The dimensions after RESHAPE, FLATTEN, SQUEEZE or UNSQUEEZE.
  func reshaped(_ shape: [Int]) throws(NotConvertible) -> [Int] {
    switch node.kind {
    case "Flatten":
      let axis = try integer("axis", 1)
      guard (-shape.count...shape.count).contains(axis) else {
        throw refusal("has the axis \(axis) of \(shape.count) dimensions")
      }
      let place = axis < 0 ? axis + shape.count : axis
      return [shape[..<place].reduce(1, *), shape[place...].reduce(1, *)]
    case "Squeeze":
      let wanted = try integers("axes", orInput: 1)
      let axes = try wanted.map { (axes) throws(NotConvertible) in try self.axes(axes, rank: shape.count) }
      let removed = axes ?? shape.indices.filter { shape[$0] == 1 }
      guard removed.allSatisfy({ shape[$0] == 1 }) else {
        throw refusal("leaves out dimensions of \(shape) that aren't 1")
      }
      return shape.indices.filter { !removed.contains($0) }.map { shape[$0] }
    case "Unsqueeze":
      guard let wanted = try integers("axes", orInput: 1), wanted.count <= 8 else {
        throw refusal("names no axes")
      }
      let rank = shape.count + wanted.count
      var rest = shape[...]
      let axes = try self.axes(wanted, rank: rank)
      return (0..<rank).map { axes.contains($0) ? 1 : rest.removeFirst() }
    default: return try requested(try constant(1).integers, of: shape)
    }
  }

  /// RESHAPE's dimensions: 0 keeps one, -1 takes what is left.
  private func requested(_ numbers: [Int], of shape: [Int]) throws(NotConvertible) -> [Int] {
    let keepsZeros = try integer("allowzero", 0) != 0
    var result: [Int] = []
    for (axis, number) in numbers.enumerated() {
      let copied = number == 0 && !keepsZeros && axis < shape.count ? shape[axis] : number
      guard (-1...ONNXTensor.greatestCount).contains(copied), result.count < 16 else {
        throw refusal("asks for the shape \(numbers)")
      }
      result.append(copied)
    }
    let count = shape.reduce(1, *)
    let known = result.filter { $0 != -1 }.reduce(1) { min($0 * $1, ONNXTensor.greatestCount + 1) }
    if let open = result.firstIndex(of: -1), known > 0, count.isMultiple(of: known) {
      result[open] = count / known
    }
    guard !result.contains(-1), result.reduce(1, { min($0 * $1, ONNXTensor.greatestCount + 1) }) == count
    else {
      throw refusal("goes from the shape \(shape) to \(numbers)")
    }
    return result
  }

  /// TRANSPOSE's order.
  func permutation(rank: Int) throws(NotConvertible) -> [Int] {
    let order = try integers("perm") ?? Array((0..<rank).reversed())
    guard order.sorted().elementsEqual(0..<rank) else {
      throw refusal("has the order \(order) of \(rank) dimensions")
    }
    return order
  }

  /// A part of a dimension.
  struct Slice {
    var axis: Int
    var start: Int
    var step: Int
    var count: Int
    /// The values' places.
    var places: [Int] { (0..<count).map { start + $0 * step } }
  }

  /// SLICE's parts of a shape, of which none is empty unless the tensor is a constant.
  func slices(_ shape: [Int]) throws(NotConvertible) -> [Slice] {
    guard let starts = try integers("starts", orInput: 1), let ends = try integers("ends", orInput: 2) else {
      throw refusal("names no starts and ends")
    }
    let named = try integers("axes", orInput: 3) ?? Array(starts.indices)
    let steps = try optionalConstant(4)?.integers ?? starts.map { _ in 1 }
    guard starts.count == ends.count, named.count == starts.count, steps.count == starts.count,
      !steps.contains(0), steps.allSatisfy({ $0.magnitude < 1 << 32 })
    else {
      throw refusal(
        "has \(starts.count) starts, \(ends.count) ends, \(named.count) axes, \(steps.count) steps")
    }
    let axes = try self.axes(named, rank: shape.count)
    return axes.enumerated().map { index, axis in
      let (size, step) = (shape[axis], steps[index])
      func place(_ number: Int, _ range: ClosedRange<Int>) -> Int {
        let place = number < 0 ? number &+ size : number
        // A number so low that it wraps is below all places.
        return number < 0 && place > size
          ? range.lowerBound : max(range.lowerBound, min(range.upperBound, place))
      }
      let start = place(starts[index], step > 0 ? 0...size : (size == 0 ? 0...0 : 0...size - 1))
      let end = place(ends[index], step > 0 ? 0...size : -1...max(-1, size - 1))
      let distance = step > 0 ? end - start : start - end
      let stride = abs(step)
      return Slice(axis: axis, start: start, step: step, count: max(0, (distance + stride - 1) / stride))
    }
  }

  /// GATHER's dimension, its places and the dimensions that take its place.
  func gathering(_ shape: [Int]) throws(NotConvertible) -> (axis: Int, places: [Int], shape: [Int]) {
    let axis = try axis(try integer("axis", 0), rank: shape.count)
    let indices = try constant(1)
    var places: [Int] = []
    for index in indices.integers {
      guard (-shape[axis]..<shape[axis]).contains(index) else {
        throw refusal("gathers the place \(index) of \(shape[axis])")
      }
      places.append(index < 0 ? index + shape[axis] : index)
    }
    return (axis, places, indices.shape)
  }

  /// The dimensions of two tensors whose dimensions of 1 are repeated.
  func broadcast(_ first: [Int], _ second: [Int]) throws(NotConvertible) -> [Int] {
    let rank = max(first.count, second.count)
    func padded(_ shape: [Int]) -> [Int] { [Int](repeating: 1, count: rank - shape.count) + shape }
    var shape: [Int] = []
    for (a, b) in zip(padded(first), padded(second)) {
      guard a == b || a == 1 || b == 1, rank <= 16 else {
        throw refusal("has the shapes \(first) and \(second)")
      }
      shape.append(a == 1 ? b : a)
    }
    return shape
  }
}
