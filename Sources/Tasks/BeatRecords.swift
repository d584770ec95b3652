import ECG
import Foundation
import Support

/// The labelled beats that a model was, or is to be, trained and tested on.
package struct BeatRecords {
  /// The folder of MIT-BIH's records.
  package var folder: String
  package var task: BeatTask
  package var split: BeatSplit
  /// The front end's rate.
  package var sampleRateHz: Double
  package var threads: Int
  /// The lead that is tested on, by name or number; nil for MLII, II or the first.
  package var lead: String?
  /// How to read CSV files.
  package var csv = CSVOptions()
  /// What of the electrode's offset comes through.
  package var coupling = Coupling.automatic

  package init(folder: String, task: BeatTask, split: BeatSplit, sampleRateHz: Double, threads: Int) {
    self.folder = folder
    self.task = task
    self.split = split
    self.sampleRateHz = sampleRateHz
    self.threads = threads
  }

  /// The data of a model that names its task and split.
  ///
  /// - Throws: `FileError`, malformed, where `file` names none of this program's, or has other classes.
  package init(
    folder: String, task: String?, split: String?, classNames: [String], sampleRateHz: Double, threads: Int,
    file: String
  ) throws(FileError) {
    guard let task = task.flatMap(BeatTask.init(rawValue:)), task.classNames == classNames,
      let split = split.flatMap(BeatSplit.init(rawValue:))
    else {
      throw .malformed(
        file, "doesn't tell a task and a split that this program knows",
        remedy: "use a model made by `exporter train` or `exporter quantize`")
    }
    self.init(folder: folder, task: task, split: split, sampleRateHz: sampleRateHz, threads: threads)
  }

  /// The beats to train on.
  package func training(
    leads: TrainingLeads, progress: @escaping ProgressHandler
  ) throws(FileError) -> [LabelledSignal] {
    try divided(leads: leads, progress: progress).training
  }

  /// The beats to test on.
  package func test(progress: @escaping ProgressHandler) throws(FileError) -> [LabelledSignal] {
    switch split {
    case .inter: try signals(MITBIH.ds2, progress: progress)
    case .intra: try divided(leads: .main, progress: progress).test
    }
  }

  /// The records of the folder, in order of name.
  ///
  /// - Throws: `FileError` where the folder is missing or has no record.
  package func namesOfAll() throws(FileError) -> [String] { try RecordIndex(folder: folder).names }

  /// All beats of all records of the folder; for the AAMI's task without those that have paced beats.
  package func signalsOfAll(progress: @escaping ProgressHandler) throws(FileError) -> [LabelledSignal] {
    let signals = try signals(try namesOfAll(), progress: progress)
    return task == .aami ? signals.filter { !$0.isPaced } : signals
  }

  /// All beats of some records, each on its main lead.
  package func signals(_ names: [String], progress: @escaping ProgressHandler) throws(FileError)
    -> [LabelledSignal]
  {
    try requireRecords(names)
    return try names.concurrentMap(threads: threads, progress: progress) { name throws(FileError) in
      try LabelledSignal.read(
        name, folder: folder, lead: lead, csv: csv, coupling: coupling, task: task, sampleRateHz: sampleRateHz
      )
    }
  }

  private func divided(
    leads: TrainingLeads, progress: @escaping ProgressHandler
  ) throws(FileError) -> BeatDataSet {
    try requireRecords(task.records)
    return try BeatDataSet.read(
      folder: folder, task: task, split: split, trainingLeads: leads, sampleRateHz: sampleRateHz,
      coupling: coupling, progress: progress)
  }

  /// Names all records that the folder lacks, not just the first.
  ///
  /// - Throws: `FileError`, missing.
  package func requireRecords(_ names: [String]) throws(FileError) {
    guard FileManager.default.fileExists(atPath: folder) else {
      throw .missing(folder, "no such folder", remedy: "name the folder of MIT-BIH's records")
    }
    let missing = names.filter {
      !RecordPath.exists((folder as NSString).appendingPathComponent($0))
    }
    guard !missing.isEmpty else { return }
    let some = missing.prefix(4).joined(separator: ", ")
    let more = missing.count > 4 ? " and \(missing.count - 4) more" : ""
    throw .missing(
      folder, "lacks the record\(missing.count == 1 ? "" : "s") \(some)\(more)",
      remedy: "bring them with `exporter records fetch mitdb --into \(folder)`")
  }
}

/// Which beats are evaluated.
package enum RecordSelection: CustomStringConvertible {
  /// The test side of the model's own split.
  case test
  /// De Chazal's training records.
  case ds1
  /// De Chazal's test records.
  case ds2
  /// All records of the folder.
  case all
  /// Some records.
  case names([String])

  /// Reads a selection: `test`, `ds1`, `ds2`, `all`, or records with commas between them; nil for anything else.
  package init?(_ text: String) {
    switch text {
    case "test": self = .test
    case "ds1": self = .ds1
    case "ds2": self = .ds2
    case "all": self = .all
    default:
      let names = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      guard !names.contains(""), Set(names).count == names.count else { return nil }
      self = .names(names)
    }
  }

  package var description: String {
    switch self {
    case .test: "test"
    case .ds1: "ds1"
    case .ds2: "ds2"
    case .all: "all"
    case .names(let names): names.joined(separator: ",")
    }
  }

  /// The signals with the beats chosen.
  package func signals(of beats: BeatRecords, progress: @escaping ProgressHandler) throws(FileError)
    -> [LabelledSignal]
  {
    switch self {
    case .test: try beats.test(progress: progress)
    case .ds1: try beats.signals(MITBIH.ds1, progress: progress)
    case .ds2: try beats.signals(MITBIH.ds2, progress: progress)
    case .all: try beats.signalsOfAll(progress: progress)
    case .names(let names): try beats.signals(names, progress: progress)
    }
  }

  /// Whether beats that a model of this split was trained on are among those of the records chosen.
  package func includesTrainingBeats(of split: BeatSplit, task: BeatTask, among names: [String]) -> Bool {
    if case .test = self { return false }
    let trained = split == .inter ? MITBIH.ds1 : task.records
    return names.contains { trained.contains(($0 as NSString).lastPathComponent) }
  }
}
