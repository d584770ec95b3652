import ECG
import Foundation
import Support
import Testing
import TestSupport

/// The one rule for leads, and what becomes of a lead before the converter.
///
/// What is expected was worked out by hand.
@Suite struct LeadTests {
  private func record(
    _ leads: [(name: String, units: String)], samples: [Int32] = [0], rateHz: Double = 100
  ) -> Record {
    let signals = leads.map { lead in
      var specification = SignalSpecification()
      (specification.name, specification.units) = (lead.name, lead.units)
      return Signal(specification, sampleRateHz: rateHz, samples: samples)
    }
    return Record(name: "r", sampleRateHz: rateHz, sampleCount: samples.count, signals: signals)
  }

  @Test(
    arguments: [
      ("I,II,MLII", 2), ("I,II,V5", 1), ("V5,V2", 0), ("V5,MLII", 1), ("i,ii,iii", 1), ("V1,mlii", 1),
      ("ECG I,ECG II", 1), ("Lead I,Lead II", 1), ("II raw,V5", 0),
    ] as [(String, Int)])
  func takesMLIIThenIIThenTheFirst(names: String, expected: Int) throws {
    let leads = names.split(separator: ",").map { (name: String($0), units: "mV") }
    #expect(try record(leads).leadIndex() == expected)
  }

  @Test func whatIsNoVoltageIsNoUsualLead() throws {
    #expect(try record([("ABP", "mmHg"), ("V", "mV")]).leadIndex() == 1)
    #expect(try record([("II", "adu"), ("V", "mV")]).leadIndex() == 1)
    #expect(try record([("ABP", "mmHg")]).leadIndex() == 0)
  }

  @Test(
    arguments: [
      ("V5", 1), ("v5", 1), ("mlii", 0), ("1", 0), ("3", 2), ("ecg v5", 1), ("lead II", 2),
    ] as [(String, Int)])
  func findsALeadByNameOrNumber(wanted: String, expected: Int) throws {
    #expect(try record([("MLII", "mV"), ("V5", "mV"), ("II", "mV")]).leadIndex(wanted) == expected)
  }

  @Test func aNameComesBeforeANumber() throws {
    #expect(try record([("2", "mV"), ("1", "mV")]).leadIndex("1") == 1)
  }

  @Test(arguments: ["0", "3", "-1", "V9", ""]) func namesTheLeadsThereAre(wanted: String) throws {
    let error = failure { _ = try record([("II", "mV"), ("V5", "mV")]).leadIndex(wanted) }
    #expect(error?.remedy == "choose one by name or number: II (1), V5 (2)")
  }

  // MARK: Before the converter

  /// Beats of 1 mV, one a second at 100 Hz.
  private func beats(seconds: Int, offset: Int32 = 0, gain: Int32 = 200) -> [Int32] {
    (0..<seconds * 100).map { $0 % 100 < 4 ? gain + offset : offset }
  }

  @Test func aGapIsLostContact() throws {
    var samples = beats(seconds: 4, offset: 40)
    for index in 210..<260 { samples[index] = Signal.invalidSample }
    samples[150] = Signal.invalidSample
    let lead = try record([("II", "mV")], samples: samples).lead(file: "r")
    #expect(lead.gaps == [210..<260] && lead.invalidCount == 51)
    // A single sample holds the one before; in the gap the input is 0 V.
    let millivolts = try lead.millivolts(atRateHz: 100)
    #expect(millivolts[150] == 0.2 && millivolts[209] == 0.2 && millivolts[260] == 0.2)
    #expect(millivolts[210..<260].allSatisfy { $0 == 0 })
    let slow = try lead.millivolts(atRateHz: 50)
    #expect(slow.indices.filter { slow[$0] == 0 } == Array(105..<130))
  }

  @Test func anElectrodesOffsetIsTakenOff() throws {
    let offset = try record([("II", "mV")], samples: beats(seconds: 10, offset: 960)).lead(file: "r.hea")
    let plain = try record([("II", "mV")], samples: beats(seconds: 10)).lead(file: "r.hea")
    #expect(zip(offset.millivolts, plain.millivolts).allSatisfy { abs($0 - $1) < 1e-6 })
    #expect(plain.notes.isEmpty)
    #expect(
      offset.notes.map(\.description) == [
        "r.hea:lead II: its median of 4.80 mV, an electrode's offset, was taken off as AC coupling does"
      ])
    // Within 2 mV nothing is touched.
    #expect(
      try record([("II", "mV")], samples: beats(seconds: 10, offset: 390)).lead(file: "r").millivolts[50]
        == 1.95)
  }

  @Test(
    arguments: [
      (80_000, "about 400 mV"), (2, "about 0.01 mV"), (0, "a flat line for 100.00 % of its time"),
    ] as [(Int32, String)])
  func whatIsNoECGIsSaid(gain: Int32, words: String) throws {
    let notes = try record([("II", "mV")], samples: beats(seconds: 10, gain: gain)).lead(file: "r").notes
    #expect(notes.count == 1 && notes[0].text.contains(words), "\(notes)")
  }

  @Test func leadsOfOneNameAreSaid() throws {
    let twins = record([("ECG", "mV"), ("ECG", "mV")], samples: beats(seconds: 3))
    #expect(try twins.lead("2", file: "r").index == 1)
    #expect(try twins.lead(file: "r").notes.map(\.text) == ["2 leads have this name; number 1 was taken"])
  }
}
