import QuantInfer

extension GraphBuilder {
  /// Products of matrices, `[..., row, depth]` times `[..., depth, column]`; batches of 1 are repeated.
  ///
  /// - Returns: `[..., row, column]`.
  /// - Throws: `InvalidNetwork` where the shapes don't fit together.
  package mutating func product(_ first: Operand, _ second: Operand) throws(InvalidNetwork) -> Value {
    let rank = max(first.shape.count, second.shape.count)
    let mismatch = InvalidNetwork("multiplies the shapes \(first.shape) and \(second.shape)")
    guard min(first.shape.count, second.shape.count) >= 2 else { throw mismatch }
    var (sources, shapes, strides): ([Int], [[Int]], [[Int]]) = ([], [], [])
    for operand in [first, second] {
      var layout: AxisLayout
      switch operand {
      case .value(let value):
        let value = try simple(value)
        sources.append(value.tensor)
        layout = value.layout
      case .constant(let constant):
        sources.append(self.constant(constant.values, shape: constant.shape))
        layout = AxisLayout(constant.shape)
      }
      while layout.shape.count < rank { layout = layout.inserting(at: 0) }
      shapes.append(layout.shape)
      strides.append(layout.axes.map { $0.first.map { layout.strides[$0] } ?? 0 })
    }
    let batches = zip(shapes[0], shapes[1]).dropLast(2)
    guard batches.allSatisfy({ $0 == $1 || $0 == 1 || $1 == 1 }), shapes[0][rank - 1] == shapes[1][rank - 2]
    else { throw mismatch }
    let shape = batches.map { max($0, $1) } + [shapes[0][rank - 2], shapes[1][rank - 1]]
    let merged = mergedDimensions(
      shape, [strides[0].dropLast() + [0], strides[1].dropLast(2) + [0, strides[1][rank - 1]]])
    guard merged.shape.count <= 6 else { throw InvalidNetwork("goes through more than six dimensions") }
    let target = AxisLayout(shape)
    let tensor = try append(
      .batchMatMul, sources, shape: shape,
      .batchProduct(
        .init(
          shape: merged.shape, firstStrides: merged.strides[0], secondStrides: merged.strides[1],
          depth: shapes[0][rank - 1], firstStep: strides[0][rank - 1], secondStep: strides[1][rank - 2],
          multiplier: .init(multiplierQ31: 0, leftShift: 0))))
    return Value(tensor: tensor, layout: target)
  }
}
