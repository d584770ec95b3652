import QuantInfer

// Convolutions and pools on `[batch, channel, time]` or `[batch, channel, time, frequency]`, and fully connected
// operators.

extension GraphBuilder {
  /// The steps along the spatial dimensions: one or two.
  package typealias Steps = [QuantizedNetwork.Step]

  /// A convolution over channels-first dimensions.
  ///
  /// - Parameters:
  ///   - value: `[batch, channel, time]` or `[batch, channel, time, frequency]`.
  ///   - weights: `[output channel, channel of the group, kernel time(, kernel frequency)]`.
  ///   - biases: One an output channel; none for zeros.
  ///   - steps: The steps along time, and frequency.
  ///   - groups: The number of groups of channels.
  /// - Returns: `[batch, output channel, time(, frequency)]`.
  /// - Throws: `InvalidNetwork` where the shapes don't fit together.
  package mutating func convolution(
    _ value: Value, _ weights: ConstantArray, biases: [Float], _ steps: Steps, groups: Int
  ) throws(InvalidNetwork) -> Value {
    guard isTimeLast, value.shape.count == 4, weights.shape.count == 4 else {
      return try straightConvolution(value, weights, biases: biases, steps, groups: groups)
    }
    let turned = try straightConvolution(
      transposed(value, Self.turn), weights.transposed(Self.turn), biases: biases, steps.reversed(),
      groups: groups)
    return transposed(turned, Self.turn)
  }

  /// The order of dimensions that exchanges an image's height and width.
  private static let turn = [0, 1, 3, 2]

  private mutating func straightConvolution(
    _ value: Value, _ weights: ConstantArray, biases: [Float], _ steps: Steps, groups: Int
  ) throws(InvalidNetwork) -> Value {
    let (source, steps) = try image(value, steps)
    let channels = source.shape[1]
    guard weights.shape.count == source.shape.count, groups > 0, channels == groups * weights.shape[1],
      weights.shape[0].isMultiple(of: groups), biases.isEmpty || biases.count == weights.shape[0],
      weights.shape[2...].elementsEqual(steps.map(\.kernel))
    else {
      throw InvalidNetwork(
        "goes over the shape \(value.shape) with weights of the shape \(weights.shape) in \(groups) groups")
    }
    let outputs = weights.shape[0]
    let window = Self.window(steps)
    let target = try Self.shape(source.shape, channels: outputs, steps)
    let isDepthwise = groups == channels && (groups > 1 || outputs == 1)
    let spatial = Array(2..<weights.shape.count)
    // [kernel, output channel] or [output channel, kernel, channel of the group]
    let packed = weights.transposed(isDepthwise ? spatial + [0, 1] : [0] + spatial + [1])
    var parameters = FloatGraph.Weights(
      values: packed.values, biases: biases.isEmpty ? [Float](repeating: 0, count: outputs) : biases)
    parameters.scales = weights.firstScales
    let tensor = try append(
      isDepthwise ? .depthwiseConvolution : .convolution, [try imageTensor(of: source)],
      shape: Self.image(target),
      isDepthwise ? .depthwiseConvolution(window, parameters) : .convolution(window, parameters))
    return Value(tensor: tensor, layout: AxisLayout(target, memoryOrder: Self.channelsLast(target.count)))
  }

  /// The greatest value, or the mean of the values that are there, under a window.
  ///
  /// - Throws: `InvalidNetwork` where the shapes don't fit together.
  package mutating func pool(
    _ value: Value, _ steps: Steps, isMaximum: Bool
  ) throws(InvalidNetwork) -> Value {
    let isWhole = zip(steps, value.shape.dropFirst(2)).allSatisfy {
      $0.kernel == $1 && $0.dilation == 1 && $0.paddingBefore == 0 && $0.paddingAfter == 0
    }
    if isWhole, !isMaximum, steps.count == value.shape.count - 2 {
      return try mean(value, axes: Array(2..<value.shape.count), keepsDimensions: true)
    }
    guard isTimeLast, value.shape.count == 4 else {
      return try straightPool(value, steps, isMaximum: isMaximum)
    }
    let turned = try straightPool(transposed(value, Self.turn), steps.reversed(), isMaximum: isMaximum)
    return transposed(turned, Self.turn)
  }

  private mutating func straightPool(
    _ value: Value, _ steps: Steps, isMaximum: Bool
  ) throws(InvalidNetwork) -> Value {
    var outer = value
    // Zeros count in a maximum or mean like other values.
    outer = try settled(outer)
    let (source, steps) = try image(outer, steps)
    let target = try Self.shape(source.shape, channels: source.shape[1], steps)
    let window = Self.window(steps)
    let tensor = try append(
      isMaximum ? .maximumPool : .averagePool, [try imageTensor(of: source)], shape: Self.image(target),
      isMaximum ? .maximumPool(window) : .averagePool(window))
    return Value(tensor: tensor, layout: AxisLayout(target, memoryOrder: Self.channelsLast(target.count)))
  }

