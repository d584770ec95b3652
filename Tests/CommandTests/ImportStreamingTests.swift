import ECG
import Foundation
import ModelFiles
import Networks
import Support
import Tasks
import Testing
import TestSupport

/// `exporter import --streaming` and `device-sim` after it, through their executables.
@Suite struct ImportStreamingTests {
  private let exporter = Command("exporter")
  private let deviceSim = Command("device-sim")

  /// `device-sim stream --json -` of a model and the shipped record.
  private func stream(_ model: String, _ arguments: String...) throws -> [String: Any] {
    let result = try deviceSim.run(
      ["stream", "--model", model, "--record", ProjectFiles.record, "--json", "-", "--quiet"] + arguments)
    #expect(result.status == 0, "\(result.errors)")
    return try result.json()
  }

  private func describe(_ description: [String: Any], in file: String) throws {
    try Files.write(JSONSerialization.data(withJSONObject: description), to: file)
  }

  /// A network of 250 samples as Keras' Conv1D has it: time is the width of a height of 1.
  private static func timeSeries(isPadded: Bool = false) throws -> Data {
    var random = SeededGenerator(seed: 91)
    func weights(_ outputs: Int, _ inputs: Int, from: Float, to: Float) -> QuantizedNetwork.Weights {
      .init(
        codes: (0..<outputs * inputs).map { _ in Int8(random.nextIndex(below: 255) - 127) },
        biases: (0..<outputs).map { _ in Int64(random.nextIndex(below: 2001) - 1000) },
        scales: (0..<outputs).map { _ in Float(random.next(in: 0.002...0.01)) }, inputScale: from,
        outputScale: to)
    }
    var step = QuantizedNetwork.Step(kernel: 7, stride: 1)
    if isPadded { (step.paddingBefore, step.paddingAfter) = (3, 3) }
    let count = isPadded ? 250 : 244
    let network = QuantizedNetwork(
      tensors: [
        .init(name: "input", shape: [1, 1, 250, 1], scale: 0.02, zeroPoint: -3),
        .init(name: "first", shape: [1, 1, count, 6], scale: 0.04, zeroPoint: -128),
        .init(name: "second", shape: [1, 1, count - 8, 4], scale: 0.06, zeroPoint: -128),
        .init(name: "output", shape: [1, 3], scale: 0.5, zeroPoint: 4),
      ],
      operators: [
        .convolution(
          from: 0, to: 1, window: .init(frequency: step), weights: weights(6, 7, from: 0.02, to: 0.04)),
        .convolution(
          from: 1, to: 2, window: .init(frequency: .init(kernel: 5, dilation: 2)),
          weights: weights(4, 30, from: 0.04, to: 0.06)),
        .fullyConnected(from: 2, to: 3, weights: weights(3, 4 * (count - 8), from: 0.06, to: 0.5)),
      ], input: 0, output: 3)
    return try TFLiteModel(network, description: "").encoded()
  }

  @Test func theShippedNetworkImportedAgainDecidesAsTheShippedImage() throws {
    let folder = try TemporaryFolder()
    try exporter(
      "export", ProjectFiles.model, "--format", "tflite", "--output", folder("m.tflite"), "--quiet")
    let frontEnd: [String: Any] = [
      "kind": "spectrogram", "sampleRateHz": 128, "windowSamples": 32, "hopSamples": 8, "firstBin": 1,
      "binCount": 12, "highPassShift": 5, "floorMicrovolts": 5, "codesPerOctave": 24, "centerLevel": 68,
      "levelsPerUnit": 64, "decisionDelaySeconds": 0.7, "classNames": ["N", "S", "V", "F"],
    ]
    try describe(frontEnd, in: folder("m.frontend.json"))
    let result = try exporter(
      "import", folder("m.tflite"), "--streaming", "--output", folder("m.qinf"), "--quiet")
    #expect(result.status == 0, "\(result.errors)")
    let shipped = try #require(try stream(ProjectFiles.model)["decisionList"] as? NSArray)
    #expect(shipped.count > 400)
    #expect(try #require(try stream(folder("m.qinf"))["decisionList"] as? NSArray) == shipped)
    try describe(frontEnd.merging(["mode": "window"]) { $1 }, in: folder("window.json"))
    try exporter(
      "import", folder("m.tflite"), "--front-end", folder("window.json"), "--output", folder("w.qinf"),
      "--quiet")
    let windows = try stream(folder("w.qinf"))
    #expect(try #require(windows["decisionList"] as? NSArray) == shipped)
    let operations = try #require(windows["operations"] as? [String: Any])
    #expect(operations["macsPerColumn"] as? Int == 0 && operations["macsPerDecision"] as? Int == 152_256)
  }

