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

  /// The command that a float model's refusal names makes an image.
  @Test func theRemedyOfAFloatModelWorks() throws {
    let folder = try TemporaryFolder()
    let model = ProjectFiles.path("Tests/Oracle/beats/beats.tflite")
    let refused = try exporter("import", model, "--output", folder("m.qinf"))
    let remedy = try #require(refused.errors.firstMatch(of: /quantize it: exporter (.+)/)?.1)
    let arguments = remedy.split(separator: " ").map { word in
      switch word {
      case "MODEL.tflite": model
      case "WINDOWS.npy": ProjectFiles.path("Tests/Oracle/beats/x.npy")
      case "MODEL.qinf": folder("m.qinf")
      default: String(word)
      }
    }
    let made = try exporter.run(arguments)
    #expect(made.status == 0, "\(arguments) \(made)")
  }

  @Test func aDeviceAsksForTheImage() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(19, in: folder)
    let streamed = try deviceSim("stream", "--model", model, "--record", ProjectFiles.record)
    #expect(streamed.status == 65 && streamed.hasOneErrorLine, "\(streamed)")
    #expect(streamed.errors.contains("exporter import \(model) --output MODEL.qinf"), "\(streamed.errors)")
  }

  /// A network of two inputs is imported, inspected, judged and run; what feeds one input says what to do.
  @Test func severalInputsAreRunAndNotStreamed() throws {
    let folder = try TemporaryFolder()
    var builder = ModelBuilder()
    let (one, other, sum) = (builder.tensor([1, 8]), builder.tensor([1, 8]), builder.tensor([1, 8]))
    builder.add(0, nil, [one, other], to: [sum])
    try Files.write(
      builder.finished(inputs: [one, other], outputs: [sum]).encoded(), to: folder("two.tflite"))
    let (model, image) = (folder("two.tflite"), folder("two.qinf"))
    let imported = try exporter("import", model, "--output", image)
    #expect(imported.status == 0, "\(imported)")
    for (command, arguments) in [
      (deviceSim, ["stream", "--model", image, "--record", ProjectFiles.record]),
      (
        deviceSim,
        ["faults", "--model", image, "--record", ProjectFiles.record, "--output", folder("f.jsonl")]
      ),
      (exporter, ["evaluate", image, "--data", folder("")]),
    ] {
      let result = try command.run(arguments)
      #expect(result.status == 65 && result.hasOneErrorLine, "\(arguments) \(result)")
      #expect(
        result.errors.contains("two.qinf: takes no samples: it has 2 inputs and 1 output, and a stream")
          && result.errors.contains("exporter run, with an --input and an --output for each"),
        "\(result.errors)")
    }
  }

  /// A network of integers isn't taken for a checkpoint.
  @Test func integersAreNotQuantizedAgain() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(19, in: folder)
    for arguments in [
      ["quantize", model, "--samples", folder("x.npy"), "--output", folder("m.qinf")],
      ["quantize", model, "--data", folder(""), "--output", folder("m.qinf")],
      ["evaluate", model, "--data", folder("")],
    ] {
      let result = try exporter.run(arguments)
      #expect(result.status == 65 && result.hasOneErrorLine, "\(arguments) \(result)")
      #expect(
        result.errors.contains("m.tflite: is a TensorFlow Lite model of integers, and a checkpoint or")
          && result.errors.contains("make the model's image: exporter import \(model)"), "\(result.errors)")
    }
  }
}
