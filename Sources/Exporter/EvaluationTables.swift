import CommandSupport
import Evaluation
import Metrics
import Support

extension BeatEvaluation {
  /// What was evaluated, a line.
  var title: String {
    let leftOut =
      (leftOutBeats == 0 ? "" : ", \(Numbers.integer(leftOutBeats)) left out at the records' ends")
      + (noResultBeats == 0 ? "" : ", \(Numbers.integer(noResultBeats)) without a result")
    let warning = includesTrainingBeats ? "; some of them are the network's training beats" : ""
    return "Task \(task), trained on split \(split): \(Numbers.integer(beats)) beats of "
      + "\(perRecord.count) record\(perRecord.count == 1 ? "" : "s") (\(records))\(leftOut)\(warning)"
      + (hasRhythmPrior ? "; decided with their RR intervals\n" : "\n")
  }

  /// A class a row, for each of the twins.
  var classTables: [(title: String, table: SummaryTable)] {
    [("float", float), ("int8", int8)].compactMap { title, score in
      guard let score else { return nil }
      var table = SummaryTable(columns: ["beats", "Se", "+P", "F1", "95 % interval"], alignment: .right)
      for row in score.classes {
        table.add(
          row.name, .init(Numbers.integer(row.beats)), .init(Numbers.percent(row.sensitivity)),
          .init(Numbers.percent(row.positivePredictivity)), .init(Numbers.percent(row.f1)),
          .init(text(row.f1Interval)))
      }
      table.add(
        "macro", "", "", "", .init(Numbers.percent(score.macroF1)), .init(text(score.macroF1Interval)))
      table.add(
        "accuracy", "", "", "", .init(Numbers.percent(score.accuracy)), .init(text(score.accuracyInterval)))
      return (title, table)
    }
  }

  /// How the twins agree.
  var agreementTable: SummaryTable? {
    guard let agreement, let macroF1Difference else { return nil }
    func points(_ value: Double) -> String {
      (value > 0 ? "+" : "") + Numbers.decimal(100 * value, places: 2)
    }
    let interval = macroF1DifferenceInterval.map { " (\(points($0.lower)) to \(points($0.upper)))" } ?? ""
    var table = SummaryTable(columns: [])
    table.add(
      "agreement", .init("\(Numbers.percent(agreement.top1 ?? .nan)) of the decisions are the same class"))
    table.add(
      "logits",
      .init(
        "largest error \(Numbers.decimal(agreement.maxAbsoluteLogitError, places: 3)), "
          + "mean \(Numbers.decimal(agreement.meanAbsoluteLogitError ?? .nan, places: 4))"))
    table.add("macro F1", .init("\(points(macroF1Difference)) points, int8 less float\(interval)"))
    return table
  }

  private func text(_ interval: Interval?) -> String {
    guard let interval else { return "n/a" }
    return "\(Numbers.decimal(100 * interval.lower, places: 2)) to "
      + "\(Numbers.decimal(100 * interval.upper, places: 2)) %"
  }
}
