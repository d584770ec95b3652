import Foundation
import Support

/// The titles and cells of a CSV recording.
struct CSVTable {
  /// The samples that a recording may have, gaps included; more is taken for a wrong time.
  static let sampleLimit = 1 << 27

  let file: String
  /// The columns' titles; made up where there is no line of them.
  private(set) var titles: [String] = []
  /// Whether the titles are the file's own.
  private(set) var hasTitles = true
  /// The units from a line of their own below the titles; empty without one.
  private(set) var units: [String] = []
  /// The cells as numbers or moments in seconds, `[column][row]`; not a number where one is missing.
  private(set) var columns: [[Double]] = []
  /// Whether a column holds moments, such as `10:00:00.004`.
  private(set) var holdsMoments: [Bool] = []
  /// The columns of text, which are no numbers.
  private(set) var holdsText: [Bool] = []
  /// The first text in each column of texts, and its line.
  private(set) var firstTexts: [Int: (line: Int, text: String)] = [:]
  /// The columns of which a number or a moment was read.
  private var hasCells: [Bool] = []
  /// The line of each row.
  private(set) var lines: [Int] = []
  /// What was assumed.
  private(set) var notes: [FileNote] = []
  private let dialect: CSVDialect

  var rowCount: Int { lines.count }

  /// Whether a column has cells, and all of them are whole numbers.
  func isWhole(_ column: Int) -> Bool {
    columns[column].contains { !$0.isNaN } && columns[column].allSatisfy { $0.isNaN || $0 == $0.rounded() }
  }

  /// Parses a text.
  ///
  /// - Parameters:
  ///   - data: The text.
  ///   - file: The file's name, for notes and errors.
  ///   - hasTitles: Whether the first line names the columns; nil where it does unless it holds numbers.
  /// - Throws: `FileError`, malformed, with the line that is wrong.
  init(parsing data: Data, file: String, hasTitles: Bool?) throws(FileError) {
    self.file = file
    let text = try Self.text(data, file: file)
    let some = text.prefix(65_536).split(whereSeparator: \.isNewline)
      .filter { !$0.hasPrefix("#") && !Self.statesSeparator($0) }
      .filter { $0.contains { !" \t".contains($0) } }.prefix(50)
    dialect = CSVDialect(Array(some))
    var parser = try CSVParser(Data(text.utf8), file: file, separator: dialect.separator)
    if Self.statesSeparator(text.prefix(8)) { _ = try parser.row() }
    guard !some.isEmpty, let first = try Self.nextRow(&parser) else {
      throw .malformed(file, "the file is empty", remedy: "give a header line and a row for each sample")
    }
    try takeTitles(first, hasTitles: hasTitles)
    while let row = try Self.nextRow(&parser) {
      if rowCount == 0, units.isEmpty, takeUnits(row) { continue }
      try take(row)
    }
    guard rowCount > 0 else { throw titleError("is followed by no samples") }
    dropEmptyColumns()
    if let unnamed = titles.indices.dropFirst().first(where: { titles[$0].isEmpty }) {
      titles[unnamed] = "column \(unnamed + 1)"
      notes.append(FileNote(file, at: "line 1", "column \(unnamed + 1) has no name"))
    }
  }

  func titleError(_ problem: String, remedy: String = "name a column for each lead") -> FileError {
    .malformed(file, at: "line 1", "the header line \(problem)", remedy: remedy)
  }

  func error(row: Int, _ problem: String, remedy: String = "correct the line") -> FileError {
    .malformed(file, at: "line \(lines[row])", problem, remedy: remedy)
  }

  // MARK: Text

  /// The text in UTF-8, in UTF-16 with its mark, or else in Latin-1, with one kind of line end and none at its end.
  private static func text(_ data: Data, file: String) throws(FileError) -> String {
    var text: String
    if data.starts(with: [0xFF, 0xFE]) || data.starts(with: [0xFE, 0xFF]) {
      text = String(data: data, encoding: .utf16) ?? ""
    } else {
      text = String(validating: data, as: UTF8.self) ?? String(data: data, encoding: .windowsCP1252) ?? ""
    }
    guard !text.isEmpty || data.isEmpty, !text.utf8.contains(0) else {
      throw .malformed(file, "is no text", remedy: "save it as CSV in UTF-8")
    }
    if text.hasPrefix("\u{FEFF}") { text.removeFirst() }
    if !text.utf8.contains(0x0A), text.utf8.contains(0x0D) {
      text = text.replacingOccurrences(of: "\r", with: "\n")
    }
    let end = text.utf8.lastIndex { ![0x0A, 0x0D, 0x20].contains($0) }
    return String(text[..<(end.map { text.utf8.index(after: $0) } ?? text.startIndex)])
  }

  /// Whether a line is a spreadsheet's own `sep=;`, which its columns show too.
  private static func statesSeparator(_ line: Substring) -> Bool { line.lowercased().hasPrefix("sep=") }

