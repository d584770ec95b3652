import Networks
import QuantInfer

// What the operators of a float `.tflite` model compute; kinds by their numbers in the schema.

extension TFLiteFloatNetwork {
  /// An operator's results.
  ///
  /// - Throws: `NotConvertible` where it isn't one that this program runs in float.
  mutating func results(
    of operation: TFLiteOperator, _ outputs: [Int]
  ) throws(NotConvertible) -> [GraphBuilder.Value] {
    switch operation.kind.rawValue {
    case 3, 4: return [try convolution(operation)]
    case 9: return [try fullyConnected(operation)]
    case 1, 17: return [try pool(operation)]
    case 0, 41, 18, 42, 55, 57, 99: return [try combination(operation)]
    case 40, 82, 74: return [try reduction(operation)]
    case 25:
      let (value, beta) = (try value(operation), try operation.options(.softmax).beta)
      return [
        try operation.building { () throws(InvalidNetwork) in
          try builder.softmax(value, axis: value.shape.count - 1, beta: beta)
        }
      ]
    case 22, 43, 70: return [try value(operation)]
    case 39:
      let (value, order) = (try value(operation), try operation.integers(1, "dimensions"))
      guard order.sorted() == Array(value.shape.indices) else {
        throw operation.refusal("has the order \(order)")
      }
      return [builder.transposed(value, order)]
    case 34, 60: return [try padding(operation)]
    case 2: return [try concatenation(operation)]
    case 50:
      let value = try value(operation)
      return [
        try operation.building { () throws(InvalidNetwork) in
          try builder.logSoftmax(value, axis: value.shape.count - 1)
        }
      ]
    case 54:
      guard let slopes = try constant(operation, 1) else {
        throw operation.refusal("has slopes that aren't constant")
      }
      let value = try value(operation)
      return [
        try operation.building { () throws(InvalidNetwork) in try builder.prelu(value, slopes: slopes) }
      ]
    case 59:
      let value = try value(operation)
      return [
        try operation.building { () throws(InvalidNetwork) in
          try builder.scaled(value, gains: ConstantArray(-1), offsets: nil)
        }
      ]
    case 126: return [try product(operation)]
    case 64, 123: return [try choice(operation)]
    default:
      if let function = try function(operation) {
        let value = try value(operation)
        return [
          try operation.building { () throws(InvalidNetwork) in try builder.mapped(value, function) }
        ]
      }
      if let movement = try operation.movement() { return try moved(operation, by: movement) }
      throw operation.refusal("isn't one of the operators that this program runs in float")
    }
  }

  private func function(_ operation: TFLiteOperator) throws(NotConvertible) -> FloatFunction? {
    switch operation.kind.rawValue {
    case 14: .logistic
    case 28: .tanh
    case 19: .clamp(0...Float.infinity)
    case 20: .clamp(-1...1)
    case 21: .clamp(0...6)
    case 98: .leakyRelu(alpha: try operation.options(.leakyRelu).alpha)
    case 111: .elu(alpha: 1)
    case 117: .hardSwish
    case 47: .exponential
    case 73: .logarithm
    case 75: .squareRoot
    case 76: .reciprocalSquareRoot
    case 92: .square
    case 101: .absolute
    case 150: .gelu(isApproximate: try operation.options(.gelu).isApproximate)
    case 152: .clamp(0...1)
    default: nil
    }
  }

  // MARK: Windows and matrices

