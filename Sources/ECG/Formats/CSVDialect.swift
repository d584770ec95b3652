import Foundation
import Support

/// How a CSV recording separates its columns and writes its numbers, as its first lines show.
struct CSVDialect: Equatable {
  /// What separates columns: a comma, a semicolon, a tab or spaces.
  var separator: Character = ","
  /// Whether numbers have a comma for their point.
  var hasDecimalComma = false

  /// Finds out, by the lines that aren't empty.
  ///
  /// A separator stands in every line but the last, which may be cut off.
  init(_ lines: [Substring]) {
    func isThroughout(_ mark: Character) -> Bool {
      let complete = lines.count > 2 ? lines.dropLast() : lines[...]
      return !complete.isEmpty && complete.allSatisfy { Self.unquoted($0).contains(mark) }
    }
    separator = [";", "\t", ","].first(where: isThroughout) ?? (isThroughout(" ") ? " " : "\0")
    switch separator {
    case ",": hasDecimalComma = Self.isOneColumnOfDecimalCommas(lines)
    case "\0", ";", "\t", " ":
      hasDecimalComma = lines.contains { line in
        line.split(separator: separator).contains { $0.firstMatch(of: /^ *[-+]?\d*,\d+ *$/) != nil }
      }
    default: break
    }
    if separator == "," && hasDecimalComma || separator == "\0" { separator = hasDecimalComma ? ";" : "," }
  }

  /// Whether the lines `1,0996` are one column, not two: a whole number isn't written `0996`.
  private static func isOneColumnOfDecimalCommas(_ lines: [Substring]) -> Bool {
    lines.allSatisfy { $0.firstMatch(of: /^ *[-+]?\d+(,\d+)? *$/) != nil }
      && lines.contains { $0.firstMatch(of: /,0\d+ *$/) != nil }
  }

  /// A line without what stands in quotation marks.
  private static func unquoted(_ line: Substring) -> String {
    line.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
      .filter { $0.offset % 2 == 0 }.map { String($0.element) }.joined()
  }

  /// A number as the dialect writes it; nil where it is none.
  func number(_ text: String) -> Double? {
    if let value = Double(text) { return value }
    guard hasDecimalComma, !text.contains(".") else { return nil }
    return Double(text.replacingOccurrences(of: ",", with: "."))
  }
}
