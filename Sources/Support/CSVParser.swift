import Foundation

/// Takes rows off the start of a CSV text (RFC 4180).
///
/// Fields may stand in quotation marks and then hold commas, line breaks and doubled quotation marks. Spaces around a
/// field don't count.
package struct CSVParser {
  /// A row's fields and the line that it starts at.
  package struct Row: Equatable, Sendable {
    /// The line's number, from 1.
    package var line: Int
    /// The fields; one that is empty for an empty line.
    package var fields: [String]
  }

  private let separator: UInt8
  private var rest: ArraySlice<UInt8>
  private let file: String
  private var line = 1

  /// Starts at a text's first line.
  ///
  /// - Parameters:
  ///   - data: The text.
  ///   - file: The file's name, for errors.
  ///   - separator: What separates fields, an ASCII character; of spaces any number.
  /// - Throws: `FileError`, malformed, where it is no text.
  package init(_ data: Data, file: String, separator: Character = ",") throws(FileError) {
    self.file = file
    self.separator = separator.asciiValue ?? UInt8(ascii: ",")
    rest = [UInt8](data)[...]
    if rest.starts(with: [0xEF, 0xBB, 0xBF]) { rest = rest.dropFirst(3) }
    guard !rest.contains(0), String(validating: rest, as: UTF8.self) != nil else {
      throw .malformed(file, "is no text in UTF-8", remedy: "save it as CSV in UTF-8")
    }
  }

  /// The next line as a comment, without `#` and the spaces around it; nil where it is none.
  package mutating func comment() -> String? {
    guard rest.first == UInt8(ascii: "#") else { return nil }
    let text = plainText { $0 == 0x0A }
    takeLineEnd()
    return text.drop { $0 == "#" }.trimmingCharacters(in: .whitespaces)
  }

  /// The next row; nil at the end.
  ///
  /// - Throws: `FileError`, malformed, where quotation marks are wrong.
  package mutating func row() throws(FileError) -> Row? {
    guard !rest.isEmpty else { return nil }
    var row = Row(line: line, fields: [])
    while true {
      skipSpaces()
      row.fields.append(
        rest.first == UInt8(ascii: "\"")
          ? try quotedText() : plainText { [separator] in $0 == 0x0A || $0 == separator })
      guard rest.first == separator else { break }
      rest = rest.dropFirst()
      if separator == 0x20 {
        skipSpaces()
        if rest.first == 0x0A || rest.isEmpty { break }
      }
    }
    takeLineEnd()
    return row
  }

  /// The columns' names in a header line.
  ///
  /// - Throws: `FileError`, malformed, where the columns are separated otherwise, or one has no name.
  package func titles(_ row: Row) throws(FileError) -> [String] {
    if row.fields.count == 1, let separator = row.fields[0].first(where: { $0 == ";" || $0 == "\t" }) {
      throw titleError(
        row.line, "separates its columns by \(separator == ";" ? "semicolons" : "tabs")",
        remedy: "separate them by commas, with a point in the numbers")
    }
    guard !row.fields.contains(where: \.isEmpty) else {
      throw titleError(row.line, "has a column without a name", remedy: "name every column")
    }
    return row.fields
  }

  /// An error of a header line.
  package func titleError(_ line: Int, _ problem: String, remedy: String) -> FileError {
    .malformed(file, at: "line \(line)", "the header line \(problem)", remedy: remedy)
  }

  private func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x0D || byte == 0x20 || byte == 0x09 && separator != 0x09
  }

  private mutating func skipSpaces() {
    while let first = rest.first, isSpace(first) { rest = rest.dropFirst() }
  }

  /// The text up to a byte, without the spaces around it.
  private mutating func plainText(upTo isEnd: (UInt8) -> Bool) -> String {
    let end = rest.firstIndex(where: isEnd) ?? rest.endIndex
    var text = rest[..<end]
    rest = rest[end...]
    while let first = text.first, isSpace(first) { text = text.dropFirst() }
    while let last = text.last, isSpace(last) { text = text.dropLast() }
    return String(decoding: text, as: UTF8.self)
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
        guard plainText(upTo: { [separator] in $0 == 0x0A || $0 == separator }).isEmpty else {
          throw .malformed(
            file, at: "line \(line)", "has text after a closing quotation mark",
            remedy: "double the quotation marks within a field")
        }
        return String(decoding: text, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
      }
    }
    throw .malformed(
      file, at: "line \(start)", "has a quotation mark that is never closed", remedy: "close it")
  }

  private mutating func takeLineEnd() {
    if rest.popFirst() != nil { line += 1 }
  }
}
