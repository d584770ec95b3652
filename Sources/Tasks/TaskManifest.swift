import ECG
import Foundation
import Support

/// The labels of a task in a CSV file: a row a labelled stretch.
///
/// | column | holds |
/// |---|---|
/// | `record` | a WFDB record, an EDF or a CSV file, relative to the manifest's folder |
/// | `label` | one of the task's classes; empty for a stretch to skip |
/// | `patient` | optional: the patient's name; without, each record is a patient's own |
/// | `split` | `training` (or `train`), `validation` or `test`; needed where the task's split is this column |
/// | `lead` | optional: the lead to use |
/// | `start`, `end` | optional: the stretch in seconds from the record's start; empty for its start and its end |
/// | `sample_rate_hz` | optional: the rate of a CSV file without times |
///
/// A column of another name is an error, so that a misspelt one isn't overlooked, unless its name starts with `_`.
package struct TaskManifest: Sendable {
  /// A labelled stretch.
  package struct Stretch: Equatable, Sendable {
    /// Its start and end, in seconds from the record's start; nil for the record's own.
    package var startSeconds, endSeconds: Double?
    /// The class's place in the task's list; nil for a stretch to skip.
    package var classIndex: Int?
    /// The row's line.
    package var line: Int
  }

  /// The manifest's path.
  package let file: String
  /// The records in the order of their first rows.
  package let records: [TaskRecord]
  /// What was assumed.
  package let notes: [FileNote]

  private static let columns = [
    "record", "patient", "split", "lead", "start", "end", "label", "sample_rate_hz",
  ]

  /// Reads a task's manifest in the folder of its records.
  ///
  /// - Throws: `FileError` with the row and the column that is wrong.
  package init(_ name: String, of task: TaskDefinition, folder: String) throws(FileError) {
    file = RecordPath.file(name, beside: folder + "/")
    let table = try CSVText.read(file)
    for column in table.columns where !Self.columns.contains(column) && !column.hasPrefix("_") {
      throw .malformed(
        file, at: "column \(column)", "is unknown",
        remedy: "use \(Self.columns.joined(separator: ", ")), or put _ before its name to leave it out")
    }
    let needed = ["record", "label"] + (task.division == .column ? ["split"] : [])
    if let missing = needed.first(where: { table.index(of: $0) == nil }) {
      throw .malformed(
        file, "has no column \(missing)", remedy: "give the columns \(needed.joined(separator: ", "))")
    }
    guard !table.rows.isEmpty else {
      throw .malformed(file, "has no rows", remedy: "give a row for each labelled stretch")
    }
    var reader = ManifestReader(table: table, file: file, base: Self.folder(of: name), task: task)
    for row in table.rows { try reader.take(row) }
    (records, notes) = (reader.records, reader.notes)
  }

  /// The manifest's folder below that of the records, with a slash; empty where it is the same.
  private static func folder(of name: String) -> String {
    name.lastIndex(of: "/").map { String(name[...$0]) } ?? ""
  }
}

/// A record of a task, before it is read.
package struct TaskRecord: Equatable, Sendable {
  /// The record's name below the folder.
  package var name: String
  /// The patient.
  package var patient: String
  /// `training`, `validation` or `test`; nil where the split isn't by a manifest's column.
  package var part: TaskPart?
  /// The lead that a manifest names.
  package var lead: String?
  /// A CSV file's rate that a manifest gives.
  package var sampleRateHz: Double?
  /// The labelled stretches that a manifest gives; nil where the labels are annotations.
  package var stretches: [TaskManifest.Stretch]?
}

/// A part of a task's records.
package enum TaskPart: String, CaseIterable, Codable, Sendable {
  case training, validation, test
}

/// Puts a manifest's rows together, record by record.
private struct ManifestReader {
  let table: CSVText
  let file: String
  let base: String
  let task: TaskDefinition
  private(set) var records: [TaskRecord] = []
  private var places: [String: Int] = [:]
  private var lines: [Int] = []
  /// The first record's place of each patient.
  private var patients: [String: Int] = [:]

  init(table: CSVText, file: String, base: String, task: TaskDefinition) {
    (self.table, self.file, self.base, self.task) = (table, file, base, task)
  }

  var notes: [FileNote] {
    table.index(of: "patient") == nil
      ? [FileNote(file, "has no column patient; each record was taken for a patient of its own")] : []
  }

