import Support

/// Bars of one length, each divided into shares: what became of some things, by group.
///
/// The fills differ in lightness by steps that stay apart in grey and to every eye.
package struct ShareChart: Component {
  /// A bar.
  package struct Bar: Sendable {
    /// What the bar stands for.
    package var label: String
    /// How many fell to each share; not negative.
    package var counts: [Int]

    /// Creates a bar.
    package init(_ label: String, _ counts: [Int]) {
      (self.label, self.counts) = (label, counts)
    }
  }

  /// What the chart shows, in a few words.
  package var title: String
  /// What else there is to say.
  package var explanation: String
  /// The shares' names, four at most, from the left.
  package var shares: [String]
  /// The bars, from the top.
  package var bars: [Bar]

  /// Creates a chart.
  package init(title: String, explanation: String = "", shares: [String], bars: [Bar]) {
    (self.title, self.explanation, self.shares, self.bars) = (title, explanation, shares, bars)
  }

  /// From middle to light to dark: neighbours are far apart.
  static let fills = ["#56B4E9", "#0072B2", "#E6E8EB", "#7A2A00"]

  /// The chart's markup.
  package func render() -> String {
    precondition(shares.count <= Self.fills.count, "a fill a share")
    let legend = zip(shares, Self.fills).map { name, fill in
      "<span><svg aria-hidden=\"true\"><rect class=\"share\" width=\"100%\" height=\"100%\" fill=\"\(fill)\"/></svg>"
        + "\(escaped(name))</span>"
    }
    let rows = bars.map { bar in
      let total = max(1, bar.counts.reduce(0, +))
      var start = 0
      let boxes = zip(bar.counts, Self.fills).map { count, fill -> String in
        defer { start += count }
        guard count > 0 else { return "" }
        return "<rect class=\"share\" x=\"\(percentage(Double(start) / Double(total)))\" "
          + "width=\"\(percentage(Double(count) / Double(total)))\" height=\"100%\" fill=\"\(fill)\"/>"
      }
      let text = zip(shares, bar.counts).map { "\($0) \(Numbers.integer($1))" }.joined(separator: ", ")
      return """
        <tr><th scope="row">\(escaped(bar.label))</th><td class="bar"><svg role="img" \
        aria-label="\(escaped(text))">\(boxes.joined())</svg></td></tr>
        """
    }
    return """
      <figure>
      \(figureCaption(title, explanation))
      <div class="legend">\(legend.joined())</div>
      <table class="bars"><tbody>
      \(rows.joined(separator: "\n"))
      </tbody></table>
      </figure>
      """
  }
}
