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
      "task", "check", segments.task, "--data", segments.folder, "--json", "-", "--quiet")
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
    let stream = try Command("device-sim")(
      "stream", "--model", model, "--float", checkpoint, "--record", segments.folder + "/segment-009.csv",
      "--sample-rate", "250", "--lead", "II", "--json", "-", "--quiet")
    let decisions = try #require(try stream.json()["decisionList"] as? [[String: Any]])
    #expect(decisions.count == 3)
    // What is measured is what streams: the windows of the clock are those that were scored.
    #expect(Date().timeIntervalSince(start) < 120)
    print("\(Self.count) segments took \(Int(Date().timeIntervalSince(start))) s")
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
      containing: #"net.json:layers 1, kind: is "pooling"; give "convolution" or "dense""#)
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
