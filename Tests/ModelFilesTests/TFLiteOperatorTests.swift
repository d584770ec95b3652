import Foundation
import HostDevice
import ModelFiles
import Networks
import QuantInfer
import Support
import Testing
import TestNetworks
import TestSupport

/// Imported models of one operator each against TensorFlow Lite Micro's reference kernels.
@Suite struct TFLiteOperatorTests {
  // claim: kernels
  @Test(.enabled(if: PythonEnvironment.tflm != nil, "needs Python with tflite-micro from PyPI"))
  func everyImportedOperatorGivesTFLMsBits() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "quantinfer-\(UUID().uuidString)")
      .path
    try Files.makeFolder(folder)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var models = OperatorModels(random: SeededGenerator(seed: 51))
    var arguments: [String] = []
    let all = models.all()
    for (index, named) in all.enumerated() {
      let path = folder + "/\(index) \(named.name)"
      try Files.write(named.model.encoded(), to: path + ".tflite")
      // What was written is read again, so that the file and not the description is imported.
      let loaded = try LoadedModel.read(path + ".tflite")
      var inputs: [(file: String, values: NumPyArray)] = []
      for port in 0..<loaded.model.inputCount {
        inputs.append((path + ".x\(port).npy", Self.samples(of: loaded.model, port, random: &models.random)))
      }
      let run = try SampleRun.run(loaded, inputs: inputs)
      for input in inputs { try Files.write(input.values.encoded(), to: input.file) }
      try Files.write(run.outputs[0].encoded(), to: path + ".y.npy")
      arguments += [path + ".tflite", inputs.map(\.file).joined(separator: ","), path + ".y.npy"]
    }
    let script = ProjectFiles.path("Tests/Oracle/check_tflm.py")
    let told = try #require(PythonEnvironment.tflm).run([script] + arguments)
    #expect(told.hasPrefix("\(all.count) models, ") && told.hasSuffix(" 0 differ\n"))
    print(told, terminator: "")
  }

  /// Rows of random, least, greatest and, for int8, all codes in turn; or of real numbers around the tensor's range.
  private static func samples(
    of model: Model, _ port: Int, random: inout SeededGenerator
  ) -> NumPyArray {
    let tensor = model.tensor(model.inputPort(port).tensorIndex)
    let codes = tensor.type.codes
    func row(_ code: (Int) -> Int) -> [Int] { (0..<tensor.count).map { code($0) } }
    var rows = [
      row { _ in codes.lowerBound }, row { _ in codes.upperBound },
      row { codes.lowerBound + ($0 * (codes.count / 256)) % codes.count },
    ]
    for _ in 0..<5 { rows.append(row { _ in codes.lowerBound + random.nextIndex(below: codes.count) }) }
    let all = rows.flatMap { $0 }
    let shape = [rows.count, tensor.count]
    if model.inputPort(port).border == .float {
      let scale = Float(bitPattern: tensor.scaleBits)
      return NumPyArray(
        shape: shape,
        values: .float32(
          all.map { (Float($0 - Int(tensor.zeroPoint)) + Float(random.next(in: -1...1))) * scale }))
    }
    return NumPyArray(
      shape: shape, values: tensor.type == .int8 ? .int8(all.map { Int8($0) }) : .int16(all.map { Int16($0) })
    )
  }

  @Test func carriedStatesAreThoseOfOneLongRun() throws {
    var models = OperatorModels(random: SeededGenerator(seed: 53))
    let model = try #require(models.all().first { $0.name.hasPrefix("SVDF int8") }).model
    let network = try QuantizedNetwork(importing: model)
    let loaded = try LoadedModel(image: ModelImage(network, frontEnd: nil).bytes)
    #expect(loaded.model.hasState)
    let count = loaded.model.input.count
    let rows = (0..<6).map { _ in (0..<count).map { _ in models.random.nextIndex(below: 256) - 128 } }
    let samples = NumPyArray(shape: [6, count], values: .int8(rows.flatMap { $0.map { Int8($0) } }))
    let expected = try engineOutputs(
      network, runs: rows.map { [$0] }, hasRoom: true, instructions: .portable)
    func outputs(carrying: Bool) throws -> [Int] {
      let run = try SampleRun.run(loaded, inputs: [("rows", samples)], carriesState: carrying)
      guard case .int8(let codes) = run.outputs[0].values else { return [] }
      return codes.map { Int($0) }
    }
    #expect(try outputs(carrying: true) == expected.flatMap { $0 })
    #expect(try outputs(carrying: false) != expected.flatMap { $0 })
  }

  /// Variables that a streaming layer reads and assigns; `Tests/Oracle/tflm_states.py` ran it in TensorFlow Lite Micro.
  @Test func statesGoOnAsInTFLM() throws {
    struct Golden: Decodable {
      var model: Data
      var rows: [[Int]]
      var carried: [[Int]]
      var fresh: [[Int]]
    }
    let file = URL(filePath: ProjectFiles.path("Tests/Oracle/tflm-states.json"))
    let golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: file))
    let folder = try TemporaryFolder()
    let loaded = try LoadedModel.read(folder.put("states.tflite", golden.model))
    #expect(loaded.model.hasState)
    let samples = NumPyArray(
      shape: [golden.rows.count, 4], values: .int8(golden.rows.flatMap { $0.map { Int8($0) } }))
    for (carries, expected) in [(true, golden.carried), (false, golden.fresh)] {
      let run = try SampleRun.run(loaded, inputs: [("rows", samples)], carriesState: carries)
      #expect(run.outputs[0].values == .int8(expected.flatMap { $0.map { Int8($0) } }), "\(carries)")
    }
    // States that begin elsewhere stay operators, which are refused by their name.
    let model = try TFLiteModel(decoding: golden.model, file: "states.tflite")
    for graph in model.otherGraphs.indices {
      var changed = model
      let tensor = changed.otherGraphs[graph].tensors.firstIndex { $0.type == .int8 } ?? 0
      changed.buffers[Int(changed.otherGraphs[graph].tensors[tensor].buffer)].bytes[0] ^= 1
      let error = #expect(throws: NotConvertible.self) { try QuantizedNetwork(importing: changed) }
      #expect(error?.operatorName?.contains("VAR") == true || error?.operatorName == "CALL_ONCE")
    }
    #expect(try TFLiteModel(decoding: model.encoded(), file: "again") == model)
  }
}
