import ECG
import Foundation
import HostDevice
import ModelFiles
import QuantInfer
import Simulation
import Support
import Testing
import TestSupport

/// The device that is never interrupted, never sleeps and hears a good signal is the truth.
@Suite struct MonitorTests {
  private static let settings: [Announcing] = [
    Announcing(), make(majority: 5), make(hysteresis: 3), make(majority: 3, hysteresis: 2, margin: 10),
    make(wake: 10), make(hysteresis: 2, wake: 5),
  ]
  private static let policies: [DecisionTiming] = [
    .detectedBeats, .everyColumns(5), .givenBeats((1...150).map { 250 * $0 }),
  ]

  private static func make(majority: Int = 1, hysteresis: Int = 1, margin: Int = 0, wake: Int = 0)
    -> Announcing
  {
    var announcing = Announcing()
    (announcing.majority, announcing.hysteresis) = (majority, hysteresis)
    (announcing.minimumMarginCodes, announcing.wakePercent) = (margin, wake)
    return announcing
  }

  private func acquisition(_ disturb: (inout Disturbances) -> Void = { _ in }) throws -> Acquisition {
    var disturbances = Disturbances()
    disturb(&disturbances)
    return try Acquisition(
      Record.read(ProjectFiles.record), lead: nil, sampleRateHz: 128, profile: .reference, file: "mitdb-208",
      disturbances: disturbances)
  }

  private func loop(
    _ acquisition: Acquisition, _ timing: DecisionTiming = .detectedBeats,
    _ announcing: Announcing = Announcing(), brownOuts: [Int] = []
  ) throws -> DeviceLoop {
    let loop = try DeviceLoop(
      LoadedModel(file: ProjectFiles.model), modelFile: "", twin: nil, twinFile: "",
      acquisition: acquisition, timing: timing, announcing: announcing, brownOuts: brownOuts)
    try loop.run()
    return loop
  }

  @Test(arguments: settings, policies)
  func aDeviceInterruptedAnywhereAnnouncesTheSame(announcing: Announcing, timing: DecisionTiming) throws {
    let acquisition = try acquisition { $0.leadOff = [Stretch(startSeconds: 40, seconds: 5)] }
    let plain = try loop(acquisition, timing, announcing)
    var random = SeededGenerator(seed: 71)
    // Also in the first window, and while the lead is off.
    let moments =
      [0, 1, 31, 32, 366, 367, 368, 40 * 128 + 9, 45 * 128 + 9]
      + (0..<60).map { _ in random.nextIndex(below: acquisition.samples.count) }
    let interrupted = try loop(acquisition, timing, announcing, brownOuts: moments)
    #expect(plain.decisions.count > 100)
    let isAlike = interrupted.decisions == plain.decisions && interrupted.columns == plain.columns
    #expect(isAlike)
    #expect(interrupted.silence == plain.silence && interrupted.sleep == plain.sleep)
  }

  @Test(arguments: [5, 10, 30], [DecisionTiming.detectedBeats, .everyColumns(5)])
  func aNetworkThatWakesDecidesAsOneThatNeverSleeps(percent: Int, timing: DecisionTiming) throws {
    let acquisition = try acquisition()
    let loop = try loop(acquisition, timing, Self.make(wake: percent))
    let sleep = try #require(loop.sleep)
    #expect(sleep.inexactDecisions == 0)
    #expect(sleep.awakeDecisions > 5 && sleep.awakeDecisions < sleep.decisions)
    let shipped = try LoadedModel(file: ProjectFiles.model)
    let columnByteCount = withExtendedLifetime(shipped) { shipped.model.input.columnByteCount }
    #expect(sleep.columns < loop.columns.count / columnByteCount)
    // A window is 43 columns.
    #expect(sleep.greatestBurst == 43)
    let plain = try self.loop(acquisition, timing)
    #expect(loop.decisions.map(\.fixedLogits) == plain.decisions.map(\.fixedLogits))
    for (own, other) in zip(loop.decisions, plain.decisions) where own.announcement != .asleep {
      #expect(own.announcement == other.announcement)
    }
  }

