import Drawing
import Evaluation
import Foundation
import Metrics
import Support

extension QuantizationReport {
  /// The report as one self-contained page: every number on it is from the report alone.
  package func page() -> String {
    Page(
      title: "Quantization of \(checkpoint)",
      subtitle:
        "Task \(task), split \(split), records \(records): \(points.count) points, each an image that the "
        + "runtime ran over every beat",
      verdict: verdict,
      outcome: outcome,
      sections: [
        Section("Summary", summary.filter { $0 != verdict }.map { Paragraph($0) }),
        Section("What to ship", [ruleTable]),
        Section("Accuracy against cost", paretoCharts + [Paragraph(Self.costDefinitions)]),
        Section("Points", pointTables + [Paragraph(Self.accuracyDefinitions)]),
        Section("Classes", classTables), Section("Changed decisions", [flipTable]),
        Section("Layers", layerParts), Section("Front end", frontEndParts),
      ] + (search.map { [Section("Search within a budget", searchParts($0))] } ?? [])
        + [Section("Provenance", [provenance])],
      footer: Release.footer(version: program)
    ).render()
  }

  private var verdict: String { summary.first { $0.hasPrefix("Ship ") } ?? summary.first ?? "" }

  // MARK: What to ship

  private var ruleTable: Table {
    let recommendation = recommendation ?? recommendation(by: .init(criticalClasses: []))
    let rule = recommendation.rule
    return Table(
      caption:
        "Each point that a device could be built with, held against the rule; all are compared with the float network",
      columns: [.text("point")] + rule.criticalClasses.map { .number("\($0) F1 less float (points)") } + [
        .number("as float (%)"), .text("beside the usual settings"), .text("holds the rule"),
      ],
      rows: recommendation.candidates.map { candidate in
        let reasons = rule.reasons(against: candidate)
        let place =
          switch candidate.name {
          case recommendation.point: "to ship"
          case recommendation.runnerUp: "yes, the runner-up"
          default: "yes"
          }
        return [Table.Cell(candidate.name)]
          + candidate.criticalLosses.map { Table.Cell(Self.difference($0)) } + [
            Table.Cell(Numbers.decimal(100 * candidate.agreement, places: 2)),
            Table.Cell(
              candidate.departures.isEmpty ? "nothing" : candidate.departures.joined(separator: ", ")),
            Table.Cell(
              reasons.isEmpty ? place : reasons.joined(separator: "; "),
              outcome: reasons.isEmpty ? .pass : .fail),
          ]
      }, isSortable: true)
  }

  private static func difference(_ difference: DifferenceFigures) -> String {
    points(difference.value) + (difference.interval.map { " (\($0.text(points)))" } ?? "")
  }

  // MARK: Accuracy against cost

  private static let costDefinitions =
    "Each mark is an image; its name shows where the pointer rests on it. The line joins those that none other beats in "
    + "both directions. Flash is the model image; RAM is state, arena and scratch of the cheaper way to run, without "
    + "stack and beat detector, which all images share; charge is all that the device does from one decision to the "
    + "next, estimated from counts and the profile's figures (nothing was measured on a device)."

  private var paretoCharts: [any Component] {
    let float = sources.first.map { (value: 100 * $0.accuracy.macroF1, name: "float") }
    func chart(
      _ title: String, _ unit: String, _ value: (PointFigures) -> Double?
    ) -> any Component {
      let marks = points.compactMap { point in
        value(point).map {
          ScatterChart.Point(point.point.name, group: point.point.group, x: $0, y: 100 * point.macroF1)
        }
      }
      if let first = marks.first, marks.allSatisfy({ $0.x == first.x }) {
        return Paragraph(
          "\(title): all points have the same \(unit), \(Numbers.decimal(first.x, places: 2)).")
      }
      return ScatterChart(
        title: title, points: marks, horizontalUnit: unit, verticalUnit: "macro F1 (%)", reference: float)
    }
    let device = points.first?.cost.devices.firstIndex { $0.chargePerDecisionMicrocoulombs != nil }
    var charts: [any Component] = [
      chart("Accuracy against flash", "model image (kB)") { Double($0.cost.flashBytes) / 1000 },
      chart("Accuracy against RAM", "RAM (kB)") { Double($0.cost.ramBytes) / 1000 },
    ]
    if let device, let profile = points.first?.cost.devices[device].profile {
      charts.append(
        chart("Accuracy against charge, profile \(profile)", "charge a decision (uC)") {
          $0.cost.devices[device].chargePerDecisionMicrocoulombs
        })
    }
    return charts
  }

