import Foundation
import HostDevice
import ModelFiles
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
}
