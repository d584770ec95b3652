import ECG
import Foundation
import Support

// A task's JSON file. Its keys:
//
// | key | holds |
// |---|---|
// | `name` | the task's name, which is none of a built-in task's |
// | `classes` | the classes' names: two or more, in the order of the logits |
// | `critical` | optional: the classes that matter most, those that are announced |
// | `unit` | `beats`, `windows` or `episodes` |
// | `windowSeconds`, `hopSeconds` | a window's length, and the time from one to the next; not for beats |
// | `labels` | `{"kind": "beats", "classes": {"N": ["N", "L"], ...}}`, mnemonics; `{"kind": "rhythms", "classes":
// |   | {"af": ["AFIB"], ...}, "skip": ["NOISE"]}`; or `{"kind": "manifest", "file": "labels.csv"}` |
// | `leads` | optional: names or numbers, the first that a record has; or a list of them for each of several leads |
// | `lostLead` | optional, of several leads: `no result` while one is bad, or `go on` |
// | `frontEnd` | optional: `{"kind": "spectrogram", ...}` or `{"kind": "samples", "sampleRateHz": ..., ...}` |
// | `records` | optional: the records' names; without, all of the folder |
// | `patients` | optional: lists of records that are of one patient |
// | `split` | `{"kind": "records", "training": [...], "validation": [...], "test": [...]}`, `{"kind": "column"}` or
// |   | `{"kind": "folds", "count": 5}` |
extension TaskDefinition {
  private static let remedy = "compare `exporter task list --show vtvf`"

  /// A built-in task by its name, or the task of a `.json` file.
  ///
  /// - Throws: `FileError`, which names the key that is missing, unknown or impossible.
  package static func load(_ nameOrFile: String) throws(FileError) -> TaskDefinition {
    if let task = TaskDefinition(named: nameOrFile == "beats" ? "aami" : nameOrFile) { return task }
    guard nameOrFile.hasSuffix(".json") || FileManager.default.fileExists(atPath: nameOrFile) else {
      throw .missing(
        nameOrFile, "no such task",
        remedy: "name a JSON file or one of: " + builtIn.map(\.name).joined(separator: ", "))
    }
    return try TaskDefinition(reading: nameOrFile)
  }

  /// Reads a task's file.
  ///
  /// - Throws: `FileError`, which names the key that is missing, unknown or impossible.
  package init(reading file: String) throws(FileError) {
    try self.init(parsing: Files.read(file), file: file)
    if let other = TaskDefinition(named: name), other != self {
      throw .malformed(
        file, at: "name", "is \(name), a built-in task's name", remedy: "give your task a name of its own")
    }
  }

  /// Reads the task's file that another file names, beside that one unless the name starts at the root.
  ///
  /// - Throws: `FileError`, as `init(reading:)`.
  package init(reading name: String, beside file: String) throws(FileError) {
    try self.init(reading: RecordPath.file(name, beside: file))
  }

  /// Parses a task's file; `file` is its name in errors.
  ///
  /// - Throws: `FileError`, as `init(reading:)`.
  package init(parsing data: Data, file: String) throws(FileError) {
    var fields = try JSONFields(parsing: data, file: file, remedy: Self.remedy)
    let name = try fields.text("name")
    let classNames = try fields.names("classes", atLeast: 2)
    guard classNames.count <= 256 else {
      throw fields.error("classes", "has \(classNames.count) names", remedy: "give at most 256")
    }
    let critical = try fields.names("critical")
    if let unknown = critical.first(where: { !classNames.contains($0) }) {
      throw fields.error(
        "critical", "names \(unknown), none of the classes",
        remedy: "choose among \(classNames.joined(separator: ", "))")
    }
    guard let unit = Unit(rawValue: try fields.choice("unit", of: Unit.allCases.map(\.rawValue))) else {
      preconditionFailure("one of the choices")
    }
    let labels = try Self.labels(&fields, classNames: classNames, unit: unit)
    self.init(
      name: name, classNames: classNames, critical: critical, unit: unit, labels: labels, division: .column)
    frontEnd = try Self.frontEnd(&fields)
    try takeWindow(&fields)
    try takeLeads(&fields)
    try takeLostLead(&fields)
    let records = try fields.names("records")
    recordNames = records.isEmpty ? nil : records
    patients = try fields.groups("patients")
    let all = patients.flatMap(\.self)
    if let twice = all.first(where: { name in all.count { $0 == name } > 1 }) {
      throw fields.error("patients", "has the record \(twice) twice", remedy: "give a record one patient")
    }
    leavesOutPacedRecords = try fields.optionalFlag("leaveOutPacedRecords") ?? false
    division = try division(&fields)
    try fields.finish()
  }

