import Drawing
import Simulation
import Support

extension TargetResult {
  /// What a board did beside the host, for a page.
  var section: Section {
    var facts: [(name: String, value: String)] = [
      ("Target", address), ("Board", board.name),
      ("Image", "in its \(image == "flash" ? "flash" : "memory")"),
      (
        "Compared",
        "\(Numbers.integer(decisions)) decisions with announcement and logits, \(Numbers.integer(columns)) columns, "
          + "\(Numbers.integer(states)) whole state\(states == 1 ? "" : "s"), over \(Numbers.integer(samples)) samples"
      ),
      ("Differing", Numbers.integer(differing)),
    ]
    if let first = firstDifference {
      let part = first.part.map { "; first in \($0)" } ?? ""
      facts.append(
        (
          "First difference",
          "\(first.what) after sample \(first.sample): \(first.board) there, \(first.host) here\(part)"
        ))
    }
    if let failure { facts.append(("Ended early", failure)) }
    if let ticks {
      func mean(_ value: Double?, _ what: String) -> String? {
        value.map { "\(Numbers.integer(Int($0.rounded()))) a \(what)" }
      }
      let means = [
        mean(ticks.perSample, "sample"), mean(ticks.perColumn, "column"), mean(ticks.perDecision, "decision"),
      ]
      facts.append(
        (
          "Measured", ticks.unit == "cycles" ? "cycles" : "instructions, as the board is emulated"
        ))
      facts.append(
        (
          "On average",
          means.compactMap(\.self).joined(separator: ", ")
            + "; \(Numbers.integer(Int(ticks.perSecond.rounded()))) a second in all; at most "
            + "\(Numbers.integer(Int(ticks.worstSample.rounded()))) for a sample"
        ))
    }
    if stackBytes > 0 { facts.append(("Stack", "\(Numbers.integer(stackBytes)) bytes at most")) }
    if let realTimeFactor {
      facts.append(
        ("Speed", "\(Numbers.decimal(realTimeFactor, places: 1)) times real time, the wire included"))
    }
    return Section("The board", [Paragraph(sentence), Facts(facts)])
  }
}