  private mutating func convolution(_ operation: TFLiteOperator) throws(NotConvertible) -> GraphBuilder.Value
  {
    let isDepthwise = operation.kind == .depthwiseConv2D
    let options = try operation.options(isDepthwise ? .depthwiseConv2D : .conv2D)
    let value = try value(operation)
    guard let kernel = try constant(operation, 1), kernel.shape.count == 4, value.shape.count == 4 else {
      throw operation.refusal("goes over the shape \(value.shape), or its weights aren't constant")
    }
    // [output, height, width, input], or [1, height, width, output]: outputs first, then the inputs of a group
    let weights = isDepthwise ? kernel.transposed([3, 0, 1, 2]) : kernel.transposed([0, 3, 1, 2])
    let channels = value.shape[3]
    guard weights.shape[1] > 0, channels.isMultiple(of: weights.shape[1]) else {
      throw operation.refusal("has weights of the shape \(kernel.shape) for \(channels) channels")
    }
    let steps = try steps(operation, options, kernel: Array(weights.shape[2...]), over: value)
    let biases = try constant(operation, 2)?.values ?? []
    let result = try operation.building { () throws(InvalidNetwork) in
      let first = builder.transposed(value, [0, 3, 1, 2])
      let sums = try builder.convolution(
        first, weights, biases: biases, steps, groups: channels / weights.shape[1])
      return builder.transposed(sums, [0, 2, 3, 1])
    }
    return try limited(result, options.activation, operation)
  }

  private mutating func pool(_ operation: TFLiteOperator) throws(NotConvertible) -> GraphBuilder.Value {
    let options = try operation.options(.pool2D)
    let value = try value(operation)
    let steps = try steps(
      operation, options, kernel: [Int(options.filterHeight), Int(options.filterWidth)], over: value)
    let isMaximum = operation.kind == .maxPool2D
    let result = try operation.building { () throws(InvalidNetwork) in
      let pooled = try builder.pool(builder.transposed(value, [0, 3, 1, 2]), steps, isMaximum: isMaximum)
      return builder.transposed(pooled, [0, 2, 3, 1])
    }
    return try limited(result, options.activation, operation)
  }

  private func steps(
    _ operation: TFLiteOperator, _ options: TFLiteOptions, kernel: [Int], over value: GraphBuilder.Value
  ) throws(NotConvertible) -> GraphBuilder.Steps {
    let strides = [Int(options.strideHeight), Int(options.strideWidth)]
    let dilations = [Int(options.dilationHeight), Int(options.dilationWidth)]
    guard value.shape.count == 4, (kernel + strides + dilations).allSatisfy({ (1...65_535).contains($0) }),
      options.padding == .same || options.padding == .valid
    else { throw operation.refusal("has an impossible kernel, stride, dilation or padding") }
    return (0..<2).map { axis in
      var step = QuantizedNetwork.Step(kernel: kernel[axis], stride: strides[axis], dilation: dilations[axis])
      let size = value.shape[1 + axis]
      if options.padding == .same {
        let missing = max(0, ((size + step.stride - 1) / step.stride - 1) * step.stride + step.reach - size)
        (step.paddingBefore, step.paddingAfter) = (missing / 2, missing - missing / 2)
      }
      return step
    }
  }

  private mutating func fullyConnected(_ operation: TFLiteOperator) throws(NotConvertible)
    -> GraphBuilder.Value
  {
    let options = try operation.options(.fullyConnected)
    let value = try value(operation)
    guard let matrix = try constant(operation, 1), matrix.shape.count == 2, options.weightsFormat == 0,
      value.shape.reduce(1, *).isMultiple(of: matrix.shape[1])
    else {
      throw operation.refusal(
        "multiplies the shape \(value.shape) by a matrix that isn't constant, or doesn't fit")
    }
    let biases = try constant(operation, 2)?.values ?? []
    let result = try operation.building { () throws(InvalidNetwork) in
      let rows = try builder.reshaped(value, [value.shape.reduce(1, *) / matrix.shape[1], matrix.shape[1]])
      return try builder.dense(rows, matrix, biases: biases)
    }
    return try limited(result, options.activation, operation)
  }

  private mutating func product(_ operation: TFLiteOperator) throws(NotConvertible) -> GraphBuilder.Value {
    let options = try operation.options(.batchMatMul)
    var operands: [GraphBuilder.Operand] = []
    for (place, isTransposed) in [options.transposesFirst, options.transposesSecond].enumerated() {
      let operand = try operand(operation, place)
      let rank = operand.shape.count
      guard isTransposed, rank >= 2 else {
        operands.append(operand)
        continue
      }
      let order = Array(0..<rank - 2) + [rank - 1, rank - 2]
      switch operand {
      case .value(let value): operands.append(.value(builder.transposed(value, order)))
      case .constant(let constant): operands.append(.constant(constant.transposed(order)))
      }
    }
    return try operation.building { () throws(InvalidNetwork) in
      try builder.product(operands[0], operands[1])
    }
  }

