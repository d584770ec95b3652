import Foundation
import Support

/// An ONNX model: what its file says of its graph, as values.
package struct ONNXModel: Equatable, Sendable {
  /// An attribute of an operator.
  enum Attribute: Equatable, Sendable {
    case float(Float)
    case integer(Int64)
    case text(String)
    case tensor(ONNXTensor)
    case floats([Float])
    case integers([Int64])
    /// A graph, or a type that numbers don't have.
    case other
  }

  /// An operator.
  struct Node: Equatable, Sendable {
    var name = ""
    var kind = ""
    var domain = ""
    /// The values that it reads; an empty name for one that is left out.
    var inputs: [String] = []
    /// The values that it writes.
    var outputs: [String] = []
    var attributes: [String: Attribute] = [:]
  }

  /// What is given to the graph or comes out of it.
  struct Port: Equatable, Sendable {
    var name = ""
    /// The type's code; 1 for `float32`.
    var type = 0
    /// The dimensions; nil for an open one.
    ///
    /// There are none where the number of them isn't known.
    var shape: [Int?] = []
  }

  /// The version of the operators' definitions.
  private(set) var operatorSet = 0
  /// The operators, in order.
  private(set) var nodes: [Node] = []
  /// The constants, by name.
  private(set) var constants: [String: ONNXTensor] = [:]
  /// What is given.
  private(set) var inputs: [Port] = []
  /// What comes out.
  private(set) var outputs: [Port] = []

  /// What to do about a file that can't be read.
  static let remedy = "export the model again, to a single .onnx file of opset 13 to 22"

  /// Decodes a file's bytes; `file` is its name in errors.
  ///
  /// - Throws: `FileError`, malformed, which names the byte where the file is wrong.
  package init(decoding data: Data, file: String) throws(FileError) {
    do throws(ProtobufError) {
      try self.init([UInt8](data)[...])
    } catch {
      throw .malformed(file, at: "byte \(error.byteOffset)", error.description, remedy: Self.remedy)
    }
    guard !nodes.isEmpty else {
      throw .malformed(file, "this is not an ONNX model: it has no operators", remedy: Self.remedy)
    }
  }

  /// Reads a ModelProto.
  private init(_ bytes: ArraySlice<UInt8>) throws(ProtobufError) {
    var reader = ProtobufReader(bytes)
    var place = reader.place
    var hasGraph = false
    while let (field, content) = try reader.next() {
      switch field {
      case 7:
        guard !hasGraph else { throw ProtobufError(.unsupported("a second graph"), at: place) }
        hasGraph = true
        try readGraph(content.bytes(at: place))
      case 8: try readOperatorSet(content.bytes(at: place))
      case 25: throw ProtobufError(.unsupported("a function of the model's own"), at: place)
      default: break
      }
      place = reader.place
    }
  }

  private mutating func readOperatorSet(_ bytes: ArraySlice<UInt8>) throws(ProtobufError) {
    var reader = ProtobufReader(bytes)
    var place = reader.place
    var (domain, version): (String, Int64) = ("", 0)
    while let (field, content) = try reader.next() {
      if field == 1 { domain = try content.text(at: place) }
      if field == 2 { version = try content.integer(at: place) }
      place = reader.place
    }
    if domain.isEmpty || domain == "ai.onnx" { operatorSet = Int(clamping: version) }
  }

  private mutating func readGraph(_ bytes: ArraySlice<UInt8>) throws(ProtobufError) {
    var reader = ProtobufReader(bytes)
    var place = reader.place
    while let (field, content) = try reader.next() {
      switch field {
      case 1: nodes.append(try Self.node(content.bytes(at: place)))
      case 5:
        let (name, tensor) = try ONNXTensor.read(content.bytes(at: place))
        constants[name] = tensor
      case 11: inputs.append(try Self.port(content.bytes(at: place)))
      case 12: outputs.append(try Self.port(content.bytes(at: place)))
      case 15: throw ProtobufError(.unsupported("a sparse tensor"), at: place)
      default: break
      }
      place = reader.place
    }
  }

  private static func node(_ bytes: ArraySlice<UInt8>) throws(ProtobufError) -> Node {
    var reader = ProtobufReader(bytes)
    var place = reader.place
    var node = Node()
    while let (field, content) = try reader.next() {
      switch field {
      case 1: node.inputs.append(try content.text(at: place))
      case 2: node.outputs.append(try content.text(at: place))
      case 3: node.name = try content.text(at: place)
      case 4: node.kind = try content.text(at: place)
      case 5:
        let (name, attribute) = try Self.attribute(content.bytes(at: place))
        node.attributes[name] = attribute
      case 7: node.domain = try content.text(at: place)
      default: break
      }
      place = reader.place
    }
    return node
  }

  private static func attribute(
    _ bytes: ArraySlice<UInt8>
  ) throws(ProtobufError) -> (name: String, value: Attribute) {
    var reader = ProtobufReader(bytes)
    var place = reader.place
    var (name, type): (String, Int64) = ("", 0)
    var (float, integer, text): (Float, Int64, String) = (0, 0, "")
    var (floats, integers): ([Float], [Int64]) = ([], [])
    var tensor: ONNXTensor?
    while let (field, content) = try reader.next() {
      switch field {
      case 1: name = try content.text(at: place)
      case 2: float = try content.floats(at: place).first ?? 0
      case 3: integer = try content.integer(at: place)
      case 4: text = try content.text(at: place)
      case 5: tensor = try ONNXTensor.read(content.bytes(at: place)).tensor
      case 7: floats += try content.floats(at: place)
      case 8: integers += try content.integers(at: place)
      case 20: type = try content.integer(at: place)
      default: break
      }
      place = reader.place
    }
    let value: Attribute =
      switch type {
      case 1: .float(float)
      case 2: .integer(integer)
      case 3: .text(text)
      case 4: tensor.map(Attribute.tensor) ?? .other
      case 6: .floats(floats)
      case 7: .integers(integers)
      default: .other
      }
    return (name, value)
  }

  /// A ValueInfoProto: a name, and a type whose dimensions are numbers or names.
  private static func port(_ bytes: ArraySlice<UInt8>) throws(ProtobufError) -> Port {
    var port = Port()
    try visit(bytes) { (field, content, place) throws(ProtobufError) in
      if field == 1 { port.name = try content.text(at: place) }
      guard field == 2 else { return }
      try visit(content.bytes(at: place)) { (field, content, place) throws(ProtobufError) in
        guard field == 1 else { return }
        try visit(content.bytes(at: place)) { (field, content, place) throws(ProtobufError) in
          if field == 1 { port.type = Int(clamping: try content.integer(at: place)) }
          guard field == 2 else { return }
          try visit(content.bytes(at: place)) { (field, content, place) throws(ProtobufError) in
            guard field == 1 else { return }
            var size: Int?
            try visit(content.bytes(at: place)) { (field, content, place) throws(ProtobufError) in
              if field == 1 { size = Int(clamping: try content.integer(at: place)) }
            }
            port.shape.append(size)
          }
        }
      }
    }
    return port
  }

  private static func visit(
    _ bytes: ArraySlice<UInt8>,
    _ body: (Int, ProtobufReader.Content, Int) throws(ProtobufError) -> Void
  ) throws(ProtobufError) {
    var reader = ProtobufReader(bytes)
    var place = reader.place
    while let (field, content) = try reader.next() {
      try body(field, content, place)
      place = reader.place
    }
  }
}