  // MARK: Points

  private static let accuracyDefinitions =
    "Macro F1 is the mean F1 of the classes. Its difference from the float network's has an interval that holds 95 % of "
    + "1,000 draws of whole patients; McNemar's p tells whether one of both is right more often on the same beats. "
    + "Agreement is the share of decisions for the same class; mean, 99.9 % and max are of the logits' differences. The "
    + "float network hears the record through a 12-bit converter without any error, so that what a point's front end "
    + "loses counts. Calibration windows are training beats. A click on a heading sorts."

  private func table(_ caption: String, _ titles: [String], _ rows: [[String]]) -> Table {
    Table(
      caption: caption, columns: [.text(titles[0])] + titles.dropFirst().map { .number($0) },
      rows: rows.map { $0.map { Table.Cell($0) } }, isSortable: true)
  }

  /// A table of many rows behind a line that says how many, and which file has them too.
  private func folded(_ caption: String, _ titles: [String], _ rows: [[String]], file: String) -> Details {
    Details(
      "\(caption): \(Numbers.integer(rows.count)) rows, also in \(file)", [table(caption, titles, rows)])
  }

  private var pointTables: [any Component] {
    let sourceRows = sources.map { source in
      [
        source.name, source.description, Numbers.integer(source.beats),
        Numbers.decimal(100 * source.accuracy.macroF1, places: 2),
        interval(source.accuracy.macroF1Interval),
        Numbers.decimal(100 * source.accuracy.accuracy, places: 2),
      ]
    }
    return [
      Table(
        caption: "The float networks",
        columns: [
          .text("network"), .text("what"), .number("beats"), .number("macro F1 (%)"),
          .number("95 % interval"),
          .number("accuracy (%)"),
        ], rows: sourceRows.map { $0.map { Table.Cell($0) } }),
      table("Accuracy and agreement with float", accuracyTitles, points.map(accuracyCells)),
      table("What each point takes", costTitles, points.map(costCells)),
    ]
  }

  private func interval(_ interval: Interval?) -> String { interval?.percentages(places: 1) ?? "-" }

  private var classTables: [any Component] {
    let titles = ["point"] + classNames.flatMap { ["\($0) F1 (%)", "95 % interval"] }
    func percent(_ value: Double?) -> String { value.map { Numbers.decimal(100 * $0, places: 2) } ?? "-" }
    func cells(_ name: String, _ accuracy: AccuracyFigures) -> [String] {
      [name]
        + accuracy.classes.flatMap { [percent($0.f1), interval($0.f1Interval)] }
    }
    let detailTitles = ["point"] + classNames.flatMap { ["\($0) Se (%)", "\($0) +P (%)"] }
    func details(_ name: String, _ accuracy: AccuracyFigures) -> [String] {
      [name] + accuracy.classes.flatMap { [percent($0.sensitivity), percent($0.positivePredictivity)] }
    }
    return [
      table(
        "F1 of each class, with intervals of draws of patients", titles,
        sources.map { cells("float: \($0.name)", $0.accuracy) }
          + points.map { cells($0.point.name, $0.accuracy) }),
      folded(
        "Sensitivity and positive predictivity of each class", detailTitles,
        sources.map { details("float: \($0.name)", $0.accuracy) }
          + points.map { details($0.point.name, $0.accuracy) }, file: "points.csv"),
    ]
  }

  private var flipTable: Table {
    let steps = points.first?.agreement.byConfidence ?? []
    let titles =
      ["point", "changed"]
      + steps.map {
        "\(Numbers.decimal(100 * $0.from, places: 0)) to \(Numbers.decimal(100 * $0.to, places: 0)) % sure"
      }
    return table(
      "Decisions that are not the float network's, by how sure that was (its greatest probability), and of how many",
      titles,
      points.map { point in
        [point.point.name, Numbers.integer(point.agreement.byConfidence.reduce(0) { $0 + $1.flips })]
          + point.agreement.byConfidence.map {
            "\(Numbers.integer($0.flips)) of \(Numbers.integer($0.decisions))"
          }
      })
  }

  // MARK: Layers

  static let layerTitles = [
    "layer", "SNR (dB)", "own SNR (dB)", "cosine", "mean error", "deviation", "saturated (%)", "codes used",
    "worst channel",
    "alone in float", "alone in integers", "other codes (%)", "by steps", "own (%)", "own by steps",
  ]

