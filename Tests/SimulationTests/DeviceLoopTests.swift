import AllocationCounter
import ECG
import Foundation
import HostDevice
import ModelFiles
import Networks
import Simulation
import Testing
import TestSupport

@Suite struct DeviceLoopTests {
  /// The shipped record, so many times in a row.
  private func acquisition(repeats: Int) throws -> Acquisition {
    var record = try Record.read(ProjectFiles.record)
    record.signals[0].samples = Array(repeatElement(record.signals[0].samples, count: repeats).joined())
    record.sampleCount *= repeats
    return try Acquisition(record, lead: nil, sampleRateHz: 128, profile: .reference, file: "mitdb-208")
  }

  private func loop(
    repeats: Int, timing: DecisionTiming, announcing: Announcing = Announcing(), twin: Bool = false
  ) throws -> DeviceLoop {
    try DeviceLoop(
      LoadedModel(file: ProjectFiles.model), modelFile: ProjectFiles.model,
      twin: twin ? TwinNetwork(Checkpoint.read(ProjectFiles.checkpoint)) : nil,
      twinFile: ProjectFiles.checkpoint,
      acquisition: acquisition(repeats: repeats), timing: timing, announcing: announcing)
  }

  // claim: heap
  @Test(
    .enabled(if: allocationCounterIsAvailable(), "counting allocations needs glibc"),
    arguments: [0, 10], [DecisionTiming.everyColumns(8), .detectedBeats, .givenBeats([1000, 2000, 30_000])])
  func theLoopMakesNoAllocationHoweverLongTheRecord(wakePercent: Int, timing: DecisionTiming) throws {
    var announcing = Announcing()
    (announcing.majority, announcing.hysteresis, announcing.minimumMarginCodes) = (5, 3, 4)
    announcing.wakePercent = wakePercent
    func allocations(repeats: Int) throws -> UInt {
      let loop = try loop(repeats: repeats, timing: timing, announcing: announcing)
      let before = allocationCount()
      try loop.runSamples()
      return allocationCount() - before
    }
    // The first run also makes the Swift runtime's own tables.
    _ = try allocations(repeats: 1)
    #expect(try allocations(repeats: 1) == allocations(repeats: 6))
  }

  @Test func decisionsByTheClockComeAtTheirInterval() throws {
    let loop = try loop(repeats: 1, timing: .everyColumns(16))
    try loop.run()
    let gaps = Set(zip(loop.decisions, loop.decisions.dropFirst()).map { $1.sample - $0.sample })
    #expect(gaps == [16 * 8])
  }

  @Test func decisionsAboutGivenBeatsComeAsSoonAsTheWindowReachesThem() throws {
    let beats = [1000, 1003, 1005, 2001, 38_399]
    let loop = try loop(repeats: 1, timing: .givenBeats(beats))
    try loop.run()
    #expect(loop.decisions.map(\.beatSample) == [1000, 1003, 1005, 2001])
    // 0.7 s are 90 samples; column k is complete with sample 8 k + 31.
    #expect(loop.decisions.map(\.sample) == [1095, 1095, 1095, 2095])
    #expect(loop.leftOutBeatCount == 1)
  }

  @Test func theTwinHearsWhatTheDeviceHears() throws {
    let loop = try loop(repeats: 1, timing: .detectedBeats, twin: true)
    try loop.run()
    #expect(loop.agreement.decisions == loop.decisions.count && loop.decisions.count > 400)
    #expect(try #require(loop.agreement.top1) >= 0.98)
    #expect(loop.twinLevels.count == loop.columns.count)
    #expect(try #require(loop.spectrum.decibels) >= 60)
    #expect(try #require(loop.codes.withinOneStep) >= 0.999)
  }

