import ArgumentParser
import ECG
import Foundation
import Support
import Training

extension BeatTask: ExpressibleByArgument {
  /// Reads a task's name; `beats` is another name of `aami`.
  public init?(argument: String) {
    self.init(rawValue: argument == "beats" ? Self.aami.rawValue : argument)
  }
}

extension BeatSplit: ExpressibleByArgument {}
extension TrainingLeads: ExpressibleByArgument {}

/// The labelled beats that a model was, or is to be, trained and tested on.
struct BeatData {
  /// The folder of MIT-BIH's records.
  var folder: String
  var task: BeatTask
  var split: BeatSplit
  /// The front end's rate.
  var sampleRateHz: Double
  var threads: Int

  init(folder: String, task: BeatTask, split: BeatSplit, sampleRateHz: Double, threads: Int) {
    self.folder = folder
    self.task = task
    self.split = split
    self.sampleRateHz = sampleRateHz
    self.threads = threads
  }

  /// The data of a model that names its task and split.
  ///
  /// - Throws: `FileError`, malformed, where `file` names none of this program's, or has other classes.
  init(
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
  func training(
    leads: TrainingLeads, progress: @escaping ProgressHandler
  ) throws(FileError) -> [LabelledSignal] {
    try divided(leads: leads, progress: progress).training
  }

  /// The beats to test on.
  func test(progress: @escaping ProgressHandler) throws(FileError) -> [LabelledSignal] {
    switch split {
    case .inter: try signals(MITBIH.ds2, progress: progress)
    case .intra: try divided(leads: .main, progress: progress).test
    }
  }

  /// All beats of some records, each on its main lead.
  func signals(_ names: [String], progress: @escaping ProgressHandler) throws(FileError) -> [LabelledSignal] {
    try requireRecords(names)
    return try names.concurrentMap(threads: threads, progress: progress) { name throws(FileError) in
      try LabelledSignal.readLeads(
        ofRecord: name, folder: folder, task: task, sampleRateHz: sampleRateHz)[0]
    }
  }

  private func divided(
    leads: TrainingLeads, progress: @escaping ProgressHandler
  ) throws(FileError) -> BeatDataSet {
    try requireRecords(task.records)
    return try BeatDataSet(
      folder: folder, task: task, split: split, trainingLeads: leads, sampleRateHz: sampleRateHz,
      progress: progress)
  }

  /// Names all records that the folder lacks, not just the first.
  private func requireRecords(_ names: [String]) throws(FileError) {
    guard FileManager.default.fileExists(atPath: folder) else {
      throw .missing(folder, "no such folder", remedy: "name the folder of MIT-BIH's records")
    }
    let missing = names.filter {
      !FileManager.default.fileExists(atPath: (folder as NSString).appendingPathComponent($0 + ".hea"))
    }
    guard !missing.isEmpty else { return }
    let some = missing.prefix(4).joined(separator: ", ")
    let more = missing.count > 4 ? " and \(missing.count - 4) more" : ""
    throw .missing(
      folder, "lacks the record\(missing.count == 1 ? "" : "s") \(some)\(more)",
      remedy: "bring them with `exporter records fetch mitdb --into \(folder)`")
  }
}
