import Evaluation
import Metrics
import Support

extension BeatEvaluation {
  /// The evaluation as Markdown: each class for both twins, then each record.
  package var markdown: String {
    let twins = [("float", float), ("int8", int8)].compactMap { name, score in score.map { (name, $0) } }
    let leftOut =
      (leftOutBeats == 0 ? "" : ", \(Numbers.integer(leftOutBeats)) more too near a record's ends")
      + (noResultBeats == 0 ? "" : ", \(Numbers.integer(noResultBeats)) more without a result")
    var lines = [
      "Task \(task), split \(split), records \(records): \(Numbers.integer(beats)) \(unit ?? "beats")\(leftOut)"
        + "\(hasRhythmPrior ? ", with RR intervals" : ""). Percent; F1 with the 95 %",
      "interval of 2,000 draws of patients, accuracy with Wilson's.", "",
    ]
    func add(_ cells: [String]) { lines.append("| \(cells.joined(separator: " | ")) |") }
    func rule(_ count: Int) { lines.append("|" + String(repeating: "---|", count: count)) }

    add(["class", unit ?? "beats"] + twins.flatMap { [$0.0 + " Se", "+P", "F1", "interval"] })
    rule(2 + 4 * twins.count)
    for (index, name) in (twins.first?.1.classes.map(\.name) ?? []).enumerated() {
      let scores = twins.map { $0.1.classes[index] }
      add(
        [name, Numbers.integer(scores[0].beats)]
          + scores.flatMap { score in
            [percent(score.sensitivity), percent(score.positivePredictivity), percent(score.f1)]
              + [text(score.f1Interval)]
          })
    }
    add(["macro", ""] + twins.flatMap { ["", "", percent($0.1.macroF1), text($0.1.macroF1Interval)] })
    add(["accuracy", ""] + twins.flatMap { ["", "", percent($0.1.accuracy), text($0.1.accuracyInterval)] })
    lines.append("")

    let names = twins.first?.1.classes.map(\.name) ?? []
    lines.append(
      "Each record: \(unit ?? "beats") of a class and, in percent, Se / +P of \(twins.last?.0 ?? "float").")
    lines.append("")
    add(["record", "lead"] + twins.map { $0.0 + " accuracy" } + (agreement == nil ? [] : ["agree"]) + names)
    rule(2 + twins.count + (agreement == nil ? 0 : 1) + names.count)
    for record in perRecord {
      let matrices = [record.float, record.int8].compactMap(\.self)
      guard let last = matrices.last else { continue }
      add(
        [record.record, record.lead] + matrices.map { percent($0.accuracy) }
          + (agreement == nil ? [] : [percent(record.agreement?.top1)])
          + names.indices.map { index in
            let count = last.referenceCount(ofClass: index)
            guard count + last.predictionCount(ofClass: index) > 0 else { return "" }
            return "\(Numbers.integer(count)): \(percent(last.sensitivity(ofClass: index))) / "
              + percent(last.positivePredictivity(ofClass: index))
          })
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func percent(_ value: Double?) -> String {
    guard let value, value.isFinite else { return "-" }
    return Numbers.decimal(100 * value, places: 2)
  }

  private func text(_ interval: Interval?) -> String {
    interval?.percentages(places: 1) ?? "-"
  }
}
