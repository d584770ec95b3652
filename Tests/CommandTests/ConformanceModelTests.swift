import Foundation
import Support
import Testing
import TestSupport

/// `exporter import` and `exporter run` on public models, against TensorFlow Lite Micro's outputs.
@Suite struct ConformanceModelTests {
  private static let folder = ProjectFiles.root.deletingLastPathComponent()
    .appending(path: "shared/conformance").path
  private static let isThere = FileManager.default.fileExists(atPath: folder + "/golden")
  private static let models = files(in: "models").filter { $0.hasSuffix(".tflite") }
  /// The models that have recorded outputs.
  private static let recorded = files(in: "golden").filter { models.contains($0 + ".tflite") }

  private let exporter = Command("exporter")

  private static func files(in name: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder + "/" + name)) ?? []).sorted()
  }

  @Test(.enabled(if: isThere, "needs ../shared/conformance"), arguments: recorded)
  func everyRowGivesTFLMsOutputs(name: String) throws {
    let folder = try TemporaryFolder()
    let golden = Self.folder + "/golden/" + name
    let expected = try NumPyArray.read(golden + "/output0.npy")
    let image = try exporter("import", Self.folder + "/models/\(name).tflite", "--output", folder("m.qinf"))
    #expect(image.status == 0, "\(image.errors)")
    for model in [Self.folder + "/models/\(name).tflite", folder("m.qinf")] {
      let run = try exporter("run", model, "--input", golden + "/input0.npy", "--output", folder("y.npy"))
      #expect(run.status == 0, "\(run.errors)")
      #expect(try NumPyArray.read(folder("y.npy")).values == expected.values)
    }
  }

  @Test(.enabled(if: isThere, "needs ../shared/conformance"), arguments: recorded)
  func everyLayerGivesTFLMsCodes(name: String) throws {
    let layers = Self.files(in: "golden/\(name)/layers")
    let path = Self.folder + "/golden/\(name)/layers/"
    let inputs = layers.filter { $0.hasSuffix("_input0.npy") }
    #expect(!inputs.isEmpty)
    for input in inputs {
      let folder = try TemporaryFolder()
      let sample = try NumPyArray.read(path + input)
      try Files.write(
        NumPyArray(shape: [1, sample.values.count], values: sample.values).encoded(), to: folder("x.npy"))
      let run = try exporter(
        "run", Self.folder + "/models/\(name).tflite", "--input", folder("x.npy"), "--output",
        folder("y.npy"),
        "--layers", folder("layers"))
      #expect(run.status == 0, "\(run.errors)")
      let kind = input.dropLast("input0.npy".count)
      let expected = layers.filter { $0.hasPrefix(kind + "op") }
      let written = try FileManager.default.contentsOfDirectory(atPath: folder("layers")).sorted()
      #expect(written == expected.map { String($0.dropFirst(kind.count)) })
      for (ours, theirs) in zip(written, expected) {
        #expect(try NumPyArray.read(folder("layers/" + ours)) == NumPyArray.read(path + theirs), "\(theirs)")
      }
    }
  }

  @Test(.enabled(if: isThere, "needs ../shared/conformance"))
  func publicModelsAreImportedOrRefusedByOperator() throws {
    let folder = try TemporaryFolder()
    for model in Self.models {
      let path = Self.folder + "/models/" + model
      let result = try exporter("import", path, "--output", folder("m.qinf"))
      switch model {
      case "keyword_scrambled_8bit.tflite":
        #expect(result.errors.contains(":operator 14 (QUANTIZE): tensor 53 is int32"), "\(result)")
      case "kws_ref_model_float32.tflite":
        #expect(result.errors.contains(":operator 0 (CONV_2D): tensor 0 'input_1' is float32"), "\(result)")
      default:
        #expect(result.status == 0, "\(result)")
        continue
      }
      #expect(result.status == 65 && result.hasOneErrorLine)
    }
  }
}
