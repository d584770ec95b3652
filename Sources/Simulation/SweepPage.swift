import Foundation
import Reporting
import Support

extension SweepSummary {
  /// The summary as one self-contained page.
  public func page() -> String {
    let models = Set(rows.map(\.model)).sorted().joined(separator: ", ")
    return Page(
      title: "Sweep of \(models)",
      subtitle: "\(Numbers.integer(rows.map(\.records).max() ?? 0)) records, "
        + "\(Numbers.integer(rows.reduce(0) { $0 + $1.runs })) runs",
      verdict: verdict,
      sections: [
        Section(
          "By noise and SNR",
          [resultTable]
            + charts + [
              Paragraph(
                "The SNR is that of PhysioNet's nst: 20 log10(QRS / (sqrt(8) RMS)), where QRS is the amplitude from "
                  + "peak to peak within 50 ms of the beats, and RMS the noise's over windows of a second without "
                  + "their means; both are means without the least and the greatest twentieth. Intervals hold 95 %, "
                  + "from 2,000 draws of whole patients; those of a single patient are Wilson's. Accuracy is over "
                  + "the annotated beats that a decision was about; found tells how many those were.")
            ]),
        Section("By class", [classTable]),
      ],
      footer:
        "QuantInfer \(Release.version). An engineering evaluation, not a medical device: nothing here is fit "
        + "for use on patients."
    ).render()
  }

  private var verdict: String {
    let worst = rows.filter { $0.noise != nil && $0.agreement != nil }
      .min { ($0.agreement?.fraction ?? 1) < ($1.agreement?.fraction ?? 1) }
    guard let worst, let agreement = worst.agreement else {
      return "\(Numbers.integer(rows.reduce(0) { $0 + $1.runs })) runs in integers."
    }
    return "At worst, with \(worst.label), the device decided as its float twin on "
      + "\(Numbers.percent(agreement.fraction)) of \(Numbers.integer(agreement.total)) decisions."
  }

  /// A row's name: its profile too where there are several, and its model.
  private func name(_ row: Row, hasDecibels: Bool = true) -> String {
    let several = (
      model: Set(rows.map(\.model)).count > 1, profile: Set(rows.map(\.profile)).count > 1
    )
    return
      ([hasDecibels ? row.label : row.noiseLabel] + (several.profile ? [row.profile] : [])
      + (several.model ? [row.model] : []))
      .joined(separator: ", ")
  }

  /// The titles of the summary's columns.
  public static let columns = [
    "runs", "as the float twin", "accuracy", "float's accuracy", "macro F1", "beats found", "extra an hour",
    "over lost samples",
  ]

  /// The summary's rows as text.
  public var cells: [(label: String, cells: [String])] {
    rows.map { row in
      (
        name(row),
        [
          Numbers.integer(row.runs), row.agreement?.text ?? "-", row.accuracy?.text ?? "-",
          row.floatAccuracy.map { Numbers.percent($0.fraction) } ?? "-",
          row.macroF1.map { Numbers.decimal($0, places: 3) } ?? "-",
          row.found.map { Numbers.percent($0.fraction) } ?? "-",
          row.extraDecisionsPerHour.map { Numbers.decimal($0, places: 0) } ?? "-",
          Numbers.integer(row.decisionsOverLostSamples),
        ]
      )
    }
  }

  private var resultTable: Table {
    Table(
      caption: "Agreement and accuracy, with intervals of 95 %",
      columns: [.text("noise")] + Self.columns.map { .number($0) },
      rows: cells.map { row in [Table.Cell(row.label)] + row.cells.map { Table.Cell($0) } })
  }

  private var classTable: Table {
    Table(
      caption: "Each class's beats that a decision was about: sensitivity and positive predictivity",
      columns: [
        .text("noise"), .text("class"), .number("beats"), .number("sensitivity"),
        .number("positive predictivity"),
      ],
      rows: rows.flatMap { row in
        row.classes.map { score in
          [
            .init(name(row)), .init(score.name), .init(Numbers.integer(score.beats)),
            .init(score.sensitivity.map { Numbers.percent($0) } ?? "-"),
            .init(score.positivePredictivity.map { Numbers.percent($0) } ?? "-"),
          ]
        }
      })
  }

  /// Agreement and accuracy over the SNR, a line a noise.
  private var charts: [any Component] {
    let decibels = rows.compactMap(\.snrDecibels)
    guard let lowest = decibels.min(), let highest = decibels.max(), lowest < highest else { return [] }
    func chart(_ title: String, _ share: @escaping (Row) -> Share?) -> LineChart? {
      let lines = Dictionary(grouping: rows.filter { share($0) != nil }) { row in
        [row.model, row.profile, row.noise ?? ""]
      }.sorted { $0.key.lexicographicallyPrecedes($1.key) }
      let series = lines.map { _, rows in
        let ordered = rows.sorted { ($0.snrDecibels ?? 0) < ($1.snrDecibels ?? 0) }
        let values = ordered.map { 100 * (share($0)?.fraction ?? .nan) }
        let places = ordered.compactMap(\.snrDecibels)
        let name = name(ordered[0], hasDecibels: false)
        return places.isEmpty
          ? LineChart.Series(name, [values[0], values[0]], at: [lowest, highest])
          : LineChart.Series(name, values, at: places)
      }
      return series.isEmpty
        ? nil
        : LineChart(title: title, series: series, horizontalUnit: "SNR (dB)", verticalUnit: "%", height: 240)
    }
    let charts = [
      chart("Decisions as the float twin", \.agreement), chart("Accuracy in fixed point", \.accuracy),
      chart("Beats found", \.found),
    ]
    return [Columns(charts.compactMap(\.self))]
  }
}