  @Test func aGoodSignalAlwaysHasAResultAfterTheFirstDecision() throws {
    let loop = try loop(acquisition())
    #expect(loop.decisions.allSatisfy { $0.announcedClass == $0.fixedClass })
    #expect(loop.silence.decisionCount == 0)
    let first = try #require(loop.decisions.first)
    #expect(loop.silence.sampleCount == loop.silence.sampleCount(.windowNotFull))
    #expect((first.sample...first.sample + 1).contains(loop.silence.sampleCount))
  }

  /// The samples of bad signal, and the decisions whose window lies in good signal alone.
  private func expectSilence(_ bad: [Range<Int>], in loop: DeviceLoop, latestAfter latency: Int) {
    for decision in loop.decisions {
      let window = decision.sample - 367...decision.sample
      let reached = bad.filter { $0.overlaps(window.lowerBound..<window.upperBound + 1) }
      let isFound = reached.contains { decision.sample >= $0.lowerBound + latency }
      if isFound { #expect(decision.announcedClass == nil, "at \(decision.sample)") }
      // The filter's 3 time constants are 96 samples.
      let isClear = bad.allSatisfy {
        decision.sample < $0.lowerBound || decision.sample >= $0.upperBound + 368 + 96
      }
      if isClear { #expect(decision.announcedClass == decision.fixedClass, "at \(decision.sample)") }
    }
  }

  // claim: no-result
  @Test func whileALeadIsOffAndInItsWindowThereIsNoResult() throws {
    let acquisition = try acquisition { $0.leadOff = [Stretch(startSeconds: 60, seconds: 10)] }
    let loop = try loop(acquisition)
    expectSilence([60 * 128..<70 * 128], in: loop, latestAfter: 7)
    #expect(loop.silence.sampleCount(.saturation) > 9 * 128)
    #expect(loop.silence.sampleCount(.refilling) >= 368 + 95)
  }

  // claim: no-result
  @Test func dropOutsOfASecondGiveNoResult() throws {
    let acquisition = try acquisition {
      ($0.dropOutsPerMinute, $0.dropOutSeconds, $0.seed) = (2, 1, 3)
    }
    let bad = try #require(acquisition.disturbances).dropOuts.map { stretch in
      Int((stretch.startSeconds * 128).rounded())..<Int(((stretch.startSeconds + 1) * 128).rounded())
    }
    #expect(bad.count >= 4)
    let loop = try loop(acquisition)
    // A quarter of a second; at 0 V, or twice that where the samples before happen to lie there.
    expectSilence(bad, in: loop, latestAfter: 64)
    #expect(loop.silence.sampleCount(.flatLine) > bad.count * 64)
  }

  @Test func aMinimumMarginSilencesTheDecisionsBelowIt() throws {
    let loop = try loop(acquisition(), .detectedBeats, Self.make(margin: 30))
    let loaded = try LoadedModel(file: ProjectFiles.model)
    let step = loaded.logit(1) - loaded.logit(0)
    for decision in loop.decisions {
      let order = decision.fixedLogits.sorted(by: >)
      let margin = (Double(order[0] - order[1]) / step).rounded()
      #expect((decision.announcement == .noResult(.lowMargin)) == (margin < 30))
    }
    #expect(loop.silence.decisionCount(.lowMargin) > 0)
    #expect(loop.silence.decisionCount(.lowMargin) < loop.decisions.count)
  }

  /// No record of MIT-BIH is a flat line; 116 stands at its own converter's end for a moment.
  @Test(.enabled(if: Databases.has("mitdb"), "needs MIT-BIH"), arguments: ["100", "208", "232"])
  func aNormalRecordIsNeverBad(name: String) throws {
    let record = try Record.read(Databases.path("mitdb") + "/" + name)
    let acquisition = try Acquisition(
      record, lead: nil, sampleRateHz: 128, profile: .reference, file: name)
    let loop = try loop(acquisition)
    for reason in [NoResult.flatLine, .saturation, .refilling] {
      #expect(loop.silence.sampleCount(reason) == 0)
    }
  }

  // MARK: The saved state

  /// A monitor in memory of its own.
  private final class Device {
    let memory: AlignedMemory
    private let scratch: AlignedMemory
    private var monitor: Monitor

    init(_ loaded: LoadedModel, _ change: (inout Monitor.Options) -> Void = { _ in }) throws {
      var options = Monitor.Options()
      (options.delaySamples, options.wakePercent) = (90, 10)
      change(&options)
      memory = AlignedMemory(byteCount: try Monitor.stateByteCount(model: loaded.model, options: options))
      scratch = AlignedMemory(byteCount: loaded.model.streamingScratchByteCount)
      monitor = try Monitor(
        model: loaded.model, options: options, state: memory.bytes, scratch: scratch.bytes)
    }

    func push(_ samples: ArraySlice<Int16>) -> [Announcement] {
      let logits = UnsafeMutableBufferPointer<Int8>.allocate(capacity: 16)
      defer { logits.deallocate() }
      var announcements: [Announcement] = []
      for sample in samples where monitor.push(sample) {
        while let decision = monitor.nextDecision(into: logits) {
          announcements.append(decision.announcement)
        }
      }
      return announcements
    }

    var noResult: NoResult? { monitor.noResult }
    var isSound: Bool { monitor.isStateSound }

    func saved() throws -> [UInt8] {
      let copy = AlignedMemory(byteCount: monitor.savedByteCount)
      try monitor.save(into: copy.bytes)
      return Array(copy.bytes)
    }

    func restore(_ copy: [UInt8]) throws { try copy.withUnsafeBytes { try monitor.restore(from: $0) } }
  }

  @Test func aDamagedOrForeignCopyIsRefusedAndLeavesTheDeviceAsItWas() throws {
    let loaded = try LoadedModel(file: ProjectFiles.model)
    let samples = try acquisition().samples
    let device = try Device(loaded)
    _ = device.push(samples[..<3000])
    let copy = try device.saved()
    _ = device.push(samples[3000..<5000])
    let before = Array(device.memory.bytes)
    for byte in copy.indices {
      var damaged = copy
      damaged[byte] ^= 1 << UInt8(byte % 8)
      #expect(throws: SavedStateError.self) { try device.restore(damaged) }
    }
    #expect(throws: SavedStateError.truncated) { try device.restore(Array(copy.dropLast())) }
    let others: [(inout Monitor.Options) -> Void] = [
      { $0.delaySamples = 91 }, { $0.wakePercent = 11 }, { $0.policy.hysteresisCount = 2 },
      { $0.quality.flatSamples = 5 },
    ]
    for other in others {
      let error = #expect(throws: SavedStateError.self) {
        try device.restore(Device(loaded, other).saved())
      }
      #expect(error == .otherOwner)
    }
    let isUntouched = Array(device.memory.bytes) == before
    #expect(isUntouched)
  }

  @Test func anUnsoundStateIsResetAndSaysSo() throws {
    let loaded = try LoadedModel(file: ProjectFiles.model)
    let samples = try acquisition().samples
    let device = try Device(loaded) { $0.wakePercent = 0 }
    _ = device.push(samples[..<3000])
    #expect(device.isSound)
    // The first ring's place.
    let frontEnd = try #require(loaded.model.frontEnd)
    let cursor = ModelFormat.State.frontEndByteCount(windowSamples: frontEnd.windowSamples)
    device.memory.bytes[cursor + 1] = 0x80
    #expect(!device.isSound)
    _ = device.push(samples[3000..<3008])
    #expect(device.isSound && device.noResult == .unsoundState)
    let later = device.push(samples[3008..<5000])
    #expect(later.contains { if case .result = $0 { true } else { false } } && device.noResult == nil)
  }
}
