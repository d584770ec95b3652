import Support

/// What happened over a long time: lanes of spans and moments over one axis.
///
/// Moments that fall on the same thousandth of the width are drawn once, so that a day takes no more than an hour.
package struct Timeline: Component {
  /// A lane.
  package struct Lane: Sendable {
    /// How it is drawn.
    package enum Style: Sendable {
      /// What happens all the time.
      case plain
      /// What somebody has to look at.
      case alarm
    }

    /// Its name, ten letters or fewer.
    package var name: String
    /// Its moments, in seconds.
    package var moments: [Double]
    /// Its spans, in seconds.
    package var spans: [ClosedRange<Double>]
    /// How it is drawn.
    package var style: Style

    /// Creates a lane.
    package init(
      _ name: String, moments: [Double] = [], spans: [ClosedRange<Double>] = [], style: Style = .plain
    ) {
      (self.name, self.moments, self.spans, self.style) = (name, moments, spans, style)
    }
  }

  /// What the lanes show, in a few words.
  package var title: String
  /// What else there is to say.
  package var explanation: String
  /// The time's end, in seconds from its start.
  package var durationSeconds: Double
  /// The lanes, from the top.
  package var lanes: [Lane]

  /// Creates lanes over a time.
  package init(title: String, explanation: String = "", durationSeconds: Double, lanes: [Lane]) {
    (self.title, self.explanation, self.durationSeconds, self.lanes) = (
      title, explanation, durationSeconds, lanes
    )
  }

  /// The unit in which so long a time is told, and its seconds.
  package static func unit(ofSeconds seconds: Double) -> (name: String, seconds: Double) {
    seconds < 180 ? ("s", 1) : seconds < 3 * 3600 ? ("min", 60) : ("h", 3600)
  }

  /// The lanes' markup.
  package func render() -> String {
    let laneHeight = 22
    let unit = Self.unit(ofSeconds: durationSeconds)
    let axis = Axis(0, max(durationSeconds, 1e-3) / unit.seconds, tickCount: 8, isRounded: false)
    func place(_ seconds: Double) -> Double {
      1000 * min(max(axis.fraction(seconds / unit.seconds), 0), 1)
    }
    var content = ""
    var text = ""
    for (index, lane) in lanes.enumerated() {
      let color = lane.style == .alarm ? "#D55E00" : "#0072B2"
      let spans = lane.spans.map { span in
        let (start, end) = (place(span.lowerBound), place(span.upperBound))
        return
          "<rect x=\"\(coordinate(start))\" y=\"4\" width=\"\(coordinate(max(end - start, 1)))\" height=\"14\"/>"
      }
      var seen = Set<Int>()
      let path = lane.moments.compactMap { moment -> String? in
        let x = Int(place(moment).rounded())
        return seen.insert(x).inserted ? "M\(x) 3V19" : nil
      }.joined()
      content +=
        "<svg y=\"\(index * laneHeight)\" width=\"100%\" height=\"\(laneHeight)\" viewBox=\"0 0 1000 \(laneHeight)\" "
        + "preserveAspectRatio=\"none\"><g fill=\"\(color)\" fill-opacity=\"0.45\">\(spans.joined())</g>"
        + "<path d=\"\(path)\" fill=\"none\" stroke=\"\(color)\" stroke-width=\"1.3\" "
        + "vector-effect=\"non-scaling-stroke\"/></svg>"
      let y = index * laneHeight
      content += "<line class=\"grid\" x1=\"0\" x2=\"100%\" y1=\"\(y)\" y2=\"\(y)\"/>"
      text += "<text x=\"0\" dx=\"-7\" y=\"\(y + 15)\" text-anchor=\"end\">\(escaped(lane.name))</text>"
    }
    for (index, tick) in axis.ticks.enumerated() {
      let minor = index % 2 == 1 ? " class=\"minor\"" : ""
      text +=
        "<text\(minor) x=\"\(percentage(axis.fraction(tick)))\" y=\"100%\" dy=\"17\" text-anchor=\"middle\">"
        + "\(axis.label(tick))</text>"
    }
    text +=
      "<text class=\"unit\" x=\"50%\" y=\"100%\" dy=\"33\" text-anchor=\"middle\">time (\(unit.name))</text>"
    let told = lanes.map { lane in
      let parts = [(lane.moments.count, "moments"), (lane.spans.count, "spans")].filter { $0.0 > 0 }
      return "\(lane.name) \(parts.map { "\($0.0) \($0.1)" }.joined(separator: ", "))"
    }
    return """
      <figure>
      \(figureCaption(title, explanation))
      <div class="plot"><svg height="\(lanes.count * laneHeight)" role="img" \
      aria-label="\(escaped(title)): \(escaped(told.joined(separator: "; ")))">
      \(content)
      <rect class="axis" width="100%" height="100%"/>
      <g>\(text)</g>
      </svg></div>
      </figure>
      """
  }
}
