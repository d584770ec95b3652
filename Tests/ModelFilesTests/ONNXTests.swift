import Foundation
import ModelFiles
import Networks
import Support
import Testing
import TestSupport

/// ONNX models as float networks, against ONNX Runtime's outputs.
@Suite struct ONNXTests {
  private static let oracle = ProjectFiles.path("Tests/Oracle/onnx") + "/"
  /// The project's own models; Tests/Oracle/make_onnx.py made them and their outputs.
  private static let own = ((try? FileManager.default.contentsOfDirectory(atPath: oracle)) ?? [])
    .filter { $0.hasSuffix(".onnx") && !$0.contains("int8") }.map { String($0.dropLast(5)) }.sorted()
  private static let shared = ProjectFiles.root.deletingLastPathComponent().appending(
    path: "shared/conformance/onnx"
  ).path
  private static let isShared = FileManager.default.fileExists(atPath: shared)

  private func floats(_ file: String) throws -> [Float] {
    let array = try NumPyArray.read(file)
    guard case .float32(let values) = array.values else { return [] }
    return values
  }

  /// The greatest difference from some rows of outputs, in parts of the greatest output.
  private func error(_ network: FloatNetwork, _ input: String, _ outputs: [String], rows: Int) throws -> Float
  {
    let size = network.inputs[0].count
    let windows = network.windows([Array(try floats(input).prefix(rows * size))])
    let execution = try FloatExecution(network.graph)
    let expected = try outputs.map(floats)
    var (difference, greatest): (Float, Float) = (0, 0)
    for (row, window) in windows.enumerated() {
      var results = execution.logits(ofWindow: window)[...]
      for (index, port) in network.outputs.enumerated() {
        let ours = network.source(results.prefix(port.count), output: index)
        results = results.dropFirst(port.count)
        for (a, b) in zip(ours, expected[index][(row * port.count)...]) {
          difference = max(difference, abs(a - b))
          greatest = max(greatest, abs(b))
        }
      }
    }
    return difference / greatest
  }

  // claim: float-networks
  @Test(arguments: own) func everyOperatorGivesONNXRuntimesOutputs(name: String) throws {
    let network = try FloatNetwork(reading: Self.oracle + name + ".onnx")
    let outputs = network.outputs.indices.map { "\(Self.oracle)\(name).output\($0).npy" }
    // Sums in another order differ by some steps of 2^-24.
    #expect(try error(network, Self.oracle + name + ".input.npy", outputs, rows: 6) < 2e-6)
  }

  // claim: float-networks
  @Test(
    .enabled(if: isShared, "needs ../shared/conformance"),
    arguments: ["cnn1d", "tcn_residual", "dscnn2d", "mobile1d", "gru1d"], ["", "_dynamo"])
  func exportersNetworksGiveONNXRuntimesOutputs(name: String, exporter: String) throws {
    let network = try FloatNetwork(reading: "\(Self.shared)/\(name)/\(name)\(exporter).onnx")
    let input = "\(Self.shared)/\(name == "dscnn2d" ? "spectrogram" : "ecg")_input.npy"
    #expect(try error(network, input, ["\(Self.shared)/\(name)/float_output.npy"], rows: 100) < 1e-6)
  }

  /// Time may be an image's last dimension, as a spectrogram of PyTorch's has it: then it is the outermost in memory.
  @Test(arguments: ["squeeze_excite", "greatest"]) func timeMayBeTheLastDimension(name: String) throws {
    let network = try FloatNetwork(reading: Self.oracle + name + ".onnx", isTimeLast: true)
    #expect(network.inputs[0].memoryOrder == [3, 2, 1])
    let outputs = network.outputs.indices.map { "\(Self.oracle)\(name).output\($0).npy" }
    #expect(try error(network, Self.oracle + name + ".input.npy", outputs, rows: 6) < 2e-6)
  }

