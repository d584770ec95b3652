import Networks
import QuantInfer
import Support

extension QuantizedNetwork {
  /// A `.tflite` model of int8 or int16 codes as a network that gives TensorFlow Lite Micro's bits.
  ///
  /// The network has the model's operators in their order and the tensors that they compute; weights, shapes and
  /// other constants are part of the operators. What only shapes and constants decide is worked out before, for a batch
  /// of 1, and operators that nobody reads are left out; see `FoldedModel`. A QUANTIZE of the model's float input, a
  /// DEQUANTIZE to its float output and an ARG_MAX or ARG_MIN at the end become the border's `Port.boundary`.
  ///
  /// - Throws: `NotConvertible`, which names the operator and what of it this program doesn't have.
  package init(importing model: TFLiteModel) throws(NotConvertible) {
    var conversion = TFLiteImport(model: model)
    self = try conversion.run()
  }
}

extension NotConvertible {
  /// The place in the model: `operator 7 (LSTM)`; nil where it is the model as a whole.
  package var location: String? {
    operatorIndex.map { index in "operator \(index)" + (operatorName.map { " (\($0))" } ?? "") }
  }
}

/// What an operator of a `.tflite` model becomes; the tensors are still described, not placed.
struct TFLiteImportedOperator {
  var inputs: [QuantizedNetwork.Tensor]
  var output: QuantizedNetwork.Tensor
  var activation: ClosedRange<Int>
  var computation: QuantizedNetwork.Computation
  /// The kind where it isn't the source operator's.
  var kind: OperatorKind?

  /// An operator; one without a fused activation allows all codes.
  init(
    _ computation: QuantizedNetwork.Computation, inputs: [QuantizedNetwork.Tensor],
    output: QuantizedNetwork.Tensor, activation: ClosedRange<Int>? = nil, as kind: OperatorKind? = nil
  ) {
    (self.inputs, self.output, self.computation, self.kind) = (inputs, output, computation, kind)
    self.activation = activation ?? output.type.codes
  }
}

/// The walk through a `.tflite` model's graph.
struct TFLiteImport {
  /// The model; folded once it is known to be of a size to fold.
  private(set) var model: TFLiteModel
  private(set) var network = QuantizedNetwork(tensors: [], operators: [], inputs: [], outputs: [])
  /// The place in the network of each of the model's tensors that has codes by now.
  private(set) var places: [Int: Int] = [:]
  /// The ports of the model's inputs and outputs that aren't codes, by their tensor in the model.
  private var ports: [Int: QuantizedNetwork.Port] = [:]
  /// The model's float tensors that are functions of codes.
  var floats: [Int: FloatOfCodes] = [:]
  /// The tensors that an operator or the caller reads.
  private var readTensors: Set<Int32> = []
  /// The variable tensors that an operator assigns.
  private var states: Set<Int> = []

  init(model: TFLiteModel) { self.model = model }

  mutating func run() throws(NotConvertible) -> QuantizedNetwork {
    try model.checkSize()
    let folded = FoldedModel(model)
    (model, readTensors) = (folded.model, folded.readTensors)
    states = Set(
      model.graph.operators.filter { model.kind(of: $0) == .assignVariable }.flatMap(\.outputs).map {
        Int($0)
      })
    try addInputs()
    for operation in folded.operators { try add(operation) }
    for input in model.graph.inputs { network.inputs.append(try port(Int(input), "input")) }
    for output in model.graph.outputs { network.outputs.append(try port(Int(output), "output")) }
    if network.operators.isEmpty { addCopyForIndex() }
    guard !network.operators.isEmpty else { throw NotConvertible(problem: "the model computes nothing") }
    return network
  }

  /// Gives an ARG_MAX or ARG_MIN of the model's own input an operator to read from: an image has one at least.
  private mutating func addCopyForIndex() {
    guard let output = network.outputs.first, let boundary = output.boundary,
      boundary.kind == .greatestIndex || boundary.kind == .leastIndex
    else { return }
    let codes = network.tensors[output.tensor]
    network.tensors.append(codes)
    network.outputs[0].tensor = network.tensors.count - 1
    var copy = QuantizedNetwork.Operator(
      kind: .reshape, inputs: [output.tensor], output: network.tensors.count - 1,
      activation: codes.type.codes, computation: .reshape)
    copy.sourceIndex = boundary.operatorIndex
    network.operators.append(copy)
  }

  /// The inputs of codes; a float one gets its port from the QUANTIZE that reads it.
  private mutating func addInputs() throws(NotConvertible) {
    for input in model.graph.inputs where model.graph.tensors[Int(input)].type != .float32 {
      let described: QuantizedNetwork.Tensor
      do throws(NotConvertible) {
        described = try TFLiteOperator.codes(of: Int(input), in: model)
      } catch {
        throw NotConvertible(problem: "the model's input: " + error.problem, remedy: error.remedy)
      }
      guard described.constant == nil, !described.isVariable else {
        throw NotConvertible(problem: "the model's input \(Self.label(described)) is a constant or variable")
      }
      place(described)
    }
  }

