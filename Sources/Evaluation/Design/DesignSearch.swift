import ECG
import Foundation
import HostDevice
import Networks
import Support
import Tasks
import Training

/// A search among networks for one device: each is trained, quantized and run on folds of patients inside the training records.
///
/// Each point's result on a fold is a file of its own in the output's folder `results`, named by the digest of all that made it, so
/// that a search that was stopped goes on, and several machines share a folder.
package struct DesignSearch: Sendable {
  /// What to search.
  package struct Options: Sendable {
    /// The task as it was named: a built-in one's name, or a file.
    package var taskName: String
    /// The folder of its records.
    package var data: String
    /// The device: a profile's name or file.
    package var profile: String
    /// The most that the patient in the middle may take, in microamperes; nil for the profile's limit.
    package var budgetMicroamps: Double?
    /// The points.
    package var points: [DesignPoint]
    /// The folds; nil for the task's, or 5.
    package var folds: Int?
    /// The seeds of the trainings.
    package var seeds: [UInt64] = [1]
    /// How networks of columns are trained, and those of beats alone.
    package var training: TrainingOptions, beatTraining: TrainingOptions
    /// The options of training that were given, as words of a command.
    package var trainingWords: [String] = []
    /// The folder of results.
    package var folder: String
    /// The trainings side by side.
    package var threads = 1

    /// Options for a task.
    package init(
      taskName: String, data: String, profile: String, points: [DesignPoint], training: TrainingOptions,
      beatTraining: TrainingOptions, folder: String
    ) {
      (self.taskName, self.data, self.profile, self.points) = (taskName, data, profile, points)
      (self.training, self.beatTraining, self.folder) = (training, beatTraining, folder)
    }
  }

  /// Trainings that share what they can: all points of a family on one fold with one seed.
  private struct Job: Sendable {
    var points: [DesignPoint]
    var seed: UInt64
    var fold: Int
  }

  /// What decides a result.
  private struct Content: Encodable {
    var task: String
    var records: [String]
    var point: DesignPoint
    var training: TrainingOptions
    var folds, fold: Int
  }

  /// The version of results: raised where a figure's meaning, or how it is made, changes.
  private static let kind = ResultLog.Kind("design", version: 1)

  let options: Options
  let task: TaskDefinition
  private let split: TaskSplit
  let folds: Int
  private let records: TaskRecords
  private let contentOfTask: String
  private let digests: [String]

  /// Reads the task and the records' digests.
  ///
  /// - Throws: `FileError` where a file is missing or wrong, or the task isn't one of beats.
  package init(_ options: Options) throws(FileError) {
    self.options = options
    let loaded = try TaskDefinition.load(options.taskName)
    guard !loaded.isByClock else {
      throw .malformed(
        options.taskName, "decides by the clock, and a design is of networks that decide at beats",
        remedy: "name a task of beats, such as aami; `exporter validate` tries networks of windows")
    }
    (task, split, folds) = loaded.dividedForFolds(options.folds)
    _ = try DeviceProfile.load(options.profile)
    records = TaskRecords(
      folder: options.data, task: task, split: split, sampleRateHz: task.frontEnd.sampleRateHz,
      threads: options.threads)
    let isNamed = !FileManager.default.fileExists(atPath: options.taskName)
    contentOfTask = isNamed ? task.name : SHA256.hexadecimal(try Files.read(options.taskName))
    let all = records
    digests = try records.names(of: .training).concurrentMap(threads: options.threads, progress: { _ in }) {
      "\($0) \(RecordDigest.hexadecimal(of: all.path(of: $0)) ?? "")"
    }
  }

  private func training(of point: DesignPoint, seed: UInt64) -> TrainingOptions {
    var training = point.frontEnd == .beats ? options.beatTraining : options.training
    training.seed = seed
    return training
  }

  /// The file of a result.
  private func file(of point: DesignPoint, seed: UInt64, fold: Int) -> String {
    let key = Self.kind.key(
      Content(
        task: contentOfTask, records: digests, point: point, training: training(of: point, seed: seed),
        folds: folds, fold: fold))
    return "\(options.folder)/results/\(key).json"
  }

  /// A result; nil where it isn't there yet.
  ///
  /// - Throws: `FileError` where its file is damaged.
  func result(of point: DesignPoint, seed: UInt64, fold: Int) throws(FileError) -> DesignFold? {
    let file = file(of: point, seed: seed, fold: fold)
    guard FileManager.default.fileExists(atPath: file) else { return nil }
    guard let value = try? JSON.lineDecoder.decode(DesignFold.self, from: Files.read(file)) else {
      throw .malformed(file, "is no result of a design", remedy: "delete it; it is then worked out again")
    }
    return value
  }

  private var jobs: [Job] {
    var families: [(family: DesignPoint, points: [DesignPoint])] = []
    for point in options.points {
      if let place = families.firstIndex(where: { $0.family == point.family }) {
        families[place].points.append(point)
      } else {
        families.append((point.family, [point]))
      }
    }
    return options.seeds.flatMap { seed in
      (0..<folds).flatMap { fold in
        families.map { Job(points: $0.points, seed: seed, fold: fold) }
      }
    }
  }

  /// Trains, quantizes and runs what has no result yet.
  ///
  /// - Parameters:
  ///   - shard: Which part of the trainings to do, from 1, and of how many.
  ///   - progress: Told of each training.
  /// - Throws: `FileError` where a record is broken, a network can't be, or a result can't be written.
  package func run(shard: (index: Int, count: Int) = (1, 1), progress: @escaping ProgressHandler)
    throws(FileError)
  {
    try Files.makeFolder(options.folder)
    for folder in ["results", "networks"] { try Files.makeFolder("\(options.folder)/\(folder)") }
    let own = jobs.enumerated().filter { $0.offset % shard.count == shard.index - 1 }.map(\.element)
    let pending = own.filter { job in
      !job.points.allSatisfy {
        FileManager.default.fileExists(atPath: file(of: $0, seed: job.seed, fold: job.fold))
      }
    }
    guard !pending.isEmpty else { return }
    var signals: [TrainingLeads: [LabelledSignal]] = [:]
    for leads in Set(options.points.map { training(of: $0, seed: 1).leads }) {
      signals[leads] = try records.training(leads: leads, progress: { _ in })
    }
    var seen = Set<String>()
    let mainLeads = (signals.values.first ?? []).filter { seen.insert($0.record).inserted }
    let foldOfRecord = try PatientValidation.folds(mainLeads, count: folds, of: records)
    let given = signals
    _ = try pending.concurrentMap(threads: options.threads, progress: progress) { job throws(FileError) in
      for point in job.points {
        let leads = training(of: point, seed: job.seed).leads
        try work(
          on: point, job,
          TrainedFold.Plan(
            signals: given[leads] ?? [], mainLeads: mainLeads, foldOfRecord: foldOfRecord, folds: folds,
            seeds: [job.seed]))
      }
    }
  }

  private func work(on point: DesignPoint, _ job: Job, _ plan: TrainedFold.Plan) throws(FileError) {
    let file = file(of: point, seed: job.seed, fold: job.fold)
    guard !FileManager.default.fileExists(atPath: file) else { return }
    var plan = plan
    // A folder a family: what shares a training is worked on one after the other.
    let keep =
      "\(options.folder)/networks/\(SHA256.hexadecimal(Data(JSON.line(point.family).utf8)).prefix(16))"
    try Files.makeFolder(keep)
    plan.keep = keep
    do {
      let start = try point.untrained(
        of: task, split: split, training: training(of: point, seed: job.seed), couplingHz: nil)
      let result = try DesignFold(TrainedFold(of: plan, untrained: start, fold: job.fold))
      try Files.write(Data(JSON.line(result).utf8), to: file)
    } catch let error as FileError {
      throw error
    } catch let error as TrainingError {
      throw .malformed(
        "the point \(point.name)", error.description,
        remedy: "leave it out, or use the task's whole records: `exporter task check` counts what they hold")
    } catch {
      throw .malformed(
        "the point \(point.name)", "is a network that no device can hold (\(error))",
        remedy: "leave it out of the options' lists")
    }
  }

  /// The commands that make a point's network of all training records, and its image.
  package static func commands(of point: DesignPoint, _ options: Options) -> [String] {
    let name = point.name.replacing(", ", with: "-").replacing(" ", with: "")
    let file = options.data.quotedForShell
    return [
      "exporter train --task \(options.taskName.quotedForShell) --data \(file) "
        + (point.words + options.trainingWords).joined(separator: " ") + " --output \(name).safetensors",
      "exporter quantize \(name).safetensors --data \(file) --output \(name).qinf",
    ]
  }
}
