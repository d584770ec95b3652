import Foundation
import ModelFiles
import Networks
import Support
import Testing
import TestSupport

/// `exporter export` and `exporter run` from the outside.
@Suite struct ExportRunTests {
  private let exporter = Command("exporter")

  /// An array of codes that fit the shipped model, two samples.
  private static func samples(_ shape: (QuantInferShape) -> [Int]) throws -> NumPyArray {
    let shipped = try LoadedModel(file: ProjectFiles.model)
    let input = withExtendedLifetime(shipped) { shipped.model.input }
    let codes = (0..<2 * input.byteCount).map { Int8(truncatingIfNeeded: $0 * 7) }
    return NumPyArray(
      shape: shape((input.timeCount, input.frequencyCount, input.channelCount)), values: .int8(codes))
  }

  private typealias QuantInferShape = (time: Int, frequency: Int, channels: Int)

  @Test func anExportReadsBackAsTheImagesNetwork() throws {
    let folder = try TemporaryFolder()
    let result = try exporter(
      "export", ProjectFiles.model, "--format", "tflite", "--output", folder("m.tflite"), "--json", "-")
    #expect(result.status == 0)
    let told = try result.json()
    let model = try TFLiteModel.read(folder("m.tflite"))
    let network = try LoadedModel(file: ProjectFiles.model).network()
    #expect(told["operators"] as? [String] == model.graph.operators.map { model.kind(of: $0).name })
    #expect(told["bytes"] as? Int == (try Files.read(folder("m.tflite")).count))
    #expect(model.graph.operators.count == network.operators.count)
    for (operation, original) in zip(model.graph.operators, network.operators) {
      let weights = model.graph.tensors[Int(operation.inputs[1])]
      let packed =
        switch original.computation {
        case .convolution(_, let weights), .fullyConnected(let weights): weights
        default: throw CancellationError()
        }
      #expect(weights.quantization?.scales == packed.scales)
      #expect(model.buffers[Int(weights.buffer)].bytes == packed.codes.map { UInt8(bitPattern: $0) })
    }
  }

  /// The numbers between the braces after a name, in any radix that C has.
  private static func array(_ name: String, in source: String) throws -> [Int] {
    let definition = " \(name)\\[[0-9]+\\] = \\{"
    let open = try #require(source.range(of: definition, options: .regularExpression)).upperBound
    let close = try #require(source[open...].firstIndex(of: "}"))
    let numbers = source[open..<close].split { ", \n".contains($0) }
    return numbers.compactMap { $0.hasPrefix("0x") ? Int($0.dropFirst(2), radix: 16) : Int($0) }
  }