  static func layerCells(_ layer: LayerFigures) -> [String] {
    func decimal(_ value: Double?, _ places: Int) -> String {
      value.map { Numbers.decimal($0, places: places) } ?? "-"
    }
    return [
      layer.name, decimal(layer.snrDecibels, 1), decimal(layer.ownSNRDecibels, 1), decimal(layer.cosine, 5),
      decimal(layer.errorMean, 4), decimal(layer.errorDeviation, 4), decimal(100 * layer.saturatedShare, 2),
      "\(Numbers.integer(layer.usedCodes)) of \(Numbers.integer(layer.codeCount))",
      "\(layer.worstChannel): \(decimal(layer.worstChannelDecibels, 1)) dB",
      decimal(layer.aloneFloat?.logitError, 4),
      decimal(layer.aloneInteger?.logitError, 4),
    ]
      + [layer.differences, layer.ownDifferences].flatMap {
        [decimal($0.map { 100 * $0.share }, 2), $0.map { Numbers.integer($0.largestStep) } ?? "-"]
      }
  }

  private static let layerDefinitions =
    "SNR is the float layer's signal over the integer layer's error, with all errors of the layers before; the own SNR "
    + "counts what the layer itself adds, for both twins take the integer twin's input. Saturated are float values that "
    + "no code reaches. Alone in float (what is left), and alone in integers (what it costs): the root mean square of the "
    + "logits' error. Other codes are those that float's values don't round to, and by how many steps at most; own ones "
    + "are this layer's alone, both twins taking the integer twin's input."

  private var layerParts: [any Component] {
    guard let base else { return [] }
    func bars(
      _ title: String, _ explanation: String, _ unit: String, _ places: Int,
      _ value: (LayerFigures) -> Double?
    )
      -> BarChart
    {
      BarChart(
        title: title, explanation: explanation,
        bars: base.layers.compactMap { layer in
          value(layer).map { .init(layer.name, max(0, $0), text: Numbers.decimal($0, places: places) + unit) }
        })
    }
    let ill = points.filter { !$0.findings.isEmpty }
    let findings = Facts(ill.map { ($0.point.name, $0.findings.joined(separator: "; ")) })
    return [
      Columns([
        bars("Own SNR of each layer", "\"\(base.point.name)\"; more is better", " dB", 1, \.ownSNRDecibels),
        bars("Logit error of each layer alone in integers", "\"\(base.point.name)\"; less is better", "", 4) {
          $0.aloneInteger?.logitError
        },
      ]),
      table("Layers of \"\(base.point.name)\"", Self.layerTitles, base.layers.map(Self.layerCells)),
      Paragraph(Self.layerDefinitions),
      Paragraph(
        ill.isEmpty
          ? "In no point does a layer add more error than its codes must."
          : "Where layers add more error than codes must, first cause first:"),
    ] + (ill.isEmpty ? [] : [findings])
      + [
        folded(
          "Layers of all points", ["point"] + Self.layerTitles,
          points.flatMap { point in point.layers.map { [point.point.name] + Self.layerCells($0) } },
          file: "layers.csv")
      ]
  }

  // MARK: Front end

  private static let frontEndDefinitions =
    "Each stage against double precision on the stage's own input, so that the stage that loses shows; the codes, last, "
    + "against the trained spectrogram as a whole. The first minute of the first record, as it is and scaled to a peak "
    + "20 and 40 dB below the converter's full scale."

  private var frontEndParts: [any Component] {
    let titles = [
      "front end", "peak (dBFS)", "filter (dB)", "FFT (dB)", "logarithm (steps)", "codes (steps)",
      "equal codes (%)", "at the end (%)",
    ]
    let rows = frontEnds.flatMap { figures in
      figures.levels.map { level in
        func stage(_ name: String) -> FrontEndFigures.Stage? { level.stages.first { $0.name == name } }
        func decimal(_ value: Double?, _ places: Int) -> String {
          value.map { Numbers.decimal($0, places: places) } ?? "-"
        }
        return [
          figures.variant.label + (figures.source == sources.first?.name ? "" : ", \(figures.source)")
            + (level.lead.map { ", lead \($0)" } ?? ""),
          decimal(level.peakDecibels, 1), decimal(stage("filter")?.snrDecibels, 1),
          decimal(stage("transform")?.snrDecibels, 1), decimal(stage("logarithm")?.stepError, 2),
          decimal(stage("codes")?.stepError, 2), decimal(100 * level.equalShare, 2),
          decimal(100 * level.saturatedShare, 2),
        ]
      }
    }
    let findings = frontEnds.compactMap { figures in
      let all = figures.levels.compactMap { level in
        level.finding.map { (level.lead.map { "lead \($0), " } ?? "") + $0 }
      }
      return all.isEmpty
        ? nil
        : (
          name: figures.variant.label + (figures.source == sources.first?.name ? "" : ", \(figures.source)"),
          value: all.joined(separator: "; ")
        )
    }
    let own = frontEnds.first?.levels.count ?? 0
    return spectrograms
      + [
        table("Stages of the front end as trained", titles, Array(rows.prefix(own))),
        Paragraph(Self.frontEndDefinitions),
        folded("Stages of all front ends", titles, rows, file: "report.json"),
      ]
      + (findings.isEmpty ? [] : [Facts(findings)])
  }