  @Test(arguments: [false, true])
  func aTimeSeriesOnTheDeviceGivesTheCodesOfExporterRun(isPadded: Bool) throws {
    let folder = try TemporaryFolder()
    try Files.write(Self.timeSeries(isPadded: isPadded), to: folder("m.tflite"))
    let hop = 90
    try describe(
      [
        "kind": "samples", "sampleRateHz": 250, "windowSamples": 250, "microvoltsPerUnit": 1000,
        "offsetMicrovolts": -39.0625, "classNames": ["a", "b", "c"], "mode": isPadded ? "window" : "columns",
      ], in: folder("m.frontend.json"))
    let imported = try exporter(
      "import", folder("m.tflite"), "--streaming", "--output", folder("m.qinf"), "--quiet")
    #expect(imported.status == 0, "\(imported.errors)")
    let run = try stream(folder("m.qinf"), "--every", "\(hop)", "--report", folder("page.html"))
    let decisions = try #require(run["decisionList"] as? [[String: Any]])

    // The record in counts of 10 mV / 2^12, and those in the network's codes; the offset is 16 counts.
    let converter = AnalogConverter(bits: 12, rangeMillivolts: 10)
    let codes = try Record.read(ProjectFiles.record).signals[0].millivolts(atRateHz: 250).map {
      value -> Int8 in
      let microvolts = Double(converter.count(ofMicrovolts: 1000 * value)) * 10_000 / 4096
      return Int8(
        max(-128, min(127, ((microvolts + 39.0625) / 1000 / Double(Float(0.02))).rounded() - 3)))
    }
    let ends = decisions.compactMap { ($0["timeSeconds"] as? Double).map { Int(($0 * 250).rounded()) + 1 } }
    #expect(ends.count > 800 && ends.allSatisfy { $0 >= 250 && $0 <= codes.count })
    try Files.write(
      NumPyArray(shape: [ends.count, 250], values: .int8(ends.flatMap { codes[($0 - 250)..<$0] })).encoded(),
      to: folder("x.npy"))
    try exporter(
      "run", folder("m.tflite"), "--input", folder("x.npy"), "--output", folder("y.npy"), "--quiet")
    guard case .int8(let logits) = try NumPyArray.read(folder("y.npy")).values else {
      Issue.record("not int8")
      return
    }
    var differences = 0
    for (index, decision) in decisions.enumerated() {
      let device = try #require(decision["fixedLogits"] as? [Double])
      let window = logits[3 * index..<3 * index + 3].map { 0.5 * Double(Int($0) - 4) }
      if device != window { differences += 1 }
    }
    #expect(differences == 0)
    #expect(Set(decisions.compactMap { $0["fixed"] as? String }).count > 1)

    let page = String(decoding: try Files.read(folder("page.html")), as: UTF8.self)
    #expect(!page.contains("Spectrogram") && !page.contains("spectrogram") && !page.contains("NaN"))
    let verdict = try deviceSim("verdict", "--model", folder("m.qinf"), "--json", "-", "--quiet")
    #expect(verdict.status == 0 && !verdict.output.contains("stages of the transform"), "\(verdict.errors)")
  }

