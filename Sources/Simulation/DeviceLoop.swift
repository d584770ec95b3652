import ECG
import Evaluation
import Foundation
import QuantInfer
import Quantization
import Support
import Training

/// A simulated device: counts go one at a time through the runtime, beside the float twin where one is given.
public final class DeviceLoop {
  /// The decisions in order.
  public private(set) var decisions: [DeviceDecision] = []
  /// What the loop notes of its decisions: codes instead of logits, in memory reserved before it starts.
  private var moments: [(sample: Int, beat: Int?)] = []
  private var logitCodes: [Int8] = []
  private var twinLogits: [[Float]] = []
  /// The device's columns: `[column, bin]` codes.
  public private(set) var columns: [Int8] = []
  /// The twin's columns: `[column, bin]` levels before rounding; empty without a twin.
  public var twinLevels: [Float] { twin?.levels ?? [] }
  /// The spectrogram against FFTW in double precision: each kept bin's real and imaginary part.
  public private(set) var spectrum = SignalToNoise()
  /// The column codes against the twin's rounded levels.
  public private(set) var codes = SignalToNoise()
  /// The decisions against the twin's.
  public private(set) var agreement = Agreement()
  /// The beats that were too near the record's ends for a decision.
  public private(set) var leftOutBeatCount = 0
  /// The processor time that the loop took, in seconds: other programs on the machine don't count.
  public private(set) var loopSeconds = 0.0

  private let loaded: LoadedModel
  private let acquisition: Acquisition
  private let policy: DecisionPolicy
  private let delaySamples: Int
  private let twin: FloatTwin?
  private let firstSample: Int

  /// Prepares a run.
  ///
  /// - Parameters:
  ///   - loaded: The model; it must have a front end and a streaming plan.
  ///   - modelFile: The model's file, for errors.
  ///   - checkpoint: The float twin; nil for a run without one.
  ///   - checkpointFile: The twin's file, for errors.
  ///   - acquisition: The counts, at the model's rate.
  ///   - policy: When to decide.
  ///   - firstSample: The number of the first sample: what a device has counted before. It has 64 bits, which last
  ///     for billions of years.
  /// - Throws: `FileError` where the model can't stream or the twin is another model's.
  public init(
    _ loaded: LoadedModel, modelFile: String, checkpoint: Checkpoint?, checkpointFile: String,
    acquisition: Acquisition, policy: DecisionPolicy, firstSample: Int = 0
  ) throws(FileError) {
    guard let frontEnd = loaded.model.frontEnd, loaded.model.isStreamable else {
      throw .malformed(
        modelFile, "has no front end or no streaming plan", remedy: "export it with `exporter quantize`")
    }
    let microvolts = Float(bitPattern: frontEnd.microvoltsPerCountBits)
    guard abs(microvolts / acquisition.profile.converter.microvoltsPerCount - 1) < 1e-4 else {
      throw .malformed(
        modelFile,
        "is made for a converter of \(microvolts) uV a count, the profile's has "
          + "\(acquisition.profile.converter.microvoltsPerCount)",
        remedy: "quantize it for this converter or choose another profile")
    }
    self.loaded = loaded
    self.acquisition = acquisition
    self.policy = policy
    self.firstSample = firstSample
    delaySamples = loaded.beatWindow?.delaySamples ?? 0
    do throws(InvalidNetwork) {
      twin = try checkpoint.map { checkpoint throws(InvalidNetwork) in
        guard loaded.isTwin(of: checkpoint) else {
          throw InvalidNetwork("is not the float twin of \(modelFile): front end, window or classes differ")
        }
        return try FloatTwin(
          checkpoint, microvoltsPerCount: microvolts,
          columnCapacity: acquisition.samples.count / frontEnd.hopSamples + 1)
      }
    } catch {
      throw .malformed(
        checkpointFile, error.description, remedy: "give the checkpoint that the model was exported from")
    }
  }

  /// Runs all samples and gathers the decisions.
  ///
  /// - Throws: `FileError` where the detector can't run at the model's rate.
  public func run(progress: ProgressHandler? = nil) throws(FileError) {
    try runSamples(progress: progress)
    gatherDecisions(outputCount: loaded.model.output.count)
  }

