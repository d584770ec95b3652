import Evaluation
import Foundation
import HostDevice
import ModelFiles
import Networks
import Quantization
import QuantInfer
import Support
import Testing
import TestSupport

/// Other programs' float networks in integers, run by the runtime.
@Suite struct FloatNetworkTests {
  private static let oracle = ProjectFiles.path("Tests/Oracle/onnx") + "/"
  private static let shared = ProjectFiles.root.deletingLastPathComponent().appending(
    path: "shared/conformance/onnx"
  ).path
  private static let isShared = FileManager.default.fileExists(atPath: shared)

  private func floats(_ file: String) throws -> [Float] {
    guard case .float32(let values) = try NumPyArray.read(file).values else { return [] }
    return values
  }

  /// An image's outputs for a file of samples, by way of its float border.
  private func outputs(_ image: ModelImage, _ input: String) throws -> [Float] {
    let run = try SampleRun.run(
      LoadedModel(image: image.bytes), inputs: [(input, try NumPyArray.read(input))])
    guard case .float32(let values) = run.outputs[0].values else { return [] }
    return values
  }

  /// ONNX Runtime's three calibrations, and AIMET's three ways, which are simulated in float, as
  /// ../shared/conformance/onnx/NAME/facts.json says.
  private struct Facts: Decodable {
    struct Figures: Decodable {
      var agrees: Double
      var rms: Double
    }
    var ort_MinMax: Figures
    var ort_Entropy: Figures
    var ort_Percentile: Figures
    var aimet_minmax: Figures
    var aimet_cle: Figures
    var aimet_adaround: Figures
    var all: [Figures] { [ort_MinMax, ort_Entropy, ort_Percentile] }
    var simulated: [Figures] { [aimet_minmax, aimet_cle, aimet_adaround] }
  }

