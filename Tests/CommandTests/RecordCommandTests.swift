import ECG
import Foundation
import Support
import Testing
import TestSupport

/// What the commands make of records that aren't as one would like them.
///
/// Outside truth: the shipped record as it is.
@Suite struct RecordCommandTests {
  private let folder: TemporaryFolder
  private let simulator = Command("device-sim")
  private let exporter = Command("exporter")

  init() throws { folder = try TemporaryFolder() }

  private func stream(_ record: String, _ arguments: String...) throws -> Command.Result {
    try simulator.run(
      ["stream", "--model", ProjectFiles.model, "--record", record, "--json", "-", "--quiet"] + arguments)
  }

  /// The device's own decisions about the shipped record's first minute, which stand for its annotations.
  private static let labels = Result {
    let folder = try TemporaryFolder()
    let result = try Command("device-sim")(
      "stream", "--model", ProjectFiles.model, "--record", ProjectFiles.record, "--annotations",
      folder.file("r.atr"))
    #expect(result.status == 0, "\(result.errors)")
    var labels = try Annotations.read(folder.file("r"), sampleRateHz: 360)
    labels.all.removeAll { $0.sample >= 60 * 360 }
    labels.notes = []
    return labels
  }

  /// The shipped record's first minute as a record of other leads.
  private func put(_ name: String, _ leads: [(name: String, factor: Int32)]) throws -> String {
    let source = try Record.read(ProjectFiles.record)
    let count = 60 * 360
    let signals = leads.map { lead in
      var signal = source.signals[0]
      signal.samples = signal.samples.prefix(count).map { $0 * lead.factor }
      (signal.name, signal.baseline) = (lead.name, signal.baseline * Int(lead.factor))
      return signal
    }
    try Record(name: name, sampleRateHz: 360, sampleCount: count, signals: signals)
      .write(folder.file(name), format: .twosComplement32)
    try Self.labels.get().write(folder.file(name))
    return folder.file(name)
  }

  private func notes(_ json: [String: Any]) -> [String] { json["notes"] as? [String] ?? [] }

  // MARK: Annotations

  @Test func brokenAnnotationsStopNoStream() throws {
    let record = try put("r", [("MLII", 1)])
    let right = try stream(record).decisionList()
    try folder.put("r.atr", "no annotations at all, but a text of some length")
    let result = try stream(record)
    #expect(result.status == 0, "\(result.errors)")
    #expect(try result.decisionList() == right)
    let json = try result.json()
    #expect(json["accuracy"] is NSNull || json["accuracy"] == nil)
    #expect(notes(json).count == 1 && notes(json)[0].contains("r.atr: "))
    #expect(result.errors == "note: \(notes(json)[0])\n")
    // Where the device is to decide by them they matter.
    let byAnnotations = try stream(record, "--decide", "annotations")
    #expect(byAnnotations.status == 65 && byAnnotations.errors.contains("r.atr: "))
  }

  @Test func annotationsOfAnotherRateFindTheirBeats() throws {
    let record = try put("r", [("MLII", 1)])
    func accuracy() throws -> NSDictionary? {
      try stream(record, "--decide", "annotations").json()["accuracy"] as? NSDictionary
    }
    let right = try #require(try accuracy())
    var labels = try Annotations.read(record)
    for index in labels.all.indices { labels.all[index].sample *= 2 }
    labels.sampleRateHz = 720
    try labels.write(record)
    #expect(try accuracy() == right)
  }

  // MARK: Leads

