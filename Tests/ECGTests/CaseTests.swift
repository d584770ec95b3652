import ECG
import Foundation
import Support
import Testing
import TestSupport

/// The cases' first 20 s of MIT-BIH 100, MLII: what is right stands in their README.
@Suite(.enabled(if: CaseFiles.has("records"), "needs ../shared/cases/records"))
struct CaseTests {
  private static func record(_ name: String) -> String { CaseFiles.path("records/\(name)/r") }

  private static let names = [
    "a01-no-eof", "a06-before-start", "a08-code-50", "a09b-time-resolution-720", "b02-evaluate-takes-lead-I",
    "h06d-millivolt-word", "h09c-baseline-decimal", "h09d-fields-decimal", "h15b-checksum-zero",
  ]

  @Test(arguments: names) func everyRecordGivesTheSameMillivolts(name: String) throws {
    let lead = try Record.load(Self.record(name)).lead(file: name)
    let right = try Record.load(Self.record("h06d-millivolt-word")).lead(file: name)
    #expect(lead.millivolts == right.millivolts && lead.millivolts.count == 7200)
    #expect(lead.millivolts[0] == -0.145)
    #expect(lead.name == (name.hasPrefix("b02") ? "II" : "MLII"))
    #expect(lead.notes.count == (name.hasPrefix("h15b") ? 1 : 0), "\(lead.notes)")
  }

  @Test(arguments: [
    ("a01-no-eof", 25, 1), ("a06-before-start", 25, 1), ("a08-code-50", 4, 1),
    ("a09b-time-resolution-720", 25, 1), ("h15b-checksum-zero", 25, 0), ("b02-evaluate-takes-lead-I", 25, 0),
  ]) func everyAnnotationFileGivesTheSameBeats(name: String, count: Int, notes: Int) throws {
    let right = try Annotations.read(Self.record("h06d-millivolt-word"), sampleRateHz: 360)
    #expect(right.beats.count == 25 && right.beats[0].sample == 77)
    let labels = try Annotations.read(Self.record(name), sampleRateHz: 360)
    #expect(labels.beats.map(\.sample) == Array(right.beats.map(\.sample).prefix(count)))
    #expect(labels.notes.count == notes, "\(labels.notes)")
  }

  @Test(arguments: ["headers/circle/h6", "headers/circle/h7", "headers/gaps/h"])
  func headersThatWouldNeverEndAreOneLine(name: String) {
    let error = failure { _ = try Record.load(CaseFiles.path(name)) }
    #expect(error?.kind == .malformed)
  }
}

/// The cases' 10 s of one lead at 250 Hz in the ways in which spreadsheets and loggers write it.
@Suite(.enabled(if: CaseFiles.has("csv"), "needs ../shared/cases/csv"))
struct CSVCaseTests {
  private func lead(_ name: String, _ options: CSVOptions = .init()) throws -> Lead {
    try Record.load(CaseFiles.path("csv/\(name).csv"), csv: options).lead(file: name)
  }

  @Test(
    arguments: [
      ("milliseconds", CSVOptions(), 1e-6, 1), ("timestamps", CSVOptions(), 1e-6, 0),
      ("semicolons", CSVOptions(), 1e-6, 1), ("no-header", CSVOptions(sampleRateHz: 250), 1e-6, 2),
      ("no-header", CSVOptions(sampleRateHz: 250, hasTitles: false), 1e-6, 1),
      ("rdsamp", CSVOptions(), 5.1e-4, 0), ("microvolts-in-name", CSVOptions(), 5.1e-4, 0),
      ("counts-unsigned", CSVOptions(sampleRateHz: 250, gain: 409.6, baseline: 2048), 2.5e-3, 0),
    ] as [(String, CSVOptions, Float, Int)])
  func everyFileGivesTheSameMillivolts(
    name: String, options: CSVOptions, tolerance: Float, notes: Int
  ) throws {
    let right = try lead("millivolts")
    let lead = try lead(name, options)
    #expect(right.sampleRateHz == 250 && lead.sampleRateHz == 250)
    #expect(right.millivolts.count == 2500 && lead.millivolts.count == 2500)
    let largest = zip(lead.millivolts, right.millivolts).map { abs($0 - $1) }.max() ?? 0
    #expect(largest <= tolerance)
    #expect(lead.notes.count == notes, "\(lead.notes)")
  }

  @Test func countsOfWhichNothingIsKnownAreSaid() throws {
    let lead = try lead("counts-unsigned", CSVOptions(sampleRateHz: 250))
    #expect(lead.notes.count == 2, "\(lead.notes)")
    #expect(lead.notes[0].text.contains("200 a millivolt about 0, from"))
    // What was assumed puts it 10 mV off, which AC coupling takes away.
    #expect(lead.notes[1].text.contains("offset"))
  }

  @Test(arguments: ["gap", "rows-missing"]) func whatIsMissingIsLostContact(name: String) throws {
    let (right, lead) = (try lead("millivolts"), try lead(name))
    #expect(lead.gaps.count == 1 && lead.gaps[0].count == 100 && lead.millivolts.count == 2500)
    for index in right.millivolts.indices where !lead.gaps[0].contains(index) {
      #expect(abs(lead.millivolts[index] - right.millivolts[index]) < 1e-6)
    }
    #expect(lead.notes.contains { $0.text.contains("100 samples are missing in lead II, in 1 gap") })
  }
}
