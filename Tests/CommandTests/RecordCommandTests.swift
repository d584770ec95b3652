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
      "stream", "--model", ProjectFiles.model, "--record", ProjectFiles.record, "--annotations", folder.path)
    #expect(result.status == 0, "\(result.errors)")
    var labels = try Annotations.read(folder.file("mitdb-208"), annotator: "qinf", sampleRateHz: 360)
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
        let shown = try exporter.run(command + ["--data", data, "--records", "r", "--quiet"] + arguments)
        #expect(shown.output.contains("(r), lead \(lead)") || shown.output.contains("Hz, lead \(lead),"))
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

  // MARK: CSV

  /// The shipped record's first minute as a CSV file, its rows made of a time in seconds and millivolts.
  private func putCSV(_ name: String, title: String, row: (Double, Double) -> String?) throws -> String {
    let source = try Record.read(ProjectFiles.record)
    let millivolts = try source.signals[0].millivolts()
    let rows = (0..<60 * 360).compactMap { row(Double($0) / 360, Double(millivolts[$0])) }
    try folder.put(name, ([title] + rows).joined(separator: "\n") + "\n")
    return folder.file(name)
  }

  @Test func aSpreadsheetGivesTheDecisionsOfTheRecord() throws {
    let right = try stream(try put("r", [("MLII", 1)])).decisionList()
    func text(_ value: Double, _ places: Int = 6) -> String { String(format: "%.\(places)f", value) }
    let european = try putCSV("e.csv", title: "Zeit;II_uV") {
      (text($0) + ";" + text($1 * 1000)).replacingOccurrences(of: ".", with: ",")
    }
    #expect(try stream(european).decisionList() == right)
    let counts = try putCSV("c.csv", title: "sample,ECG") {
      "\(Int(($0 * 360).rounded())),\(Int(($1 * 200).rounded()) + 1024)"
    }
    let options = ["--sample-rate", "360", "--gain", "200", "--baseline", "1024"]
    let result = try simulator.run(
      ["stream", "--model", ProjectFiles.model, "--record", counts, "--json", "-", "--quiet"] + options)
    #expect(try result.decisionList() == right)
    #expect(result.errors.isEmpty, "\(result.errors)")
  }

  @Test func aGapIsLostContactAsADropOutIs() throws {
    let whole = try putCSV("w.csv", title: "time [s],II [mV]") { "\($0),\($1)" }
    let gap = try putCSV("g.csv", title: "time [s],II [mV]") { time, millivolts in
      (20..<20.4).contains(time) ? nil : "\(time),\(millivolts)"
    }
    let json = try stream(gap).json()
    let disturbances = try #require(json["disturbances"] as? [String: Any])
    #expect(disturbances["lostSamples"] as? Int == 51 || disturbances["lostSamples"] as? Int == 52)
    #expect(try #require(disturbances["decisionsOverLostSamples"] as? Int) > 0)
    #expect(notes(json).contains { $0.contains("144 samples are missing") })
    // The device has no result over the gap, and misses no beat elsewhere.
    let silence = { (json: [String: Any]) in
      (json["announcements"] as? [String: Any])?["noResultSeconds"] as? Double
    }
    let (before, after) = (try #require(silence(try stream(whole).json())), try #require(silence(json)))
    #expect(after > before + 2)
  }

  @Test func annotationsBesideACSVAreItsOwn() throws {
    let file = try putCSV("ecg.csv", title: "time [s],II [mV]") { "\($0),\($1)" }
    try Self.labels.get().write(file)
    #expect(FileManager.default.fileExists(atPath: folder.file("ecg.atr")))
    #expect(try stream(file).json()["accuracy"] is [String: Any])
    let result = try exporter(
      "evaluate", ProjectFiles.model, "--data", folder.path, "--records", "ecg.csv", "--json", "-", "--quiet")
    #expect(try #require(try result.json()["beats"] as? Int) > 50, "\(result.errors)")
  }

  @Test func aUnitThatCannotBeRightIsSaid() throws {
    let file = try putCSV("v.csv", title: "time [s],II [mV]") { "\($0),\($1 * 400)" }
    let result = try stream(file)
    let notes = try notes(result.json())
    #expect(notes.contains { $0.contains("an ECG's of 0.1 to 10 mV") }, "\(notes)")
    #expect(notes.contains { $0.contains("beyond the converter's 5.0 mV") }, "\(notes)")
    #expect(result.errors == notes.map { "note: \($0)\n" }.joined())
  }
}
