import Drawing
import Evaluation
import HostDevice
import Metrics
import Support
import Tasks

extension WindowValidation {
  /// What folds of patients say of a task's windows, as one page: what each threshold gives, and what was chosen.
  ///
  /// - Parameters:
  ///   - task: The task.
  ///   - folds: The number of folds.
  ///   - seed: The seed of the trainings.
  ///   - command: The command that made it.
  /// - Returns: The page's HTML.
  package func page(task: TaskDefinition, folds: Int, seed: UInt64, command: String) -> String {
    Page(
      title: "\(task.name): windows that no fold's network has seen",
      subtitle: "\(folds) folds by patient, seed \(seed); int8 as devices decide",
      verdict: int8.map(\.sentence).joined(separator: " "),
      sections: curves.enumerated().map { place, curve in
        Section(
          "\(curve.className) against all others",
          curve.components(aim: aim, offset: offsets?[curve.className] ?? 0) + [table(ofClass: place)])
      } + (episodes ?? []).map(\.section) + [
        Section("Provenance", [Facts([("Version", Release.version), ("Command", command)])])
      ], footer: Release.footer()
    ).render()
  }

  private func table(ofClass place: Int) -> Table {
    let columns =
      [("float", float[place]), ("int8", int8[place])]
      + (tuned.map { [("int8, raised for \(aim ?? "")", $0[place])] } ?? [])
    func row(_ name: String, _ text: (WindowScore) -> String) -> [Table.Cell] {
      [Table.Cell(name)] + columns.map { Table.Cell(text($0.1)) }
    }
    func share(_ name: String, _ figure: KeyPath<WindowScore, WindowScore.Figure>) -> [Table.Cell] {
      row(name) { score in
        let figure = score[keyPath: figure]
        let interval = figure.interval.map { " (\($0.percentages(places: 1)))" } ?? ""
        return Numbers.percent(figure.value) + interval
      }
    }
    let beta = Numbers.shortest(int8[place].beta)
    return Table(
      caption:
        "With intervals of draws of patients, 95 %. Raised logits are chosen for each fold on the others.",
      columns: [.text("figure")] + columns.map { .number($0.0) },
      rows: [
        share("Se", \.sensitivity), share("Sp", \.specificity), share("+P", \.positivePredictivity),
        share("F1", \.f1), share("F\(beta)", \.fBeta),
        share("Se at Sp \(Numbers.percent(int8[place].fixedSpecificity))", \.sensitivityAtSpecificity),
        row("area under the ROC") { Numbers.decimal($0.area.value, places: 4) },
        row("average precision") { Numbers.decimal($0.averagePrecision.value, places: 4) },
      ])
  }
}

extension WindowScore {
  /// What is to be said first.
  fileprivate var sentence: String {
    "Of \(Numbers.integer(windows)) windows of \(className) the devices find \(Numbers.percent(sensitivity.value)), and "
      + "leave \(Numbers.percent(specificity.value)) of \(Numbers.integer(others)) others alone."
  }
}

extension WindowCurve {
  /// The charts: what raising the class's logit gives, the ROC, and precision over recall.
  fileprivate func components(aim: String?, offset: Double) -> [any Component] {
    guard !points.isEmpty else {
      return [Paragraph("There is no window of \(className), or no other, so that there is no curve.")]
    }
    // By falling threshold, which is a rising offset.
    let offsets = points.map { -$0.threshold }
    let near = offsets.indices.filter { abs(offsets[$0]) <= Self.farthestOffset }
    let chosen = near.isEmpty ? Array(offsets.indices) : near
    func series(_ name: String, _ value: (RankedScores.CurvePoint) -> Double) -> LineChart.Series {
      LineChart.Series(name, chosen.map { 100 * value(points[$0]) }, at: chosen.map { offsets[$0] })
    }
    let events =
      [LineChart.Event(at: 0, "as trained")]
      + (aim.map { [LineChart.Event(at: offset, $0)] } ?? [])
    return [
      LineChart(
        title: "What raising the logit of \(className) gives",
        explanation: "Further right more windows are \(className). `exporter tune --offsets` sets it.",
        series: [
          series("Se", \.sensitivity), series("Sp", \.specificity), series("+P", \.positivePredictivity),
        ], horizontalUnit: "offset of the logit", verticalUnit: "%", events: events),
      Columns([
        LineChart(
          title: "ROC",
          series: [
            LineChart.Series(
              "int8", points.map { 100 * $0.sensitivity }, at: points.map { 100 * (1 - $0.specificity) })
          ], horizontalUnit: "100 % - Sp (%)", verticalUnit: "Se (%)"),
        LineChart(
          title: "Precision over recall",
          series: [
            LineChart.Series(
              "int8", points.map { 100 * $0.positivePredictivity }, at: points.map { 100 * $0.sensitivity })
          ], horizontalUnit: "Se (%)", verticalUnit: "+P (%)"),
      ]),
    ]
  }

  /// Offsets beyond are left out of the chart: nobody chooses them, and they would press the others together.
  private static let farthestOffset = 8.0
}

extension EpisodeScore {
  /// The section about what devices announce.
  package var section: Section {
    let share = episodes == 0 ? .nan : Double(foundInTime) / Double(episodes)
    return Section(
      "Episodes of \(className)",
      [
        Facts([
          ("Policy", policy.isEmpty ? "each decision as it comes" : policy.joined(separator: "; ")),
          (
            "Episodes",
            "\(episodes) of \(Numbers.shortest(leastSeconds)) s and more; \(found) announced, \(foundInTime) within "
              + "\(Numbers.shortest(delayLimitSeconds)) s"
              + (episodes == 0
                ? "" : ": \(Numbers.percent(share)) (\(foundInTimeInterval.percentages(places: 1)) %)")
          ),
          (
            "False alarms",
            "\(falseAlarms) in \(Numbers.decimal(hours, places: 2)) h"
              + (hours == 0 ? "" : ": \(Numbers.decimal(falseAlarmsPerHour, places: 2)) an hour")
          ),
        ]),
        Table(
          caption: "What records hold",
          columns: [
            .text("record"), .number("episodes"), .number("missed"), .number("longest delay (s)"),
            .number("false alarms"),
          ],
          rows: perRecord.map { record in
            let delays = record.episodes.compactMap(\.delaySeconds)
            return [
              Table.Cell(record.record), Table.Cell("\(record.episodes.count)"),
              Table.Cell("\(record.episodes.count - delays.count)"),
              Table.Cell(delays.max().map { Numbers.decimal($0, places: 1) } ?? "-"),
              Table.Cell("\(record.falseAlarms.count)"),
            ]
          }, isSortable: true),
      ])
  }
}
