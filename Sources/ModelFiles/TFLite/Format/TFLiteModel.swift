import Foundation
import Support

/// A TensorFlow Lite model: what the `.tflite` schema says of its first subgraph, as values.
package struct TFLiteModel: Equatable, Sendable {
  /// A kind of operator that the model uses.
  package struct OperatorCode: Equatable, Sendable {
    /// What it computes.
    package var kind: TFLiteOperatorKind
    /// A custom operator's name.
    package var customName = ""
    /// The version of its kernel.
    package var version: Int32 = 1

    /// Creates a code.
    package init(_ kind: TFLiteOperatorKind, version: Int32 = 1) {
      (self.kind, self.version) = (kind, version)
    }
  }

  /// How a tensor's codes stand for real numbers; one scale, or one for each place along a dimension.
  package struct Quantization: Equatable, Sendable {
    /// Real = scale * (code - zero point).
    package var scales: [Float] = []
    /// The codes of real 0.
    package var zeroPoints: [Int64] = []
    /// The dimension that several scales belong to.
    package var dimension: Int32 = 0
    /// The least real numbers seen, where the model tells them.
    package var minimums: [Float] = []
    /// The greatest real numbers seen, where the model tells them.
    package var maximums: [Float] = []

    /// Creates a quantization.
    package init(scales: [Float] = [], zeroPoints: [Int64] = []) {
      (self.scales, self.zeroPoints) = (scales, zeroPoints)
    }
  }

  /// A tensor.
  package struct Tensor: Equatable, Sendable {
    /// Its name.
    package var name = ""
    /// The dimensions, outermost first.
    package var shape: [Int32] = []
    /// The dimensions with -1 for those that may vary; empty where none may.
    package var shapeSignature: [Int32] = []
    /// Whether the shape counts: false where the number of dimensions isn't known.
    package var hasRank = false
    /// The elements' type.
    package var type = TFLiteElementType.float32
    /// The buffer of its constants; one without bytes where the tensor is computed.
    package var buffer: UInt32 = 0
    /// How codes stand for real numbers; nil where it isn't quantized.
    package var quantization: Quantization?
    /// Whether it keeps its values between runs.
    package var isVariable = false

    /// Creates a float tensor without dimensions.
    package init() {}
  }

  /// An operator.
  package struct Operator: Equatable, Sendable {
    /// Its kind: an index in `TFLiteModel.operatorCodes`.
    package var code: UInt32 = 0
    /// The tensors that it reads; -1 for one that is left out.
    package var inputs: [Int32] = []
    /// The tensors that it writes.
    package var outputs: [Int32] = []
    /// Its options; nil where it has none.
    package var options: TFLiteOptions?
    /// A custom operator's options.
    package var customOptions: [UInt8] = []
    /// Tensors that it needs while it runs.
    package var intermediates: [Int32] = []
    /// Whether it changes an input, for each input; empty where it changes none.
    package var changesInput: [Bool] = []

    /// Creates an operator without inputs.
    package init() {}
  }

  /// Tensors and the operators between them.
  package struct Subgraph: Equatable, Sendable {
    /// Its name.
    package var name = ""
    /// The tensors.
    package var tensors: [Tensor] = []
    /// The tensors that the caller fills.
    package var inputs: [Int32] = []
    /// The tensors that the caller reads.
    package var outputs: [Int32] = []
    /// The operators in order of execution.
    package var operators: [Operator] = []

    /// Creates an empty subgraph.
    package init() {}
  }

  /// Constants.
  package struct Buffer: Equatable, Sendable {
    /// The bytes.
    package var bytes: [UInt8] = []
    /// Where bytes that follow the tables begin in the file; 0 or 1 where there are none, and after reading.
    package var fileOffset: UInt64 = 0
    /// How many bytes follow there.
    package var fileByteCount: UInt64 = 0

    /// Creates a buffer.
    package init(_ bytes: [UInt8] = []) { self.bytes = bytes }
  }

  /// The schema's version.
  package var version: UInt32 = 3
  /// What the model is, in words.
  package var description = ""
  /// The kinds of operators.
  package var operatorCodes: [OperatorCode] = []
  /// The graph that runs.
  package var graph = Subgraph()
  /// Further subgraphs, which operators of the first one call.
  package var otherGraphs: [Subgraph] = []
  /// The constants; the first buffer has none by convention.
  package var buffers: [Buffer] = []

  /// Creates an empty model.
  package init() {}

  /// The kind of an operator.
  package func kind(of operation: Operator) -> TFLiteOperatorKind {
    operatorCodes[Int(operation.code)].kind
  }
}

extension TFLiteModel {
  static let identifier = "TFL3"

