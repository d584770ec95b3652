import Networks
import QuantInfer
import Support

extension QuantizedNetwork {
  /// A `.tflite` model of int8 or int16 codes as a network that gives TensorFlow Lite Micro's bits.
  ///
  /// The network has the model's operators in their order and the tensors that they compute; weights, shapes and
  /// other constants are part of the operators. A QUANTIZE of the model's float input and a DEQUANTIZE to its float
  /// output become the border's `Port.float`.
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

  /// An operator; one without a fused activation allows all codes.
  init(
    _ computation: QuantizedNetwork.Computation, inputs: [QuantizedNetwork.Tensor],
    output: QuantizedNetwork.Tensor, activation: ClosedRange<Int>? = nil
  ) {
    (self.inputs, self.output, self.computation) = (inputs, output, computation)
    self.activation = activation ?? output.type.codes
  }
}

/// The walk through a `.tflite` model's graph.
struct TFLiteImport {
  let model: TFLiteModel
  private var network = QuantizedNetwork(tensors: [], operators: [], inputs: [], outputs: [])
  /// The place in the network of each of the model's tensors that has codes by now.
  private var places: [Int: Int] = [:]
  /// The ports of the model's float inputs and outputs, by their tensor in the model.
  private var floatPorts: [Int: QuantizedNetwork.Port] = [:]

  /// The constants' bytes that the operators may read, one counted as often as it is read; a device has less.
  private static let mostConstantBytes = 1 << 26

  /// An image numbers tensors and operators with 16 bits.
  private static let mostTensors = 65_535

  init(model: TFLiteModel) { self.model = model }

  mutating func run() throws(NotConvertible) -> QuantizedNetwork {
    try checkModel()
    try addInputs()
    for index in model.graph.operators.indices {
      try add(TFLiteOperator(model, index))
    }
    for input in model.graph.inputs { network.inputs.append(try port(Int(input), "input")) }
    for output in model.graph.outputs { network.outputs.append(try port(Int(output), "output")) }
    guard !network.operators.isEmpty else { throw NotConvertible(problem: "the model computes nothing") }
    return network
  }

  private func checkModel() throws(NotConvertible) {
    guard model.version == 3 else {
      throw NotConvertible(problem: "the schema's version is \(model.version), not 3")
    }
    guard !model.graph.inputs.isEmpty, !model.graph.outputs.isEmpty else {
      throw NotConvertible(problem: "the model has no inputs or no outputs")
    }
    guard Set(model.graph.inputs).count == model.graph.inputs.count,
      Set(model.graph.outputs).count == model.graph.outputs.count
    else { throw NotConvertible(problem: "a tensor is twice among the model's inputs or outputs") }
    guard max(model.graph.tensors.count, model.graph.operators.count) <= Self.mostTensors else {
      throw NotConvertible(
        problem: "the model has more than \(Numbers.integer(Self.mostTensors)) tensors or operators")
    }
    var bytes = 0
    for operation in model.graph.operators {
      for input in operation.inputs where input >= 0 {
        bytes += model.buffers[Int(model.graph.tensors[Int(input)].buffer)].bytes.count
      }
      guard bytes <= Self.mostConstantBytes else {
        throw NotConvertible(
          problem: "the operators read more than \(Numbers.integer(Self.mostConstantBytes)) B of constants")
      }
    }
  }

  /// The inputs of codes; a float one gets its port from the QUANTIZE that reads it.
  private mutating func addInputs() throws(NotConvertible) {
    for input in model.graph.inputs where model.graph.tensors[Int(input)].type != .float32 {
      let described: QuantizedNetwork.Tensor
      do throws(NotConvertible) {
        described = try TFLiteOperator.codes(of: Int(input), in: model)
      } catch {
        throw NotConvertible(problem: "the model's input: " + error.problem)
      }
      guard described.constant == nil, !described.isVariable else {
        throw NotConvertible(problem: "the model's input \(Self.label(described)) is a constant or variable")
      }
      place(described)
    }
  }

