import Drawing
import Foundation
import Simulation
import Support

extension SweepSummary {
  /// The summary as one self-contained page.
  ///
  /// - Parameter command: The command that made it, for its provenance.
  /// - Returns: The page's HTML.
  package func page(command: String = "") -> String {
    let models = Set(rows.map(\.settings.model)).sorted().joined(separator: ", ")
    return Page(
      title: "Sweep of \(models)",
      subtitle: "\(Numbers.integer(records.count)) record\(records.count == 1 ? "" : "s"), "
        + "\(Numbers.integer(rows.reduce(0) { $0 + $1.runs })) runs",
      verdict: verdict,
      sections: [
        Section(
          "By noise and SNR",
          tables + (trainingNote.map { [Paragraph($0)] } ?? []) + charts + [Paragraph(Self.definitions)])
      ]
        + (rows.contains { !$0.classes.isEmpty } ? [Section("By class", [classTable])] : [])
        + [
          Section("Provenance", [provenance(command)])
        ],
      footer: Release.footer()
    ).render()
  }

  private static let definitions =
    "The SNR is that of PhysioNet's nst: 20 log10(QRS / (sqrt(8) RMS)), where QRS is the amplitude from peak to peak "
    + "within 50 ms of the beats, and RMS the noise's over windows of a second without their means; both are means "
    + "without the least and the greatest twentieth. Intervals hold 95 %, from 2,000 draws of whole patients; those "
    + "of a single patient are Wilson's. Agreement is the share of decisions that are the float twin's. Accuracy is "
    + "over the annotated beats that a decision was about; found tells how many those were. Extra decisions are about "
    + "no annotated beat of the model's classes."

  /// What falls most, and by how much: accuracy first, then the class that suffers most and decisions about no beat; how far
  /// the integers still follow float stands beside it.
  package var verdict: String {
    let runs = Numbers.integer(rows.reduce(0) { $0 + $1.runs })
    guard let worst = rows.min(by: { Self.fraction($0) < Self.fraction($1) }),
      Self.fraction(worst) < .infinity
    else {
      return "\(runs) runs in integers."
    }
    let agreement = worst.agreement.map {
      "the device decided as its float twin on \(Numbers.percent($0.fraction)) of \(Numbers.integer($0.total)) decisions"
    }
    guard let accuracy = worst.accuracy else {
      return "At worst, with \(worst.label), \(agreement ?? "nothing was compared")."
    }
    let calm = rows.first {
      !$0.settings.disturbances.isAny && $0.settings.modelChecksum == worst.settings.modelChecksum
        && $0.settings.profile == worst.settings.profile
    }
    let before = calm?.accuracy.map { ", \(Numbers.percent($0.fraction)) undisturbed" } ?? ""
    // Windows aren't found; they are there.
    let right =
      worst.found.map {
        "\(Numbers.percent($0.fraction)) of the annotated beats are found, and \(Numbers.percent(accuracy.fraction)) of these"
      } ?? "\(Numbers.percent(accuracy.fraction)) of the labelled windows"
    let parts = [
      "At worst, with \(worst.label), \(right) are decided right\(before)",
      fallingClass(worst, beside: calm), extra(worst, beside: calm),
    ]
    return parts.compactMap(\.self).joined(separator: "; ") + "."
      + (agreement.map { " There \($0)." } ?? "")
  }

  /// What rows are compared by: accuracy, or agreement where nothing is annotated.
  private static func fraction(_ row: Row) -> Double {
    row.accuracy?.fraction ?? row.agreement?.fraction ?? .infinity
  }

  /// The class whose sensitivity falls most.
  private func fallingClass(_ worst: Row, beside calm: Row?) -> String? {
    let falls = worst.classes.compactMap { score -> (name: String, from: Double, to: Double)? in
      guard let to = score.sensitivity,
        let from = calm?.classes.first(where: { $0.name == score.name })?.sensitivity
      else { return nil }
      return (score.name, from, to)
    }
    return falls.max { $0.from - $0.to < $1.from - $1.to }.flatMap { fall in
      fall.to < fall.from
        ? "\(fall.name) falls most, from \(Numbers.percent(fall.from)) to \(Numbers.percent(fall.to)) of its \(worst.found == nil ? "windows" : "beats that are found")"
        : nil
    }
  }

  private func extra(_ worst: Row, beside calm: Row?) -> String? {
    worst.extraDecisionsPerHour.map { extra in
      "\(Numbers.decimal(extra, places: 0)) decisions an hour are about no annotated beat"
        + (calm?.extraDecisionsPerHour.map { ", \(Numbers.decimal($0, places: 0)) undisturbed" } ?? "")
    }
  }