  private func cell(_ row: CSVText.Row, _ column: String) -> String? {
    guard let text = table.index(of: column).map({ row.fields[$0] }), !text.isEmpty else { return nil }
    return text
  }

  private func error(_ row: CSVText.Row, _ column: String, _ problem: String, remedy: String) -> FileError {
    .malformed(file, at: "line \(row.line), column \(column)", problem, remedy: remedy)
  }

  mutating func take(_ row: CSVText.Row) throws(FileError) {
    guard let record = cell(row, "record") else {
      throw error(row, "record", "is empty", remedy: "name a WFDB record, an EDF or a CSV file")
    }
    let name = base + (record.hasSuffix(".hea") ? String(record.dropLast(4)) : record)
    let patient = cell(row, "patient") ?? task.patient(of: record)
    let new = TaskRecord(
      name: name, patient: patient, part: try part(row), lead: cell(row, "lead"),
      sampleRateHz: try number(row, "sample_rate_hz", in: 0.1...1e6), stretches: [])
    let place = places[name] ?? records.count
    if place == records.count {
      places[name] = place
      records.append(new)
      lines.append(row.line)
    } else {
      try requireSame(row, new, records[place], line: lines[place])
    }
    if let first = patients[patient], records[first].part != new.part, let part = new.part {
      throw error(
        row, "split",
        "is \(part.rawValue) for the patient \(patient), who is in \(records[first].part?.rawValue ?? "-") in line \(lines[first])",
        remedy: "keep a patient on one side")
    }
    patients[patient] = patients[patient] ?? place
    let stretch = try stretch(row, besides: records[place].stretches ?? [])
    records[place].stretches?.append(stretch)
  }

  private func requireSame(
    _ row: CSVText.Row, _ new: TaskRecord, _ old: TaskRecord, line: Int
  ) throws(FileError) {
    let pairs: [(column: String, isSame: Bool)] = [
      ("patient", new.patient == old.patient), ("split", new.part == old.part),
      ("lead", new.lead == old.lead), ("sample_rate_hz", new.sampleRateHz == old.sampleRateHz),
    ]
    if let pair = pairs.first(where: { !$0.isSame }) {
      throw error(
        row, pair.column, "differs from line \(line), which is of the same record",
        remedy: "say the same in all rows of a record")
    }
  }

  private func part(_ row: CSVText.Row) throws(FileError) -> TaskPart? {
    guard let text = cell(row, "split") else {
      guard task.division != .column else {
        throw error(row, "split", "is empty", remedy: "give training, validation or test")
      }
      return nil
    }
    guard let part = TaskPart(rawValue: text == "train" ? "training" : text) else {
      throw error(row, "split", "is \(text.quotedStart)", remedy: "give training, validation or test")
    }
    return task.division == .column ? part : nil
  }

  private func number(
    _ row: CSVText.Row, _ column: String, in range: ClosedRange<Double>
  ) throws(FileError) -> Double? {
    guard let text = cell(row, column) else { return nil }
    guard let value = Double(text), range.contains(value) else {
      throw error(row, column, "is \(text.quotedStart)", remedy: "give a number, or leave the cell empty")
    }
    return value
  }

  private func stretch(
    _ row: CSVText.Row, besides others: [TaskManifest.Stretch]
  ) throws(FileError) -> TaskManifest.Stretch {
    let label = cell(row, "label")
    let index = label.flatMap { task.classNames.firstIndex(of: $0) }
    if let label, index == nil {
      throw error(
        row, "label", "is \(label.quotedStart), none of the task's classes",
        remedy: "use \(task.classNames.joined(separator: ", ")), or leave the cell empty to skip the stretch")
    }
    let stretch = TaskManifest.Stretch(
      startSeconds: try number(row, "start", in: 0...1e9), endSeconds: try number(row, "end", in: 0...1e9),
      classIndex: index, line: row.line)
    let (start, end) = (stretch.startSeconds ?? 0, stretch.endSeconds ?? .infinity)
    guard start < end else {
      throw error(row, "end", "is not after the start", remedy: "give seconds from the record's start")
    }
    if let other = others.first(where: {
      start < $0.endSeconds ?? .infinity && $0.startSeconds ?? 0 < end
    }) {
      throw error(
        row, "start", "lies in the stretch of line \(other.line)", remedy: "let stretches not overlap")
    }
    return stretch
  }
}
