import Networks
import QuantInfer

// Functions of single values, SOFTMAX, and normalization over dimensions.

extension ONNXImport {
  /// What an activation or normalization computes; nil for other kinds.
  mutating func activation(_ node: ONNXNode) throws(NotConvertible) -> [ONNXValue]? {
    if let function = try node.function() {
      let value = try node.value()
      return [.value(try node.building { () throws(InvalidNetwork) in try builder.mapped(value, function) })]
    }
    let result: GraphBuilder.Value
    switch node.node.kind {
    case "PRelu":
      let (value, slopes) = (try node.value(), try node.constant(1).array)
      result = try node.building { () throws(InvalidNetwork) in try builder.prelu(value, slopes: slopes) }
    case "Softmax": result = try softmax(node)
    case "LogSoftmax":
      let value = try node.value()
      let axis = try node.axis(try node.integer("axis", -1), rank: value.shape.count)
      result = try node.building { () throws(InvalidNetwork) in try builder.logSoftmax(value, axis: axis) }
    case "LayerNormalization": result = try layerNormalization(node)
    default: return nil
    }
    return [.value(result)]
  }

  private mutating func softmax(_ node: ONNXNode) throws(NotConvertible) -> GraphBuilder.Value {
    var value = try node.value()
    guard node.operatorSet < 13 else {
      let axis = try node.axis(try node.integer("axis", -1), rank: value.shape.count)
      return try node.building { () throws(InvalidNetwork) in try builder.softmax(value, axis: axis) }
    }
    // Before opset 13 all dimensions from the axis on were one.
    let shape = value.shape
    let axis = try node.axis(try node.integer("axis", 1), rank: shape.count)
    return try node.building { () throws(InvalidNetwork) in
      value = try builder.reshaped(value, [shape[..<axis].reduce(1, *), shape[axis...].reduce(1, *)])
      return try builder.reshaped(try builder.softmax(value, axis: 1), shape)
    }
  }

  private mutating func layerNormalization(_ node: ONNXNode) throws(NotConvertible) -> GraphBuilder.Value {
    let value = try node.value()
    let first = try node.axis(try node.integer("axis", -1), rank: value.shape.count)
    let epsilon = try node.float("epsilon", 1e-5)
    let (scale, shift) = (try node.constant(1).array, try node.optionalConstant(2)?.array)
    let axes = Array(first..<value.shape.count)
    return try node.building { () throws(InvalidNetwork) in
      let mean = try builder.mean(value, axes: axes, keepsDimensions: true)
      let distance = try builder.combined(.subtract, .value(value), .value(mean))
      let square = try builder.mapped(distance, .square)
      let variance = try builder.mean(square, axes: axes, keepsDimensions: true)
      let raised = try builder.scaled(variance, gains: nil, offsets: ConstantArray(epsilon))
      let factor = try builder.mapped(raised, .reciprocalSquareRoot)
      let normal = try builder.combined(.multiply, .value(distance), .value(factor))
      return try builder.scaled(normal, gains: scale, offsets: shift)
    }
  }
}

extension ONNXNode {
  /// The operator as a function of single values; nil where it isn't one.
  fileprivate func function() throws(NotConvertible) -> FloatFunction? {
    switch node.kind {
    case "Relu": .clamp(0...Float.infinity)
    case "Clip": .clamp(try limits())
    case "LeakyRelu": .leakyRelu(alpha: try float("alpha", 0.01))
    case "Elu": .elu(alpha: try float("alpha", 1))
    case "Selu": .elu(alpha: try float("alpha", 1.673_263_2), scale: try float("gamma", 1.050_701))
    case "Sigmoid": .logistic
    case "Tanh": .tanh
    case "HardSigmoid": .hardSigmoid(slope: try float("alpha", 0.2), offset: try float("beta", 0.5))
    case "HardSwish": .hardSwish
    case "Gelu": .gelu(isApproximate: try text("approximate", "none") == "tanh")
    case "Swish": try float("alpha", 1) == 1 ? .silu : nil
    case "Mish": .mish
    case "Erf": .erf
    case "Softplus": .softplus
    case "Softsign": .softsign
    case "Exp": .exponential
    case "Log": .logarithm
    case "Sqrt": .squareRoot
    case "Reciprocal": .reciprocal
    case "Abs": .absolute
    case "Pow":
      switch try constant(1).values {
      case [2]: .square
      case [0.5]: .squareRoot
      case [-1]: .reciprocal
      case [-0.5]: .reciprocalSquareRoot
      default: throw refusal("raises to a power that isn't 2, 1/2, -1 or -1/2")
      }
    default: nil
    }
  }

  /// CLIP's limits.
  private func limits() throws(NotConvertible) -> ClosedRange<Float> {
    var (least, greatest) = (try float("min", -.infinity), try float("max", .infinity))
    if let number = try optionalConstant(1)?.floats.first { least = number }
    if let number = try optionalConstant(2)?.floats.first { greatest = number }
    guard least <= greatest else { throw refusal("has the limits \(least) and \(greatest)") }
    return least...greatest
  }
}
