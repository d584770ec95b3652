import Foundation
import Metrics
import Support

/// Figures in words, the same in every report.
package enum Wording {
  package static let synthetic =
    "SYNTHETIC DATA: the ECGs and responses are computed. They tell what a method can find where the truth is known; no "
    + "claim about patients follows."

  /// A figure with its interval: `0.812 (0.75 to 0.86)`.
  package static func figure(_ figure: CohortStudy.Summary.Figure?, places: Int = 3) -> String {
    guard let figure else { return "–" }
    return Numbers.decimal(figure.value, places: places)
      + (figure.interval.map { " (\($0.text(places: places)))" } ?? "")
  }

  /// A difference with its sign and interval: `+0.031 (−0.012 to +0.070)`.
  package static func difference(_ value: Double, _ interval: Interval?, places: Int = 3) -> String {
    signed(value, places: places)
      + (interval.map { " (\($0.text { signed($0, places: places) }))" } ?? "")
  }

  package static func signed(_ value: Double, places: Int) -> String {
    let text = Numbers.decimal(value, places: places).replacing("-", with: "−")
    return value > 0 && text.contains { "123456789".contains($0) } ? "+" + text : text
  }

  /// What a paired difference says, by its interval alone.
  package enum Effect: String, Encodable {
    /// The interval lies above nought.
    case better
    /// The interval lies below nought.
    case worse
    /// The interval holds nought, or there is none.
    case undecided

    package init(_ interval: Interval?) {
      guard let interval else {
        self = .undecided
        return
      }
      self = interval.lower > 0 ? .better : interval.upper < 0 ? .worse : .undecided
    }
  }

  /// Whether a transfer helps, in a sentence.
  package static func transfer(_ difference: Double, _ interval: Interval?, against: String) -> String {
    let text = Self.difference(difference, interval)
    switch Effect(interval) {
    case .better: return "Transfer helps against \(against): its AUC is higher by \(text)."
    case .worse: return "Transfer harms against \(against): its AUC differs by \(text)."
    case .undecided:
      return
        "Transfer is not shown to help against \(against): the AUC differs by \(text), and the interval holds 0."
    }
  }
}

extension Interval {
  package var closedRange: ClosedRange<Double> { min(lower, upper)...max(lower, upper) }
}
