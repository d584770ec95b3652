/// Horizontal bars with their labels and values, such as operations by layer, and their intervals where they have some.
package struct BarChart: Component {
  /// A bar.
  package struct Bar: Sendable {
    /// What the bar stands for.
    package var label: String
    /// Its length; not negative.
    package var value: Double
    /// The value as text, with its unit.
    package var text: String
    /// Where the value lies by confidence, drawn over the bar; nil where it is certain.
    package var interval: ClosedRange<Double>?

    /// Creates a bar.
    package init(_ label: String, _ value: Double, text: String, interval: ClosedRange<Double>? = nil) {
      self.label = label
      self.value = value
      self.text = text
      self.interval = interval
    }
  }

  /// What the chart shows, in a few words.
  package var title: String
  /// What else there is to say.
  package var explanation: String
  /// The bars, from the top.
  package var bars: [Bar]
  /// The value of a bar as long as the chart is wide; nil for the longest bar's.
  package var fullScale: Double?

  /// Creates a chart.
  package init(title: String, explanation: String = "", bars: [Bar], fullScale: Double? = nil) {
    self.title = title
    self.explanation = explanation
    self.bars = bars
    self.fullScale = fullScale
  }

  /// The chart's markup.
  package func render() -> String {
    let ends = bars.flatMap { bar -> [Double] in [bar.value, bar.interval?.upperBound ?? 0] }
    let longest: Double = fullScale ?? ends.filter(\.isFinite).max() ?? 0
    func fraction(_ value: Double) -> Double {
      longest > 0 && value.isFinite ? min(max(value / longest, 0), 1) : 0
    }
    let rows = bars.map { bar in
      let whisker = bar.interval.map { interval in
        let (lower, upper) = (
          percentage(fraction(interval.lowerBound)), percentage(fraction(interval.upperBound))
        )
        return "<line class=\"whisker\" x1=\"\(lower)\" x2=\"\(upper)\" y1=\"50%\" y2=\"50%\"/>"
          + [lower, upper].map {
            "<line class=\"whisker\" x1=\"\($0)\" x2=\"\($0)\" y1=\"20%\" y2=\"80%\"/>"
          }.joined()
      }
      return """
        <tr><th scope="row">\(escaped(bar.label))</th><td class="bar"><svg aria-hidden="true">\
        <rect width="\(percentage(fraction(bar.value)))" height="100%" fill="\(whisker == nil ? "#0072B2" : "#8FC1E3")"/>\
        \(whisker ?? "")</svg></td>\
        <td class="number">\(escaped(bar.text))</td></tr>
        """
    }
    return """
      <figure>
      \(figureCaption(title, explanation))
      <table class="bars"><tbody>
      \(rows.joined(separator: "\n"))
      </tbody></table>
      </figure>
      """
  }
}
