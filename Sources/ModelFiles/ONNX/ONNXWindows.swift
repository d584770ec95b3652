import Networks
import QuantInfer

// Convolutions, pools, products with matrices, and normalization.

extension ONNXImport {
  /// What an operator with weights or a window computes; nil for other kinds.
  mutating func window(_ node: ONNXNode) throws(NotConvertible) -> [ONNXValue]? {
    let result: GraphBuilder.Value
    switch node.node.kind {
    case "Conv": result = try convolution(node)
    case "Gemm": result = try gemm(node)
    case "MatMul": result = try product(node)
    case "BatchNormalization": result = try batchNormalization(node)
    case "AveragePool": result = try pool(node, isMaximum: false)
    case "MaxPool": result = try pool(node, isMaximum: true)
    case "GlobalAveragePool", "GlobalMaxPool":
      let value = try node.value()
      guard value.shape.count > 2 else { throw node.refusal("goes over the shape \(value.shape)") }
      let axes = Array(2..<value.shape.count)
      result = try node.building { () throws(InvalidNetwork) in
        node.node.kind == "GlobalMaxPool"
          ? try builder.maximum(value, axes: axes, keepsDimensions: true)
          : try builder.mean(value, axes: axes, keepsDimensions: true)
      }
    default: return nil
    }
    return [.value(result)]
  }

  private mutating func convolution(_ node: ONNXNode) throws(NotConvertible) -> GraphBuilder.Value {
    let (value, weights) = (try node.value(), try node.constant(1).array)
    let biases = try node.optionalConstant(2)?.floats ?? []
    guard weights.shape.count >= 3 else { throw node.refusal("has weights of the shape \(weights.shape)") }
    let steps = try node.steps(kernel: Array(weights.shape[2...]), over: value.shape)
    let groups = try node.integer("group", 1)
    return try node.building { () throws(InvalidNetwork) in
      try builder.convolution(value, weights, biases: biases, steps, groups: groups)
    }
  }

  private mutating func pool(_ node: ONNXNode, isMaximum: Bool) throws(NotConvertible) -> GraphBuilder.Value {
    var value = try node.value()
    guard let kernel = try node.integers("kernel_shape") else { throw node.refusal("has no kernel") }
    var steps = try node.steps(kernel: kernel, over: value.shape)
    let isPadded = steps.contains { $0.paddingBefore + $0.paddingAfter > 0 }
    if !isMaximum, isPadded, try node.integer("count_include_pad", 0) != 0 {
      let padding = steps.map { (before: $0.paddingBefore, after: $0.paddingAfter) }
      value = try node.building { () throws(InvalidNetwork) in
        try builder.padded(value, [(0, 0), (0, 0)] + padding)
      }
      for axis in steps.indices { (steps[axis].paddingBefore, steps[axis].paddingAfter) = (0, 0) }
    }
    if try node.integer("ceil_mode", 0) != 0 {
      // One more window, which must begin before the padding at the end.
      for (axis, count) in value.shape.dropFirst(2).enumerated() {
        let step = steps[axis]
        let rest = count + step.paddingBefore + step.paddingAfter - step.reach
        let missing = (step.stride - rest % step.stride) % step.stride
        let start = (rest + missing) / step.stride * step.stride
        if rest >= 0, missing > 0, start < count + step.paddingBefore { steps[axis].paddingAfter += missing }
      }
    }
    return try node.building { () throws(InvalidNetwork) in
      try builder.pool(value, steps, isMaximum: isMaximum)
    }
  }

  private mutating func gemm(_ node: ONNXNode) throws(NotConvertible) -> GraphBuilder.Value {
    let value = try node.value()
    var matrix = try node.constant(1).array
    guard matrix.shape.count == 2, value.shape.count == 2 else {
      throw node.refusal("multiplies the shapes \(value.shape) and \(matrix.shape)")
    }
    guard try node.integer("transA", 0) == 0 else { throw node.refusal("transposes what it reads") }
    if try node.integer("transB", 0) == 0 { matrix = matrix.transposed([1, 0]) }
    let (alpha, beta) = (try node.float("alpha", 1), try node.float("beta", 1))
    if alpha != 1 {
      matrix.values = matrix.values.map { alpha * $0 }
      matrix.scales = []
    }
    let outputs = matrix.shape[0]
    var biases: [Float] = []
    if let constant = try node.optionalConstant(2) {
      guard constant.values.count == 1 || constant.values.count == outputs else {
        throw node.refusal("has biases of the shape \(constant.shape)")
      }
      biases = (0..<outputs).map { beta * Float(constant.values[constant.values.count == 1 ? 0 : $0]) }
    }
    return try node.building { () throws(InvalidNetwork) in try builder.dense(value, matrix, biases: biases) }
  }

