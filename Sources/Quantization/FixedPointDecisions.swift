import QuantInfer
import Training

/// A device's converter: microvolts in, signed counts out.
public struct AnalogConverter: Equatable, Sendable {
  /// The counts' width.
  public let bits: Int
  /// The microvolts that one count stands for.
  public let microvoltsPerCount: Float

  /// Creates a converter; `bits` in `2...16`, `microvoltsPerCount` above 0.
  public init(bits: Int, microvoltsPerCount: Float) {
    precondition((2...16).contains(bits) && microvoltsPerCount > 0, "no such converter")
    self.bits = bits
    self.microvoltsPerCount = microvoltsPerCount
  }

  /// Creates a converter from its range, from the lowest count to the highest; `bits` in `2...16`.
  public init(bits: Int, rangeMillivolts: Double) {
    self.init(bits: bits, microvoltsPerCount: Float(rangeMillivolts * 1000 / Double(1 << bits)))
  }

  /// The count nearest to a voltage, saturated; 0 where there is no voltage.
  public func count(ofMicrovolts microvolts: Float) -> Int16 {
    let count = (microvolts / microvoltsPerCount).rounded()
    guard !count.isNaN else { return 0 }
    let limit = Float(1 << (bits - 1))
    return Int16(min(max(count, -limit), limit - 1))
  }

  /// The signal as the device hears it: rounded to counts and saturated.
  public func heard(_ signal: LabelledSignal) -> LabelledSignal {
    var heard = signal
    heard.microvolts = signal.microvolts.map { Float(count(ofMicrovolts: $0)) * microvoltsPerCount }
    return heard
  }
}

/// An int8 model's decisions about labelled beats, taken as the device takes them: sample by sample.
public struct FixedPointDecisions: Sendable {
  /// The windows' size and place.
  public let window: BeatWindow
  /// The converter that the model was made for.
  public let converter: AnalogConverter
  private let model: LoadedModel

  /// Prepares a model.
  ///
  /// - Throws: `InvalidNetwork` where the model can't stream, or its provenance lacks the decision's delay.
  public init(_ model: LoadedModel) throws(InvalidNetwork) {
    guard let frontEnd = model.model.frontEnd, model.model.isStreamable else {
      throw InvalidNetwork("the model takes no samples: it has no front end or can't stream")
    }
    var settings = SpectrogramSettings()
    settings.sampleRateHz = Double(frontEnd.sampleRateMillihertz) / 1000
    settings.windowSamples = frontEnd.windowSamples
    settings.hopSamples = frontEnd.hopSamples
    settings.firstBin = frontEnd.firstBin
    settings.binCount = frontEnd.binCount
    settings.highPassShift = Int(frontEnd.highPassShift)
    if let problem = settings.problem { throw InvalidNetwork(problem) }
    guard let delay = model.value(of: ModelMetadata.decisionDelaySeconds).flatMap(Double.init),
      (0...60).contains(delay)
    else { throw InvalidNetwork("the model doesn't tell how long after a beat it decides") }
    let bits = model.value(of: ModelMetadata.converterBits).flatMap { Int($0) } ?? 16
    let microvoltsPerCount = Float(bitPattern: frontEnd.microvoltsPerCountBits)
    guard (2...16).contains(bits), microvoltsPerCount > 0, microvoltsPerCount.isFinite else {
      throw InvalidNetwork("the model's converter is impossible")
    }
    window = BeatWindow(
      settings: settings, columnCount: model.model.input.timeCount, delaySeconds: delay)
    converter = AnalogConverter(bits: bits, microvoltsPerCount: microvoltsPerCount)
    self.model = model
  }

  /// The decisions about a signal's beats that have whole windows, in the order of `EvaluationWindows`.
  ///
  /// - Throws: `MemoryError`, which `init(_:)` has ruled out.
  public func decisions(about signal: LabelledSignal) throws(MemoryError) -> [BeatDecision] {
    let beats = signal.beats.compactMap { beat in
      window.columns(ofBeatAt: beat.sample, inRecordOf: signal.microvolts.count).map {
        (beat: beat, lastColumn: $0.upperBound - 1)
      }
    }
    let logits = try logits(atColumns: Set(beats.map(\.lastColumn)), of: signal.microvolts)
    return beats.map { beat, lastColumn in
      BeatDecision(
        record: signal.record, sample: beat.sample, classIndex: beat.classIndex,
        logits: logits[lastColumn, default: []])
    }
  }

  /// The logits of the windows that end with the columns wanted.
  private func logits(
    atColumns wanted: Set<Int>, of microvolts: [Float]
  ) throws(MemoryError) -> [Int: [Float]] {
    let state = AlignedMemory(byteCount: model.model.stateByteCount)
    let scratch = AlignedMemory(byteCount: model.model.scratchByteCount)
    defer { withExtendedLifetime((model, state, scratch)) {} }
    var pipeline = try StreamingPipeline(model: model.model, state: state.bytes, scratch: scratch.bytes)
    var codes = [Int8](repeating: 0, count: model.model.output.byteCount)
    var logits: [Int: [Float]] = [:]
    var column = -1
    for sample in microvolts where pipeline.push(converter.count(ofMicrovolts: sample)) {
      column += 1
      guard wanted.contains(column) else { continue }
      codes.withUnsafeMutableBufferPointer { pipeline.decide(into: $0) }
      logits[column] = codes.map { Float(model.logit($0)) }
    }
    return logits
  }
}

extension ModelMetadata {
  /// The width of the converter's counts.
  public static let converterBits = "converterBits"
}

extension LoadedModel {
  /// A value of the provenance; nil where it isn't there.
  public func value(of key: String) -> String? {
    metadata.first { $0.key == key }?.value
  }
}
