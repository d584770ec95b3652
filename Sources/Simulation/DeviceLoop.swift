import ECG
import Evaluation
import Foundation
import QuantInfer
import Quantization
import Support
import Training

/// When the device decides.
public enum DecisionPolicy: Equatable, Sendable {
  /// After each beat that the runtime's detector finds.
  case detectedBeats
  /// After each of these beats, in samples at the model's rate: a record's own annotations, say.
  case givenBeats([Int])
  /// Every so many columns.
  case everyColumns(Int)
}

/// A decision of the device, and its twin's.
public struct DeviceDecision: Equatable, Sendable {
  /// The sample, counted from 0, after which the device decided.
  public var sample: Int
  /// The beat that it decided about; nil where decisions come by the clock.
  public var beatSample: Int?
  /// The device's logits.
  public var fixedLogits: [Float]
  /// The float twin's logits; nil without a twin.
  public var floatLogits: [Float]?

  /// The device's class: that of the largest logit, the first of equal ones.
  public var fixedClass: Int { Self.largest(fixedLogits) }
  /// The twin's class.
  public var floatClass: Int? { floatLogits.map(Self.largest) }

  /// Whether the device and its twin decided differently.
  public var differs: Bool { floatClass.map { $0 != fixedClass } ?? false }

  private static func largest(_ logits: [Float]) -> Int {
    logits.indices.reduce(0) { logits[$1] > logits[$0] ? $1 : $0 }
  }
}

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
  /// The time spent in the loop, in seconds.
  public private(set) var loopSeconds = 0.0

  private let loaded: LoadedModel
  private let acquisition: Acquisition
  private let policy: DecisionPolicy
  private let delaySamples: Int
  private let twin: FloatTwin?

  /// Prepares a run.
  ///
  /// - Parameters:
  ///   - loaded: The model; it must have a front end and a streaming plan.
  ///   - checkpoint: The float twin; nil for a run without one.
  ///   - acquisition: The counts, at the model's rate.
  ///   - policy: When to decide.
  /// - Throws: `FileError` where the model can't stream or the twin is another model's; its file is named by
  ///   `modelFile` and `checkpointFile`.
  public init(
    _ loaded: LoadedModel, modelFile: String, checkpoint: Checkpoint?, checkpointFile: String,
    acquisition: Acquisition, policy: DecisionPolicy
  ) throws(FileError) {
    guard let frontEnd = loaded.model.frontEnd, loaded.model.isStreamable else {
      throw .malformed(
        modelFile, "has no front end or no streaming plan", remedy: "export it with `exporter quantize`")
    }
    let microvolts = Float(bitPattern: frontEnd.microvoltsPerCountBits)
    guard abs(microvolts / acquisition.profile.microvoltsPerCount - 1) < 1e-4 else {
      throw .malformed(
        modelFile,
        "is made for a converter of \(microvolts) uV a count, the profile's has "
          + "\(acquisition.profile.microvoltsPerCount)",
        remedy: "quantize it for this converter or choose another profile")
    }
    self.loaded = loaded
    self.acquisition = acquisition
    self.policy = policy
    delaySamples = Self.delaySamples(of: loaded)
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

  /// How long after a beat the model decides, in samples: from its provenance; 0 where that says nothing.
  private static func delaySamples(of loaded: LoadedModel) -> Int {
    let seconds = loaded.metadata.first { $0.key == ModelMetadata.decisionDelaySeconds }
      .flatMap { Double($0.value) }
    let rateHz = Double(loaded.model.frontEnd?.sampleRateMillihertz ?? 0) / 1000
    guard let seconds, (0...10).contains(seconds) else { return 0 }
    return Int((seconds * rateHz).rounded())
  }

  /// Runs all samples and gathers the decisions.
  ///
  /// - Throws: `FileError` where the detector can't run at the model's rate.
  public func run(progress: ProgressHandler? = nil) throws(FileError) {
    try runSamples(progress: progress)
    gatherDecisions(outputCount: loaded.model.output.byteCount)
  }

  /// Runs all samples: after its start, and without a twin, it leaves the heap alone.
  ///
  /// - Throws: `FileError` where the detector can't run at the model's rate.
  public func runSamples(progress: ProgressHandler? = nil) throws(FileError) {
    let model = loaded.model
    let memory = AlignedMemory(byteCount: model.stateByteCount + model.scratchByteCount)
    let state = UnsafeMutableRawBufferPointer(rebasing: memory.bytes[..<model.stateByteCount])
    let scratch = UnsafeMutableRawBufferPointer(rebasing: memory.bytes[model.stateByteCount...])
    let logits = UnsafeMutableBufferPointer<Int8>.allocate(capacity: model.output.byteCount)
    defer { logits.deallocate() }
    let columnCapacity = acquisition.samples.count / (model.frontEnd?.hopSamples ?? 1) + 1
    columns.reserveCapacity(columnCapacity * model.input.columnByteCount)
    moments.reserveCapacity(columnCapacity)
    logitCodes.reserveCapacity(columnCapacity * model.output.byteCount)
    var schedule = DecisionSchedule(policy, delaySamples: delaySamples, capacity: columnCapacity)
    do throws(MemoryError) {
      var pipeline = try StreamingPipeline(model: model, state: state, scratch: scratch)
      var detector = try DetectorStage(
        policy == .detectedBeats ? model.frontEnd?.sampleRateMillihertz : nil)
      var twinStage = try TwinStage(twin == nil ? nil : model)
      let start = ContinuousClock.now
      let stepCount = 64
      let samplesPerStep = acquisition.samples.count / stepCount + 1
      for (index, sample) in acquisition.samples.enumerated() {
        if let ago = detector.push(sample) { schedule.add(beat: index - ago) }
        let isColumn = pipeline.push(sample)
        if let twin { compareColumn(twin, &twinStage, sample: sample) }
        guard isColumn else { continue }
        columns.append(contentsOf: pipeline.newestColumn)
        while pipeline.isWindowFull, let beat = schedule.next(at: index) {
          pipeline.decide(into: logits)
          logitCodes.append(contentsOf: logits)
          moments.append((index, beat.sample))
          if let twin { compareDecision(twin, logits) }
        }
        if index % samplesPerStep < 8 {
          progress?(TaskProgress(completed: index, total: acquisition.samples.count))
        }
      }
      loopSeconds = (ContinuousClock.now - start) / .seconds(1)
      progress?(TaskProgress(completed: acquisition.samples.count, total: acquisition.samples.count))
    } catch {
      throw .malformed(
        acquisition.recordName, "can't be streamed through this model (\(error))",
        remedy: "decide by the clock with --every")
    }
  }

  private func compareColumn(_ twin: FloatTwin, _ stage: inout TwinStage, sample: Int16) {
    let isComplete = twin.push(sample)
    guard stage.push(sample), isComplete else { return }
    stage.compare(
      with: twin.spectrogram, microvoltsPerCount: Double(acquisition.profile.microvoltsPerCount),
      spectrum: &spectrum, codes: &codes)
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
    guard let model, let plan = model.frontEnd else {
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

  /// Compares the newest column: its transform, part by part, and its codes.
  mutating func compare(
    with reference: ReferenceSpectrogram, microvoltsPerCount: Double, spectrum: inout SignalToNoise,
    codes: inout SignalToNoise
  ) {
    column.withUnsafeMutableBufferPointer { spectrogram?.computeColumn(into: $0.baseAddress!) }
    for bin in column.indices {
      guard let part = spectrogram?.spectrum(at: bin) else { return }
      let scale = exp2(Double(part.exponent)) * microvoltsPerCount
      let right = reference.latestSpectrum(at: bin)
      spectrum.add(reference: right.real, measured: Double(part.real) * scale)
      spectrum.add(reference: right.imaginary, measured: Double(part.imaginary) * scale)
      let code = reference.latestColumn[bin].rounded() + Double(SpectrogramSettings.zeroLevelCode)
      codes.add(reference: code, measured: Double(column[bin]))
    }
  }
}

/// What is to be decided about, and when.
struct DecisionSchedule {
  /// A beat, or a moment of the clock.
  struct Beat {
    /// The beat's sample; nil for a moment of the clock.
    var sample: Int?
  }

  private let policy: DecisionPolicy
  private let delaySamples: Int
  private var pending: [Int] = []
  private var next = 0
  private var columnCount = 0
  private var lastSample = -1

  init(_ policy: DecisionPolicy, delaySamples: Int, capacity: Int) {
    self.policy = policy
    self.delaySamples = delaySamples
    pending.reserveCapacity(capacity)
    if case .givenBeats(let beats) = policy { pending += beats }
  }

  mutating func add(beat: Int) { pending.append(beat) }

  /// What is due at a column that is complete at a sample; call until it returns nil.
  mutating func next(at sample: Int) -> Beat? {
    if case .everyColumns(let interval) = policy {
      // The clock strikes once a column at most; the second call at the same sample finds nothing due.
      if lastSample == sample { return nil }
      lastSample = sample
      columnCount += 1
      return columnCount % interval == 0 ? Beat(sample: nil) : nil
    }
    guard next < pending.count, pending[next] + delaySamples <= sample else { return nil }
    next += 1
    return Beat(sample: pending[next - 1])
  }
}
