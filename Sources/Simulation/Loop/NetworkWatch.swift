import HostDevice
import ModelFiles
import Networks
import QuantInfer
import Tasks

/// Tells why a device asked its network, or woke it, at each decision.
final class NetworkWatch {
  private let asked: AskedBeats?
  /// The runtime's own watch of intervals, beside that of a device that sleeps.
  private var rhythm: RunningRhythm?
  private let options: Monitor.Options

  /// A watch; nil where the network runs at every decision, or where the clock decides.
  init?(_ loaded: LoadedModel, _ options: Monitor.Options, timing: DecisionTiming) {
    guard timing.isAboutBeats, let frontEnd = loaded.model.frontEnd else { return nil }
    asked = AskedBeats(
      SpectrogramSettings(frontEnd, leadCount: loaded.model.leadCount),
      microvoltsPerCount: Float(bitPattern: frontEnd.microvoltsPerCountBits))
    rhythm = options.wakePercent == 0 ? nil : RunningRhythm(percent: Int(options.wakePercent))
    self.options = options
    if asked == nil, rhythm == nil { return nil }
  }

  /// Takes a sample of the first lead.
  func push(_ sample: Int16) { asked?.push(sample) }

  /// Takes a decision of the device, or a beat that it passed over.
  ///
  /// - Parameters:
  ///   - decision: The decision.
  ///   - sample: The sample after which it was made.
  ///   - noResult: Why there was no result before it; nil where there was one.
  ///   - isPassed: Whether there was no whole window about the beat, or no good signal.
  /// - Returns: Why the network ran; nil where it didn't.
  func reason(
    of decision: Monitor.Decision, at sample: Int, noResult: NoResult?, isPassed: Bool
  ) -> AskingReason? {
    guard let age = decision.beatAge else { return nil }
    let irregularity = rhythm?.take(beatAt: sample - age)
    guard !isPassed else {
      asked?.skip(beat: age)
      return nil
    }
    if let asked { return asked.reason(ofBeat: age) }
    guard decision.hasLogits else { return nil }
    return irregularity ?? (noResult == nil ? nil : .silence)
  }
}

/// The runtime's watch of intervals in memory of its own.
private struct RunningRhythm: ~Copyable {
  private var watch: RhythmWatch
  private let memory: AlignedMemory
  private var lastBeat: Int?
  private var intervalCount = 0

  init?(percent: Int) {
    memory = AlignedMemory(byteCount: RhythmWatch.stateByteCount)
    guard let watch = try? RhythmWatch(percent: percent, state: memory.bytes) else { return nil }
    self.watch = watch
  }

  /// Takes a beat, and tells why it would wake a network; nil where it wouldn't.
  mutating func take(beatAt sample: Int) -> AskingReason? {
    defer { lastBeat = sample }
    guard let lastBeat else { return .learning }
    let isIrregular = watch.push(Int32(clamping: sample - lastBeat))
    intervalCount += 1
    guard intervalCount > RhythmWatch.intervalCount else { return .learning }
    return isIrregular ? .interval : nil
  }
}
