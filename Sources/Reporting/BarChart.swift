/// Horizontal bars with their labels and values, such as operations by layer.
public struct BarChart: Component {
  /// A bar.
  public struct Bar: Sendable {
    /// What the bar stands for.
    public var label: String
    /// Its length; not negative.
    public var value: Double
    /// The value as text, with its unit.
    public var text: String

    /// Creates a bar.
    public init(_ label: String, _ value: Double, text: String) {
      self.label = label
      self.value = value
      self.text = text
    }
  }

  /// What the chart shows, in a few words.
  public var title: String
  /// What else there is to say.
  public var explanation: String
  /// The bars, from the top.
  public var bars: [Bar]

  /// Creates a chart.
  public init(title: String, explanation: String = "", bars: [Bar]) {
    self.title = title
    self.explanation = explanation
    self.bars = bars
  }

  /// The chart's markup.
  public func render() -> String {
    let longest = bars.map(\.value).filter(\.isFinite).max() ?? 0
    let rows = bars.map { bar in
      let fraction = longest > 0 && bar.value.isFinite ? max(bar.value / longest, 0) : 0
      return """
        <tr><th scope="row">\(escaped(bar.label))</th><td class="bar"><svg aria-hidden="true">\
        <rect width="\(percentage(fraction))" height="100%" fill="#0072B2"/></svg></td>\
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
