import Cohort
import Drawing
import Foundation
import Support

extension SyntheticStudySummary {
  /// What the abstract of arXiv:2306.01210 says, and why it can't be.
  static let contradiction =
    "The abstract of the seed paper, arXiv:2306.01210, gives an accuracy of 72 %, a sensitivity of 0.78 and a specificity of "
    + "0.79 on 71 patients. These contradict each other: accuracy is the mean of sensitivity and specificity, weighted by how "
    + "many patients respond and don't, so that 0.78 and 0.79 force an accuracy of 78 to 79 %, whatever the share of "
    + "responders. And 51 right of 71 (72 %) has a 95 % interval (Wilson) of 60.5 to 81.0 %: cohorts of this size can't tell "
    + "72 from 79 %, nor a good method from a fair one. The dashed lines mark the abstract's figures; its data and its "
    + "network are not known here, and nothing on this page repeats its study."

  /// The study of one or several arms as one self-contained page.
  package static func page(
    _ summaries: [SyntheticStudySummary], settings: SyntheticStudy.Settings, source: String, command: String
  ) -> String {
    Page(
      title: "Synthetic cohorts of \(settings.patients) patients, many times",
      subtitle: summaries.map { "\($0.arm.rawValue): \($0.cohorts) cohorts" }.joined(separator: "; ")
        + "; synthetic",
      verdict: Wording.synthetic + " " + verdict(summaries),
      sections: summaries.map(\.section)
        + [
          Section("The abstract's figures", [Paragraph(contradiction)]),
          Section("What was done", [Paragraph(recipe(settings))]),
          Section(
            "Provenance",
            [
              Facts([
                ("data", "synthetic cohorts, one a seed, lead \(settings.lead)"), ("network", source),
                ("network's SHA-256", settings.network + "…"), ("command", command),
              ])
            ]),
        ],
      footer: Release.footer()
    ).render()
  }

  /// The answer, in a few sentences.
  package static func verdict(_ summaries: [SyntheticStudySummary]) -> String {
    summaries.map { summary in
      guard let own = summary.methods.first, let accuracy = own.accuracy,
        let scratch = summary.methods.first(where: { $0.name == TransferMethods.Name.scratch }),
        let difference = scratch.differenceFromTransfer
      else { return "" }
      return
        "\(summary.arm.rawValue.capitalized) arm, \(summary.cohorts) cohorts: the transferred network's accuracy is "
        + "\(Numbers.percent(accuracy.median, places: 1)) in the median and lies between "
        + "\(Numbers.percent(accuracy.range.lower, places: 1)) and \(Numbers.percent(accuracy.range.upper, places: 1)) "
        + "in 95 % of cohorts. "
        + Wording.transfer(difference, scratch.differenceInterval, against: "'\(scratch.name)'")
    }.joined(separator: " ")
  }

  private var section: Section {
    func chart(
      _ title: String, _ path: KeyPath<Method, Distribution?>, _ reference: Double, _ label: String
    ) -> IntervalChart {
      IntervalChart(
        title: title, explanation: "over \(cohorts) synthetic cohorts: median, middle half, middle 95 %",
        rows: methods.compactMap { method in
          method[keyPath: path].map { values in
            IntervalChart.Row(
              method.name, values.median, interval: values.range.closedRange,
              box: values.quartiles.closedRange,
              text: "\(Numbers.decimal(values.median, places: 2)) (\(values.range.text(places: 2)))")
          }
        }, references: [.init(reference, label)], range: 0...1)
    }
    return Section(
      "Synthetic, \(arm.rawValue) arm",
      [
        chart("Accuracy", \.accuracy, 0.72, "abstract: 72 %"),
        chart("Sensitivity", \.sensitivity, 0.78, "abstract: 0.78"),
        chart("Specificity", \.specificity, 0.79, "abstract: 0.79"),
        chart("AUC", \.auc, bestPossibleAUC, "best possible on average: \(bestPossibleAUC)"),
        Table(
          caption:
            "Cohorts in which a method reaches the abstract's figures, and the transfer's AUC less the method's, the mean "
            + "over the cohorts; 95 % intervals",
          columns: [
            .text("method"), .number("accuracy ≥ 72 %"), .number("Se ≥ 0.78 and Sp ≥ 0.79"),
            .number("transfer's AUC less this"),
          ],
          rows: methods.map { method in
            [
              Table.Cell(method.name), Table.Cell(Numbers.percent(method.reachesPaperAccuracy, places: 1)),
              Table.Cell(
                Numbers.percent(method.reachesPaper, places: 1)
                  + " (\(method.reachesPaperInterval.text { Numbers.percent($0, places: 1) }))"),
              Table.Cell(
                method.differenceFromTransfer.map { Wording.difference($0, method.differenceInterval) } ?? "–"
              ),
            ]
          }),
      ])
  }

  private static func recipe(_ settings: SyntheticStudy.Settings) -> String {
    "Each seed gives a cohort of \(settings.patients) patients, of whom about 60 % respond, and one stratified "
      + "\(settings.folds)-fold cross-validation by patient, the same for all methods. Networks see lead \(settings.lead), at most "
      + "\(settings.options.beatsPerPatient) beats a patient; features are of "
      + (settings.usesAllLeads ? "all leads. " : "the same lead. ")
      + "Thresholds are Youden's, by a cross-validation within the training patients (networks: \(settings.innerFolds) folds, "
      + "others: 5). '\(SyntheticStudy.oracle)' are those by Bayes's rule that the response was drawn with: no method can do "
      + "better but by chance. '\(TransferMethods.Name.scratch)' learns all layers in \(settings.options.steps) steps."
  }
}
