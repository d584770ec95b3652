import QuantInfer

/// Builds a float graph from operators on tensors whose dimensions may lie in memory in any order.
///
/// Convolutions and pools write `[batch, time, frequency, channel]`, whatever their source's order is; transpositions,
/// reshapes and the like only change the view. Where memory isn't as an operator needs it, a copy is put in between.
package struct GraphBuilder {
  /// A tensor under construction.
  package struct Value: Equatable, Sendable {
    /// The graph's tensor.
    var tensor: Int
    /// Where its values lie.
    var layout: AxisLayout
    /// The zeros around it along each dimension that nobody has put there yet, as a convolution may pad by itself.
    var padding: [(before: Int, after: Int)] = []

    /// The dimensions as the source model has them.
    package var shape: [Int] {
      padding.isEmpty
        ? layout.shape : zip(layout.shape, padding).map { $0 + $1.before + $1.after }
    }

    package static func == (a: Value, b: Value) -> Bool {
      a.tensor == b.tensor && a.layout == b.layout && a.shape == b.shape
    }
  }

  /// How an input should lie in memory so that no copy is needed: its factors' order, and the graph's shape.
  package struct InputForm: Equatable, Sendable {
    /// The dimensions other than 1, outermost in memory first.
    var order: [Int]
    /// The tensor's dimensions in the graph.
    var shape: [Int]
  }

  /// The tensors so far.
  private(set) var tensors: [FloatGraph.Tensor] = []
  /// The operators so far.
  private(set) var operators: [FloatGraph.Operator] = []
  /// The tensors that are given.
  private(set) var inputs: [Int] = []
  /// What operators would have liked of the inputs; a second run of the same operators can have it.
  package private(set) var wishes: [Int: InputForm] = [:]
  /// The name of what is being built, for tables.
  package var name = ""
  /// The tensors whose shape an operator relies on.
  private var fixedShapes: Set<Int> = []
  private let forms: [Int: InputForm]
  /// Whether an image's last spatial dimension is time: it is then the outermost in memory.
  let isTimeLast: Bool

  /// Creates a builder; `forms` are the wishes of an earlier run.
  package init(forms: [Int: InputForm] = [:], isTimeLast: Bool = false) {
    (self.forms, self.isTimeLast) = (forms, isTimeLast)
  }

  /// Adds an input.
  package mutating func input(name: String, shape: [Int]) -> Value {
    let tensor = tensors.count
    let form = forms[inputs.count]
    inputs.append(tensor)
    let axes = shape.indices.filter { shape[$0] != 1 }
    let memoryOrder = form.map { $0.order.map { axes[$0] } }
    tensors.append(.init(name: name, shape: form?.shape ?? (shape.isEmpty ? [1] : shape)))
    return Value(tensor: tensor, layout: AxisLayout(shape, memoryOrder: memoryOrder ?? axes))
  }

  /// The graph with some values as its results, each in the order of its dimensions in memory.
  ///
  /// - Throws: `InvalidNetwork` where there is no operator, or a parameter isn't finite.
  package mutating func graph(outputs: [Value]) throws(InvalidNetwork) -> FloatGraph {
    let graph = FloatGraph(
      tensors: tensors, operators: operators, inputs: inputs, outputs: outputs.map(\.tensor))
    try graph.validate()
    return graph
  }

  /// The dimensions other than 1 of an input or output, from the outermost in memory to the innermost.
  package func memoryOrder(of value: Value) -> [Int]? { value.layout.memoryOrder }

  /// The number of values that the graph's tensors hold, which bounds what a small file can ask for.
  package var elementCount: Int {
    tensors.reduce(0) { $0 + $1.count } + operators.reduce(0) { $0 + ($1.weights?.values.count ?? 0) }
  }

  /// Refuses a shape of more values than a network may have, before its strides are worked out.
  func requireRoom(for shape: [Int]) throws(InvalidNetwork) {
    let limit = 1 << 26
    guard shape.allSatisfy({ $0 > 0 }), shape.reduce(1, { min(limit, $0 * min($1, limit)) }) < limit,
      elementCount < limit
    else {
      throw InvalidNetwork("makes a tensor of the shape \(shape), or the network larger than 2^26 values")
    }
  }

  /// Appends an operator and the tensor that it writes.
  mutating func append(
    _ kind: OperatorKind, _ inputs: [Int], shape: [Int], _ computation: FloatGraph.Computation
  ) throws(InvalidNetwork) -> Int {
    try requireRoom(for: shape)
    guard operators.count < 1 << 12 else { throw InvalidNetwork("is one of more than 4,095 operators") }
    let tensor = tensors.count
    tensors.append(.init(name: name, shape: shape))
    operators.append(.init(kind: kind, inputs: inputs, output: tensor, computation: computation))
    return tensor
  }

  /// The codes that the source model gives a value; nil where it gives none.
  package func codes(of value: Value) -> FloatGraph.Codes? { tensors[value.tensor].codes }

  /// A value in the codes that the source model gives it; where it has others already, another tensor.
  package mutating func coded(_ value: Value, _ codes: FloatGraph.Codes) throws(InvalidNetwork) -> Value {
    // Zeros that wait for a convolution have the codes of what they surround.
    if tensors[value.tensor].codes == codes { return value }
    var value = try settled(value)
    if tensors[value.tensor].codes != nil {
      value.tensor = try append(
        .quantize, [value.tensor], shape: tensors[value.tensor].shape,
        .function(.clamp(FloatGraph.everything)))
    }
    tensors[value.tensor].codes = codes
    return value
  }

  /// Adds a constant tensor.
  mutating func constant(_ values: [Float], shape: [Int]) -> Int {
    tensors.append(.init(name: name, shape: shape.isEmpty ? [1] : shape, constant: values))
    return tensors.count - 1
  }

  /// A value's tensor under a shape that an operator relies on.
  mutating func tensor(of value: Value, shape: [Int]) throws(InvalidNetwork) -> Int {
    let tensor = value.tensor
    if tensors[tensor].shape == shape {
      fixedShapes.insert(tensor)
      return tensor
    }
    let producer = operators.last { $0.output == tensor }?.computation
    let isFree: Bool
    switch producer {
    case .elementwise, .rearrangement, .mean, .function, .reshape: isFree = true
    default: isFree = false
    }
    if let input = inputs.firstIndex(of: tensor), !fixedShapes.contains(tensor) {
      let order = Array(value.layout.factors.indices)
      if wishes[input] == nil, forms[input] == nil,
        order.count == tensors[tensor].shape.count(where: { $0 != 1 })
      {
        wishes[input] = InputForm(order: order, shape: shape)
      }
    }
    guard isFree, !fixedShapes.contains(tensor) else {
      return try append(.reshape, [tensor], shape: shape, .reshape)
    }
    tensors[tensor].shape = shape
    fixedShapes.insert(tensor)
    return tensor
  }

  /// The value with its dimensions in memory in some order, outermost first, and no padding left to do.
  mutating func arranged(_ value: Value, _ order: [Int]) throws(InvalidNetwork) -> Value {
    let value = try settled(value)
    if value.layout.isInOrder(of: order) { return value }
    let factors = order.flatMap { value.layout.axes[$0] }
    if let input = inputs.firstIndex(of: value.tensor), forms[input] == nil, wishes[input] == nil,
      value.layout.factors.count == tensors[value.tensor].shape.count(where: { $0 != 1 })
    {
      wishes[input] = InputForm(
        order: factors, shape: Self.imageShape(order.map { value.shape[$0] }) ?? tensors[value.tensor].shape)
    }
    let (shape, strides) = (
      factors.map { value.layout.factors[$0] }, factors.map { value.layout.strides[$0] }
    )
    let block = try Self.block(shape, from: strides, at: 0, to: contiguousStrides(shape), at: 0)
    let target = try append(
      .transpose, [value.tensor], shape: Self.imageShape(order.map { value.shape[$0] }) ?? shape,
      .rearrangement([block], fill: nil))
    return Value(tensor: target, layout: AxisLayout(value.shape, memoryOrder: order))
  }

  /// The value with every dimension of a single factor.
  package mutating func simple(_ value: Value) throws(InvalidNetwork) -> Value {
    var value = try settled(value)
    value.layout = value.layout.merged
    if value.layout.memoryOrder != nil { return value }
    return try arranged(value, Array(value.shape.indices))
  }

  /// The value with its padding done.
  mutating func settled(_ value: Value) throws(InvalidNetwork) -> Value {
    guard value.padding.contains(where: { $0.before != 0 || $0.after != 0 }) else {
      var value = value
      value.padding = []
      return value
    }
    var inner = value
    inner.padding = []
    return try pad(inner, value.padding, with: 0)
  }

  /// `[batch, time, frequency, channel]` for memory of three or four dimensions, channels last; nil for others.
  static func imageShape(_ shape: [Int]) -> [Int]? {
    switch shape.count {
    case 3: [shape[0], shape[1], 1, shape[2]]
    case 4: shape
    default: nil
    }
  }

  /// A copy, with as few dimensions as it can have.
  static func block(
    input: Int = 0, _ shape: [Int], from inputStrides: [Int], at inputStart: Int, to outputStrides: [Int],
    at outputStart: Int
  ) throws(InvalidNetwork) -> QuantizedNetwork.Block {
    let merged = mergedDimensions(shape, [inputStrides, outputStrides])
    guard merged.shape.count <= 6 else { throw InvalidNetwork("goes through more than six dimensions") }
    return .init(
      input: input, shape: merged.shape, inputStart: inputStart, inputStrides: merged.strides[0],
      outputStart: outputStart, outputStrides: merged.strides[1])
  }
}

