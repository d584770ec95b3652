import Foundation
import HostDevice
import Metrics
import ModelFiles
import Networks
import QuantInfer
import Support
import Tasks

/// A simulated device: counts go one at a time through the runtime, beside the float twin where one is given.
package final class DeviceLoop {
  /// The decisions in order.
  package private(set) var decisions: [DeviceDecision] = []
  /// What the loop notes of its decisions: codes instead of logits, in memory reserved before it starts.
  private var moments: [(sample: Int, beat: Int?, announcement: Announcement, asked: AskingReason?)] = []
  private var logitCodes: [Int8] = []
  private var twinLogits: [[Float]] = []
  /// The device's columns: `[column, bin, lead]` codes.
  package private(set) var columns: [Int8] = []
  /// The twin's columns: `[column, bin, lead]` levels before rounding; empty without a twin.
  package var twinLevels: [Float] { twin?.levels ?? [] }
  /// The first lead's spectrogram against FFTW in double precision: each kept bin's real and imaginary part.
  package private(set) var spectrum = SignalToNoise()
  /// The column codes against the twin's rounded levels.
  package private(set) var codes = SignalToNoise()
  /// The decisions against the twin's.
  package private(set) var agreement = Agreement()
  /// The decisions for which the network wasn't asked, as their beats were known.
  package private(set) var recalledCount = 0
  /// The beats that were too near the record's ends for a decision.
  package private(set) var leftOutBeatCount = 0
  /// The decisions, and the time, without a result.
  package private(set) var silence = Silence()
  /// What sleep saved; nil where the network never sleeps.
  package private(set) var sleep: ObservedSleep?
  /// The processor time that the loop took, in seconds: other programs on the machine don't count.
  package private(set) var loopSeconds = 0.0

  private let loaded: LoadedModel
  private let acquisition: Acquisition
  /// What the device takes, frame by frame: a sample of each of its leads.
  let frames: [Int16]
  private let frameCount: Int
  let timing: DecisionTiming
  /// The monitor's options.
  let options: Monitor.Options
  /// What they were made of.
  let announcing: Announcing
  /// What the monitor keeps; nil before the run.
  private(set) var layout: Monitor.StateLayout?
  /// What it keeps beside the networks' and the detector's states, in bytes.
  var announcingByteCount: Int {
    layout.map { $0.byteCount - $0.pipeline.count - $0.beats.count - $0.detector.count } ?? 0
  }
  /// Whether columns are spectra, not raw samples.
  var hasSpectrogram: Bool { if case .spectrogram? = loaded.model.frontEnd { true } else { false } }
  private let brownOuts: Set<Int>
  private let twin: FloatTwin?
  /// Why the network ran; nil where it runs at every decision.
  let networkWatch: NetworkWatch?
  /// What the beats' intervals say to the twin.
  private var twinPrior = FloatRhythmPrior()
  private let firstSample: Int

  /// Prepares a run.
  ///
  /// - Parameters:
  ///   - loaded: The model; it must have a front end and a streaming plan.
  ///   - modelFile: The model's file, for errors.
  ///   - twin: The float twin; nil for a run without one.
  ///   - twinFile: The twin's file, for errors.
  ///   - acquisition: The counts of the first lead, at the model's rate.
  ///   - furtherLeads: Those of the model's further leads.
  ///   - timing: When to decide.
  ///   - announcing: What becomes of decisions, and whether the network sleeps.
  ///   - brownOuts: The samples, counted from 0, before which the device saves itself, loses its memory, and goes on in
  ///     another one from what it saved.
  ///   - firstSample: The number of the first sample: what a device has counted before. It has 64 bits, which last
  ///     for billions of years.
  /// - Throws: `FileError` where the model can't stream or the twin is another model's.
  package init(
    _ loaded: LoadedModel, modelFile: String, twin: TwinNetwork?, twinFile: String,
    acquisition: Acquisition, furtherLeads: [Acquisition] = [], timing: DecisionTiming,
    announcing: Announcing = Announcing(),
    brownOuts: [Int] = [],
    firstSample: Int = 0
  ) throws(FileError) {
    let leads = [acquisition] + furtherLeads
    guard leads.count == loaded.model.leadCount else {
      throw .malformed(
        modelFile, "takes \(loaded.model.leadCount) leads, and there are counts of \(leads.count)",
        remedy: "choose a model of one lead; of several device-sim stream runs all")
    }
    let frontEnd = try Self.requirePossible(
      loaded, modelFile: modelFile, profile: acquisition.profile, timing: timing, announcing: announcing)
    self.loaded = loaded
    self.acquisition = acquisition
    let frameCount = leads.map(\.samples.count).min() ?? 0
    self.frameCount = frameCount
    frames =
      leads.count == 1
      ? acquisition.samples : (0..<frameCount).flatMap { frame in leads.map { $0.samples[frame] } }
    self.timing = timing
    self.firstSample = firstSample
    self.brownOuts = Set(brownOuts)
    self.announcing = announcing
    options = Monitor.Options(
      timing, announcing: announcing, of: loaded, converter: acquisition.profile.converter)
    networkWatch = NetworkWatch(loaded, options, timing: timing)
    do throws(InvalidNetwork) {
      self.twin = try twin.map { twin throws(InvalidNetwork) in
        try FloatTwin(
          twin, of: loaded, microvoltsPerCount: Float(bitPattern: frontEnd.microvoltsPerCountBits),
          columnCapacity: acquisition.samples.count / frontEnd.hopSamples + 1)
      }
    } catch {
      throw .malformed(
        twinFile, error.description, remedy: "give the float network that the model was made from")
    }
  }

  /// What must be so before a device runs a model on whatever samples; the model's front end.
  ///
  /// - Throws: `FileError`, which names the option or the file that doesn't suit.
  @discardableResult
  static func requirePossible(
    _ loaded: LoadedModel, modelFile: String, profile: DeviceProfile, timing: DecisionTiming,
    announcing: Announcing
  ) throws(FileError) -> FrontEndPlan {
    guard let frontEnd = loaded.model.frontEnd, loaded.model.isStreamable else {
      throw loaded.takesNoSamples(modelFile)
    }
    let microvolts = Float(bitPattern: frontEnd.microvoltsPerCountBits)
    guard abs(microvolts / profile.converter.microvoltsPerCount - 1) < 1e-4 else {
      throw .malformed(
        modelFile,
        "is made for a converter of \(microvolts) uV a count, the profile's has "
          + "\(profile.converter.microvoltsPerCount)",
        remedy: "quantize it for this converter or choose another profile")
    }
    try loaded.requirePossible(timing, announcing, file: modelFile)
    if case .everyColumns(let count) = timing, let period = loaded.model.streaming?.columnsPerDecision,
      count % period != 0
    {
      throw .malformed(
        modelFile, "can decide anew every \(period) columns only, not every \(count)",
        remedy: "give --every a multiple of \(period)")
    }
    if timing.isAboutBeats, let obstacle = loaded.obstacleToBeats {
      throw .malformed(modelFile, obstacle.problem, remedy: obstacle.remedy)
    }
    if announcing.rhythm, loaded.rhythmPrior == nil {
      throw .malformed(
        modelFile, "has the classes \(loaded.classNames.joined(separator: ", ")), not N, S, V and F",
        remedy: "leave out --rhythm")
    }
    if announcing.rhythm, case .everyColumns = timing {
      throw .malformed(
        modelFile, "decides by the clock, and beats' intervals say nothing then",
        remedy: "leave out --rhythm, or decide at beats with --decide beats")
    }
    return frontEnd
  }

  /// Runs all samples and gathers the decisions.
  ///
  /// - Throws: `FileError` where the detector can't run at the model's rate.
  package func run(
    watcher: (any StreamWatcher)? = nil, progress: ProgressHandler? = nil
  ) throws(FileError) {
    try runSamples(watcher: watcher, progress: progress)
    gatherDecisions()
  }

  /// Runs all samples: after its start, and without a twin or brown-outs, it leaves the heap alone.
  ///
  /// - Throws: `FileError` where the detector can't run at the model's rate.
  package func runSamples(
    watcher: (any StreamWatcher)? = nil, progress: ProgressHandler? = nil
  ) throws(FileError) {
    let model = loaded.model
    let hopSamples = model.frontEnd?.hopSamples ?? 1
    let columnCapacity = frameCount / hopSamples + 1
    columns.reserveCapacity(columnCapacity * model.input.columnByteCount)
    moments.reserveCapacity(columnCapacity)
    logitCodes.reserveCapacity(columnCapacity * model.output.count)
    do throws(MemoryError) {
      // The device; and where it sleeps, one beside it that doesn't, for the columns and what sleep misses.
      var device = try RunningDevice(loaded, options, timing)
      var wakeful = try options.wakePercent == 0 ? nil : RunningDevice(loaded, options.wakeful, timing)
      sleep = try options.wakePercent == 0 ? nil : ObservedSleep(loaded, options)
      layout = try Monitor.StateLayout(model, options)
      var twinStage = TwinStage(twin == nil ? nil : model)
      let start = Self.processorSeconds()
      let samplesPerStep = frameCount / 64 + 1
      var watched = watcher.map { WatchedSamples($0, sampleRateHz: acquisition.sampleRateHz) }
      let leadCount = model.leadCount
      let memory = AlignedMemory(byteCount: 2 * max(1, frames.count))
      defer { withExtendedLifetime(memory) {} }
      let all = memory.bytes.bindMemory(to: Int16.self)
      _ = all.update(fromContentsOf: frames)
      for offset in 0..<frameCount {
        let frame = UnsafeBufferPointer<Int16>(rebasing: all[offset * leadCount..<(offset + 1) * leadCount])
        guard let start = frame.baseAddress else { continue }
        watched?.show(offset, of: self, noResult: device.monitor.noResult)
        if brownOuts.contains(offset) { device = try device.afterBrownOut(loaded, options, timing) }
        let isColumn = device.push(frame: start)
        _ = wakeful?.push(frame: start)
        networkWatch?.push(start.pointee)
        silence.count(device.monitor.noResult)
        if let twin {
          let isTwinColumn = twin.push(frame)
          if twinStage.push(start.pointee) ?? true, isTwinColumn, isColumn {
            compareColumn(
              twin, &twinStage, codes: wakeful?.monitor.newestColumn ?? device.monitor.newestColumn)
          }
        }
        guard isColumn else { continue }
        columns.append(contentsOf: wakeful?.monitor.newestColumn ?? device.monitor.newestColumn)
        decide(&device, &wakeful, at: firstSample + offset)
        if offset % samplesPerStep < hopSamples {
          progress?(TaskProgress(completed: offset, total: frameCount))
        }
      }
      watched?.show(frameCount, of: self, noResult: device.monitor.noResult, isLast: true)
      leftOutBeatCount += device.undecidedBeatCount
      loopSeconds = Self.processorSeconds() - start
      progress?(TaskProgress(completed: frameCount, total: frameCount))
    } catch {
      throw .malformed(
        acquisition.recordName, "can't be streamed through this model (\(error))",
        remedy: "decide by the clock with --every")
    }
  }

  /// Notes the decisions that are due at a column.
  private func decide(_ device: inout RunningDevice, _ wakeful: inout RunningDevice?, at sample: Int) {
    while true {
      let noResult = device.monitor.noResult
      guard let decision = device.nextDecision() else { break }
      // The device that never sleeps has the same decisions due.
      let other = wakeful == nil ? nil : wakeful?.nextDecision()
      let twinOffset = decision.beatAge.map { twinPrior.offset(ofBeatAt: sample - $0) } ?? 0
      let isPassed = !(other?.hasLogits ?? decision.hasLogits)
      let asked = networkWatch?.reason(of: decision, at: sample, noResult: noResult, isPassed: isPassed)
      guard !isPassed else {
        // A beat without a whole window is left out; the clock just goes on.
        if let age = decision.beatAge {
          leftOutBeatCount += 1
          twin?.skip(beat: age)
        }
        continue
      }
      if case .noResult(let reason) = decision.announcement { silence.countDecision(reason) }
      sleep?.count(decision, isExact: !decision.hasLogits || wakeful?.hasLogits(of: device) ?? true)
      if decision.isRecalled { recalledCount += 1 }
      let logits = wakeful?.logits ?? device.logits
      logitCodes.append(contentsOf: logits)
      moments.append((sample, decision.beatAge.map { sample - $0 }, decision.announcement, asked))
      if let twin {
        let float =
          decision.beatAge.map {
            twin.decide(
              aboutBeat: $0, nextAge: device.monitor.oldestPendingBeatAge,
              isSignalBad: decision.announcement.isAboutBadSignal)
          } ?? twin.decide()
        compare(float, with: logits, offset: twinOffset)
      }
    }
    sleep?.count(burst: device.monitor.burstColumnCount)
  }

  private static func processorSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// Compares the device's newest column with the twin's: its codes, and the transform behind them.
  private func compareColumn(
    _ twin: FloatTwin, _ stage: inout TwinStage, codes column: UnsafeBufferPointer<Int8>
  ) {
    if let spectrogram = twin.spectrogram {
      stage.compare(
        with: spectrogram, microvoltsPerCount: Double(acquisition.profile.converter.microvoltsPerCount),
        spectrum: &spectrum)
    }
    for (code, level) in zip(column, twin.latestLevels) {
      codes.add(
        reference: level.rounded() + Double(SpectrogramSettings.zeroLevelCode), measured: Double(code))
    }
  }

  private func compare(
    _ twin: [Float], with logits: UnsafeMutableBufferPointer<Int8>, offset: Double
  ) {
    var float = twin
    if let prior = options.rhythmPrior, offset != 0 {
      let range = loaded.logitRange
      float[prior.classIndex] = min(
        max(float[prior.classIndex] + Float(offset), range.lowerBound), range.upperBound)
    }
    agreement.add(reference: float, measured: logits.map { Float(loaded.logit($0)) })
    twinLogits.append(float)
  }

  /// Makes decisions of what was noted since the last time.
  private func gatherDecisions() {
    let outputCount = loaded.model.output.count
    for index in decisions.count..<moments.count {
      decisions.append(
        DeviceDecision(
          sample: moments[index].sample, beatSample: moments[index].beat,
          fixedLogits: logitCodes[index * outputCount..<(index + 1) * outputCount].map {
            Float(loaded.logit($0))
          },
          floatLogits: twin == nil ? nil : twinLogits[index], announcement: moments[index].announcement,
          asked: moments[index].asked))
    }
  }

  /// What the samples of a range made the device do.
  fileprivate func step(_ range: Range<Int>, noResult: NoResult?) -> WatchedStep {
    let first = decisions.count
    gatherDecisions()
    let leadCount = loaded.model.leadCount
    return WatchedStep(
      frames: frames[range.lowerBound * leadCount..<range.upperBound * leadCount],
      decisions: decisions[first...], noResult: noResult,
      agreement: (agreement.equalDecisions, agreement.decisions),
      schedule: Feasibility.Schedule(
        of: self, loaded, acquisition, durationSeconds: Double(range.upperBound) / acquisition.sampleRateHz))
  }
}

