import ECG
import Foundation
import HostDevice
import ModelFiles
import Networks
import Simulation
import Support
import Tasks
import Testing
import TestSupport

@Suite struct FaultCampaignTests {
  /// A campaign of one kind on the shipped model and record.
  private func campaign(
    _ kind: FaultKind, trials: Int, _ change: (inout FaultCampaign.Options) -> Void = { _ in }
  ) throws -> FaultReport {
    var options = FaultCampaign.Options(model: ProjectFiles.model, record: ProjectFiles.record)
    (options.kinds, options.trials) = ([kind], trials)
    change(&options)
    return try FaultCampaign.prepared(options).run()
  }

  private func total(_ report: FaultReport) throws -> FaultReport.Tally {
    try #require(report.kinds.first).total
  }

  @Test func aWeightsTopBitChangesDecisionsMoreOftenThanItsLowest() throws {
    let bits = try #require(try campaign(.weights, trials: 400).kinds.first).bits
    #expect(bits.map(\.name) == (0..<8).map { "\($0)" })
    let (lowest, highest) = (bits[0].silent, bits[7].silent)
    #expect(highest.interval.lower > lowest.interval.upper)
  }

  // claim: faults
  @Test(arguments: [1, 2, 32])
  func theChecksumFindsEveryFlipAtLoad(bits: Int) throws {
    let tally = try total(try campaign(.image, trials: 500) { $0.bitsPerFault = bits })
    #expect(tally.detected.count == 500)
    #expect((tally.detectedBy["checksum"] ?? 0) > 480)
    // Wilson's upper limit for none of n is z^2 / (n + z^2), with z = 1.959964.
    #expect(abs(tally.silent.interval.upper - 3.841459 / 503.841459) < 1e-6)
  }

  @Test func validationFindsSomeForgedFlipsAndTheRestRun() throws {
    let tally = try total(try campaign(.forged, trials: 300))
    #expect(tally.detected.count > 5 && tally.silent.count > 30 && tally.masked.count > 30)
    #expect(tally.detectedBy["checksum"] == nil)
  }

  // claim: faults
  @Test func scrubbingFindsEveryFlippedWeight() throws {
    let tally = try total(try campaign(.weights, trials: 60) { $0.scrubSeconds = 1 })
    #expect(tally.detected.count + tally.late.count == 60)
    #expect(tally.detectedBy == ["scrubbing": 60])
    // One second rarely holds a decision that changes, the rest of the record does.
    #expect(tally.detected.count > tally.late.count && tally.changed.count > tally.late.count)
  }

  @Test func scrubbingChecksAtItsPeriodAndNotOnceMore() throws {
    // In a record of 300 s a check every 200 s comes once: it finds the flips of the first 200 s, two thirds of those at
    // random moments, and no later one. A check that came a period late would find none.
    let tally = try total(try campaign(.weights, trials: 150) { $0.scrubSeconds = 200 })
    let found = Double(tally.detected.count + tally.late.count) / 150
    #expect(abs(found - 2.0 / 3) < 4 * (2.0 / 9 / 150).squareRoot(), "\(found)")
  }

  // claim: faults
  @Test func aChecksumOfTheStateFindsEveryFlip() throws {
    let plain = try total(try campaign(.state, trials: 200))
    #expect(plain.masked.count > plain.silent.count && plain.silent.count > 0)
    let guarded = try total(try campaign(.state, trials: 200) { $0.guards = [.state] })
    #expect(guarded.detected.count == 200)
  }

  @Test func whatTheDeviceSaysOfItsOwnStateCountsAsFoundInTime() throws {
    let kind = try #require(try campaign(.state, trials: 600).kinds.first)
    let announcer = try #require(kind.places.first { $0.name == "announcer" })
    // The announcer's words are checked before each announcement: no flip is silent, none is found late.
    #expect(announcer.trials > 0 && announcer.detected.count == announcer.trials)
    #expect((announcer.detectedBy["fail-safe: unsound state"] ?? 0) == announcer.trials)
    #expect(kind.places.contains { $0.name == "schedule of decisions" })
  }

  /// A network whose strides leave the window's last column over, and every second column without a decision.
  private func stridedModel(seed: UInt64) throws -> URL {
    var random = SeededGenerator(seed: seed)
    func tensor(_ shape: [Int]) -> QuantizedNetwork.Tensor {
      .init(name: "", shape: shape, scale: 0.1, zeroPoint: 0)
    }
    func weights(_ inputs: Int, _ outputs: Int) -> QuantizedNetwork.Weights {
      .init(
        codes: (0..<inputs * outputs).map { _ in Int8(random.nextIndex(below: 255) - 127) },
        biases: [Int64](repeating: 0, count: outputs),
        scales: [Float](repeating: 0.01, count: outputs), inputScale: 0.1, outputScale: 0.1)
    }
    let network = QuantizedNetwork(
      tensors: [tensor([1, 21, 1, 12]), tensor([1, 10, 1, 4]), tensor([1, 3])],
      operators: [
        .convolution(
          from: 0, to: 1, window: .init(time: .init(kernel: 2, stride: 2)), weights: weights(24, 4)),
        .fullyConnected(from: 1, to: 2, weights: weights(40, 3)),
      ], input: 0, output: 2)
    let tables = try FrontEndTables(
      SpectrogramSettings(), microvoltsPerCount: DeviceProfile.reference.converter.microvoltsPerCount)
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("strides-\(UUID()).qinf")
    try Data(ModelImage(network, frontEnd: tables, mustStream: true).bytes).write(to: file)
    return file
  }

