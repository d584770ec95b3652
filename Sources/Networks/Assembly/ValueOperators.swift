import QuantInfer

// Functions, operators on two tensors, means, maxima and softmax.

extension GraphBuilder {
  /// What an operator on two tensors reads.
  package enum Operand {
    /// A tensor.
    case value(Value)
    /// A constant.
    case constant(ConstantArray)

    /// The dimensions.
    package var shape: [Int] {
      switch self {
      case .value(let value): value.shape
      case .constant(let constant): constant.shape
      }
    }
  }

  /// A function of each value.
  package mutating func mapped(_ value: Value, _ function: FloatFunction) throws(InvalidNetwork) -> Value {
    let source = try settled(value)
    let tensor = try append(
      function.kind, [source.tensor], shape: tensors[source.tensor].shape, .function(function))
    return Value(tensor: tensor, layout: source.layout)
  }

  /// max(x, 0) plus a slope times min(x, 0); the slopes' dimensions are those of the value or 1.
  ///
  /// - Throws: `InvalidNetwork` where the shapes don't fit together.
  package mutating func prelu(_ value: Value, slopes: ConstantArray) throws(InvalidNetwork) -> Value {
    if slopes.values.count == 1 { return try mapped(value, .leakyRelu(alpha: slopes.values[0])) }
    let positive = try mapped(value, .clamp(0...Float.infinity))
    let negative = try mapped(value, .clamp(-Float.infinity...0))
    let scaled = try scaled(negative, gains: slopes, offsets: nil)
    return try combined(.add, .value(positive), .value(scaled))
  }

  /// Each value times a gain plus an offset: constants, whose dimensions are those of the value or 1.
  ///
  /// - Throws: `InvalidNetwork` where the shapes don't fit together.
  package mutating func scaled(
    _ value: Value, gains: ConstantArray?, offsets: ConstantArray?
  ) throws(InvalidNetwork) -> Value {
    try requireValues([gains, offsets])
    let source = try settled(value)
    // Along which single factor of memory, the innermost one, the constants differ.
    let constants = [gains, offsets].compactMap(\.self)
    let channelAxis = source.layout.axes.firstIndex { $0 == [source.layout.factors.count - 1] }
    let isPerChannel = constants.allSatisfy { constant in
      let axes = constant.shape.indices.filter { constant.shape[$0] != 1 }
      let offset = source.shape.count - constant.shape.count
      return offset >= 0 && (axes.isEmpty || axes == [(channelAxis ?? -1) - offset])
    }
    guard isPerChannel else {
      var result = source
      if let gains { result = try combined(.multiply, .value(result), .constant(gains)) }
      if let offsets { result = try combined(.add, .value(result), .constant(offsets)) }
      return result
    }
    let isScalar = constants.allSatisfy { $0.values.count == 1 }
    let channels = source.layout.factors.last ?? 1
    func spread(_ constant: ConstantArray?, _ usual: Float) -> [Float] {
      let values = constant?.values ?? [usual]
      return values.count == channels ? values : [Float](repeating: values[0], count: channels)
    }
    let shape = tensors[source.tensor].shape
    let image =
      shape.count == 4 && (isScalar || shape[3] == channels)
      ? shape : [1, source.layout.count / channels, 1, channels]
    let parameters =
      image[3] == channels
      ? FloatGraph.Weights(values: spread(gains, 1), biases: spread(offsets, 0))
      : FloatGraph.Weights(
        values: [Float](repeating: gains?.values[0] ?? 1, count: image[3]),
        biases: [Float](repeating: offsets?.values[0] ?? 0, count: image[3]))
    let tensor = try append(
      .depthwiseConvolution, [try tensor(of: source, shape: image)], shape: image,
      .depthwiseConvolution(.init(), parameters))
    return Value(tensor: tensor, layout: source.layout)
  }

  /// Refuses constants with a dimension of 0, which beside a dimension of 1 would count as one of 1.
  private func requireValues(_ constants: [ConstantArray?]) throws(InvalidNetwork) {
    guard constants.allSatisfy({ $0?.values.isEmpty != true }) else {
      throw InvalidNetwork("has a constant without values")
    }
  }

  /// Two tensors, element by element; dimensions of 1 are repeated.
  ///
  /// - Throws: `InvalidNetwork` where the shapes don't fit together.
  package mutating func combined(
    _ kind: OperatorKind, _ first: Operand, _ second: Operand
  ) throws(InvalidNetwork) -> Value {
    for case .constant(let constant) in [first, second] { try requireValues([constant]) }
    let rank = max(first.shape.count, second.shape.count)
    var operands: [(value: Value?, constant: ConstantArray?, layout: AxisLayout)] = []
    for operand in [first, second] {
      switch operand {
      case .value(let value):
        let value = try simple(value)
        let layout = (0..<rank - value.shape.count).reduce(value.layout) { layout, _ in
          layout.inserting(at: 0)
        }
        operands.append((value, nil, layout))
      case .constant(let constant):
        let shape = [Int](repeating: 1, count: rank - constant.shape.count) + constant.shape
        operands.append((nil, constant, AxisLayout(shape)))
      }
    }
    var shape: [Int] = []
    for (a, b) in zip(operands[0].layout.shape, operands[1].layout.shape) {
      guard a == b || a == 1 || b == 1 else {
        throw InvalidNetwork("has inputs of the shapes \(first.shape) and \(second.shape)")
      }
      shape.append(max(a, b))
    }
    // The output lies in memory as the operand does that has all of its values.
    let lead = operands.first { $0.value != nil && $0.layout.shape == shape }
    let target = lead?.layout ?? AxisLayout(shape)
    let order = target.memoryOrder ?? Array(shape.indices)
    let sizes = order.map { shape[$0] }
    let strides = operands.map { operand in
      // A constant is stored in the output's order.
      let layout =
        operand.constant == nil ? operand.layout : AxisLayout(operand.layout.shape, memoryOrder: order)
      return order.map { axis in layout.axes[axis].first.map { layout.strides[$0] } ?? 0 }
    }
    let merged = mergedDimensions(sizes, strides)
    guard merged.shape.count <= 6 else { throw InvalidNetwork("goes through more than six dimensions") }
    var sources: [Int] = []
    for operand in operands {
      if let value = operand.value {
        sources.append(value.tensor)
      } else if let constant = operand.constant {
        let full = ConstantArray(shape: operand.layout.shape, values: constant.values)
        let stored = full.transposed(order)
        sources.append(self.constant(stored.values, shape: stored.shape))
      }
    }
    let leadShape = lead?.value.map { tensors[$0.tensor].shape }
    let tensor = try append(
      kind, sources, shape: leadShape ?? Self.imageShape(sizes) ?? sizes,
      .elementwise(
        .init(shape: merged.shape, firstStrides: merged.strides[0], secondStrides: merged.strides[1])))
    return Value(tensor: tensor, layout: target)
  }

