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
    let warning = includesTrainingBeats ? "; some of them are the network's training \(unit ?? "beats")" : ""
    return "Task \(task), trained on split \(split): \(Numbers.integer(beats)) \(unit ?? "beats") of "
      + "\(perRecord.count) record\(perRecord.count == 1 ? "" : "s") (\(records)), \(leadsText(perRecord.map(\.lead)))\(leftOut)\(warning)"
      + (hasRhythmPrior ? "; decided with their RR intervals\n" : "\n")
  }

  /// A class a row, for each of the twins.
  var classTables: [(title: String, table: SummaryTable)] {
    [("float", float), ("int8", int8)].compactMap { title, score in
      guard let score else { return nil }
      var table = SummaryTable(
        columns: [unit ?? "beats", "Se", "+P", "F1", "95 % interval"], alignment: .right)
      for row in score.classes {
        table.add(
          row.name, Numbers.integer(row.beats), Numbers.percent(row.sensitivity),
          Numbers.percent(row.positivePredictivity), Numbers.percent(row.f1), text(row.f1Interval))
      }
      table.add("macro", "", "", "", Numbers.percent(score.macroF1), text(score.macroF1Interval))
      table.add("accuracy", "", "", "", Numbers.percent(score.accuracy), text(score.accuracyInterval))
      return (title, table)
    }
  }

  /// Each class that matters against all others, for each of the twins.
  var windowTables: [(title: String, table: SummaryTable)] {
    [("float", floatWindows), ("int8", int8Windows)].flatMap { twin, scores in
      (scores ?? []).map { $0.table(of: twin) }
    }
  }

  /// What the device announces.
  var episodeTables: [(title: String, table: SummaryTable)] { (episodes ?? []).map(\.titledTable) }

  /// How the twins agree.
  var agreementTable: SummaryTable? {
    guard let agreement, let macroF1Difference else { return nil }
    let points = QuantizationReport.points
    let interval = macroF1DifferenceInterval.map { " (\($0.text(points)))" } ?? ""
    var table = SummaryTable(columns: [])
    table.add("agreement", "\(Numbers.percent(agreement.top1 ?? .nan)) of the decisions are the same class")
    table.add(
      "logits",
      "largest error \(Numbers.decimal(agreement.maxAbsoluteLogitError, places: 3)), "
        + "mean \(Numbers.decimal(agreement.meanAbsoluteLogitError ?? .nan, places: 4))")
    table.add("macro F1", "\(points(macroF1Difference)) points, int8 less float\(interval)")
    return table
  }

  private func text(_ interval: Interval?) -> String {
    interval.map { $0.percentages(places: 2) + " %" } ?? "n/a"
  }
}

/// The leads that were heard; where they differ, with how many records each was heard of.
func leadsText(_ leads: [String]) -> String {
  let counts = Dictionary(leads.map { ($0, 1) }, uniquingKeysWith: +)
  guard counts.count > 1 else { return "lead \(leads.first ?? "-")" }
  let order = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
  return "leads " + order.map { "\($0.key) (\($0.value))" }.joined(separator: ", ")
}
