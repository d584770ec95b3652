import Support

/// Memories drawn to one scale, each with its parts in their places; numbers lead from the picture to a table.
///
/// A memory whose parts hold their bytes for some steps of a task alone, an arena, is drawn as high as the task has
/// steps, the first at the top: each part from the middle of the step that writes it to that of the last that reads it.
package struct MemoryChart: Component {
  /// Neighbouring bytes of a memory.
  package struct Part: Sendable {
    /// What they hold.
    package var name: String
    /// The first byte's place.
    package var offset: Int
    /// Their number.
    package var byteCount: Int
    /// The step that writes it, -1 where it is there before the first, and the last that reads it; nil where it is
    /// always there.
    package var steps: ClosedRange<Int>?

    /// Creates a part.
    package init(_ name: String, offset: Int, byteCount: Int, steps: ClosedRange<Int>? = nil) {
      (self.name, self.offset, self.byteCount, self.steps) = (name, offset, byteCount, steps)
    }
  }

  /// A memory.
  package struct Region: Sendable {
    /// Its name, and where it is.
    package var name: String
    /// Its size.
    package var byteCount: Int
    /// Its parts.
    package var parts: [Part]

    /// Creates a memory.
    package init(_ name: String, byteCount: Int, parts: [Part]) {
      (self.name, self.byteCount, self.parts) = (name, byteCount, parts)
    }
  }

  /// What the chart shows, in a few words.
  package var title: String
  /// What else there is to say.
  package var explanation: String
  /// The memories, from the top.
  package var regions: [Region]

  /// Creates a chart.
  package init(title: String, explanation: String = "", regions: [Region]) {
    (self.title, self.explanation, self.regions) = (title, explanation, regions)
  }

  /// The chart's markup.
  package func render() -> String {
    let greatest = max(1, regions.map(\.byteCount).max() ?? 1)
    func fraction(_ region: Region) -> Double { Double(region.byteCount) / Double(greatest) }
    var number = 0
    var pictures: [String] = []
    var tables: [any Component] = []
    for region in regions {
      // What has one part needs no number: its name and size stand above it.
      guard region.parts.count > 1 else {
        pictures.append(picture(region, region.parts.map { (0, $0) }, fraction: fraction(region)))
        continue
      }
      let numbered = region.parts.enumerated().map { (number: number + $0.offset + 1, part: $0.element) }
      number += region.parts.count
      pictures.append(picture(region, numbered, fraction: fraction(region)))
      tables.append(table(region, numbered))
    }
    return """
      <figure>
      \(figureCaption(title, explanation))
      \(pictures.joined(separator: "\n"))
      </figure>
      \(Columns(tables).render())
      """
  }

  private func picture(_ region: Region, _ parts: [(number: Int, part: Part)], fraction: Double) -> String {
    let stepCount = (parts.compactMap(\.part.steps?.upperBound).max() ?? 0) + 1
    let size = Double(max(region.byteCount, 1))
    let boxes = parts.enumerated().map { index, item in
      let width = Double(item.part.byteCount) / size
      let (top, bottom) = rows(item.part.steps, of: stepCount)
      let box =
        "x=\"\(percentage(Double(item.part.offset) / size))\" y=\"\(percentage(top))\" "
        + "width=\"\(percentage(width))\" height=\"\(percentage(bottom - top))\""
      // A number needs about a fortieth of the page's width.
      let text =
        item.number == 0 || width * fraction < 0.025
        ? ""
        : "<text\(width * fraction < 0.05 ? " class=\"minor\"" : "") x=\"50%\" y=\"50%\" dy=\"4\" text-anchor=\"middle\">\(item.number)</text>"
      return
        "<svg \(box)><rect class=\"memory\(index % 2 == 1 ? " odd" : "")\" width=\"100%\" height=\"100%\"/>\(text)</svg>"
    }
    return """
      <div class="memory-row"><p>\(escaped(region.name)): \(Numbers.integer(region.byteCount)) bytes</p>
      <svg role="img" aria-label="\(escaped(region.name))" style="width:max(\(percentage(fraction)),2px)" \
      height="\(stepCount == 1 ? 26 : 20 * min(stepCount, 12))">\
      <rect class="memory free" width="100%" height="100%"/>\(boxes.joined())</svg></div>
      """
  }

  /// The upper and the lower end of a part's box, as shares of the picture's height.
  private func rows(_ steps: ClosedRange<Int>?, of count: Int) -> (top: Double, bottom: Double) {
    guard let steps else { return (0, 1) }
    let bottom = steps.upperBound >= count - 1 ? Double(count) : Double(steps.upperBound) + 0.5
    return (max(Double(steps.lowerBound) + 0.5, 0) / Double(count), bottom / Double(count))
  }

  private func table(_ region: Region, _ parts: [(number: Int, part: Part)]) -> Table {
    Table(
      caption: region.name, columns: [.number("no."), .text("part"), .number("from byte"), .number("bytes")],
      rows: parts.map { item in
        [
          .init(Numbers.integer(item.number)), .init(item.part.name),
          .init(Numbers.integer(item.part.offset)), .init(Numbers.integer(item.part.byteCount)),
        ]
      })
  }
}
