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
