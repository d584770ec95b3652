import QuantInfer

/// ADD, SUB, MUL, MAXIMUM and MINIMUM with repeated values.
struct FloatElementwise: FloatKernel {
  private let walk: StridedWalk
  private let combine: @Sendable (Float, Float) -> Float

  /// Prepares an operator; nil where its shapes don't fit together.
  init?(
    _ kind: OperatorKind, _ elementwise: QuantizedNetwork.Elementwise, from sources: [FloatGraph.Tensor],
    to target: FloatGraph.Tensor
  ) {
    switch kind {
    case .add: combine = { $0 + $1 }
    case .subtract: combine = { $0 - $1 }
    case .multiply: combine = { $0 * $1 }
    case .maximum: combine = { max($0, $1) }
    case .minimum: combine = { min($0, $1) }
    default: return nil
    }
    guard sources.count == 2, elementwise.shape.reduce(1, *) == target.count,
      let walk = StridedWalk(
        elementwise.shape, strides: [elementwise.firstStrides, elementwise.secondStrides], starts: [0, 0],
        counts: sources.map(\.count))
    else { return nil }
    self.walk = walk
  }

  func compute(_ inputs: [UnsafePointer<Float>], into target: UnsafeMutablePointer<Float>) {
    var output = target
    let (first, second) = (walk.innerStrides[0], walk.innerStrides[1])
    walk.forEachRow(from: [0, 0]) { places in
      let (a, b) = (inputs[0] + places[0], inputs[1] + places[1])
      for index in 0..<walk.innerCount { output[index] = combine(a[index * first], b[index * second]) }
      output += walk.innerCount
    }
  }
}