  /// A row's name: its disturbances, and what else differs between rows.
  private func name(_ row: Row, hasDecibels: Bool = true) -> String {
    let others: [(SweepResult.Settings) -> String] = [
      { $0.profile }, { "\($0.model) \($0.modelChecksum)" }, { $0.decide }, { $0.lead ?? "main lead" },
    ]
    let differing = others.filter { text in Set(rows.map { text($0.settings) }).count > 1 }
    return ([hasDecibels ? row.label : row.disturbanceLabel] + differing.map { $0(row.settings) })
      .joined(separator: ", ")
  }

  /// The titles of the summary's columns.
  package static let columns = [
    "accuracy", "macro F1", "float's", "agreement", "runs", "found", "extra an hour", "over lost samples",
  ]

  /// The summary's rows as text.
  package var cells: [(label: String, cells: [String])] {
    rows.map { row in
      (
        name(row),
        [
          row.accuracy?.text ?? "-", row.macroF1.map { Numbers.decimal($0, places: 3) } ?? "-",
          row.floatAccuracy.map { Numbers.percent($0.fraction) } ?? "-", row.agreement?.text ?? "-",
          Numbers.integer(row.runs),
          row.found.map { Numbers.percent($0.fraction) } ?? "-",
          row.extraDecisionsPerHour.map { Numbers.decimal($0, places: 0) } ?? "-",
          Numbers.integer(row.decisionsOverLostSamples),
        ]
      )
    }
  }

  private var tables: [any Component] {
    func table(_ caption: String, _ places: Range<Int>) -> Table {
      Table(
        caption: caption, columns: [.text("noise")] + Self.columns[places].map { .number($0) },
        rows: cells.map { row in
          [Table.Cell(Self.unbroken(row.label))] + row.cells[places].map { Table.Cell($0) }
        })
    }
    return [
      table("Accuracy and agreement, with intervals of 95 %", 0..<5), table("Beats and decisions", 5..<8),
    ]
  }

  /// A label that keeps each of its parts on a line.
  private static func unbroken(_ label: String) -> String {
    label.replacing(" ", with: "\u{A0}").replacing(",\u{A0}", with: ", ")
      .replacing(/, (-?[0-9.]+.dB)/) { ",\u{A0}\($0.1)" }
  }

  private func provenance(_ command: String) -> Facts {
    func all(_ text: (SweepResult.Settings) -> String) -> String {
      Set(rows.map { text($0.settings) }).sorted().joined(separator: "; ")
    }
    let facts: [(name: String, value: String)] = [
      ("Model", all { "\($0.model), CRC-32 \($0.modelChecksum)" }),
      ("Float twin", all { $0.float ?? "none" }),
      ("Version", all(\.version)), ("Decisions", all(\.decide)),
      ("Lead", all { $0.lead ?? "MLII, II or the first" }),
      (
        "Converter",
        all {
          "\($0.profile): \($0.converterBits) bits over "
            + "\(Numbers.decimal($0.converterRangeMillivolts, places: 1)) mV"
        }
      ),
      ("Noise", all { $0.disturbances.noise ?? "none" }),
      ("Seeds", seeds.isEmpty ? "nothing random" : seeds.map(String.init).joined(separator: ", ")),
      ("Records", records.joined(separator: ", ")),
    ]
    return Facts(command.isEmpty ? facts : facts + [("Command", command)])
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
            .init(Self.unbroken(name(row))), .init(score.name), .init(Numbers.integer(score.beats)),
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
        name(row, hasDecibels: false)
      }.sorted {
        ($0.value[0].snrDecibels != nil ? 1 : 0, $0.key) < ($1.value[0].snrDecibels != nil ? 1 : 0, $1.key)
      }
      let series = lines.map { name, rows in
        let ordered = rows.sorted { ($0.snrDecibels ?? 0) < ($1.snrDecibels ?? 0) }
        let values = ordered.map { 100 * (share($0)?.fraction ?? .nan) }
        let places = ordered.compactMap(\.snrDecibels)
        return places.isEmpty
          ? LineChart.Series(name, [values[0], values[0]], at: [lowest, highest])
          : LineChart.Series(name, values, at: places)
      }
      return series.isEmpty
        ? nil
        : LineChart(title: title, series: series, horizontalUnit: "SNR (dB)", verticalUnit: "%", height: 240)
    }
    let charts = [
      chart("Accuracy in fixed point", \.accuracy), chart("Beats found", \.found),
      chart("Agreement with the float twin", \.agreement),
    ]
    return [Columns(charts.compactMap(\.self))]
  }
}
