import Foundation

/// Values as JSON, with sorted keys.
package enum JSON {
  /// A value's JSON text for others: indented, ending in a newline.
  ///
  /// JSON has no NaN and no infinity: such a number becomes `null`.
  ///
  /// - Throws: `EncodingError`, where the value itself refuses.
  package static func data(_ value: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: notANumber, negativeInfinity: notANumber, nan: notANumber)
    let text = String(decoding: try encoder.encode(value), as: UTF8.self)
    return Data((text.replacing("\"\(notANumber)\"", with: "null") + "\n").utf8)
  }

  /// Stands for a number that JSON can't write, until the text is done; no result holds such a string.
  private static let notANumber = "<not a finite number>"

  /// A value's JSON text on one line, its keys sorted, for files that this program reads again: `lineDecoder` reads
  /// numbers that JSON can't write, too.
  package static func line(_ value: some Encodable) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "1e999", negativeInfinity: "-1e999", nan: "nan")
    do {
      return String(decoding: try encoder.encode(value), as: UTF8.self)
    } catch {
      preconditionFailure("settings and results can always be encoded: \(error)")
    }
  }

  /// Reads what `line` wrote.
  package static var lineDecoder: JSONDecoder {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "1e999", negativeInfinity: "-1e999", nan: "nan")
    return decoder
  }
}
