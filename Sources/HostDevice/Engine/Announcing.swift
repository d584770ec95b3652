import ModelFiles
import QuantInfer
import Tasks

/// How a simulated device announces: the policy, the watch over its signal, and its sleep.
package struct Announcing: Codable, Equatable, Sendable {
  /// The raw decisions of which the majority counts, in 1...31.
  package var majority = 1
  /// The times in a row that a new class must come before it is announced, in 1...255.
  package var hysteresis = 1
  /// The margin with which a new class is announced at once, in codes; 0 for none.
  package var hysteresisMarginCodes = 0
  /// The margin below which there is no result, in codes; 0 for none.
  package var minimumMarginCodes = 0
  /// The deviation of a beat's interval from the median that wakes the network, in percent; 0 for one that never sleeps.
  package var wakePercent = 0
  /// Whether a beat's RR interval moves the decision about it; see `RhythmPrior`.
  package var rhythm = false

  /// Each raw decision is announced as it comes.
  package init() {}

  /// The same with RR intervals beside the network.
  package static var withRhythm: Announcing {
    var announcing = Announcing()
    announcing.rhythm = true
    return announcing
  }

  /// Whether announcements differ from raw decisions wherever the signal is good.
  package var isAny: Bool { self != Announcing() }

  /// What is impossible in the settings, in words; nil where nothing is.
  package var problem: String? {
    let majorities = 1...AnnouncementPolicy.greatestMajorityCount
    let hystereses = 1...AnnouncementPolicy.greatestHysteresisCount
    if !majorities.contains(majority) {
      return "--majority must be in 1 ... \(majorities.upperBound) decisions"
    }
    if !hystereses.contains(hysteresis) {
      return "--hysteresis must be in 1 ... \(hystereses.upperBound) decisions"
    }
    if !(0...255).contains(hysteresisMarginCodes) { return "--hysteresis-margin must be in 0 ... 255 codes" }
    if !(0...255).contains(minimumMarginCodes) { return "--min-margin must be in 0 ... 255 codes" }
    if !(0...1000).contains(wakePercent) { return "--wake-rr must be in 1 ... 1,000 %" }
    return nil
  }

  /// The settings in words; empty where each decision is announced as it comes.
  package var phrases: [String] {
    var phrases: [String] = []
    if rhythm { phrases.append("RR intervals beside the network") }
    if majority > 1 { phrases.append("majority of \(majority)") }
    if hysteresis > 1 { phrases.append("a new class \(hysteresis) times in a row") }
    if hysteresisMarginCodes > 0 {
      phrases.append("at once from a margin of \(Self.codes(hysteresisMarginCodes))")
    }
    if minimumMarginCodes > 0 { phrases.append("margin of \(Self.codes(minimumMarginCodes)) at least") }
    if wakePercent > 0 { phrases.append("asleep while RR is within \(wakePercent) % of its median") }
    return phrases
  }

  private static func codes(_ count: Int) -> String { "\(count) code\(count == 1 ? "" : "s")" }
}

/// When the device decides, with the beats that are given to it.
package enum DecisionTiming: Equatable, Sendable {
  /// After each beat that the runtime's detector finds.
  case detectedBeats
  /// After each of these beats, in samples at the model's rate: a record's own annotations, say.
  case givenBeats([Int])
  /// Every so many columns.
  case everyColumns(Int)

  /// Whether decisions are about beats.
  package var isAboutBeats: Bool { pace == .detectedBeats || pace == .givenBeats }

  /// What the runtime is told.
  var pace: Monitor.Pace {
    switch self {
    case .detectedBeats: .detectedBeats
    case .givenBeats: .givenBeats
    case .everyColumns(let count): .everyColumns(count)
    }
  }

  /// The beats that are given.
  var givenBeats: [Int] {
    if case .givenBeats(let beats) = self { beats } else { [] }
  }
}

extension Monitor.Pace {
  /// By the clock where the model's provenance says so, otherwise after detected beats.
  package init(_ loaded: LoadedModel) {
    self = loaded.decisionHopColumns.map { .everyColumns($0) } ?? .detectedBeats
  }
}

extension Monitor.Options {
  /// The options of the device that ships: of `stream` and of all that is measured of it.
  ///
  /// - Parameters:
  ///   - timing: When to decide.
  ///   - announcing: What becomes of decisions.
  ///   - loaded: The model; it must have a front end.
  ///   - converter: The device's converter.
  package init(
    _ timing: DecisionTiming, announcing: Announcing = Announcing(), of loaded: LoadedModel,
    converter: AnalogConverter
  ) {
    self.init()
    pace = timing.pace
    delaySamples = loaded.beatWindow?.delaySamples ?? 0
    self.policy.majorityCount = announcing.majority
    self.policy.hysteresisCount = announcing.hysteresis
    self.policy.hysteresisMarginCodes = announcing.hysteresisMarginCodes
    self.policy.minimumMarginCodes = announcing.minimumMarginCodes
    if let frontEnd = loaded.model.frontEnd {
      quality = .init(converter, frontEnd: frontEnd, columnCount: loaded.model.input.timeCount)
    }
    if loaded.model.leadCount > 1, loaded.task?.lostLead == .goOn { lostLead = .goOn }
    wakePercent = announcing.wakePercent
    rhythmPrior = announcing.rhythm ? loaded.rhythmPrior : nil
  }

