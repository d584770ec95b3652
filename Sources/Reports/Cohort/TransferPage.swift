import Cohort
import Drawing
import Foundation
import Support

extension TransferStudy {
  /// The study as one self-contained page.
  ///
  /// - Parameters:
  ///   - source: The network that was transferred: its file, and what it is.
  ///   - command: The command that made it.
  /// - Returns: The page's HTML.
  package func page(source: String, command: String) -> String {
    Page(
      title: (data.isSynthetic ? "Synthetic cohort: " : "")
        + "Transfer to \(URL(fileURLWithPath: data.name).lastPathComponent)",
      subtitle:
        "\(Numbers.integer(data.patients)) patients, \(Numbers.integer(data.responders)) with the response "
        + "'\(data.response.rawValue)'; \(repeats) times \(folds)-fold cross-validation by patient"
        + (data.isSynthetic ? "; synthetic" : ""),
      verdict: (data.isSynthetic ? Wording.synthetic + " " : "") + verdict,
      sections: [
        Section("Methods on the same folds", [table, thresholdTable, Paragraph(Self.intervals)]),
        Section("Against the transfer", [differences] + comparisonWords),
        Section(
          "Discrimination, calibration, use", [Columns([rocChart, decisionChart])] + calibrationParts),
        Section("Float and int8", [Paragraph(agreementText)]),
        Section("What was done", [Paragraph(recipe), Paragraph(place)]),
        Section(
          "Provenance",
          [
            Facts([
              ("data", data.name + (data.isSynthetic ? " (synthetic)" : "")),
              (
                "patients",
                "\(data.patients), \(data.patientsWithoutBeats) without a beat that has a whole window"
              ),
              ("beats", Numbers.integer(data.beats)), ("network", source), ("seed", "\(seed)"),
              ("command", command),
            ])
          ]),
      ],
      footer: Release.footer()
    ).render()
  }

  /// The answer, in a few sentences.
  package var verdict: String {
    let area = methods.first?.auc.map {
      "The transferred network has an AUC of \(Wording.figure($0)). "
    }
    let rest = [TransferMethods.Name.scratch, TransferMethods.Name.logistic].compactMap { name in
      comparisons.first { $0.second == name }?.areaDifference.map {
        Wording.transfer($0.difference, $0.interval, against: "'\(name)'")
      }
    }
    return (area ?? "") + rest.joined(separator: " ")
  }

  private static let intervals =
    "Figures are means over the repeats. Intervals hold 95 % and are those of the patients: Wilson's for shares, 2,000 draws "
    + "of whole patients for AUC, Brier's score and differences. The decision's threshold is Youden's, chosen by a "
    + "cross-validation inside each fold's training patients; rules have none to choose."

  private var table: Table {
    Table(
      caption: "Shares of right decisions, and the area under the ROC curve, with 95 % intervals",
      columns: [
        .text("method"), .number("accuracy"), .number("sensitivity"), .number("specificity"), .number("AUC"),
      ],
      rows: methods.map { method in
        [
          Table.Cell(
            method.method + (method.unscoredPatients > 0 ? " (\(method.scoredPatients) patients)" : ""))
        ]
          + [method.accuracy, method.sensitivity, method.specificity, method.auc].map {
            Table.Cell(Wording.figure($0))
          }
      })
  }

  private var thresholdTable: Table {
    Table(
      caption:
        "Probabilities: Brier's score (0 is perfect), and the calibration's slope (1 is right) and intercept (0 is right)",
      columns: [.text("method"), .number("Brier"), .number("slope"), .number("intercept")],
      rows: methods.filter { $0.calibration != nil }.map { method in
        [
          Table.Cell(method.method), Table.Cell(Wording.figure(method.brier)),
          Table.Cell(method.calibration?.slope.map { Numbers.decimal($0, places: 2) } ?? "–"),
          Table.Cell(method.calibration?.intercept.map { Wording.signed($0, places: 2) } ?? "–"),
        ]
      })
  }

  private var differences: IntervalChart {
    IntervalChart(
      title: "The transfer's AUC less the other's,",
      explanation: "on the patients that both scored, with 95 % intervals of 2,000 draws of patients",
      rows: comparisons.compactMap { comparison in
        comparison.areaDifference.map { area in
          IntervalChart.Row(
            "against " + comparison.second, area.difference, interval: area.interval?.closedRange,
            text: Wording.difference(area.difference, area.interval))
        }
      }, references: [.init(0, "no difference")])
  }

  private var comparisonWords: [any Component] {
    [
      Table(
        caption:
          "Decisions of the first repeat that only one of two methods got right (McNemar's exact test)",
        columns: [
          .text("against"), .number("patients"), .number("only transfer right"), .number("only other right"),
          .number("p"),
        ],
        rows: comparisons.map { comparison in
          [
            Table.Cell(comparison.second), "\(comparison.patients)", "\(comparison.mcNemar.onlyFirstRight)",
            "\(comparison.mcNemar.onlySecondRight)",
            Table.Cell(Numbers.decimal(comparison.mcNemar.pValue, places: 3)),
          ]
        })
    ]
  }

