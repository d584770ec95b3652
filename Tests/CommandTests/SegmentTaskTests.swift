import Foundation
import Support
import Testing
import TestSupport

/// Somebody's own labelled segments, from a folder to a verdict, as docs/guides/Tasks.md has it.
@Suite struct SegmentTaskTests {
  private let exporter = Command("exporter")

  /// 200 segments where SEGMENTS=200 asks for them, as the guide says it takes less than two minutes; else fewer, to be quick.
  private static let count = ProcessInfo.processInfo.environment["SEGMENTS"].flatMap { Int($0) } ?? 72

  @Test func ownSegmentsBecomeADeviceByTheGuidesCommands() throws {
    let temporary = try TemporaryFolder()
    let segments = try SegmentFolder(temporary("segments"), count: Self.count)
    let (checkpoint, model) = (temporary("shapes.safetensors"), temporary("shapes.qinf"))
    let start = Date()

    let check = try exporter(
      "task", "check", segments.task, "--data", segments.folder, "--report", temporary("check.html"),
      "--json", "-", "--quiet")
    // A strip of each of three patients for each of three classes.
    let page = String(decoding: try Files.read(temporary("check.html")), as: UTF8.self)
    #expect(page.components(separatedBy: "class=\"strip\"").count == 1 + 9)
    let counts = try #require(try check.json()["counts"] as? [[String: Any]])
    // A window of 4 s every second in 6 s: 3 a segment.
    let labels = counts.reduce(0) { $0 + ($1["labels"] as? Int ?? 0) }
    #expect(labels == 3 * Self.count)

    let train = try exporter(
      "train", "--task", segments.task, "--data", segments.folder, "--epochs", "6", "--windows-per-epoch",
      "1024",
      "--batch-size", "64", "--output", checkpoint, "--quiet")
    #expect(train.status == 0, "\(train.errors)")
    let quantize = try exporter(
      "quantize", checkpoint, "--data", segments.folder, "--windows", "128", "--output", model, "--quiet")
    #expect(quantize.status == 0, "\(quantize.errors)")

    try Files.write(#"[{"name": "int8"}, {"name": "int4", "weightBits": 4}]"#, to: temporary("points.json"))
    let report = try exporter(
      "report", checkpoint, "--data", segments.folder, "--sweep", temporary("points.json"), "--output",
      temporary("report"), "--quiet")
    #expect(report.status == 0, "\(report.errors)")
    #expect(FileManager.default.fileExists(atPath: temporary("report/report.html")))
    let charge = try reportedCharge(temporary("report/report.json"))

    let evaluate = try exporter(
      "evaluate", model, "--float", checkpoint, "--data", segments.folder, "--json", "-", "--quiet")
    let figures = try evaluate.json()
    let int8 = try #require(figures["int8"] as? [String: Any])
    // The classes differ in rate and width by threefold and more.
    #expect(try #require(int8["macroF1"] as? Double) > 0.9)
    #expect((figures["agreement"] as? [String: Any])?["top1"] as? Double ?? 0 > 0.9)
    let wide = try #require((figures["int8Windows"] as? [[String: Any]])?.first)
    #expect(wide["className"] as? String == "wide")
    #expect((wide["area"] as? [String: Any])?["value"] as? Double ?? 0 > 0.95)
    let episodes = try #require(figures["episodes"] as? [[String: Any]])
    #expect(episodes.count == 1)

    // The task's clock, not a heart's rate, says how often the device decides.
    let verdict = try Command("device-sim")("verdict", "--model", model, "--profile", "pacemaker")
    #expect(verdict.output.hasPrefix("shapes.qinf with a decision every 1 s\n"), "\(verdict.output)")
    // The report's device decides at the same pace, and looks for no beats.
    #expect(charge == (try judgedCharge(of: model)))
    let judged = try Command("device-sim")(
      "verdict", "--model", model, "--profile", "pacemaker", "--record", segments.folder + "/segment-009.csv",
      "--sample-rate", "250", "--json", "-")
    let scores = try #require(try judged.json()["scores"] as? [String: Any])
    #expect(scores["unit"] as? String == "windows" && scores["beats"] as? Int == 3)
    #expect(judged.errors.contains("over their 3 windows of its classes: "), "\(judged.errors)")
    // Nobody finds windows, and none is too many: the columns stay empty.
    let sweep = try Command("device-sim")(
      "sweep", "--model", model, "--records", "segment-009.csv", "--data", segments.folder, "--sample-rate",
      "250", "--output", temporary("sweep.jsonl"))
    #expect(sweep.status == 0, "\(sweep.errors)")
    #expect(sweep.output.contains(/no noise .* 100\.00 % .* - +- +0\n/), "\(sweep.output)")
    // The manifest tells the rate of CSV files without times, and whose they are.
    let patients = try Command("device-sim")(
      "verdict", "--model", model, "--profile", "pacemaker", "--data", segments.folder, "--records", "test",
      "--json", "-", "--quiet")
    let rated = try #require((try patients.json()["devices"] as? [[String: Any]])?.first?["patients"])
    // A quarter of a third as many patients as segments.
    #expect(((rated as? [String: Any])?["patients"] as? [Any])?.count == Self.count / 12)
    let both = try Command("device-sim")(
      "sweep", "--model", model, "--data", segments.folder, "--records", "test", "--output",
      temporary("both.jsonl"), "--quiet")
    #expect(both.status == 0, "\(both.errors)")
    let stream = try Command("device-sim")(
      "stream", "--model", model, "--float", checkpoint, "--record", segments.folder + "/segment-009.csv",
      "--sample-rate", "250", "--lead", "II", "--json", "-", "--quiet")
    let decisions = try #require(try stream.json()["decisionList"] as? [[String: Any]])
    #expect(decisions.count == 3)
    // The manifest beside the segment labels its windows.
    #expect(decisions.allSatisfy { $0["annotated"] as? String == "slow" })
    let accuracy = try #require(try stream.json()["accuracy"] as? [String: Any])
    #expect(accuracy["unit"] as? String == "windows" && accuracy["extraDecisions"] as? Int == 0)
    let announced = try #require(try stream.json()["episodes"] as? [[String: Any]])
    // A segment of 6 s without the class: no episode, no time but its own.
    #expect(announced.first?["episodes"] as? Int == 0)
    #expect(abs(try #require(announced.first?["hours"] as? Double) - 6.0 / 3600) < 1e-6)
    // What is measured is what streams: the windows of the clock are those that were scored.
    #expect(Date().timeIntervalSince(start) < 120)
    print("\(Self.count) segments took \(Int(Date().timeIntervalSince(start))) s")
  }

  /// The charge a decision of a report's first point on the pacemaker, in microcoulombs.
  private func reportedCharge(_ file: String) throws -> Double {
    let report = try jsonObject(String(decoding: try Files.read(file), as: UTF8.self))
    #expect(report["decisionsPerMinute"] as? Double == 60)
    let point = try #require((report["points"] as? [[String: Any]])?.first)
    let devices = try #require((point["cost"] as? [String: Any])?["devices"] as? [[String: Any]])
    let device = try #require(devices.first { $0["profile"] as? String == "pacemaker" })
    return try #require(device["chargePerDecisionMicrocoulombs"] as? Double)
  }

  /// The same by a verdict: that of the cheaper way to run the network.
  private func judgedCharge(of model: String) throws -> Double {
    let verdict = try Command("device-sim")(
      "verdict", "--model", model, "--profile", "pacemaker", "--json", "-", "--quiet")
    let devices = try #require(try verdict.json()["devices"] as? [[String: Any]])
    let modes = try #require((devices.first?["verdict"] as? [String: Any])?["modes"] as? [[String: Any]])
    let charges = modes.compactMap { mode -> Double? in
      let criteria = mode["criteria"] as? [[String: Any]] ?? []
      let charge = criteria.first { $0["name"] as? String == "chargePerDecision" }
      return (charge?["estimate"] as? [String: Any])?["value"] as? Double
    }
    return try #require(charges.min())
  }

  @Test func theTaskTravelsWithTheModel() throws {
    let temporary = try TemporaryFolder()
    let segments = try SegmentFolder(temporary("segments"), count: 24)
    let (checkpoint, model) = (temporary("shapes.safetensors"), temporary("shapes.qinf"))
    let train = try exporter(
      "train", "--task", segments.task, "--data", segments.folder, "--epochs", "1", "--windows-per-epoch",
      "64",
      "--batch-size", "16", "--output", checkpoint, "--quiet")
    #expect(train.status == 0, "\(train.errors)")
    try FileManager.default.removeItem(atPath: segments.task)
    let quantize = try exporter(
      "quantize", checkpoint, "--data", segments.folder, "--windows", "16", "--output", model, "--quiet")
    #expect(quantize.status == 0, "\(quantize.errors)")
    let evaluate = try exporter("evaluate", model, "--data", segments.folder, "--json", "-", "--quiet")
    #expect(try evaluate.json()["task"] as? String == "shapes")
    // A task of windows has no beats to compare or to learn a patch from.
    expectError(
      try exporter("evaluate", model, "--data", segments.folder, "--ec57"), status: 65,
      containing: "decides by the clock, and --ec57 compares beats; leave out --ec57")
  }

  @Test func stridesThatDivideTheClockStreamColumnByColumn() throws {
    let temporary = try TemporaryFolder()
    let segments = try SegmentFolder(temporary("segments"), count: 24)
    let (checkpoint, model) = (temporary("shapes.safetensors"), temporary("shapes.qinf"))
    try Files.write(
      """
      {"layers": [
        {"kind": "convolution", "channels": 4, "kernel": 10, "stride": 5},
        {"kind": "convolution", "channels": 4, "kernel": 9, "stride": 5}
      ]}
      """, to: temporary("net.json"))
    let train = try exporter(
      "train", "--task", segments.task, "--data", segments.folder, "--architecture", temporary("net.json"),
      "--epochs", "1", "--windows-per-epoch", "64", "--batch-size", "16", "--output", checkpoint, "--quiet")
    #expect(train.status == 0, "\(train.errors)")
    let quantize = try exporter(
      "quantize", checkpoint, "--data", segments.folder, "--windows", "16", "--output", model, "--quiet")
    #expect(quantize.status == 0, "\(quantize.errors)")
    let inspect = try exporter("inspect", model, "--json", "-")
    let operations = try #require(try inspect.json()["operations"] as? [String: Any])
    #expect(operations["columnsPerDecision"] as? Int == 25)
    let window = try #require(operations["macsPerWindow"] as? Int)
    #expect(try #require(operations["macsPerDecision"] as? Int) * 10 < window)
    // A window of 4 s every second in 6 s: 3 a segment, each decided about.
    let evaluate = try exporter(
      "evaluate", model, "--float", checkpoint, "--data", segments.folder, "--records", "all", "--json", "-",
      "--quiet")
    let figures = try evaluate.json()
    #expect((figures["agreement"] as? [String: Any])?["decisions"] as? Int == 72, "\(evaluate.errors)")
  }

  @Test func everyKindOfLayerIsTrainedQuantizedAndScored() throws {
    let temporary = try TemporaryFolder()
    let segments = try SegmentFolder(temporary("segments"), count: 36)
    let (checkpoint, model) = (temporary("shapes.safetensors"), temporary("shapes.qinf"))
    try Files.write(
      """
      {"layers": [
        {"kind": "convolution", "channels": 8, "kernel": 10, "stride": 5},
        {"kind": "depthwise", "kernel": 5}, {"kind": "convolution", "channels": 8, "kernel": 1},
        {"kind": "sum", "over": 2}, {"kind": "pool", "of": "maximum", "kernel": 5},
        {"kind": "pool", "of": "average"}
      ]}
      """, to: temporary("net.json"))
    let train = try exporter(
      "train", "--task", segments.task, "--data", segments.folder, "--architecture", temporary("net.json"),
      "--epochs", "2", "--windows-per-epoch", "256", "--batch-size", "32", "--output", checkpoint, "--quiet")
    #expect(train.status == 0, "\(train.errors)")
    // Told before the training, with the layer.
    #expect(train.errors.contains("net.json:layer 3: is a sum, which can't take one column at a time"))
    let tuned = try exporter(
      "train", "--task", segments.task, "--data", segments.folder, "--from", checkpoint, "--epochs", "1",
      "--windows-per-epoch", "64", "--batch-size", "32", "--quantization-aware", "--output",
      temporary("aware.safetensors"), "--quiet")
    #expect(tuned.status == 0, "\(tuned.errors)")
    for source in [checkpoint, temporary("aware.safetensors")] {
      let quantize = try exporter(
        "quantize", source, "--data", segments.folder, "--windows", "64", "--output", model, "--quiet")
      #expect(quantize.status == 0, "\(quantize.errors)")
      let evaluate = try exporter(
        "evaluate", model, "--float", source, "--data", segments.folder, "--records", "all", "--json", "-",
        "--quiet")
      let agreement = try #require(try evaluate.json()["agreement"] as? [String: Any], "\(evaluate.errors)")
      // A window of 4 s every second in 6 s: 3 a segment, each decided about.
      #expect(agreement["decisions"] as? Int == 108)
      #expect(agreement["top1"] as? Double ?? 0 > 0.9)
    }
    // int4 for the layers with weights, which are fewer than the layers.
    let narrow = try exporter(
      "quantize", checkpoint, "--data", segments.folder, "--windows", "64", "--weights",
      "int8,int4,int4,int8",
      "--output", model, "--quiet")
    #expect(narrow.status == 0, "\(narrow.errors)")
  }

  @Test func aValidationDrawsWhatEveryThresholdGives() throws {
    let temporary = try TemporaryFolder()
    let segments = try SegmentFolder(temporary("segments"), count: 36)
    let arguments = [
      "validate", "--task", segments.task, "--data", segments.folder, "--folds", "2", "--epochs", "1",
      "--windows-per-epoch", "64", "--batch-size", "16", "--tune", "specificity=0.9", "--beta", "3",
    ]
    let result = try exporter.run(arguments + ["--report", temporary("v.html"), "--json", "-", "--quiet"])
    let windows = try #require(try result.json()["windows"] as? [String: Any], "\(result.errors)")
    let curve = try #require((windows["curves"] as? [[String: Any]])?.first?["points"] as? [[String: Any]])
    let sensitivities = curve.compactMap { $0["sensitivity"] as? Double }
    #expect(curve.count > 3 && sensitivities == sensitivities.sorted() && sensitivities.last == 1)
    #expect((windows["int8"] as? [[String: Any]])?.first?["beta"] as? Double == 3)
    let page = String(decoding: try Files.read(temporary("v.html")), as: UTF8.self)
    for text in ["What raising the logit of wide gives", "ROC", "Precision over recall", "Episodes of wide"] {
      #expect(page.contains(text), "\(text)")
    }
    expectError(
      try exporter("validate", "--task", "aami", "--data", segments.folder, "--report", temporary("w.html")),
      status: 64, containing: "--report and the options of episodes are for windows, and aami is of beats")
  }

  @Test func whatCannotStreamIsToldBeforeTraining() throws {
    let temporary = try TemporaryFolder()
    let segments = try SegmentFolder(temporary("segments"), count: 12)
    func train(_ layers: String) throws -> Command.Result {
      try Files.write(#"{"layers": [\#(layers)]}"#, to: temporary("net.json"))
      return try exporter(
        "train", "--task", segments.task, "--data", segments.folder, "--architecture", temporary("net.json"),
        "--output", temporary("x.safetensors"))
    }
    // Windows come every second, 125 samples, which strides of 2 don't divide.
    expectError(
      try train(#"{"kind": "convolution", "channels": 8, "kernel": 5, "stride": 2}"#), status: 65,
      containing: "the network's strides let it decide every 2 columns, but the task's windows come every 125"
    )
    expectError(
      try train(#"{"kind": "convolution", "channels": 8, "kernel": 501}"#), status: 65,
      containing: "layer 0 reaches over 501 columns of 500")
    expectError(
      try train(#"{"kind": "pooling", "kernel": 5}"#), status: 65,
      containing:
        #"net.json:layers 1, kind: is "pooling"; give "convolution" or "depthwise" or "pool" or "sum" or "dense""#
    )
    expectError(
      try train(
        #"{"kind": "convolution", "channels": 8, "kernel": 5}, {"kind": "sum", "over": 1}"#), status: 65,
      containing: "layer 1 is a sum of 1 and 8 channels")
    expectError(
      try train(#"{"kind": "pool", "of": "median"}"#), status: 65,
      containing: #"net.json:layers 1, of: is "median"; give "maximum" or "average""#)
    #expect(!FileManager.default.fileExists(atPath: temporary("x.safetensors")))
  }

  @Test func tasksAreListedAndShownAsTheirFiles() throws {
    let list = try exporter("task", "list")
    for name in ["aami", "types", "af", "vtvf"] { #expect(list.output.contains(name)) }
    let shown = try exporter("task", "list", "--show", "vtvf")
    #expect(try jsonObject(shown.output)["windowSeconds"] as? Double == 4)
    expectError(
      try exporter("task", "check", "nothing", "--data", "."), status: 64,
      containing: "there is no task nothing: name a JSON file or one of aami, types, af, vtvf")
    expectError(
      try exporter("task", "check", "none.json", "--data", "."), status: 66,
      containing: "none.json: no such file")
  }
}
