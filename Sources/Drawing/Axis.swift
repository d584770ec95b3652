import Foundation
import Support

/// An axis with ticks on round numbers: linear, or by the logarithm.
struct Axis {
  /// The axis's ends, in data units; the upper one is above the lower.
  let lower: Double
  let upper: Double
  /// The ticks, in data units.
  let ticks: [Double]
  private let places: Int
  private let isLogarithmic: Bool

  /// Creates an axis.
  ///
  /// - Parameters:
  ///   - lower: The data's least value.
  ///   - upper: The data's greatest value.
  ///   - tickCount: About how many ticks there are.
  ///   - isRounded: Whether the axis goes on to the next tick at both ends.
  init(_ lower: Double, _ upper: Double, tickCount: Int, isRounded: Bool) {
    var (lower, upper) = lower.isFinite && upper.isFinite && lower <= upper ? (lower, upper) : (0, 1)
    if upper - lower <= 1e-9 * max(abs(lower), abs(upper)) {
      let margin = max(abs(lower), abs(upper), 1) / 2
      (lower, upper) = (lower - margin, upper + margin)
    }
    let step = Axis.niceStep((upper - lower) / Double(max(tickCount, 1)))
    let first = isRounded ? (lower / step + 1e-9).rounded(.down) : (lower / step - 1e-9).rounded(.up)
    let last = isRounded ? (upper / step - 1e-9).rounded(.up) : (upper / step + 1e-9).rounded(.down)
    self.lower = isRounded ? first * step : lower
    self.upper = isRounded ? last * step : upper
    ticks = stride(from: first, through: last + 0.5, by: 1).map { $0 * step }
    places = max(0, min(17, Int(-log10(step).rounded(.down))))
    isLogarithmic = false
  }

  /// Creates an axis by the logarithm, with ticks at 1, 2 and 5 times powers of ten, from one to another.
  ///
  /// - Precondition: `lower` is above 0.
  init(logarithmicFrom lower: Double, to upper: Double) {
    let powers = Int(log10(lower).rounded(.down))...Int(log10(max(lower, upper)).rounded(.up))
    let all = powers.flatMap { power in [1.0, 2, 5].map { $0 * pow(10, Double(power)) } }
    let first = all.last { $0 <= lower * (1 + 1e-9) } ?? all[0]
    let last = all.first { $0 >= upper * (1 - 1e-9) && $0 > first } ?? all[all.count - 1]
    (self.lower, self.upper) = (first, last)
    ticks = all.filter { (first...last).contains($0) }
    (places, isLogarithmic) = (0, true)
  }

  /// Where a value lies: 0 at the lower end, 1 at the upper.
  func fraction(_ value: Double) -> Double {
    isLogarithmic
      ? log(max(value, .leastNormalMagnitude) / lower) / log(upper / lower)
      : (value - lower) / (upper - lower)
  }

  /// A tick's text.
  func label(_ value: Double) -> String {
    isLogarithmic
      ? Numbers.decimal(value, places: max(0, Int((-log10(value) - 1e-9).rounded(.up))))
      : Numbers.decimal(value, places: places).replacing("-", with: "−")
  }

  /// The least of 1, 2, 5 times a power of ten that is at least `step`, a small excess aside.
  private static func niceStep(_ step: Double) -> Double {
    let power = pow(10, log10(step).rounded(.down))
    return power * ([1.0, 2, 5].first { $0 >= step / power * 0.999 } ?? 10)
  }
}

/// The frame of a chart: grid, ticks, labels and units around an area whose corners are 0 % and 100 %.
///
/// The area stretches with the page while text, lines and markers keep their size: positions are percentages,
/// and what is drawn in data units sits in a nested `<svg>` that is stretched without its strokes.
struct Plot {
  var horizontal: Axis
  var vertical: Axis
  var horizontalUnit: String
  var verticalUnit: String
  var height: Int
  var hasGrid = true
  var hasMarks = false

  func render(label: String, _ content: String) -> String {
    var grid = ""
    var text = ""
    for (index, tick) in horizontal.ticks.enumerated() {
      let x = percentage(horizontal.fraction(tick))
      if hasGrid { grid += "<line x1=\"\(x)\" x2=\"\(x)\" y1=\"0\" y2=\"100%\"/>" }
      let minor = index % 2 == 1 ? " class=\"minor\"" : ""
      text +=
        "<text\(minor) x=\"\(x)\" y=\"100%\" dy=\"17\" text-anchor=\"middle\">\(horizontal.label(tick))</text>"
    }
    for tick in vertical.ticks {
      let y = percentage(1 - vertical.fraction(tick))
      if hasGrid { grid += "<line x1=\"0\" x2=\"100%\" y1=\"\(y)\" y2=\"\(y)\"/>" }
      text += "<text x=\"0\" dx=\"-7\" y=\"\(y)\" dy=\"4\" text-anchor=\"end\">\(vertical.label(tick))</text>"
    }
    text +=
      "<text class=\"unit\" x=\"50%\" y=\"100%\" dy=\"33\" text-anchor=\"middle\">\(escaped(horizontalUnit))</text>"
    text +=
      "<svg x=\"0\" y=\"50%\"><text class=\"unit\" transform=\"translate(-44 0) rotate(-90)\" text-anchor=\"middle\">"
      + "\(escaped(verticalUnit))</text></svg>"
    return """
      <div class="plot\(hasMarks ? " marked" : "")"><svg height="\(height)" role="img" aria-label="\(escaped(label))">
      <g class="grid">\(grid)</g>
      \(content)
      <rect class="axis" width="100%" height="100%"/>
      <g>\(text)</g>
      </svg></div>
      """
  }

  /// A stretched area whose coordinates run from 0 to 1,000 in both directions, the vertical one downwards.
  static func stretched(_ content: String) -> String {
    "<svg width=\"100%\" height=\"100%\" viewBox=\"0 0 1000 1000\" preserveAspectRatio=\"none\" "
      + "overflow=\"hidden\">\(content)</svg>"
  }
}
