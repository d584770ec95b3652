/// Lines over a common axis; they differ in colour (Okabe and Ito's), in dashes and in markers.
///
/// Long series are drawn by the least and greatest value of each stretch, so that no extreme is lost. Values
/// that are not finite leave a gap.
package struct LineChart: Component {
  /// A line.
  package struct Series: Sendable {
    /// How a line looks.
    package enum Style: Sendable {
      /// The next of the styles that differ in colour and dashes.
      case automatic
      /// Wide and light, for a reference that another line may cover.
      case wide
      /// Thin and black, to lie on a wide one.
      case thin
    }

    /// The name in the legend.
    package var name: String
    /// The values, `[point]`.
    package var values: [Double]
    /// The first value's place on the horizontal axis.
    package var start: Double
    /// The distance between values on the horizontal axis, positive.
    package var step: Double
    /// The values' places on the horizontal axis, rising, where they are not evenly spaced.
    package var positions: [Double]?
    /// How the line looks.
    package var style: Style
    /// Where each value lies by confidence, drawn through its marker; none where it is empty.
    package var intervals: [ClosedRange<Double>?] = []

    /// Creates a line through values at places of their own; there is a place a value, each after the one before.
    package init(_ name: String, _ values: [Double], at positions: [Double], style: Style = .automatic) {
      precondition(positions.count == values.count, "a place a value")
      self.init(name, values, start: positions.first ?? 0, style: style)
      self.positions = positions
    }

    /// A value's place on the horizontal axis.
    func position(_ index: Int) -> Double {
      positions?[index] ?? start + step * Double(index)
    }

    /// Creates a line through evenly spaced values.
    package init(
      _ name: String, _ values: [Double], start: Double = 0, step: Double = 1, style: Style = .automatic
    ) {
      self.name = name
      self.values = values
      self.start = start
      self.step = step
      self.style = style
    }
  }

  /// A moment to point out above the lines.
  package struct Event: Sendable {
    /// Its place on the horizontal axis.
    package var position: Double
    /// A few letters.
    package var label: String

    /// Creates an event.
    package init(at position: Double, _ label: String) {
      self.position = position
      self.label = label
    }
  }

  /// What the chart shows, in a few words.
  package var title: String
  /// What else there is to say.
  package var explanation: String
  /// The lines.
  package var series: [Series]
  /// The horizontal axis's quantity and unit, such as `time (s)`.
  package var horizontalUnit: String
  /// The vertical axis's quantity and unit.
  package var verticalUnit: String
  /// The moments pointed out.
  package var events: [Event]
  /// The area's height, in px.
  package var height: Int
  /// The horizontal axis's ends; nil for those of the lines.
  package var horizontalRange: ClosedRange<Double>?

  /// Creates a chart.
  package init(
    title: String, explanation: String = "", series: [Series], horizontalUnit: String, verticalUnit: String,
    events: [Event] = [], height: Int = 200, horizontalRange: ClosedRange<Double>? = nil
  ) {
    self.title = title
    self.explanation = explanation
    self.series = series
    self.horizontalUnit = horizontalUnit
    self.verticalUnit = verticalUnit
    self.events = events
    self.height = height
    self.horizontalRange = horizontalRange
  }

  /// The chart's markup.
  package func render() -> String {
    let ends = series.filter { !$0.values.isEmpty }.map {
      ($0.position(0), $0.position($0.values.count - 1))
    }
    let limits = series.flatMap {
      $0.intervals.compactMap(\.self).flatMap { [$0.lowerBound, $0.upperBound] }
    }
    let finite = (series.flatMap(\.values) + limits).filter(\.isFinite)
    let plot = Plot(
      horizontal: Axis(
        horizontalRange?.lowerBound ?? ends.map(\.0).min() ?? 0,
        horizontalRange?.upperBound ?? ends.map(\.1).max() ?? 1, tickCount: 8, isRounded: false),
      vertical: Axis(finite.min() ?? 0, finite.max() ?? 1, tickCount: max(2, height / 45), isRounded: true),
      horizontalUnit: horizontalUnit, verticalUnit: verticalUnit, height: height, hasMarks: !events.isEmpty)
    let pens = Pen.assign(to: series)
    let lines = zip(series, pens).map { series, pen in
      "<path d=\"\(path(series, plot))\" \(pen.attributes) vector-effect=\"non-scaling-stroke\"/>"
    }
    let points = zip(series, pens).map { series, pen in markers(series, pen, plot) }
    let legend = zip(series, pens).map { series, pen in
      "<span><svg aria-hidden=\"true\"><line x1=\"0\" x2=\"34\" y1=\"6\" y2=\"6\" \(pen.attributes)/>"
        + "\(hasMarkers(series) ? pen.marker(x: "17", y: "6") : "")</svg>\(escaped(series.name))</span>"
    }
    let limitLines = series.map { whiskers($0, plot) }
    let content = Plot.stretched(lines.joined()) + limitLines.joined() + points.joined() + eventMarks(plot)
    return """
      <figure>
      \(figureCaption(title, explanation))
      \(series.count > 1 ? "<div class=\"legend\">\(legend.joined())</div>" : "")
      \(plot.render(label: title, content))
      </figure>
      """
  }

  private func path(_ series: Series, _ plot: Plot) -> String {
    var path = ""
    var isDrawing = false
    for index in drawnIndices(series.values) {
      guard series.values[index].isFinite else {
        isDrawing = false
        continue
      }
      let x = 1000 * plot.horizontal.fraction(series.position(index))
      let y = 1000 * (1 - plot.vertical.fraction(series.values[index]))
      path += "\(isDrawing ? "L" : "M")\(coordinate(x)) \(coordinate(y))"
      isDrawing = true
    }
    return path
  }

  /// All indices of a short series; of a long one, those of each stretch's least and greatest value and of
  /// values that are not finite.
  private func drawnIndices(_ values: [Double]) -> [Int] {
    let stretchCount = 700
    guard values.count > 2 * stretchCount else { return Array(values.indices) }
    return (0..<stretchCount).flatMap { stretch in
      let range = values.count * stretch / stretchCount..<values.count * (stretch + 1) / stretchCount
      let finite = range.filter { values[$0].isFinite }
      let gap = range.first { !values[$0].isFinite }
      let extremes = [finite.min { values[$0] < values[$1] }, finite.max { values[$0] < values[$1] }, gap]
      return Set(extremes.compactMap { $0 }).sorted()
    }
  }

  private func hasMarkers(_ series: Series) -> Bool {
    series.values.count <= 24
  }

  private func markers(_ series: Series, _ pen: Pen, _ plot: Plot) -> String {
    guard hasMarkers(series) else { return "" }
    return series.values.enumerated().filter { $0.element.isFinite }.map { index, value in
      pen.marker(
        x: percentage(plot.horizontal.fraction(series.position(index))),
        y: percentage(1 - plot.vertical.fraction(value)))
    }.joined()
  }

  private func whiskers(_ series: Series, _ plot: Plot) -> String {
    series.intervals.prefix(series.values.count).enumerated().map { index, interval in
      guard let interval else { return "" }
      let x = percentage(plot.horizontal.fraction(series.position(index)))
      let (low, high) = (
        percentage(1 - plot.vertical.fraction(interval.lowerBound)),
        percentage(1 - plot.vertical.fraction(interval.upperBound))
      )
      return "<line class=\"whisker\" x1=\"\(x)\" x2=\"\(x)\" y1=\"\(low)\" y2=\"\(high)\"/>"
    }.joined()
  }

  private func eventMarks(_ plot: Plot) -> String {
    events.filter { (0...1).contains(plot.horizontal.fraction($0.position)) }.map { event in
      let x = percentage(plot.horizontal.fraction(event.position))
      return "<line class=\"axis\" x1=\"\(x)\" x2=\"\(x)\" y1=\"-5\" y2=\"100%\" stroke-dasharray=\"1 3\"/>"
        + "<text class=\"halo\" x=\"\(x)\" y=\"0\" dy=\"-9\" text-anchor=\"middle\">\(escaped(event.label))</text>"
    }.joined()
  }
}