  private static func labels(
    _ fields: inout JSONFields, classNames: [String], unit: Unit
  ) throws(FileError) -> Labels {
    var labels = try fields.object("labels")
    let kind = try labels.choice("kind", of: ["beats", "rhythms", "manifest"])
    guard (kind == "beats") == (unit == .beats) else {
      throw labels.error(
        "kind", "is \(kind), which tells nothing of \(unit.rawValue)",
        remedy: unit == .beats
          ? "give \"beats\", or make the unit windows or episodes" : "give \"rhythms\" or \"manifest\"")
    }
    let result: Labels
    if kind == "manifest" {
      result = .manifest(try labels.text("file"))
    } else {
      var map = try labels.object("classes")
      var names: [[String]] = []
      for name in classNames { names.append(try map.names(name, atLeast: 1)) }
      let skipped = kind == "beats" ? [] : try labels.names("skip")
      try map.finish()
      let all = names.flatMap(\.self) + skipped
      if let twice = all.first(where: { name in all.count { $0 == name } > 1 }) {
        throw labels.error("classes", "has \(twice) twice", remedy: "give each label one class, or skip it")
      }
      if kind == "beats", let unknown = all.first(where: { AnnotationCode(mnemonic: $0)?.isBeat != true }) {
        throw labels.error(
          "classes", "names \(unknown), which is no beat's code",
          remedy: "use the codes of WFDB: N, L, R, A, a, J, S, V, F, e, j, E, /, f and so on")
      }
      result = kind == "beats" ? .beats(names) : .rhythms(names, skipped: skipped)
    }
    try labels.finish()
    return result
  }

  private static func frontEnd(_ fields: inout JSONFields) throws(FileError) -> SpectrogramSettings {
    guard var values = try fields.optionalObject("frontEnd") else { return SpectrogramSettings() }
    var settings = SpectrogramSettings()
    let kind = try values.choice("kind", of: ["spectrogram", "samples"])
    settings.sampleRateHz = try values.number("sampleRateHz", in: 10...10_000)
    if kind == "samples" {
      settings = SpectrogramSettings(
        rawSamplesOfRateHz: settings.sampleRateHz,
        highPassShift: try values.optionalInteger("highPassShift", in: 1...12) ?? 0,
        microvoltsPerUnit: try values.optionalNumber("microvoltsPerUnit", in: 1e-3...1e6) ?? 500)
    } else {
      func integer(
        _ key: String, _ range: ClosedRange<Int>, _ place: WritableKeyPath<SpectrogramSettings, Int>
      )
        throws(FileError)
      {
        if let value = try values.optionalInteger(key, in: range) { settings[keyPath: place] = value }
      }
      func number(
        _ key: String, _ range: ClosedRange<Double>, _ place: WritableKeyPath<SpectrogramSettings, Double>
      ) throws(FileError) {
        if let value = try values.optionalNumber(key, in: range) { settings[keyPath: place] = value }
      }
      try integer("windowSamples", 16...512, \.windowSamples)
      try integer("hopSamples", 1...512, \.hopSamples)
      try integer("firstBin", 0...256, \.firstBin)
      try integer("binCount", 1...257, \.binCount)
      try integer("highPassShift", 1...12, \.highPassShift)
      try number("floorMicrovolts", 1e-3...1e6, \.floorMicrovolts)
      try number("codesPerOctave", 1...128, \.codesPerOctave)
      try number("centerLevel", 0...255, \.centerLevel)
      try number("levelsPerUnit", 1e-3...1e6, \.levelsPerUnit)
      if let problem = settings.problem {
        throw fields.error("frontEnd", "can't be: \(problem)", remedy: "change these settings")
      }
    }
    try values.finish()
    return settings
  }

  /// A list of names for one lead, or a list of them for each of several.
  private mutating func takeLeads(_ fields: inout JSONFields) throws(FileError) {
    guard fields.isListOfLists("leads") else {
      leads = try fields.names("leads")
      return
    }
    let lists = try fields.groups("leads")
    guard (1...SpectrogramSettings.greatestLeadCount).contains(lists.count) else {
      throw fields.error(
        "leads",
        "has \(lists.count) lists, and a network takes \(SpectrogramSettings.greatestLeadCount) leads at most",
        remedy: "give a list of names for each lead, such as [[\"MLII\"], [\"V1\", \"V5\"]]")
    }
    (leads, furtherLeads) = (lists[0], Array(lists.dropFirst()))
    if !furtherLeads.isEmpty { frontEnd.leads = lists.count }
  }

  private mutating func takeLostLead(_ fields: inout JSONFields) throws(FileError) {
    guard
      let text = try fields.optionalChoice("lostLead", of: LostLead.allCases.map(\.rawValue)),
      let choice = LostLead(rawValue: text)
    else { return }
    guard !furtherLeads.isEmpty else {
      throw fields.error(
        "lostLead", "is of a task of several leads, and this one has one",
        remedy: "leave it out, or give leads as lists: [[\"MLII\"], [\"V1\", \"V5\"]]")
    }
    lostLead = choice
  }

