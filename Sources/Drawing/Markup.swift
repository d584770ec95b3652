import Support

/// A part of a page.
package protocol Component {
  /// The part as well-formed XHTML.
  func render() -> String
}

/// Text as it stands in markup: `&`, `<`, `>`, quotes and control characters can do no harm.
package func escaped(_ text: String) -> String {
  var result = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "&": result += "&amp;"
    case "<": result += "&lt;"
    case ">": result += "&gt;"
    case "\"": result += "&quot;"
    case "'": result += "&#39;"
    case "\t", "\n", "\r": result += " "
    // XML 1.0 has no other control characters and no noncharacters.
    case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{FFFE}", "\u{FFFF}": result += "\u{FFFD}"
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result
}

/// Text as it stands in markup, with what stands between backticks, such as a command, set as code.
func prose(_ text: String) -> String {
  let parts = text.split(separator: "`", omittingEmptySubsequences: false)
  // A backtick without its partner stays as it is.
  guard parts.count % 2 == 1 else { return escaped(text) }
  return parts.enumerated().map { index, part in
    index % 2 == 0 ? escaped(String(part)) : "<code>\(escaped(String(part)))</code>"
  }.joined()
}

/// A coordinate in markup: at most two decimals, so that pages stay small.
func coordinate(_ value: Double) -> String {
  let text = Numbers.decimal(value, places: 2).replacing(",", with: "")
  guard text.contains(".") else { return "0" }
  var digits = text[...]
  while digits.last == "0" { digits.removeLast() }
  if digits.last == "." { digits.removeLast() }
  return String(digits)
}

/// A position on an axis as a percentage of its length, for SVG attributes.
func percentage(_ fraction: Double) -> String {
  coordinate(100 * fraction) + "%"
}

/// A caption whose first words, its title, stand out.
func figureCaption(_ title: String, _ explanation: String) -> String {
  "<figcaption><b>\(escaped(title))</b>\(explanation.isEmpty ? "" : " " + prose(explanation))</figcaption>"
}
