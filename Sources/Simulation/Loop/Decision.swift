import HostDevice
import QuantInfer
import Support

/// When the device decides.
package enum DecisionPolicy: Equatable, Sendable {
  /// After each beat that the runtime's detector finds.
  case detectedBeats
  /// After each of these beats, in samples at the model's rate: a record's own annotations, say.
  case givenBeats([Int])
  /// Every so many columns.
  case everyColumns(Int)
}

/// A decision of the device, and its twin's.
///
/// The logits are those of a device that never sleeps; what a sleeping one says is in the announcement.
package struct DeviceDecision: Equatable, Sendable {
  /// The sample, counted from 0, after which the device decided.
  package var sample: Int
  /// The beat that it decided about; nil where decisions come by the clock.
  package var beatSample: Int?
  /// The device's logits.
  package var fixedLogits: [Float]
  /// The float twin's logits; nil without a twin.
  package var floatLogits: [Float]?
  /// What the device said: the class after its policy, no result, or that it slept.
  package var announcement: Announcement

  /// The class that the device announced; nil where it slept or had no result.
  package var announcedClass: Int? {
    if case .result(let classIndex, _) = announcement { return classIndex }
    return nil
  }

  /// The device's class: that of the largest logit, the first of equal ones.
  package var fixedClass: Int { fixedLogits.placeOfLargest }
  /// The twin's class.
  package var floatClass: Int? { floatLogits?.placeOfLargest }

  /// Whether the device and its twin decided differently.
  package var differs: Bool { floatClass.map { $0 != fixedClass } ?? false }
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
  private var hasStruck = false

  init(_ policy: DecisionPolicy, delaySamples: Int, capacity: Int) {
    self.policy = policy
    self.delaySamples = delaySamples
    pending.reserveCapacity(capacity)
    if case .givenBeats(let beats) = policy { pending += beats }
  }

  /// The beats that are still to be decided about.
  var pendingCount: Int { pending.count - next }

  mutating func add(beat: Int) { pending.append(beat) }

  /// What is due at a column that is complete at a sample; call until it returns nil.
  ///
  /// What is due waits while the network's strides don't allow a decision, as in the runtime's `Monitor`.
  mutating func next(at sample: Int, isPossible: Bool) -> Beat? {
    if case .everyColumns(let interval) = policy {
      // The clock strikes once a column at most; the second call at the same sample finds nothing due.
      if lastSample != sample {
        lastSample = sample
        columnCount += 1
        if columnCount % interval == 0 { hasStruck = true }
      }
      guard hasStruck, isPossible else { return nil }
      hasStruck = false
      return Beat(sample: nil)
    }
    guard isPossible, next < pending.count, pending[next] + delaySamples <= sample else { return nil }
    next += 1
    return Beat(sample: pending[next - 1])
  }
}

extension Feasibility.Schedule {
  /// The pace of a run's decisions: the clock's interval, or beats at their mean rate.
  ///
  /// Without a decision the rate is that of a heart at rest.
  ///
  /// - Parameters:
  ///   - decisions: The run's decisions.
  ///   - findsBeats: Whether the runtime's own detector ran.
  ///   - sampleRateHz: The rate of its samples.
  ///   - durationSeconds: Its length.
  package init(
    _ decisions: [DeviceDecision], findsBeats: Bool, sampleRateHz: Double, durationSeconds: Double
  ) {
    if !findsBeats, let first = decisions.first, first.beatSample == nil {
      let second = decisions.dropFirst().first
      self = .every(
        seconds: second.map { Double($0.sample - first.sample) / sampleRateHz } ?? durationSeconds)
    } else {
      let rate = decisions.isEmpty ? 70 / 60 : Double(decisions.count) / durationSeconds
      self = findsBeats ? .detectedBeats(perSecond: rate) : .givenBeats(perSecond: rate)
    }
  }

  /// Takes a run's observed sleep: only waking decisions cost, and a streaming network's columns only then.
  mutating func sleep(_ sleep: ObservedSleep, durationSeconds: Double) {
    decisionsPerSecond = Double(max(1, sleep.awakeDecisions)) / durationSeconds
    findsBeats = true
    self.sleep = Sleep(
      columnsPerSecond: Double(sleep.columns) / durationSeconds, columnsPerBurst: sleep.greatestBurst,
      ringBytes: sleep.ringBytes)
  }
}
