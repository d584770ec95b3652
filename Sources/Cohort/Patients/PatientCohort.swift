import ECG
import Foundation
import Support

/// A record of a patient, as a manifest names it.
package struct CohortRecord: Equatable, Sendable {
  /// The record's path, or a CSV file's.
  package var path: String
  /// The lead; nil where the manifest leaves it open.
  package var lead: String?
  /// A CSV file's sampling rate where it has no times; nil where the manifest leaves it open.
  package var sampleRateHz: Double?
  /// The manifest's line that names it.
  package var line: Int

  /// Creates a record.
  package init(path: String, lead: String?, sampleRateHz: Double? = nil, line: Int) {
    (self.path, self.lead, self.sampleRateHz, self.line) = (path, lead, sampleRateHz, line)
  }
}

/// A patient of a cohort: one response, one or more records.
package struct Patient: Equatable, Sendable {
  /// The manifest's name for the patient.
  package var name: String
  /// The records, in the manifest's order; at least one.
  package var records: [CohortRecord]
  /// Whether the patient responded, by the cohort's definition.
  package var responds: Bool
  /// What else is known.
  package var covariates: Covariates

  /// Creates a patient.
  package init(name: String, records: [CohortRecord], responds: Bool, covariates: Covariates) {
    self.name = name
    self.records = records
    self.responds = responds
    self.covariates = covariates
  }
}

/// The patients of a study, read from a manifest: a CSV file with a row a record.
///
/// | column | holds |
/// |---|---|
/// | `patient` | the patient's name; several rows of one name are several records of one patient |
/// | `record` | a WFDB record or a CSV file, relative to the manifest's folder |
/// | `lead` | optional: the lead to use; else II, MLII or the record's first |
/// | `sample_rate_hz` | optional: the rate of a CSV file without times |
/// | `label` | optional: whether the patient responded, 1 or 0 |
/// | `qrsd_ms`, `lbbb`, `sex`, `age`, `nyha`, `lvef_before`, `lvef_after`, `lvesv_before`, `lvesv_after` | optional |
///
/// A column of another name is an error, so that a misspelt one isn't overlooked, unless its name starts with `_`.
package struct PatientCohort: Sendable {
  /// The manifest's path.
  package let file: String
  /// What counts as a response.
  package let response: ResponseDefinition
  /// The patients, in the order of their first rows.
  package let patients: [Patient]
  /// Whether any of it is synthetic: the manifest's or a record's comments say so.
  package let isSynthetic: Bool

  /// Whether each patient responded.
  package var labels: [Bool] { patients.map(\.responds) }

  /// Reads a manifest, and checks that its records are there.
  ///
  /// - Throws: `FileError` with the row and the column that is wrong: an unknown column, a value that isn't allowed, a
  ///   patient whose rows disagree or who lacks what the response needs, a record that is missing or listed twice.
  package init(manifest file: String, response: ResponseDefinition = .given) throws(FileError) {
    self.file = file
    self.response = response
    let reader = try ManifestReader(file)
    patients = try reader.patients(response)
    var isSynthetic = reader.table.comments.contains(where: Self.saysSynthetic)
    for record in patients.flatMap(\.records) {
      let comments = try reader.comments(of: record)
      isSynthetic = isSynthetic || comments.contains(where: Self.saysSynthetic)
    }
    self.isSynthetic = isSynthetic
  }

  private static func saysSynthetic(_ comment: String) -> Bool {
    comment.lowercased().contains("synthetic")
  }

  /// Reads a record of a patient.
  ///
  /// - Throws: `FileError`, as `Record.load` does; where the manifest names a lead that the record doesn't have, it
  ///   names the manifest's row.
  package func load(_ record: CohortRecord) throws(FileError) -> CohortRecording {
    let content = try Record.load(record.path, csv: CSVOptions(sampleRateHz: record.sampleRateHz))
    do throws(FileError) {
      return try CohortRecording(content, lead: record.lead, file: record.path)
    } catch {
      guard record.lead != nil else { throw error }
      throw .malformed(
        file, at: "line \(record.line), column lead", "\(record.path) \(error.problem)",
        remedy: error.remedy)
    }
  }
}