  /// The methods that charts show: as many as their styles tell apart.
  private var charted: [String] {
    let names = [
      TransferMethods.Name.transfer, TransferMethods.Name.transferInt8, TransferMethods.Name.scratch,
      TransferMethods.Name.logistic, TransferMethods.Name.forest,
    ]
    return names.filter { name in methods.contains { $0.method == name } }
  }

  private var rocChart: LineChart {
    LineChart(
      title: "ROC curves", explanation: "of each patient's mean probability over the repeats",
      series: charted.compactMap { name in
        curves.first { $0.method == name }.map {
          LineChart.Series(name, $0.sensitivity, at: $0.falsePositiveShare)
        }
      } + [LineChart.Series("chance", [0, 1], at: [0, 1], style: .thin)],
      horizontalUnit: "1 − specificity", verticalUnit: "sensitivity", height: 320)
  }

  private var decisionChart: LineChart {
    let known = charted.compactMap { name in methods.first { $0.method == name } }
    var series = known.compactMap { method in
      method.decisionCurve.map { curve in
        LineChart.Series(method.method, curve.map(\.netBenefit), at: curve.map(\.threshold))
      }
    }
    if let curve = known.compactMap(\.decisionCurve).first {
      series.append(
        LineChart.Series(
          "call all", curve.map { max($0.treatAll, -0.1) }, at: curve.map(\.threshold), style: .thin))
      series.append(
        LineChart.Series("call none", curve.map { _ in 0 }, at: curve.map(\.threshold), style: .wide))
    }
    series = series.map { series in
      var series = series
      series.values = series.values.map { max($0, -0.1) }
      return series
    }
    return LineChart(
      title: "Decision curve",
      explanation: "net benefit by the probability from which on one acts, cut at −0.1",
      series: series, horizontalUnit: "threshold probability", verticalUnit: "net benefit", height: 320)
  }

  private var calibrationParts: [any Component] {
    let shown = [TransferMethods.Name.transfer, TransferMethods.Name.logistic].compactMap { name in
      methods.first { $0.method == name && $0.calibration != nil }
    }
    guard !shown.isEmpty else { return [] }
    return [
      Columns(
        shown.map { method in
          let bins = method.calibration?.bins ?? []
          var observed = LineChart.Series(method.method, bins.map(\.observed), at: bins.map(\.predicted))
          observed.intervals = bins.map(\.interval.closedRange)
          return LineChart(
            title: "Calibration: \(method.method).",
            explanation: "Tenths of the patients by mean probability; intervals are Wilson's",
            series: [observed, LineChart.Series("right", [0, 1], at: [0, 1], style: .thin)],
            horizontalUnit: "predicted probability", verticalUnit: "observed share", height: 280)
        })
    ]
  }

  private var agreementText: String {
    guard let agreement else { return "The int8 twin was not run." }
    return
      "In each fold the network was quantized with ranges from its training patients and run by the device's runtime, "
      + "sample by sample. \(Numbers.percent(agreement.sameDecision, places: 1)) of "
      + "\(Numbers.integer(agreement.decisions)) decisions about patients are the float network's, each with a threshold of "
      + "its own; a patient's probability differs by \(Numbers.decimal(agreement.largestDifference, places: 4)) at most."
  }

  private var recipe: String {
    let learns =
      frozenLayers == layerCount - 1
      ? "All layers but the last keep the pre-trained weights; the last becomes the L2 logistic regression of the patients' "
        + "mean inputs to it, its penalty chosen within the training patients. "
      : "The first \(frozenLayers) layers keep the pre-trained weights. The last begins as an L2 logistic regression of the "
        + "patients' mean inputs to it; then \(options.steps) steps of AdamW change it and the layers between, at a learning "
        + "rate of \(options.learningRate). "
    return
      "Beats are found by the device's detector, at most \(options.beatsPerPatient) a patient. A patient's score is the mean "
      + "over the beats of the logit for yes less the logit for no, so that it runs on the device as a decision a beat, "
      + "averaged; every patient weighs the same. " + learns
      + "'\(TransferMethods.Name.scratch)' is the same network with random weights, all layers learnt in \(options.steps) steps at "
      + "\(TransferMethods.scratchLearningRate); '\(TransferMethods.Name.untrained)', where it is there, has the transfer's "
      + "recipe on random frozen layers, which tells what pre-training itself is worth. Patients, never records or beats, are "
      + "divided: nobody is both learnt from and tested on. The final model has learnt from all patients; its own figures "
      + "can't be measured on them, and those above are its estimate."
  }

  private var place: String {
    "Where it can run: patients are selected before an implant is there, from a surface ECG, and an implant senses an "
      + "electrogram. The programmer is the natural home of such a prediction; on the implant it would monitor."
  }
}