  // MARK: Comparisons

  /// Whether values are above a constant, or below; nil for an operator that doesn't compare.
  func condition(_ operation: TFLiteOperator) throws(NotConvertible) -> GraphBuilder.Condition? {
    // LESS, GREATER, GREATER_EQUAL and LESS_EQUAL: whether it holds above, and at the limit.
    let kinds: [Int32: (isAbove: Bool, isIncluded: Bool)] = [
      58: (false, false), 61: (true, false), 62: (true, true), 63: (false, true),
    ]
    guard var kind = kinds[operation.kind.rawValue] else { return nil }
    let value: GraphBuilder.Value
    let limit: Float
    switch (try operand(operation, 0), try operand(operation, 1)) {
    case (.value(let left), .constant(let right)) where right.values.count == 1:
      (value, limit) = (left, right.values[0])
    case (.constant(let left), .value(let right)) where left.values.count == 1:
      (value, limit) = (right, left.values[0])
      kind.isAbove.toggle()
    default: throw operation.refusal("compares two computed tensors, or with more than one constant")
    }
    guard limit.isFinite else { throw operation.refusal("compares with \(limit)") }
    // At or above a limit is above the number before it; below it is not at or above.
    let holdsAbove = kind.isAbove
    return .init(value, limit: holdsAbove == kind.isIncluded ? limit.nextDown : limit, holdsAbove: holdsAbove)
  }

  private mutating func choice(_ operation: TFLiteOperator) throws(NotConvertible) -> GraphBuilder.Value {
    guard let condition = conditions[try operation.inputIndex(0)] else {
      throw operation.refusal("chooses by what isn't a comparison with a constant")
    }
    let (first, second) = (try operand(operation, 1), try operand(operation, 2))
    return try operation.building { () throws(InvalidNetwork) in
      try builder.chosen(condition, first, second)
    }
  }

  // MARK: Two tensors, and dimensions

  private mutating func combination(_ operation: TFLiteOperator) throws(NotConvertible) -> GraphBuilder.Value
  {
    let activation = operation.operation.options?.activation ?? .none
    let (first, second) = (try operand(operation, 0), try operand(operation, 1))
    let kind = operation.kind.rawValue
    func opposite(_ array: ConstantArray) -> ConstantArray {
      ConstantArray(shape: array.shape, values: array.values.map { -$0 })
    }
    let result = try operation.building { () throws(InvalidNetwork) in
      switch (kind, first, second) {
      case (0, .value(let value), .constant(let constant)), (0, .constant(let constant), .value(let value)):
        return try builder.scaled(value, gains: nil, offsets: constant)
      case (41, .value(let value), .constant(let constant)):
        return try builder.scaled(value, gains: nil, offsets: opposite(constant))
      case (18, .value(let value), .constant(let constant)), (18, .constant(let constant), .value(let value)):
        return try builder.scaled(value, gains: constant, offsets: nil)
      case (42, .value(let value), .constant(let constant)):
        let inverse = ConstantArray(shape: constant.shape, values: constant.values.map { 1 / $0 })
        return try builder.scaled(value, gains: inverse, offsets: nil)
      case (42, _, .value(let divisor)):
        let inverse = try builder.mapped(divisor, .reciprocal)
        return try builder.combined(.multiply, first, .value(inverse))
      case (99, _, _): return try builder.mapped(try builder.combined(.subtract, first, second), .square)
      default:
        let kinds: [Int32: OperatorKind] = [
          0: .add, 41: .subtract, 18: .multiply, 55: .maximum, 57: .minimum,
        ]
        return try builder.combined(kinds[kind] ?? .add, first, second)
      }
    }
    return try limited(result, activation, operation)
  }