  /// Convolutions read channels last, the flattened tensor's matrix has its columns in memory's order, and limits and
  /// batch normalization are part of the convolutions.
  @Test func channelsFirstNeedNoCopies() throws {
    let network = try FloatNetwork(reading: Self.oracle + "twelve_leads.onnx")
    let kinds = network.graph.operators.map(\.kind)
    #expect(
      kinds == [
        .convolution, .maximumPool, .convolution, .depthwiseConvolution, .leakyRelu, .fullyConnected,
        .softmax,
      ])
    #expect(network.graph.tensors[0].shape == [1, 64, 1, 12])
    #expect(network.inputs[0].places.prefix(4) == [0, 64, 128, 192])
    let first = try FloatNetwork(reading: Self.oracle + "time_first.onnx")
    #expect(first.graph.operators.map(\.kind) == [.depthwiseConvolution, .convolution, .fullyConnected])
    #expect(!first.inputs[0].isRearranged)
  }

  /// x times the logistic function, and GELU spelled out, are one function each.
  @Test func chainsOfFunctionsBecomeOne() throws {
    let graph = try FloatNetwork(reading: Self.oracle + "functions.onnx").graph
    let composed = graph.composed()
    #expect(composed.operators.count < graph.operators.count)
    #expect(!composed.operators.contains { $0.kind == .multiply || $0.kind == .add })
    let window = try Array(floats(Self.oracle + "functions.input.npy").prefix(36))
    let (before, after) = (try FloatExecution(graph), try FloatExecution(composed))
    for (a, b) in zip(before.logits(ofWindow: window), after.logits(ofWindow: window)) {
      #expect(abs(a - b) < 1e-5)
    }
  }

  private func network(_ data: Data) throws -> FloatNetwork {
    try FloatNetwork(decoding: data, file: "m.onnx")
  }

  /// A field of a message: its number, and bytes.
  private func field(_ number: Int, _ bytes: [UInt8]) -> [UInt8] {
    precondition(number < 16 && bytes.count < 128)
    return [UInt8(number << 3 | 2), UInt8(bytes.count)] + bytes
  }

  private func field(_ number: Int, _ value: Int) -> [UInt8] { [UInt8(number << 3), UInt8(value)] }

  /// A model of one operator from `x` to `y`.
  private func model(
    _ kind: String, batch: [UInt8], length: [UInt8], tensor: [UInt8] = [], domain: String = ""
  ) -> Data {
    let node =
      field(1, Array("x".utf8)) + field(2, Array("y".utf8)) + field(4, Array(kind.utf8))
      + (domain.isEmpty ? [] : field(7, Array(domain.utf8)))
    let shape = field(1, batch) + field(1, length)
    let type = field(2, field(1, field(1, 1) + field(2, shape)))
    let graph =
      field(1, node) + (tensor.isEmpty ? [] : field(5, tensor)) + field(11, field(1, Array("x".utf8)) + type)
      + field(12, field(1, Array("y".utf8)))
    return Data(field(8, field(2, 17)) + field(7, graph))
  }

  @Test func whatCanNotRunIsRefusedByName() throws {
    let (one, open, eight) = (field(1, 1), field(2, Array("n".utf8)), field(1, 8))
    #expect(try network(model("Relu", batch: one, length: eight)).graph.operators.count == 1)
    #expect(try network(model("Relu", batch: open, length: eight)).inputs[0].shape == [1, 8])
    func problem(_ data: Data) -> String {
      do {
        _ = try network(data)
        return "accepted"
      } catch { return "\(error)" }
    }
    #expect(problem(model("Relu", batch: eight, length: eight)).contains("batch of 8"))
    #expect(
      problem(model("Relu", batch: one, length: open)).contains("the dimension 1 of the input x is open"))
    #expect(
      problem(model("Det", batch: one, length: eight)).contains(
        "operator 0 (Det): isn't one of the operators"))
    #expect(problem(model("Relu", batch: one, length: eight, domain: "my.own")).contains("domain my.own"))
    let external = field(1, 2) + field(2, 1) + field(8, Array("w".utf8)) + field(14, 1)
    #expect(
      problem(model("Relu", batch: one, length: eight, tensor: external)).contains("a file of their own"))
    let short = field(1, 2) + field(2, 1) + field(8, Array("w".utf8)) + field(9, [0, 0, 0, 0])
    #expect(
      problem(model("Relu", batch: one, length: eight, tensor: short)).contains("a tensor of 2 numbers has 1")
    )
  }
}