  /// The mean over some dimensions.
  package mutating func mean(
    _ value: Value, axes: [Int], keepsDimensions: Bool
  ) throws(InvalidNetwork) -> Value {
    let source = try simple(value)
    let reduced = axes.flatMap { source.layout.axes[$0] }.sorted()
    let layout = Self.removing(axes, reduced, from: source.layout, keepsDimensions)
    guard !reduced.isEmpty else { return Value(tensor: source.tensor, layout: layout) }
    let kept = source.layout.factors.indices.filter { !reduced.contains($0) }
    func dimensions(_ factors: [Int]) -> (shape: [Int], strides: [[Int]]) {
      mergedDimensions(
        factors.map { source.layout.factors[$0] }, [factors.map { source.layout.strides[$0] }])
    }
    let (outer, inner) = (dimensions(kept), dimensions(reduced))
    let tensor = try append(
      .mean, [source.tensor], shape: [1] + outer.shape,
      .mean(
        .init(
          shape: outer.shape, strides: outer.strides[0], reducedShape: inner.shape,
          reducedStrides: inner.strides[0], multiplier: .init(multiplierQ31: 0, leftShift: 0))))
    return Value(tensor: tensor, layout: layout)
  }

  /// The greatest value over some dimensions.
  package mutating func maximum(
    _ value: Value, axes: [Int], keepsDimensions: Bool
  ) throws(InvalidNetwork) -> Value {
    var source = try simple(value)
    let others = source.shape.indices.filter { !axes.contains($0) }
    let keptOrder = source.layout.memoryOrder?.filter(others.contains) ?? []
    let units = others.filter { source.shape[$0] == 1 }
    source = try arranged(source, axes + units + keptOrder)
    let reduced = axes.flatMap { source.layout.axes[$0] }.sorted()
    let layout = Self.removing(axes, reduced, from: source.layout, keepsDimensions)
    let depth = reduced.reduce(1) { $0 * source.layout.factors[$1] }
    let width = source.layout.count / depth
    let tensor = try append(
      .maximumPool, [try tensor(of: source, shape: [1, depth, 1, width])], shape: [1, 1, 1, width],
      .maximumPool(.init(time: .init(kernel: depth, stride: depth))))
    return Value(tensor: tensor, layout: layout)
  }

  /// SOFTMAX along a dimension.
  package mutating func softmax(
    _ value: Value, axis: Int, beta: Float = 1
  ) throws(InvalidNetwork) -> Value {
    var source = try settled(value)
    let depth = source.shape[axis]
    let factors = source.layout.axes[axis]
    if factors.sorted() != Array(source.layout.factors.indices.suffix(factors.count)) {
      source = try arranged(source, source.shape.indices.filter { $0 != axis } + [axis])
    }
    let shape = [source.layout.count / depth, depth]
    let tensor = try append(
      .softmax, [try tensor(of: source, shape: shape)], shape: shape, .softmax(beta: beta))
    return Value(tensor: tensor, layout: source.layout)
  }

  /// LOG_SOFTMAX along a dimension: x less the logarithm of the sum of exponentials, which are taken of the distance from
  /// the greatest value.
  package mutating func logSoftmax(_ value: Value, axis: Int) throws(InvalidNetwork) -> Value {
    let count = ConstantArray(Float(value.shape[axis]))
    let greatest = try maximum(value, axes: [axis], keepsDimensions: true)
    let distance = try combined(.subtract, .value(value), .value(greatest))
    let powers = try mapped(distance, .exponential)
    let mean = try mean(powers, axes: [axis], keepsDimensions: true)
    let sum = try mapped(try scaled(mean, gains: count, offsets: nil), .logarithm)
    return try combined(.subtract, .value(distance), .value(sum))
  }

  private static func removing(
    _ axes: [Int], _ factors: [Int], from layout: AxisLayout, _ keepsDimensions: Bool
  ) -> AxisLayout {
    var layout = layout
    for factor in factors.reversed() { layout = layout.resized(factor: factor, to: 1) }
    guard !keepsDimensions else { return layout }
    for axis in axes.sorted().reversed() { layout = layout.removing(axis: axis) }
    return layout
  }
}

extension FloatFunction {
  /// What operators of the function are called.
  var kind: OperatorKind {
    switch self {
    case .clamp(0...6): .relu6
    case .clamp: .relu
    case .leakyRelu: .leakyRelu
    case .logistic: .logistic
    case .tanh: .tanh
    default: .quantize
    }
  }
}