/// Makes patients of a manifest's rows.
private struct ManifestReader {
  let file: String
  let table: CSVText
  private let patientColumn: Int
  private let recordColumn: Int

  private static let columns =
    ["patient", "record", "lead", "sample_rate_hz", "label"] + Covariates.Column.all.map(\.name)

  init(_ file: String) throws(FileError) {
    self.file = file
    let table = try CSVText.read(file)
    for name in table.columns where !Self.columns.contains(name) && !name.hasPrefix("_") {
      throw .malformed(
        file, at: "column \(name)", "is unknown",
        remedy: "use \(Self.columns.joined(separator: ", ")), or put _ before its name to leave it out")
    }
    guard let patient = table.index(of: "patient"), let record = table.index(of: "record") else {
      let missing = table.index(of: "patient") == nil ? "patient" : "record"
      throw .malformed(
        file, "has no column \(missing)", remedy: "give the columns patient and record, a row a record")
    }
    guard !table.rows.isEmpty else {
      throw .malformed(file, "has no rows", remedy: "give a row for each record")
    }
    (self.table, patientColumn, recordColumn) = (table, patient, record)
  }

  private func error(
    _ row: CSVText.Row, _ column: String, _ problem: String, remedy: String
  ) -> FileError {
    .malformed(file, at: "line \(row.line), column \(column)", problem, remedy: remedy)
  }

  /// A patient's rows put together, while they are read.
  private struct Draft {
    var name: String
    var firstRow: CSVText.Row
    var records: [CohortRecord] = []
    /// Each filled cell of label and covariates: what it says and where, by column.
    var cells: [String: (text: String, line: Int)] = [:]
    var label: Bool?
    var covariates = Covariates()
  }

  func patients(_ response: ResponseDefinition) throws(FileError) -> [Patient] {
    for column in response.columns where table.index(of: column) == nil {
      throw .malformed(
        file, "has no column \(column), which the response \(response.rawValue) needs",
        remedy: "add it, or choose another response: "
          + ResponseDefinition.allCases.map(\.rawValue).joined(separator: ", "))
    }
    var drafts: [Draft] = []
    var places: [String: Int] = [:]
    var owners: [String: CSVText.Row] = [:]
    for row in table.rows {
      let name = row.fields[patientColumn]
      guard !name.isEmpty else {
        throw error(row, "patient", "is empty", remedy: "name the patient, the same in each of the rows")
      }
      let place = places[name] ?? drafts.count
      if place == drafts.count {
        places[name] = place
        drafts.append(Draft(name: name, firstRow: row))
      }
      let record = try record(row)
      // A record under two names would let one person stand on both sides of a split.
      let key = try identity(of: record, row, patient: name, owners: &owners)
      owners[key] = row
      drafts[place].records.append(record)
      try fill(&drafts[place], from: row)
    }
    var patients: [Patient] = []
    for draft in drafts { patients.append(try patient(draft, response)) }
    return patients
  }

  private func record(_ row: CSVText.Row) throws(FileError) -> CohortRecord {
    let name = row.fields[recordColumn]
    guard !name.isEmpty else {
      throw error(row, "record", "is empty", remedy: "name a WFDB record or a .csv file")
    }
    let folder = Files.folder(of: file)
    let path = name.hasPrefix("/") || folder.isEmpty ? name : folder + "/" + name
    let lead = table.index(of: "lead").map { row.fields[$0] }
    return CohortRecord(
      path: path, lead: lead == "" ? nil : lead, sampleRateHz: try sampleRateHz(row, of: path), line: row.line
    )
  }