  /// Runs all samples: after its start, and without a twin, it leaves the heap alone.
  ///
  /// - Throws: `FileError` where the detector can't run at the model's rate.
  public func runSamples(progress: ProgressHandler? = nil) throws(FileError) {
    let model = loaded.model
    let memory = AlignedMemory(byteCount: model.stateByteCount + loaded.scratchByteCount)
    let state = UnsafeMutableRawBufferPointer(rebasing: memory.bytes[..<model.stateByteCount])
    let scratch = UnsafeMutableRawBufferPointer(rebasing: memory.bytes[model.stateByteCount...])
    let logits = UnsafeMutableBufferPointer<Int8>.allocate(capacity: model.output.count)
    defer {
      logits.deallocate()
      withExtendedLifetime(memory) {}
    }
    let hopSamples = model.frontEnd?.hopSamples ?? 1
    let columnCapacity = acquisition.samples.count / hopSamples + 1
    columns.reserveCapacity(columnCapacity * model.input.columnByteCount)
    moments.reserveCapacity(columnCapacity)
    logitCodes.reserveCapacity(columnCapacity * model.output.count)
    var schedule = DecisionSchedule(policy, delaySamples: delaySamples, capacity: columnCapacity)
    do throws(MemoryError) {
      var pipeline = try StreamingPipeline(model: model, state: state, scratch: scratch)
      var detector = try DetectorStage(
        policy == .detectedBeats ? model.frontEnd?.sampleRateMillihertz : nil)
      var twinStage = try TwinStage(twin == nil ? nil : model)
      let start = Self.processorSeconds()
      let stepCount = 64
      let samplesPerStep = acquisition.samples.count / stepCount + 1
      for (offset, sample) in acquisition.samples.enumerated() {
        let index = firstSample + offset
        if let ago = detector.push(sample) { schedule.add(beat: index - ago) }
        let isColumn = pipeline.push(sample)
        if let twin {
          let isTwinColumn = twin.push(sample)
          guard twinStage.push(sample), isTwinColumn, isColumn else { continue }
          compareColumn(twin, &twinStage, codes: pipeline.newestColumn)
        }
        guard isColumn else { continue }
        columns.append(contentsOf: pipeline.newestColumn)
        while let beat = schedule.next(at: index) {
          guard pipeline.isWindowFull else {
            // A beat without a whole window is left out; the clock just goes on.
            if beat.sample != nil { leftOutBeatCount += 1 }
            continue
          }
          pipeline.decide(into: logits)
          logitCodes.append(contentsOf: logits)
          moments.append((index, beat.sample))
          if let twin { compareDecision(twin, logits) }
        }
        if offset % samplesPerStep < hopSamples {
          progress?(TaskProgress(completed: offset, total: acquisition.samples.count))
        }
      }
      leftOutBeatCount += schedule.pendingCount
      loopSeconds = Self.processorSeconds() - start
      progress?(TaskProgress(completed: acquisition.samples.count, total: acquisition.samples.count))
    } catch {
      throw .malformed(
        acquisition.recordName, "can't be streamed through this model (\(error))",
        remedy: "decide by the clock with --every")
    }
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
    stage.compare(
      with: twin.spectrogram, microvoltsPerCount: Double(acquisition.profile.converter.microvoltsPerCount),
      spectrum: &spectrum)
    for (code, level) in zip(column, twin.spectrogram.latestColumn) {
      codes.add(
        reference: level.rounded() + Double(SpectrogramSettings.zeroLevelCode), measured: Double(code))
    }
  }

  private func compareDecision(_ twin: FloatTwin, _ logits: UnsafeMutableBufferPointer<Int8>) {
    let float = twin.decide()
    agreement.add(reference: float, measured: logits.map { Float(loaded.logit($0)) })
    twinLogits.append(float)
  }

  private func gatherDecisions(outputCount: Int) {
    decisions = moments.indices.map { index in
      DeviceDecision(
        sample: moments[index].sample, beatSample: moments[index].beat,
        fixedLogits: logitCodes[index * outputCount..<(index + 1) * outputCount].map {
          Float(loaded.logit($0))
        },
        floatLogits: twin == nil ? nil : twinLogits[index])
    }
  }
}

/// The detector of a run that needs one.
private struct DetectorStage: ~Copyable {
  private let memory: AlignedMemory?
  private var detector: BeatDetector?

  init(_ sampleRateMillihertz: UInt32?) throws(MemoryError) {
    guard let sampleRateMillihertz else {
      memory = nil
      detector = nil
      return
    }
    let memory = AlignedMemory(
      byteCount: BeatDetector.stateByteCount(sampleRateMillihertz: sampleRateMillihertz))
    let detector = try BeatDetector(sampleRateMillihertz: sampleRateMillihertz, state: memory.bytes)
    self.memory = memory
    self.detector = consume detector
  }

  /// Takes a sample; returns how many samples ago a newly found beat was.
  mutating func push(_ sample: Int16) -> Int? {
    detector?.push(sample).map { Int($0) }
  }
}

/// The device's spectrogram once more, with its transform at hand before the logarithm.
private struct TwinStage: ~Copyable {
  private let memory: AlignedMemory?
  private var spectrogram: StreamingSpectrogram?
  private var column: [Int8] = []

  init(_ model: Model?) throws(MemoryError) {
    guard let model, case .spectrogram(let plan) = model.frontEnd else {
      memory = nil
      spectrogram = nil
      return
    }
    let memory = AlignedMemory(byteCount: model.stateByteCount + model.scratchByteCount)
    let spectrogram = try StreamingSpectrogram(
      plan: plan,
      state: UnsafeMutableRawBufferPointer(rebasing: memory.bytes[..<model.stateByteCount]),
      scratch: UnsafeMutableRawBufferPointer(rebasing: memory.bytes[model.stateByteCount...]))
    self.memory = memory
    self.spectrogram = consume spectrogram
    column = [Int8](repeating: 0, count: plan.binCount)
  }

  mutating func push(_ sample: Int16) -> Bool { spectrogram?.push(sample) ?? false }

  /// Compares the newest column's transform, part by part.
  mutating func compare(
    with reference: ReferenceSpectrogram, microvoltsPerCount: Double, spectrum: inout SignalToNoise
  ) {
    column.withUnsafeMutableBufferPointer { spectrogram?.computeColumn(into: $0.baseAddress!) }
    for bin in column.indices {
      guard let part = spectrogram?.spectrum(at: bin) else { return }
      let scale = exp2(Double(part.exponent)) * microvoltsPerCount
      let right = reference.latestSpectrum(at: bin)
      spectrum.add(reference: right.real, measured: Double(part.real) * scale)
      spectrum.add(reference: right.imaginary, measured: Double(part.imaginary) * scale)
    }
  }
}
