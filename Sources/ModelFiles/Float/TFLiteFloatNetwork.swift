import Networks
import QuantInfer
import Support

/// Imports a float `.tflite` model operator by operator, as `ONNXImport` does an ONNX one.
///
/// What shapes and constants decide is worked out before, for a batch of one; see `FoldedModel`.
struct TFLiteFloatNetwork {
  let model: TFLiteModel
  private let operators: [TFLiteOperator]
  var builder: GraphBuilder
  /// What comparisons give.
  var conditions: [Int: GraphBuilder.Condition] = [:]
  private var values: [Int: GraphBuilder.Value] = [:]
  /// For the results of operators that only unpack constants, the packed ones.
  private let packed: [Int: Int]

  private init(_ folded: FoldedModel, forms: [Int: GraphBuilder.InputForm], isTimeLast: Bool) {
    (model, operators) = (folded.model, folded.operators)
    builder = GraphBuilder(forms: forms, isTimeLast: isTimeLast)
    var packed: [Int: Int] = [:]
    for operation in operators where operation.kind == .dequantize {
      guard let input = operation.operation.inputs.first, let output = operation.operation.outputs.first,
        input >= 0, !model.buffers[Int(model.graph.tensors[Int(input)].buffer)].bytes.isEmpty
      else { continue }
      packed[Int(output)] = Int(input)
    }
    self.packed = packed
  }

  /// The model as a float network.
  ///
  /// - Throws: `NotConvertible`, which names the operator that this program doesn't have in float.
  static func network(
    _ model: TFLiteModel, isTimeLast: Bool = false
  ) throws(NotConvertible) -> FloatNetwork {
    try model.checkSize()
    let folded = FoldedModel(model)
    var first = TFLiteFloatNetwork(folded, forms: [:], isTimeLast: isTimeLast)
    let network = try first.run()
    guard !first.builder.wishes.isEmpty else { return network }
    var second = TFLiteFloatNetwork(folded, forms: first.builder.wishes, isTimeLast: isTimeLast)
    return try second.run()
  }

  private mutating func run() throws(NotConvertible) -> FloatNetwork {
    var ports: [FloatNetwork.Port] = []
    for input in model.graph.inputs {
      let index = Int(input)
      let shape = try TFLiteOperator.shape(of: index, in: model)
      guard model.graph.tensors[index].type == .float32, shape.first ?? 1 == 1 else {
        throw NotConvertible(problem: "the input \(index) isn't one window of float32")
      }
      values[index] = builder.input(name: name(index), shape: shape)
      ports.append(.init(name: name(index), shape: shape, memoryOrder: []))
    }
    for operation in operators { try run(operation) }
    var results: [(port: FloatNetwork.Port, value: GraphBuilder.Value)] = []
    do throws(InvalidNetwork) {
      for output in model.graph.outputs {
        guard let value = values[Int(output)] else { throw InvalidNetwork("no operator computes the output") }
        let simple = try builder.simple(value)
        let order = builder.memoryOrder(of: simple) ?? []
        results.append((.init(name: name(Int(output)), shape: simple.shape, memoryOrder: order), simple))
      }
      for (place, input) in model.graph.inputs.enumerated() {
        ports[place].memoryOrder = values[Int(input)].flatMap { builder.memoryOrder(of: $0) } ?? []
      }
      let graph = try builder.graph(outputs: results.map(\.value))
      return FloatNetwork(graph: graph.fused(), inputs: ports, outputs: results.map(\.port))
    } catch { throw NotConvertible(problem: error.description) }
  }

  private func name(_ tensor: Int) -> String { String(model.graph.tensors[tensor].name.onOneLine.suffix(60)) }