/// Shows a watcher a run's samples, sixteen times a second of the record.
private struct WatchedSamples {
  private let watcher: any StreamWatcher
  private let samplesPerStep: Int
  private var shown = 0

  init(_ watcher: any StreamWatcher, sampleRateHz: Double) {
    self.watcher = watcher
    samplesPerStep = max(1, Int(sampleRateHz / 16))
  }

  mutating func show(_ count: Int, of loop: DeviceLoop, noResult: NoResult?, isLast: Bool = false) {
    guard count > shown, isLast || count - shown >= samplesPerStep else { return }
    watcher.follow(loop.step(shown..<count, noResult: noResult))
    shown = count
  }
}

extension RunningDevice {
  /// The device that goes on from what this one saved, in memory that held something else.
  fileprivate func afterBrownOut(
    _ loaded: LoadedModel, _ options: Monitor.Options, _ timing: DecisionTiming
  ) throws(MemoryError) -> RunningDevice {
    var next = try RunningDevice(loaded, options, timing)
    next.loseMemory { 0xA5 }
    do throws(SavedStateError) {
      try next.restore(snapshot())
    } catch {
      preconditionFailure("what was just saved is whole: \(error)")
    }
    return next
  }
}

/// The device's spectrogram once more, with its transform at hand before the logarithm.
private struct TwinStage: ~Copyable {
  private var device: RunningSpectrogram?
  private var column: [Int8] = []

  init(_ model: Model?) {
    guard case .spectrogram(let plan)? = model?.frontEnd else {
      device = nil
      return
    }
    device = RunningSpectrogram(plan)
    column = [Int8](repeating: 0, count: plan.binCount)
  }

  /// Takes a sample, and returns whether it completed a column; nil where there is no spectrogram.
  mutating func push(_ sample: Int16) -> Bool? { device?.spectrogram.push(sample) }

  /// Compares the newest column's transform, part by part.
  mutating func compare(
    with reference: ReferenceSpectrogram, microvoltsPerCount: Double, spectrum: inout SignalToNoise
  ) {
    column.withUnsafeMutableBufferPointer { device?.spectrogram.computeColumn(into: $0.baseAddress!) }
    for bin in column.indices {
      guard let counts = device?.counts(at: bin) else { return }
      let right = reference.latestSpectrum(at: bin)
      spectrum.add(reference: right.real, measured: counts.real * microvoltsPerCount)
      spectrum.add(reference: right.imaginary, measured: counts.imaginary * microvoltsPerCount)
    }
  }
}
