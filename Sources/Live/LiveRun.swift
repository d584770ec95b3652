import Foundation
import HostDevice
import ModelFiles
import Simulation
import Support
import Synchronization

/// A run that readers look at while it goes: what its last seconds held, at the pace that was asked for.
///
/// The device never waits for a reader: it leaves what came here, and a reader asks for what is new.
package final class LiveRun: StreamWatcher {
  /// The seconds of the record that are kept for readers.
  static let keptSeconds = 12.0

  private struct State {
    var run: WatchedRun?
    /// What is kept, frame by frame a sample of each lead.
    var frames: [Int16] = []
    /// The number of the first frame, and of the first decision, that is kept.
    var firstSample = 0
    var decisions: [DeviceDecision] = []
    var agreement = (same: 0, all: 0)
    var decisionCount = 0
    var announced: Int?
    var noResult: String?
    var microamps: Estimate?
    var board: TargetResult?
    var isPaused = false
    var isFinished = false
    /// When the next step is due, in seconds of the machine's clock, and when the current was reckoned anew.
    var due = 0.0
    var reckoned = -Double.infinity
    /// When a reader was last here, and whether one saw the end.
    var lastRead = -Double.infinity
    var isEndRead = false
  }

  private let state = Mutex(State())
  /// How many times faster than the record's own time.
  private let pace: Double

  /// Prepares a run.
  ///
  /// - Parameter pace: How many times faster than the record's own time it goes, above 0.
  package init(pace: Double) {
    self.pace = pace
  }

  private static var now: Double { ProcessInfo.processInfo.systemUptime }

  package func begin(_ run: WatchedRun) {
    state.withLock {
      $0.run = run
      $0.due = Self.now
    }
  }

  package func follow(_ step: WatchedStep) {
    let microamps = newCurrent(step)
    state.withLock { state in
      guard let run = state.run else { return }
      let leadCount = run.leads.count
      state.frames += step.frames
      state.decisions += step.decisions
      state.decisionCount += step.decisions.count
      state.agreement = step.agreement
      state.noResult = step.noResult?.words
      if let newest = step.decisions.last { state.announced = newest.announcedClass }
      if let microamps { (state.microamps, state.reckoned) = (microamps, Self.now) }
      let kept = Int(Self.keptSeconds * run.sampleRateHz)
      let dropped = max(0, state.frames.count / leadCount - kept)
      state.frames.removeFirst(dropped * leadCount)
      state.firstSample += dropped
      let first = state.firstSample
      state.decisions.removeAll { ($0.beatSample ?? $0.sample) < first }
      state.due =
        max(state.due, Self.now - 0.25) + Double(step.frames.count / leadCount) / run.sampleRateHz / pace
    }
    waitUntilDue()
  }

  package func follow(board: TargetResult) {
    state.withLock { $0.board = board }
  }

  /// The current that the run so far stands for; nil where it was reckoned less than a second ago, or can't be.
  private func newCurrent(_ step: WatchedStep) -> Estimate? {
    let run = state.withLock { $0.reckoned < Self.now - 1 ? $0.run : nil }
    guard let run, step.schedule.decisionsPerSecond > 0 else { return nil }
    let verdict = Feasibility(run.loaded, on: run.profile, schedule: step.schedule)
    return verdict?.modes.first?.criterion(.averageCurrent)?.estimate
  }

  private func waitUntilDue() {
    while true {
      let wait = state.withLock { state in
        if state.isPaused { state.due = Self.now }
        return state.isPaused ? 0.02 : state.due - Self.now
      }
      guard wait > 0 else { return }
      Thread.sleep(forTimeInterval: min(wait, 0.02))
    }
  }

  /// Holds the run, or lets it go on.
  package func pause(_ isPaused: Bool) {
    state.withLock { $0.isPaused = isPaused }
  }

  /// Says that the run is over, and gives a reader who was here just before a moment to see it.
  package func finish() {
    state.withLock { $0.isFinished = true }
    let end = Self.now + 2
    while Self.now < end,
      state.withLock({ $0.lastRead > Self.now - 2 && !$0.isEndRead })
    {
      Thread.sleep(forTimeInterval: 0.02)
    }
  }

  /// What a reader sees who has all samples before one.
  ///
  /// - Parameter from: The first sample that is wanted, counted from 0; from the first one kept where that is gone.
  /// - Returns: It; nil before the run begins.
  package func snapshot(from: Int) -> LiveSnapshot? {
    state.withLock { state in
      guard let run = state.run else { return nil }
      state.lastRead = Self.now
      if state.isFinished { state.isEndRead = true }
      let leadCount = run.leads.count
      let end = state.firstSample + state.frames.count / leadCount
      let first = min(max(from, state.firstSample), end)
      let converter = run.profile.converter
      let names = run.loaded.classNames
      return LiveSnapshot(
        phase: state.isFinished
          ? .finished : state.isPaused ? .paused : state.board != nil ? .board : .running,
        seconds: Double(end) / run.sampleRateHz, firstSample: first,
        microvolts: run.leads.indices.map { lead in
          stride(
            from: (first - state.firstSample) * leadCount + lead, to: state.frames.count, by: leadCount
          ).map { Int((Float(state.frames[$0]) * converter.microvoltsPerCount).rounded()) }
        },
        decisions: state.decisions.map { decision in
          LiveSnapshot.Decision(
            sample: decision.beatSample ?? decision.sample, device: names[decision.fixedClass],
            float: decision.floatClass.map { names[$0] },
            announced: decision.announcedClass.map { names[$0] })
        },
        decisionCount: state.decisionCount,
        agreeing: run.hasTwin ? state.agreement.same : nil, compared: state.agreement.all,
        announced: state.noResult == nil ? state.announced.map { names[$0] } : nil, noResult: state.noResult,
        beatsPerMinute: Self.rate(state.decisions, sampleRateHz: run.sampleRateHz),
        microamps: state.microamps,
        board: state.board.map {
          .init(
            seconds: Double($0.samples) / run.sampleRateHz, compared: $0.compared, differing: $0.differing)
        })
    }
  }

  /// What stays the same while a run goes; nil before it begins.
  package var facts: WatchedRun? { state.withLock { $0.run } }

  /// The mean rate of the beats that are kept; nil with fewer than two.
  static func rate(_ decisions: [DeviceDecision], sampleRateHz: Double) -> Double? {
    let beats = decisions.compactMap(\.beatSample)
    guard let first = beats.first, let last = beats.last, last > first else { return nil }
    return 60 * Double(beats.count - 1) * sampleRateHz / Double(last - first)
  }
}