  @Test func withStridesAnArenaWithoutFlipsDecidesAsTheStreamedColumnsDid() throws {
    let model = try stridedModel(seed: 5)
    defer { try? FileManager.default.removeItem(at: model) }
    var options = FaultCampaign.Options(model: model.path, record: ProjectFiles.record)
    (options.kinds, options.trials, options.everyColumns) = ([.arena], 300, 2)
    let tally = try total(try FaultCampaign.prepared(options).run())
    // A flip of one activation's bit seldom changes a class: a window that is off by a column would nearly always.
    #expect(tally.masked.count > 200 && tally.silent.count > 0)
  }

  @Test func stuckLowBitsAreFoundAndTheHealthyRecordRaisesNoAlarm() throws {
    let report = try campaign(.adc, trials: 100) { $0.guards = [.adc] }
    #expect(report.falseAlarms == 0)
    for bit in try #require(report.kinds.first).bits.prefix(4) {
      #expect(bit.detected.count + bit.late.count == bit.trials, "bit \(bit.name)")
    }
  }

  @Test func aBrownOutAtASaveLosesNothing() throws {
    let places = try #require(try campaign(.brownout, trials: 90).kinds.first).places
    let atSave = try #require(places.first { $0.name == "just after a save" })
    #expect(atSave.trials > 10 && atSave.changed.count == 0)
    let torn = try #require(places.first { $0.name == "during a save" })
    // A cut within bytes that both copies share leaves a whole one.
    #expect(torn.trials > 10 && (torn.detectedBy["restart, torn copy refused"] ?? 0) > torn.trials * 3 / 4)
    #expect(places.allSatisfy { $0.detected.count == $0.trials })
  }

  /// A flat line of ten seconds is the record's own: a device that says so has found no fault.
  @Test func whatTheHealthyDeviceSaysIsNoDetection() throws {
    let folder = try TemporaryFolder()
    var record = try Record.read(ProjectFiles.record)
    for index in record.signals.indices {
      for sample in 90_000..<93_600 {
        record.signals[index].samples[sample] = record.signals[index].samples[90_000]
      }
    }
    try record.write(folder("flat"))
    var options = FaultCampaign.Options(model: ProjectFiles.model, record: folder("flat"))
    (options.kinds, options.trials) = ([.weights], 40)
    let total = try total(try FaultCampaign.prepared(options).run())
    #expect(total.trials == 40 && total.detectedBy.isEmpty && total.detected.count == 0)
  }

  @Test func missedDeadlinesMatterMoreTheLongerTheyLast() throws {
    let places = try #require(try campaign(.clock, trials: 200).kinds.first).places
    let (first, last) = (try #require(places.first), try #require(places.last))
    #expect(first.name == "1 column skipped" && last.name == "16 columns skipped")
    #expect(last.changedDecisions * first.trials > first.changedDecisions * last.trials)
  }

  @Test func equalSeedsGiveEqualReportsAtAnyNumberOfThreads() throws {
    func report(seed: UInt64, threads: Int) throws -> Data {
      var options = FaultCampaign.Options(model: ProjectFiles.model, record: ProjectFiles.record)
      (options.trials, options.seed, options.threads) = (8, seed, threads)
      options.guards = Set(FaultGuard.allCases)
      return try JSON.data(FaultCampaign.prepared(options).run())
    }
    let first = try report(seed: 3, threads: 1)
    #expect(try report(seed: 3, threads: 2) == first)
    #expect(try report(seed: 4, threads: 2) != first)
  }

  // claim: faults
  @Test(arguments: [nil, 16])
  func everyFaultHasOneOutcome(everyColumns: Int?) throws {
    var options = FaultCampaign.Options(model: ProjectFiles.model, record: ProjectFiles.record)
    (options.trials, options.everyColumns) = (10, everyColumns)
    let report = try FaultCampaign.prepared(options).run()
    #expect(report.kinds.map(\.kind) == FaultKind.allCases)
    for kind in report.kinds {
      for tally in [kind.total] + kind.places + kind.bits {
        let outcomes = [tally.detected, tally.late, tally.masked, tally.silent]
        #expect(outcomes.reduce(0) { $0 + $1.count } == tally.trials, "\(kind.kind) \(tally.name)")
      }
      #expect(kind.total.trials == 10 && kind.places.reduce(0) { $0 + $1.trials } == 10)
    }
  }

  @Test func theFloatNetworkTellsWhatIntegersChangeWithoutAFault() throws {
    let report = try campaign(.clock, trials: 1) { $0.float = ProjectFiles.checkpoint }
    let twin = try #require(report.twin)
    var options = StreamRun.Options(model: ProjectFiles.model, record: ProjectFiles.record)
    options.float = ProjectFiles.checkpoint
    let agreement = try #require(try StreamRun.run(options).result.agreement)
    #expect(twin.decisions == agreement.decisions && twin.decisions > 300)
    #expect(twin.differing.count == agreement.decisions - agreement.equalDecisions)
    #expect(
      report.headline.hasPrefix("Without faults \(twin.differing.count) of \(twin.decisions) decisions"))
    #expect(
      report.twinSentence?.hasSuffix("for another class than ecg-beats.safetensors's in float.") == true)
    #expect(try campaign(.clock, trials: 1).twin == nil)
  }
}
