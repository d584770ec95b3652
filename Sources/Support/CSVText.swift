import Foundation

/// A table of texts in a CSV file (RFC 4180): a header line that names the columns, and rows.
///
/// Fields may stand in quotation marks and then hold commas, line breaks and doubled quotation marks. Spaces around
/// a field don't count, nor do empty lines and those that start with `#`: comments.
package struct CSVText: Equatable, Sendable {
  /// A row's fields and the line that it starts at.
  package typealias Row = CSVParser.Row

  /// The columns' names.
  package private(set) var columns: [String] = []
  /// The rows.
  package private(set) var rows: [Row] = []
  /// The comments, without `#` and the spaces around them.
  package private(set) var comments: [String] = []

  /// Reads a CSV file.
  ///
  /// - Throws: `FileError` where it is missing, or with the line that is wrong.
  package static func read(_ path: String) throws(FileError) -> CSVText {
    try CSVText(parsing: Files.read(path), file: path)
  }

  /// Parses a file's content; `file` is its name in errors.
  ///
  /// - Throws: `FileError`, malformed, with the line that is wrong.
  package init(parsing data: Data, file: String) throws(FileError) {
    var parser = try CSVParser(data, file: file)
    while true {
      if let comment = parser.comment() {
        comments.append(comment)
        continue
      }
      guard let row = try parser.row() else { break }
      if row.fields == [""] { continue }
      if columns.isEmpty {
        columns = try parser.titles(row)
        for (index, name) in columns.enumerated() where columns[..<index].contains(name) {
          throw parser.titleError(
            row.line, "has two columns named \(name)", remedy: "rename or remove one")
        }
        continue
      }
      guard row.fields.count == columns.count else {
        throw .malformed(
          file, at: "line \(row.line)", "has \(row.fields.count) of \(columns.count) fields",
          remedy: "give each row a field for each column, empty where nothing is known")
      }
      rows.append(row)
    }
    guard !columns.isEmpty else {
      throw .malformed(file, "the file is empty", remedy: "give a header line and rows")
    }
  }

  /// The number of a column; nil where there is none of that name.
  package func index(of column: String) -> Int? { columns.firstIndex(of: column) }

  /// A text as a CSV field, in quotation marks where it needs them.
  package static func field(_ text: String) -> String {
    let isPlain =
      !text.hasPrefix("#") && text == text.trimmingCharacters(in: .whitespacesAndNewlines)
      && text.utf8.allSatisfy { ![0x22, 0x2C, 0x0A, 0x0D].contains($0) }
    return isPlain ? text : "\"" + text.replacing("\"", with: "\"\"") + "\""
  }
}