  private func sampleRateHz(_ row: CSVText.Row, of path: String) throws(FileError) -> Double? {
    guard let text = table.index(of: "sample_rate_hz").map({ row.fields[$0] }), !text.isEmpty else {
      return nil
    }
    guard let rate = Double(text), rate > 0, rate < 1e6 else {
      throw error(
        row, "sample_rate_hz", "is '\(text.prefix(40))'", remedy: "give a rate in hertz, such as 250")
    }
    guard RecordPath.isCSV(path) else {
      throw error(
        row, "sample_rate_hz", "is given for a record whose header has its own rate",
        remedy: "leave the cell empty")
    }
    return rate
  }

  /// What tells a record and its lead from all others.
  ///
  /// - Throws: `FileError` where another patient has the record, or the same one has it with this lead.
  private func identity(
    of record: CohortRecord, _ row: CSVText.Row, patient: String, owners: inout [String: CSVText.Row]
  ) throws(FileError) -> String {
    let path = record.path.hasSuffix(".hea") ? String(record.path.dropLast(4)) : record.path
    let whole = URL(fileURLWithPath: path).resolvingSymlinksInPath().standardizedFileURL.path
    if let owner = owners[whole], owner.fields[patientColumn] != patient {
      throw error(
        row, "record",
        "is the record of another patient, \(owner.fields[patientColumn]), in line \(owner.line)",
        remedy: "give one person one name")
    }
    owners[whole] = owners[whole] ?? row
    let key = whole + "\n" + (record.lead ?? "").lowercased()
    if let owner = owners[key] {
      throw error(row, "record", "repeats line \(owner.line)", remedy: "remove one of the two")
    }
    return key
  }

  private func fill(_ draft: inout Draft, from row: CSVText.Row) throws(FileError) {
    func cell(_ column: String) -> String? {
      guard let text = table.index(of: column).map({ row.fields[$0] }), !text.isEmpty else { return nil }
      return text
    }
    func agree(_ column: String, _ text: String, _ draft: inout Draft) throws(FileError) {
      if let other = draft.cells[column], other.text != text {
        throw error(
          row, column, "says \(text) of patient \(draft.name), but line \(other.line) says \(other.text)",
          remedy: "say the same in all rows of a patient")
      }
      draft.cells[column] = draft.cells[column] ?? (text, row.line)
    }
    if let text = cell("label") {
      guard let label = Covariates.truth(text) else {
        throw error(row, "label", "is '\(text.prefix(40))'", remedy: "use 1 or 0, yes or no")
      }
      try agree("label", label ? "1" : "0", &draft)
      draft.label = label
    }
    for column in Covariates.Column.all {
      guard let text = cell(column.name) else { continue }
      guard column.take(text, &draft.covariates) else {
        throw error(row, column.name, "is '\(text.prefix(40))'", remedy: "use \(column.allowed)")
      }
      try agree(column.name, column.text(draft.covariates), &draft)
    }
  }

  private func patient(_ draft: Draft, _ response: ResponseDefinition) throws(FileError) -> Patient {
    guard let responds = response.responds(label: draft.label, draft.covariates) else {
      let column = response.columns.first { draft.cells[$0] == nil } ?? response.columns[0]
      throw error(
        draft.firstRow, column,
        "is empty for patient \(draft.name), but the response \(response.rawValue) needs it",
        remedy: "fill it in or remove the patient's rows")
    }
    return Patient(
      name: draft.name, records: draft.records, responds: responds, covariates: draft.covariates)
  }

  /// A record's comments.
  ///
  /// - Throws: `FileError` with the manifest's row, where the record isn't there, or as its header's reading does.
  func comments(of record: CohortRecord) throws(FileError) -> [String] {
    let isCSV = RecordPath.isCSV(record.path)
    let path = RecordPath.mainFile(of: record.path)
    guard FileManager.default.fileExists(atPath: path) else {
      throw FileError(
        .missing, file: file, at: "line \(record.line), column record", "there is no \(path)",
        remedy: "give the path from the manifest's folder")
    }
    return isCSV ? [] : try RecordHeader.read(record.path).comments
  }
}
