import Drawing
import Evaluation
import HostDevice
import Support

extension DesignResult {
  /// The front in one sentence.
  package var sentence: String {
    let count =
      "\(Numbers.integer(points.count)) network\(points.count == 1 ? "" : "s") of the task \(task) on \(profile)"
    guard let budget = budgetMicroamps else {
      return "\(count); the profile has no limit for the current, and no --budget-current was given."
    }
    let limit = "\(Numbers.shortest(budget)) uA"
    let fitting = points.filter { $0.fits == true }
    guard let best = fitting.max(by: { $0.scores.macroF1 < $1.scores.macroF1 }) else {
      return "\(count): none is within \(limit) for the patient in the middle."
    }
    let told =
      criticalClasses.map { "\($0) \(Numbers.percent(best.f1($0)))" } + [
        "macro \(Numbers.percent(best.scores.macroF1))"
      ]
    return
      "\(count): \(fitting.count) within \(limit) for the patient in the middle, of which \(best.name) decides best, "
      + "F1 \(told.joined(separator: ", "))."
  }

  /// The search as one self-contained page.
  ///
  /// - Parameter command: The command that made it.
  /// - Returns: The page's HTML.
  package func page(command: String = "") -> String {
    let seedCount = "\(seeds.count) seed\(seeds.count == 1 ? "" : "s")"
    return Page(
      title: "Networks for \(profile), task \(task)",
      subtitle:
        "\(folds) folds by patient inside the training records, \(seedCount), int8, told of each beat",
      verdict: sentence,
      sections: [
        Section(
          "Current beside accuracy",
          criticalClasses.map { name in chart("F1 of \(name)") { $0.f1(name) } }
            + [chart("Macro F1") { $0.scores.macroF1 }]),
        Section("The networks", [table, Paragraph(Self.definitions)] + missingParts),
        Section("What makes each", [commandTable]),
        Section(
          "Provenance",
          [
            Facts(
              [
                ("Seeds", seeds.map(String.init).joined(separator: ", ")),
                (
                  "Epochs",
                  epochs.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
                ),
                ("Version", Release.version),
              ] + (command.isEmpty ? [] : [("Command", command)]))
          ]),
      ], footer: Release.footer()
    ).render()
  }

  private static let definitions =
    "The current is the profile's estimate for what the records made each network do, at the unfavourable end; nothing was measured on a "
    + "device. F1 is that of the int8 devices on patients that their networks had not seen, the mean of the seeds; in brackets the 95 % "
    + "interval of draws of patients. On the front no other network takes less and decides as well, nor as much and decides better, in "
    + "the classes that matter and in the macro F1. Which of many networks is best by chance is not known from these folds alone."

  /// A score beside the current; a sentence where it is the same of all networks.
  private func chart(_ title: String, _ f1: (Entry) -> Double) -> any Component {
    if let first = points.first.map(f1), points.allSatisfy({ f1($0) == first }) {
      return Paragraph("\(title) is \(Numbers.percent(first)) of every network.")
    }
    var chart = ScatterChart(
      title: "\(title) over current",
      explanation:
        "For the patient in the middle, at the unfavourable end. The line joins those that no other beats in these two.",
      points: points.map { point in
        .init(
          point.name,
          group: point.fits.map { $0 ? "within the budget" : "beyond the budget" } ?? "networks",
          x: point.current, y: 100 * f1(point))
      }, horizontalUnit: "current (uA)", verticalUnit: "F1 (%)")
    chart.limit = budgetMicroamps.map { ($0, "budget \(Numbers.shortest($0)) uA") }
    chart.isLogarithmic = true
    return chart
  }

  private var table: Table {
    func interval(_ value: Double, _ interval: String?) -> Table.Cell {
      .init("\(Numbers.percent(value))\(interval.map { " (\($0))" } ?? "")")
    }
    return Table(
      caption: "All networks, in the order of their currents",
      columns: [
        .text("network"), .text("front"), .number("uA, patient in the middle"), .number("uA, worst patient"),
        .number("network asked"), .number("image, bytes"),
      ] + criticalClasses.map { .number("\($0) F1") } + [.number("macro F1")],
      rows: points.map { point in
        [
          .init(point.name), .init(point.isOnFront ? "on it" : ""),
          Table.Cell(point.median?.text ?? "-", outcome: point.fits.map { $0 ? .pass : .fail }),
          Table.Cell(
            point.worst.map { "\($0.text), record \(point.worstRecord)" } ?? "-",
            outcome: point.fitsWorst.map { $0 ? .pass : .fail }),
          .init(point.networkShare.map { Numbers.percent($0) } ?? "always"),
          .init(Numbers.integer(point.imageBytes)),
        ]
          + criticalClasses.map { name in
            interval(
              point.f1(name),
              point.scores.classes.first { $0.name == name }?.f1Interval?.percentages(places: 1))
          } + [interval(point.scores.macroF1, point.scores.macroF1Interval?.percentages(places: 1))]
      })
  }

  private var missingParts: [any Component] {
    guard !missing.isEmpty else { return [] }
    return [
      Table(
        caption: "Results that are missing: their networks are left out above",
        columns: [.text("network"), .number("seed"), .number("fold")],
        rows: missing.map { [.init($0.name), .init("\($0.seed)"), .init("\($0.fold)")] })
    ]
  }

  private var commandTable: Table {
    Table(
      caption: "A network of all training records, and its image",
      columns: [.text("network"), .text("commands")],
      rows: points.map { [.init($0.name), .init($0.commands.joined(separator: "; "))] })
  }
}
