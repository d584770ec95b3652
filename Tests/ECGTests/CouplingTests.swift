import ECG
import Foundation
import Support
import Testing

/// A high pass of first order: what is expected is the analog filter's response.
@Suite struct CouplingTests {
  private static let rate = 360.0

  /// The amplitude of a sine of 1 behind a coupling, once it has settled.
  private func amplitude(atHertz hertz: Double, corner: Double) -> Double {
    let samples = (0..<Int(Self.rate * 240)).map {
      Float(sin(2 * Double.pi * hertz * Double($0) / Self.rate))
    }
    let settled = Coupling.highPassed(samples, hertz: corner, sampleRateHz: Self.rate).suffix(
      Int(Self.rate * 120))
    let power = settled.reduce(0) { $0 + Double($1) * Double($1) } / Double(settled.count)
    return (2 * power).squareRoot()
  }

  @Test(arguments: [0.05, 0.5, 2.0])
  func theResponseIsAFirstOrderHighPassesWithItsCorner(corner: Double) {
    for ratio in [0.5, 1, 2, 10] {
      let expected = ratio / (1 + ratio * ratio).squareRoot()
      // Both frequencies are warped by less than a thousandth.
      #expect(abs(amplitude(atHertz: ratio * corner, corner: corner) - expected) < 0.005, "\(ratio)")
    }
  }

  @Test func anOffsetIsGoneFromTheFirstSampleOn() {
    // A deflection within the first second doesn't move its median.
    let signal = (0..<3600).map { Float($0 % 360 < 30 ? 1 : 0) }
    let plain = Coupling.highPassed(signal, hertz: 0.5, sampleRateHz: Self.rate)
    let shifted = Coupling.highPassed(signal.map { $0 + 300 }, hertz: 0.5, sampleRateHz: Self.rate)
    #expect(zip(plain, shifted).allSatisfy { abs($0 - $1) < 1e-4 })
    let gain = 1 / (1 + tan(Double.pi * 0.5 / Self.rate))
    #expect(abs(Double(plain[0]) - gain) < 1e-6)
  }

  @Test func nothingComesOfNothing() {
    #expect(Coupling.highPassed([], hertz: 0.5, sampleRateHz: 360) == [])
    #expect(Coupling.highPassed([7], hertz: 0.5, sampleRateHz: 0.1).allSatisfy { $0.isFinite })
  }

  /// Beats of 1 mV, one a second at 100 Hz, and an offset that jumps to 10 mV for a part of the time.
  private func record(wandering seconds: Range<Int>) -> Record {
    var specification = SignalSpecification()
    (specification.name, specification.units) = ("II", "mV")
    let samples = (0..<6000).map { index -> Int32 in
      (index % 100 < 4 ? 200 : 0) + (seconds.contains(index / 100) ? 2000 : 0)
    }
    let signal = Signal(specification, sampleRateHz: 100, samples: samples)
    return Record(name: "r", sampleRateHz: 100, sampleCount: samples.count, signals: [signal])
  }

  @Test func anOffsetThatWandersIsCoupledAndSaid() throws {
    let lead = try record(wandering: 20..<30).lead(file: "r.hea")
    #expect(
      lead.notes.map(\.description) == [
        "r.hea:lead II: its offset wanders by more than 4 mV for 16.67 % of its time: it was taken through a coupling "
          + "of 0.05 Hz, as a device's input has"
      ])
    let expected = Coupling.highPassed(
      try record(wandering: 20..<30).signals[0].millivolts(), hertz: 0.05, sampleRateHz: 100)
    #expect(lead.millivolts == expected)
    // A step of 10 mV lasts until it has decayed to the converter's 5 mV: ln 2 / (2 pi 0.05 Hz) = 2.2 s.
    let lost = lead.millivolts.count { abs($0) > 5 }
    #expect((300...480).contains(lost), "\(lost)")

    #expect(try record(wandering: 20..<30).lead(file: "r", coupling: .direct).millivolts[2050] == 10)
    // For a twentieth of the time or less it is left alone.
    let brief = try record(wandering: 20..<22).lead(file: "r")
    #expect(brief.notes.isEmpty && brief.millivolts[2150] == 10)
  }

  @Test func aCouplingThatWasAskedForTakesNoMedianOff() throws {
    var shifted = record(wandering: 0..<0)
    shifted.signals[0].samples = shifted.signals[0].samples.map { $0 + 1200 }
    let lead = try shifted.lead(file: "r", coupling: .highPass(hertz: 0.5))
    let plain = try record(wandering: 0..<0).lead(file: "r", coupling: .highPass(hertz: 0.5))
    #expect(zip(lead.millivolts, plain.millivolts).allSatisfy { abs($0 - $1) < 1e-5 } && lead.notes.isEmpty)
  }
}
