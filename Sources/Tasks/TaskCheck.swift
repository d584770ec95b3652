import Support

/// What a task finds in a folder: how much there is to learn from, and what to doubt.
package struct TaskCheck: Encodable, Sendable {
  /// A class in one part of the records.
  package struct Count: Encodable, Equatable, Sendable {
    /// The class.
    package var className: String
    /// The part: `training`, `validation`, `test`, a fold's number, or `all`.
    package var part: String
    /// The beats or windows.
    package var labels: Int
    /// The records and patients that have some.
    package var records, patients: Int
    /// The labelled time, in seconds; nil for beats.
    package var seconds: Double?
  }

  /// The task's name.
  package var task: String
  /// What is counted: `beats` or `windows`.
  package var unit: String
  /// The records and their patients.
  package var records, patients: Int
  /// The leads that were taken, with the records of each.
  package var leads: [String: Int]
  /// The classes in each part.
  package var counts: [Count]
  /// The labelled stretches that are shorter than a window, and give none.
  package var shortStretches: Int
  /// The time that the labels skip, in seconds.
  package var skippedSeconds: Double
  /// What to doubt, a sentence each.
  package var warnings: [String]
  /// What was assumed of files, and what about them isn't plausible.
  package var notes: [FileNote]

  /// The patients that a class should have on each side: of fewer, nothing is learnt about a new one.
  package static let leastPatients = 5

  /// How much there is, in words.
  package var extent: String {
    "\(Numbers.integer(records)) record\(records == 1 ? "" : "s") of \(Numbers.integer(patients)) "
      + "patient\(patients == 1 ? "" : "s")"
  }

  /// Counts what the signals of a task's records hold.
  ///
  /// - Parameters:
  ///   - signals: The records' main leads, in the catalog's order.
  ///   - parts: The part of each; nil for one that has none.
  ///   - task: The task.
  ///   - converter: The device's converter, for what saturates.
  package init(
    _ signals: [LabelledSignal], parts: [String?], of task: TaskDefinition, converter: AnalogConverter
  ) {
    self.task = task.name
    unit = task.isByClock ? "windows" : "beats"
    records = signals.count
    patients = Set(signals.map(\.patient)).count
    leads = Dictionary(signals.map { ($0.lead, 1) }, uniquingKeysWith: +)
    counts = []
    let names = parts.reduce(into: [String]()) { if let part = $1, !$0.contains(part) { $0.append(part) } }
    for part in names {
      let own = zip(signals, parts).filter { $1 == part }.map(\.0)
      for (index, className) in task.classNames.enumerated() {
        let having = own.filter { $0.beats.contains { $0.classIndex == index } }
        let samples = own.flatMap(\.stretches).filter { $0.classIndex == index }.reduce(0) {
          $0 + $1.samples.count
        }
        counts.append(
          Count(
            className: className, part: part,
            labels: own.reduce(0) { $0 + $1.beats.count { $0.classIndex == index } }, records: having.count,
            patients: Set(having.map(\.patient)).count,
            seconds: task.isByClock ? Double(samples) / task.frontEnd.sampleRateHz : nil))
      }
    }
    let stretches = signals.flatMap { LabelledSignal.joined($0.stretches) }
    let length = task.columnCount.map { task.frontEnd.lastSample(ofColumn: $0 - 1) + 1 } ?? 0
    shortStretches = stretches.count { $0.classIndex != nil && $0.samples.count < length }
    skippedSeconds =
      stretches.reduce(0) { $0 + ($1.classIndex == nil ? Double($1.samples.count) : 0) }
      / task.frontEnd.sampleRateHz
    notes = signals.flatMap(\.notes)
    notes += signals.compactMap {
      converter.saturationNote($0.microvolts, file: $0.record, lead: $0.lead)
    }
    warnings = []
    warnings = Self.warnings(signals, parts, counts, task)
    if shortStretches > 0 {
      warnings.append(
        "\(Numbers.integer(shortStretches)) labelled stretches are shorter than a window and give none")
    }
  }

  private static func warnings(
    _ signals: [LabelledSignal], _ parts: [String?], _ counts: [Count], _ task: TaskDefinition
  ) -> [String] {
    var warnings: [String] = []
    var sides: [String: String] = [:]
    for (signal, part) in zip(signals, parts) {
      guard let part else { continue }
      if let other = sides[signal.patient], other != part {
        warnings.append(
          "the patient \(signal.patient) is in \(other) and in \(part): what is measured is no new patient")
      }
      sides[signal.patient] = sides[signal.patient] ?? part
    }
    let isFolded = if case .folds = task.division { true } else { false }
    for className in task.classNames {
      let own = counts.filter { $0.className == className }
      let all = own.reduce(0) { $0 + $1.patients }
      if all == 0 {
        warnings.append("no record has the class \(className)")
      } else {
        let few = isFolded ? [("", all)] : own.map { (" in \($0.part)", $0.patients) }
        let told = few.filter { $0.1 < leastPatients }.map { "\($1) patient\($1 == 1 ? "" : "s")\($0)" }
        guard !told.isEmpty else { continue }
        warnings.append(
          "the class \(className) is of \(told.joined(separator: ", ")), fewer than \(leastPatients): a score of it says "
            + "little of others; add records of more patients")
      }
    }
    return warnings
  }
}

extension TaskCheck {
  /// Reads all of a task's records and counts what they hold.
  ///
  /// - Throws: `FileError` where the task and its folder don't fit: a record is missing or broken, a rhythm has no class,
  ///   or no record has a whole window.
  package static func run(
    _ records: TaskRecords, converter: AnalogConverter, progress: @escaping ProgressHandler
  ) throws(FileError) -> (check: TaskCheck, signals: [LabelledSignal]) {
    let catalog = try records.catalog()
    let signals = try records.signals(catalog.map(\.name), progress: progress)
    let parts: [String?]
    if case .folds = records.task.division {
      parts = try records.folds(of: catalog).map { "fold \($0)" }
    } else {
      parts = catalog.map { $0.part?.rawValue }
    }
    return (TaskCheck(signals, parts: parts, of: records.task, converter: converter), signals)
  }
}
