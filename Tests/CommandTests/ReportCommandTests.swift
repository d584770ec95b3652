import Evaluation
import Foundation
import Reports
import Support
import Testing
import TestSupport

/// `exporter report` and `exporter explain` from the outside.
@Suite struct ReportCommandTests {
  private let exporter = Command("exporter")

  /// A trained network, its records and a sweep of a few points.
  private struct ReportBench {
    let bench: Bench

    init() throws {
      bench = try Bench()
      #expect(try bench.train("--epochs", "4").status == 0)
      try Files.write(
        """
        [{"name": "int8 per channel", "calibrationWindows": 64},
         {"name": "int4", "weightBits": 4, "calibrationWindows": 64},
         {"name": "mixed, int16", "weightBits": [4, 8, 8, 8], "activationBits": [8, 8, 8, 16], "calibrationWindows": 64},
         {"name": "8-bit ADC", "adcBits": 8, "scaling": "fixed", "calibrationWindows": 64},
         {"name": "twice the rate", "rateFactor": 2, "codesPerOctave": 12, "calibrationWindows": 64}]
        """, to: bench("sweep.json"))
    }

    func report(_ output: String, _ arguments: String...) throws -> Command.Result {
      try Command("exporter").run(
        [
          "report", bench.checkpoint, "--data", bench.data, "--output", bench(output), "--sweep",
          bench("sweep.json"),
        ]
          + arguments)
    }
  }

