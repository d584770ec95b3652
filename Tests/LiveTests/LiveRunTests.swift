import Foundation
import HostDevice
import Live
import Simulation
import TestSupport
import Testing

/// What a reader of a run is sent, beside the run that it tells of.
@Suite struct LiveRunTests {
  private static let options = StreamRun.Options(model: ProjectFiles.model, record: ProjectFiles.record)

  /// Passes a run on, and looks at what a reader would see after each step.
  private final class Reader: StreamWatcher, @unchecked Sendable {
    let live: LiveRun
    private(set) var steps = 0
    private(set) var wrong: [String] = []
    /// Steps at which a beat lay on the very first sample that was kept.
    private(set) var beatsOnTheEdge = 0
    private var decisions: [DeviceDecision] = []

    init(_ live: LiveRun) { self.live = live }

    func begin(_ run: WatchedRun) { live.begin(run) }
    func follow(board: TargetResult) { live.follow(board: board) }

    func follow(_ step: WatchedStep) {
      live.follow(step)
      steps += 1
      decisions += step.decisions
      guard let seen = live.snapshot(from: 0) else { return }
      // Twelve seconds at 128 Hz.
      let first = max(0, step.frames.endIndex - 12 * 128)
      let kept = decisions.compactMap(\.beatSample).filter { $0 >= first }
      if kept.contains(first) { beatsOnTheEdge += 1 }
      if seen.firstSample != first || seen.microvolts[0].count != step.frames.endIndex - first
        || seen.decisions.map(\.sample) != kept
        || abs(seen.seconds - Double(step.frames.endIndex) / 128) > 1e-9
        || seen.decisionCount != decisions.count
      {
        wrong.append("\(step.frames.endIndex): from \(seen.firstSample), \(seen.decisions.map(\.sample))")
      }
    }
  }

  @Test func aReaderSeesTheLastTwelveSecondsAndTheirBeats() throws {
    let reader = Reader(LiveRun(pace: 1e6))
    var options = Self.options
    options.watcher = reader
    let run = try StreamRun.run(options)
    #expect(reader.wrong.isEmpty, "\(reader.wrong.count), the first: \(reader.wrong.first ?? "")")
    #expect(reader.steps > 4000 && reader.beatsOnTheEdge > 3)
    // The samples are the converter's, in microvolts: 12 bits over 10 mV.
    let samples = run.acquisition.samples
    let seen = try #require(reader.live.snapshot(from: samples.count - 300))
    #expect(seen.firstSample == samples.count - 300)
    #expect(
      seen.microvolts.count == 1 && seen.microvolts[0].count == 300
        && zip(seen.microvolts[0], samples.suffix(300)).allSatisfy {
          abs(Double($0) - Double($1) * 10_000 / 4096) < 0.501
        })
    #expect((seen.microvolts[0].max() ?? 0) - (seen.microvolts[0].min() ?? 0) > 500)
  }

  @Test func aRunKeepsToItsPace() throws {
    var options = Self.options
    options.watcher = LiveRun(pace: 300)
    let time = try ContinuousClock().measure {
      let run = try StreamRun.run(options)
      #expect(run.result.durationSeconds > 290)
    }
    // 300 s of ECG in one second and what the machine takes; a quarter of a second may be made up for.
    #expect(time > .milliseconds(740))
  }

  @Test func theEndWaitsForAReaderWhoWasJustHere() async throws {
    var options = Self.options
    let live = LiveRun(pace: 1e6)
    options.watcher = live
    _ = try StreamRun.run(options)
    // Nobody was here.
    let alone = ContinuousClock().measure { live.finish() }
    #expect(alone < .seconds(1))

    let watched = LiveRun(pace: 1e6)
    options.watcher = watched
    _ = try StreamRun.run(options)
    #expect(watched.snapshot(from: 0)?.phase == .running)
    let waited = ContinuousClock().measure { watched.finish() }
    #expect(waited > .seconds(1) && watched.snapshot(from: 0)?.phase == .finished)
  }
}
