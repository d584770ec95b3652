import Drawing
import Foundation
import HostDevice
import Support

extension Feasibility {
  /// The page's sections: the verdict, and how each number comes about.
  func pageSections(_ profile: DeviceProfile) -> [Section] {
    [verdictSection, derivationSection(profile)]
  }

  private var verdictSection: Section {
    var components: [any Component] = [
      Paragraph(
        sentence
          + " The figures are engineering estimates on \(processor); nothing was measured on a device. A "
          + "tick means that the range's unfavourable end is within the budget, a cross that it isn't."),
      Columns(modes.map(criteriaTable)), Columns(modes.compactMap(currentChart)),
    ]
    let suggestions = modes.flatMap { judgement in
      judgement.suggestions.map { [Table.Cell(judgement.mode.words), Table.Cell($0.sentence)] }
    }
    if !suggestions.isEmpty {
      components.append(
        Table(
          caption:
            "What would make a failing requirement pass, by the same arithmetic; in brackets which one.",
          columns: [.text("fails"), .text("would pass with")], rows: suggestions))
    }
    return Section("Can it live on the device?", components)
  }

  private func criteriaTable(_ judgement: Judgement) -> Table {
    Table(
      caption: "Requirements, \(judgement.mode.words)",
      columns: [.text("requirement"), .text("estimate and range"), .number("budget")],
      rows: judgement.criteria.map { criterion in
        let isCloseCall = criterion.outcome == .fail && criterion.outcomeAtBest == .pass
        return [
          .init(criterion.name.words),
          .init(criterion.estimateText + (isCloseCall ? ", at best a pass" : ""), outcome: criterion.outcome),
          .init(criterion.budget.map(criterion.text) ?? "none"),
        ]
      })
  }

  /// Where the battery's charge goes.
  private func currentChart(_ judgement: Judgement) -> BarChart? {
    guard judgement.tasks.contains(where: { $0.microamps != nil }) else { return nil }
    func bar(_ label: String, _ value: Estimate?) -> BarChart.Bar? {
      value.map { BarChart.Bar(label, $0.value, text: $0.text + " uA") }
    }
    return BarChart(
      title: "Average current, \(judgement.mode.words)",
      explanation: "The device without the network, and what the network adds.",
      bars: [
        bar("device alone", battery?.baseMicroamps), bar("self-discharge", battery?.selfDischargeMicroamps),
      ].compactMap(\.self) + judgement.tasks.compactMap { bar("\($0.name)s", $0.microamps) })
  }

  private func derivationSection(_ profile: DeviceProfile) -> Section {
    var components: [any Component] = modes.map { judgement in
      Table(
        caption:
          "Work, \(judgement.mode.words): count x cycles each; cycles without their range. Strides let some of "
          + "it fall due with every so many columns only.",
        columns: [
          .text("what"), .number("count"), .number("due every"), .number("cycles each"), .number("cycles"),
        ],
        rows: judgement.tasks.flatMap { task in
          task.work.map { work in
            [
              .init("\(task.name): \(work.item)"), .init(Numbers.integer(work.count)),
              .init(Numbers.integer(work.every)),
              .init(work.cyclesEach.text), .init(Estimate.significant(work.cycles.value)),
            ]
          }
        })
    }
    components += modes.map { judgement in
      Table(
        caption: "How the estimates come about, \(judgement.mode.words), without their ranges.",
        columns: [.text("requirement"), .text("estimate"), .text("budget")],
        rows: judgement.criteria.map {
          [
            .init($0.name.words), .init("\($0.derivation) = \($0.text($0.estimate.value))"),
            .init($0.budget == nil ? "none" : "\($0.budgetDerivation) = \($0.text($0.budget ?? 0))"),
          ]
        })
    }
    components.append(Paragraph("The profile's figures, with their ranges and sources:"))
    components.append(
      Facts(profile.figures.map { ($0.place, "\($0.figure.estimate.text): \($0.figure.source)") }))
    components.append(Paragraph("What the estimates take for granted:"))
    components.append(Facts(assumptions.enumerated().map { ("\($0.offset + 1)", $0.element) }))
    return Section("How the verdict comes about", components)
  }
}