  private var spectrograms: [any Component] {
    ([spectrogram].compactMap(\.self) + (furtherSpectrograms ?? [])).flatMap(spectrograms)
  }

  private func spectrograms(_ spectrogram: SpectrogramSample) -> [any Component] {
    guard spectrogram.binCount > 0 else { return [] }
    let lead = spectrogram.lead.map { ", lead \($0)" } ?? ""
    func map(
      _ title: String, _ explanation: String, _ values: [Double], _ range: ClosedRange<Double>,
      _ unit: String,
      _ ramp: Heatmap.Ramp
    ) -> Heatmap {
      Heatmap(
        title: title + lead, explanation: explanation, values: values, binCount: spectrogram.binCount,
        secondsPerColumn: 1 / spectrogram.columnsPerSecond, firstBinHz: spectrogram.firstBinHz,
        hertzPerBin: spectrogram.hertzPerBin, range: range, unit: unit, ramp: ramp)
    }
    return [
      map(
        "Spectrogram of record \(spectrogram.record)", "in double precision", spectrogram.levels, 0...200,
        "levels",
        .sequential),
      map(
        "The device's codes less double precision", "half a step is rounding", spectrogram.differences,
        -2...2, "steps",
        .diverging),
      Columns([
        map(
          "40 dB below full scale, block floating point", "device less double precision",
          spectrogram.weakDifferences, -8...8, "steps", .diverging),
        map(
          "40 dB below full scale, fixed scaling", "device less double precision",
          spectrogram.weakFixedDifferences,
          -8...8, "steps", .diverging),
      ]),
    ]
  }

  // MARK: The rest

  private func searchParts(_ search: PrecisionSearch.Result) -> [any Component] {
    [
      table(
        "From the widest codes on, each step what costs the logits least for what it saves; \(search.tried) images tried",
        ["step", "logit error", "flash (B)", "RAM (B)", "charge (uC)", "fits"],
        search.steps.map { step in
          [
            step.change, Numbers.decimal(step.logitError, places: 4), Numbers.integer(step.flashBytes),
            Numbers.integer(step.ramBytes),
            step.chargeMicrocoulombs.map { Numbers.decimal($0, places: 2) } ?? "-",
            step.fits ? "yes" : "no",
          ]
        })
    ]
  }

  private var provenance: Facts {
    Facts([
      ("Checkpoint", checkpoint), ("Records", labels.map(\.record).joined(separator: ", ")),
      ("Decisions a minute", Numbers.decimal(decisionsPerMinute, places: 0)), ("Seed", "\(seed)"),
      ("Program", program),
      ("Numbers", "report.json holds all of this page's, points.csv and layers.csv its tables"),
    ])
  }
}

extension FrontEndVariant {
  /// What differs from the front end that `exporter quantize` makes.
  var label: String {
    let usual = FrontEndVariant()
    var parts: [String] = []
    if converterBits != usual.converterBits { parts.append("\(converterBits) bits") }
    if converterRangeMillivolts != usual.converterRangeMillivolts {
      parts.append("\(Numbers.decimal(converterRangeMillivolts, places: 1)) mV")
    }
    if gainErrorPercent != 0 { parts.append("gain \(Numbers.decimal(gainErrorPercent, places: 0)) %") }
    if attenuationDecibels != 0 {
      parts.append("\(Numbers.decimal(attenuationDecibels, places: 0)) dB weaker")
    }
    if scaling != usual.scaling { parts.append("fixed scaling") }
    if window != usual.window { parts.append("window \(window.rawValue)") }
    if let codesPerOctave { parts.append("\(Numbers.decimal(codesPerOctave, places: 0)) codes an octave") }
    if rateFactor != 1 { parts.append("\(rateFactor) times the rate") }
    if let recordRateHz { parts.append("record of \(Numbers.decimal(recordRateHz, places: 0)) Hz") }
    return parts.isEmpty ? "as trained" : parts.joined(separator: ", ")
  }
}