  private mutating func add(_ operation: TFLiteOperator) throws(NotConvertible) {
    if try addBorder(operation) { return }
    let movement = try operation.movement()
    if try addInFloat(operation, movement) { return }
    if movement == nil, operation.kind != .quantize { try refuseUnsigned(operation) }
    for imported in try operation.imported(movement, read: readTensors) {
      try add(imported, of: operation, as: imported.kind)
    }
  }

  /// Adds what an operator became; `place` is that of its output in the network.
  @discardableResult
  mutating func add(
    _ imported: TFLiteImportedOperator, of operation: TFLiteOperator, as kind: OperatorKind? = nil
  ) throws(NotConvertible) -> Int {
    guard let kind = kind ?? operation.imageKind else {
      throw operation.isUnknown
    }
    guard imported.inputs.contains(where: { $0.constant == nil }) else {
      throw operation.refusal("reads constants only")
    }
    for (place, input) in imported.inputs.enumerated()
    where input.isVariable && (kind != .svdf || place != 1) && !states.contains(input.sourceIndex) {
      throw operation.refusal("reads the variable \(Self.label(input)), which only SVDF's state may be")
    }
    var inputs: [Int] = []
    for input in imported.inputs { inputs.append(try read(input, by: operation)) }
    let output = try write(imported.output, by: operation)
    var added = QuantizedNetwork.Operator(
      kind: kind, inputs: inputs, output: output, activation: imported.activation,
      computation: imported.computation)
    added.sourceIndex = operation.index
    network.operators.append(added)
    return output
  }

  /// Makes a port of an operator at the model's border; false for others.
  ///
  /// Those are a QUANTIZE of a float input, a DEQUANTIZE to a float output, an ARG_MAX or ARG_MIN at the end.
  private mutating func addBorder(_ operation: TFLiteOperator) throws(NotConvertible) -> Bool {
    guard let target = operation.operation.outputs.first.map({ Int($0) }) else { return false }
    let isOutput = model.graph.outputs.contains(Int32(target))
    switch operation.kind {
    case .quantize:
      try operation.requireCounts(inputs: 1...1)
      let source = try operation.inputIndex(0)
      guard model.graph.tensors[source].type == .float32, floats[source] == nil else { return false }
      try requireEqualShapes(operation, source, target)
      guard model.graph.inputs.contains(Int32(source)), ports[source] == nil else {
        throw operation.refusal(
          "quantizes float values that no operator of this program's computes from codes, or an input twice")
      }
      ports[source] = .init(
        try write(operation.output(), by: operation),
        .init(.float, operatorIndex: operation.index, tensorIndex: target))
    case .dequantize:
      try operation.requireCounts(inputs: 1...1)
      try requireEqualShapes(operation, operation.inputIndex(0), target)
      guard model.graph.tensors[target].type == .float32 else {
        throw operation.refusal("gives \(model.graph.tensors[target].type.name), not float32")
      }
      let codes = try operation.input(0)
      let place = try read(codes, by: operation)
      floats[target] = FloatOfCodes(codes, at: place)
      guard isOutput else { return true }
      try addOutput(
        target, place, .init(.float, operatorIndex: operation.index, tensorIndex: target), operation)
    case .argMax, .argMin:
      let codes = try operation.codesOfExtremum(isOutput: isOutput, floats: floats)
      try addOutput(
        target, try placeOfExtremum(codes, operation),
        .init(
          operation.kind == .argMax ? .greatestIndex : .leastIndex, operatorIndex: operation.index,
          tensorIndex: target), operation)
    default: return false
    }
    return true
  }

  private mutating func placeOfExtremum(
    _ codes: QuantizedNetwork.Tensor, _ operation: TFLiteOperator
  ) throws(NotConvertible) -> Int {
    if let float = floats[try operation.inputIndex(0)] { return float.place }
    return try read(codes, by: operation)
  }

  /// Makes a port of a model's output that isn't codes.
  mutating func addOutput(
    _ tensor: Int, _ place: Int, _ boundary: QuantizedNetwork.Boundary, _ operation: TFLiteOperator
  ) throws(NotConvertible) {
    guard ports[tensor] == nil else {
      throw operation.refusal("writes an output that has its values already")
    }
    ports[tensor] = .init(place, boundary)
  }

  private func requireEqualShapes(
    _ operation: TFLiteOperator, _ source: Int, _ target: Int
  ) throws(NotConvertible) {
    let (from, to) = (model.graph.tensors[source].shape, model.graph.tensors[target].shape)
    guard from == to else { throw operation.refusal("goes from the shape \(from) to \(to)") }
  }