/// What a reader is sent: the run's state, and what is new.
package struct LiveSnapshot: Encodable, Sendable {
  /// What the run is doing.
  package enum Phase: String, Encodable, Sendable {
    case running, paused, board, finished
  }

  /// A decision of the last seconds.
  package struct Decision: Encodable, Sendable {
    /// The beat's sample, or the decision's where it comes by the clock.
    package var sample: Int
    /// The classes: the device's, its float twin's, and what was announced; null where there is none.
    package var device: String
    package var float: String?
    package var announced: String?
  }

  /// What a board has done.
  package struct Board: Encodable, Sendable {
    /// The record's time that it has reached.
    package var seconds: Double
    /// What was compared with the host's, and what of it differed.
    package var compared: Int
    package var differing: Int
  }

  /// What the run is doing.
  package var phase: Phase
  /// The record's time that the device has reached.
  package var seconds: Double
  /// The number of the first of each lead's `microvolts`.
  package var firstSample: Int
  /// Each lead as the device took it, in microvolts.
  package var microvolts: [[Int]]
  /// The decisions about the samples that are kept.
  package var decisions: [Decision]
  /// All decisions so far.
  package var decisionCount: Int
  /// The decisions that were the same class on both twins; null without a twin.
  package var agreeing: Int?
  /// The decisions that were compared.
  package var compared: Int
  /// The class that stands announced; null where there is no result.
  package var announced: String?
  /// Why there is no result; null where there is one.
  package var noResult: String?
  /// The mean rate over the beats of the last seconds; null where fewer than two were decided about.
  package var beatsPerMinute: Double?
  /// The estimated current of the network, in microamperes; null where the profile has no currents.
  package var microamps: Estimate?
  /// The board; null before it begins.
  package var board: Board?
}