  private mutating func run(_ operation: TFLiteOperator) throws(NotConvertible) {
    let outputs = operation.operation.outputs.map { Int($0) }
    guard let first = outputs.first else { throw operation.refusal("has no output") }
    builder.name = name(first)
    if packed[first] != nil { return }
    if let condition = try condition(operation) {
      conditions[first] = condition
      return
    }
    let results = try results(of: operation, outputs)
    guard results.count == outputs.count else { throw operation.refusal("has \(outputs.count) outputs") }
    for (output, result) in zip(outputs, results) {
      let shape = try TFLiteOperator.shape(of: output, in: model)
      values[output] =
        result.shape == shape
        ? result
        : try operation.building { () throws(InvalidNetwork) in try builder.reshaped(result, shape) }
    }
  }

  // MARK: What operators read

  /// A computed input.
  func value(_ operation: TFLiteOperator, _ place: Int = 0) throws(NotConvertible) -> GraphBuilder.Value {
    guard let value = values[try operation.inputIndex(place)] else {
      throw operation.refusal("has a constant as input \(place), or reads what no operator computes")
    }
    return value
  }

  /// A constant input's real numbers: float32, float16, or int8 codes with scales; nil for one that is computed.
  func constant(_ operation: TFLiteOperator, _ place: Int) throws(NotConvertible) -> ConstantArray? {
    guard let index = operation.optionalInputIndex(place), values[index] == nil else { return nil }
    let origin = packed[index] ?? index
    let tensor = model.graph.tensors[origin]
    let bytes = model.buffers[Int(tensor.buffer)].bytes
    guard !bytes.isEmpty else { return nil }
    let shape = try TFLiteOperator.shape(of: origin, in: model)
    let count = shape.reduce(1, *)
    func words<Number: FixedWidthInteger>(_: Number.Type) -> [Number] {
      let size = Number.bitWidth / 8
      return (0..<bytes.count / size).map { word in
        (0..<size).reduce(0) { $0 | Number(truncatingIfNeeded: bytes[word * size + $1]) << (8 * $1) }
      }
    }
    var values: [Float]
    switch tensor.type.rawValue {
    case 0: values = words(UInt32.self).map { Float(bitPattern: $0) }
    case 1: values = words(UInt16.self).map { Float(ONNXTensor.half($0)) }
    case 9:
      let scales = tensor.quantization?.scales ?? []
      let axis = Int(tensor.quantization?.dimension ?? 0)
      guard scales.count == 1 || (shape.indices.contains(axis) && scales.count == shape[axis]),
        tensor.quantization?.zeroPoints.allSatisfy({ $0 == 0 }) ?? true
      else { throw operation.refusal("has int8 codes without scales that fit them") }
      let inner = scales.count == 1 ? 1 : shape[(axis + 1)...].reduce(1, *)
      values = words(Int8.self).enumerated().map { Float($1) * scales[$0 / inner % scales.count] }
    default: return nil
    }
    guard values.count == count else {
      throw operation.refusal("has a constant of \(values.count) numbers, not \(count)")
    }
    return ConstantArray(shape: shape, values: values)
  }

  /// A tensor or constant.
  func operand(_ operation: TFLiteOperator, _ place: Int) throws(NotConvertible) -> GraphBuilder.Operand {
    if let constant = try constant(operation, place) { return .constant(constant) }
    return .value(try value(operation, place))
  }

  /// A value after the fused activation.
  mutating func limited(
    _ value: GraphBuilder.Value, _ activation: TFLiteActivation, _ operation: TFLiteOperator
  ) throws(NotConvertible) -> GraphBuilder.Value {
    let range: ClosedRange<Float>
    switch activation {
    case .none: return value
    case .relu: range = 0...Float.infinity
    case .relu6: range = 0...6
    case .reluMinus1To1: range = -1...1
    default: throw operation.refusal("has the fused activation \(activation.rawValue)")
    }
    return try operation.building { () throws(InvalidNetwork) in try builder.mapped(value, .clamp(range)) }
  }
}

extension TFLiteOperator {
  /// Does something with a graph under construction.
  func building<Result>(_ body: () throws(InvalidNetwork) -> Result) throws(NotConvertible) -> Result {
    do throws(InvalidNetwork) { return try body() } catch { throw refusal(error.description) }
  }
}
