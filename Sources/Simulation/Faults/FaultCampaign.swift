import ECG
import Foundation
import HostDevice
import ModelFiles
import QuantInfer
import Support

/// Breaks a device in many ways, each on its own, and watches its decisions.
///
/// Every fault is a run of its own: a healthy device up to a random sample, then the fault, then the rest of the
/// record. Its decisions are held against those of the run without faults: a decision has changed where its class
/// differs, where none is within 150 ms, or where one has come that wasn't there.
///
/// While a device runs, bits are flipped in what is data and never an address: packed weights, the arena's codes, the
/// state. See `QuantInfer.Model`'s `weightBytes(ofOperator:)` for why the engines stay within their memory whatever
/// the weights are. The state has places in rings, of which addresses are made; a device that reckons with flipped bits
/// asks `StreamingPipeline.isStateSound` before it pushes a sample, and so does this one. Everything else of the image
/// is flipped before it is loaded: validation then refuses it, or has proven that it is safe to run.
///
/// All choices follow from the seed, at any number of threads.
package struct FaultCampaign: Sendable {
  /// What to break, and how often.
  package struct Options: Sendable {
    /// The `.qinf` file.
    package var model: String
    /// The WFDB record, CSV file, or `-`.
    package var record: String
    /// A profile's name or file.
    package var profile = DeviceProfile.reference.name
    /// The lead; nil for MLII, II or the first.
    package var lead: String?
    /// How to read a CSV.
    package var csv = CSVOptions()
    /// The columns between decisions; nil for a decision after each detected beat.
    package var everyColumns: Int?
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

  private let options: Options
  private let loaded: LoadedModel
  private let image: [UInt8]
  private let acquisition: Acquisition
  private let healthy: HealthyRun
  private let layerNames: [String]
  private let imageParts: [MemoryMap.Part]
  private let stateParts: [MemoryMap.Part]
  private let modelDigest: String
  private let recordDigest: String?
  /// Of the counts that the device takes: record, lead, rate and converter all show in them.
  private let samplesDigest: String

  /// Reads the files and runs the record without faults.
  ///
  /// - Throws: `FileError` where a file is missing or wrong, or the model decides nothing on the record.
  package init(_ options: Options) throws(FileError) {
    self.options = options
    loaded = try LoadedModel(file: options.model)
    image = Array(try Files.read(options.model))
    let profile = try DeviceProfile.load(options.profile)
    let record = try Record.load(options.record, csv: options.csv)
    guard let frontEnd = loaded.model.frontEnd else {
      throw .malformed(options.model, "has no front end", remedy: "export it with `exporter quantize`")
    }
    acquisition = try Acquisition(
      record, lead: options.lead, sampleRateHz: Double(frontEnd.sampleRateMillihertz) / 1000,
      profile: profile, file: options.record)
    try StreamRun.check(acquisition, loaded: loaded, frontEnd: frontEnd, file: options.record)
    layerNames = ModelSummary(loaded).operations.operators.enumerated().map { "\($0) \($1.name)" }
    imageParts = loaded.model.imageParts(operatorNames: layerNames)
    stateParts = loaded.model.stateParts(operatorNames: layerNames)
    modelDigest = SHA256.hexadecimal(Data(image))
    recordDigest = RecordDigest.hexadecimal(of: options.record)
    samplesDigest = SHA256.hexadecimal(
      acquisition.samples.reduce(into: Data(capacity: 2 * acquisition.samples.count)) { data, sample in
        data.append(UInt8(truncatingIfNeeded: sample))
        data.append(UInt8(truncatingIfNeeded: sample >> 8))
      })
    let policy =
      (options.everyColumns ?? loaded.decisionHopColumns).map { DecisionPolicy.everyColumns($0) }
      ?? .detectedBeats
    // The loop's own checks: that the model streams, and that it was made for this converter.
    _ = try DeviceLoop(
      loaded, modelFile: options.model, checkpoint: nil, checkpointFile: "", acquisition: acquisition,
      policy: policy)
    do throws(FaultRefusal) {
      healthy = try HealthyRun(
        image: image, policy: policy, delaySamples: loaded.beatWindow?.delaySamples ?? 0,
        samples: acquisition.samples, sampleRateHz: acquisition.sampleRateHz)
    } catch {
      throw .malformed(
        options.model, "can't decide about this record", remedy: "decide by the clock with --every")
    }
    guard healthy.faultSamples > 0, !healthy.comparedDecisions(from: 0).isEmpty else {
      throw .malformed(
        options.record, "has no decision that a fault could change", remedy: "use a longer record")
    }
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

  /// All that decides what becomes of a fault.
  private var settings: FaultLine.Settings {
    FaultLine.Settings(
      model: (options.model as NSString).lastPathComponent, modelDigest: modelDigest,
      record: acquisition.recordName, samplesDigest: samplesDigest, lead: acquisition.leadName,
      everyColumns: options.everyColumns, converterBits: acquisition.profile.converterBits,
      seed: options.seed,
      bitsPerFault: options.bitsPerFault, scrubSeconds: options.scrubSeconds,
      saveSeconds: options.saveSeconds, guards: FaultGuard.allCases.filter(options.guards.contains))
  }

  private func report(_ trials: [FaultTrial]) -> FaultReport {
    FaultReport(
      version: Release.version, model: (options.model as NSString).lastPathComponent,
      modelChecksum: Numbers.hexadecimal(loaded.checksum), modelDigest: modelDigest,
      record: acquisition.recordName, recordDigest: recordDigest,
      lead: acquisition.leadName, samples: acquisition.samples.count,
      sampleRateHz: acquisition.sampleRateHz, decisions: healthy.decisions.count,
      decide: options.everyColumns.map { "every \($0) columns" } ?? "detected beats",
      profile: acquisition.profile.name, converterBits: acquisition.profile.converterBits, seed: options.seed,
      bitsPerFault: options.bitsPerFault, scrubSeconds: options.scrubSeconds,
      saveSeconds: options.saveSeconds, guards: FaultGuard.allCases.filter(options.guards.contains),
      falseAlarms: StuckBitCheck.alarms(in: acquisition.samples, periodSamples: secondSamples),
      kinds: options.kinds.map { kind in FaultReport.Kind(kind, trials.filter { $0.kind == kind }) })
  }

  private func trial(_ kind: FaultKind, _ random: inout SeededGenerator) -> FaultTrial {
    switch kind {
    case .weights: weightTrial(&random)
    case .state: stateTrial(&random)
    case .arena: arenaTrial(&random)
    case .image: imageTrial(&random, isForged: false)
    case .forged: imageTrial(&random, isForged: true)
    case .samples: sampleTrial(&random)
    case .adc: converterTrial(&random)
    case .clock: deadlineTrial(&random)
    case .brownout: brownOutTrial(&random)
    }
  }

  private var samples: [Int16] { acquisition.samples }
  private var secondSamples: Int { max(1, Int(acquisition.sampleRateHz.rounded())) }

  /// A period as samples, one at least.
  private func sampleCount(seconds: Double) -> Int {
    max(1, Int(min(seconds * acquisition.sampleRateHz, 0x1p40).rounded()))
  }

  /// The end of the period in which a sample lies; nil where that is not before the record's end.
  private func nextCheck(after sample: Int, periodSamples: Int) -> Int? {
    let next = (sample / periodSamples + 1) * periodSamples
    return next <= samples.count ? next : nil
  }

  /// Flips neighbouring bits, from a bit on, as far as the memory reaches.
  private func flip(_ bytes: UnsafeMutableRawBufferPointer, bit first: Int) {
    for bit in first..<min(first + options.bitsPerFault, 8 * bytes.count) {
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
    }
  }

  /// Pushes the rest of the record and notes which decisions changed.
  private func finish(_ trial: inout FaultTrial, _ device: FaultDevice, from next: Int, start: Int) {
    for index in next..<samples.count { device.push(samples[index]) }
    note(device.decisions, from: start, in: &trial)
  }

  private func note(_ decisions: [FaultDecision], from start: Int, in trial: inout FaultTrial) {
    (trial.firstChange, trial.changedDecisions) = healthy.changes(in: decisions, from: start)
  }
}

// MARK: - Flipped bits

extension FaultCampaign {
  private func weightTrial(_ random: inout SeededGenerator) -> FaultTrial {
    let layers = (0..<loaded.model.operatorCount).compactMap { index in
      loaded.model.weightBytes(ofOperator: index).map { (index, $0) }
    }
    var byte = random.nextIndex(below: layers.reduce(0) { $0 + $1.1.count })
    var bit = random.nextIndex(below: 8)
    let sample = random.nextIndex(below: healthy.faultSamples)
    var hit = layers[0]
    for layer in layers {
      hit = layer
      if byte < layer.1.count { break }
      byte -= layer.1.count
    }
    let (device, start) = healthy.device(at: sample)
    let weights = UnsafeMutableRawBufferPointer(rebasing: device.image.bytes[hit.1])
    flip(weights, bit: 8 * byte + bit)
    if loaded.model.operatorPlan(hit.0).weights?.weightBits == 4 { bit %= 4 }
    var trial = FaultTrial(
      kind: .weights, place: .init(order: hit.0, name: layerNames[hit.0]), bit: bit)
    if let seconds = options.scrubSeconds,
      let check = nextCheck(after: sample, periodSamples: sampleCount(seconds: seconds)),
      !device.model.isChecksumValid
    {
      trial.detection = .init(sample: check, means: "scrubbing")
    }
    finish(&trial, device, from: sample, start: start)
    return trial
  }

  private func stateTrial(_ random: inout SeededGenerator) -> FaultTrial {
    let sample = random.nextIndex(below: healthy.faultSamples)
    let (device, start) = healthy.device(at: sample)
    let pipelineBits = 8 * device.state.bytes.count
    let bit = random.nextIndex(below: pipelineBits + 8 * device.detectorState.bytes.count)
    let isPipeline = bit < pipelineBits
    let memory = isPipeline ? device.state.bytes : device.detectorState.bytes
    let place = isPipeline ? statePlace(byte: bit / 8) : .init(order: 1000, name: "beat detector")
    var trial = FaultTrial(kind: .state, place: place)
    let checksum = CRC32.checksum(UnsafeRawBufferPointer(memory))
    flip(memory, bit: isPipeline ? bit : bit - pipelineBits)
    if options.guards.contains(.state), CRC32.checksum(UnsafeRawBufferPointer(memory)) != checksum {
      trial.detection = .init(sample: sample, means: "state checksum")
    } else if !device.isStateSound {
      trial.detection = .init(sample: sample, means: "range of places")
    }
    // What is found before the next sample ends the run; an unsound state could not go on.
    if trial.detection == nil { finish(&trial, device, from: sample, start: start) }
    return trial
  }

  /// The part of the streaming state in which a byte lies.
  private func statePlace(byte: Int) -> FaultTrial.Place { .init(stateParts, byte: byte) }

  private func arenaTrial(_ random: inout SeededGenerator) -> FaultTrial {
    let model = loaded.model
    let decision = healthy.windowDecisions[random.nextIndex(below: healthy.windowDecisions.count)]
    let layer = random.nextIndex(below: model.operatorCount)
    let bit = random.nextIndex(below: 8 * model.arenaByteCount)
    let arena = AlignedMemory(byteCount: model.arenaByteCount)
    let scratch = AlignedMemory(byteCount: model.streamingScratchByteCount)
    var trial = FaultTrial(
      kind: .arena, place: .init(order: layer, name: "before \(layerNames[layer])"), bit: bit % 8)
    guard var engine = try? WholeWindow(model: model, arena: arena.bytes, scratch: scratch.bytes) else {
      return trial
    }
    _ = engine.input.update(fromContentsOf: healthy.window(of: decision, model))
    for index in 0..<model.operatorCount {
      if index == layer { flip(arena.bytes, bit: bit) }
      engine.runOperator(index)
    }
    if Array(engine.output).placeOfLargest != decision.classIndex {
      (trial.firstChange, trial.changedDecisions) = (decision.sample, 1)
    }
    return trial
  }

  private func imageTrial(_ random: inout SeededGenerator, isForged: Bool) -> FaultTrial {
    let bit = random.nextIndex(below: 8 * image.count)
    var damaged = image
    damaged.withUnsafeMutableBytes { flip($0, bit: bit) }
    if isForged {
      let checksum = damaged.withUnsafeBytes {
        CRC32.checksum(UnsafeRawBufferPointer(rebasing: $0[ModelFormat.checksumStart...]))
      }
      withUnsafeBytes(of: checksum.littleEndian) {
        damaged.replaceSubrange(ModelFormat.Header.checksum..<ModelFormat.checksumStart, with: $0)
      }
    }
    var trial = FaultTrial(kind: isForged ? .forged : .image, place: imagePlace(byte: bit / 8))
    do throws(FaultRefusal) {
      let device = try healthy.device(image: damaged)
      finish(&trial, device, from: 0, start: 0)
    } catch {
      let means =
        switch error {
        case .image(.checksumMismatch): "checksum"
        case .image(.truncated), .image(.notAModelImage), .image(.unsupportedVersion): "header"
        case .image: "validation"
        case .memory: "memory or front end"
        }
      trial.detection = .init(sample: 0, means: means)
    }
    return trial
  }

  /// The part of the image in which a byte lies.
  private func imagePlace(byte: Int) -> FaultTrial.Place { .init(imageParts, byte: byte) }
}

// MARK: - Samples and time

extension FaultCampaign {
  private func sampleTrial(_ random: inout SeededGenerator) -> FaultTrial {
    let sample = random.nextIndex(below: healthy.faultSamples)
    let isDoubled = random.nextIndex(below: 2) == 1
    let size = random.nextIndex(below: 4)
    let count = [1, 4, 16, 64][size]
    let (device, start) = healthy.device(at: sample)
    var trial = FaultTrial(
      kind: .samples,
      place: .init(order: (isDoubled ? 4 : 0) + size, name: "\(count) \(isDoubled ? "doubled" : "dropped")"))
    trial.detection = clockDetection(after: sample)
    let end = min(sample + count, samples.count)
    if isDoubled {
      for index in sample..<end { device.push(samples[index]) }
      device.missSamples(sample - end)
      finish(&trial, device, from: sample, start: start)
    } else {
      device.missSamples(end - sample)
      finish(&trial, device, from: end, start: start)
    }
    return trial
  }

  /// The guard of the clock, which compares once a second.
  private func clockDetection(after sample: Int) -> FaultTrial.Detection? {
    guard options.guards.contains(.clock),
      let check = nextCheck(after: sample, periodSamples: secondSamples)
    else { return nil }
    return .init(sample: check, means: "sample count")
  }

  private func converterTrial(_ random: inout SeededGenerator) -> FaultTrial {
    let sample = random.nextIndex(below: healthy.faultSamples)
    let bits = acquisition.profile.converterBits
    let bit = random.nextIndex(below: bits)
    let isSet = random.nextIndex(below: 2) == 1
    let (device, start) = healthy.device(at: sample)
    var trial = FaultTrial(
      kind: .adc, place: .init(order: isSet ? 1 : 0, name: "stuck at \(isSet ? 1 : 0)"), bit: bit)
    var check = StuckBitCheck(periodSamples: secondSamples, count: sample)
    for index in sample..<samples.count {
      // The converter's code counts from its least one.
      let middle = 1 << (bits - 1)
      let code = Int(samples[index]) + middle
      let stuck = Int16(clamping: (isSet ? code | 1 << bit : code & ~(1 << bit)) - middle)
      device.push(stuck)
      if check.push(stuck), options.guards.contains(.adc), trial.detection == nil {
        trial.detection = .init(sample: index, means: "stuck-bit check")
      }
    }
    note(device.decisions, from: start, in: &trial)
    return trial
  }

  private func deadlineTrial(_ random: inout SeededGenerator) -> FaultTrial {
    let sample = random.nextIndex(below: healthy.faultSamples)
    let size = random.nextIndex(below: 5)
    let count = 1 << size
    let (device, start) = healthy.device(at: sample)
    var trial = FaultTrial(
      kind: .clock, place: .init(order: size, name: "\(count) column\(count == 1 ? "" : "s") skipped"))
    var (skipped, index) = (0, sample)
    while skipped < count, index < samples.count {
      if device.push(samples[index], isLate: true) {
        skipped += 1
        if options.guards.contains(.clock), trial.detection == nil {
          trial.detection = .init(sample: index, means: "deadline")
        }
      }
      index += 1
    }
    finish(&trial, device, from: index, start: start)
    return trial
  }

  private func brownOutTrial(_ random: inout SeededGenerator) -> FaultTrial {
    let period = sampleCount(seconds: options.saveSeconds)
    let moment = random.nextIndex(below: 3)
    var failure = random.nextIndex(below: healthy.faultSamples)
    // At a save, with nothing lost; between saves; while a copy is written, its end still that of an older one.
    if moment != 1 { failure = failure / period * period }
    let lastSave = failure / period * period
    let (device, start) = healthy.device(at: max(0, moment == 2 ? lastSave - period : lastSave))
    let older = device.snapshot()
    for index in device.sampleCount..<failure { device.push(samples[index]) }
    var trial = FaultTrial(
      kind: .brownout,
      place: .init(order: moment, name: ["just after a save", "between saves", "during a save"][moment]))
    trial.detection = .init(sample: failure, means: "restart")
    // What memory holds after a brown-out is anything.
    for bytes in [device.state.bytes, device.detectorState.bytes] {
      for index in bytes.indices { bytes[index] = UInt8(truncatingIfNeeded: random.next()) }
    }
    do throws(SavedStateError) {
      if moment == 2 {
        let (fresh, _) = healthy.device(at: failure)
        var torn = fresh.snapshot()
        let cut = random.nextIndex(below: torn.pipeline.count)
        torn.pipeline.replaceSubrange(cut..., with: older.pipeline[cut...])
        // Where the copies happen to agree behind the cut, the torn one is whole.
        try device.restore(torn)
      } else {
        try device.restore(older)
      }
    } catch {
      trial.detection?.means = "restart, torn copy refused"
      try? device.restore(older)
    }
    device.missSamples(failure - device.sampleCount)
    finish(&trial, device, from: failure, start: start)
    return trial
  }
}

extension FaultTrial.Place {
  /// The part in which a byte lies.
  fileprivate init(_ parts: [MemoryMap.Part], byte: Int) {
    let place = parts.place(ofByte: byte)
    self.init(order: place?.order ?? parts.count, name: place?.name ?? "elsewhere")
  }
}

/// Finds a converter's low bits that don't change for a period.
struct StuckBitCheck {
  /// The bits that noise always moves.
  static let watchedBits: Int16 = 0b1111

  private let periodSamples: Int
  private var count: Int
  private var isWhole: Bool
  private var ones: Int16 = -1
  private var zeros: Int16 = -1

  /// Starts after a number of samples; the first period is judged where it is whole.
  init(periodSamples: Int, count: Int) {
    (self.periodSamples, self.count) = (periodSamples, count)
    isWhole = count % periodSamples == 0
  }

  /// Takes a count; returns whether a period ends in which a watched bit was the same all the time.
  mutating func push(_ sample: Int16) -> Bool {
    ones &= sample
    zeros &= ~sample
    count += 1
    guard count % periodSamples == 0 else { return false }
    let isStuck = isWhole && (ones | zeros) & Self.watchedBits != 0
    (ones, zeros, isWhole) = (-1, -1, true)
    return isStuck
  }

  /// The periods of a lead in which a watched bit doesn't change.
  static func alarms(in samples: [Int16], periodSamples: Int) -> Int {
    var check = StuckBitCheck(periodSamples: periodSamples, count: 0)
    return samples.count { check.push($0) }
  }
}
