import CommandSupport
import Evaluation
import Metrics
import Support

extension WindowScore {
  /// A figure a row, and what is told apart in the title.
  func table(of twin: String) -> (title: String, table: SummaryTable) {
    var table = SummaryTable(columns: ["", "95 % interval"], alignment: .right)
    func add(_ name: String, _ figure: Figure) {
      let interval = figure.interval.map { $0.percentages(places: 2) + " %" }
      table.add(name, Numbers.percent(figure.value), interval ?? "n/a")
    }
    func addArea(_ name: String, _ figure: Figure) {
      table.add(
        name, Numbers.decimal(figure.value, places: 4), figure.interval.map { $0.text(places: 4) } ?? "n/a")
    }
    add("Se", sensitivity)
    add("Sp", specificity)
    add("+P", positivePredictivity)
    add("F1", f1)
    add("F\(Numbers.shortest(beta))", fBeta)
    add("Se at Sp \(Numbers.percent(fixedSpecificity))", sensitivityAtSpecificity)
    addArea("area under the ROC", area)
    addArea("average precision", averagePrecision)
    let title =
      "\(twin), windows of \(className) (\(Numbers.integer(windows))) against all others "
      + "(\(Numbers.integer(others))), \(patients) patient\(patients == 1 ? "" : "s")"
    return (title, table)
  }
}

extension EpisodeScore {
  /// What the device announces.
  var titledTable: (title: String, table: SummaryTable) {
    func decimal(_ value: Double) -> String { Numbers.decimal(value, places: 2) }
    var table = SummaryTable(columns: [])
    let share = episodes == 0 ? .nan : Double(foundInTime) / Double(episodes)
    table.add(
      "episodes",
      "\(episodes) of \(decimal(leastSeconds)) s and more, \(found) announced, "
        + "\(foundInTime) within \(decimal(delayLimitSeconds)) s: \(Numbers.percent(share)) "
        + "(\(foundInTimeInterval.percentages(places: 1)) %)")
    if let median = medianDelaySeconds, let longest = longestDelaySeconds {
      table.add("delay", "\(decimal(median)) s in the middle, \(decimal(longest)) s at most")
    }
    let interval = falseAlarmsPerHourInterval.map { " (\($0.text(places: 2)))" } ?? ""
    table.add(
      "false alarms",
      "\(falseAlarms) in \(decimal(hours)) h: \(decimal(falseAlarmsPerHour)) an hour\(interval), "
        + "\(Numbers.decimal(falseAlarmsPerDay, places: 1)) a day")
    for label in byLabel {
      table.add("  in \(label.label)", "\(label.falseAlarms) in \(decimal(label.hours)) h")
    }
    table.add("policy", policy.isEmpty ? "each decision as it comes" : policy.joined(separator: ", "))
    return ("Episodes of \(className), as the device announces them", table)
  }
}

extension WindowValidation {
  /// The folds' networks in float, as devices, and with raised logits.
  var tables: [(title: String, table: SummaryTable)] {
    float.map { $0.table(of: "float") } + int8.map { $0.table(of: "int8") }
      + (tuned ?? []).map { $0.table(of: "int8 with logits raised for \(aim ?? "")") }
      + (episodes ?? []).map(\.titledTable)
  }
}