  @Test func everyCommandHearsTheSameLead() throws {
    _ = try put("r", [("I", 0), ("II", 1), ("V5", -1)])
    let data = folder.path
    for (lead, arguments) in [("II", []), ("V5", ["--lead", "v5"]), ("I", ["--lead", "1"])] {
      let streamed = try simulator.run(
        ["stream", "--model", ProjectFiles.model, "--record", data + "/r", "--json", "-", "--quiet"]
          + arguments)
      #expect(try streamed.json()["lead"] as? String == lead)
      for command in [
        ["evaluate", ProjectFiles.model], ["evaluate", ProjectFiles.model, "--ec57"], ["detect"],
      ] {
        let result = try exporter.run(
          command + ["--data", data, "--records", "r", "--json", "-", "--quiet"] + arguments)
        let records = try #require(try result.json()["perRecord"] as? [[String: Any]], "\(result.errors)")
        #expect(records.map { $0["lead"] as? String } == [lead], "\(command)")
      }
    }
    let wrong = try exporter(
      "evaluate", ProjectFiles.model, "--data", data, "--records", "r", "--lead", "V9")
    #expect(
      wrong.status == 65 && wrong.errors.contains("choose one by name or number: I (1), II (2), V5 (3)"))
  }

  @Test(arguments: [ProjectFiles.model, ProjectFiles.checkpoint])
  func beatsOnALeadWithoutSignalAreNoDecisions(model: String) throws {
    // A flat lead, and one that saturates the converter.
    for (name, factor) in [("flat", 0), ("loud", 400)] as [(String, Int32)] {
      _ = try put(name, [("MLII", factor)])
      let result = try exporter(
        "evaluate", model, "--data", folder.path, "--records", name, "--json", "-", "--quiet")
      let json = try result.json()
      #expect(json["beats"] as? Int == 0, "\(name)")
      #expect(try #require(json["noResultBeats"] as? Int) > 50)
      #expect(result.errors.hasPrefix("note: "), "\(result.errors)")
    }
  }

  // MARK: Headers and folders

  @Test func allIsTheFoldersRecords() throws {
    for name in ["b", "a"] { _ = try put(name, [("MLII", 1)]) }
    for command in [
      ["evaluate", ProjectFiles.model], ["evaluate", ProjectFiles.model, "--ec57"], ["detect"],
    ] {
      let result = try exporter.run(
        command + ["--data", folder.path, "--records", "all", "--json", "-", "--quiet"])
      let records = try #require(try result.json()["perRecord"] as? [[String: Any]], "\(result.errors)")
      #expect(records.map { $0["record"] as? String } == ["a", "b"])
    }
  }

  @Test func headersThatNameEachOtherAreOneLineFromEveryCommand() throws {
    try folder.put("h6.hea", "h6/2 1 360 20\nh7 10\nh7 10\n")
    try folder.put("h7.hea", "h7/2 1 360 10\nh6 5\nh6 5\n")
    let (data, record, model) = (folder.path, folder.file("h6"), ProjectFiles.model)
    let runs: [(Command, [String])] = [
      (simulator, ["stream", "--model", model, "--record", record]),
      (simulator, ["faults", "--model", model, "--record", record, "--trials", "1"]),
      (simulator, ["sweep", "--model", model, "--data", data, "--output", folder.file("s.jsonl")]),
      (exporter, ["evaluate", model, "--data", data, "--records", "h6"]),
      (exporter, ["evaluate", model, "--data", data, "--records", "all", "--ec57"]),
      (exporter, ["detect", "--data", data, "--records", "h6"]),
      (exporter, ["export", model, "--format", "c", "--record", record, "--output", folder.file("m.c")]),
      (exporter, ["explain", model, "--float", ProjectFiles.checkpoint, "--record", record, "--at", "9"]),
    ]
    for (command, arguments) in runs {
      let result = try command.run(arguments + ["--quiet"])
      #expect(result.status == 65, "\(arguments[0]): \(result.status) \(result.errors)")
      #expect(result.errors.hasPrefix("error: \(data)/h") && result.errors.count { $0 == "\n" } == 1)
    }
    for command in ["list", "verify"] {
      let result = try exporter("records", command, data, "--quiet")
      #expect(result.status == 65 && result.errors.count { $0 == "\n" } == 2, "\(result.errors)")
    }
  }
}