  // claim: quantizer
  @Test(
    .enabled(if: isShared, "needs ../shared/conformance"),
    arguments: ["cnn1d", "tcn_residual", "dscnn2d", "mobile1d"])
  func integersAreCloserToFloatThanONNXRuntimes(name: String) throws {
    let kind = name == "dscnn2d" ? "spectrogram" : "ecg"
    let made = try FloatNetworkImage(
      quantizing: "\(Self.shared)/\(name)/\(name).onnx",
      samples: .init(files: ["\(Self.shared)/\(kind)_calibration.npy"], count: 256),
      choices: QuantizationOptions.choicesForOthersNetworks)
    let ours = try outputs(made.image, "\(Self.shared)/\(kind)_input.npy")
    let expected = try floats("\(Self.shared)/\(name)/float_output.npy")
    let rows = expected.count / 4
    func top(_ values: [Float], _ row: Int) -> Int? {
      (0..<4).max { values[4 * row + $0] < values[4 * row + $1] }
    }
    let agreement = Double((0..<rows).count { top(ours, $0) == top(expected, $0) }) / Double(rows)
    let squares = zip(ours, expected).reduce(0.0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
    let error = (squares / Double(expected.count)).squareRoot()
    let facts = try JSONDecoder().decode(
      Facts.self, from: Files.read("\(Self.shared)/\(name)/facts.json"))
    print("\(name), \(made.options.calibration): \(agreement) the same class, root mean square \(error)")
    #expect(agreement > facts.all.map(\.agrees).max() ?? 1)
    #expect(error < facts.all.map(\.rms).min() ?? 0)
    #expect(agreement > (facts.simulated.map(\.agrees).max() ?? 1) - 0.005)
    #expect(error < 1.1 * (facts.simulated.map(\.rms).min() ?? 0))
  }

  /// The same of a small network, with int8 and with uint8 codes.
  @Test(arguments: ["int8", "uint8"]) func ownQuantizedModelsKeepTheirScales(type: String) throws {
    let image = try FloatNetworkImage.coded("\(Self.oracle)two_blocks_\(type).onnx").image
    let ours = try outputs(image, Self.oracle + "two_blocks.input.npy")
    let expected = try floats("\(Self.oracle)two_blocks_\(type).output0.npy")
    let loaded = try LoadedModel(image: image.bytes)
    let step = Float(bitPattern: loaded.model.output.scaleBits)
    for (a, b) in zip(ours, expected) { #expect(abs(a - b) < 1.01 * step) }
    #expect(throws: FileError.self) { try FloatNetworkImage.coded(Self.oracle + "two_blocks.onnx") }
  }

  /// Logits of QuantizeLinear and DequantizeLinear come back within a step, TensorFlow Lite Micro's rounding and all.
  ///
  /// What is expected is ONNX Runtime's own with each operator between them in float; see Tests/Oracle/qdq_goldens.py.
  @Test(
    .enabled(if: isShared, "needs ../shared/conformance"),
    arguments: ["cnn1d", "tcn_residual", "dscnn2d", "mobile1d"])
  func quantizedModelsKeepTheirScales(name: String) throws {
    let kind = name == "dscnn2d" ? "spectrogram" : "ecg"
    let image = try FloatNetworkImage.coded("\(Self.shared)/\(name)/\(name)_qdq.onnx").image
    let loaded = try LoadedModel(image: image.bytes)
    let output = loaded.model.output
    let ours = try outputs(image, "\(Self.shared)/\(kind)_input.npy").map { output.code(of: $0) }
    guard
      case .int8(let expected) = try NumPyArray.read(ProjectFiles.path("Tests/Oracle/qdq/\(name).npy")).values
    else { throw InvalidNetwork("the codes are int8") }
    let near = zip(ours, expected).count { abs(Int($0) - Int($1)) <= 1 }
    let rows = expected.count / 4
    func top(_ codes: [some BinaryInteger], _ row: Int) -> Int? {
      (0..<4).max { codes[4 * row + $0] < codes[4 * row + $1] }
    }
    let same = (0..<rows).count { top(ours, $0) == top(expected, $0) }
    print(
      "\(name)_qdq: \(same) of \(rows) the same class, \(near) of \(expected.count) outputs within a step")
    #expect(ours.count == expected.count)
    // A step of dscnn2d's mean is more than a step of its logits, so that single steps add up there.
    #expect(Double(near) >= (name == "dscnn2d" ? 0.98 : 0.99) * Double(expected.count))
    #expect(Double(same) >= 0.995 * Double(rows))
  }

  /// What a layer adds by itself, where its scales and weights are the network's own, is rounding: single steps, and few.
  @Test(
    .enabled(if: isShared, "needs ../shared/conformance"),
    arguments: ["cnn1d", "tcn_residual", "dscnn2d", "mobile1d"])
  func aLayerOfAQuantizedModelDiffersBySingleStepsAlone(name: String) throws {
    let file = "\(Self.shared)/\(name)/\(name)_qdq.onnx"
    let loaded = try LoadedModel(image: FloatNetworkImage.coded(file).image.bytes)
    let network = try FloatNetwork(reading: file)
    let array = try floats("\(Self.shared)/\(name == "dscnn2d" ? "spectrogram" : "ecg")_input.npy")
    let windows = network.windows([Array(array.prefix(4 * network.inputs[0].count))])
    let layers = try LayerFigures.layers(of: loaded, beside: network.graph, windows: windows)
    #expect(layers.count > 4)
    for layer in layers {
      let own = try #require(layer.ownDifferences)
      // A mean of many columns lies between two codes more often.
      #expect(
        own.largestStep <= 1 && own.share < (layer.name.contains("Mean") ? 0.25 : 0.02),
        "\(layer.name): \(own)")
    }
  }

  /// Sums of codes become, by their own factor and rounding twice, another code than by rounding once wherever they lie
  /// next to a code's edge; the scales and biases of a model with codes leave a part of these, and more of them where
  /// sums of both signs are rounded, away from zero.
  @Test(arguments: [(-128, 0.35), (0, 0.75)])
  func sumsRoundedTwiceMostlyBecomeTheCodesOfSumsRoundedOnce(zeroPoint: Int, part: Double) throws {
    var random = SeededGenerator(seed: 4)
    let scales = (0..<32).map { _ in Float(0.0004 + 0.002 * random.nextUniform()) }
    var weights = FloatGraph.Weights(values: scales.map { 127 * $0 }, biases: scales.map { _ in 0 })
    weights.scales = scales
    var graph = FloatGraph(
      tensors: [.init(name: "x", shape: [1, 1]), .init(name: "y", shape: [1, 32])],
      operators: [
        .init(kind: .fullyConnected, inputs: [0], output: 1, computation: .fullyConnected(weights))
      ])
    graph.tensors[0].codes = .init(type: .int8, scale: 0.02, zeroPoint: 0)
    graph.tensors[1].codes = .init(type: .int8, scale: 0.05, zeroPoint: zeroPoint)
    let quantized = try QuantizedNetwork.quantized(graph, calibrationWindows: [], options: .init()).network
    guard case .fullyConnected(let packed)? = quantized.operators.first?.computation else {
      throw InvalidNetwork("a layer is one")
    }
    var (plain, chosen) = (0, 0)
    for (channel, scale) in scales.enumerated() {
      let factor = Double(Float(0.02)) * Double(scale) / Double(Float(0.05))
      let (usual, other) = (FixedPointMultiplier(real: factor), packed.multipliers[channel])
      let most = Int(40 / factor)
      for sum in (zeroPoint == 0 ? -most : 0)...most {
        let once = Int32((Double(sum) * factor).rounded())
        if usual.scale(Int32(sum)) != once { plain += 1 }
        if other.scale(Int32(sum) + Int32(packed.biases[channel])) != once { chosen += 1 }
      }
    }
    print("zero point \(zeroPoint): \(plain) sums become other codes, \(chosen) of them still")
    #expect(plain > 500 && Double(chosen) < part * Double(plain))
  }

  /// Ranges of 30 windows fit these too well: cnn1d_gmp is nearer to float in another way on windows that it wasn't
  /// calibrated on, which only halves of the windows tell.
  @Test(
    .enabled(
      if: FileManager.default.fileExists(atPath: ConformanceFiles.path("keras/cnn1d_gmp.npz")),
      "needs ../shared/conformance"))
  func choicesAreJudgedByWindowsThatTheyWerentCalibratedOn() throws {
    let folder = try TemporaryFolder()
    let archive = try NumPyArchive(ConformanceFiles.path("keras/cnn1d_gmp.npz"))
    let samples = try folder.put("x.npy", #require(archive.arrays["calibration0"]).encoded())
    func made(_ choices: [QuantizationOptions]) throws -> FloatNetworkImage {
      try FloatNetworkImage(
        quantizing: ConformanceFiles.path("keras/cnn1d_gmp.float.tflite"),
        samples: .init(files: [samples], count: 30), choices: choices)
    }
    let choices = QuantizationOptions.choicesForOthersNetworks
    let errors = try choices.map { try #require(made([$0]).fidelity).outputError }
    let best = try made(choices)
    #expect(best.options != choices[0] && errors[0] == errors.min())
    // Too few windows to divide are not.
    #expect(
      try FloatNetworkImage(
        quantizing: Self.oracle + "twelve_leads.onnx",
        samples: .init(files: [Self.oracle + "twelve_leads.input.npy"], count: 6), choices: choices
      ).options == choices[0])
  }

  /// A file of many samples near those of the oracle, so that ranges are measured on more than six windows.
  private func samples(_ name: String, in folder: TemporaryFolder) throws -> String {
    let array = try NumPyArray.read(Self.oracle + name + ".input.npy")
    let values = try floats(Self.oracle + name + ".input.npy")
    var random = SeededGenerator(seed: 3)
    let many = (0..<16).flatMap { _ in values.map { $0 + 0.3 * Float(random.nextGaussian()) } }
    let file = folder("samples.npy")
    let shape = [16 * array.shape[0]] + array.shape.dropFirst()
    try Files.write(
      NumPyArray(shape: shape, values: .float32(values + many[values.count...])).encoded(), to: file)
    return file
  }

  /// The oracle's outputs come back within a part of their span, values given and taken in the network's own layout.
  @Test(arguments: [
    ("twelve_leads", 0.03), ("squeeze_excite", 0.03), ("functions", 0.02), ("time_first", 0.02),
    ("rearranged", 0.03), ("two_blocks", 0.02),
    ("attention", 0.03),
  ])
  func everyOperatorFollowsFloatInInt8(name: String, part: Float) throws {
    let folder = try TemporaryFolder()
    let samples = try samples(name, in: folder)
    let made = try FloatNetworkImage(
      quantizing: Self.oracle + name + ".onnx", samples: .init(files: [samples], count: 96),
      options: .forOthersNetworks)
    let expected = try floats(Self.oracle + name + ".output0.npy")
    let ours = try outputs(made.image, Self.oracle + name + ".input.npy")
    #expect(ours.count == expected.count)
    let squares = zip(ours, expected).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    let span = (expected.max() ?? 0) - (expected.min() ?? 0)
    #expect((squares / Float(expected.count)).squareRoot() < part * span)
  }

  @Test(arguments: ["gru_1", "lstm_1"]) func recurrentNetworksRunWithStatesOfInt16(name: String) throws {
    let folder = try TemporaryFolder()
    var options = QuantizationOptions.forOthersNetworks
    options.activationBits = [16]
    let made = try FloatNetworkImage(
      quantizing: Self.oracle + name + ".onnx",
      samples: .init(files: [try samples(name, in: folder)], count: 96), options: options)
    let expected = try floats(Self.oracle + name + ".output0.npy")
    let ours = try outputs(made.image, Self.oracle + name + ".input.npy")
    for (a, b) in zip(ours, expected) { #expect(abs(a - b) < 0.02) }
  }

  /// A causal network that reads its last step alone: the early steps matter to nothing.
  @Test func rangesAreThoseOfTheValuesThatMatter() throws {
    let taps = QuantizedNetwork.Window(time: .init(kernel: 2, paddingBefore: 1))
    let graph = FloatGraph(
      tensors: [
        .init(name: "x", shape: [1, 4, 1, 1]), .init(name: "y", shape: [1, 4, 1, 1]),
        .init(name: "z", shape: [1, 1]),
      ],
      operators: [
        .init(
          kind: .convolution, inputs: [0], output: 1,
          computation: .convolution(taps, .init(values: [1, 1], biases: [0]))),
        .init(
          kind: .stridedSlice, inputs: [1], output: 2,
          computation: .rearrangement(
            [
              .init(
                input: 0, shape: [1], inputStart: 3, inputStrides: [1], outputStart: 0, outputStrides: [1])
            ],
            fill: nil)),
      ])
    let network = try QuantizedNetwork.quantized(
      graph, calibrationWindows: [[1000, -1000, 1, 1.55]], options: .init()
    ).network
    // 0 to 1.55 and 0 to 2.55 in 255 steps.
    #expect(abs(network.tensors[0].scale * 255 - 1.55) < 1e-5)
    #expect(abs(network.tensors[1].scale * 255 - 2.55) < 1e-5)
  }

  /// Layers are compared with the float network as it came from its file, channels evened out as the image has them, and
  /// operators of two tensors with what both were: no layer adds more than codes must, 22 dB below its signal.
  @Test(arguments: ["two_blocks", "squeeze_excite"]) func layersAreComparedWithTheFileOfTheNetwork(
    name: String
  ) throws {
    let folder = try TemporaryFolder()
    let file = Self.oracle + name + ".onnx"
    let made = try FloatNetworkImage(
      quantizing: file, samples: .init(files: [try samples(name, in: folder)], count: 96),
      options: .forOthersNetworks)
    let network = try FloatNetwork(reading: file)
    let loaded = try LoadedModel(image: made.image.bytes)
    #expect(loaded.provenance[.equalized] == "true")
    let windows = network.windows([try floats(Self.oracle + name + ".input.npy")])
    let layers = try LayerFigures.layers(of: loaded, beside: network.graph, windows: windows)
    #expect(layers.count == made.graph.operators.count { $0.kind != .reshape })
    #expect(layers.contains { ["ADD", "MUL"].contains($0.kind) })
    for layer in layers { #expect(layer.ownSNRDecibels ?? .infinity > 22, "\(layer.name) \(layer.kind)") }
  }

  @Test func equalizationByPeaksKeepsTheFunction() throws {
    let graph = try FloatNetwork(reading: Self.oracle + "twelve_leads.onnx").graph
    let window = try Array(floats(Self.oracle + "twelve_leads.input.npy").prefix(12 * 64))
    let equalized = try graph.equalized(peaks: graph.channelPeaks(on: [window]))
    #expect(equalized != graph)
    let (a, b) = (try FloatExecution(graph), try FloatExecution(equalized))
    for (x, y) in zip(a.logits(ofWindow: window), b.logits(ofWindow: window)) { #expect(abs(x - y) < 1e-5) }
  }
}
