import ECG
import Foundation
import HostDevice
import Simulation
import Support
import Testing
import TestSupport

/// Stimuli at known moments, in the counts of a fine converter.
@Suite struct PacingTests {
  private static let rate = 1000.0
  private static let fine = DeviceProfile(
    name: "fine", summary: "", converterBits: 16, converterRangeMillivolts: 65.536)

  /// Ten seconds of a signal in nanovolts at 1000 Hz.
  private func record(_ millivolts: (Int) -> Double) -> Record {
    var specification = SignalSpecification()
    (specification.name, specification.units, specification.gain) = ("II", "mV", 1e6)
    let samples = (0..<10_000).map { Int32((1e6 * millivolts($0)).rounded()) }
    let signal = Signal(specification, sampleRateHz: Self.rate, samples: samples)
    return Record(name: "r", sampleRateHz: Self.rate, sampleCount: samples.count, signals: [signal])
  }

  private func acquire(
    _ record: Record, paced: [Double]? = [2, 5.0203], _ change: (inout Pacing) -> Void,
    _ disturb: (inout Disturbances) -> Void = { _ in }
  ) throws -> [Int] {
    var (disturbances, pacing) = (Disturbances(), Pacing())
    change(&pacing)
    disturbances.pacing = pacing
    disturb(&disturbances)
    return try Acquisition(
      record, lead: nil, sampleRateHz: Self.rate, profile: Self.fine, file: "r",
      disturbances: disturbances, paced: paced
    ).samples.map(Int.init)
  }

  @Test func aSpikeIsItsPulseSeenByAConverterThatIntegrates() throws {
    let samples = try acquire(record { _ in 0 }) {
      ($0.spikeMillivolts, $0.spikeMilliseconds) = (10, 1.5)
    }
    // The first one begins at 1.98 s, in the middle of sample 1980's time: half of it, then one whole sample's.
    #expect(samples[1979...1983] == [0, 5000, 10_000, 0, 0])
    // The second at 5.0003 s: 0.2 of sample 5000, 1.0 of the next and 0.3 of the one after it.
    #expect(zip(samples[4999...5003], [0, 2000, 10_000, 3000, 0]).allSatisfy { abs($0 - $1) <= 1 })
    #expect(samples.count { $0 != 0 } == 5)
  }

  @Test func theCouplingAnswersASpikeWithItsUndershoot() throws {
    let samples = try acquire(record { _ in 0 }) {
      ($0.spikeMillivolts, $0.spikeMilliseconds) = (20, 1)
    } _: {
      $0.couplingHz = 5
    }
    // 20 mV for 1 ms leave 20 mV (1 - exp(-2 pi 5 Hz 1 ms)) = 0.62 mV, which decays with 32 ms.
    let undershoot = Double(samples[1985])
    #expect((-620 ... -500).contains(undershoot), "\(undershoot)")
    #expect(abs(Double(samples[1985 + 32]) / undershoot - exp(-1)) < 0.03)
  }

  @Test func whileTheInputIsBlankedItStandsAtTheValueBefore() throws {
    let ramp = record { Double($0) / 1000 }
    let samples = try acquire(ramp) {
      ($0.spikeMillivolts, $0.spikeMilliseconds, $0.blankingMilliseconds) = (1000, 1, 20)
    } _: {
      $0.couplingHz = 0
    }
    #expect(samples[1979] == 1979 && samples[1980...2000].allSatisfy { $0 == 1979 })
    #expect(samples[2001] == 2001 && samples[4999] == 4999 && samples[5020] == 4999 && samples[5022] == 5022)
  }

  @Test func stimuliComeBeforePacedBeatsOrBeforeAll() throws {
    func labels(_ mnemonics: [String]) throws -> Annotations {
      Annotations(
        try mnemonics.enumerated().map {
          Annotation(sample: 360 * ($0 + 1), code: try #require(AnnotationCode(mnemonic: $1)))
        })
    }
    #expect(Pacing.stimuli(try labels(["N", "/", "V", "f", "~"]), sampleRateHz: 360) == [2, 4])
    #expect(Pacing.stimuli(try labels(["N", "+", "V", "p"]), sampleRateHz: 360) == [1, 3])
    let error = #expect(throws: FileError.self) {
      try acquire(record { _ in 0 }, paced: nil) { $0.blankingMilliseconds = 20 }
    }
    #expect(error?.description.contains("leave out --pace-spikes and --blanking") == true)
  }

  @Test func whatNoStimulusIsIsRefused() {
    for (millivolts, milliseconds, blanking, isPossible) in [
      (5.0, 0.5, 20.0, true), (0, 0, 20, true), (-5, 1, 0, true), (5, 0, 0, false), (0, 1, 0, false),
      (5, 21, 0, false), (20_000, 1, 0, false), (0, 0, 501, false), (0, 0, -1, false),
    ] {
      var pacing = Pacing()
      (pacing.spikeMillivolts, pacing.spikeMilliseconds) = (millivolts, milliseconds)
      pacing.blankingMilliseconds = blanking
      #expect((pacing.problem == nil) == isPossible, "\(millivolts) \(milliseconds) \(blanking)")
    }
  }
}
