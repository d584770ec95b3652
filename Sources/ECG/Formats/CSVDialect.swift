import Foundation
import Support

/// How a CSV recording separates its columns and writes its numbers, as its first lines show.
struct CSVDialect: Equatable {
  /// What separates columns: a comma, a semicolon, a tab or spaces.
  var separator: Character = ","
  /// Whether numbers have a comma for their point.
  var hasDecimalComma = false
  /// Whether, beside such a comma, numbers have a point between their thousands, as in `1.005,0`.
  var hasPointOfThousands = false

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
    case ",":
      hasDecimalComma = Self.isOneColumnOfDecimalCommas(lines) || Self.quotesDecimalCommas(lines)
    case "\0", ";", "\t", " ":
      hasDecimalComma = lines.contains { line in
        line.split(separator: separator).contains {
          $0.firstMatch(of: /^ *[-+]?\d*,\d+ *$/) != nil || Self.isOfThousandsByPoints($0)
        }
      }
    default: break
    }
    hasPointOfThousands =
      hasDecimalComma
      && lines.contains { line in
        line.split { $0 == separator || $0 == "\"" }.contains(where: Self.isOfThousandsByPoints)
      }
    if separator == "," && Self.isOneColumnOfDecimalCommas(lines) || separator == "\0" {
      separator = hasDecimalComma ? ";" : ","
    }
  }

  /// Whether a text is a number such as `1.005,0`.
  private static func isOfThousandsByPoints(_ text: some StringProtocol) -> Bool {
    String(text).firstMatch(of: /^ *[-+]?\d{1,3}(\.\d{3})+,\d+ *$/) != nil
  }

  /// Whether the lines `1,0996` are one column, not two: a whole number isn't written `0996`.
  private static func isOneColumnOfDecimalCommas(_ lines: [Substring]) -> Bool {
    lines.allSatisfy { $0.firstMatch(of: /^ *[-+]?\d+(,\d+)? *$/) != nil }
      && lines.contains { $0.firstMatch(of: /,0\d+ *$/) != nil }
  }

  /// Whether numbers such as `"1,0996"` stand in quotation marks because of their comma; `"1,234"` alone may be
  /// thousands.
  private static func quotesDecimalCommas(_ lines: [Substring]) -> Bool {
    let quoted = lines.flatMap { line in
      line.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
        .filter { $0.offset % 2 == 1 }.map(\.element)
    }
    return quoted.contains { $0.firstMatch(of: /^ *[-+]?\d*,(\d{1,2}|\d{4,}) *$/) != nil }
      && !quoted.contains { $0.firstMatch(of: /^ *[-+]?[\d,]*\.\d+ *$/) != nil }
  }

  /// A line without what stands in quotation marks.
  private static func unquoted(_ line: Substring) -> String {
    line.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
      .filter { $0.offset % 2 == 0 }.map { String($0.element) }.joined()
  }

  /// A number as the dialect writes it; nil where it is none.
  func number(_ text: String) -> Double? {
    if hasPointOfThousands, text.wholeMatch(of: /[-+]?\d{1,3}(\.\d{3})+/) != nil {
      return Double(text.replacing(".", with: ""))
    }
    if let value = Double(text) { return value }
    // Only a comma or a typesetter's sign can make more of it; moments have neither, mostly.
    guard text.utf8.contains(where: { $0 == UInt8(ascii: ",") || $0 > 0x7F }) else { return nil }
    let text = text.replacing("\u{2212}", with: "-")
    if hasDecimalComma {
      guard text.contains(".") else { return Double(text.replacing(",", with: ".")) }
      guard Self.isOfThousandsByPoints(text) else { return nil }
      return Double(text.replacing(".", with: "").replacing(",", with: "."))
    }
    let isOfThousands = text.wholeMatch(of: /[-+]?\d{1,3}(,\d{3})+\.\d+/) != nil
    return Double(isOfThousands ? text.replacing(",", with: "") : text)
  }
}
