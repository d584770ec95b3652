import Foundation

/// A moment as a CSV recording writes it: a clock's time, a date, or both.
enum CSVStamp {
  /// The seconds that `0:00:04.004`, `2026-11-29T10:00:00.004Z`, `29.11.2026 10:00:00,004`, `[10:00:00.004 29/11/2026]`
  /// and their like stand for, from midnight or from 1970; nil where it is none of them.
  ///
  /// Dates with slashes are taken as month, day and year, unless the first number is no month.
  static func seconds(_ text: String) -> Double? {
    guard text.contains(where: { ":-/.".contains($0) }) else { return nil }
    var text = text.uppercased().trimmingCharacters(in: CharacterSet(charactersIn: "[]'\" "))
    if text.hasSuffix("Z") { text.removeLast() }
    if text.hasSuffix(" UTC") { text.removeLast(4) }
    let zone = zone(in: text)
    text = String(text[..<zone.start])
    var offset = -zone.seconds
    var total: Double?
    for part in text.split(whereSeparator: { $0 == " " || $0 == "T" }) {
      if part == "AM" || part == "PM" {
        guard let total else { return nil }
        let isAfternoon = total.truncatingRemainder(dividingBy: 86_400) >= 43_200
        if part == "PM", !isAfternoon { offset += 43_200 }
        if part == "AM", isAfternoon { offset -= 43_200 }
      } else {
        guard let seconds = part.contains(":") ? clock(part) : date(part) else { return nil }
        total = (total ?? 0) + seconds
      }
    }
    return total.map { $0 + offset }
  }

  /// Where a zone such as `+01:00` starts behind a clock's time, and what it is.
  private static func zone(in text: String) -> (start: String.Index, seconds: Double) {
    guard let colon = text.firstIndex(of: ":"),
      let start = text[colon...].firstIndex(where: { $0 == "+" || $0 == "-" })
    else { return (text.endIndex, 0) }
    let digits = text[start...].dropFirst().filter { $0 != ":" }
    guard digits.count == 2 || digits.count == 4, let number = Int(digits) else { return (text.endIndex, 0) }
    let minutes = digits.count == 2 ? number * 60 : number / 100 * 60 + number % 100
    return (start, Double(text[start] == "-" ? -minutes * 60 : minutes * 60))
  }

  /// `h:m:s`, `m:s` or `h:m:s:ms`, the seconds with a fraction.
  private static func clock(_ text: Substring) -> Double? {
    var parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard (2...4).contains(parts.count) else { return nil }
    if parts.count == 4 {
      let fraction = parts.removeLast()
      parts[2] += "." + fraction
    }
    var seconds = 0.0
    for part in parts {
      guard part.first?.isNumber == true, let number = Double(part.replacingOccurrences(of: ",", with: ".")),
        number.isFinite
      else { return nil }
      seconds = seconds * 60 + number
    }
    return seconds
  }

  /// The seconds from 1970 to a day of the Gregorian calendar.
  private static func date(_ text: Substring) -> Double? {
    let numbers = text.split { "-/.".contains($0) }.map { Int($0) }
    guard numbers.count == 3, let first = numbers[0], let second = numbers[1], let third = numbers[2] else {
      return nil
    }
    let (year, month, day) =
      first > 31
      ? (first, second, third)
      : text.contains("/") && first <= 12 ? (third, first, second) : (third, second, first)
    guard (1...12).contains(month), (1...31).contains(day), (1...9999).contains(year) else { return nil }
    // The days before a year that begins in March, with February's last day at its end.
    let shifted = month > 2 ? year : year - 1
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let days = 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
    return Double(days) * 86_400
  }
}
