import Foundation
import Support
import Testing
import TestSupport

/// The guide of two chambers from made-up records to a page.
@Suite struct TwoChamberTests {
  private let exporter = Command("exporter")
  private let simulator = Command("device-sim")

  /// The task as the guide has it.
  private static func task() throws -> String {
    let guide = String(
      decoding: try Files.read(ProjectFiles.path("docs/guides/TwoChambers.md")), as: UTF8.self)
    let part = try #require(guide.components(separatedBy: "```json\n").dropFirst().first)
    return part.components(separatedBy: "```")[0]
  }

  @Test func aTaskOfTwoLeadsBecomesADeviceThatHearsBoth() throws {
    let folder = try TemporaryFolder()
    for index in 1...4 {
      let made = try exporter(
        "records", "electrogram", "--output", folder("made-up/dual-\(index)"), "--seed", "\(index)",
        "--minutes", "3", "--quiet")
      #expect(made.status == 0, "\(made.errors)")
    }
    try folder.put("dual.json", Data(Self.task().utf8))
    let (data, checkpoint, model) = (folder("made-up"), folder("dual.safetensors"), folder("dual.qinf"))
    let check = try exporter("task", "check", folder("dual.json"), "--data", data, "--quiet")
    #expect(check.status == 0, "\(check.errors)")
    let train = try exporter(
      "train", "--task", folder("dual.json"), "--data", data, "--epochs", "2", "--windows-per-epoch", "768",
      "--batch-size", "64", "--output", checkpoint, "--quiet")
    #expect(train.status == 0, "\(train.errors)")
    let quantize = try exporter("quantize", checkpoint, "--data", data, "--output", model, "--quiet")
    #expect(quantize.status == 0, "\(quantize.errors)")
    let inspect = try exporter("inspect", model, "--json", "-", "--quiet").json()
    #expect((inspect["frontEnd"] as? [String: Any])?["leads"] as? Int == 2)

    let evaluate = try exporter(
      "evaluate", model, "--float", checkpoint, "--data", data, "--json", "-", "--quiet")
    let figures = try evaluate.json()
    #expect((figures["int8"] as? [String: Any])?["macroF1"] as? Double ?? 0 > 0.9)
    #expect((figures["agreement"] as? [String: Any])?["top1"] as? Double ?? 0 > 0.97)

    let record = folder("made-up/dual-4")
    let stream = try simulator(
      "stream", "--model", model, "--float", checkpoint, "--record", record, "--lead", "A,V", "--report",
      folder("dual.html"), "--json", "-", "--quiet")
    let result = try stream.json()
    #expect(result["lead"] as? String == "A, V")
    #expect((result["agreement"] as? [String: Any])?["top1"] as? Double ?? 0 > 0.97)
    #expect((result["spectrogram"] as? [String: Any])?["withinOneStep"] as? Double ?? 0 > 0.999)
    let page = String(decoding: try Files.read(folder("dual.html")), as: UTF8.self)
    #expect(page.contains("Lead A") && page.contains("Lead V") && page.contains("int8 columns, lead V"))
    try refuses(model, checkpoint, record: record, in: folder)
  }

  /// Wrong numbers of leads, and what hears one lead: a line each.
  private func refuses(_ model: String, _ checkpoint: String, record: String, in folder: TemporaryFolder)
    throws
  {
    func told(_ result: Command.Result, _ text: String) {
      let lines = result.errors.split(separator: "\n").filter { $0.hasPrefix("error: ") }
      #expect(result.status == 65 && lines.count == 1 && result.errors.contains(text), "\(result.errors)")
    }
    let stream = ["stream", "--model", model, "--quiet"]
    for lead in ["A", "A,V,A", "A,A"] {
      told(
        try simulator.run(stream + ["--record", record, "--lead", lead]), "takes 2 different ones")
    }
    told(
      try simulator.run(stream + ["--record", record, "--lead", "A,aVF"]), "has no lead aVF")
    try folder.put("one.csv", Data(("II\n" + (0..<4000).map { "\($0 % 90)\n" }.joined()).utf8))
    told(
      try simulator.run(stream + ["--record", folder("one.csv"), "--sample-rate", "250"]),
      "has 1 lead, and the model takes 2")
    for arguments in [
      ["explain", model, "--float", checkpoint, "--record", record, "--at", "30"],
      ["export", model, "--format", "c", "--record", record, "--output", folder("m.c")],
    ] {
      told(try exporter.run(arguments), "takes 2 leads")
    }
    told(
      try simulator("faults", "--model", model, "--record", record), "takes 2 leads")
  }
}
