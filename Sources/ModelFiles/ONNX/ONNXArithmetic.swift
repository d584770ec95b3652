import Networks
import QuantInfer

// Operators on two tensors, and means and maxima over dimensions.

extension ONNXImport {
  /// What a sum, product or the like computes; nil for other kinds.
  mutating func arithmetic(_ node: ONNXNode) throws(NotConvertible) -> [ONNXValue]? {
    let result: GraphBuilder.Value
    switch node.node.kind {
    case "Add", "Sub", "Mul", "Div": result = try linear(node)
    case "Sum", "Max", "Min": result = try chain(node)
    case "Neg":
      let value = try node.value()
      result = try node.building { () throws(InvalidNetwork) in
        try builder.scaled(value, gains: ConstantArray(-1), offsets: nil)
      }
    case "ReduceMean", "ReduceMax", "ReduceSum", "ReduceL2", "ReduceSumSquare": result = try reduction(node)
    default: return nil
    }
    return [.value(result)]
  }

  private mutating func linear(_ node: ONNXNode) throws(NotConvertible) -> GraphBuilder.Value {
    guard node.inputs.count == 2 else { throw node.refusal("has \(node.inputs.count) inputs") }
    let (first, second) = (try node.input(0), try node.input(1))
    func negative(_ array: ConstantArray) -> ConstantArray {
      ConstantArray(shape: array.shape, values: array.values.map { -$0 })
    }
    return try node.building { () throws(InvalidNetwork) in
      switch (node.node.kind, first, second) {
      case ("Add", .value(let value), .constant(let constant)),
        ("Add", .constant(let constant), .value(let value)):
        return try builder.scaled(value, gains: nil, offsets: constant.array)
      case ("Mul", .value(let value), .constant(let constant)),
        ("Mul", .constant(let constant), .value(let value)):
        return try builder.scaled(value, gains: constant.array, offsets: nil)
      case ("Sub", .value(let value), .constant(let constant)):
        return try builder.scaled(value, gains: nil, offsets: negative(constant.array))
      case ("Sub", .constant(let constant), .value(let value)):
        let opposite = try builder.scaled(value, gains: ConstantArray(-1), offsets: nil)
        return try builder.scaled(opposite, gains: nil, offsets: constant.array)
      case ("Div", .value(let value), .constant(let constant)):
        let inverse = ConstantArray(shape: constant.shape, values: constant.values.map { Float(1 / $0) })
        return try builder.scaled(value, gains: inverse, offsets: nil)
      case ("Div", _, .value(let divisor)):
        let inverse = try builder.mapped(divisor, .reciprocal)
        if case .constant(let constant) = first {
          return try builder.scaled(inverse, gains: constant.array, offsets: nil)
        }
        return try builder.combined(.multiply, first.operand, .value(inverse))
      case ("Add", _, _): return try builder.combined(.add, first.operand, second.operand)
      case ("Sub", _, _): return try builder.combined(.subtract, first.operand, second.operand)
      default: return try builder.combined(.multiply, first.operand, second.operand)
      }
    }
  }

  /// Any number of tensors, one after the other.
  private mutating func chain(_ node: ONNXNode) throws(NotConvertible) -> GraphBuilder.Value {
    let kind: OperatorKind = node.node.kind == "Sum" ? .add : node.node.kind == "Max" ? .maximum : .minimum
    var operands: [ONNXValue] = []
    for place in node.inputs.indices { operands.append(try node.input(place)) }
    // A computed tensor first, so that constants are never alone.
    guard let first = operands.firstIndex(where: { if case .value = $0 { true } else { false } }) else {
      throw node.refusal("has constants alone")
    }
    operands.swapAt(0, first)
    guard case .value(var result) = operands[0] else { throw node.refusal("has constants alone") }
    for operand in operands.dropFirst() {
      result = try node.building { () throws(InvalidNetwork) in
        if case .constant(let constant) = operand, constant.values.count == 1, kind != .add {
          let limit = Float(constant.values[0])
          return try builder.mapped(
            result, .clamp(kind == .maximum ? limit...Float.infinity : -Float.infinity...limit))
        }
        return try builder.combined(kind, .value(result), operand.operand)
      }
    }
    return result
  }

  private mutating func reduction(_ node: ONNXNode) throws(NotConvertible) -> GraphBuilder.Value {
    let value = try node.value()
    let named = try node.integers("axes", orInput: 1) ?? []
    if named.isEmpty, try node.integer("noop_with_empty_axes", 0) != 0 { return value }
    let rank = value.shape.count
    let axes = named.isEmpty ? Array(0..<rank) : try node.axes(named, rank: rank)
    let keeps = try node.integer("keepdims", 1) != 0
    let count = ConstantArray(Float(axes.reduce(1) { $0 * value.shape[$1] }))
    return try node.building { () throws(InvalidNetwork) in
      switch node.node.kind {
      case "ReduceMax": return try builder.maximum(value, axes: axes, keepsDimensions: keeps)
      case "ReduceMean": return try builder.mean(value, axes: axes, keepsDimensions: keeps)
      case "ReduceSum":
        let mean = try builder.mean(value, axes: axes, keepsDimensions: keeps)
        return try builder.scaled(mean, gains: count, offsets: nil)
      default:
        let squares = try builder.mapped(value, .square)
        let mean = try builder.mean(squares, axes: axes, keepsDimensions: keeps)
        let sum = try builder.scaled(mean, gains: count, offsets: nil)
        return node.node.kind == "ReduceL2" ? try builder.mapped(sum, .squareRoot) : sum
      }
    }
  }
}
