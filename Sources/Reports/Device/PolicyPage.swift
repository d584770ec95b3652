import Drawing
import QuantInfer
import Simulation
import Support

extension StreamRun {
  /// The page's section about what was announced.
  var policySection: Section {
    let announcements = result.announcements
    let seconds = result.durationSeconds
    var parts: [any Component] = [
      Facts(
        [
          ("Policy", policyPhrase),
          (
            "Decisions",
            "\(Numbers.integer(announcements.results)) with a result of \(Numbers.integer(result.decisions))"
          ),
          (
            "Class changes",
            "\(Numbers.integer(announcements.announcedChanges)) announced, "
              + "\(Numbers.integer(announcements.rawChanges)) between raw decisions"
          ),
        ] + accuracyFacts + sleepFacts)
    ]
    let rows: [[Table.Cell]] = NoResult.all.compactMap { reason in
      guard let silence = announcements.noResult[reason.key], silence.decisions > 0 || silence.seconds > 0
      else { return nil }
      return [
        .init(reason.words), .init(Numbers.integer(silence.decisions)),
        .init(Numbers.decimal(silence.seconds, places: 1)),
        .init(Numbers.percent(silence.seconds / seconds, places: 2)),
      ]
    }
    if !rows.isEmpty {
      parts.append(
        Table(
          caption: "No result: the fail-safe state",
          columns: [.text("reason"), .number("decisions"), .number("seconds"), .number("of the time")],
          rows: rows))
    }
    parts.append(Paragraph(watchSentence))
    return Section("Announcements", parts)
  }

  /// The policy in words.
  var policyPhrase: String {
    let phrases = result.announcements.policy.phrases
    return phrases.isEmpty ? "each decision as it comes" : phrases.joined(separator: "; ")
  }

  private var accuracyFacts: [(String, String)] {
    guard let accuracy = result.accuracy, let raw = accuracy.fixed.accuracy else { return [] }
    let announced = accuracy.announced.accuracy.map { Numbers.percent($0) } ?? "-"
    return [
      (
        "Against the annotations",
        "\(announced) of \(Numbers.integer(accuracy.announced.total)) announced \(accuracy.unit) right, \(Numbers.percent(raw)) of "
          + "\(Numbers.integer(accuracy.fixed.total)) raw decisions"
      )
    ]
  }

  private var sleepFacts: [(String, String)] {
    guard let sleep = result.announcements.sleep else { return [] }
    var facts = [
      (
        "Awake",
        "for \(Numbers.integer(sleep.awakeDecisions)) of \(Numbers.integer(result.decisions)) decisions"
          + (sleep.wakeFraction.map { " (\(Numbers.percent($0)))" } ?? "")
          + ", \(Numbers.integer(sleep.columns)) of \(Numbers.integer(result.columns)) columns computed, up to "
          + "\(sleep.greatestBurstColumns) at once; \(Numbers.integer(sleep.ringBytes)) B of waiting samples"
      ),
      (
        "Against a network that never sleeps",
        sleep.inexactDecisions == 0
          ? "the same logits at every decision, bit for bit"
          : "\(Numbers.integer(sleep.inexactDecisions)) decisions with other logits"
      ),
    ]
    if let missed = sleepLoss { facts.append(("Slept through", missed)) }
    return facts
  }

  /// The annotated beats that the network slept through, by class; nil without annotations.
  var sleepLoss: String? {
    guard let accuracy = result.accuracy, result.announcements.sleep != nil else { return nil }
    return result.classNames.enumerated().map { index, name in
      "\(name) \(Numbers.integer(accuracy.asleep[name] ?? 0)) of "
        + Numbers.integer(accuracy.fixed.referenceCount(ofClass: index))
    }.joined(separator: ", ")
  }

  private var watchSentence: String {
    let watch = result.announcements
    func seconds(_ value: Double) -> String { "\(Numbers.decimal(value, places: 2)) s" }
    return
      "There is no result while the samples keep within \(watch.flatCounts) counts for \(seconds(watch.flatSeconds)), "
      + "while they stand at the converter's ends for \(seconds(watch.saturatedSeconds)) within "
      + "\(seconds(watch.saturationSpanSeconds)), and for \(seconds(watch.refillSeconds)) of good signal after that; then "
      + "until the next decision. Raw decisions are noted all the same. Policy, watch and schedule take "
      + "\(Numbers.integer(watch.stateBytes - (watch.sleep?.ringBytes ?? 0))) B of RAM."
  }

  /// The terminal's rows about what was announced; none where every decision was a result as it came.
  var policyRows: [(label: String, cells: [String])] {
    let announcements = result.announcements
    var rows: [(label: String, cells: [String])] = []
    let silences = NoResult.all.compactMap { reason -> String? in
      guard let silence = announcements.noResult[reason.key], silence.seconds > 0 else { return nil }
      return "\(Numbers.decimal(silence.seconds, places: 1)) s \(reason.words)"
    }
    if announcements.policy.isAny || announcements.results < result.decisions {
      var cells = ["\(Numbers.integer(announcements.results)) results"]
      if let accuracy = result.accuracy?.announced.accuracy {
        cells += ["-", "\(Numbers.percent(accuracy)) as annotated; \(policyPhrase)"]
      } else {
        cells += ["-", policyPhrase]
      }
      rows.append(("announced", cells))
    }
    if !silences.isEmpty { rows.append(("no result", [silences.joined(separator: ", ")])) }
    if let sleep = announcements.sleep {
      let fraction = sleep.wakeFraction.map { Numbers.percent($0) } ?? "-"
      rows.append(
        (
          "sleep",
          [
            "awake for \(fraction) of decisions, \(Numbers.integer(sleep.columns)) of "
              + "\(Numbers.integer(result.columns)) columns computed"
              + (sleepLoss.map { "; slept through \($0)" } ?? "")
          ]
        ))
    }
    return rows + networkRows
  }
}
