import Cohort
import ECG
import Foundation
import Support
import Testing
import TestSupport

@Suite struct CohortTests {
  /// A folder with a manifest and the records a, b and c.csv.
  private func folder(_ manifest: String) throws -> (TemporaryFolder, manifest: String) {
    let folder = try TemporaryFolder()
    let samples = (0..<20).map { Int32($0) }
    var specification = SignalSpecification()
    specification.name = "II"
    let signal = Signal(specification, sampleRateHz: 250, samples: samples)
    for name in ["a", "b"] {
      try Record(name: name, sampleRateHz: 250, sampleCount: 20, signals: [signal])
        .write(folder.path + "/" + name)
    }
    try folder.put("c.csv", "time,V1 [mV],MLII [mV]\n0,1,2\n0.004,1,2\n")
    return (folder, try folder.put("manifest.csv", manifest))
  }

  @Test func readsPatientsWithSeveralRecordsAndTheirCovariates() throws {
    let (_folder, manifest) = try folder(
      """
      # from the clinic
      patient,record,lead,label,qrsd_ms,lbbb,sex,age,nyha,lvef_before,_ward
      p1,a,II,1,162,yes,f,71,III,24.5,4
      p2,c.csv,,0,,,,,,,
      p1,b.hea,,,,,,,,,5

      """)
    defer { withExtendedLifetime(_folder) {} }
    let cohort = try PatientCohort(manifest: manifest)
    #expect(cohort.patients.map(\.name) == ["p1", "p2"])
    #expect(cohort.labels == [true, false])
    #expect(!cohort.isSynthetic)
    let first = cohort.patients[0]
    #expect(first.records.map(\.line) == [3, 5])
    #expect(first.covariates.qrsDurationMs == 162 && first.covariates.hasLBBB == true)
    #expect(first.covariates.sex == .female && first.covariates.nyhaClass == 3)
    #expect(first.covariates.ageYears == 71 && first.covariates.lvefBeforePercent == 24.5)
    #expect(cohort.patients[1].covariates == Covariates())
    #expect(try cohort.load(first.records[0]).lead().millivolts.count == 20)
    #expect(try cohort.load(cohort.patients[1].records[0]).lead().name == "MLII")
  }

  @Test func quotedFieldsHoldCommasAndLineBreaks() throws {
    let table = try CSVText(parsing: Data("a, b\r\n\"x, \"\"y\"\"\", \"1\n2\"\r\n#c\n3,4".utf8), file: "f")
    #expect(table.columns == ["a", "b"] && table.comments == ["c"])
    #expect(table.rows.map(\.fields) == [["x, \"y\"", "1\n2"], ["3", "4"]])
    #expect(table.rows.map(\.line) == [2, 5])
    for text in ["plain", "with, comma", "\"", "two\nlines", "#5", " spaced "] {
      let written = CSVText.field(text)
      let row = try CSVText(parsing: Data("a,b\n\(written),1\n".utf8), file: "f").rows[0]
      #expect(row.fields[0] == text.trimmingCharacters(in: .whitespaces), "\(text)")
    }
  }

  @Test(arguments: [
    // 85 of 100 ml is exactly 15 % less, 102 of 120 too; in binary 0.15 isn't exact.
    (ResponseDefinition.lvesv15, "100", "85", true), (.lvesv15, "120", "102", true),
    (.lvesv15, "120", "102.1", false), (.lvesv15, "100", "115", false),
    (.lvef5, "25.1", "30.1", true), (.lvef5, "25", "29.9", false), (.lvef5, "30", "20", false),
  ])
  func theResponseFollowsItsDefinition(
    response: ResponseDefinition, before: String, after: String, responds: Bool
  ) throws {
    let columns = response.columns.joined(separator: ",")
    let (_folder, manifest) = try folder("patient,record,\(columns)\np,a,\(before),\(after)\n")
    defer { withExtendedLifetime(_folder) {} }
    #expect(try PatientCohort(manifest: manifest, response: response).labels == [responds])
  }

