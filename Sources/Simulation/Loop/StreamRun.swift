import ECG
import Foundation
import HostDevice
import ModelFiles
import Networks
import QuantInfer
import Support
import Tasks

/// A `device-sim stream` run from files to results: one call.
package struct StreamRun: Sendable {
  /// What to run.
  package struct Options: Sendable {
    /// The `.qinf` file.
    package var model: String
    /// The WFDB record, CSV file, or `-`; with `boardSeconds` what the board is called.
    package var record: String
    /// The float network's file; nil for a run without a twin.
    package var float: String?
    /// The patient's patch file; nil for the model as shipped.
    package var patch: String?
    /// A profile's name or file.
    package var profile = DeviceProfile.reference.name
    /// The lead; nil for MLII, II or the first.
    package var lead: String?
    /// When to decide, given beats being those that the record's annotations name; nil for what the model's provenance
    /// says.
    package var deciding: Monitor.Pace?
    /// How the device's own amplifier senses the beats, which the record's annotations stand for; nil for a device that
    /// is told as `deciding` says.
    package var sensing: Sensing?
    /// What becomes of decisions, and whether the network sleeps.
    package var announcing = Announcing()
    /// The moments at which the device loses its memory and goes on from what it saved, in seconds from the start.
    package var brownOutSeconds: [Double] = []
    /// The converter's rate, from which the device decimates to the model's; nil for the model's own.
    package var converterRateHz: Double?
    /// What befalls the signal before the converter.
    package var disturbances = Disturbances()
    /// How to read a CSV.
    package var csv = CSVOptions()
    /// The board that takes the same samples; nil for none.
    package var target: TargetAddress?
    /// How long the board samples by itself, in seconds: its samples are the record then; nil for a record's.
    package var boardSeconds: Double?
    /// The WFDB record that the board's samples are written to; nil for none.
    package var keptRecord: String?
    /// Whether it is compared column by column, with the state after each.
    package var comparesLayers = false
    /// Who sees the run while it goes; nil for nobody.
    package var watcher: (any StreamWatcher)?

    /// Options for a model and a record.
    package init(model: String, record: String) {
      (self.model, self.record) = (model, record)
    }
  }

  /// The figures.
  package private(set) var result: StreamResult
  /// What the record made the device do.
  package let schedule: Feasibility.Schedule
  /// What the device heard; of several leads in the first.
  package let acquisition: Acquisition
  /// What it heard in the further leads.
  package let furtherLeads: [Acquisition]
  /// The decisions.
  package let decisions: [DeviceDecision]
  /// What the model answers; nil where it is no task of this program.
  let task: TaskDefinition?
  /// The device's columns: `[column, bin, lead]` codes.
  package let columns: [Int8]
  /// The twin's columns, levels before rounding; empty without a twin.
  package let twinLevels: [Float]
  /// The record's annotated beats in the model's classes, at the model's rate; nil without annotations.
  package let annotatedBeats: [(sample: Int, classIndex: Int)]?
  /// The first comment lines of the record: where it is from.
  package let recordComments: [String]
  /// The record by the task's name for it, where the model was trained on it.
  let trainedRecord: String?
  /// The twin's or the model's front end, for axes.
  package let settings: SpectrogramSettings
  /// Whether a network of columns decides by itself: then its decisions can be explained.
  package let decidesByColumns: Bool

  /// Runs a record through a model.
  ///
  /// - Throws: `FileError` where a file is missing or wrong.
  package static func run(
    _ options: Options, progress: ProgressHandler? = nil
  ) throws(FileError) -> StreamRun {
    let shipped = try LoadedModel(file: options.model)
    let loaded = try options.patch.map { path throws(FileError) in try shipped.applying(patchFile: path) }
    var run = try run(
      options, loaded: loaded ?? shipped,
      twin: options.float.map { path throws(FileError) in
        let twin = try TwinNetwork(reading: path, of: shipped, modelFile: options.model)
        return loaded?.patchedTwin(twin, shipped: shipped) ?? twin
      },
      noise: options.disturbances.noise.map { name throws(FileError) in try Noise(name) }, progress: progress)
    run.result.modelDigest = SHA256.hexadecimal(try Files.read(options.model))
    let record = options.boardSeconds == nil ? options.record : options.keptRecord
    run.result.recordDigest = record.flatMap { RecordDigest.hexadecimal(of: $0) }
    return run
  }

  /// Runs a record through a model whose files, and whose noise, were read before; only a judged run has a verdict.
  static func run(
    _ options: Options, loaded: LoadedModel, twin: TwinNetwork?, noise: Noise?, isJudged: Bool = true,
    progress: ProgressHandler? = nil
  ) throws(FileError) -> StreamRun {
    let profile = try DeviceProfile.load(options.profile)
    guard let frontEnd = loaded.model.frontEnd else {
      throw loaded.takesNoSamples(options.model)
    }
    let rateHz = Double(frontEnd.sampleRateMillihertz) / 1000
    let own = try options.target.flatMap { target throws(FileError) in
      try options.boardSeconds.map { seconds throws(FileError) in
        try BoardRecord(of: seconds, target, options, loaded, profile, progress: progress)
      }
    }
    let record: Record
    if let own { record = own.record } else { record = try Record.load(options.record, csv: options.csv) }
    let task = own == nil ? Self.task(of: loaded) : nil
    let found = try Self.annotations(
      besides: record, options,
      isNeeded: task != nil || noise != nil || options.sensing != nil || options.disturbances.pacing != nil)
    let annotations = found.labels
    // A network hears what it was trained behind, where nobody says otherwise.
    var disturbances = options.disturbances
    if own == nil { disturbances.couplingHz = disturbances.couplingHz ?? loaded.couplingHz }
    let names = try record.leads(options.lead, count: loaded.model.leadCount, file: options.record)
    let leads = try Hearing(
      sampleRateHz: rateHz, converterRateHz: options.converterRateHz, profile: profile, file: options.record,
      disturbances: disturbances, noise: noise,
      // Rhythms alone name no QRS complex: those are then found.
      beats: annotations.flatMap { $0.beats.isEmpty ? nil : $0.beats.map(\.sample) },
      paced: annotations.map { Pacing.stimuli($0, sampleRateHz: record.sampleRateHz) }
    ).leads(names, of: record)
    let (acquisition, furtherLeads) = (leads[0], Array(leads.dropFirst()))
    try Self.check(acquisition, loaded: loaded, frontEnd: frontEnd, file: options.record)
    let beats = task.flatMap { task in
      annotations.map { Self.beats(in: $0, of: task, record: record, rateHz: acquisition.trueSampleRateHz) }
    }

    let sensed = try options.sensing.map { sensing throws(FileError) in
      try Self.sensed(sensing, annotations, options, record: record, acquisition)
    }
    let timing: DecisionTiming
    switch options.deciding ?? Monitor.Pace(loaded) {
    case _ where sensed != nil: timing = .givenBeats(sensed?.beats ?? [])
    case .detectedBeats: timing = .detectedBeats
    case .everyColumns(let count): timing = .everyColumns(count)
    case .givenBeats:
      guard let beats else {
        throw .missing(
          options.record, "has no annotations that the model's classes fit",
          remedy: loaded.task?.isByClock == true
            ? "leave out --decide: its task decides by the clock"
            : "decide about detected beats (leave out --decide)")
      }
      timing = .givenBeats(beats.map(\.sample))
    }
    let loop = try DeviceLoop(
      loaded, modelFile: options.model, twin: twin, twinFile: options.float ?? "",
      acquisition: acquisition, furtherLeads: furtherLeads, timing: timing, announcing: options.announcing,
      brownOuts: try Self.samples(of: options.brownOutSeconds, in: acquisition, file: options.record))
    try own?.require(loop.frames)
    options.watcher?.begin(
      WatchedRun(
        record: acquisition.recordName, leads: ([acquisition] + furtherLeads).map(\.leadName),
        loaded: loaded, profile: profile,
        modelName: (options.model as NSString).lastPathComponent, sampleRateHz: acquisition.sampleRateHz,
        durationSeconds: acquisition.durationSeconds, hasTwin: twin != nil, hasBoard: options.target != nil))
    try loop.run(watcher: options.watcher, progress: progress)
    let labelled =
      own == nil
      ? Self.labelled(options, loaded, record: record, acquisition: acquisition) : (stretches: nil, notes: [])

    let windowSamples =
      SpectrogramSettings(frontEnd, leadCount: loaded.model.leadCount).lastSample(
        ofColumn: loaded.model.input.timeCount - 1) + 1
    var result = StreamResult(
      loop, loaded, modelName: (options.model as NSString).lastPathComponent, acquisition: acquisition,
      hasTwin: twin != nil, windowSamples: windowSamples,
      reference: timing.isAboutBeats
        ? beats.map { beats in
          .beats(
            beats.filter { beat in
              loaded.beatWindow?.columns(ofBeatAt: beat.sample, inRecordOf: acquisition.samples.count) != nil
            })
        } : labelled.stretches.map { .stretches($0) }, isJudged: isJudged)
    result.hear(leads, loop.decisions, windowSamples: windowSamples)
    if own == nil, options.lead == nil, !furtherLeads.isEmpty {
      result.notes.append(
        FileNote(
          options.record, "its first leads were taken, \(result.lead), in this order; --lead names others"))
    }
    result.notes += Self.notes(onOrderOf: leads.map(\.leadName), loaded.task, file: options.record)
    result.notes += found.notes + labelled.notes
    result.episodes = episodes(
      loop, loaded, labelled.stretches, acquisition: acquisition, announcing: options.announcing)
    result.sensed = sensed
    result.target = own?.comparison
    if let target = options.target, own == nil {
      let plan = TargetComparison.Plan(
        loaded: loaded, image: Array(try Files.read(options.model)), patch: try options.patchBytes(),
        options: loop.options, timing: timing, source: .host(loop.frames),
        sampleRateHz: acquisition.sampleRateHz,
        brownOuts: Set(try Self.samples(of: options.brownOutSeconds, in: acquisition, file: options.record)),
        comparesLayers: options.comparesLayers)
      result.target = try TargetComparison.run(
        plan, on: target, watcher: options.watcher, progress: progress
      ).result
    }
    return StreamRun(
      result: result, schedule: Feasibility.Schedule(of: loop, loaded, acquisition), acquisition: acquisition,
      furtherLeads: furtherLeads, decisions: loop.decisions, task: loaded.task, columns: loop.columns,
      twinLevels: loop.twinLevels, annotatedBeats: beats, recordComments: record.comments,
      trainedRecord: loaded.provenance[.split].flatMap(TaskSplit.init(rawValue:)).flatMap {
        loaded.task?.trainedRecord(at: options.record, split: $0)
      },
      settings: twin?.frontEnd.settings ?? SpectrogramSettings(frontEnd, leadCount: loaded.model.leadCount),
      decidesByColumns: !loaded.takesBeats && !loaded.hasBeatNetwork)
  }

  /// Leads that stand where the network's task has others of the record's: in another order they mean something else.
  private static func notes(onOrderOf names: [String], _ task: TaskDefinition?, file: String) -> [FileNote] {
    guard let task, names.count > 1, names.count == task.furtherLeads.count + 1 else { return [] }
    return zip(names, [task.leads] + task.furtherLeads).enumerated().compactMap { place, lead in
      let (name, wanted) = lead
      guard !wanted.contains(name), let other = wanted.first(where: names.contains) else { return nil }
      return FileNote(
        file,
        "its lead \(place + 1) is \(name), where the network was trained with \(other); --lead names them in order"
      )
    }
  }

  /// What the device's amplifier senses of a record.
  private static func sensed(
    _ sensing: Sensing, _ annotations: Annotations?, _ options: Options, record: Record,
    _ acquisition: Acquisition
  ) throws(FileError) -> Sensing.Sensed {
    let labels = annotations?.resampled(from: record.sampleRateHz, to: acquisition.trueSampleRateHz)
    let sensed = labels.map {
      sensing.sensed(
        $0.all, sampleRateHz: acquisition.sampleRateHz, sampleCount: acquisition.samples.count,
        seed: options.disturbances.seed)
    }
    if let sensed, sensed.beats.isEmpty, sensed.missed > 0 {
      let isOne = sensed.missed == 1
      throw .malformed(
        options.record,
        "has \(Numbers.integer(sensed.missed)) annotated beat\(isOne ? "" : "s"), and the amplifier misses "
          + (isOne ? "it" : "every one"), remedy: "give a lower --undersense")
    }
    guard let sensed, !sensed.beats.isEmpty else {
      throw .missing(
        options.record, "has no annotated beats that an amplifier could sense",
        remedy: "leave out --sensed")
    }
    return sensed
  }

  /// The samples before which the device browns out.
  private static func samples(
    of seconds: [Double], in acquisition: Acquisition, file: String
  ) throws(FileError) -> [Int] {
    try seconds.map { second throws(FileError) in
      guard (0..<acquisition.durationSeconds).contains(second) else {
        throw .malformed(
          file, "has no sample at \(Numbers.decimal(second, places: 3)) s to brown out at",
          remedy: "choose an earlier moment")
      }
      return Int(second * acquisition.sampleRateHz)
    }
  }

  /// A lead must be long enough for a window, and sampled fast enough for the spectrogram's bins.
  static func check(
    _ acquisition: Acquisition, loaded: LoadedModel, frontEnd: FrontEndPlan, file: String
  ) throws(FileError) {
    let settings = SpectrogramSettings(frontEnd, leadCount: loaded.model.leadCount)
    let highestHz =
      settings.beats.map { settings.sampleRateHz / Double(2 << $0.pointShift) }
      ?? Double(settings.firstBin + settings.binCount - 1) * settings.sampleRateHz
      / Double(settings.windowSamples)
    guard acquisition.sourceRateHz >= 2 * highestHz else {
      throw .malformed(
        file,
        "is sampled at \(Numbers.decimal(acquisition.sourceRateHz, places: 1)) Hz, but the model looks at up to "
          + "\(Numbers.decimal(highestHz, places: 0)) Hz",
        remedy: "use a record of at least \(Numbers.decimal(2 * highestHz, places: 0)) Hz")
    }
    let windowSamples = settings.lastSample(ofColumn: loaded.model.input.timeCount - 1) + 1
    guard acquisition.samples.count >= windowSamples else {
      let seconds = Double(windowSamples) / settings.sampleRateHz
      throw .malformed(
        file,
        "is \(Numbers.decimal(acquisition.durationSeconds, places: 2)) s long, shorter than the model's window of "
          + "\(Numbers.decimal(seconds, places: 2)) s", remedy: "use a longer record")
    }
  }

  /// The task of beats whose classes the model has; nil where it is none of this program's.
  private static func task(of loaded: LoadedModel) -> TaskDefinition? {
    loaded.task.flatMap { $0.isByClock ? nil : $0 }
  }

  /// The record's annotations, which stop nothing where they are broken, unless the device is to decide by them.
  private static func annotations(
    besides record: Record, _ options: Options, isNeeded: Bool
  ) throws(FileError) -> (labels: Annotations?, notes: [FileNote]) {
    guard isNeeded else { return (nil, []) }
    if options.deciding == .givenBeats || options.sensing != nil,
      Annotations.file(ofRecord: options.record) != nil
    {
      let labels = try Annotations.read(options.record, sampleRateHz: record.sampleRateHz)
      return (labels, labels.notes)
    }
    return Annotations.found(besides: options.record, sampleRateHz: record.sampleRateHz)
  }

  /// The beats in a task's classes, at the device's rate.
  private static func beats(
    in annotations: Annotations, of task: TaskDefinition, record: Record, rateHz: Double
  ) -> [(sample: Int, classIndex: Int)] {
    annotations.resampled(from: record.sampleRateHz, to: rateHz).beats.compactMap { beat in
      task.classIndex(of: beat.code).map { (beat.sample, $0) }
    }
  }

  /// What must be said of accuracy on this record; nil where nothing is known.
  package var trainingNote: String? { trainingNote(namesRecord: true) }

  /// What must be said of accuracy on this record, with or without its name; nil where nothing is known.
  package func trainingNote(namesRecord: Bool) -> String? {
    guard let trainedRecord else { return nil }
    if result.provenance[Provenance.Key.split.rawValue] == TaskSplit.intra.rawValue {
      return
        "The model was trained on a random part of all of MIT-BIH's beats: what is seen here is agreement, "
        + "not accuracy on a new patient."
    }
    let name = trainedRecord.allSatisfy(\.isNumber) ? "MIT-BIH \(trainedRecord)" : trainedRecord
    return (namesRecord ? name : "The record") + " is one of the model's training records"
      + (MITBIH.ds1.contains(trainedRecord) ? " (DS1)" : "")
      + ": what is seen here is agreement, not accuracy."
  }
}