  private mutating func add(_ operation: TFLiteOperator) throws(NotConvertible) {
    if try addBorder(operation) { return }
    guard let kind = operation.imageKind else {
      throw operation.refusal("isn't one of this program's operators")
    }
    let imported = try operation.imported()
    guard imported.inputs.contains(where: { $0.constant == nil }) else {
      throw operation.refusal("reads constants only")
    }
    for (place, input) in imported.inputs.enumerated() where input.isVariable && (kind != .svdf || place != 1)
    {
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
  }

  /// Makes a port of a QUANTIZE of a float input or a DEQUANTIZE to a float output; false for other operators.
  private mutating func addBorder(_ operation: TFLiteOperator) throws(NotConvertible) -> Bool {
    guard operation.kind == .quantize || operation.kind == .dequantize else { return false }
    try operation.requireCounts(inputs: 1...1)
    let (source, target) = (try operation.inputIndex(0), operation.outputIndex)
    let (from, to) = (model.graph.tensors[source], model.graph.tensors[target])
    guard operation.kind == .dequantize || from.type == .float32 else { return false }
    guard from.shape == to.shape else {
      throw operation.refusal("goes from the shape \(from.shape) to \(to.shape)")
    }
    var port: QuantizedNetwork.Port
    if operation.kind == .quantize {
      guard model.graph.inputs.contains(Int32(source)), floatPorts[source] == nil else {
        throw operation.refusal(
          "quantizes float values within the model; float is for its inputs and outputs, once each")
      }
      port = .init(try write(operation.output(), by: operation))
    } else {
      guard model.graph.outputs.contains(Int32(target)), to.type == .float32, floatPorts[target] == nil else {
        throw operation.refusal(
          "gives float values within the model; float is for its inputs and outputs, once each")
      }
      port = .init(try read(operation.input(0), by: operation))
    }
    port.float = .init(operatorIndex: operation.index, tensorIndex: target)
    floatPorts[operation.kind == .quantize ? source : target] = port
    return true
  }

  private func port(_ tensor: Int, _ role: String) throws(NotConvertible) -> QuantizedNetwork.Port {
    if let port = floatPorts[tensor] { return port }
    guard let place = places[tensor] else {
      let described = model.graph.tensors[tensor]
      let label = Self.label(named: described.name, tensor)
      throw NotConvertible(
        problem: described.type == .float32
          ? "the model's \(role) \(label) is float32, and no operator quantizes it"
          : "the model's \(role) \(label) is computed by no operator")
    }
    return .init(place)
  }

  /// The place of a tensor that an operator reads.
  private mutating func read(
    _ tensor: QuantizedNetwork.Tensor, by operation: TFLiteOperator
  ) throws(NotConvertible) -> Int {
    if let place = places[tensor.sourceIndex] {
      guard !tensor.isVariable else {
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

  private static func label(_ tensor: QuantizedNetwork.Tensor) -> String {
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
    case .expandDims, .squeeze: .reshape
    default: UInt16(exactly: kind.rawValue).flatMap(OperatorKind.init(rawValue:))
    }
  }

  /// What it becomes in a network.
  func imported() throws(NotConvertible) -> TFLiteImportedOperator {
    switch kind {
    case .conv2D: try convolution()
    case .depthwiseConv2D: try depthwiseConvolution()
    case .fullyConnected: try fullyConnected()
    case .averagePool2D, .maxPool2D: try pool()
    case .add, .sub: try sum()
    case .mul: try product()
    case .maximum, .minimum: try extremum()
    case .reshape, .expandDims, .squeeze: try reshape()
    case .pad, .padV2: try pad()
    case .transpose: try transpose()
    case .stridedSlice: try stridedSlice()
    case .concatenation: try concatenation()
    case .mean: try mean()
    case .logistic, .tanh: try sigmoid()
    case .relu: try relu()
    case .relu6: try relu6()
    case .leakyRelu: try leakyRelu()
    case .quantize: try requantization()
    case .softmax: try softmax()
    case .svdf: try svdf()
    default: throw refusal("isn't one of this program's operators")
    }
  }
}
