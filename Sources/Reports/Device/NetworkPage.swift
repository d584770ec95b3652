import Drawing
import Networks
import Simulation
import Support

/// When the network ran, why, and what it never looked at.
extension StreamRun {
  private static let listedCount = 40

  /// The page's section; nil where the network runs at every decision.
  var networkSection: Section? {
    guard let network = result.network else { return nil }
    var parts: [any Component] = [
      Facts([
        (
          "The network ran",
          "at \(Numbers.integer(network.asked)) of \(Numbers.integer(network.decisions)) decisions"
            + Self.share(network.asked, of: network.decisions)
        ),
        (
          "Otherwise",
          network.saver == .memory
            ? "the memory of the patient's usual beats answered" : "it slept, and nothing was announced"
        ),
      ]),
      Timeline(
        title: "When the network ran, by reason",
        explanation: unseenLanes.isEmpty
          ? ""
          : "The last \(unseenLanes.count == 1 ? "lane has" : "lanes have") the annotated beats that it never looked at.",
        durationSeconds: result.durationSeconds, lanes: reasonLanes(network) + unseenLanes),
      reasonTable(network),
    ]
    if let classes = network.criticalClasses {
      parts.append(criticalTable(classes, network))
      parts += classes.flatMap { unseenParts($0.name, network) }
    } else {
      parts.append(
        Paragraph("What it never looked at is unknown: the record has no annotations that its classes fit."))
    }
    return Section("When the network ran, and why", parts)
  }

  private static func share(_ count: Int, of total: Int) -> String {
    total == 0 ? "" : ", \(Numbers.percent(Double(count) / Double(total)))"
  }

  /// The reasons that there are, in the order of their declaration.
  private func reasons(_ network: NetworkRuns) -> [(reason: AskingReason, count: Int)] {
    AskingReason.allCases.compactMap { reason in network.reasons[reason.rawValue].map { (reason, $0) } }
  }

  private func reasonLanes(_ network: NetworkRuns) -> [Timeline.Lane] {
    reasons(network).map { reason, _ in
      Timeline.Lane(
        reason.shortWords,
        moments: result.decisionList.filter { $0.asked == reason }.map(\.moment))
    }
  }

  private var unseenLanes: [Timeline.Lane] {
    (result.network?.criticalClasses ?? []).map { critical in
      Timeline.Lane(
        "unseen \(critical.name.prefix(3))", moments: unseen(critical.name).map(\.moment), style: .alarm)
    }
  }

  private func reasonTable(_ network: NetworkRuns) -> Table {
    func cells(_ name: String, _ count: Int) -> [Table.Cell] {
      func part(_ total: Int) -> String {
        total == 0 ? "-" : Numbers.percent(Double(count) / Double(total))
      }
      return [
        .init(name), .init(Numbers.integer(count)), .init(part(network.asked)),
        .init(part(network.decisions)),
      ]
    }
    return Table(
      caption: "Why the network ran",
      columns: [.text("reason"), .number("decisions"), .number("of its runs"), .number("of all")],
      rows: reasons(network).map { cells($0.reason.words, $0.count) },
      total: cells("all its runs", network.asked))
  }

  private func criticalTable(_ classes: [NetworkRuns.CriticalClass], _ network: NetworkRuns) -> Table {
    Table(
      caption: "Annotated beats that the network never looked at, of the classes that matter",
      columns: [
        .text("class"), .number("beats"), .number("never looked at"), .number("of them"),
        .number(network.saver == .memory ? "memory gave another class" : "slept through"),
      ],
      rows: classes.map { critical in
        [
          .init(critical.name), .init(Numbers.integer(critical.beats)),
          .init(Numbers.integer(critical.unseen)),
          .init(
            critical.beats == 0 ? "-" : Numbers.percent(Double(critical.unseen) / Double(critical.beats))),
          .init(Numbers.integer(critical.missed)),
        ]
      })
  }

  // MARK: What it never looked at

  /// The annotated beats of a class at which the network didn't run, worst first: by how much the logit of what was
  /// decided, or of what the sleeping network would have said, exceeds that of the class.
  private func unseen(_ name: String) -> [StreamResult.Decision] {
    func margin(_ decision: StreamResult.Decision) -> Float {
      func logit(_ name: String) -> Float {
        result.classNames.firstIndex(of: name).map { decision.fixedLogits[$0] } ?? 0
      }
      return logit(decision.fixed) - logit(name)
    }
    // A sleeping network's worst beats are those that it would have found.
    let isSleep = result.network?.saver == .sleep
    return result.decisionList.filter { $0.annotated == name && $0.asked == nil }
      .map { (decision: $0, rank: isSleep ? -margin($0) : margin($0)) }
      .sorted { ($1.rank, $0.decision.moment) < ($0.rank, $1.decision.moment) }.map(\.decision)
  }

  private func unseenParts(_ name: String, _ network: NetworkRuns) -> [any Component] {
    let all = unseen(name)
    guard !all.isEmpty else {
      return [Paragraph("There is no annotated \(name) beat that the network never looked at.")]
    }
    let shown = all.prefix(Self.listedCount)
    let first =
      all.count > shown.count
      ? "\(Numbers.integer(all.count)), the \(shown.count) worst first; the JSON has all"
      : "\(Numbers.integer(all.count)), the worst first"
    let isMemory = network.saver == .memory
    return [
      Table(
        caption: "\(name) beats that the network never looked at: \(first)",
        columns: [
          .number("beat at (s)"), .text(isMemory ? "the memory's class" : "awake it would have said"),
          .text("announced"), .number("its logit"), .number("that of \(name)"),
        ],
        rows: shown.map { decision in
          func logit(_ name: String) -> Table.Cell {
            .init(
              result.classNames.firstIndex(of: name).map {
                Numbers.decimal(Double(decision.fixedLogits[$0]), places: 2)
              } ?? "-")
          }
          return [
            .init(Numbers.decimal(decision.moment, places: 2)), .init(decision.fixed),
            .init(decision.announced ?? "-"), logit(decision.fixed), logit(name),
          ]
        }),
      Details(
        "Strips of the \(Numbers.integer(min(shown.count, 10))) worst",
        shown.prefix(10).flatMap { strips(around: $0.moment, seconds: 5) }),
    ]
  }

  /// The terminal's row; none where the network runs at every decision.
  var networkRows: [(label: String, cells: [String])] {
    guard let network = result.network else { return [] }
    let fate = network.saver == .memory ? "given another class" : "slept through"
    let unseen = (network.criticalClasses ?? []).map {
      "\($0.name) \(Numbers.integer($0.unseen)) of \(Numbers.integer($0.beats)) (\(Numbers.integer($0.missed)) \(fate))"
    }.joined(separator: ", ")
    return [
      (
        "network",
        [
          "ran at \(Numbers.integer(network.asked)) of \(Numbers.integer(network.decisions)) decisions"
            + (unseen.isEmpty ? "" : "; never looked at \(unseen)")
        ]
      )
    ]
  }
}

extension StreamResult.Decision {
  /// The beat's time, or that of the decision.
  fileprivate var moment: Double { beatSeconds ?? timeSeconds }
}
