/// Points in a plane, such as accuracy over cost, with the line of those that none other beats in both.
///
/// Groups differ in colour and shape; a point's name shows where the pointer rests on it, and beside it where it lies
/// on the line and there is room.
package struct ScatterChart: Component {
  /// A point.
  package struct Point: Sendable {
    /// What it stands for.
    package var label: String
    /// What it belongs to.
    package var group: String
    /// Its place on the horizontal axis, where less is better.
    package var x: Double
    /// Its place on the vertical axis, where more is better.
    package var y: Double

    /// Creates a point.
    package init(_ label: String, group: String, x: Double, y: Double) {
      (self.label, self.group, self.x, self.y) = (label, group, x, y)
    }
  }

  /// What the chart shows, in a few words.
  package var title: String
  /// What else there is to say.
  package var explanation: String
  /// The points.
  package var points: [Point]
  /// The horizontal axis's quantity and unit.
  package var horizontalUnit: String
  /// The vertical axis's quantity and unit.
  package var verticalUnit: String
  /// A value of the vertical axis to draw a line at, such as the float network's, and its name.
  package var reference: (value: Double, name: String)?
  /// A value of the horizontal axis that isn't to be exceeded, and its name.
  package var limit: (value: Double, name: String)?
  /// Whether the horizontal axis is one of logarithms: all places on it must then be above 0.
  package var isLogarithmic = false
  /// The area's height, in px.
  package var height: Int

  /// Creates a chart.
  package init(
    title: String, explanation: String = "", points: [Point], horizontalUnit: String, verticalUnit: String,
    reference: (value: Double, name: String)? = nil, height: Int = 300
  ) {
    self.title = title
    self.explanation = explanation
    self.points = points
    self.horizontalUnit = horizontalUnit
    self.verticalUnit = verticalUnit
    self.reference = reference
    self.height = height
  }

  /// The points that none other beats in both directions, from the left.
  package var front: [Point] {
    var front: [Point] = []
    for point in points.sorted(by: { ($0.x, -$0.y) < ($1.x, -$1.y) }) {
      if front.last.map({ point.y > $0.y }) ?? true { front.append(point) }
    }
    return front
  }

  /// The chart's markup.
  package func render() -> String {
    let points = points.filter { $0.x.isFinite && $0.y.isFinite }
    let heights = points.map(\.y) + (reference.map { [$0.value] } ?? [])
    let widths = points.map(\.x) + (limit.map { [$0.value] } ?? [])
    let (left, right) = (widths.min() ?? 0, widths.max() ?? 1)
    let plot = Plot(
      horizontal: isLogarithmic && left > 0
        ? Axis(logarithmicFrom: left, to: right) : Axis(left, right, tickCount: 6, isRounded: true),
      vertical: Axis(
        heights.min() ?? 0, heights.max() ?? 1, tickCount: max(2, height / 45), isRounded: true),
      horizontalUnit: horizontalUnit, verticalUnit: verticalUnit, height: height)
    let groups = points.map(\.group).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    func pen(_ group: String) -> Pen { Pen.ofGroup(groups.firstIndex(of: group) ?? 0) }
    func place(_ point: Point) -> (x: String, y: String) {
      (percentage(plot.horizontal.fraction(point.x)), percentage(1 - plot.vertical.fraction(point.y)))
    }
    var content = ""
    if let reference {
      let y = percentage(1 - plot.vertical.fraction(reference.value))
      content +=
        "<line class=\"axis\" x1=\"0\" x2=\"100%\" y1=\"\(y)\" y2=\"\(y)\" stroke-dasharray=\"4 3\"/>"
      content +=
        "<text class=\"unit halo\" x=\"100%\" dx=\"-4\" y=\"\(y)\" dy=\"-4\" text-anchor=\"end\">\(escaped(reference.name))</text>"
    }
    if let limit {
      let fraction = plot.horizontal.fraction(limit.value)
      let x = percentage(fraction)
      content +=
        "<line class=\"axis\" x1=\"\(x)\" x2=\"\(x)\" y1=\"0\" y2=\"100%\" stroke-dasharray=\"4 3\"/>"
      content +=
        "<text class=\"unit halo\" x=\"\(x)\" dx=\"\(fraction > 0.6 ? -4 : 4)\" y=\"100%\" dy=\"-6\" text-anchor=\""
        + "\(fraction > 0.6 ? "end" : "start")\">\(escaped(limit.name))</text>"
    }
    for (from, to) in zip(front, front.dropFirst()) {
      let (a, b) = (place(from), place(to))
      content += "<line class=\"axis\" x1=\"\(a.x)\" x2=\"\(b.x)\" y1=\"\(a.y)\" y2=\"\(b.y)\"/>"
    }
    for point in points {
      let (x, y) = place(point)
      content += "<g>\(pen(point.group).marker(x: x, y: y))<title>\(escaped(point.label))</title></g>"
    }
    var labels: [Label] = []
    for point in front {
      let label = Label(
        point.label, x: plot.horizontal.fraction(point.x),
        y: (1 - plot.vertical.fraction(point.y)) * Double(height))
      guard let label = [label, label.below].first(where: { !labels.contains(where: $0.overlaps) }) else {
        continue
      }
      labels.append(label)
      let (x, y) = place(point)
      content += label.render(x: x, y: y)
    }
    let legend = groups.map { group in
      "<span><svg aria-hidden=\"true\">\(pen(group).marker(x: "17", y: "6"))</svg>\(escaped(group))</span>"
    }
    return """
      <figure>
      \(figureCaption(title, explanation))
      \(groups.count > 1 ? "<div class=\"legend\">\(legend.joined())</div>" : "")
      \(plot.render(label: title, content))
      </figure>
      """
  }
}

/// A point's name beside its mark.
private struct Label {
  private let text: String
  private let isRight: Bool
  private let left: Double
  private var y: Double
  private var isBelow = false

  /// A width that the area has on most screens, and that of a letter, in px.
  private static let (areaWidth, letterWidth) = (900.0, 6.3)

  /// A label above a point: its place is a fraction of the area's width, and px from the area's top.
  init(_ text: String, x: Double, y: Double) {
    self.text = text
    self.y = y
    isRight = x > 0.6
    let width = Double(text.count) * Self.letterWidth
    left = x * Self.areaWidth + (isRight ? -7 - width : 7)
  }

  /// The same under the point.
  var below: Label {
    var label = self
    label.y += 21
    label.isBelow = true
    return label
  }

  func overlaps(_ other: Label) -> Bool {
    let (width, otherWidth) = (
      Double(text.count) * Self.letterWidth, Double(other.text.count) * Self.letterWidth
    )
    return left < other.left + otherWidth && other.left < left + width && abs(y - other.y) < 14
  }

  func render(x: String, y: String) -> String {
    "<text class=\"halo minor\" x=\"\(x)\" dx=\"\(isRight ? -7 : 7)\" y=\"\(y)\" dy=\"\(isBelow ? 15 : -6)\" text-anchor=\""
      + "\(isRight ? "end" : "start")\">\(escaped(text))</text>"
  }
}
