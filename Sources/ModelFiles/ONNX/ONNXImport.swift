import Foundation
import Networks
import Support

/// Imports an ONNX model operator by operator.
///
/// What is known beforehand — shapes, axes, weights — is computed at once; the rest becomes operators of a float graph.
struct ONNXImport {
  private let model: ONNXModel
  /// The graph under construction.
  var builder: GraphBuilder
  private var values: [String: ONNXValue] = [:]

  private init(_ model: ONNXModel, forms: [Int: GraphBuilder.InputForm], isTimeLast: Bool) {
    self.model = model
    builder = GraphBuilder(forms: forms, isTimeLast: isTimeLast)
  }

  /// The model as a float network.
  ///
  /// It is imported twice: what the operators wish of the inputs' layout is known only after the first time.
  ///
  /// - Throws: `NotConvertible`, which names the operator that this program doesn't have.
  static func network(
    _ model: ONNXModel, isTimeLast: Bool = false
  ) throws(NotConvertible) -> FloatNetwork {
    var first = ONNXImport(model, forms: [:], isTimeLast: isTimeLast)
    let network = try first.run()
    guard !first.builder.wishes.isEmpty else { return network }
    var second = ONNXImport(model, forms: first.builder.wishes, isTimeLast: isTimeLast)
    return try second.run()
  }

  private mutating func run() throws(NotConvertible) -> FloatNetwork {
    guard (7...26).contains(model.operatorSet) else {
      throw NotConvertible(problem: "the model is of opset \(model.operatorSet), not 13 to 22")
    }
    for (name, tensor) in model.constants { values[name] = .constant(tensor) }
    var ports: [FloatNetwork.Port] = []
    var given: [GraphBuilder.Value] = []
    for port in model.inputs where model.constants[port.name] == nil {
      let shape = try Self.shape(port)
      let value = builder.input(name: String(port.name.onOneLine.prefix(60)), shape: shape)
      values[port.name] = .value(value)
      given.append(value)
      ports.append(.init(name: port.name.onOneLine, shape: shape, memoryOrder: []))
    }
    guard !ports.isEmpty else { throw NotConvertible(problem: "the model has no input") }
    for (index, node) in model.nodes.enumerated() { try run(node, index) }
    var results: [(port: FloatNetwork.Port, value: GraphBuilder.Value)] = []
    for port in model.outputs {
      guard case .value(let value)? = values[port.name] else {
        throw NotConvertible(problem: "no operator computes the output \(port.name.onOneLine)")
      }
      do throws(InvalidNetwork) {
        let value = try builder.simple(value)
        results.append(
          (
            .init(
              name: port.name.onOneLine, shape: value.shape, memoryOrder: builder.memoryOrder(of: value) ?? []
            ),
            value
          ))
      } catch { throw NotConvertible(problem: error.description) }
    }
    for index in ports.indices { ports[index].memoryOrder = builder.memoryOrder(of: given[index]) ?? [] }
    do throws(InvalidNetwork) {
      let graph = try builder.graph(outputs: results.map(\.value))
      return FloatNetwork(graph: graph.fused(), inputs: ports, outputs: results.map(\.port))
    } catch { throw NotConvertible(problem: error.description) }
  }

  /// An input's dimensions, a batch of one first.
  private static func shape(_ port: ONNXModel.Port) throws(NotConvertible) -> [Int] {
    let name = port.name.onOneLine
    guard port.type == 1 || port.type == 10 || port.type == 11 else {
      throw NotConvertible(problem: "the input \(name) isn't a tensor of real numbers")
    }
    guard !port.shape.isEmpty else { throw NotConvertible(problem: "the input \(name) has no shape") }
    var shape: [Int] = []
    for (axis, size) in port.shape.enumerated() {
      guard let size = axis == 0 ? size ?? 1 : size, (1...1 << 24).contains(size) else {
        throw NotConvertible(
          problem:
            "the dimension \(axis) of the input \(name) is open or impossible; only the batch may be open")
      }
      guard axis > 0 || size == 1 else {
        throw NotConvertible(
          problem:
            "the input \(name) is a batch of \(size); a device takes one window, so that the batch must be 1 or "
            + "open")
      }
      shape.append(size)
    }
    guard shape.reduce(1, { min($0 * $1, 1 << 26) }) < 1 << 26 else {
      throw NotConvertible(problem: "the input \(name) has more than 2^26 values")
    }
    return shape
  }

  private mutating func run(_ node: ONNXModel.Node, _ index: Int) throws(NotConvertible) {
    var inputs: [ONNXValue?] = []
    var node = ONNXNode(index: index, node: node, operatorSet: model.operatorSet, inputs: [])
    for name in node.node.inputs {
      guard name.isEmpty || values[name] != nil else {
        throw node.refusal("reads \(name.onOneLine.prefix(60)), which no earlier operator computes")
      }
      inputs.append(values[name])
    }
    node = ONNXNode(index: index, node: node.node, operatorSet: model.operatorSet, inputs: inputs)
    guard node.node.domain.isEmpty || node.node.domain == "ai.onnx" else {
      throw node.refusal(
        "is of the domain \(node.node.domain.onOneLine.prefix(60)), which this program doesn't have")
    }
    builder.name = String(
      (node.node.name.isEmpty ? node.node.outputs.first ?? "" : node.node.name).onOneLine.suffix(60))
    let results = try outputs(of: node)
    guard
      node.node.outputs.count <= results.count
        || node.node.outputs.dropFirst(results.count).allSatisfy(\.isEmpty)
    else { throw node.refusal("has \(node.node.outputs.count) outputs") }
    for (name, result) in zip(node.node.outputs, results) where !name.isEmpty {
      if case .value(let value) = result, value.shape.contains(where: { $0 < 1 }) {
        throw node.refusal("gives nothing")
      }
      values[name] = result
    }
  }

  /// What an operator computes: constants where it reads nothing else.
  private mutating func outputs(of node: ONNXNode) throws(NotConvertible) -> [ONNXValue] {
    let given = node.inputs.compactMap(\.self)
    var constants: [ONNXTensor] = []
    for case .constant(let tensor) in given { constants.append(tensor) }
    // A shape is known whatever has it.
    let isKnown = constants.count == given.count || ["Shape", "Size"].contains(node.node.kind)
    if isKnown, let result = try node.folded() { return result.map(ONNXValue.constant) }
    if let result = try codes(node) { return result }
    if let result = try window(node) { return result }
    if let result = try activation(node) { return result }
    if let result = try arithmetic(node) { return result }
    if let result = try rearrangement(node) { return result }
    if let result = try recurrent(node) { return result }
    throw node.refusal("isn't one of the operators that this program runs")
  }
}
