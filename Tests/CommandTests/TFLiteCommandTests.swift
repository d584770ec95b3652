import Foundation
import ModelFiles
import Support
import TestNetworks
import TestSupport
import Testing

/// What the commands make of `.tflite` files, and what they say of those that can't be imported.
@Suite struct TFLiteCommandTests {
  private let exporter = Command("exporter")
  private let deviceSim = Command("device-sim")

  /// A file of one operator from `[1, 8]` to `[1, 8]`.
  private static func model(
    _ kind: Int32, type: TFLiteElementType = .int8, in folder: TemporaryFolder
  ) throws -> String {
    var builder = ModelBuilder()
    let (input, output) = (builder.tensor([1, 8], type), builder.tensor([1, 8], type))
    builder.add(kind, nil, [input], to: [output])
    let model = builder.finished(inputs: [input], outputs: [output])
    try Files.write(model.encoded(), to: folder("m.tflite"))
    return folder("m.tflite")
  }

  @Test func inspectAndVerdictTakeATFLiteFile() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(19, in: folder)
    let inspected = try exporter("inspect", model)
    #expect(inspected.status == 0 && inspected.output.contains("RELU"), "\(inspected)")
    let verdict = try deviceSim("verdict", "--model", model, "--interval", "60", "--profile", "pacemaker")
    #expect(verdict.status == 0 && verdict.output.contains("m.tflite with a decision every"), "\(verdict)")
  }

  @Test func refusalsSayWhatToDo() throws {
    let folder = try TemporaryFolder()
    let cases: [(kind: Int32, type: TFLiteElementType, location: String, remedy: String)] = [
      (
        128, .int8, "operator 0 (CUMSUM)", "docs/reference/Operators.md lists the operators that are imported"
      ),
      (32, .int8, "operator 0 (CUSTOM)", "allow_custom_ops=False"),
      (19, .float32, "operator 0 (RELU)", "quantize it: exporter quantize MODEL.tflite --samples"),
    ]
    for (kind, type, location, remedy) in cases {
      let model = try Self.model(kind, type: type, in: folder)
      for result in [
        try exporter("import", model, "--output", folder("m.qinf")), try exporter("inspect", model),
      ] {
        #expect(result.status == 65 && result.hasOneErrorLine, "\(result)")
        #expect(result.errors.contains(location) && result.errors.contains(remedy), "\(result.errors)")
      }
    }
  }

  @Test func aDeviceAsksForTheImage() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(19, in: folder)
    let streamed = try deviceSim("stream", "--model", model, "--record", ProjectFiles.record)
    #expect(streamed.status == 65 && streamed.hasOneErrorLine, "\(streamed)")
    #expect(streamed.errors.contains("exporter import \(model) --output MODEL.qinf"), "\(streamed.errors)")
  }
}