  @Test func aCExportIsTheImageAlignedAndInItsSection() throws {
    let folder = try TemporaryFolder()
    let result = try exporter(
      "export", ProjectFiles.model, "--format", "c", "--section", ".model", "--output", folder("m.c"))
    #expect(result.status == 0)
    let source = String(decoding: try Files.read(folder("m.c")), as: UTF8.self)
    let image = try Files.read(ProjectFiles.model)
    #expect(try Self.array("ecg_beats", in: source) == image.map(Int.init))
    #expect(
      source.contains(
        "__attribute__((aligned(16), section(\".model\"))) const uint8_t ecg_beats[\(image.count)]"))
  }

  @Test func aCExportsSamplesAreTheRecordsCounts() throws {
    let folder = try TemporaryFolder()
    let result = try exporter(
      "export", ProjectFiles.model, "--format", "c", "--name", "beats", "--record", ProjectFiles.record,
      "--start", "2", "--seconds", "3", "--output", folder("m.c"), "--json", "-")
    #expect(result.status == 0)
    let source = String(decoding: try Files.read(folder("m.c")), as: UTF8.self)
    let samples = try Self.array("beats_samples", in: source)
    // Five minutes' counts from the first on, 128 Hz: the export is a part of them.
    let all = try exporter(
      "export", ProjectFiles.model, "--format", "c", "--name", "beats", "--record", ProjectFiles.record,
      "--seconds", "300", "--output", folder("all.c"))
    #expect(all.status == 0)
    let everything = try Self.array(
      "beats_samples", in: String(decoding: try Files.read(folder("all.c")), as: UTF8.self))
    #expect(samples.count == 384 && samples == Array(everything[256..<640]))
    // An ECG of about a millivolt and more, at 2.44 uV a count.
    #expect(everything.max() ?? 0 > 400 && everything.min() ?? 0 >= -2048 && everything.max() ?? 0 <= 2047)
  }

  /// Compiled by the host's clang, without a warning, and linked with the library that was built beside the tests.
  @Test(
    .enabled(
      if: FileManager.default.fileExists(atPath: Command("libquantinfer-c.a").path),
      "needs the product quantinfer-c, which `swift build -c release` builds"),
    arguments: [
      ["--record", ProjectFiles.record], ["--record", ProjectFiles.record, "--patch"], ["--whole"],
      ["--record", ProjectFiles.path("Firmware/Leads/signs")],
    ])
  func aCExportsSelfTestFindsAllAsExpected(options: [String]) throws {
    let folder = try TemporaryFolder()
    let patch = options.last == "--patch" ? [ProjectFiles.path("Firmware/Monitor/mitdb-208.qpatch")] : []
    let isOfTwoLeads = options.contains { $0.hasSuffix("Leads/signs") }
    let model = isOfTwoLeads ? ProjectFiles.path("Firmware/Leads/signs.qinf") : ProjectFiles.model
    let result = try exporter.run(
      ["export", model, "--format", "c", "--output", folder("m.c")] + options + patch)
    #expect(result.status == 0, "\(result.errors)")
    let header = ProjectFiles.path("Sources/CQuantInfer/include")
    func call(_ arguments: [String]) throws -> Int32 {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = arguments
      try process.run()
      process.waitUntilExit()
      return process.terminationStatus
    }
    for name in ["m", "m_test"] {
      let warnings = ["-std=c11", "-Wall", "-Wextra", "-pedantic", "-Werror"]
      #expect(
        try call(["clang"] + warnings + ["-I", header, "-c", folder(name + ".c"), "-o", folder(name + ".o")])
          == 0)
    }
    let library = Command("libquantinfer-c.a").path
    #expect(try call(["swiftc", folder("m.o"), folder("m_test.o"), library, "-o", folder("run")]) == 0)
    #expect(try call([folder("run")]) == 0)
  }

  @Test func layersEndInTheOutputOfTheFirstSample() throws {
    let folder = try TemporaryFolder()
    try Files.write(Self.samples { [2, $0.time, $0.channels] }.encoded(), to: folder("x.npy"))
    let result = try exporter(
      "run", ProjectFiles.model, "--input", folder("x.npy"), "--output", folder("y.npy"), "--layers",
      folder("layers"))
    #expect(result.status == 0, "\(result.errors)")
    let outputs = try NumPyArray.read(folder("y.npy"))
    let network = try LoadedModel(file: ProjectFiles.model).network()
    let files = try FileManager.default.contentsOfDirectory(atPath: folder("layers")).sorted()
    #expect(files.count == network.operators.count)
    #expect(files.first == "op00_CONV_2D_t1.npy")
    #expect(files.last?.hasSuffix("_FULLY_CONNECTED_t\(files.count).npy") == true)
    for (file, operation) in zip(files, network.operators) {
      let layer = try NumPyArray.read(folder("layers/" + file))
      #expect(layer.shape == network.tensors[operation.output].shape)
      guard operation.output == network.outputs[0].tensor, case .int8(let last) = layer.values,
        case .int8(let all) = outputs.values
      else { continue }
      #expect(outputs.shape == [2, last.count] && Array(all.prefix(last.count)) == last)
    }
  }

  @Test func aSamplesShapeMayBeInALineOrTheWindows() throws {
    let folder = try TemporaryFolder()
    var outputs: [Data] = []
    let shapes: [(QuantInferShape) -> [Int]] = [
      { [2, $0.time * $0.frequency * $0.channels] }, { [2, $0.time, $0.frequency, $0.channels] },
      { [2, 1, $0.time, 1, $0.channels] },
    ]
    for shape in shapes {
      try Files.write(Self.samples(shape).encoded(), to: folder("x.npy"))
      let result = try exporter(
        "run", ProjectFiles.model, "--input", folder("x.npy"), "--output", folder("y.npy"))
      #expect(result.status == 0, "\(result.errors)")
      outputs.append(try Files.read(folder("y.npy")))
    }
    #expect(outputs[0] == outputs[1] && outputs[0] == outputs[2])
  }

  @Test func inputsOfAnotherTypeOrShapeExitWith65AndTellTheRightOne() throws {
    let folder = try TemporaryFolder()
    let right = try Self.samples { [2, $0.time, $0.channels] }
    let count = right.values.count
    let wrong = [
      NumPyArray(shape: right.shape, values: .float32([Float](repeating: 0, count: count))),
      NumPyArray(shape: right.shape, values: .int16([Int16](repeating: 0, count: count))),
      try Self.samples { [2, $0.channels, $0.time] },
      try Self.samples { [$0.time * $0.frequency * $0.channels, 2] },
      try Self.samples { [2 * $0.time * $0.frequency * $0.channels] },
      NumPyArray(shape: [0, count / 2], values: .int8([])),
      NumPyArray(shape: [], values: .int8([1])),
    ]
    for array in wrong {
      try Files.write(array.encoded(), to: folder("x.npy"))
      let result = try exporter(
        "run", ProjectFiles.model, "--input", folder("x.npy"), "--output", folder("y.npy"))
      #expect(result.status == 65 && result.hasOneErrorLine, "\(array.shape): \(result)")
      #expect(result.errors.contains("int8 in the shape [samples, \(count / 2)]"), "\(result.errors)")
      #expect(!FileManager.default.fileExists(atPath: folder("y.npy")))
    }
  }

  @Test func failuresFollowTheContract() throws {
    let folder = try TemporaryFolder()
    try Files.write(Self.samples { [2, $0.time, $0.channels] }.encoded(), to: folder("x.npy"))
    try Files.write("no model", to: folder("bad"))
    let model = ProjectFiles.model
    for (status, arguments) in [
      (64, ["export", model, "--output", folder("m")]),
      (64, ["export", model, "--format", "onnx", "--output", folder("m")]),
      (64, ["export", model, "--format", "c", "--name", "1st", "--output", folder("m")]),
      (64, ["export", model, "--format", "c", "--name", "int", "--output", folder("m")]),
      (64, ["export", model, "--format", "c", "--name", "namespace", "--output", folder("m")]),
      (64, ["export", model, "--format", "c", "--output", folder("m.h")]),
      (64, ["export", model, "--format", "c", "--section", "a\"b", "--output", folder("m")]),
      (
        64, ["export", model, "--format", "tflite", "--record", ProjectFiles.record, "--output", folder("m")]
      ),
      (65, ["export", folder("bad"), "--format", "c", "--output", folder("m")]),
      (
        65,
        [
          "export", model, "--format", "c", "--record", ProjectFiles.record, "--start", "290", "--output",
          folder("m"),
        ]
      ),
      (66, ["export", model, "--format", "c", "--record", folder("none"), "--output", folder("m")]),
      (64, ["run", model, "--input", folder("x.npy")]),
      (65, ["export", folder("bad"), "--format", "tflite", "--output", folder("m")]),
      (65, ["run", folder("bad"), "--input", folder("x.npy"), "--output", folder("y")]),
      (65, ["run", model, "--input", folder("bad"), "--output", folder("y")]),
      (66, ["export", folder("none"), "--format", "tflite", "--output", folder("m")]),
      (66, ["run", model, "--input", folder("none"), "--output", folder("y")]),
      (1, ["export", model, "--format", "tflite", "--output", folder("none/m")]),
      (1, ["run", model, "--input", folder("x.npy"), "--output", folder("none/y")]),
      (1, ["run", model, "--input", folder("x.npy"), "--output", folder("y"), "--layers", folder("bad")]),
    ] as [(Int32, [String])] {
      let result = try exporter.run(arguments)
      #expect(result.status == status && result.errors.hasPrefix("error: "), "\(arguments): \(result)")
      #expect(status == 64 || result.hasOneErrorLine, "\(arguments): \(result)")
      #expect(!FileManager.default.fileExists(atPath: folder("m")))
    }
  }

  @Test func aNetworkThatTheSchemaCantSayExitsWith65() throws {
    let folder = try TemporaryFolder()
    let network = QuantizedNetwork(
      tensors: [
        .init(name: "input", shape: [1, 3], scale: 1, zeroPoint: 0),
        .init(name: "output", shape: [1, 2], scale: 1, zeroPoint: 0),
      ],
      operators: [
        .fullyConnected(
          from: 0, to: 1,
          weights: .init(
            codes: [1, 2, 3, 4, 5, 6], biases: [0, 0], scales: [0.01, 0.01], inputScale: 1, outputScale: 1),
          activation: -100...100)
      ], input: 0, output: 1)
    try Files.write(Data(ModelImage(network, frontEnd: nil).bytes), to: folder("m.qinf"))
    let result = try exporter(
      "export", folder("m.qinf"), "--format", "tflite", "--output", folder("m.tflite"))
    #expect(result.status == 65 && result.hasOneErrorLine)
    #expect(result.errors.contains("m.qinf:operator 0: limits its output to -100...100"))
    #expect(!FileManager.default.fileExists(atPath: folder("m.tflite")))
  }
}
