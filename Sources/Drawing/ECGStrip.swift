import Foundation
import Support

/// An ECG on millimetre paper, a few seconds a row, with the decisions of both twins above it.
///
/// Twins that differ are framed, and a wedge points at the moment. What the device said stands below them. Equal decisions
/// in close succession are written once, on a line from the first to the last.
package struct ECGStrip: Component {
  /// What both twins decided at a moment.
  package struct Decision: Sendable {
    /// The moment, in seconds from the record's start.
    package var timeSeconds: Double
    /// The float twin's class, a letter or two; nil where there is no such twin.
    package var float: String?
    /// The fixed-point class.
    package var fixed: String
    /// What the device said, a letter or two; nil where that isn't told.
    package var said: String?

    /// Creates a decision.
    package init(timeSeconds: Double, float: String?, fixed: String, said: String? = nil) {
      self.timeSeconds = timeSeconds
      self.float = float
      self.fixed = fixed
      self.said = said
    }

    var differs: Bool { float.map { $0 != fixed } ?? false }
  }

  /// What a cardiologist wrote at a moment.
  package struct Annotation: Sendable {
    /// The moment, in seconds from the record's start.
    package var timeSeconds: Double
    /// A letter or two.
    package var label: String

    /// Creates an annotation.
    package init(timeSeconds: Double, _ label: String) {
      self.timeSeconds = timeSeconds
      self.label = label
    }
  }

  /// What the strip shows, in a few words.
  package var title: String
  /// What else there is to say.
  package var explanation: String
  /// The excerpt, in millivolts; a gap where a sample is not a number.
  package var millivolts: [Double]
  /// The samples' rate, in hertz.
  package var sampleRateHz: Double
  /// The excerpt's start, in seconds from the record's start.
  package var startSeconds: Double
  /// The length of a row, in seconds.
  package var secondsPerRow: Double
  /// The decisions, in the order of their times; those outside the excerpt are left out.
  package var decisions: [Decision]
  /// The annotations; those outside the excerpt are left out.
  package var annotations: [Annotation]

  /// Creates a strip.
  package init(
    title: String, explanation: String = "", millivolts: [Double], sampleRateHz: Double,
    startSeconds: Double = 0, secondsPerRow: Double = 10, decisions: [Decision],
    annotations: [Annotation] = []
  ) {
    self.title = title
    self.explanation = explanation
    self.millivolts = millivolts
    self.sampleRateHz = sampleRateHz
    self.startSeconds = startSeconds
    self.secondsPerRow = secondsPerRow
    self.decisions = decisions
    self.annotations = annotations
  }

  /// The strip's markup.
  package func render() -> String {
    precondition(sampleRateHz > 0 && secondsPerRow > 0, "a strip has a rate and a length")
    let paper = Paper(millivolts, secondsPerRow: secondsPerRow)
    let rowCount = Int((Double(millivolts.count) / sampleRateHz / secondsPerRow).rounded(.up))
    let rows = (0..<rowCount).map { render(row: $0, on: paper) }
    let scale =
      "A large square is 0.2 s and \(Numbers.decimal(5 / paper.millimetresPerMillivolt, places: 2)) mV."
    return """
      <figure class="long">
      \(figureCaption(title, explanation.isEmpty ? scale : "\(explanation) \(scale)"))
      <div class="scroll strips">
      \(rows.joined(separator: "\n"))
      </div>
      </figure>
      """
  }

  private func render(row: Int, on paper: Paper) -> String {
    let start = startSeconds + Double(row) * secondsPerRow
    let end = min(start + secondsPerRow, startSeconds + Double(millivolts.count) / sampleRateHz)
    let tracks = tracks(from: start, to: end)
    return """
      <div class="strip">
      <svg width="100%" height="\(tracks.height)">\(tracks.markup)</svg>
      <svg width="100%" style="aspect-ratio:\(coordinate(paper.width))/\(coordinate(paper.height))" role="img" \
      aria-label="\(escaped(title)), \(coordinate(start)) s to \(coordinate(end)) s">
      \(paper.grid)\(tracks.marks)\(trace(row: row, on: paper))\(paper.labels)\(seconds(from: start, to: end))
      </svg>
      </div>
      """
  }

  private func trace(row: Int, on paper: Paper) -> String {
    let first = Int((Double(row) * secondsPerRow * sampleRateHz).rounded(.up))
    let last = min(Int((Double(row + 1) * secondsPerRow * sampleRateHz).rounded(.up)), millivolts.count)
    var path = ""
    var isDrawing = false
    for index in first..<max(first, last) {
      guard millivolts[index].isFinite else {
        isDrawing = false
        continue
      }
      let x = 25 * (Double(index) / sampleRateHz - Double(row) * secondsPerRow)
      path += "\(isDrawing ? "L" : "M")\(coordinate(x)) \(coordinate(paper.y(millivolts[index])))"
      isDrawing = true
    }
    return paper.stretched(
      "<path d=\"\(path)\" fill=\"none\" stroke=\"#000\" stroke-width=\"1.15\" stroke-linejoin=\"round\" "
        + "vector-effect=\"non-scaling-stroke\"/>")
  }

  private func seconds(from start: Double, to end: Double) -> String {
    let first = (start - 1e-9).rounded(.up)
    return stride(from: first, through: end + 1e-9, by: 1).map { second in
      let minor = Int(second - first) % 2 == 1 ? " class=\"minor\"" : ""
      let x = percentage((second - start) / secondsPerRow)
      return "<text\(minor) x=\"\(x)\" y=\"100%\" dy=\"16\" text-anchor=\"middle\">"
        + "\(coordinate(second)) s</text>"
    }.joined()
  }

  /// The labels above a row, and the lines in it that lead down from twins that differ.
  private func tracks(from start: Double, to end: Double) -> (height: Int, markup: String, marks: String) {
    let rowHeight = 18
    var names: [String] = []
    var markup = ""
    var marks = ""
    func x(_ time: Double) -> String { percentage((time - start) / secondsPerRow) }

    let annotations = annotations.filter { (start..<end).contains($0.timeSeconds) }
    if !self.annotations.isEmpty {
      names.append("expert")
      markup += annotations.map { label($0.label, x: x($0.timeSeconds), y: 14) }.joined()
    }
    let hasFloat = decisions.contains { $0.float != nil }
    let floatY = names.count * rowHeight + 14
    if hasFloat { names.append("float") }
    let fixedY = names.count * rowHeight + 14
    if !decisions.isEmpty { names.append("fixed") }
    let saidY = names.count * rowHeight + 14
    if decisions.contains(where: { $0.said != nil }) { names.append("said") }

    for run in runs(decisions.filter { (start..<end).contains($0.timeSeconds) }) {
      let middle = x((run.decision.timeSeconds + run.lastSeconds) / 2)
      if run.lastSeconds > run.decision.timeSeconds {
        for y in (hasFloat ? [floatY] : []) + [fixedY] + (run.decision.said == nil ? [] : [saidY]) {
          markup +=
            "<line class=\"axis\" x1=\"\(x(run.decision.timeSeconds))\" x2=\"\(x(run.lastSeconds))\" y1=\"\(y - 4)\" y2=\"\(y - 4)\"/>"
        }
      }
      if run.decision.differs {
        markup +=
          "<svg x=\"\(middle)\" y=\"\(floatY - 14)\"><path d=\"M-10 0.5H10V37H5L0 43L-5 37H-10Z\" fill=\"#fff\" "
          + "stroke=\"#D55E00\" stroke-width=\"2\"/></svg>"
        marks +=
          "<line x1=\"\(middle)\" x2=\"\(middle)\" y1=\"0\" y2=\"100%\" stroke=\"#D55E00\" stroke-width=\"1.2\" "
          + "stroke-dasharray=\"4 3\"/>"
      }
      if let float = run.decision.float { markup += label(float, x: middle, y: floatY) }
      markup += label(run.decision.fixed, x: middle, y: fixedY)
      if let said = run.decision.said { markup += label(said, x: middle, y: saidY) }
    }
    // A frame at the row's start reaches 11 px to the left of it.
    for (index, name) in names.enumerated() {
      markup +=
        "<text class=\"unit\" x=\"0\" dx=\"-15\" y=\"\(index * rowHeight + 14)\" text-anchor=\"end\">\(name)</text>"
    }
    return (names.count * rowHeight + 8, markup, marks)
  }

  private func label(_ text: String, x: String, y: Int) -> String {
    "<text class=\"halo\" x=\"\(x)\" y=\"\(y)\" text-anchor=\"middle\">\(escaped(text))</text>"
  }

  /// Decisions, those that repeat the one before after less than a sixtieth of a row merged into it.
  private func runs(_ decisions: [Decision]) -> [(decision: Decision, lastSeconds: Double)] {
    var runs: [(decision: Decision, lastSeconds: Double)] = []
    for decision in decisions {
      if let run = runs.last, run.decision.float == decision.float, run.decision.fixed == decision.fixed,
        run.decision.said == decision.said, decision.timeSeconds - run.lastSeconds < secondsPerRow / 60
      {
        runs[runs.count - 1].lastSeconds = decision.timeSeconds
      } else {
        runs.append((decision, decision.timeSeconds))
      }
    }
    return runs
  }
}