  /// The figures that a firmware takes of them, with their names; the policy's come from whoever builds it.
  package var figures: [(name: String, value: Int32)] {
    let rhythm = rhythmPrior ?? .init(classIndex: -1, codesPerOctave: 0, neutralPartLog2Q16: 0)
    return [
      ("samples from a beat to its decision", Int32(clamping: delaySamples)),
      ("lowest count", Int32(quality.lowestCount)), ("highest count", Int32(quality.highestCount)),
      ("counts of a flat line", quality.flatCounts), ("samples of a flat line", quality.flatSamples),
      ("samples of a saturated signal", quality.saturatedSamples),
      ("samples within which they lie", quality.saturationSpanSamples),
      ("samples until the window is good again", quality.refillSamples),
      ("rhythm class", Int32(clamping: rhythm.classIndex)),
      ("codes an octave of the interval", Int32(clamping: rhythm.codesPerOctave)),
      ("neutral interval, log2 in Q16", rhythm.neutralPartLog2Q16),
    ]
  }

  /// The options of a device that never sleeps.
  package var wakeful: Monitor.Options {
    var options = self
    options.wakePercent = 0
    return options
  }
}

extension SignalQuality.Limits {
  /// A flat line keeps within 5 uV, the step of MIT-BIH's converter.
  package static let flatMicrovolts: Float = 5
  /// It does for a quarter of a second: three times as long as any stretch of the 48 records of MIT-BIH.
  package static let flatSeconds = 0.25
  /// A converter whose steps are coarser shows a quiet heart as a line: then a flat line lasts 2 s.
  package static let coarseFlatSeconds = 2.0
  /// At the converter's ends for 50 ms in all: longer than a pacemaker's spike, shorter than a QRS complex.
  package static let saturatedSeconds = 0.05
  /// Within half a second: less than a beat's interval.
  package static let saturationSpanSeconds = 0.5

  /// The limits for a converter and a model's window.
  ///
  /// The signal is good again when the window holds good samples alone and the high-pass filter has forgotten 95 % of
  /// the step that ended the bad ones: three time constants.
  package init(_ converter: AnalogConverter, frontEnd: FrontEndPlan, columnCount: Int) {
    // A beat's points reach over the ring at most.
    if let beats = frontEnd.beats {
      self.init(
        converter, sampleRateHz: Double(frontEnd.sampleRateMillihertz) / 1000,
        refillSamples: beats.leadSamples + beats.nextLimitSamples + beats.hopSamples)
      return
    }
    let settling = frontEnd.highPassShift > 0 ? 3 << Int(frontEnd.highPassShift) : 0
    self.init(
      converter, sampleRateHz: Double(frontEnd.sampleRateMillihertz) / 1000,
      refillSamples: (columnCount - 1) * frontEnd.hopSamples + frontEnd.windowSamples + settling)
  }

  /// The limits for a converter at a rate; the signal is good again after so many samples.
  package init(_ converter: AnalogConverter, sampleRateHz rateHz: Double, refillSamples: Int) {
    func samples(_ seconds: Double) -> Int32 { Int32(max(2, (seconds * rateHz).rounded())) }
    let end = 1 << (converter.bits - 1)
    let flatCounts = Int32(min(32767, (Self.flatMicrovolts / converter.microvoltsPerCount).rounded(.down)))
    self.init(
      lowestCount: Int16(-end), highestCount: Int16(end - 1), flatCounts: flatCounts,
      flatSamples: samples(flatCounts > 0 ? Self.flatSeconds : Self.coarseFlatSeconds),
      saturatedSamples: samples(Self.saturatedSeconds),
      saturationSpanSamples: samples(Self.saturationSpanSeconds),
      refillSamples: Int32(clamping: refillSamples))
  }
}

extension LoadedModel {
  /// The converter of so many bits that the model was made for; it must have a front end.
  package func converter(bits: Int) -> AnalogConverter {
    AnalogConverter(
      bits: bits,
      microvoltsPerCount: model.frontEnd.map { Float(bitPattern: $0.microvoltsPerCountBits) } ?? 1)
  }
}

extension NoResult {
  /// All reasons, in the order in which a report has them.
  package static let all: [NoResult] = [
    .windowNotFull, .flatLine, .saturation, .refilling, .unsoundState, .lowMargin,
  ]

  /// The reason's key in JSON.
  package var key: String {
    switch self {
    case .windowNotFull: "windowNotFull"
    case .flatLine: "flatLine"
    case .saturation: "saturation"
    case .refilling: "refilling"
    case .unsoundState: "unsoundState"
    case .lowMargin: "lowMargin"
    }
  }

  /// The reason in words.
  package var words: String {
    switch self {
    case .windowNotFull: "window not full, or nothing decided yet"
    case .flatLine: "flat line"
    case .saturation: "saturation"
    case .refilling: "good signal again, but not yet a decision about it"
    case .unsoundState: "unsound state"
    case .lowMargin: "low margin"
    }
  }
}
