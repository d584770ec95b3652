import Foundation
import HostDevice
import ModelFiles
import QuantInfer
import Support
import Testing
import TestSupport

/// Small models that TensorFlow Lite Micro ran, imported and run: `Tests/Oracle/tflm_models.py` says how they were made.
@Suite struct TFLiteMicroTests {
  private struct Goldens: Decodable {
    struct Case: Decodable {
      var name: String
      var model: Data
      var inputs: [[[Int]]]
      var outputs: [[[Int]]]
    }

    var cases: [Case]
  }

  // claim: networks
  @Test func everyModelGivesTFLMsOutputs() throws {
    let file = URL(filePath: ProjectFiles.path("Tests/Oracle/tflm-models.json"))
    let goldens = try JSONDecoder().decode(Goldens.self, from: Data(contentsOf: file))
    let folder = try TemporaryFolder()
    var compared: [String: Int] = [:]
    for golden in goldens.cases {
      let model = try folder.put("m.tflite", golden.model)
      let loaded: LoadedModel
      do {
        loaded = try LoadedModel.read(model)
      } catch {
        Issue.record("\(golden.name): \(error)")
        continue
      }
      let inputs = golden.inputs[0].indices.map { port in
        let tensor = loaded.model.tensor(loaded.model.inputPort(port).tensorIndex)
        return (model, Self.array(golden.inputs.map { $0[port] }, of: tensor.type))
      }
      let run = try SampleRun.run(loaded, inputs: inputs)
      for (port, output) in run.outputs.enumerated() {
        let expected = golden.outputs.flatMap { $0[port] }
        #expect(Self.integers(output.values) == expected, "\(golden.name), output \(port)")
        compared[golden.name, default: 0] += expected.count
      }
    }
    print(
      "models of TensorFlow Lite Micro: \(goldens.cases.count) cases, \(compared.values.reduce(0, +)) values")
    #expect(goldens.cases.count > 150 && compared.values.allSatisfy { $0 > 0 })
  }

  private static func array(_ rows: [[Int]], of type: ElementType) -> NumPyArray {
    let all = rows.flatMap { $0 }
    return NumPyArray(
      shape: [rows.count, rows[0].count],
      values: type == .int8 ? .int8(all.map { Int8($0) }) : .int16(all.map { Int16($0) }))
  }

  private static func integers(_ values: NumPyArray.Values) -> [Int] {
    switch values {
    case .int8(let codes): codes.map { Int($0) }
    case .uint8(let codes): codes.map { Int($0) }
    case .int16(let codes): codes.map { Int($0) }
    case .int32(let numbers): numbers.map { Int($0) }
    case .float32: []
    }
  }
}