/// The look of a line and of its markers.
struct Pen {
  var color: String
  var width: Double
  var dashes = ""
  /// A path around the origin.
  var shape: String
  /// Whether only the shape's outline is drawn.
  var isHollow = false

  /// Colours of Okabe and Ito that stand out from white; each has its own dashes and its own shape.
  static let styles = [
    Pen(color: "#000000", width: 1.6, shape: "M-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0"),
    Pen(color: "#0072B2", width: 1.8, dashes: "8 4", shape: "M-3.5 -3.5h7v7h-7z"),
    Pen(color: "#D55E00", width: 1.8, dashes: "2 3", shape: "M0 -4.5L4.5 3.5H-4.5z"),
    Pen(color: "#009E73", width: 1.8, dashes: "10 3 2 3", shape: "M0 -4.5L4.5 0L0 4.5L-4.5 0z"),
    Pen(color: "#CC79A7", width: 2.2, dashes: "16 5", shape: "M0 4.5L4.5 -3.5H-4.5z"),
    Pen(color: "#E69F00", width: 2.2, dashes: "5 2", shape: "M-5 -1.5h10v3h-10z"),
  ]

  /// The look of the so-manieth of many groups of marks: hollow ones follow when the shapes are used up.
  static func ofGroup(_ index: Int) -> Pen {
    var pen = styles[index % styles.count]
    pen.isHollow = index / styles.count % 2 == 1
    return pen
  }

  static func assign(to series: [LineChart.Series]) -> [Pen] {
    var next = 0
    return series.map { series in
      switch series.style {
      case .wide: return Pen(color: "#56B4E9", width: 4.5, shape: styles[0].shape)
      case .thin: return Pen(color: "#000000", width: 1.1, shape: styles[1].shape)
      case .automatic:
        defer { next += 1 }
        return styles[next % styles.count]
      }
    }
  }

  /// The stroke's attributes.
  var attributes: String {
    "fill=\"none\" stroke=\"\(color)\" stroke-width=\"\(width)\" stroke-linejoin=\"round\""
      + (dashes.isEmpty ? "" : " stroke-dasharray=\"\(dashes)\"")
  }

  func marker(x: String, y: String) -> String {
    let paint =
      isHollow
      ? "fill=\"#fff\" stroke=\"\(color)\" stroke-width=\"1.6\""
      : "fill=\"\(color)\" stroke=\"#fff\" stroke-width=\"0.8\""
    return "<svg x=\"\(x)\" y=\"\(y)\"><path d=\"\(shape)\" \(paint)/></svg>"
  }
}