  @Test func everyNumberOnThePageIsFromTheJSON() throws {
    let bench = try ReportBench()
    let run = try bench.report("report")
    #expect(run.status == 0, "\(run.errors)")
    let report = try QuantizationReport.read(bench.bench("report"))
    #expect(
      report.points.map(\.point.name) == [
        "int8 per channel", "int4", "mixed, int16", "8-bit ADC", "twice the rate",
      ])
    for (name, text) in [
      ("report.html", report.page()), ("report.md", report.markdown), ("points.csv", report.csv),
      ("layers.csv", report.layerCSV),
    ] {
      #expect(try Files.read(bench.bench("report/" + name)) == Data(text.utf8), "\(name)")
    }
    // The figures are what the decisions and labels in the same JSON give, counted anew.
    let labels = report.labels.flatMap { Digits.classes($0.classes).compactMap(\.self) }
    #expect(labels.count == 22 * SyntheticRecords.beats)
    for point in report.points {
      let decisions = report.decisions(of: point)
      let decided = zip(labels, decisions).filter { $1 != nil }
      #expect(decided.count == 22 * SyntheticRecords.wholeWindowBeats)
      let right = decided.count { $0 == $1 }
      #expect(abs(point.accuracy.accuracy - Double(right) / Double(decided.count)) < 1e-12)
      let scores = report.classNames.indices.map { index in
        let hits = decided.count { $0.0 == index && $0.1 == index }
        let said = decided.count { $0.0 == index } + decided.count { $0.1 == index }
        return Double(2 * hits) / Double(said)
      }
      #expect(abs(point.macroF1 - scores.reduce(0, +) / Double(scores.count)) < 1e-12)
      let float = report.sources[0].decisions.flatMap(Digits.classes)
      let equal = zip(float, decisions).count { $0 != nil && $0 == $1 }
      #expect(abs(point.agreement.top1 - Double(equal) / Double(decided.count)) < 1e-12)
      #expect(point.agreement.byConfidence.reduce(0) { $0 + $1.decisions } == decided.count)
      #expect(point.agreement.byConfidence.reduce(0) { $0 + $1.flips } == point.flips.count)
    }
    // int4 halves the weights, and only they; int16 activations can't stream.
    let (int8, int4, mixed) = (report.points[0].cost, report.points[1].cost, report.points[2].cost)
    #expect(int8.weightBytes == 7104 && int4.weightBytes == 3552 && int8.ramBytes == int4.ramBytes)
    #expect(int8.isStreaming && !mixed.isStreaming && mixed.weightBytes == 7104 - 432)
  }

  @Test func pointIsWhatTheCommandsGive() throws {
    let bench = try ReportBench()
    #expect(try bench.report("report").status == 0)
    let report = try QuantizationReport.read(bench.bench("report"))
    #expect(try bench.bench.quantize().status == 0)
    let evaluated = try exporter(
      "evaluate", bench.bench.model, "--float", bench.bench.checkpoint, "--data", bench.bench.data, "--json",
      "-")
    let json = try evaluated.json()
    // Sample by sample through the stream, or from columns kept: the same decisions and logits.
    let point = report.points[0]
    let int8 = try #require(json["int8"] as? [String: Any])
    // JSONSerialization reads a number to its last bit or one beside it.
    #expect(abs(try #require(int8["macroF1"] as? Double) - point.macroF1) < 1e-15)
    #expect((int8["confusion"] as? [String: Any])?["counts"] as? [[Int]] == point.accuracy.confusion)
    let agreement = try #require(json["agreement"] as? [String: Any])
    #expect(abs(try #require(agreement["top1"] as? Double) - point.agreement.top1) < 1e-15)
    let largest = try #require(agreement["maxAbsoluteLogitError"] as? Double)
    #expect(abs(largest - point.agreement.maxLogitError) < 1e-6)
  }

  /// A sweep of some seconds, whose time the terminal tells.
  @Test func theTerminalTellsHowLongItTook() throws {
    let bench = try ReportBench()
    let clock = ContinuousClock()
    var run: Command.Result?
    let took = try clock.measure { run = try bench.report("report") }
    let line = try #require(run?.output.split(separator: "\n").first { $0.contains(" time ") })
    let words = line.split(separator: " ")
    let seconds = try #require(words.firstIndex(of: "s").flatMap { Int(words[$0 - 1]) })
    let minutes = words.firstIndex(of: "min").flatMap { Int(words[$0 - 1]) } ?? 0
    #expect((0...took.components.seconds + 1).contains(Int64(60 * minutes + seconds)), "\(line)")
  }

  /// The front ends of three variants are done long before the last of five points.
  @Test func progressEndsWithTheLastPoint() throws {
    let bench = try ReportBench()
    let folder = bench.bench("progress")
    try Files.makeFolder(folder)
    let runner = try ReportRunner(
      .init(checkpoint: bench.bench.checkpoint, data: bench.bench.data, cache: folder))
    let told = Told()
    _ = try runner.report(on: ReportPoint.read(bench.bench("sweep.json")), search: nil) { told.add($0) }
    let steps = told.steps
    #expect(steps.last.map { $0.completed == $0.total } == true)
    let early = steps.filter { $0.detail == "front ends" }
    #expect(!early.isEmpty && early.allSatisfy { Double($0.completed) < 0.9 * Double($0.total) })
  }

  /// What a task has told of its progress.
  private final class Told: @unchecked Sendable {
    private let lock = NSLock()
    private var all: [TaskProgress] = []
    var steps: [TaskProgress] { lock.withLock { all } }
    func add(_ step: TaskProgress) { lock.withLock { all.append(step) } }
  }

  @Test func cacheAndThreadsChangeNothing() throws {
    let bench = try ReportBench()
    #expect(try bench.report("a", "--threads", "1").status == 0)
    #expect(try bench.report("b", "--threads", "2").status == 0)
    let first = try Files.read(bench.bench("a/report.json"))
    #expect(try Files.read(bench.bench("b/report.json")) == first)
    let again = try bench.report("a")
    #expect(again.output.contains("5, 5 of them run before"))
    #expect(try Files.read(bench.bench("a/report.json")) == first)
    // Results that were lost, or broke off, are worked out again.
    let log = bench.bench("a/cache/results.jsonl")
    let lines = String(decoding: try Files.read(log), as: UTF8.self).split(separator: "\n")
    let points = lines.indices.filter { lines[$0].contains("\"weightBits\"") }
    #expect(points.count == 5)
    try Files.write(
      lines.indices.filter { $0 != points[0] && $0 != points[1] }.map { lines[$0] + "\n" }.joined()
        + lines[points[1]].prefix(200), to: log)
    let repaired = try bench.report("a")
    #expect(repaired.output.contains("5, 3 of them run before"), "\(repaired.errors)")
    #expect(try Files.read(bench.bench("a/report.json")) == first)
  }

  @Test func comparisonTellsSignificance() throws {
    let bench = try ReportBench()
    #expect(try bench.report("a").status == 0)
    let same = try exporter(
      "report", "--compare", bench.bench("a"), bench.bench("a/report.json"), "--json", bench.bench("c.json"))
    #expect(same.status == 0, "\(same.errors)")
    let equal = try JSONDecoder().decode(ReportComparison.self, from: Files.read(bench.bench("c.json")))
    #expect(equal.rows.count == 5)
    #expect(
      equal.rows.allSatisfy { $0.difference.value == 0 && $0.adjustedPValue == 1 && !$0.isAccuracyDifferent })
    // A network after one epoch is plainly worse than one after four.
    #expect(try bench.bench.train("--epochs", "1", "--learning-rate", "0.00001").status == 0)
    #expect(try bench.report("b").status == 0)
    let worse = try exporter(
      "report", "--compare", bench.bench("a"), bench.bench("b"), "--output", bench.bench("c"), "--json",
      bench.bench("c.json"))
    #expect(worse.status == 0, "\(worse.errors)")
    let comparison = try JSONDecoder().decode(ReportComparison.self, from: Files.read(bench.bench("c.json")))
    let row = comparison.rows[0]
    #expect(row.difference.value < 0 && row.isAccuracyDifferent && row.isMacroF1Different)
    #expect(row.onlyFirstRight > row.onlySecondRight)
    #expect(FileManager.default.fileExists(atPath: bench.bench("c/comparison.html")))
    // Costs are the second report's less the first's.
    let first = try QuantizationReport.read(bench.bench("a"))
    var larger = first
    larger.points[0].cost.flashBytes += 100
    larger.points[0].cost.ramBytes -= 7
    let costs = try ReportComparison(first, larger, files: ("a", "b")).rows[0]
    #expect(costs.flashBytes == 100 && costs.ramBytes == -7)
  }

  @Test func searchStaysWithinItsBudget() throws {
    let bench = try ReportBench()
    let run = try bench.report("report", "--budget-flash", "6500")
    #expect(run.status == 0, "\(run.errors)")
    let report = try QuantizationReport.read(bench.bench("report"))
    let found = try #require(report.search?.point.flatMap(report.point))
    #expect(found.cost.flashBytes <= 6500)
    // The last step before it did not fit: nothing was narrowed without need.
    let steps = try #require(report.search?.steps)
    #expect(steps.last?.fits == true && steps.dropLast().allSatisfy { !$0.fits })
    let none = try bench.report("none", "--budget-flash", "1000")
    #expect(none.status == 0)
    #expect(try QuantizationReport.read(bench.bench("none")).search?.point == nil)
  }

  @Test func refusesWrongArguments() throws {
    let bench = try ReportBench()
    for (arguments, status) in [
      (["report"], 64), (["report", bench.bench.checkpoint, "--data", bench.bench.data], 64),
      (["report", "--compare", "a"], 64), (["report", "--compare", "/none/a", "/none/b"], 66),
      (["report", "x.tflite", "--output", bench.bench("o")], 64),
      (["report", bench.bench.checkpoint, "--data", "/none", "--output", bench.bench("o")], 66),
      (["explain", "/none.qinf", "--float", bench.bench.checkpoint, "--record", "r", "--at", "1"], 66),
    ] {
      let result = try exporter.run(arguments)
      #expect(result.status == status, "\(arguments): \(result.errors)")
      // ArgumentParser adds the usage to its line.
      #expect(status == 64 ? result.errors.hasPrefix("error: ") : result.hasOneErrorLine, "\(result.errors)")
    }
    for (sweep, problem) in [
      ("[]", "is not a JSON list"), (#"[{"weightBit": 4}]"#, "point 1, weightBit: means nothing here"),
      (#"[{"weightBits": 5}]"#, "not 4 or 8"),
      (#"[{"name": "a"}, {"name": "a"}]"#, "one name"), (#"[{"weightBits": [4, 8]}]"#, "2 widths of weights"),
      (#"[{"rateFactor": 3}]"#, "not 1, 2 or 4"), (#"[{"qat": true}]"#, "--qat"),
    ] {
      try Files.write(sweep, to: bench.bench("sweep.json"))
      let result = try bench.report("o", "--quiet")
      #expect(
        result.status == 65 && result.hasOneErrorLine && result.errors.contains(problem), "\(result.errors)")
    }
  }

  // MARK: Explain

  @Test func explainsADecisionOfTheShippedModel() throws {
    let folder = try TemporaryFolder()
    let result = try exporter(
      "explain", ProjectFiles.model, "--float", ProjectFiles.checkpoint, "--record", ProjectFiles.record,
      "--at", "61.5",
      "--tensors", folder("tensors"), "--json", folder("e.json"), "--quiet")
    #expect(result.status == 0, "\(result.errors)")
    let json = try #require(
      try JSONSerialization.jsonObject(with: Files.read(folder("e.json"))) as? [String: Any])
    let tensors = try #require(json["tensors"] as? [[String: Any]])
    #expect(
      tensors.map { $0["shape"] as? [Int] } == [
        [1, 43, 1, 12], [1, 41, 1, 24], [1, 37, 1, 24], [1, 29, 1, 24], [1, 4],
      ])
    // The dense layer's tensor is the decision; its codes are what `device-sim` would see.
    let logits = try #require(json["integerLogits"] as? [Double])
    #expect(tensors[4]["integer"] as? [Double] == logits)
    let seconds = try #require(json["decisionSeconds"] as? Double)
    #expect(seconds >= 61.5 && seconds < 61.5 + 8.0 / 128)
    let array = try NumPyArray.read(folder("tensors/01_convolution-1_float.npy"))
    #expect(array.shape == [1, 41, 1, 24])
    let early = try exporter(
      "explain", ProjectFiles.model, "--float", ProjectFiles.checkpoint, "--record", ProjectFiles.record,
      "--at", "1")
    #expect(
      early.status == 65 && early.hasOneErrorLine && early.errors.contains("choose a moment from 2.87 s"))
  }

  // MARK: Imported models

  private static let conformance = ProjectFiles.root.deletingLastPathComponent().appending(
    path: "shared/conformance"
  ).path

  @Test(
    .enabled(
      if: FileManager.default.fileExists(atPath: conformance),
      "the conformance models are not beside the project"))
  func reportsOnAnImportedModelAndItsFloatTwin() throws {
    let folder = try TemporaryFolder()
    let models = Self.conformance + "/models/"
    let golden = Self.conformance + "/golden/kws_ref_model/"
    let result = try exporter(
      "report", models + "kws_ref_model.tflite", "--float", models + "kws_ref_model_float32.tflite",
      "--input", golden + "input0.npy", "--output", folder("report"), "--quiet")
    #expect(result.status == 0, "\(result.errors)")
    let report = try JSONDecoder().decode(ImportedReport.self, from: Files.read(folder("report/report.json")))
    #expect(try Files.read(folder("report/report.html")) == Data(report.page().utf8))
    // 69 rows of noise over the whole range of the input, for which the model was never calibrated: the report says so.
    #expect(report.samples == 69 && report.agreement.decisions == 69)
    #expect((report.layers[0].cosine ?? 0) > 0.95)
    #expect(report.summary.contains { $0.contains("the activation range of CONV_2D 0 is too narrow") })
    #expect(report.layers.map(\.kind).prefix(3) == ["CONV_2D", "DEPTHWISE_CONV_2D", "CONV_2D"])
    #expect(report.layers.last?.kind == "SOFTMAX" && report.layers.count == 12)
    let other = try exporter(
      "report", models + "hello_world_int8.tflite", "--float", models + "kws_ref_model_float32.tflite",
      "--input", golden + "input0.npy", "--output", folder("other"))
    #expect(other.status == 65 && other.hasOneErrorLine)
  }
}