  /// Codes of uint8 are for the model's border.
  private func refuseUnsigned(_ operation: TFLiteOperator) throws(NotConvertible) {
    for tensor in operation.operation.inputs + operation.operation.outputs where tensor >= 0 {
      guard model.graph.tensors[Int(tensor)].type == .uint8 else { continue }
      let label = Self.label(named: model.graph.tensors[Int(tensor)].name, Int(tensor))
      throw operation.refusal(
        "has the uint8 \(label); uint8 is for the model's inputs and outputs, behind QUANTIZE")
    }
  }

  private func port(_ tensor: Int, _ role: String) throws(NotConvertible) -> QuantizedNetwork.Port {
    if let port = ports[tensor] { return port }
    guard let place = places[tensor] else {
      let described = model.graph.tensors[tensor]
      let label = Self.label(named: described.name, tensor)
      throw NotConvertible(
        problem: described.type == .float32
          ? "the model's \(role) \(label) is float32, and no operator \(role == "input" ? "quantizes" : "dequantizes") it"
          : "the model's \(role) \(label) is computed by no operator")
    }
    return .init(
      place,
      model.graph.tensors[tensor].type == .uint8
        ? .init(.unsigned, operatorIndex: 0, tensorIndex: tensor) : nil)
  }

  /// The place of a tensor that an operator reads.
  private mutating func read(
    _ tensor: QuantizedNetwork.Tensor, by operation: TFLiteOperator
  ) throws(NotConvertible) -> Int {
    if let place = places[tensor.sourceIndex] {
      guard !tensor.isVariable || states.contains(tensor.sourceIndex) else {
        throw operation.refusal("shares the variable \(Self.label(tensor)) with another operator")
      }
      return place
    }
    guard tensor.constant != nil || tensor.isVariable else {
      throw operation.refusal("reads \(Self.label(tensor)), which no operator before it computes")
    }
    return place(tensor)
  }

  /// The place of a tensor that an operator writes.
  private mutating func write(
    _ tensor: QuantizedNetwork.Tensor, by operation: TFLiteOperator
  ) throws(NotConvertible) -> Int {
    if operation.kind == .assignVariable, let state = places[tensor.sourceIndex] { return state }
    guard tensor.constant == nil, !tensor.isVariable, places[tensor.sourceIndex] == nil else {
      throw operation.refusal("writes \(Self.label(tensor)), which has its values already")
    }
    return place(tensor)
  }

  @discardableResult
  private mutating func place(_ tensor: QuantizedNetwork.Tensor) -> Int {
    network.tensors.append(tensor)
    places[tensor.sourceIndex] = network.tensors.count - 1
    return network.tensors.count - 1
  }

  static func label(_ tensor: QuantizedNetwork.Tensor) -> String {
    label(named: tensor.name, tensor.sourceIndex)
  }

  static func label(named name: String, _ index: Int) -> String {
    name.isEmpty ? "tensor \(index)" : "tensor \(index) '\(name.onOneLine.prefix(60))'"
  }
}

extension TFLiteOperator {
  /// The kind in a network; nil for one that this program doesn't have.
  var imageKind: OperatorKind? {
    switch kind {
    case .padV2: .pad
    case .expandDims, .squeeze, .assignVariable: .reshape
    default: UInt16(exactly: kind.rawValue).flatMap(OperatorKind.init(rawValue:))
    }
  }

  /// What it becomes in a network: an operator, or one for each output that is read of those that move codes.
  func imported(
    _ movement: Movement?, read: Set<Int32>
  ) throws(NotConvertible) -> [TFLiteImportedOperator] {
    if let movement { return try moved(by: movement, read: read) }
    if kind == .transposeConv { return try transposedConvolution() }
    return [try computed()]
  }

  private func computed() throws(NotConvertible) -> TFLiteImportedOperator {
    switch kind {
    case .conv2D: try convolution()
    case .depthwiseConv2D: try depthwiseConvolution()
    case .fullyConnected: try fullyConnected()
    case .averagePool2D, .maxPool2D: try pool()
    case .add, .sub: try sum()
    case .mul: try product()
    case .div: try quotient()
    case .prelu: try prelu()
    case .squaredDifference: try squaredDifference()
    case .maximum, .minimum: try extremum()
    case .batchMatMul: try batchProduct()
    case .mean, .sum, .reduceMax, .reduceMin: try reduction()
    case .abs: try absolute()
    case .hardSwish: try hardSwish()
    case .rsqrt: try reciprocalSquareRoot()
    case .elu, .exp, .log, .sqrt, .neg: try floatTable()
    case .logistic, .tanh: try sigmoid()
    case .relu: try relu()
    case .relu6: try relu6()
    case .leakyRelu: try leakyRelu()
    case .quantize: try requantization()
    case .softmax: try softmax()
    case .logSoftmax: try logSoftmax()
    case .resizeBilinear: try bilinearResize()
    case .svdf: try svdf()
    case .sequenceLSTM: try sequenceLSTM()
    case .assignVariable: try assignment()
    default: throw isUnknown
    }
  }
}