  /// Reads a `.tflite` file.
  ///
  /// - Throws: `FileError`, which names the byte, operator or tensor where the model is wrong.
  package static func read(_ file: String) throws(FileError) -> TFLiteModel {
    try TFLiteModel(decoding: Files.read(file), file: file)
  }

  /// Decodes a file's bytes; `file` is its name in errors.
  ///
  /// After it, all indices are those of tensors, buffers and operator codes that there are, and no dimension is
  /// negative. Nothing is known of shapes and constants beyond that.
  ///
  /// - Throws: `FileError`, malformed.
  package init(decoding data: Data, file: String) throws(FileError) {
    let remedy = "use an undamaged .tflite model"
    do throws(FlatBufferError) {
      let root = try FlatBufferReader.read([UInt8](data), identifier: Self.identifier, empty: TFLiteRoot())
      guard let graph = root.subgraphs.first else { throw FlatBufferError(.outOfBounds, at: 0) }
      self.init()
      (version, description) = (root.version, root.description)
      (operatorCodes, buffers, self.graph) = (root.operatorCodes, root.buffers, graph)
      otherGraphs = Array(root.subgraphs.dropFirst())
      try readBuffersByOffset([UInt8](data))
    } catch {
      throw .malformed(file, at: "byte \(error.byteOffset)", error.description, remedy: remedy)
    }
    if let (location, problem) = firstWrongIndex {
      throw .malformed(file, at: location, problem, remedy: remedy)
    }
  }

  /// The bytes of a `.tflite` file.
  ///
  /// - Throws: `FlatBufferError`, where an operator has options of an unknown kind or the file gets too large.
  package func encoded() throws(FlatBufferError) -> Data {
    for operation in graph.operators {
      if let kind = operation.options?.kind, !kind.isKnown || kind == .none {
        throw FlatBufferError(.unsupported("options of kind \(kind.rawValue)"), at: 0)
      }
    }
    var root = TFLiteRoot()
    (root.version, root.description) = (version, description)
    (root.operatorCodes, root.buffers, root.subgraphs) = (operatorCodes, buffers, [graph] + otherGraphs)
    return Data(try FlatBufferWriter.write(root, identifier: Self.identifier))
  }

  /// Fetches the buffers that lie behind the tables, as in files that converters write in large-model mode.
  private mutating func readBuffersByOffset(_ file: [UInt8]) throws(FlatBufferError) {
    var allowance = 2 * file.count
    for index in buffers.indices where buffers[index].fileOffset > 1 {
      let (offset, count) = (buffers[index].fileOffset, buffers[index].fileByteCount)
      guard buffers[index].bytes.isEmpty, offset <= file.count, count <= UInt64(file.count) - offset else {
        throw FlatBufferError(.outOfBounds, at: Int(clamping: offset))
      }
      allowance -= Int(count)
      guard allowance >= 0 else { throw FlatBufferError(.overlappingParts, at: Int(offset)) }
      buffers[index] = Buffer(Array(file[Int(offset)..<Int(offset + count)]))
    }
  }

  private var firstWrongIndex: (location: String, problem: String)? {
    for (index, graph) in ([graph] + otherGraphs).enumerated() {
      guard let wrong = firstWrongIndex(in: graph) else { continue }
      return index == 0 ? wrong : ("subgraph \(index), \(wrong.location)", wrong.problem)
    }
    return nil
  }

  private func firstWrongIndex(in graph: Subgraph) -> (location: String, problem: String)? {
    for (index, tensor) in graph.tensors.enumerated() {
      guard tensor.buffer < buffers.count else {
        return ("tensor \(index)", "has the buffer \(tensor.buffer) of \(buffers.count)")
      }
      guard tensor.shape.allSatisfy({ $0 >= 0 }) else {
        return ("tensor \(index)", "has the impossible shape \(tensor.shape)")
      }
    }
    func isTensor(_ index: Int32) -> Bool { graph.tensors.indices.contains(Int(index)) }
    for index in graph.inputs + graph.outputs where !isTensor(index) {
      return ("subgraph 0", "has tensor \(index) of \(graph.tensors.count) as input or output")
    }
    for (index, operation) in graph.operators.enumerated() {
      guard operation.code < operatorCodes.count else {
        return ("operator \(index)", "is of kind \(operation.code) of \(operatorCodes.count)")
      }
      let used = operation.inputs.filter { $0 != -1 } + operation.outputs + operation.intermediates
      for tensor in used where !isTensor(tensor) {
        return ("operator \(index)", "uses tensor \(tensor) of \(graph.tensors.count)")
      }
    }
    return nil
  }
}
