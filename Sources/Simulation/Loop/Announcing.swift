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

  /// Whether announcements differ from raw decisions wherever the signal is good.
  package var isAny: Bool { self != Announcing() }

  /// What is impossible in the settings, in words; nil where nothing is.
  package var problem: String? {
    let majorities = 1...AnnouncementPolicy.greatestMajorityCount
    let hystereses = 1...AnnouncementPolicy.greatestHysteresisCount
    if !majorities.contains(majority) { return "a majority not in 1 ... \(majorities.upperBound) decisions" }
    if !hystereses.contains(hysteresis) {
      return "a hysteresis not in 1 ... \(hystereses.upperBound) decisions"
    }
    if !(0...255).contains(hysteresisMarginCodes) { return "a hysteresis margin not in 0 ... 255 codes" }
    if !(0...255).contains(minimumMarginCodes) { return "a minimum margin not in 0 ... 255 codes" }
    if !(0...1000).contains(wakePercent) { return "a deviation to wake by not in 0 ... 1,000 %" }
    return nil
  }

  /// The settings in words; empty where each decision is announced as it comes.
  package var phrases: [String] {
    var phrases: [String] = []
    if rhythm { phrases.append("RR intervals beside the network") }
    if majority > 1 { phrases.append("majority of \(majority)") }
    if hysteresis > 1 { phrases.append("a new class \(hysteresis) times in a row") }
    if hysteresisMarginCodes > 0 { phrases.append("at once from a margin of \(hysteresisMarginCodes) codes") }
    if minimumMarginCodes > 0 { phrases.append("margin of \(minimumMarginCodes) codes at least") }
    if wakePercent > 0 { phrases.append("asleep while RR is within \(wakePercent) % of its median") }
    return phrases
  }

  /// A monitor's options.
  func options(
    _ policy: DecisionPolicy, _ loaded: LoadedModel, frontEnd: FrontEndPlan, converter: AnalogConverter
  ) -> Monitor.Options {
    var options = Monitor.Options()
    options.pace =
      switch policy {
      case .detectedBeats: .detectedBeats
      case .givenBeats: .givenBeats
      case .everyColumns(let count): .everyColumns(count)
      }
    options.delaySamples = loaded.beatWindow?.delaySamples ?? 0
    options.policy.majorityCount = majority
    options.policy.hysteresisCount = hysteresis
    options.policy.hysteresisMarginCodes = hysteresisMarginCodes
    options.policy.minimumMarginCodes = minimumMarginCodes
    options.quality = .init(converter, frontEnd: frontEnd, columnCount: loaded.model.input.timeCount)
    options.wakePercent = wakePercent
    options.rhythmPrior = rhythm ? loaded.rhythmPrior : nil
    return options
  }
}

extension Monitor.Options {
  /// The options of a device that never sleeps.
  var wakeful: Monitor.Options {
    var options = self
    options.wakePercent = 0
    return options
  }
}

extension SignalQuality.Limits {
  /// A flat line keeps within 5 uV, the step of MIT-BIH's converter.
  static let flatMicrovolts: Float = 5
  /// It does for a quarter of a second: three times as long as any stretch of the 48 records of MIT-BIH.
  static let flatSeconds = 0.25
  /// A converter whose steps are coarser shows a quiet heart as a line: then a flat line lasts 2 s.
  static let coarseFlatSeconds = 2.0
  /// At the converter's ends for 50 ms in all: longer than a pacemaker's spike, shorter than a QRS complex.
  static let saturatedSeconds = 0.05
  /// Within half a second: less than a beat's interval.
  static let saturationSpanSeconds = 0.5

  /// The limits for a converter and a model's window.
  ///
  /// The signal is good again when the window holds good samples alone and the high-pass filter has forgotten 95 % of
  /// the step that ended the bad ones: three time constants.
  package init(_ converter: AnalogConverter, frontEnd: FrontEndPlan, columnCount: Int) {
    let rateHz = Double(frontEnd.sampleRateMillihertz) / 1000
    func samples(_ seconds: Double) -> Int32 { Int32(max(2, (seconds * rateHz).rounded())) }
    let end = 1 << (converter.bits - 1)
    let flatCounts = Int32(min(32767, (Self.flatMicrovolts / converter.microvoltsPerCount).rounded(.down)))
    let settling = frontEnd.highPassShift > 0 ? 3 << Int(frontEnd.highPassShift) : 0
    self.init(
      lowestCount: Int16(-end), highestCount: Int16(end - 1), flatCounts: flatCounts,
      flatSamples: samples(flatCounts > 0 ? Self.flatSeconds : Self.coarseFlatSeconds),
      saturatedSamples: samples(Self.saturatedSeconds),
      saturationSpanSamples: samples(Self.saturationSpanSeconds),
      refillSamples: Int32(
        clamping: (columnCount - 1) * frontEnd.hopSamples + frontEnd.windowSamples + settling))
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

/// The samples and the decisions for which a device had no result, by reason.
package struct Silence: Equatable, Sendable {
  private var samples = [Int](repeating: 0, count: 8)
  private var decisions = [Int](repeating: 0, count: 8)

  mutating func count(_ reason: NoResult?) {
    if let reason { samples[Int(reason.rawValue)] += 1 }
  }

  mutating func countDecision(_ reason: NoResult) { decisions[Int(reason.rawValue)] += 1 }

  /// The samples without a result for a reason.
  package func sampleCount(_ reason: NoResult) -> Int { samples[Int(reason.rawValue)] }
  /// The decisions without a result for a reason: those at which the whole window had come.
  package func decisionCount(_ reason: NoResult) -> Int { decisions[Int(reason.rawValue)] }
  /// The samples without a result.
  package var sampleCount: Int { samples.reduce(0, +) }
  /// The decisions without a result.
  package var decisionCount: Int { decisions.reduce(0, +) }
}

/// What a sleeping network did, held against one that never sleeps.
package struct ObservedSleep: Equatable, Sendable {
  /// The decisions that were due.
  package var decisions = 0
  /// Those that the network woke for.
  package var awakeDecisions = 0
  /// The columns that were computed.
  package var columns = 0
  /// The most that one decision had to wait for.
  package var greatestBurst = 0
  /// The decisions whose logits are not those of a network that never sleeps: 0.
  package var inexactDecisions = 0
  /// The state in which samples wait.
  package let ringBytes: Int

  init(_ loaded: LoadedModel, _ options: Monitor.Options) throws(MemoryError) {
    ringBytes = try Monitor.sampleRingByteCount(model: loaded.model, options: options)
  }

  mutating func count(_ decision: Monitor.Decision, isExact: Bool) {
    decisions += 1
    awakeDecisions += decision.hasLogits ? 1 : 0
    inexactDecisions += isExact ? 0 : 1
  }

  mutating func count(burst columnCount: Int) {
    columns += columnCount
    greatestBurst = max(greatestBurst, columnCount)
  }
}
