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

  /// A folder with four made-up records of two chambers, `made-up/dual-1` and on.
  private func madeUpRecords() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    for index in 1...4 {
      let made = try exporter(
        "records", "electrogram", "--output", folder("made-up/dual-\(index)"), "--seed", "\(index)",
        "--minutes", "3", "--quiet")
      #expect(made.status == 0, "\(made.errors)")
    }
    return folder
  }

  @Test func aTaskOfTwoLeadsBecomesADeviceThatHearsBoth() throws {
    let folder = try madeUpRecords()
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
    try takes(model, checkpoint, record: record, in: folder)
    try reports(checkpoint, evaluated: figures, in: folder)
    try costs(model, streamed: result)
  }

  /// Each lead has its words and samples in the state, and its part of the front end's work.
  private func costs(_ model: String, streamed: [String: Any]) throws {
    let regions = try #require((streamed["memoryMap"] as? [String: Any])?["regions"] as? [[String: Any]])
    let state = try #require(regions.first { $0["name"] as? String == "streaming state" })
    let parts = try #require(state["parts"] as? [[String: Any]])
    #expect(
      parts.prefix(4).map { $0["name"] as? String } == [
        "front end's words of lead 1", "samples of lead 1", "front end's words of lead 2",
        "samples of lead 2",
      ])
    // A window of 32 samples of four bytes, behind four words.
    #expect(parts.prefix(4).map { $0["bytes"] as? Int } == [16, 128, 16, 128])
    #expect(parts.reduce(0) { $0 + ($1["bytes"] as? Int ?? 0) } == state["bytes"] as? Int)
    let verdict = try simulator(
      "verdict", "--model", model, "--profile", "reference", "--json", "-", "--quiet"
    ).json()
    let device = try #require((verdict["devices"] as? [[String: Any]])?.first?["verdict"] as? [String: Any])
    let mode = try #require((device["modes"] as? [[String: Any]])?.first)
    let work = try #require(mode["tasks"] as? [[String: Any]]).flatMap {
      $0["work"] as? [[String: Any]] ?? []
    }
    // Twice a sample, twelve bins, and a window of 32 samples.
    for (item, count) in [
      ("interrupt, filter, ring", 2), ("frequency bins of 32 samples", 24), ("samples of the window", 64),
    ] { #expect(work.first { $0["item"] as? String == item }?["count"] as? Int == count, "\(item)") }
  }

  /// What a device says while leads are off for 150 s, of which a third is fibrillation.
  private func lost(
    _ model: String, record: String, lead: String
  ) throws -> (results: Int, right: Int, rightAF: Int, all: Int) {
    let run = try simulator(
      "stream", "--model", model, "--record", record, "--lead", "A,V", "--lead-off", "20:150",
      "--disturbed-leads", lead, "--json", "-", "--quiet"
    ).json()
    let decisions = try #require(run["decisionList"] as? [[String: Any]]).filter {
      // Until the lead comes back, but for a window that had good samples at first.
      (26..<170).contains($0["timeSeconds"] as? Double ?? 0)
    }
    let results = decisions.filter { $0["announced"] is String }
    let right = results.filter { $0["announced"] as? String == $0["annotated"] as? String }
    return (
      results.count, right.count, right.count { $0["announced"] as? String == "AF" }, decisions.count
    )
  }

  @Test func aDeviceGoesOnWithoutALeadWhereItsTaskSaysSo() throws {
    let folder = try madeUpRecords()
    let text = try Self.task()
    for (name, task) in [
      ("silent", text),
      ("lasting", text.replacing("\"frontEnd\":", with: "\"lostLead\": \"go on\", \"frontEnd\":")),
    ] {
      try folder.put(name + ".json", Data(task.utf8))
      let (checkpoint, model) = (folder(name + ".safetensors"), folder(name + ".qinf"))
      let train = try exporter(
        "train", "--task", folder(name + ".json"), "--data", folder("made-up"), "--epochs", "4",
        "--windows-per-epoch", "1024", "--batch-size", "64", "--output", checkpoint, "--quiet")
      #expect(train.status == 0, "\(train.errors)")
      let quantize = try exporter(
        "quantize", checkpoint, "--data", folder("made-up"), "--output", model, "--quiet")
      #expect(quantize.status == 0, "\(quantize.errors)")
      for lead in ["A", "V"] {
        let found = try lost(model, record: folder("made-up/dual-4"), lead: lead)
        #expect(found.all > 100)
        if name == "silent" {
          #expect(found.results == 0, "\(lead): \(found)")
        } else {
          #expect(
            found.results == found.all && found.right * 10 >= found.results * 8 && found.rightAF > 25,
            "\(lead): \(found)")
        }
      }
      let both = try lost(model, record: folder("made-up/dual-4"), lead: "A,V")
      #expect(both.results == 0, "\(both)")
      // The firmware's options say the same.
      let export = try exporter("export", model, "--format", "c", "--output", folder("m.c"), "--quiet")
      #expect(export.status == 0, "\(export.errors)")
      let header = String(decoding: try Files.read(folder("m.h")), as: UTF8.self)
      #expect(header.contains("options->lost_lead = \(name == "silent" ? 0 : 1);"))
    }
  }

  /// What once heard one lead.
  private func takes(_ model: String, _ checkpoint: String, record: String, in folder: TemporaryFolder) throws
  {
    let stream = try simulator(
      "stream", "--model", model, "--record", record, "--lead", "A,V", "--json", "-", "--quiet"
    ).json()
    let decision = try #require((stream["decisionList"] as? [[String: Any]])?.dropFirst(20).first)
    let seconds = try #require(decision["timeSeconds"] as? Double)
    let explained = try exporter(
      "explain", model, "--float", checkpoint, "--record", record, "--lead", "A,V", "--at", "\(seconds)",
      "--json", "-", "--quiet"
    ).json()
    #expect(explained["lead"] as? String == "A, V" && explained["decisionSeconds"] as? Double == seconds)
    // The device's own decision at that moment is the same.
    let logits = try #require(explained["integerLogits"] as? [Double])
    #expect(decision["fixedLogits"] as? [Double] == logits)
    let exported = try exporter(
      "export", model, "--format", "c", "--record", record, "--lead", "A,V", "--seconds", "20", "--output",
      folder("m.c"), "--json", "-", "--quiet"
    ).json()
    #expect(exported["samples"] as? Int == 2 * 20 * 128 && exported["decisions"] as? Int ?? 0 > 10)
    // Each lead has a decimator of its own.
    let decimated = try simulator(
      "stream", "--model", model, "--float", checkpoint, "--record", record, "--lead", "A,V", "--device-rate",
      "512", "--json", "-", "--quiet"
    ).json()
    #expect((decimated["spectrogram"] as? [String: Any])?["withinOneStep"] as? Double ?? 0 > 0.999)
    #expect((decimated["agreement"] as? [String: Any])?["top1"] as? Double ?? 0 > 0.97)
    let faults = try simulator(
      "faults", "--model", model, "--record", record, "--lead", "A,V", "--trials", "3", "--json", "-",
      "--quiet"
    ).json()
    #expect(faults["lead"] as? String == "A, V" && (faults["kinds"] as? [Any])?.count == 9)
  }

  /// Where integers lose, by the report: its usual point is the image that `quantize` made, and decides as that does.
  private func reports(
    _ checkpoint: String, evaluated: [String: Any], in folder: TemporaryFolder
  ) throws {
    try folder.put(
      "sweep.json",
      Data(
        """
        [{"name": "usual", "group": "own"}, {"name": "min and max", "calibration": "minmax"},
         {"name": "fixed scaling", "scaling": "fixed"}, {"name": "8 bits", "adcBits": 8}]
        """.utf8))
    let report = try exporter(
      "report", checkpoint, "--data", folder("made-up"), "--output", folder("report"), "--sweep",
      folder("sweep.json"), "--json", "-", "--quiet"
    ).json()
    let points = try #require(report["points"] as? [[String: Any]])
    #expect(points.count == 4)
    func accuracy(_ figures: Any?) -> Double? {
      ((figures as? [String: Any])?["accuracy"] as? [String: Any])?["macroF1"] as? Double
    }
    let float = (evaluated["float"] as? [String: Any])?["macroF1"] as? Double
    let integer = (evaluated["int8"] as? [String: Any])?["macroF1"] as? Double
    #expect(accuracy(points[0]) == integer && accuracy((report["sources"] as? [Any])?.first) == float)
    // Over whole windows and sample by sample, the same logits beside the same float ones.
    let agreement = try #require(points[0]["agreement"] as? [String: Any])
    let streamed = try #require(evaluated["agreement"] as? [String: Any])
    for (key, other) in [
      ("decisions", "decisions"), ("meanLogitError", "meanAbsoluteLogitError"),
      ("maxLogitError", "maxAbsoluteLogitError"), ("top1", "top1"),
    ] { #expect(agreement[key] as? Double == streamed[other] as? Double, "\(key)") }
    // Each lead's front end, on a signal of its own.
    let frontEnds = try #require(report["frontEnds"] as? [[String: Any]])
    let levels = try #require(frontEnds[0]["levels"] as? [[String: Any]])
    #expect(levels.map { $0["lead"] as? String } == ["A", "A", "A", "V", "V", "V"])
    #expect(levels[0]["peakDecibels"] as? Double != levels[3]["peakDecibels"] as? Double)
    let strips = [report["spectrogram"] as Any] + (report["furtherSpectrograms"] as? [Any] ?? [])
    #expect(strips.map { ($0 as? [String: Any])?["lead"] as? String } == ["A", "V"])
    let page = String(decoding: try Files.read(folder("report/report.html")), as: UTF8.self)
    #expect(page.contains("Spectrogram of record dual-4, lead V") && page.contains("2 leads"))
  }

  /// Wrong numbers of leads: a line each.
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
  }
}
