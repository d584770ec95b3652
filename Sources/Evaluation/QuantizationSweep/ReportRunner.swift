import ECG
import Foundation
import HostDevice
import Networks
import Support
import Tasks
import Training

/// Works out points' figures: each an image that the runtime runs over all beats of the records.
///
/// Points share what they can: the records, the float network's run, the calibration windows, and the columns of
/// those with the same front end. Every result is kept in a cache by the content that it follows from.
package final class ReportRunner {
  /// What to report on.
  package struct Options: Sendable {
    /// The float checkpoint.
    package var checkpoint: String
    /// The checkpoint that was trained with quantization in the loop; nil for none.
    package var qat: String?
    /// The folder of the records.
    package var data: String
    /// The folder for what was worked out before.
    package var cache: String
    /// The beats; nil for DS2 of MIT-BIH's tasks of beats, the test records of any other task.
    package var records: RecordSelection?
    /// Profiles' names or files.
    package var profiles = ["reference", "pacemaker", "crt-d", "leadless"]
    /// Decisions a minute, for charge and battery; nil for those of the task's clock, or 70 beats.
    package var decisionsPerMinute: Double?
    /// The seed of calibration windows and of draws of patients.
    package var seed: UInt64 = 1
    /// The number of threads.
    package var threads = ProcessInfo.processInfo.activeProcessorCount

    /// Options for a checkpoint.
    package init(checkpoint: String, data: String, cache: String) {
      (self.checkpoint, self.data, self.cache) = (checkpoint, data, cache)
    }
  }

  /// What a result follows from, besides the point.
  private struct Content: Codable {
    var checkpoint: String
    var records: [String]
    var trainingRecords: [String]
    var profiles: [DeviceProfile]
    var decisionsPerMinute: Double
    var seed: UInt64
  }

  /// What decides a result.
  private struct Keyed<Value: Encodable>: Encodable {
    var kind: String
    var content: Content
    var value: Value
  }

  /// What holds the results.
  private static let log = ResultLog.Kind("quantization report", version: 1)

  /// What a point has to hold to be recommended: at first, the usual limits in the task's critical classes.
  package var rule: Recommendation.Rule

  let options: Options
  let checkpoint: Checkpoint
  let profiles: [DeviceProfile]
  private let qat: Checkpoint?
  let data: TaskRecords
  let records: RecordSelection
  private let recordNames: [String]
  private let contents: [Bool: Content]
  private let log: ResultLog
  private var loadedBeats: ReportBeats?
  private var loadedTraining: [LabelledSignal]?
  private var loadedSource: ReportSource?

  /// Reads the checkpoints and profiles, and the records' digests.
  ///
  /// - Throws: `FileError` where a file is missing or wrong.
  package init(_ options: Options) throws(FileError) {
    checkpoint = try Checkpoint.read(options.checkpoint)
    try Self.requireColumns(checkpoint, file: options.checkpoint)
    var options = options
    let decisionsPerMinute =
      options.decisionsPerMinute ?? checkpoint.ownTask?.secondsOfClock.map { 60 / $0 }
      ?? CostFigures.usualBeatsPerMinute
    options.decisionsPerMinute = decisionsPerMinute
    self.options = options
    qat = try options.qat.map { file throws(FileError) in try Checkpoint.read(file) }
    if let qat {
      guard qat.settings == checkpoint.settings, qat.classNames == checkpoint.classNames,
        qat.task == checkpoint.task, qat.split == checkpoint.split,
        qat.specification == checkpoint.specification
      else {
        throw .malformed(
          options.qat ?? "", "is a network of another shape, task or split than \(options.checkpoint)",
          remedy: "train it from that checkpoint")
      }
    }
    var profiles: [DeviceProfile] = []
    for profile in options.profiles { profiles.append(try DeviceProfile.load(profile)) }
    self.profiles = profiles
    var data = try TaskRecords(
      folder: options.data, task: checkpoint.definition, split: checkpoint.split,
      classNames: checkpoint.classNames, sampleRateHz: checkpoint.settings.sampleRateHz,
      threads: options.threads, file: options.checkpoint)
    records = options.records ?? (checkpoint.ownTask == nil ? .ds2 : .test)
    data.coupling = checkpoint.settings.coupling
    self.data = data
    rule = Recommendation.Rule(
      criticalClasses: data.task.criticalClassNames.filter(checkpoint.classNames.contains))
    recordNames = try records.names(of: data)
    try data.requireRecords(recordNames)
    let taskRecords = try data.catalog().map(\.name)
    try Files.makeFolder(options.cache)
    log = try ResultLog(options.cache + "/results.jsonl", kind: Self.log)

    let folder = data
    let all = Array(Set(recordNames + taskRecords)).sorted()
    let digests = Dictionary(
      uniqueKeysWithValues: zip(
        all,
        all.concurrentMap(threads: options.threads, progress: { _ in }) {
          RecordDigest.hexadecimal(of: folder.path(of: $0)) ?? ""
        }))
    var contents: [Bool: Content] = [:]
    for (isQAT, file) in [(false, options.checkpoint as String?), (true, options.qat)] {
      guard let file else { continue }
      contents[isQAT] = Content(
        checkpoint: SHA256.hexadecimal(try Files.read(file)),
        records: recordNames.map { "\($0) \(digests[$0] ?? "")" },
        trainingRecords: taskRecords.map { "\($0) \(digests[$0] ?? "")" }, profiles: profiles,
        decisionsPerMinute: decisionsPerMinute, seed: options.seed)
    }
    self.contents = contents
  }

  /// Decisions a minute.
  var decisionsPerMinute: Double { options.decisionsPerMinute ?? CostFigures.usualBeatsPerMinute }

  /// The classes' names.
  package var classNames: [String] { checkpoint.classNames }

  /// Whether the network has what a point changes.
  package func fits(_ point: ReportPoint) -> Bool { point.fits(checkpoint) }

  /// The number of the network's layers with weights.
  package var layerCount: Int { checkpoint.weightedLayerCount }

  private func key(_ kind: String, _ source: SourceKey, _ value: some Encodable) -> String {
    Self.log.key(Keyed(kind: kind, content: contents[source.isQAT]!, value: value))
  }

  // MARK: The report

  /// What a run found in its cache, and worked out.
  package struct Outcome: Sendable {
    /// The report.
    package var report: QuantizationReport
    /// The points that were there before.
    package var foundCount: Int
  }

  /// Works out a report over some points.
  ///
  /// - Parameters:
  ///   - points: The points.
  ///   - search: What a search found, to be part of the report.
  ///   - progress: Told how far it has come.
  /// - Returns: The report, and how much of it was there before.
  /// - Throws: `FileError` where a record is wrong, or a point can't be.
  package func report(
    on points: [ReportPoint], search: PrecisionSearch.Result? = nil, progress: @escaping ProgressHandler
  ) throws(FileError) -> Outcome {
    if let point = points.first(where: { $0.isQAT && qat == nil }) {
      throw .malformed(
        options.checkpoint, at: point.name, "asks for a network trained with quantization in the loop",
        remedy: "name its checkpoint with --qat")
    }
    for point in points { try point.requireFit(checkpoint, file: options.checkpoint) }
    let keys = Array(Set(points.map(\.sourceKey)).union([SourceKey(isQAT: false)])).sorted {
      $0.name < $1.name
    }
    // The float checkpoint first: all others are beside it.
    let sources =
      keys.filter { $0 == SourceKey(isQAT: false) } + keys.filter { $0 != SourceKey(isQAT: false) }
    let steps = Steps(
      progress,
      total: sources.reduce(0) { sum, source in
        sum + cost(of: points.filter { $0.sourceKey == source }, source)
      })
    var found: [String: PointFigures] = [:]
    var report = QuantizationReport(self)
    let foundCount = points.count { log.has(key("point", $0.sourceKey, $0)) }
    for source in sources {
      let own = points.filter { $0.sourceKey == source }
      let (figures, frontEnds, reference) = try work(own, source, steps)
      report.sources.append(reference)
      for figure in figures { found[figure.point.name] = figure }
      report.frontEnds += frontEnds
      // One source's windows are enough to hold.
      loadedSource = nil
    }
    report.points = points.compactMap { found[$0.name] }
    let spectrograms = try spectrogramSamples()
    report.spectrogram = spectrograms.first
    if spectrograms.count > 1 { report.furtherSpectrograms = Array(spectrograms.dropFirst()) }
    report.labels = try labels()
    report.search = search
    report.recommendation = report.recommendation(by: rule)
    report.sumUp()
    return Outcome(report: report, foundCount: foundCount)
  }

  /// What the parts of the work take, in units of about a second on one core.
  enum Units {
    static let (training, source, frontEnd, point, widePoint) = (40.0, 20.0, 3.0, 2.0, 6.0)
  }

  /// What is left to do for a source.
  private func cost(of points: [ReportPoint], _ source: SourceKey) -> Double {
    let pending = points.filter { !log.has(key("point", source, $0)) }
    let isKnown = pending.isEmpty && log.has(key("source", source, source))
    guard !isKnown else { return 0.01 }
    let isTrained = source.shape == nil || FileManager.default.fileExists(atPath: trainedPath(source))
    return (isTrained ? 0 : Units.training) + Units.source
      + Double(Set(pending.map(\.frontEnd)).count) * Units.frontEnd
      + pending.reduce(0) {
        $0 + ($1.quantization.activationBits.contains(16) ? Units.widePoint : Units.point)
      }
  }

  /// All points of a source.
  private func work(
    _ points: [ReportPoint], _ key: SourceKey, _ steps: Steps
  ) throws(FileError) -> ([PointFigures], [FrontEndFigures], SourceFigures) {
    var known: [String: PointFigures] = [:]
    for point in points {
      guard var figures = try log.value(PointFigures.self, self.key("point", key, point)) else { continue }
      figures.point = point
      known[point.name] = figures
    }
    let pending = points.filter { known[$0.name] == nil }
    let variants = points.map(\.frontEnd).reduce(into: [FrontEndVariant]()) {
      if !$0.contains($1) { $0.append($1) }
    }
    func frontEndKey(_ variant: FrontEndVariant) -> String {
      self.key("frontend", key, FrontEndKey(source: key, variant: variant))
    }
    var frontEnds: [FrontEndVariant: FrontEndFigures] = [:]
    for variant in variants { frontEnds[variant] = try log.value(FrontEndFigures.self, frontEndKey(variant)) }
    var reference = try log.value(SourceFigures.self, self.key("source", key, key))
    let (begin, units) = (steps.done, cost(of: points, key))
    if !pending.isEmpty || reference == nil || frontEnds.count < variants.count {
      let source = try source(key, points: points, steps)
      let beats = try beats()
      let needed = variants.filter { variant in
        frontEnds[variant] == nil || pending.contains { $0.frontEnd == variant }
      }
      let plans = try plans(needed, source)
      for (variant, figures) in try analyze(needed.filter { frontEnds[$0] == nil }, source, plans) {
        frontEnds[variant] = figures
        try log.keep(figures, frontEndKey(variant))
      }
      if reference == nil {
        let figures = SourceFigures(source, beats, name: key.name, seed: options.seed)
        try log.keep(figures, self.key("source", key, key))
        reference = figures
      }
      let columns = try columns(
        needed.filter { variant in pending.contains { $0.frontEnd == variant } }, source, plans, steps)
      let (options, profiles) = (options, profiles)
      let start = steps.done
      let new = try log.results(
        of: pending, key: { self.key("point", key, $0) }, threads: options.threads,
        progress: { step in
          let fraction = Double(step.completed) / Double(step.total)
          steps.at(start + (begin + units - start) * fraction, key.name)
        }
      ) { point throws(FileError) -> PointFigures in
        guard let set = columns[point.frontEnd] else {
          preconditionFailure("every front end has its columns")
        }
        do {
          return try PointFigures(point, source, set, beats, profiles: profiles, options: options)
        } catch let error as FileError {
          throw error
        } catch {
          throw .malformed(
            options.checkpoint, at: point.name, "\(error)", remedy: "leave this point out of the sweep")
        }
      }
      for figures in new.all { known[figures.point.name] = figures }
    }
    steps.at(begin + units, key.name)
    guard let reference else { preconditionFailure("a source has its figures by now") }
    return (points.compactMap { known[$0.name] }, variants.compactMap { frontEnds[$0] }, reference)
  }

  // MARK: What points share

  func beats() throws(FileError) -> ReportBeats {
    if let loadedBeats { return loadedBeats }
    let beats = ReportBeats(try records.signals(of: data) { _ in })
    loadedBeats = beats
    return beats
  }

  private func training() throws(FileError) -> [LabelledSignal] {
    if let loadedTraining { return loadedTraining }
    let signals = try data.training(leads: checkpoint.training.leads) { _ in }
    loadedTraining = signals
    return signals
  }

  /// A source, its network trained where its shape asks for it.
  func source(_ key: SourceKey, points: [ReportPoint], _ steps: Steps? = nil) throws(FileError)
    -> ReportSource
  {
    if let loadedSource, loadedSource.key == key { return loadedSource }
    let given = key.isQAT ? qat ?? checkpoint : checkpoint
    let begin = steps?.done ?? 0
    let trained =
      try key.shape.map { shape throws(FileError) in try network(of: shape, key, from: given, steps) }
      ?? given
    let (beats, training) = (try beats(), try training())
    steps?.at((steps?.done ?? 0) + Units.source / 4, "float network")
    do {
      let source = try ReportSource(
        key, trained, beats: beats, training: training,
        calibrationCount: max(1024, points.map(\.calibrationWindows).max() ?? 0), seed: options.seed,
        threads: options.threads)
      guard !source.windows.isEmpty else {
        throw InvalidNetwork("the records have no beat with a whole window")
      }
      loadedSource = source
      steps?.at(begin + Units.source + (key.shape == nil ? 0 : Units.training), "front ends")
      return source
    } catch {
      throw .malformed(options.checkpoint, "\(error)", remedy: "use a network that `exporter train` made")
    }
  }

  private func trainedPath(_ key: SourceKey) -> String {
    "\(options.cache)/trained-\(self.key("trained", key, key)).safetensors"
  }

  /// A network of another shape, trained as the checkpoint was.
  private func network(
    of shape: SpectrogramShape, _ key: SourceKey, from given: Checkpoint, _ steps: Steps?
  ) throws(FileError) -> Checkpoint {
    let path = trainedPath(key)
    if let trained = try? Checkpoint.read(path) { return trained }
    let settings = shape.settings(given.settings)
    do {
      let start = try Checkpoint.untrained(
        settings: settings, specification: shape.specification(given.specification, given.settings),
        decisionDelaySeconds: given.decisionDelaySeconds, classNames: given.classNames, task: given.task,
        ownTask: given.ownTask, split: given.split, training: given.training)
      let trainer = try Trainer(start, signals: try training(), threads: options.threads)
      let begin = steps?.done ?? 0
      let trained = try trainer.run(progress: { step in
        steps?.at(
          begin + Units.training * Double(step.completed) / Double(max(1, step.total)), "training \(key.name)"
        )
      })
      try trained.write(to: path)
      return trained
    } catch let error as FileError {
      throw error
    } catch {
      throw .malformed(
        options.checkpoint, at: "FFT of \(shape.windowSamples), hop of \(shape.hopSamples)", "\(error)",
        remedy: "leave this shape out of the sweep")
    }
  }

  /// The true classes, a digit a beat, a text a record.
  private func labels() throws(FileError) -> [RecordLabels] {
    let key = key("labels", SourceKey(isQAT: false), "labels")
    if let labels = try log.value([RecordLabels].self, key) { return labels }
    let labels = try beats().signals.map(RecordLabels.init)
    try log.keep(labels, key)
    return labels
  }

  /// A stretch of the first record's spectrogram in float, by the device, and by one with fixed scaling, lead by lead.
  private func spectrogramSamples() throws(FileError) -> [SpectrogramSample] {
    guard !checkpoint.settings.isRawSamples else { return [] }
    let key = key("samples", SourceKey(isQAT: false), "samples")
    if let samples = try log.value([SpectrogramSample].self, key) { return samples }
    let samples = try SpectrogramSample.ofLeads(
      beats().signals[0], checkpoint.settings, file: options.checkpoint)
    try log.keep(samples, key)
    return samples
  }

  var recordDescription: String { records.description }
  var includesTrainingBeats: Bool { records.includesTrained(of: data, among: recordNames) }
}