  /// Sums of the last dimension's values times a matrix `[output, input]`, plus biases; none for zeros.
  ///
  /// - Throws: `InvalidNetwork` where the shapes don't fit together.
  package mutating func dense(
    _ value: Value, _ matrix: ConstantArray, biases: [Float]
  ) throws(InvalidNetwork) -> Value {
    var value = try settled(value)
    guard matrix.shape.count == 2, let last = value.shape.indices.last, value.shape[last] == matrix.shape[1],
      biases.isEmpty || biases.count == matrix.shape[0]
    else {
      throw InvalidNetwork("goes from the shape \(value.shape) with a matrix of the shape \(matrix.shape)")
    }
    var depth = value.layout.axes[last]
    if !Set(depth).elementsEqualSorted(value.layout.factors.indices.suffix(depth.count)) {
      value = try arranged(value, Array(value.shape.indices))
      depth = value.layout.axes[last]
    }
    let (outputs, inputs) = (matrix.shape[0], matrix.shape[1])
    let rows = value.layout.count / inputs
    // The matrix's columns in memory's order.
    let sizes = depth.map { value.layout.factors[$0] }
    let strides = contiguousStrides(sizes)
    let sorted = depth.indices.sorted { depth[$0] < depth[$1] }
    let columns = Array(0..<inputs).gathered(sorted.map { sizes[$0] }, strides: sorted.map { strides[$0] })
    let values = (0..<outputs).flatMap { row in columns.map { matrix.values[row * inputs + $0] } }
    let source = try tensor(of: value, shape: [rows, inputs])
    var parameters = FloatGraph.Weights(
      values: values, biases: biases.isEmpty ? [Float](repeating: 0, count: outputs) : biases)
    parameters.scales = matrix.firstScales
    let tensor = try append(
      .fullyConnected, [source], shape: [rows, outputs], .fullyConnected(parameters))
    var layout = value.layout
    for factor in depth.sorted().reversed() { layout = layout.resized(factor: factor, to: 1) }
    let shape = layout.shape.dropLast() + [outputs]
    let rowsOrder = layout.axes.dropLast().flatMap(\.self)
    // Rows stay in memory as they are, whatever their order.
    guard rowsOrder == rowsOrder.sorted() || layout.memoryOrder != nil else {
      return try dense(arranged(value, Array(value.shape.indices)), matrix, biases: biases)
    }
    let order = rowsOrder == rowsOrder.sorted() ? Array(shape.indices) : (layout.memoryOrder ?? []) + [last]
    return Value(tensor: tensor, layout: AxisLayout(Array(shape), memoryOrder: order))
  }

  /// The value with channels last in memory, padding given to the steps where they can take it.
  private mutating func image(
    _ value: Value, _ steps: Steps
  ) throws(InvalidNetwork) -> (Value, Steps) {
    guard (3...4).contains(value.shape.count), steps.count == value.shape.count - 2,
      steps.allSatisfy({ $0.kernel > 0 && $0.stride > 0 && $0.dilation > 0 })
    else { throw InvalidNetwork("goes over the shape \(value.shape) in \(steps.count) dimensions") }
    var (value, steps) = (value, steps)
    if value.padding.count > 2, value.padding[0...1].allSatisfy({ $0 == (0, 0) }) {
      for (axis, padding) in value.padding.dropFirst(2).enumerated() {
        steps[axis].paddingBefore += padding.before
        steps[axis].paddingAfter += padding.after
      }
      value.padding = []
    }
    // A window never lies in the padding altogether.
    let excess = steps.map {
      (before: max(0, $0.paddingBefore - $0.reach + 1), after: max(0, $0.paddingAfter - $0.reach + 1))
    }
    if excess.contains(where: { $0.before > 0 || $0.after > 0 }) {
      value = try pad(settled(value), [(0, 0), (0, 0)] + excess, with: 0)
      for axis in steps.indices {
        steps[axis].paddingBefore -= excess[axis].before
        steps[axis].paddingAfter -= excess[axis].after
      }
    }
    return (try arranged(value, Self.channelsLast(value.shape.count)), steps)
  }

  private mutating func imageTensor(of value: Value) throws(InvalidNetwork) -> Int {
    try tensor(of: value, shape: Self.image(value.shape))
  }

  /// The dimensions of channels-first ones in memory, outermost first.
  static func channelsLast(_ rank: Int) -> [Int] { [0] + Array(2..<rank) + [1] }

  private static func image(_ shape: [Int]) -> [Int] {
    [shape[0], shape[2], shape.count == 4 ? shape[3] : 1, shape[1]]
  }

  private static func window(_ steps: Steps) -> QuantizedNetwork.Window {
    .init(time: steps[0], frequency: steps.count > 1 ? steps[1] : .init())
  }

  private static func shape(_ source: [Int], channels: Int, _ steps: Steps) throws(InvalidNetwork) -> [Int] {
    var shape = [source[0], channels]
    for (count, step) in zip(source.dropFirst(2), steps) {
      let padded = count + step.paddingBefore + step.paddingAfter
      guard padded >= step.reach, step.paddingBefore >= 0, step.paddingAfter >= 0 else {
        throw InvalidNetwork("has a window that reaches over \(step.reach) of \(padded) cells")
      }
      shape.append((padded - step.reach) / step.stride + 1)
    }
    return shape
  }
}

extension Set<Int> {
  fileprivate func elementsEqualSorted(_ others: some Sequence<Int>) -> Bool {
    sorted().elementsEqual(others)
  }
}
