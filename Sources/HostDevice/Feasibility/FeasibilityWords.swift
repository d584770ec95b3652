extension Feasibility {
  /// A few rows for a terminal's summary: each way of running the network, and what would help where it fails.
  package var summary: [(label: String, cells: [String])] {
    var rows: [(label: String, cells: [String])] = [
      (
        "device",
        [
          "\(profile): \(processor), a decision every \(FeasibilityAdvice.interval(schedule.meanIntervalSeconds))"
        ]
      )
    ]
    for judgement in modes {
      let failing = judgement.failing.filter { $0.name != .chargePerDecision }.map { criterion in
        "\(criterion.name.words) \(criterion.estimateText), budget \(criterion.text(criterion.budget ?? 0))"
          + (criterion.outcomeAtBest == .pass ? ", at best a pass" : "")
      }
      let figures = judgement.criteria.filter { [.ram, .dutyCycle, .averageCurrent].contains($0.name) }.map {
        "\($0.name.words) \($0.estimateText)"
      }
      rows.append(
        (
          judgement.mode.words,
          [
            judgement.outcome == .pass
              ? "pass: " + figures.joined(separator: ", ") : "fail: " + failing.joined(separator: "; ")
          ]
        ))
      for (index, suggestion) in judgement.suggestions.enumerated() {
        rows.append((index == 0 ? "to pass" : "or", [suggestion.sentence]))
      }
    }
    rows.append(("note", ["the device's figures are estimates, judged at their unfavourable end"]))
    return rows
  }

  /// Whether one of the ways to run the network passes every requirement.
  package var passes: Bool { modes.contains { $0.outcome == .pass } }

  /// The way to run the network that fails least; of equal ones the first.
  package var best: Judgement {
    modes.min { $0.failing.count < $1.failing.count } ?? modes[0]
  }

  /// The verdict in a sentence.
  package var sentence: String {
    let passing = modes.filter { $0.outcome == .pass }.map(\.mode.words)
    let pace = "a decision every \(FeasibilityAdvice.interval(schedule.meanIntervalSeconds))"
    guard passing.isEmpty else {
      return "By estimate the network runs on \(profile), \(passing.joined(separator: " or ")), with \(pace)."
    }
    let failing =
      modes.first?.failing.map(\.name).withoutRepeats.map(\.words).joined(separator: ", ") ?? ""
    return "By estimate the network asks too much of \(profile), with \(pace): \(failing)."
  }
}

extension Feasibility.Suggestion {
  /// The change, and what it helps.
  package var sentence: String {
    "\(text) (\(passes.withoutRepeats.map(\.words).joined(separator: ", ")))"
  }
}

extension [Feasibility.Criterion.Name] {
  /// Average current, charge and battery are one requirement in three units: the first stands for all.
  package var withoutRepeats: Self { filter { ![.chargePerDecision, .monthsLost].contains($0) } }
}
