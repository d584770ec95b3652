import Foundation
import ModelFiles
import Reports
import Support
import Testing
import TestSupport

/// `exporter run` and `exporter quantize` on an ONNX model.
@Suite struct FloatNetworkCommandTests {
  private let exporter = Command("exporter")
  private let model = ProjectFiles.path("Tests/Oracle/onnx/twelve_leads.onnx")
  private let samples = ProjectFiles.path("Tests/Oracle/onnx/twelve_leads.input.npy")

  private func floats(_ file: String) throws -> [Float] {
    guard case .float32(let values) = try NumPyArray.read(file).values else { return [] }
    return values
  }

  @Test func anONNXModelIsQuantizedAndRunsBesideFloat() throws {
    let folder = try TemporaryFolder()
    try Files.write(
      NumPyArray(shape: [6], values: .int32([0, 1, 2, 3, 4, 0])).encoded(), to: folder("labels.npy"))
    let made = try exporter(
      "quantize", model, "--samples", samples, "--labels", folder("labels.npy"), "--output", folder("m.qinf"),
      "--json", folder("m.json"))
    #expect(made.status == 0 && made.errors.isEmpty, "\(made.errors)")
    #expect(made.output.contains("the same class as in float") && made.output.contains("CONV_2D"))
    for (file, output) in [(model, "float.npy"), (folder("m.qinf"), "integers.npy")] {
      let run = try exporter("run", file, "--input", samples, "--output", folder(output))
      #expect(run.status == 0, "\(run.errors)")
    }
    let (float, integers) = (try floats(folder("float.npy")), try floats(folder("integers.npy")))
    #expect(float.count == 30 && integers.count == 30)
    for (a, b) in zip(float, integers) { #expect(abs(a - b) < 0.03) }
  }

  /// TensorFlow Lite Micro's codes of what was exported, by Tests/Oracle/tflm_exports.py, are the image's.
  @Test func exportedFloatNetworksGiveTheImagesBitsInTFLM() throws {
    struct Goldens: Decodable {
      struct Case: Decodable {
        var name: String
        var options: [String]?
        var model: Data
        var outputs: [[Int]]
      }
      var cases: [Case]
    }
    let (folder, oracle) = (try TemporaryFolder(), ProjectFiles.path("Tests/Oracle") + "/")
    let goldens = try JSONDecoder().decode(Goldens.self, from: Files.read(oracle + "tflm-exports.json")).cases
    #expect(goldens.count >= 4)
    for golden in goldens {
      let (network, image) = ("\(oracle)onnx/\(golden.name).onnx", folder("m.qinf"))
      let samples = "\(oracle)onnx/\(golden.name.replacing("_int8", with: "")).input.npy"
      let given = golden.options.map { ["--samples", samples] + $0 } ?? []
      #expect(try exporter.run(["quantize", network, "--output", image] + given).status == 0)
      #expect(
        try exporter("export", image, "--format", "tflite", "--output", folder("m.tflite")).status == 0)
      var written = try TFLiteModel(decoding: Files.read(folder("m.tflite")), file: golden.name)
      var kept = try TFLiteModel(decoding: golden.model, file: golden.name)
      (written.description, kept.description) = ("", "")
      #expect(written == kept, "\(golden.name) is written otherwise than TensorFlow Lite Micro ran it")
      #expect(try exporter("run", image, "--input", samples, "--output", folder("y.npy")).status == 0)
      let codes = try #require(kept.graph.tensors[Int(kept.graph.outputs[0])].quantization)
      #expect(
        try floats(folder("y.npy"))
          == golden.outputs.joined().map { codes.scales[0] * Float($0 - Int(codes.zeroPoints[0])) },
        "\(golden.name)")
    }
  }

  @Test func whatIsMissingOrWrongIsSaidInOneLine() throws {
    let folder = try TemporaryFolder()
    let without = try exporter("quantize", model, "--output", folder("m.qinf"))
    #expect(without.status == 65 && without.hasOneErrorLine && without.errors.contains("--samples"))
    let checkpoint = try exporter(
      "quantize", ProjectFiles.checkpoint, "--samples", samples, "--output", folder("m.qinf"))
    #expect(checkpoint.status == 64 && checkpoint.errors.contains("--data"))
    let other = ProjectFiles.path("Tests/Oracle/onnx/time_first.input.npy")
    let wrong = try exporter("quantize", model, "--samples", other, "--output", folder("m.qinf"))
    #expect(wrong.status == 65 && wrong.hasOneErrorLine && wrong.errors.contains("[samples, 12, 64]"))
    let damaged = try folder.put("m.onnx", Files.read(model).prefix(3000))
    let run = try exporter("run", damaged, "--input", samples, "--output", folder("y.npy"))
    #expect(run.status == 65 && run.hasOneErrorLine && run.errors.contains("m.onnx:byte"))
    #expect(!FileManager.default.fileExists(atPath: folder("m.qinf")))
  }

  @Test func oneSampleIsTakenApartBesideFloat() throws {
    let folder = try TemporaryFolder()
    let made = try exporter("quantize", model, "--samples", samples, "--output", folder("m.qinf"), "--quiet")
    #expect(made.status == 0, "\(made.errors)")
    let run = try exporter(
      "explain", folder("m.qinf"), "--float", model, "--samples", samples, "--row", "2", "--json",
      folder("e.json"))
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output.hasPrefix("Row 2 of twelve_leads.input.npy is "))
    let beyond = try exporter(
      "explain", folder("m.qinf"), "--float", model, "--samples", samples, "--row", "6")
    #expect(beyond.status == 65 && beyond.hasOneErrorLine && beyond.errors.contains("from 0 to 5"))
    let other = ProjectFiles.path("Tests/Oracle/onnx/two_blocks.onnx")
    let wrong = try exporter("explain", folder("m.qinf"), "--float", other, "--samples", samples)
    #expect(wrong.status == 65 && wrong.hasOneErrorLine, "\(wrong.errors)")
  }

  /// A budget that int8 doesn't fit brings some layers to int4, and the image that is recommended is within it.
  @Test func aReportRecommendsTheSmallestThatFollowsFloat() throws {
    let folder = try TemporaryFolder()
    let beats = ProjectFiles.path("Tests/Oracle/beats") + "/"
    let run = try exporter(
      "report", beats + "beats.onnx", "--samples", beats + "x.npy", "--labels", beats + "y.npy", "--output",
      folder("report"), "--budget-flash", "4000")
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output.contains("int4 in layer"))
    let image = try Files.read(folder("report/recommended.qinf"))
    #expect(image.count <= 4000)
    let page = String(decoding: try Files.read(folder("report/report.html")), as: UTF8.self)
    #expect(page.contains("Choices of integers") && page.contains("beats.onnx in integers"))
  }

  /// The network decides each of its 64 samples as labelled; of labels of which 16 are turned round 48 are right.
  @Test func anImagesReportCountsTheLabelsThatAreRight() throws {
    let folder = try TemporaryFolder()
    let beats = ProjectFiles.path("Tests/Oracle/beats") + "/"
    let labels = try NumPyArray.classes(reading: beats + "y.npy", count: 64, classCount: 2)
    for (file, row) in [(beats + "beats.onnx", "float.npy"), (folder("m.qinf"), "integers.npy")] {
      if row == "integers.npy" {
        let made = try exporter(
          "quantize", beats + "beats.onnx", "--samples", beats + "x.npy", "--output", file, "--quiet")
        #expect(made.status == 0, "\(made.errors)")
      }
      #expect(try exporter("run", file, "--input", beats + "x.npy", "--output", folder(row)).status == 0)
      let outputs = try floats(folder(row))
      #expect(labels.indices.allSatisfy { (outputs[2 * $0] < outputs[2 * $0 + 1]) == (labels[$0] == 1) })
    }
    let turned = labels.enumerated().map { Int32($0 < 16 ? 1 - $1 : $1) }
    try Files.write(NumPyArray(shape: [64], values: .int32(turned)).encoded(), to: folder("y.npy"))
    let run = try exporter(
      "report", folder("m.qinf"), "--float", beats + "beats.onnx", "--input", beats + "x.npy", "--labels",
      folder("y.npy"), "--output", folder("report"), "--quiet")
    #expect(run.status == 0, "\(run.errors)")
    let report = try JSONDecoder().decode(ImportedReport.self, from: Files.read(folder("report/report.json")))
    let labelled = try #require(report.labelled)
    #expect(labelled.samples == 64 && labelled.float == 0.75 && labelled.integer == 0.75)
    #expect(report.summary.contains { $0.hasPrefix("75.00 % of the labels are right, in float 75.00 %") })
  }

  /// Without a budget: of those that follow float well enough none is smaller by more than a twentieth, or as small and nearer.
  @Test func whatIsRecommendedIsWhatTheReasonSays() throws {
    let folder = try TemporaryFolder()
    let beats = ProjectFiles.path("Tests/Oracle/beats") + "/"
    let run = try exporter(
      "report", beats + "beats.onnx", "--samples", beats + "x.npy", "--output", folder("report"))
    #expect(run.status == 0, "\(run.errors)")
    let report = try jsonObject(String(decoding: Files.read(folder("report/report.json")), as: UTF8.self))
    let sweep = try #require(report["sweep"] as? [String: Any])
    let points = try #require(sweep["points"] as? [[String: Any]])
    struct Row { var flash, ram, agreement, error: Double }
    let rows = points.map { point in
      let cost = point["cost"] as? [String: Any]
      return Row(
        flash: cost?["flashBytes"] as? Double ?? .infinity, ram: cost?["ramBytes"] as? Double ?? .infinity,
        agreement: point["agreement"] as? Double ?? 0, error: point["outputError"] as? Double ?? .infinity)
    }
    let chosen = rows[try #require(sweep["recommended"] as? Int)]
    let good = rows.filter { $0.agreement >= 0.98 }
    #expect(good.count > 5 && chosen.agreement >= 0.98)
    for row in good {
      #expect(chosen.flash <= 1.05 * row.flash)
      guard row.flash <= chosen.flash else { continue }
      #expect(chosen.ram <= 1.05 * row.ram)
      if row.ram <= chosen.ram { #expect(chosen.error <= row.error) }
    }
  }

  private static let cnn1d = ConformanceFiles.path("onnx/cnn1d/cnn1d.onnx")

  /// A network of others, of whose training nobody told this program.
  @Test(
    .enabled(
      if: FileManager.default.fileExists(atPath: cnn1d) && Databases.has("mitdb"),
      "needs ../shared/conformance/onnx and ../shared/data/mitdb"))
  func anImportedNetworkLearnsItsPatient() throws {
    let (folder, data) = (try TemporaryFolder(), Databases.path("mitdb"))
    try Files.write(
      """
      {"kind": "samples", "sampleRateHz": 128, "windowSamples": 256, "microvoltsPerUnit": 1000, "highPassShift": 6,
       "decisionDelaySeconds": 0.703125, "task": "aami", "classNames": ["N", "S", "V", "F"]}
      """, to: folder("f.json"))
    let image = folder("m.qinf")
    let made = try exporter(
      "quantize", Self.cnn1d, "--front-end", folder("f.json"), "--samples",
      ConformanceFiles.path("onnx/ecg_calibration.npy"), "--output", image)
    #expect(made.status == 0, "\(made.errors)")
    func learn(_ more: String...) throws -> Command.Result {
      try exporter.run(
        [
          "personalize", "--model", image, "--from", Self.cnn1d, "--data", data, "--record", data + "/208",
          "--output",
          folder("p.qpatch"), "--json", folder("p.json"), "--quiet",
        ] + more)
    }
    expectError(
      try learn(), status: 65, containing: "doesn't tell which of the task's records it was trained on")
    #expect(try learn("--replay", "101,106,118,203").status == 0)
    // The record's own annotations up to 300 s, of beats that have a whole window.
    let learnt = try jsonObject(String(decoding: Files.read(folder("p.json")), as: UTF8.self))
    #expect(learnt["ownBeats"] as? [Int] == [277, 0, 167, 71])
    expectError(
      try exporter("evaluate", image, "--data", data), status: 65,
      containing: "name records, or put \"split\"")
    let evaluated = try exporter(
      "evaluate", image, "--data", data, "--records", "208", "--json", folder("e.json"))
    #expect(evaluated.status == 0, "\(evaluated.errors)")
    #expect(
      try jsonObject(String(decoding: Files.read(folder("e.json")), as: UTF8.self))["split"] as? String
        == "unknown")
  }
}
