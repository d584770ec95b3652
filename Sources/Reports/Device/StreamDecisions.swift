import Drawing
import Metrics
import QuantInfer
import Simulation
import Support

extension StreamResult.Decision {
  /// Whether the twins decided differently.
  var differs: Bool { float.map { $0 != fixed } ?? false }
  /// Whether the record's annotations name another class.
  var isWrong: Bool { annotated.map { $0 != fixed } ?? false }
}

/// The decisions: what became of each, how they agree, and those that a reader will ask about.
extension StreamRun {
  func decisionSection(_ options: StreamPageOptions) -> Section {
    let explainCommand = options.isAnonymous || !decidesByColumns ? nil : options.explainCommand
    var parts: [any Component] = [accountTable, classTable]
    if let agreement = result.agreement, let top1 = agreement.top1 {
      let interval = Interval.wilson(successes: agreement.equalDecisions, trials: agreement.decisions)
      parts.append(
        Facts([
          (
            "The same class",
            "\(Numbers.percent(top1)) (95 % interval \(interval.text { Numbers.percent($0) }))"
          ),
          ("Largest logit error", Numbers.decimal(agreement.maxAbsoluteLogitError, places: 2)),
          ("Mean logit error", Numbers.decimal(agreement.meanAbsoluteLogitError ?? 0, places: 3)),
        ]))
    }
    parts += scoreParts
    if let note = trainingNote(namesRecord: !options.isAnonymous) { parts.append(Paragraph(note)) }
    if result.agreement != nil {
      parts += listed("that are not the float twin's", cases(\.differs, than: \.float), explainCommand)
    }
    if result.accuracy != nil {
      parts += listed("that the annotations contradict", cases(\.isWrong, than: \.annotated), explainCommand)
    }
    return Section("Decisions and agreement", parts)
  }

  /// What became of each decision; the rows add up.
  private var accountTable: Table {
    let list = result.decisionList
    var reasons: [(name: String, count: Int)] = [("a result", list.count { $0.announced != nil })]
    for reason in ["asleep"] + NoResult.all.map(\.key) {
      let count = list.count { $0.announced == nil && $0.noResult == reason }
      let words = NoResult.all.first { $0.key == reason }?.words
      if count > 0 { reasons.append((words.map { "no result: \($0)" } ?? "the network slept", count)) }
    }
    func cells(_ name: String, _ count: Int) -> [Table.Cell] {
      [
        .init(name), .init(Numbers.integer(count)),
        .init(list.isEmpty ? "-" : Numbers.percent(Double(count) / Double(list.count))),
      ]
    }
    return Table(
      caption: "What became of each decision",
      columns: [.text("outcome"), .number("decisions"), .number("of all")],
      rows: reasons.map { cells($0.name, $0.count) }, total: cells("all", list.count))
  }

  private var classTable: Table {
    let list = result.decisionList
    let hasTwin = result.agreement != nil
    func cells(_ name: String, _ isCounted: (String) -> Bool) -> [Table.Cell] {
      [
        .init(name), .init(Numbers.integer(list.count { isCounted($0.fixed) })),
        .init(hasTwin ? Numbers.integer(list.count { $0.float.map(isCounted) ?? false }) : "-"),
        .init(Numbers.integer(list.count { $0.announced.map(isCounted) ?? false })),
      ]
    }
    return Table(
      caption: "Decisions by class",
      columns: [.text("class"), .number("fixed point"), .number("float"), .number("announced")],
      rows: result.classNames.map { name in cells(name) { $0 == name } }, total: cells("all") { _ in true })
  }

  // MARK: Against the annotations

  /// How much of what the annotations tell is decided right; nil without any.
  var accuracySentence: String? {
    guard let accuracy = result.accuracy, let fixed = accuracy.fixed.accuracy else { return nil }
    let unit = accuracy.unit == "beats" ? "annotated beats that it decided about" : "labelled windows"
    let float = accuracy.float?.accuracy.map { ", in float \(Numbers.percent($0))" } ?? ""
    return "Of \(Numbers.integer(accuracy.fixed.total)) \(unit) \(Numbers.percent(fixed)) are right\(float)"
      + (trainingNote == nil ? "." : ", on a record that the model was trained on.")
  }

  private var scoreParts: [any Component] {
    guard let accuracy = result.accuracy else { return [] }
    let others = [("the float twin's", accuracy.float), ("what was announced", accuracy.announced)].compactMap
    {
      name, matrix in matrix.map { Self.table("Beside the annotations: \(name)", $0) }
    }
    return [
      Self.table("Beside the annotations: the device's raw decisions", accuracy.fixed),
      Facts(
        [
          (
            "Right",
            "\(Self.share(accuracy.fixed.correct, of: accuracy.fixed.total)) of the \(accuracy.unit == "beats" ? "matched beats" : "labelled windows")"
          )
        ] + Self.unmatched(accuracy) + [
          (
            "Intervals",
            "Wilson's, of 95 %: they take \(accuracy.unit) for independent, so they are too narrow for one patient's record"
          )
        ]),
      Details("The same tables for the float twin and for what was announced", others),
    ]
  }