  @Test(
    .enabled(
      if: CaseFiles.has("import/strided") && Databases.has("mitdb"),
      "needs ../shared/cases/import/strided and ../shared/data/mitdb"))
  func aStridedNetworkDecidesAboutBeatsAtTheDelayThatItWasTrainedWith() throws {
    let folder = try TemporaryFolder()
    let network = CaseFiles.path("import/strided/strided.tflite")
    let imported = try exporter("import", network, "--streaming", "--output", folder("m.qinf"))
    #expect(imported.status == 0, "\(imported.errors)")
    #expect(imported.output.contains("45 samples (0.352 s) after its beat"), "\(imported.output)")
    func stream(_ model: String) throws -> Command.Result {
      try deviceSim(
        "stream", "--model", model, "--record", Databases.path("mitdb") + "/200", "--decide", "annotations",
        "--json", "-", "--quiet")
    }
    let result = try stream(folder("m.qinf"))
    #expect(result.status == 0, "\(result.errors)")
    let json = try result.json()
    // What the network gives in Python's reference over windows cut out at the beats, in this converter's counts.
    let fixed = try #require((json["accuracy"] as? [String: Any])?["fixed"] as? [String: Any])
    let counts = try #require(fixed["counts"] as? [[Int]])
    let (right, all) = (counts.indices.reduce(0) { $0 + counts[$1][$1] }, counts.flatMap(\.self).reduce(0, +))
    #expect(all == 2599 && abs(Double(right) / Double(all) - 0.9596) < 0.0001, "\(right) of \(all)")
    let delay = try #require(json["decisionDelay"] as? [String: Any])
    let observed = try #require(delay["observed"] as? [String: Any])
    #expect(observed["leastSamples"] as? Int == 45 && observed["greatestSamples"] as? Int == 45)
    #expect(delay["lateDecisions"] as? Int == 0)

    // Whoever wants columns gets a clock, and a line where beats are asked for.
    var description = try #require(
      JSONSerialization.jsonObject(
        with: try Files.read(CaseFiles.path("import/strided/strided.frontend.json"))) as? [String: Any])
    description["mode"] = "columns"
    try describe(description, in: folder("columns.json"))
    try exporter(
      "import", network, "--front-end", folder("columns.json"), "--output", folder("c.qinf"), "--quiet")
    let refused = try stream(folder("c.qinf"))
    #expect(refused.status == 65 && refused.hasOneErrorLine, "\(refused.errors)")
    #expect(refused.errors.contains("up to 7 samples later than it was trained to; "), "\(refused.errors)")
    let byClock = try deviceSim(
      "stream", "--model", folder("c.qinf"), "--record", ProjectFiles.record, "--every", "8", "--quiet")
    #expect(byClock.status == 0, "\(byClock.errors)")
  }

  @Test func aMissingDescriptionExitsWith66AndABadOneWith65() throws {
    let folder = try TemporaryFolder()
    try Files.write(Self.timeSeries(), to: folder("m.tflite"))
    func importing() throws -> Command.Result {
      try exporter("import", folder("m.tflite"), "--streaming", "--output", folder("m.qinf"))
    }
    let missing = try importing()
    #expect(missing.status == 66 && missing.hasOneErrorLine && missing.errors.contains("m.frontend.json: "))
    try Files.write("{\"kind\": \"samples\",", to: folder("m.frontend.json"))
    let broken = try importing()
    #expect(broken.status == 65 && broken.hasOneErrorLine && broken.errors.contains("is not JSON"))
    try describe(
      ["kind": "samples", "sampleRateHz": 250, "microvoltsPerUnit": "mV"], in: folder("m.frontend.json"))
    let wrong = try importing()
    #expect(wrong.status == 65 && wrong.hasOneErrorLine)
    #expect(wrong.errors.contains("m.frontend.json:microvoltsPerUnit: is not a number"))
    #expect(!FileManager.default.fileExists(atPath: folder("m.qinf")))
  }
}