  /// Two networks beside their float twins, over a lead that comes off and, the second time, asleep.
  @Test(arguments: [0, 10]) func theTwinOfTwoNetworksHearsWhatTheDeviceHears(wakePercent: Int) throws {
    var disturbances = Disturbances()
    disturbances.leadOff = [Stretch(startSeconds: 100, seconds: 5)]
    let loaded = try LoadedModel(file: ProjectFiles.context)
    let checkpoint = try Checkpoint.read(ProjectFiles.contextCheckpoint)
    #expect(loaded.hasBeatNetwork && loaded.isTwin(of: checkpoint))
    var announcing = Announcing()
    announcing.wakePercent = wakePercent
    let loop = try DeviceLoop(
      loaded, modelFile: "", twin: TwinNetwork(checkpoint), twinFile: "",
      acquisition: Acquisition(
        Record.read(ProjectFiles.record), lead: nil, sampleRateHz: 128, profile: .reference,
        file: "mitdb-208", disturbances: disturbances),
      timing: .detectedBeats, announcing: announcing)
    try loop.run()
    let silent = loop.decisions.count { $0.announcement == .noResult(.refilling) }
    #expect(loop.decisions.count > 400 && silent > 3, "\(silent)")
    #expect(try #require(loop.agreement.top1) >= 0.99)
    let step = Float(bitPattern: loaded.model.output.scaleBits)
    for decision in loop.decisions {
      let float = try #require(decision.floatLogits)
      for (code, logit) in zip(decision.fixedLogits, float) {
        #expect(abs(code - logit) < 8 * step, "\(decision.sample): \(decision.fixedLogits) \(float)")
      }
    }
  }

  @Test(arguments: [5.0, 50, 300])
  func aRecordWithAnElectrodesOffsetIsDecidedAboutAsWithout(offset: Double) throws {
    func decisions(_ hertz: Double?, offset: Double) throws -> [DeviceDecision] {
      var disturbances = Disturbances()
      (disturbances.couplingHz, disturbances.offsetMillivolts) = (hertz, offset)
      let loop = try DeviceLoop(
        LoadedModel(file: ProjectFiles.model), modelFile: "", twin: nil, twinFile: "",
        acquisition: Acquisition(
          Record.read(ProjectFiles.record), lead: nil, sampleRateHz: 128, profile: .reference,
          file: "mitdb-208", disturbances: disturbances),
        timing: .detectedBeats)
      try loop.run()
      return loop.decisions
    }
    let plain = try decisions(nil, offset: 0)
    for hertz in [0.05, 0.5] {
      let coupled = try decisions(hertz, offset: 0)
      let shifted = try decisions(hertz, offset: offset)
      #expect(shifted.map(\.beatSample) == coupled.map(\.beatSample))
      // Some samples are a count off where rounding is even.
      #expect(zip(shifted, coupled).count { $0.fixedClass != $1.fixedClass } <= 2)
      // The coupling itself takes slow waves away, in front of the model's own high pass: 8 and 43 of 499 decisions.
      let classes = Dictionary(uniqueKeysWithValues: plain.map { ($0.beatSample, $0.fixedClass) })
      let same = shifted.count { classes[$0.beatSample] == $0.fixedClass }
      #expect(Double(same) > (hertz == 0.05 ? 0.98 : 0.91) * Double(plain.count), "\(same) of \(plain.count)")
    }
  }

  @Test func samplesBeyondTheConverterAreCountedAndHeld() throws {
    var record = try Record.read(ProjectFiles.record)
    record.signals[0].samples = [1024, 1024 + 2000, 1024 - 2000] + record.signals[0].samples.prefix(3000)
    record.sampleCount = record.signals[0].samples.count
    let narrow = DeviceProfile(
      name: "narrow", summary: "", converterBits: 12, converterRangeMillivolts: 2)
    let acquisition = try Acquisition(
      record, lead: nil, sampleRateHz: 128, profile: narrow, file: "mitdb-208")
    #expect(acquisition.saturatedCount > 0)
    #expect(acquisition.samples.allSatisfy { (-2048...2047).contains($0) })
  }
}
