import Foundation

/// A table of texts in a CSV file (RFC 4180): a header line that names the columns, and rows.
///
/// Fields may stand in quotation marks and then hold commas, line breaks and doubled quotation marks. Spaces around
/// a field don't count, nor do empty lines and those that start with `#`: comments.
package struct CSVText: Equatable, Sendable {
  /// A row's fields and the line that it starts at.
  package struct Row: Equatable, Sendable {
    /// The line's number, from 1.
    package var line: Int
    /// A field for each column.
    package var fields: [String]
  }

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
    var bytes = Array(data)[...]
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
    guard !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else {
      throw .malformed(file, "is no text in UTF-8", remedy: "save it as CSV in UTF-8")
    }
    var parser = Parser(rest: Array(text.utf8)[...], file: file)
    while let row = try parser.row(comments: &comments) {
      if columns.isEmpty {
        try takeTitles(row, file: file)
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

  private mutating func takeTitles(_ row: Row, file: String) throws(FileError) {
    func error(_ problem: String, remedy: String) -> FileError {
      .malformed(file, at: "line \(row.line)", "the header line \(problem)", remedy: remedy)
    }
    if row.fields.count == 1, let separator = row.fields[0].first(where: { $0 == ";" || $0 == "\t" }) {
      throw error(
        "separates its columns by \(separator == ";" ? "semicolons" : "tabs")",
        remedy: "separate them by commas, with a point in the numbers")
    }
    guard !row.fields.contains(where: \.isEmpty) else {
      throw error("has a column without a name", remedy: "name every column")
    }
    for (index, name) in row.fields.enumerated() where row.fields[..<index].contains(name) {
      throw error("has two columns named \(name)", remedy: "rename or remove one")
    }
    columns = row.fields
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

extension CSVText {
  /// Takes rows off the start of a text.
  private struct Parser {
    var rest: ArraySlice<UInt8>
    let file: String
    var line = 1

    /// The next row; nil at the end.
    mutating func row(comments: inout [String]) throws(FileError) -> Row? {
      while let first = rest.first {
        if first == UInt8(ascii: "#") {
          comments.append(plainText(upTo: { $0 == 0x0A }).drop { $0 == "#" }.trimmed)
        } else {
          let start = line
          let fields = try fields()
          if fields == [""] { continue }
          return Row(line: start, fields: fields)
        }
        takeLineEnd()
      }
      return nil
    }

    /// A line's fields, and its end.
    private mutating func fields() throws(FileError) -> [String] {
      var fields: [String] = []
      while true {
        while let first = rest.first, first == 0x20 || first == 0x09 { rest = rest.dropFirst() }
        fields.append(
          rest.first == UInt8(ascii: "\"")
            ? try quotedText() : plainText { $0 == 0x0A || $0 == UInt8(ascii: ",") }.trimmed)
        guard rest.first == UInt8(ascii: ",") else { break }
        rest = rest.dropFirst()
      }
      takeLineEnd()
      return fields
    }

    private mutating func plainText(upTo isEnd: (UInt8) -> Bool) -> Substring {
      let end = rest.firstIndex(where: isEnd) ?? rest.endIndex
      defer { rest = rest[end...] }
      return String(decoding: rest[..<end], as: UTF8.self)[...]
    }

    private mutating func quotedText() throws(FileError) -> String {
      let start = line
      var text: [UInt8] = []
      rest = rest.dropFirst()
      while let byte = rest.popFirst() {
        if byte == 0x0A { line += 1 }
        if byte != UInt8(ascii: "\"") {
          text.append(byte)
        } else if rest.first == UInt8(ascii: "\"") {
          text.append(byte)
          rest = rest.dropFirst()
        } else {
          guard plainText(upTo: { $0 == 0x0A || $0 == UInt8(ascii: ",") }).trimmed.isEmpty else {
            throw .malformed(
              file, at: "line \(line)", "has text after a closing quotation mark",
              remedy: "double the quotation marks within a field")
          }
          return String(decoding: text, as: UTF8.self)[...].trimmed
        }
      }
      throw .malformed(
        file, at: "line \(start)", "has a quotation mark that is never closed", remedy: "close it")
    }

    private mutating func takeLineEnd() {
      if rest.popFirst() != nil { line += 1 }
    }
  }
}

extension Substring {
  fileprivate var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
