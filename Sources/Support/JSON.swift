import Foundation

/// Results as JSON: sorted keys, indented, ending in a newline.
///
/// JSON has no NaN and no infinity: such a number becomes `null`.
package enum JSON {
  /// A value's JSON text.
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
}
