import ECG
import Foundation
import Support

/// The labelled records that a model was, or is to be, trained and tested on.
package struct TaskRecords: Sendable {
  /// The folder of the records.
  package var folder: String
  /// What is to be told apart.
  package var task: TaskDefinition
  /// How the records are divided; nil where nobody knows which of them a model was trained on.
  package var split: TaskSplit?
  /// The front end's rate.
  package var sampleRateHz: Double
  /// The number of threads that read.
  package var threads: Int
  /// The lead that is tested on, by name or number; nil for the task's.
  package var lead: String?
  /// How to read CSV files.
  package var csv = CSVOptions()
  /// What of the electrode's offset comes through.
  package var coupling = Coupling.automatic
  /// The model's file; nil where there is no model yet.
  private var file: String?

  /// The records of a task in a folder.
  package init(
    folder: String, task: TaskDefinition, split: TaskSplit, sampleRateHz: Double, threads: Int
  ) {
    self.folder = folder
    self.task = task
    self.split = split
    self.sampleRateHz = sampleRateHz
    self.threads = threads
  }

  /// The records of a model that tells its task.
  ///
  /// A model that doesn't tell its split, as networks of others may not, has no sides: its records are named one by one.
  ///
  /// - Throws: `FileError`, malformed, where `file` tells none that this program knows, or has other classes.
  package init(
    folder: String, task: TaskDefinition?, split: String?, classNames: [String], sampleRateHz: Double,
    threads: Int, file: String
  ) throws(FileError) {
    guard let task, task.classNames == classNames else {
      throw .malformed(
        file, "doesn't tell a task that this program knows",
        remedy: "name task and classNames in the front end's file, and make the image anew")
    }
    let told = split.flatMap(TaskSplit.init(rawValue:))
    guard split == nil || told.map(task.problem(of:)) == .some(nil) else {
      throw .malformed(
        file, "doesn't tell a split that this program knows",
        remedy: "use a model made by `exporter train` or `exporter quantize`")
    }
    self.folder = folder
    self.task = task
    self.split = told
    self.sampleRateHz = sampleRateHz
    self.threads = threads
    self.file = file
  }

  /// The split's name; `unknown` where nobody knows it.
  package var splitName: String { split?.rawValue ?? "unknown" }

  // MARK: Which records

  /// The task's records in the folder, in order.
  ///
  /// - Throws: `FileError` where the folder, the manifest or a record is missing, or the manifest is wrong.
  package func catalog() throws(FileError) -> [TaskRecord] {
    try requireFolder()
    if case .manifest(let name) = task.labels {
      let records = try TaskManifest(name, of: task, folder: folder).records(of: task)
      try requireRecords(records.map(\.name))
      return records
    }
    var names = task.recordNames ?? []
    if names.isEmpty, case .records(let training, let validation, let test) = task.division {
      names = (training + validation + test).sorted()
    }
    if names.isEmpty { names = try RecordIndex(folder: folder).names }
    try requireRecords(names)
    return names.map(record)
  }

  /// A record that isn't a manifest's.
  private func record(_ name: String) -> TaskRecord {
    var part: TaskPart?
    if case .records(let training, let validation, let test) = task.division {
      part =
        training.contains(name)
        ? .training : validation.contains(name) ? .validation : test.contains(name) ? .test : nil
    }
    return TaskRecord(name: name, patient: task.patient(of: name), part: part)
  }

  /// The part of each record by the split; nil for one that has none.
  ///
  /// Patients are dealt into folds in the order of their first records.
  ///
  /// - Throws: `FileError` where there are fewer patients than folds, or the split isn't known.
  package func parts(of catalog: [TaskRecord]) throws(FileError) -> [TaskPart?] {
    switch split {
    case nil:
      throw .malformed(
        file ?? folder, "doesn't tell which of the task's records it was trained on",
        remedy:
          "name records, or put \"split\": \"\(task.usualSplit.rawValue)\" or another one into the front end's file "
          + "and make the image anew")
    case .inter, .intra: return catalog.map(\.part)
    case .all: return catalog.map { _ in .training }
    case .fold(let fold):
      return try folds(of: catalog).map { $0 == fold ? .test : .training }
    }
  }

  /// The fold of each record, from 1, of a task with folds.
  ///
  /// - Throws: `FileError` where there are fewer patients than folds.
  package func folds(of catalog: [TaskRecord]) throws(FileError) -> [Int] {
    guard case .folds(let count) = task.division else { return catalog.map { _ in 1 } }
    var places: [String: Int] = [:]
    for record in catalog where places[record.patient] == nil { places[record.patient] = places.count }
    guard places.count >= count else {
      throw .malformed(
        folder, "has \(places.count) patients for the \(count) folds of the task \(task.name)",
        remedy: "choose fewer folds")
    }
    return catalog.map { (places[$0.patient] ?? 0) % count + 1 }
  }

  /// The names of the records of a part.
  ///
  /// - Throws: `FileError` as `catalog` does, or where the part has none.
  package func names(of part: TaskPart) throws(FileError) -> [String] {
    let catalog = try catalog()
    if split == .intra { return catalog.map(\.name) }
    let parts = try parts(of: catalog)
    let names = zip(catalog, parts).compactMap { $1 == part ? $0.name : nil }
    guard !names.isEmpty else {
      throw .malformed(
        folder, "has no \(part.rawValue) records by the split \(splitName) of the task \(task.name)",
        remedy: "name records with --records, or train on another split")
    }
    return names
  }

  /// The path of a record by its name, which is below the folder or from the root.
  package func path(of name: String) -> String { RecordPath.file(name, beside: folder + "/") }

  /// The names of all records of the folder, of a manifest those that it has, in order.
  ///
  /// - Throws: `FileError` where the folder is missing or has no record.
  package func namesOfAll() throws(FileError) -> [String] {
    if case .manifest = task.labels { return try catalog().map(\.name) }
    return try RecordIndex(folder: folder).names
  }

  /// Whether records are among those trained on.
  package func hasTrained(on names: [String]) -> Bool {
    guard let split else { return false }
    if names.contains(where: { task.trainedRecord(at: "\(folder)/\($0)", split: split) != nil }) {
      return true
    }
    guard let catalog = try? knownCatalog(), let parts = try? parts(of: catalog) else { return false }
    let trained =
      split == .intra
      ? catalog.map(\.name) : zip(catalog, parts).compactMap { $1 == .training ? $0.name : nil }
    return names.contains { trained.contains($0) || trained.contains(RecordPath.name(of: $0)) }
  }

  /// The catalog without a look whether its records are there.
  private func knownCatalog() throws(FileError) -> [TaskRecord] {
    if let names = task.recordNames { return names.map(record) }
    return try catalog()
  }

  // MARK: Signals

  /// What to train on.
  ///
  /// - Throws: `FileError` where a record is missing or broken.
  package func training(
    leads: TrainingLeads, progress: @escaping ProgressHandler
  ) throws(FileError) -> [LabelledSignal] {
    try divided(leads: leads, progress: progress).training
  }

  /// What to test on.
  ///
  /// - Throws: `FileError` where a record is missing or broken, or there is none to test on.
  package func test(progress: @escaping ProgressHandler) throws(FileError) -> [LabelledSignal] {
    if split == .intra { return try divided(leads: .main, progress: progress).test }
    return try signals(try names(of: .test), progress: progress)
  }

  /// Some records; where the task leaves out records with paced beats, without these, unless they are in `named`.
  ///
  /// - Throws: `FileError` where a record is missing or broken.
  func unpaced(
    _ names: [String], besides named: [String], progress: @escaping ProgressHandler
  ) throws(FileError) -> [LabelledSignal] {
    let signals = try signals(names, progress: progress)
    guard task.leavesOutPacedRecords else { return signals }
    return signals.filter { !$0.isPaced || named.contains($0.record) }
  }

  /// Some records, each on its main lead.
  ///
  /// - Throws: `FileError` where a record is missing or broken, or isn't in the manifest.
  package func signals(_ names: [String], progress: @escaping ProgressHandler) throws(FileError)
    -> [LabelledSignal]
  {
    let records: [TaskRecord]
    if case .manifest(let file) = task.labels {
      let catalog = try catalog()
      records = try names.map { name throws(FileError) in
        guard let record = catalog.first(where: { $0.name == name }) else {
          throw .malformed(file, "has no record \(name)", remedy: "add a row for it, or name another record")
        }
        return record
      }
    } else {
      try requireRecords(names)
      records = names.map(record)
    }
    let signals = try records.concurrentMap(threads: threads, progress: progress) {
      record throws(FileError) in
      try LabelledSignal.read(
        record, folder: folder, lead: lead, csv: csv, coupling: coupling, task: task,
        sampleRateHz: sampleRateHz)
    }
    try requireWindows(signals)
    return signals
  }

  /// Refuses records of which none has a whole window by the clock.
  ///
  /// - Throws: `FileError`, malformed, with the task's key.
  func requireWindows(_ signals: [LabelledSignal]) throws(FileError) {
    guard task.isByClock, !signals.isEmpty, signals.allSatisfy(\.beats.isEmpty) else { return }
    let longest =
      signals.flatMap { LabelledSignal.joined($0.stretches) }
      .filter { $0.classIndex != nil }.map(\.samples.count).max() ?? 0
    throw .malformed(
      "task \(task.name)", at: "windowSeconds",
      longest == 0
        ? "the records of \(folder) have no labelled stretch"
        : "is \(Numbers.shortest(task.windowSeconds ?? 0)), but the longest labelled stretch in \(folder) is of "
          + "\(Numbers.decimal(Double(longest) / sampleRateHz, places: 2)) s",
      remedy: longest == 0 ? "label some" : "choose a shorter window")
  }

  /// All leads of a record, the main one first.
  func leads(of record: TaskRecord) throws(FileError) -> [LabelledSignal] {
    try LabelledSignal.readLeads(
      of: record, folder: folder, csv: csv, coupling: coupling, task: task, sampleRateHz: sampleRateHz)
  }

  private func divided(
    leads: TrainingLeads, progress: @escaping ProgressHandler
  ) throws(FileError) -> BeatDataSet {
    try BeatDataSet.read(self, try catalog(), trainingLeads: leads, progress: progress)
  }

  private func requireFolder() throws(FileError) {
    guard FileManager.default.fileExists(atPath: folder) else {
      throw .missing(folder, "no such folder", remedy: "name the folder of the task's records")
    }
  }

  /// Names all records that the folder lacks, not just the first.
  ///
  /// - Throws: `FileError`, missing.
  package func requireRecords(_ names: [String]) throws(FileError) {
    try requireFolder()
    let missing = names.filter { !RecordPath.exists(path(of: $0)) }
    guard !missing.isEmpty else { return }
    let some = missing.prefix(4).joined(separator: ", ")
    let more = missing.count > 4 ? " and \(missing.count - 4) more" : ""
    throw .missing(
      folder, "lacks the record\(missing.count == 1 ? "" : "s") \(some)\(more)",
      remedy: task.database.map { "bring them with `exporter records fetch \($0) --into \(folder)`" }
        ?? "name the folder of the task's records, or correct the task")
  }
}