  private mutating func takeWindow(_ fields: inout JSONFields) throws(FileError) {
    guard isByClock else { return }
    let window = try fields.number("windowSeconds", in: 0.1...600)
    let hop = try fields.number("hopSeconds", in: 0.01...600)
    guard hop <= window else {
      throw fields.error(
        "hopSeconds", "is \(hop), longer than a window of \(window) s",
        remedy: "give at most windowSeconds, so that no second goes unseen")
    }
    (windowSeconds, hopSeconds) = (window, hop)
    guard let columns = columnCount, (1...65_535).contains(columns) else {
      throw fields.error(
        "windowSeconds",
        "is \(window), which is \(columnCount ?? 0) columns of the front end, not 1 ... 65,535",
        remedy: "choose another length, or another front end")
    }
  }

  private func division(_ fields: inout JSONFields) throws(FileError) -> Division {
    var split = try fields.object("split")
    let isManifest = if case .manifest = labels { true } else { false }
    let result: Division
    switch try split.choice("kind", of: ["records", "column", "folds"]) {
    case "folds": result = .folds(try split.integer("count", in: 2...1000))
    case "column":
      guard isManifest else {
        throw split.error(
          "kind", "is column, but the labels aren't a manifest's", remedy: "give \"records\" or \"folds\"")
      }
      result = .column
    default:
      let parts = (
        try split.names("training", atLeast: 1), try split.names("validation"),
        try split.names("test", atLeast: 1)
      )
      var owners: [String: (part: String, record: String)] = [:]
      for (part, names) in [("training", parts.0), ("validation", parts.1), ("test", parts.2)] {
        for name in names {
          if let records = recordNames, !records.contains(name) {
            throw split.error(part, "names \(name), none of the records", remedy: "add it to records")
          }
          // Only patients that the task names: what it doesn't know of MIT-BIH, `task check` warns of.
          let patient = patients.first { $0.contains(name) }?.first ?? name
          if let owner = owners[patient], owner.part != part || owner.record == name {
            throw split.error(
              part,
              owner.record == name
                ? "has \(name), which is in \(owner.part) too"
                : "has \(name), which is of the same patient as \(owner.record) in \(owner.part)",
              remedy: "keep a patient's records on one side")
          }
          owners[patient] = (part, name)
        }
      }
      result = .records(training: parts.0, validation: parts.1, test: parts.2)
    }
    try split.finish()
    return result
  }
}

extension TaskDefinition {
  /// The task as its file's text, with sorted keys and on one line.
  package var json: String {
    var object: [String: Any] = ["name": name, "classes": classNames, "unit": unit.rawValue]
    if !criticalClassNames.isEmpty { object["critical"] = criticalClassNames }
    object["windowSeconds"] = windowSeconds
    object["hopSeconds"] = hopSeconds
    func map(_ names: [[String]]) -> [String: [String]] {
      Dictionary(uniqueKeysWithValues: zip(classNames, names))
    }
    switch labels {
    case .beats(let names): object["labels"] = ["kind": "beats", "classes": map(names)] as [String: Any]
    case .rhythms(let names, let skipped):
      object["labels"] = ["kind": "rhythms", "classes": map(names), "skip": skipped] as [String: Any]
    case .manifest(let file): object["labels"] = ["kind": "manifest", "file": file]
    }
    if !furtherLeads.isEmpty {
      object["leads"] = [leads] + furtherLeads
    } else if !leads.isEmpty {
      object["leads"] = leads
    }
    if lostLead != .noResult { object["lostLead"] = lostLead.rawValue }
    if frontEnd != SpectrogramSettings() { object["frontEnd"] = frontEndObject }
    object["records"] = recordNames
    if !patients.isEmpty { object["patients"] = patients }
    if leavesOutPacedRecords { object["leaveOutPacedRecords"] = true }
    switch division {
    case .records(let training, let validation, let test):
      var split: [String: Any] = ["kind": "records", "training": training, "test": test]
      if !validation.isEmpty { split["validation"] = validation }
      object["split"] = split
    case .column: object["split"] = ["kind": "column"]
    case .folds(let count): object["split"] = ["kind": "folds", "count": count] as [String: Any]
    }
    guard
      let data = try? JSONSerialization.data(
        withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
    else { preconditionFailure("a task is texts and finite numbers") }
    return String(decoding: data, as: UTF8.self)
  }

  private var frontEndObject: [String: Any] {
    let settings = frontEnd
    guard !settings.isRawSamples else {
      var object: [String: Any] = [
        "kind": "samples", "sampleRateHz": settings.sampleRateHz, "microvoltsPerUnit": settings.levelsPerUnit,
      ]
      if settings.highPassShift > 0 { object["highPassShift"] = settings.highPassShift }
      return object
    }
    return [
      "kind": "spectrogram", "sampleRateHz": settings.sampleRateHz, "windowSamples": settings.windowSamples,
      "hopSamples": settings.hopSamples, "firstBin": settings.firstBin, "binCount": settings.binCount,
      "highPassShift": settings.highPassShift, "floorMicrovolts": settings.floorMicrovolts,
      "codesPerOctave": settings.codesPerOctave, "centerLevel": settings.centerLevel,
      "levelsPerUnit": settings.levelsPerUnit,
    ]
  }
}
