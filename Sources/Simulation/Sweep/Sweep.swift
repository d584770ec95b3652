import ECG
import Foundation
import HostDevice
import ModelFiles
import Networks
import QuantInfer
import Support
import Tasks

/// Many records, profiles, noises, SNRs and seeds through one model, on all cores.
package struct Sweep: Sendable {
  /// What to run.
  package struct Options: Sendable {
    /// The `.qinf` file.
    package var model: String
    /// The float network's file; nil for runs without a twin.
    package var float: String?
    /// Which records.
    package var records = RecordSelection.all
    /// The folder of the records; nil where their paths are given.
    package var data: String?
    /// The lead; nil for MLII, II or the first.
    package var lead: String?
    /// How to read CSV files.
    package var csv = CSVOptions()
    /// When the device decides; nil for what the model's provenance says.
    package var deciding: Monitor.Pace?
    /// How the device's own amplifier senses the beats; nil where it doesn't.
    package var sensing: Sensing?
    /// How decisions become announcements.
    package var announcing = Announcing()
    /// Profiles' names or files.
    package var profiles = [DeviceProfile.reference.name]
    /// Noises as in `Noise.init(_:)`, and `none`.
    package var noises = ["none"]
    /// The noises' SNRs in decibels.
    package var decibels: [Double] = []
    /// The seeds.
    package var seeds: [UInt64] = [1]
    /// The other disturbances, the same for all.
    package var disturbances = Disturbances()
    /// Which part of the combinations to run, in `1...shardCount`.
    package var shard = 1
    /// The number of parts.
    package var shardCount = 1
    /// The number of threads.
    package var threads = ProcessInfo.processInfo.activeProcessorCount

    /// Options for a model.
    package init(model: String) { self.model = model }
  }

  /// What a run did.
  package struct Outcome: Sendable {
    /// All results of the combinations, in their order.
    package var results: [SweepResult]
    /// How many of them were there before.
    package var foundCount: Int
    /// The hours of ECG that were run.
    package var hours: Double
    /// The time that this took, reading included.
    package var seconds: Double
    /// The threads that ran.
    package var threads: Int

    /// The hours of ECG that were run a second; nil where nothing was left to run.
    package var hoursPerSecond: Double? { hours > 0 ? hours / max(seconds, 1e-9) : nil }
  }

  /// A combination: its settings and the run that they mean.
  private struct Combination: Sendable {
    var settings: SweepResult.Settings
    var run: StreamRun.Options
    var key: String
  }

  private let options: Options
  private let loaded: LoadedModel
  /// Whether the device decides about beats, not by the clock.
  package let isAboutBeats: Bool
  private let twin: TwinNetwork?
  private let noises: [String: Noise]
  private let combinations: [Combination]

  /// The number of combinations of this shard.
  package var count: Int { combinations.count }

  /// Reads the model and the noises, and lists the combinations.
  ///
  /// A combination without anything random is run for the first seed alone.
  ///
  /// - Throws: `FileError` where a file is missing or wrong.
  package init(_ options: Options) throws(FileError) {
    self.options = options
    loaded = try LoadedModel(file: options.model)
    if case .everyColumns = options.deciding ?? .init(loaded) {
      isAboutBeats = options.sensing != nil
    } else {
      isAboutBeats = true
    }
    let model = loaded
    twin = try options.float.map { path throws(FileError) in
      try TwinNetwork(reading: path, of: model, modelFile: options.model)
    }
    let modelDigest = SHA256.hexadecimal(try Files.read(options.model))
    let floatDigest = try options.float.map { path throws(FileError) in
      SHA256.hexadecimal(try Files.read(path))
    }
    var noises: [String: Noise] = [:]
    for name in options.noises where name != "none" { noises[name] = try Noise(name) }
    self.noises = noises
    let noiseDigests = noises.compactMapValues(\.recordDigests)
    var profiles: [DeviceProfile] = []
    for profile in options.profiles { profiles.append(try DeviceProfile.load(profile)) }

    var combinations: [Combination] = []
    let records = try Self.records(options.records, in: options.data, of: model, file: options.model)
    let digests = records.concurrentMap(threads: max(1, options.threads), progress: { _ in }) {
      RecordDigest.hexadecimal(of: $0.path)
    }
    for (record, digest) in zip(records, digests) {
      for (profile, profileName) in zip(profiles, options.profiles) {
        for disturbances in Self.disturbances(options) {
          var run = StreamRun.Options(model: options.model, record: record.path)
          (run.float, run.profile, run.lead) = (options.float, profileName, options.lead)
          (run.deciding, run.announcing) = (options.deciding, options.announcing)
          run.sensing = options.sensing
          (run.disturbances, run.csv) = (disturbances, options.csv)
          record.open(&run)
          let settings = SweepResult.Settings(
            model: (options.model as NSString).lastPathComponent,
            modelChecksum: Numbers.hexadecimal(loaded.checksum), modelDigest: modelDigest,
            float: options.float.map { ($0 as NSString).lastPathComponent }, floatDigest: floatDigest,
            record: record.name, recordDigest: digest,
            noiseDigests: disturbances.noise.flatMap { noiseDigests[$0] }, lead: run.lead,
            csv: RecordPath.isCSV(record.path) && run.csv != CSVOptions() ? run.csv : nil,
            decide: options.sensing == nil ? (options.deciding ?? .init(loaded)).name : "sensed",
            profile: profile.name,
            converterBits: profile.converterBits, converterRangeMillivolts: profile.converterRangeMillivolts,
            disturbances: disturbances, announcing: options.announcing.isAny ? options.announcing : nil,
            sensing: options.sensing)
          combinations.append(
            Combination(settings: settings, run: run, key: SweepResult.log.key(settings)))
        }
      }
    }
    self.combinations = combinations.enumerated()
      .filter { $0.offset % options.shardCount == options.shard - 1 }.map(\.element)
  }

  /// Runs the combinations that a file doesn't have yet, and adds each to it as soon as it is done.
  ///
  /// - Throws: `FileError` where the file is no sweep's, another run writes it or it can't be written; or of the first
  ///   combination that fails, after all others were run.
  package func run(addingTo file: String, progress: @escaping ProgressHandler) throws(FileError) -> Outcome {
    let log = try ResultLog(file, kind: SweepResult.log)
    let start = ProcessInfo.processInfo.systemUptime
    let pendingCount = combinations.count { !log.has($0.key) }
    let threads = max(1, min(options.threads, pendingCount))
    let (results, new) = try log.results(
      of: combinations, key: \.key, threads: threads, progress: progress
    ) { combination throws(FileError) in try result(of: combination) }
    let seconds = ProcessInfo.processInfo.systemUptime - start
    return Outcome(
      results: results, foundCount: results.count - new.count,
      hours: new.reduce(0) { $0 + $1.durationSeconds } / 3600, seconds: seconds, threads: threads)
  }

  private func result(of combination: Combination) throws(FileError) -> SweepResult {
    let start = ProcessInfo.processInfo.systemUptime
    let run = try StreamRun.run(
      combination.run, loaded: loaded, twin: twin,
      noise: combination.run.disturbances.noise.flatMap { noises[$0] }, isJudged: false)
    return SweepResult(
      combination.settings, run, seconds: ProcessInfo.processInfo.systemUptime - start)
  }

  // MARK: The combinations

  /// The disturbances of a record and a profile, in the order of noises, SNRs and seeds.
  private static func disturbances(_ options: Options) -> [Disturbances] {
    options.noises.flatMap { noise in
      (NoisePart.needsSNR(noise) && noise != "none" ? options.decibels.map(Optional.init) : [nil]).flatMap {
        decibels in
        var disturbances = options.disturbances
        disturbances.noise = noise == "none" ? nil : noise
        disturbances.snrDecibels = decibels
        let isRandom = disturbances.isRandom || options.sensing?.isRandom == true
        return (isRandom ? options.seeds : Array(options.seeds.prefix(1))).map { seed in
          disturbances.seed = isRandom ? seed : Disturbances().seed
          return disturbances
        }
      }
    }
  }

  /// The records, with what the model's manifest says of them.
  ///
  /// - Throws: `FileError` where one is missing, or the model doesn't tell the split that they are a side of.
  static func records(
    _ selection: RecordSelection, in data: String?, of loaded: LoadedModel, file: String
  ) throws(FileError) -> [ChosenRecord] {
    let folder = data ?? "."
    let names: [String]
    if let chosen = try selection.names(in: folder) {
      names = chosen
    } else {
      names = try selection.names(
        of: TaskRecords(
          folder: folder, task: loaded.task, split: loaded.provenance[.split], classNames: loaded.classNames,
          sampleRateHz: loaded.beatWindow?.settings.sampleRateHz ?? 0, threads: 1, file: file))
    }
    func path(_ name: String) -> String {
      data.map { RecordPath.file(name, beside: $0 + "/") } ?? name
    }
    for name in names where !RecordPath.exists(path(name)) {
      throw .missing(
        RecordPath.mainFile(of: path(name)), "no such record", remedy: "check --records and --data")
    }
    let rows = try ChosenRecord.rows(of: loaded.task, in: folder)
    return names.map { ChosenRecord($0, path: path($0), row: rows[$0]) }
  }
}

extension Monitor.Pace {
  /// The setting's name in results.
  var name: String {
    switch self {
    case .detectedBeats: "beats"
    case .givenBeats: "annotations"
    case .everyColumns(let count): "every \(count) columns"
    }
  }
}
