import Foundation

/// Whether something holds what was asked of it.
package enum Outcome: String, Codable, Sendable {
  /// It does.
  case pass
  /// It doesn't.
  case fail
}

/// Numbers as text for people, the same on every machine and in every locale.
///
/// NaN reads `n/a`, infinity `inf`; a negative number that rounds to zero has no sign.
package enum Numbers {
  /// A whole number with thousands separated: `1,234`.
  package static func integer(_ value: some BinaryInteger) -> String {
    let digits = String(value.magnitude)
    return (value < 0 ? "-" : "") + grouped(digits)
  }

  /// A number with a fixed count of decimals and thousands separated: `1,234.50`.
  ///
  /// - Parameters:
  ///   - value: The number.
  ///   - places: The count of decimals, in `0...17`.
  /// - Returns: The text.
  package static func decimal(_ value: Double, places: Int) -> String {
    guard value.isFinite else { return value.isNaN ? "n/a" : value < 0 ? "-inf" : "inf" }
    let text = String(format: "%.\(min(max(places, 0), 17))f", value.magnitude)
    let parts = text.split(separator: ".")
    let isZero = text.allSatisfy { $0 == "0" || $0 == "." }
    let sign = value < 0 && !isZero ? "-" : ""
    return sign + ([grouped(parts[0])] + parts.dropFirst().map(String.init)).joined(separator: ".")
  }

  /// A fraction as a percentage: `99.53 %` for 0.9953.
  package static func percent(_ fraction: Double, places: Int = 2) -> String {
    fraction.isFinite ? decimal(100 * fraction, places: places) + " %" : decimal(fraction, places: 0)
  }

  /// A count of bytes in the unit that suits it: `812 B`, `7.3 kB` (1,000 B), `1.2 MB`.
  package static func bytes(_ count: Int) -> String {
    switch count.magnitude {
    case ..<1000: "\(count) B"
    case ..<999_950: decimal(Double(count) / 1e3, places: 1) + " kB"
    default: decimal(Double(count) / 1e6, places: 1) + " MB"
    }
  }

  /// A length of time to the second: `42 s`, `5 min 00 s`, `1 h 05 min`.
  package static func duration(seconds: Double) -> String {
    guard let whole = Int(exactly: seconds.rounded()), whole >= 0 else { return "n/a" }
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return "\(whole / 60) min \(twoDigits(whole % 60)) s" }
    return "\(integer(whole / 3600)) h \(twoDigits(whole % 3600 / 60)) min"
  }

  /// A number in all of its hexadecimal digits: `000a35ff`.
  package static func hexadecimal(_ value: some FixedWidthInteger & UnsignedInteger) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: value.bitWidth / 4 - digits.count) + digits
  }

  /// The shortest text that gives the number again, without a fraction where it is whole: `360`, `0.1`.
  package static func shortest(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
  }

  /// The number; nil where it isn't one that JSON can hold.
  package static func finite(_ value: Double) -> Double? { value.isFinite ? value : nil }

  private static func twoDigits(_ value: Int) -> String {
    value < 10 ? "0\(value)" : "\(value)"
  }

  private static func grouped(_ digits: some StringProtocol) -> String {
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return text
  }
}
