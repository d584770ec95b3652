/// Points in a plane, such as accuracy over cost, with the line of those that none other beats in both.
///
/// Groups differ in colour and shape; a point's name shows where the pointer rests on it, and beside it where it lies
/// on the line.
public struct ScatterChart: Component {
  /// A point.
  public struct Point: Sendable {
    /// What it stands for.
    public var label: String
    /// What it belongs to.
    public var group: String
    /// Its place on the horizontal axis, where less is better.
    public var x: Double
    /// Its place on the vertical axis, where more is better.
    public var y: Double

    /// Creates a point.
    public init(_ label: String, group: String, x: Double, y: Double) {
      (self.label, self.group, self.x, self.y) = (label, group, x, y)
    }
  }

  /// What the chart shows, in a few words.
  public var title: String
  /// What else there is to say.
  public var explanation: String
  /// The points.
  public var points: [Point]
  /// The horizontal axis's quantity and unit.
  public var horizontalUnit: String
  /// The vertical axis's quantity and unit.
  public var verticalUnit: String
  /// A value of the vertical axis to draw a line at, such as the float network's, and its name.
  public var reference: (value: Double, name: String)?
  /// The area's height, in px.
  public var height: Int

  /// Creates a chart.
  public init(
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
  public var front: [Point] {
    var front: [Point] = []
    for point in points.sorted(by: { ($0.x, -$0.y) < ($1.x, -$1.y) }) {
      if front.last.map({ point.y > $0.y }) ?? true { front.append(point) }
    }
    return front
  }

  /// The chart's markup.
  public func render() -> String {
    let points = points.filter { $0.x.isFinite && $0.y.isFinite }
    let heights = points.map(\.y) + (reference.map { [$0.value] } ?? [])
    let plot = Plot(
      horizontal: Axis(
        points.map(\.x).min() ?? 0, points.map(\.x).max() ?? 1, tickCount: 6, isRounded: true),
      vertical: Axis(
        heights.min() ?? 0, heights.max() ?? 1, tickCount: max(2, height / 45), isRounded: true),
      horizontalUnit: horizontalUnit, verticalUnit: verticalUnit, height: height)
    let groups = points.map(\.group).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    func pen(_ group: String) -> Pen { Pen.styles[(groups.firstIndex(of: group) ?? 0) % Pen.styles.count] }
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
    for (from, to) in zip(front, front.dropFirst()) {
      let (a, b) = (place(from), place(to))
      content += "<line class=\"axis\" x1=\"\(a.x)\" x2=\"\(b.x)\" y1=\"\(a.y)\" y2=\"\(b.y)\"/>"
    }
    for point in points {
      let (x, y) = place(point)
      content += "<g>\(pen(point.group).marker(x: x, y: y))<title>\(escaped(point.label))</title></g>"
    }
    for point in front {
      let (x, y) = place(point)
      let isRight = plot.horizontal.fraction(point.x) > 0.6
      content +=
        "<text class=\"halo minor\" x=\"\(x)\" dx=\"\(isRight ? -7 : 7)\" y=\"\(y)\" dy=\"-6\" text-anchor=\""
        + "\(isRight ? "end" : "start")\">\(escaped(point.label))</text>"
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