  private static func unmatched(_ accuracy: StreamResult.Accuracy) -> [(String, String)] {
    let extra = Numbers.integer(accuracy.extraDecisions)
    guard accuracy.unit == "beats" else { return [("Windows that no label holds whole", extra)] }
    return [
      ("Annotated beats without a decision", Numbers.integer(accuracy.missedBeats)),
      ("Decisions about other beats or none", extra),
    ]
  }

  private static func share(_ count: Int, of total: Int) -> String {
    guard total > 0 else { return "-" }
    let interval = Interval.wilson(successes: count, trials: total)
    return "\(Numbers.percent(Double(count) / Double(total))) (\(interval.percentages(places: 1)))"
  }

  /// A confusion matrix with each class's sensitivity, positive predictivity and F1.
  private static func table(_ caption: String, _ matrix: ConfusionMatrix) -> Table {
    let names = matrix.classNames
    let rows: [[Table.Cell]] = names.indices.map { index in
      let hits = matrix.counts[index][index]
      return [.init(names[index]), .init(Numbers.integer(matrix.referenceCount(ofClass: index)))]
        + matrix.counts[index].map { .init(Numbers.integer($0)) } + [
          .init(share(hits, of: matrix.referenceCount(ofClass: index))),
          .init(share(hits, of: matrix.predictionCount(ofClass: index))),
          .init(matrix.f1(ofClass: index).map { Numbers.percent($0) } ?? "-"),
        ]
    }
    let decided = names.indices.map { Table.Cell(Numbers.integer(matrix.predictionCount(ofClass: $0))) }
    let total: [Table.Cell] =
      [.init("all"), .init(Numbers.integer(matrix.total))] + decided
      + [.init(""), .init(""), .init(matrix.macroF1.map { "macro \(Numbers.percent($0))" } ?? "-")]
    return Table(
      caption: caption,
      columns: [.text("annotated"), .number("beats")] + names.map { .number("as \($0)") } + [
        .number("Se (interval)"), .number("+P (interval)"), .number("F1"),
      ], rows: rows, total: total)
  }

  // MARK: The decisions that a reader will ask about

  private static let listedCount = 20

  /// The decisions of a kind, worst first: by how much the decided class's logit exceeds that of the class that it should
  /// have been.
  private func cases(
    _ isListed: (StreamResult.Decision) -> Bool, than wanted: (StreamResult.Decision) -> String?
  ) -> [(decision: StreamResult.Decision, margin: Float)] {
    func logit(_ decision: StreamResult.Decision, of name: String?) -> Float {
      result.classNames.firstIndex { $0 == name }.map { decision.fixedLogits[$0] } ?? 0
    }
    let all = result.decisionList.filter(isListed).map { decision in
      (decision, logit(decision, of: decision.fixed) - logit(decision, of: wanted(decision)))
    }
    return all.sorted { ($1.1, $0.0.timeSeconds) < ($0.1, $1.0.timeSeconds) }
  }

  /// The moment in seconds from which on the first column's end is that of the decision's last column.
  private func explainedMoment(_ decision: StreamResult.Decision) -> String {
    let rate = result.sampleRateHz
    let seconds = ((decision.timeSeconds * rate).rounded() - Double(settings.hopSamples) + 0.5) / rate
    return Numbers.decimal(max(0, seconds), places: 4).replacing(",", with: "")
  }

  private func listed(
    _ what: String, _ all: [(decision: StreamResult.Decision, margin: Float)], _ explainCommand: String?
  ) -> [any Component] {
    guard !all.isEmpty else { return [Paragraph("There are no decisions \(what).")] }
    let shown = all.prefix(Self.listedCount)
    func moment(_ decision: StreamResult.Decision) -> String {
      Numbers.decimal(decision.beatSeconds ?? decision.timeSeconds, places: 2)
    }
    let count = Numbers.integer(all.count)
    var columns: [Table.Column] = [
      .number(shown.contains { $0.decision.beatSeconds != nil } ? "beat at (s)" : "decided at (s)"),
      .number("fixed point"), .number("float"), .number("annotated"), .number("announced"), .number("margin"),
    ]
    if explainCommand != nil { columns.append(.number("explain --at (s)")) }
    let table = Table(
      caption: all.count > shown.count
        ? "Decisions \(what): \(count), the \(shown.count) with the worst margin first; the JSON has all"
        : "Decisions \(what): \(count), the worst margin first",
      columns: columns,
      rows: shown.map { item in
        var cells: [Table.Cell] = [
          .init(moment(item.decision)), .init(item.decision.fixed), .init(item.decision.float ?? "-"),
          .init(item.decision.annotated ?? "-"), .init(item.decision.announced ?? "-"),
          .init(Numbers.decimal(Double(item.margin), places: 2)),
        ]
        if explainCommand != nil { cells.append(.init(explainedMoment(item.decision))) }
        return cells
      })
    let strips = shown.flatMap { item -> [any Component] in
      let strips = self.strips(around: item.decision.beatSeconds ?? item.decision.timeSeconds, seconds: 5)
      let at = explainedMoment(item.decision)
      return strips + (explainCommand.map { [Paragraph("`\($0) --at \(at)`")] } ?? [])
    }
    return [
      table,
      Details("Their strips\(explainCommand == nil ? "" : ", and the commands that explain them")", strips),
    ]
  }
}