  @Test(arguments: [
    ("", "is empty"), ("patient,record,label\n", "has no rows"),
    ("patient;record;label\n", "line 1: the header line separates its columns by semicolons"),
    ("patient,label\np,1\n", "no column record"),
    ("patient,record,label,qrsd\np,a,1,150\n", "column qrsd: is unknown"),
    ("patient,record,label,label\np,a,1,1\n", "line 1: the header line has two columns named label"),
    ("patient,record\np,a\n", "no column label, which the response given needs"),
    ("patient,record,label\np,a\n", "line 2: has 2 of 3 fields"),
    ("patient,record,label\n,a,1\n", "line 2, column patient: is empty"),
    ("patient,record,label\np,,1\n", "line 2, column record: is empty"),
    ("patient,record,label\np,a,\n", "line 2, column label: is empty for patient p"),
    ("patient,record,label\np,a,maybe\n", "line 2, column label: is 'maybe'; use 1 or 0"),
    ("patient,record,label\np,a,1\np,b,0\n", "line 3, column label: says 0 of patient p, but line 2 says 1"),
    ("patient,record,label,age\np,a,1,60\np,b,1,61\n", "line 3, column age: says 61"),
    ("patient,record,label,age\np,a,1,nan\n", "line 2, column age: is 'nan'; use a number in 0 ... 120"),
    ("patient,record,label,lvef_before\np,a,1,0.25\n", "column lvef_before: is '0.25'; use a number in 1"),
    ("patient,record,label,sex\np,a,1,x\n", "column sex: is 'x'; use F or M"),
    ("patient,record,label,nyha\np,a,1,V\n", "column nyha: is 'V'; use 1 to 4"),
    (
      "patient,record,label\np,a,1\nq,./a.hea,0\n",
      "line 3, column record: is the record of another patient, p"
    ),
    ("patient,record,label\np,a,1\np,a,1\n", "line 3, column record: repeats line 2"),
    ("patient,record,label\np,d,1\n", "line 2, column record: there is no"),
    ("patient,record,label\np,\"a,1\n", "line 2: has a quotation mark that is never closed"),
  ])
  func errorsNameTheRowTheColumnAndTheRemedy(manifest: String, expected: String) throws {
    let (_folder, path) = try folder(manifest)
    defer { withExtendedLifetime(_folder) {} }
    let error = try #require(failure { _ = try PatientCohort(manifest: path) })
    #expect(error.description.contains(expected), "\(error)")
    #expect(error.file == path && !error.remedy.isEmpty)
  }

  @Test func aRowThatLacksTheChosenResponseIsNamed() throws {
    let (_folder, path) = try folder("patient,record,lvesv_before,lvesv_after\np,a,100,80\nq,b,90,\n")
    defer { withExtendedLifetime(_folder) {} }
    let error = try #require(failure { _ = try PatientCohort(manifest: path, response: .lvesv15) })
    #expect(error.description.contains("line 3, column lvesv_after: is empty for patient q"))
  }

  @Test func anUnknownLeadNamesTheRowAndTheLeadsThereAre() throws {
    let (_folder, path) = try folder("patient,record,lead,label\np,a,V9,1\n")
    defer { withExtendedLifetime(_folder) {} }
    let cohort = try PatientCohort(manifest: path)
    let error = try #require(failure { _ = try cohort.load(cohort.patients[0].records[0]) })
    #expect(error.description.contains("line 2, column lead:"))
    #expect(error.description.hasSuffix("has no lead V9; choose one by name or number: II (1)"))
  }

  @Test func aCommentOfARecordSaysSyntheticForTheCohort() throws {
    let (folder, path) = try folder("patient,record,label\np,a,1\n")
    try folder.put(
      "a.hea", try String(contentsOfFile: folder.path + "/a.hea", encoding: .utf8) + "# Synthetic\n")
    #expect(try PatientCohort(manifest: path).isSynthetic)
  }
}
