import ECG
import Foundation
import Support
import Testing
import TestSupport

/// Outside truth: PhysioNet's published counts, and the checksums in the databases' own headers.
@Suite struct DatabaseTests {
  /// PhysioNet: 201 and 202 came from the same man; all other records are of patients of their own.
  @Test func twoRecordsAreOfOnePatient() {
    #expect(MITBIH.patient(of: "201") == MITBIH.patient(of: "202"))
    #expect(MITBIH.all.count == 48 && Set(MITBIH.all.map(MITBIH.patient)).count == 47)
  }

  @Test(.enabled(if: Databases.has("mitdb"), "needs ../shared/data/mitdb"))
  func rereadAnnotationsAreTheSameBytes() throws {
    for record in MITBIH.all {
      let path = Annotations.path(ofRecord: Databases.path("mitdb/\(record)"), annotator: "atr")
      let bytes = try Files.read(path)
      let annotations = try Annotations(parsing: bytes, file: path)
      #expect(try annotations.encoded(file: path) == bytes, "\(record)")
    }
  }

  // claim: wfdb
  @Test(.enabled(if: Databases.has("mitdb"), "needs ../shared/data/mitdb"))
  func mitBIHHasItsPublishedBeats() throws {
    var beats: [String: Int] = [:]
    for record in MITBIH.all {
      for beat in try Annotations.read(Databases.path("mitdb/\(record)")).beats {
        beats[beat.code.mnemonic, default: 0] += 1
      }
    }
    #expect(beats["N"] == 75_052)
    #expect(beats["L"] == 8_075)
    #expect(beats["R"] == 7_259)
    #expect(beats["V"] == 7_130)
    #expect(beats["/"] == 7_028)
    #expect(beats["f"] == 982)
    #expect(beats["A"] == 2_546)
    #expect(beats.values.reduce(0, +) == 109_494)
  }

  @Test(.enabled(if: Databases.has("mitdb"), "needs ../shared/data/mitdb"))
  func mitBIHIsWhole() throws {
    var reports: [TaskProgress] = []
    let records = try RecordIndex(folder: Databases.path("mitdb")).verify { reports.append($0) }
    #expect(records.map(\.name) == MITBIH.all)
    #expect(records.allSatisfy { $0.problem == nil && $0.sampleCount == 650_000 && $0.checksumCount == 2 })
    #expect(records.compactMap(\.beatCount).reduce(0, +) == 109_494)
    #expect(records.first { $0.name == "100" }?.beatCount == 2_273)
    #expect(records.first { $0.name == MITBIH.swappedLeads }?.leads == ["V5", "MLII"])
    #expect(reports.last?.completed == 48)
  }

  @Test(.enabled(if: Databases.has("ludb"), "needs ../shared/data/ludb"))
  func ludbIsWhole() throws {
    let records = try RecordIndex(folder: Databases.path("ludb")).verify()
    #expect(records.map(\.name) == (1...200).map { "data/\($0)" })
    #expect(
      records.allSatisfy {
        $0.problem == nil && $0.leads.count == 12 && $0.sampleCount == 5_000 && $0.sampleRateHz == 500
          && $0.checksumCount == 12 && $0.annotators.count == 12
      })
  }

  @Test(.enabled(if: Databases.has("mitdb"), "needs ../shared/data/mitdb"))
  func listReadsHeadersAndBeatsAlone() throws {
    let records = try RecordIndex(folder: Databases.path("mitdb")).list()
    #expect(records.count == 48 && records.allSatisfy { $0.checksumCount == 0 && $0.problem == nil })
    #expect(abs(records[0].durationSeconds - 1805.5556) < 1e-3)
    #expect(records[0].leads == ["MLII", "V5"] && records[0].beatCount == 2_273)
  }

  @Test(.enabled(if: Databases.has("mitdb"), "needs ../shared/data/mitdb"))
  func rewrittenSignalsAreTheSameBytes() throws {
    let record = try Record.read(Databases.path("mitdb/208"))
    let written = try record.encoded(name: "208", format: .packed12)
    #expect(written.signals == (try Files.read(Databases.path("mitdb/208.dat"))))
  }

  @Test func verifyReportsABadRecordAndGoesOn() throws {
    let folder = try TemporaryFolder()
    try Files.makeFolder(folder.file("below"))
    try folder.put("below/r10.hea", "r10 1 360 1\nr.dat 80 200 8 0 1 1 0 II\n")
    try folder.put("below/r9.hea", "r9 1 360 1\nr.dat 80 200 8 0 1 2 0 II\n")
    try folder.put("below/r.dat", [129] as [UInt8])
    try folder.put("m.hea", "m/1 1 360 1\ns 1\n")
    try folder.put("s.hea", "s 1 360 1\nbelow/r.dat 80\n")
    let records = try RecordIndex(folder: folder.path).verify()
    #expect(records.map(\.name) == ["below/r9", "below/r10", "m"])
    #expect(records.map { $0.problem?.location } == ["signal II", nil, nil])
    #expect(failure { _ = try RecordIndex(folder: folder.file("nothing")) }?.kind == .missing)
  }
}
