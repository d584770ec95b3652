import ECG
import Foundation
import HostDevice
import ModelFiles
import QuantInfer
import Support

/// Breaks a device in many ways, each on its own, and watches its decisions.
///
/// Every fault is a run of its own: a healthy device up to a random sample, then the fault, then the rest of the
/// record. The device is the one that ships, `RunningDevice`, with the options of `stream`. Its announcements are held
/// against those of the run without faults: a decision has changed where its class differs or there is no result any
/// more, where none is within 150 ms, or where one has come that wasn't there. A fault is found too where the device
/// says by itself that its signal or its state is bad, and a healthy one doesn't.
///
/// While a device runs, bits are flipped in what is data and never an address: packed weights, the arena's codes, the
/// state: all of it, from the front end's samples to the announcer's counts. See `QuantInfer.Model`'s
/// `weightBytes(ofOperator:)` for why the engines stay within their memory whatever the weights are. The state has
/// places in rings, of which addresses are made; a device that reckons with flipped bits asks `Monitor.isStateSound`
/// before it pushes a sample, and so does this one. Everything else of the image is flipped before it is loaded:
/// validation then refuses it, or has proven that it is safe to run.
///
/// All choices follow from the seed, at any number of threads.
package struct FaultCampaign: Sendable {
  /// What to break, and how often.
  package struct Options: Sendable {
    /// The `.qinf` file.
    package var model: String
    /// The float network beside the healthy device: a checkpoint, an `.onnx` or `.tflite` model; nil for none.
    package var float: String?
    /// The WFDB record, CSV file, or `-`.
    package var record: String
    /// A profile's name or file.
    package var profile = DeviceProfile.reference.name
    /// The lead; nil for MLII, II or the first.
    ///
    /// Of a model of several leads as many with commas, or nil for the record's first.
    package var lead: String?
    /// How to read a CSV.
    package var csv = CSVOptions()
    /// What befalls the signal before the converter.
    package var disturbances = Disturbances()
    /// The columns between decisions; nil for a decision after each detected beat.
    package var everyColumns: Int?
    /// What becomes of decisions, and whether the network sleeps.
    package var announcing = Announcing()
    /// What breaks.
    package var kinds = FaultKind.allCases
    /// The faults of each kind.
    package var trials = 1000
    /// The seed of all choices.
    package var seed: UInt64 = 1
    /// The neighbouring bits that flip at once, in 1...32.
    package var bitsPerFault = 1
    /// How often the running image's checksum is held against it; nil: at load alone.
    package var scrubSeconds: Double?
    /// How often the state is saved against brown-outs.
    package var saveSeconds = 10.0
    /// The detectors that are on.
    package var guards: Set<FaultGuard> = []
    /// The threads.
    package var threads = ProcessInfo.processInfo.activeProcessorCount

    /// Options for a model and a record.
    package init(model: String, record: String) {
      (self.model, self.record) = (model, record)
    }
  }

  let options: Options
  let loaded: LoadedModel
  let image: [UInt8]
  /// What the device hears, lead by lead.
  let leads: [Acquisition]
  let frames: FaultFrames
  let healthy: HealthyRun
  let twin: FaultReport.Twin?
  let layerNames: [String]
  let imageParts: [MemoryMap.Part]
  let stateParts: [MemoryMap.Part]
  let modelDigest: String
  let recordDigest: String?
  /// Of the counts that the device takes: record, lead, rate and converter all show in them.
  let samplesDigest: String

  /// Reads the files and runs the record without faults.
  ///
  /// - Throws: `FileError` where a file is missing or wrong, or the model decides nothing on the record.
  package static func prepared(_ options: Options) throws(FileError) -> FaultCampaign {
    let loaded = try LoadedModel(file: options.model)
    let image = Array(try Files.read(options.model))
    let profile = try DeviceProfile.load(options.profile)
    let record = try Record.load(options.record, csv: options.csv)
    guard let frontEnd = loaded.model.frontEnd else {
      throw loaded.takesNoSamples(options.model)
    }
    var disturbances = options.disturbances
    disturbances.couplingHz = disturbances.couplingHz ?? loaded.couplingHz
    let leads = try Hearing(
      sampleRateHz: Double(frontEnd.sampleRateMillihertz) / 1000, profile: profile, file: options.record,
      disturbances: disturbances
    ).leads(
      record.leads(options.lead, count: loaded.model.leadCount, file: options.record), of: record)
    try StreamRun.check(leads[0], loaded: loaded, frontEnd: frontEnd, file: options.record)
    try loaded.requireColumns(for: "a campaign compares windows", file: options.model)
    let layerNames = ModelSummary(loaded).operations.operators.enumerated().map { "\($0) \($1.name)" }
    let timing =
      (options.everyColumns ?? loaded.decisionHopColumns).map { DecisionTiming.everyColumns($0) }
      ?? .detectedBeats
    // The loop's own checks: that the model streams, and that it was made for this converter.
    let loop = try DeviceLoop(
      loaded, modelFile: options.model,
      twin: options.float.map { path throws(FileError) in
        try TwinNetwork(reading: path, of: loaded, modelFile: options.model)
      }, twinFile: options.float ?? "", acquisition: leads[0],
      furtherLeads: Array(leads.dropFirst()), timing: timing, announcing: options.announcing)
    let frames = FaultFrames(samples: loop.frames, leadCount: leads.count)
    let samplesDigest = SHA256.hexadecimal(
      frames.samples.reduce(into: Data(capacity: 2 * frames.samples.count)) { data, sample in
        data.append(UInt8(truncatingIfNeeded: sample))
        data.append(UInt8(truncatingIfNeeded: sample >> 8))
      })
    var twin: FaultReport.Twin?
    if let file = options.float {
      try loop.run()
      twin = .init(
        file: (file as NSString).lastPathComponent, decisions: loop.decisions.count,
        differing: .init(loop.decisions.count { $0.differs }, of: loop.decisions.count))
    }
    let (stateParts, healthy): ([MemoryMap.Part], HealthyRun)
    do {
      stateParts = try Monitor.StateLayout(loaded.model, loop.options)
        .parts(of: loaded.model, operatorNames: layerNames)
      healthy = try HealthyRun(
        loaded, image: image, options: loop.options, frames: frames, sampleRateHz: leads[0].sampleRateHz)
    } catch {
      throw .malformed(
        options.model, "can't decide about this record", remedy: "decide by the clock with --every")
    }
    guard healthy.faultSamples > 0, !healthy.comparedDecisions(from: 0).isEmpty else {
      throw .malformed(
        options.record, "has no decision that a fault could change", remedy: "use a longer record")
    }
    return FaultCampaign(
      options: options, loaded: loaded, image: image, leads: leads, frames: frames, healthy: healthy,
      twin: twin,
      layerNames: layerNames, imageParts: loaded.model.imageParts(operatorNames: layerNames),
      stateParts: stateParts, modelDigest: SHA256.hexadecimal(Data(image)),
      recordDigest: RecordDigest.hexadecimal(of: options.record), samplesDigest: samplesDigest)
  }

  /// Injects all faults.
  package func run(progress: @escaping ProgressHandler = { _ in }) throws(FileError) -> FaultReport {
    try run(addingTo: nil, progress: progress).report
  }

  /// Injects the faults that a file doesn't have yet, and adds each to it as soon as it is done.
  ///
  /// - Parameters:
  ///   - file: The file, a line of JSON a fault; nil where they are kept nowhere.
  ///   - progress: Is told of each fault.
  /// - Returns: The report of all faults, and how many of them were there before.
  /// - Throws: `FileError` where the file is no campaign's or can't be written.
  package func run(
    addingTo file: String?, progress: @escaping ProgressHandler = { _ in }
  ) throws(FileError) -> (report: FaultReport, foundCount: Int) {
    struct Work: Encodable {
      var kind: FaultKind
      var index: Int
      var settings: FaultLine.Settings
    }
    let settings = settings
    let work = options.kinds.flatMap { kind in
      (0..<options.trials).map { Work(kind: kind, index: $0, settings: settings) }
    }
    let generator = SeededGenerator(seed: options.seed)
    let (all, new) = try ResultLog(file, kind: FaultLine.log).results(
      of: work, key: FaultLine.log.key, threads: options.threads, progress: progress
    ) { item throws(FileError) in
      let order = FaultKind.allCases.firstIndex(of: item.kind) ?? 0
      var random = generator.split(order).split(item.index)
      return FaultLine(settings: settings, index: item.index, trial: trial(item.kind, &random))
    }
    return (report(all.map(\.trial)), all.count - new.count)
  }

  /// The rate of the counts.
  var sampleRateHz: Double { leads[0].sampleRateHz }

  /// The leads' names.
  private var leadNames: String { leads.map(\.leadName).joined(separator: ", ") }

  /// What was assumed of the record, each once.
  private var notes: [FileNote] {
    leads.flatMap(\.notes).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }

  /// All that decides what becomes of a fault.
  private var settings: FaultLine.Settings {
    FaultLine.Settings(
      model: (options.model as NSString).lastPathComponent, modelDigest: modelDigest,
      record: leads[0].recordName, samplesDigest: samplesDigest, lead: leadNames,
      everyColumns: options.everyColumns, announcing: options.announcing,
      converterBits: leads[0].profile.converterBits,
      seed: options.seed,
      bitsPerFault: options.bitsPerFault, scrubSeconds: options.scrubSeconds,
      saveSeconds: options.saveSeconds, guards: FaultGuard.allCases.filter(options.guards.contains))
  }

  private func report(_ trials: [FaultTrial]) -> FaultReport {
    FaultReport(
      version: Release.version, model: (options.model as NSString).lastPathComponent,
      modelChecksum: Numbers.hexadecimal(loaded.checksum), modelDigest: modelDigest,
      record: leads[0].recordName, recordDigest: recordDigest,
      lead: leadNames, notes: notes, samples: frames.count, sampleRateHz: sampleRateHz,
      stateBytes: healthy.stateByteCount,
      decisions: healthy.decisions.count, twin: twin,
      decide: options.everyColumns.map { "every \($0) columns" } ?? "detected beats",
      announcing: options.announcing,
      profile: leads[0].profile.name, converterBits: leads[0].profile.converterBits, seed: options.seed,
      bitsPerFault: options.bitsPerFault, scrubSeconds: options.scrubSeconds,
      saveSeconds: options.saveSeconds, guards: FaultGuard.allCases.filter(options.guards.contains),
      falseAlarms: leads.indices.reduce(0) {
        $0 + StuckBitCheck.alarms(in: frames.samples(ofLead: $1), periodSamples: secondSamples)
      },
      kinds: options.kinds.map { kind in FaultReport.Kind(kind, trials.filter { $0.kind == kind }) })
  }
}