  private mutating func reduction(_ operation: TFLiteOperator) throws(NotConvertible) -> GraphBuilder.Value {
    let value = try value(operation)
    let rank = value.shape.count
    var axes: [Int] = []
    for axis in try operation.integers(1, "axes") {
      guard (-rank..<rank).contains(axis) else {
        throw operation.refusal("has the axis \(axis) of \(rank) dimensions")
      }
      axes.append(axis < 0 ? axis + rank : axis)
    }
    let count = ConstantArray(Float(axes.reduce(1) { $0 * value.shape[$1] }))
    guard Set(axes).count == axes.count else { throw operation.refusal("names an axis twice") }
    return try operation.building { () throws(InvalidNetwork) in
      if operation.kind.rawValue == 82 {
        return try builder.maximum(value, axes: axes, keepsDimensions: true)
      }
      let mean = try builder.mean(value, axes: axes, keepsDimensions: true)
      return operation.kind.rawValue == 74 ? try builder.scaled(mean, gains: count, offsets: nil) : mean
    }
  }

  // MARK: Rearrangements

  private mutating func padding(_ operation: TFLiteOperator) throws(NotConvertible) -> GraphBuilder.Value {
    let value = try value(operation)
    let amounts = try operation.integers(1, "paddings", count: 2 * value.shape.count)
    let number = try constant(operation, 2)?.values.first ?? 0
    return try operation.building { () throws(InvalidNetwork) in
      try builder.padded(
        value, value.shape.indices.map { (before: amounts[2 * $0], after: amounts[2 * $0 + 1]) }, with: number
      )
    }
  }

  private mutating func concatenation(_ operation: TFLiteOperator) throws(NotConvertible)
    -> GraphBuilder.Value
  {
    let options = try operation.options(.concatenation)
    var operands: [GraphBuilder.Operand] = []
    for place in operation.operation.inputs.indices { operands.append(try operand(operation, place)) }
    let rank = operands.first?.shape.count ?? 0
    let axis = Int(options.axis) + (options.axis < 0 ? rank : 0)
    guard (0..<rank).contains(axis) else {
      throw operation.refusal("has the axis \(options.axis) of \(rank)")
    }
    let result = try operation.building { () throws(InvalidNetwork) in
      try builder.concatenated(operands, axis: axis)
    }
    return try limited(result, options.activation, operation)
  }

  private mutating func slice(_ operation: TFLiteOperator) throws(NotConvertible) -> GraphBuilder.Value {
    let options = try operation.options(.stridedSlice)
    var value = try value(operation)
    let rank = value.shape.count
    let (begins, ends) = (
      try operation.integers(1, "begins", count: rank), try operation.integers(2, "ends", count: rank)
    )
    let steps = try operation.integers(3, "strides", count: rank)
    guard options.ellipsisMask == 0, options.newAxisMask == 0, !options.endIsOffset,
      steps.allSatisfy({ $0 > 0 })
    else {
      throw operation.refusal("has an ellipsis, a new axis, an offset or a stride backwards")
    }
    for axis in 0..<rank {
      let size = value.shape[axis]
      func has(_ mask: Int32) -> Bool { mask >> Int32(axis) & 1 == 1 }
      func place(_ number: Int) -> Int { max(0, min(size, number < 0 ? number + size : number)) }
      let start = has(options.beginMask) ? 0 : place(begins[axis])
      let end = has(options.shrinkAxisMask) ? start + 1 : has(options.endMask) ? size : place(ends[axis])
      let count = (end - start + steps[axis] - 1) / steps[axis]
      value = try operation.building { () throws(InvalidNetwork) in
        try builder.sliced(value, axis: axis, start: start, step: steps[axis], count: count)
      }
    }
    return value
  }

  /// Copies between places, as all operators are that only move values.
  private mutating func moved(
    _ operation: TFLiteOperator, by movement: Movement
  ) throws(NotConvertible) -> [GraphBuilder.Value] {
    var operands: [GraphBuilder.Operand] = []
    for place in movement.inputs { operands.append(try operand(operation, place)) }
    return try operation.building { () throws(InvalidNetwork) in
      var values: [GraphBuilder.Value] = []
      for output in movement.outputs {
        values.append(
          try builder.moved(operands, to: output.shape, output.blocks, isFilled: output.isFilled))
      }
      return values
    }
  }
}