extension GraphBuilder {
  /// Puts zeros around a value, or another number; zeros wait for a convolution that pads by itself.
  package mutating func padded(
    _ value: Value, _ padding: [(before: Int, after: Int)], with number: Float = 0
  ) throws(InvalidNetwork) -> Value {
    guard padding.allSatisfy({ $0.before >= 0 && $0.after >= 0 && $0.before < 1 << 20 && $0.after < 1 << 20 })
    else {
      throw InvalidNetwork(
        "has the padding \(padding.map { [$0.before, $0.after] }), which isn't in 0 ... 2^20")
    }
    guard number == 0 else { return try pad(settled(value), padding, with: number) }
    var padded = value
    let before = value.padding.isEmpty ? value.shape.map { _ in (before: 0, after: 0) } : value.padding
    padded.padding = zip(before, padding).map { ($0.before + $1.before, $0.after + $1.after) }
    return padded
  }

  /// The dimensions in another order.
  package func transposed(_ value: Value, _ permutation: [Int]) -> Value {
    var value = value
    value.layout = value.layout.transposed(permutation)
    if !value.padding.isEmpty { value.padding = permutation.map { value.padding[$0] } }
    return value
  }

  /// The same values in the same order under another shape.
  ///
  /// - Throws: `InvalidNetwork` where the shape has another number of values.
  package mutating func reshaped(_ value: Value, _ shape: [Int]) throws(InvalidNetwork) -> Value {
    var value = try settled(value)
    guard shape.reduce(1, *) == value.layout.count else {
      throw InvalidNetwork("goes from the shape \(value.shape) to \(shape)")
    }
    if let layout = value.layout.reshaped(shape) {
      value.layout = layout
      return value
    }
    value = try arranged(value, Array(value.shape.indices))
    return Value(tensor: value.tensor, layout: AxisLayout(shape))
  }
}