/// Millimetre paper for one row: 25 mm a second, and as many a millivolt as keep the row below 60 mm.
private struct Paper {
  let width: Double
  let height: Double
  let millimetresPerMillivolt: Double
  private let lowest: Double
  private let highest: Double

  init(_ millivolts: [Double], secondsPerRow: Double) {
    let finite = millivolts.filter(\.isFinite)
    let low = min(finite.min() ?? -0.5, -0.5)
    let high = max(finite.max() ?? 1, 1)
    var scale = 10.0
    while (high - low) * scale > 60 { scale /= 2 }
    millimetresPerMillivolt = scale
    // Whole boxes of 5 mm.
    lowest = (low * scale / 5).rounded(.down) * 5
    highest = (high * scale / 5).rounded(.up) * 5
    width = 25 * secondsPerRow
    height = highest - lowest
  }

  /// A voltage's distance from the top, in millimetres.
  func y(_ millivolts: Double) -> Double {
    highest - millivolts * millimetresPerMillivolt
  }

  var grid: String {
    func lines(every distance: Double, color: String, width: Double) -> String {
      let vertical = stride(from: 0, through: self.width, by: distance).map {
        "M\(coordinate($0)) 0V\(coordinate(height))"
      }
      let horizontal = stride(from: 0, through: height, by: distance).map {
        "M0 \(coordinate($0))H\(coordinate(self.width))"
      }
      return "<path d=\"\((vertical + horizontal).joined())\" fill=\"none\" stroke=\"\(color)\" "
        + "stroke-width=\"\(width)\" vector-effect=\"non-scaling-stroke\"/>"
    }
    return stretched(
      lines(every: 1, color: "#f6e6e2", width: 0.6) + lines(every: 5, color: "#e9c4bb", width: 0.9))
  }

  /// The whole millivolts at the left edge, and their unit.
  var labels: String {
    let scale = millimetresPerMillivolt
    let count = (highest - lowest) / scale
    let step = max(1, (count / 4).rounded(.up))
    let values = stride(from: (lowest / scale / step).rounded(.up) * step, through: highest / scale, by: step)
    return values.map { value in
      "<text x=\"0\" dx=\"-7\" y=\"\(percentage(y(value) / height))\" dy=\"4\" text-anchor=\"end\">"
        + "\(coordinate(value).replacing("-", with: "−"))\(value == 0 ? "" : " mV")</text>"
    }.joined()
  }

  func stretched(_ content: String) -> String {
    "<svg width=\"100%\" height=\"100%\" viewBox=\"0 0 \(coordinate(width)) \(coordinate(height))\" "
      + "preserveAspectRatio=\"none\">\(content)</svg>"
  }
}