  /// The next row that is no comment; nil at the end.
  private static func nextRow(_ parser: inout CSVParser) throws(FileError) -> CSVParser.Row? {
    while parser.comment() != nil {}
    guard var row = try parser.row() else { return nil }
    // WFDB's rdsamp puts apostrophes around texts.
    for index in row.fields.indices where row.fields[index].hasPrefix("'") {
      row.fields[index] = row.fields[index].trimmingCharacters(in: CharacterSet(charactersIn: "' "))
    }
    return row
  }

  // MARK: Titles

  private mutating func takeTitles(_ row: CSVParser.Row, hasTitles: Bool?) throws(FileError) {
    let isData =
      row.fields.contains { !Self.isMissing($0) && value($0) != nil }
      && row.fields.allSatisfy { Self.isMissing($0) || value($0) != nil }
    if hasTitles == false || isData && hasTitles == nil {
      guard isData else {
        throw .malformed(
          file, at: "line \(row.line)", "holds \(row.fields[0].quotedStart), which is no number",
          remedy: "leave out --no-header")
      }
      titles = row.fields.count == 1 ? ["ECG"] : row.fields.indices.map { "lead \($0 + 1)" }
      if hasTitles == nil {
        notes.append(
          FileNote(
            file, at: "line \(row.line)", "holds numbers and was taken as the first sample, not as names"))
      }
      self.hasTitles = false
      start()
      try take(row)
    } else {
      titles = row.fields
      start()
    }
  }

  private mutating func start() {
    columns = titles.map { _ in [] }
    holdsMoments = titles.map { _ in false }
    holdsText = titles.map { _ in false }
    hasCells = titles.map { _ in false }
  }

  /// Takes a line of units below the titles; false where it is a sample.
  private mutating func takeUnits(_ row: CSVParser.Row) -> Bool {
    let fields = row.fields.map { $0.trimmingCharacters(in: CharacterSet(charactersIn: "[](){} ")) }
    guard fields.count == titles.count, fields.contains(where: CSVTitle.isUnit),
      fields.allSatisfy({ value($0) == nil })
    else { return false }
    units = fields
    return true
  }

  /// Takes columns without a name and without a cell, as a separator at the lines' ends makes them, away.
  private mutating func dropEmptyColumns() {
    while let last = titles.last, last.isEmpty, titles.count > 1,
      columns[titles.count - 1].allSatisfy(\.isNaN)
    {
      titles.removeLast()
      columns.removeLast()
      holdsMoments.removeLast()
      holdsText.removeLast()
      hasCells.removeLast()
      if units.count > titles.count { units.removeLast() }
    }
  }

  // MARK: Cells

  /// What programs write where there is no sample.
  private static func isMissing(_ text: String) -> Bool {
    text.isEmpty
      || text.utf8.count < 5 && ["nan", "na", "n/a", "null", "none", "-", "--"].contains(text.lowercased())
  }

  private func value(_ text: String) -> Double? { dialect.number(text) ?? CSVStamp.seconds(text) }

  private mutating func take(_ row: CSVParser.Row) throws(FileError) {
    let file = file
    let (dialect, hasCells) = (dialect, hasCells.contains(true))
    func error(_ problem: String) -> FileError {
      // The line of the names comes after what stands above it, which may have numbers.
      let isOfNames =
        row.fields.count > 1
        && row.fields.allSatisfy { !$0.isEmpty && dialect.number($0) == nil && CSVStamp.seconds($0) == nil }
      return .malformed(
        file, at: "line \(row.line)", problem,
        remedy: hasCells && !isOfNames
          ? "correct the line, or leave a field empty where a sample is missing"
          : "correct the line, or remove what stands above the line of the columns' names")
    }
    if row.fields == [""], titles.count > 1 { return }
    let fields = row.fields
    guard fields.count >= titles.count || fields.allSatisfy(Self.isMissing) else {
      throw error("has \(fields.count) of \(titles.count) fields")
    }
    guard fields.dropFirst(titles.count).allSatisfy(\.isEmpty) else {
      throw error("has more than \(titles.count) fields")
    }
    for column in titles.indices {
      let text = column < fields.count ? fields[column] : ""
      let value = try cell(text, column: column, error)
      columns[column].append(value)
      if !value.isNaN { self.hasCells[column] = true }
      if holdsText[column], firstTexts[column] == nil { firstTexts[column] = (row.line, text) }
    }
    lines.append(row.line)
  }

  /// A cell's number or moment; not a number where it is missing, or in a column of texts.
  private mutating func cell(
    _ text: String, column: Int, _ error: (String) -> FileError
  ) throws(FileError) -> Double {
    if let number = dialect.number(text), number.isFinite, !holdsMoments[column] { return number }
    if holdsText[column] || Self.isMissing(text) { return .nan }
    let isFirst = !hasCells[column]
    if holdsMoments[column] || isFirst, let moment = CSVStamp.seconds(text) {
      holdsMoments[column] = true
      return moment
    }
    // A column that starts with a text is one of texts, such as a beat's class.
    guard isFirst, titles.count > 1, Double(text) == nil else {
      throw error("has \(text.quotedStart) for \(titles[column]), which is no number")
    }
    holdsText[column] = true
    return .nan
  }
}