  private mutating func product(_ node: ONNXNode) throws(NotConvertible) -> GraphBuilder.Value {
    let (first, second) = (try node.input(0), try node.input(1))
    guard case .value(let value) = first, case .constant(let constant) = second, constant.shape.count >= 2,
      case let leading = constant.shape.dropLast(2), leading.allSatisfy({ $0 == 1 }),
      constant.shape.count <= max(2, value.shape.count)
    else {
      return try node.building { () throws(InvalidNetwork) in
        try builder.product(first.operand, second.operand)
      }
    }
    var matrix = constant.array
    matrix.shape = Array(matrix.shape.suffix(2))
    matrix.scaleAxis = max(0, matrix.scaleAxis - leading.count)
    matrix = matrix.transposed([1, 0])
    return try node.building { () throws(InvalidNetwork) in try builder.dense(value, matrix, biases: []) }
  }

  private mutating func batchNormalization(_ node: ONNXNode) throws(NotConvertible) -> GraphBuilder.Value {
    let value = try node.value()
    guard try node.integer("training_mode", 0) == 0 else { throw node.refusal("is in training mode") }
    let epsilon = try node.float("epsilon", 1e-5)
    let (scale, shift) = (try node.constant(1).values, try node.constant(2).values)
    let (mean, variance) = (try node.constant(3).values, try node.constant(4).values)
    let channels = scale.count
    guard value.shape.count >= 2, value.shape[1] == channels,
      [shift, mean, variance].allSatisfy({ $0.count == channels })
    else { throw node.refusal("normalizes \(channels) channels of the shape \(value.shape)") }
    let gains = (0..<channels).map { scale[$0] / (variance[$0] + Double(epsilon)).squareRoot() }
    let offsets = (0..<channels).map { shift[$0] - mean[$0] * gains[$0] }
    let shape = value.shape.indices.map { $0 == 1 ? channels : 1 }
    return try node.building { () throws(InvalidNetwork) in
      try builder.scaled(
        value, gains: ConstantArray(shape: shape, values: gains.map { Float($0) }),
        offsets: ConstantArray(shape: shape, values: offsets.map { Float($0) }))
    }
  }
}

extension ONNXNode {
  /// The steps along the spatial dimensions.
  func steps(kernel: [Int], over shape: [Int]) throws(NotConvertible) -> GraphBuilder.Steps {
    let rank = kernel.count
    guard shape.count == rank + 2, (1...2).contains(rank) else {
      throw refusal("goes over the shape \(shape) with a kernel of the shape \(kernel)")
    }
    if let named = try integers("kernel_shape"), named != kernel {
      throw refusal("has a kernel of the shape \(kernel), not \(named)")
    }
    let strides = try integers("strides") ?? kernel.map { _ in 1 }
    let dilations = try integers("dilations") ?? kernel.map { _ in 1 }
    let padding = try integers("pads") ?? [Int](repeating: 0, count: 2 * rank)
    let numbers = kernel + strides + dilations
    guard strides.count == rank, dilations.count == rank, padding.count == 2 * rank,
      numbers.allSatisfy({ (1...65_535).contains($0) }), padding.allSatisfy({ (0...65_535).contains($0) })
    else {
      throw refusal(
        "has the kernel \(kernel), the strides \(strides), the dilations \(dilations) and the padding \(padding)"
      )
    }
    let automatic = try text("auto_pad", "NOTSET")
    var steps: GraphBuilder.Steps = []
    for axis in 0..<rank {
      var step = QuantizedNetwork.Step(
        kernel: kernel[axis], stride: strides[axis], dilation: dilations[axis], paddingBefore: padding[axis],
        paddingAfter: padding[rank + axis])
      switch automatic {
      case "NOTSET", "": break
      case "VALID": (step.paddingBefore, step.paddingAfter) = (0, 0)
      case "SAME_UPPER", "SAME_LOWER":
        let size = shape[2 + axis]
        let missing = max(0, ((size + step.stride - 1) / step.stride - 1) * step.stride + step.reach - size)
        let less = missing / 2
        (step.paddingBefore, step.paddingAfter) =
          automatic == "SAME_UPPER" ? (less, missing - less) : (missing - less, less)
      default: throw refusal("has the padding \(automatic.prefix(20))")
      }
      steps.append(step)
    }
    return steps
  }
}
