import Foundation
import Support

/// A number that is known within a range; neither it nor its ends are negative.
package struct Estimate: Codable, Equatable, Sendable {
  /// The least that it may be.
  package var low: Double
  /// The estimate itself.
  package var value: Double
  /// The most that it may be.
  package var high: Double

  /// Creates an estimate.
  package init(_ low: Double, _ value: Double, _ high: Double) {
    (self.low, self.value, self.high) = (low, value, high)
  }

  /// Creates an estimate that is certain.
  package init(_ value: Double) {
    self.init(value, value, value)
  }

  static func + (a: Estimate, b: Estimate) -> Estimate {
    Estimate(a.low + b.low, a.value + b.value, a.high + b.high)
  }

  static func * (a: Estimate, b: Estimate) -> Estimate {
    Estimate(a.low * b.low, a.value * b.value, a.high * b.high)
  }

  static func * (a: Estimate, factor: Double) -> Estimate { a * Estimate(factor) }

  /// The quotient: the largest divisor gives the lower end.
  static func / (a: Estimate, b: Estimate) -> Estimate {
    Estimate(a.low / b.high, a.value / b.value, a.high / b.low)
  }

  static func / (a: Estimate, divisor: Double) -> Estimate { a / Estimate(divisor) }

  /// What a function that never falls makes of it.
  func map(_ function: (Double) -> Double) -> Estimate {
    Estimate(function(low), function(value), function(high))
  }

  /// The estimate as text, with its range: `5.2 (1.4 to 9.0)`.
  package var text: String {
    low == high
      ? Self.significant(value)
      : "\(Self.significant(value)) (\(Self.significant(low)) to \(Self.significant(high)))"
  }

  /// A number with as many decimals as three significant digits need.
  package static func significant(_ value: Double) -> String {
    guard value.isFinite, value != 0 else { return Numbers.decimal(value, places: 0) }
    let places = max(0, 2 - Int(log10(abs(value)).rounded(.down)))
    let text = Numbers.decimal(value, places: places)
    guard text.contains(".") else { return text }
    let trimmed = text.reversed().drop { $0 == "0" }.drop { $0 == "." }
    return String(trimmed.reversed())
  }
}

extension Sequence<Estimate> {
  /// The sum.
  var sum: Estimate { reduce(Estimate(0), +) }
}
