/// Values with their intervals, a row each on one axis: differences around nought, or distributions by their quantiles.
package struct IntervalChart: Component {
  /// A row.
  package struct Row: Sendable {
    /// What it stands for.
    package var label: String
    /// The value, a black mark.
    package var value: Double
    /// The interval, a thin line.
    package var interval: ClosedRange<Double>?
    /// A narrower interval, a box; such as the middle half of a distribution.
    package var box: ClosedRange<Double>?
    /// The figures as text.
    package var text: String

    /// Creates a row.
    package init(
      _ label: String, _ value: Double, interval: ClosedRange<Double>?, box: ClosedRange<Double>? = nil,
      text: String
    ) {
      (self.label, self.value, self.interval, self.box, self.text) = (label, value, interval, box, text)
    }
  }

  /// A value to compare with, a dashed line through all rows.
  package struct Reference: Sendable {
    /// Its place on the axis.
    package var value: Double
    /// A few words.
    package var label: String

    /// Creates a reference.
    package init(_ value: Double, _ label: String) { (self.value, self.label) = (value, label) }
  }

  /// What the chart shows, in a few words.
  package var title: String
  /// What else there is to say.
  package var explanation: String
  /// The rows, from the top.
  package var rows: [Row]
  /// What to compare with.
  package var references: [Reference]
  /// The axis's ends; nil for those of the rows and references.
  package var range: ClosedRange<Double>?

  /// Creates a chart.
  package init(
    title: String, explanation: String = "", rows: [Row], references: [Reference] = [],
    range: ClosedRange<Double>? = nil
  ) {
    self.title = title
    self.explanation = explanation
    self.rows = rows
    self.references = references
    self.range = range
  }

  /// The chart's markup.
  package func render() -> String {
    let ends =
      rows.flatMap { row in
        [row.value, row.interval?.lowerBound ?? row.value, row.interval?.upperBound ?? row.value]
      } + references.map(\.value)
    let finite = ends.filter(\.isFinite)
    let axis = Axis(
      range?.lowerBound ?? finite.min() ?? 0, range?.upperBound ?? finite.max() ?? 1, tickCount: 6,
      isRounded: range == nil)
    func place(_ value: Double) -> String { percentage(min(max(axis.fraction(value), 0), 1)) }
    let grid = axis.ticks.map { tick in
      "<line x1=\"\(place(tick))\" x2=\"\(place(tick))\" y1=\"-45%\" y2=\"145%\" stroke=\"#dfe1e5\"/>"
    }.joined()
    let marks = references.map { reference in
      "<line class=\"axis\" x1=\"\(place(reference.value))\" x2=\"\(place(reference.value))\" y1=\"-45%\" "
        + "y2=\"145%\" stroke-dasharray=\"3 3\"/>"
    }.joined()
    let body = rows.map { row in
      var drawing = ""
      if let interval = row.interval {
        let (lower, upper) = (place(interval.lowerBound), place(interval.upperBound))
        drawing += "<line class=\"whisker\" x1=\"\(lower)\" x2=\"\(upper)\" y1=\"50%\" y2=\"50%\"/>"
      }
      if let box = row.box {
        let width = percentage(max(axis.fraction(box.upperBound) - axis.fraction(box.lowerBound), 0))
        drawing += "<rect x=\"\(place(box.lowerBound))\" width=\"\(width)\" y=\"10%\" height=\"80%\" "
        drawing += "fill=\"#8FC1E3\" stroke=\"#4d5156\"/>"
      }
      if row.value.isFinite {
        let x = place(row.value)
        drawing +=
          row.box == nil
          ? "<circle cx=\"\(x)\" cy=\"50%\" r=\"4\"/>"
          : "<line x1=\"\(x)\" x2=\"\(x)\" y1=\"0\" y2=\"100%\" stroke=\"#000\" stroke-width=\"2.5\"/>"
      }
      return Self.line(escaped(row.label), grid + marks + drawing, escaped(row.text))
    }
    let ticks = axis.ticks.enumerated().map { index, tick in
      "<text\(index % 2 == 1 ? " class=\"minor\"" : "") x=\"\(place(tick))\" y=\"11\" text-anchor=\"middle\">\(axis.label(tick))</text>"
    }.joined()
    let names = references.map { reference in
      let fraction = axis.fraction(reference.value)
      let anchor = fraction < 0.25 ? "start" : fraction > 0.75 ? "end" : "middle"
      return "<text class=\"halo\" x=\"\(place(reference.value))\" y=\"7\" text-anchor=\"\(anchor)\">"
        + "\(escaped(reference.label))</text>"
    }.joined()
    return """
      <figure>
      \(figureCaption(title, explanation))
      <div class="scroll"><table class="bars intervals"><tbody>
      \(((references.isEmpty ? [] : [Self.line("", names, "")]) + body + [Self.line("", ticks, "")]).joined(separator: "\n"))
      </tbody></table></div>
      </figure>
      """
  }

  private static func line(_ label: String, _ drawing: String, _ text: String) -> String {
    "<tr><th scope=\"row\">\(label)</th><td class=\"bar\"><svg aria-hidden=\"true\" style=\"border-left:0\">\(drawing)"
      + "</svg></td><td class=\"number\">\(text)</td></tr>"
  }
}
