import Drawing
import Simulation
import Support

extension FaultReport {
  /// The campaign as one self-contained page.
  ///
  /// - Parameter command: The command that made it, for its provenance.
  /// - Returns: The page's HTML.
  package func page(command: String = "") -> String {
    Page(
      title: "Faults in \(model)",
      subtitle: "\(record), \(lead), \(Numbers.duration(seconds: Double(samples) / sampleRateHz)); "
        + "\(Numbers.integer(decisions)) decisions without faults",
      verdict: verdict,
      sections: sections(command),
      footer: Release.footer(version: version)
    ).render()
  }

  private func sections(_ command: String) -> [Section] {
    let parts: [Section?] = [
      outcomeSection, layerSection, bitSection, checksumSection, signalSection, finderSection,
      provenanceSection(command),
    ]
    return parts.compactMap(\.self)
  }

  /// The campaign in a sentence or two.
  package var verdict: String {
    let faults = kinds.reduce(0) { $0 + $1.total.trials }
    let injected = "\(Numbers.integer(faults)) faults of \(kinds.count) kind\(kinds.count == 1 ? "" : "s")."
    let worst = kinds.max { $0.total.silent.orderingFraction < $1.total.silent.orderingFraction }
    guard let worst, worst.total.silent.count > 0 else {
      return injected + " None changed a decision unnoticed."
    }
    let never = kinds.filter { $0.total.silent.count == 0 }.map(\.kind.words)
    return injected
      + " What changes decisions unnoticed most often: \(worst.kind.words), \(worst.total.silent.text) of the faults."
      + (never.isEmpty ? "" : " Never seen to: \(never.joined(separator: ", ")).")
  }

  // MARK: Sections

  private static let outcomes = ["found", "found late", "masked", "silent"]

  private var outcomeSection: Section {
    Section(
      "What became of the faults",
      [
        ShareChart(
          title: "Each fault's end, by class",
          explanation:
            "From the left: found before a decision changed, found after one had, never seen, and a decision "
            + "changed unnoticed.",
          shares: Self.outcomes,
          bars: kinds.map { kind in
            let total = kind.total
            return .init(
              kind.kind.words, [total.detected, total.late, total.masked, total.silent].map(\.count))
          }),
        Table(
          caption: "Shares in percent, with Wilson's intervals of 95 % in brackets.",
          // What matters most stands where a narrow page shows it.
          columns: [.text("class")] + (Self.outcomes.reversed() + ["faults"]).map { Table.Column.number($0) },
          rows: kinds.map { kind in
            let total = kind.total
            let shares = [total.silent, total.masked, total.late, total.detected].map {
              Table.Cell($0.bracketed)
            }
            return [Table.Cell(kind.kind.words)] + shares + [Table.Cell(Numbers.integer(total.trials))]
          }),
        Paragraph(
          "Each fault is a run of its own: a healthy device up to a random sample, then the fault, then the rest of the "
            + "record. A decision has changed where what is announced differs from the run without faults, be it the class or "
            + "that there is no result, where none is within 150 ms, or where one has come that wasn't there. Each class has as many faults as the next, "
            + "however often they are in the field: shares are those within a class. All faults meet one record: "
            + "intervals are those of the random draw of faults, and say nothing of other records."),
      ]
        + (twinSentence.map {
          [Paragraph($0 + " That is what the integers change by themselves, beside what faults do.")]
        } ?? []))
  }

  /// A bar a place or a bit: the share of faults that changed a decision, found or not.
  private func chart(
    _ title: String, _ explanation: String, _ tallies: [Tally], name: (String) -> String = { $0 }
  )
    -> BarChart
  {
    BarChart(
      title: title, explanation: explanation,
      bars: tallies.map { tally in
        BarChart.Bar(
          name(tally.name), 100 * (tally.changed.fraction ?? 0),
          text: "\(tally.changed.brief) of \(Numbers.integer(tally.trials))",
          interval: 100 * tally.changed.interval.lower...100 * tally.changed.interval.upper)
      }, fullScale: 100)
  }

  private func kind(_ wanted: FaultKind) -> Kind? { kinds.first { $0.kind == wanted } }

  private static let scale =
    "Percent of the faults that changed a decision, found or not; a full bar is 100 %, whiskers are intervals of 95 %."

  private var layerSection: Section? {
    let charts = [
      (FaultKind.weights, "Flipped weights, by layer"),
      (.arena, "Flipped arena, by the layer that runs next"),
      (.state, "Flipped state, by part"), (.forged, "Flipped image with a forged checksum, by part"),
    ].compactMap { kind, title in self.kind(kind).map { chart(title, "", $0.places) } }
    return charts.isEmpty ? nil : Section("By layer", [Paragraph(Self.scale)] + charts)
  }

  private var bitSection: Section? {
    let charts = [
      (FaultKind.weights, "Weights: flipped bit of a code"), (.arena, "Arena: flipped bit of a byte"),
      (.adc, "Converter: stuck bit"),
    ].compactMap { kind, title in
      self.kind(kind).flatMap { kind in
        kind.bits.isEmpty
          ? nil : chart(title, "Bit 0 is the lowest.", kind.bits, name: { "bit \($0)" })
      }
    }
    return charts.isEmpty ? nil : Section("By bit position", [Paragraph(Self.scale)] + charts.pairs)
  }

  private var signalSection: Section? {
    let charts = [
      (FaultKind.samples, "Dropped and doubled samples"), (.adc, "Stuck bits of the converter"),
      (.clock, "Overruns: columns not done in time"), (.brownout, "Brown-outs"),
    ].compactMap { kind, title in self.kind(kind).map { chart(title, "", $0.places) } }
    return charts.isEmpty
      ? nil : Section("Samples, time and supply", [Paragraph(Self.scale)] + charts.pairs)
  }

  /// What the checksum does at load, and what it does or would do while the device runs.
  private var checksumSection: Section? {
    var rows: [[Table.Cell]] = []
    func add(_ label: String, _ share: Share, _ trials: Int) {
      rows.append([
        .init(label), .init(share.bracketed),
        .init("\(Numbers.integer(share.count)) of \(Numbers.integer(trials))"),
      ])
    }
    if let image = kind(.image)?.total {
      add("damaged image refused at load", image.detected, image.trials)
      add("damaged image ran, a decision changed", image.silent, image.trials)
    }
    if let forged = kind(.forged)?.total {
      add("damaged image with a right checksum refused by validation", forged.detected, forged.trials)
      add("the same ran, a decision changed", forged.silent, forged.trials)
    }
    if let weights = kind(.weights)?.total {
      add(
        "flipped weights of a running device, a decision changed: without scrubbing all unnoticed",
        weights.changed, weights.trials)
      if scrubSeconds != nil {
        add("found by scrubbing before a decision changed", weights.detected, weights.trials)
        add("found by scrubbing after a decision had changed", weights.late, weights.trials)
        add("not found by the record's end, a decision changed", weights.silent, weights.trials)
      }
    }
    guard !rows.isEmpty else { return nil }
    return Section(
      "Checksum at load and scrubbing",
      [
        Table(
          caption: "Shares in percent, with Wilson's intervals of 95 % in brackets.",
          columns: [.text("what happened"), .number("share"), .number("faults")], rows: rows),
        Paragraph(
          scrubSeconds.map {
            "The running image was held against its CRC-32 every \(Self.seconds($0)); what it finds, it finds after that "
              + "time at most."
          } ?? "The running image was not held against its CRC-32: --scrub SECONDS does so."),
      ])
  }

  private var finderSection: Section {
    let rows = kinds.flatMap { kind in
      kind.total.detectedBy.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { means, count in
        [
          Table.Cell(kind.kind.words), .init(means), .init(Numbers.integer(count)),
          .init(Share(count, of: kind.total.trials).bracketed),
        ]
      }
    }
    let on =
      guards.isEmpty
      ? "No guard was on" : "Guards that were on: \(guards.map(\.words).joined(separator: "; "))"
    let alarms =
      guards.contains(.adc)
      ? " On the record without faults the stuck-bit check raises \(Numbers.integer(falseAlarms)) false alarms."
      : ""
    let note = Paragraph(on + "." + alarms)
    guard !rows.isEmpty else { return Section("What found them", [note]) }
    return Section(
      "What found them",
      [
        Table(
          caption: "Faults found, in time or late, by what found them; shares in percent of the class.",
          columns: [.text("class"), .text("found by"), .number("faults"), .number("share")], rows: rows),
        note,
      ])
  }

  private func provenanceSection(_ command: String) -> Section {
    let digest = recordDigest.map { ", SHA-256 of its files \($0)" } ?? ", not kept"
    var facts: [(name: String, value: String)] = [
      ("Model", "\(model), CRC-32 \(modelChecksum), SHA-256 \(modelDigest)"),
      ("Record", "\(record), \(lead)\(digest)"), ("Converter", "\(profile): \(converterBits) bits"),
      ("Decisions", ([decide] + announcing.phrases).joined(separator: ", ")),
      ("State", "\(Numbers.bytes(stateBytes)) that the device keeps between samples; faults hit all of it"),
      ("Bits at once", "\(bitsPerFault)"),
      ("Scrubbing", scrubSeconds.map { "every \(Self.seconds($0))" } ?? "none"),
      ("State saved", "every \(Self.seconds(saveSeconds))"),
      ("Guards", guards.isEmpty ? "none" : guards.map(\.rawValue).joined(separator: ", ")),
      ("Seed", "\(seed)"), ("Version", version),
    ]
    if !command.isEmpty { facts.append(("Command", command)) }
    return Section("Provenance", [Facts(facts)])
  }
}

extension [BarChart] {
  /// The charts side by side.
  fileprivate var pairs: [any Component] { isEmpty ? [] : [Columns(self)] }
}

extension FaultReport.Share {
  /// For finding the largest: no share counts as none.
  fileprivate var orderingFraction: Double { fraction ?? 0 }

  /// `43.2 (40.1 to 46.3)`, in percent.
  fileprivate var bracketed: String { percentages(places: 1) }

  /// `43 (40 to 46)`, in percent.
  fileprivate var brief: String { percentages(places: 0) }

  private func percentages(places: Int) -> String {
    (fraction.map { Numbers.decimal(100 * $0, places: places) } ?? "-")
      + " (\(interval.percentages(places: places)))"
  }

  /// `43.2 % (40.1 to 46.3)`.
  fileprivate var text: String {
    "\(Numbers.percent(fraction ?? 0, places: 1)) (\(interval.percentages(places: 1)))"
  }
}

extension FaultKind {
  /// The kind in words, which begin with its name in `--kinds`.
  fileprivate var words: String {
    switch self {
    case .weights: "weights"
    case .state: "state"
    case .arena: "arena"
    case .image: "image before loading"
    case .forged: "forged checksum of an image"
    case .samples: "samples dropped or doubled"
    case .adc: "adc: stuck bits"
    case .clock: "clock: overruns"
    case .brownout: "brownout"
    }
  }
}

extension FaultGuard {
  /// What the guard does, in words.
  fileprivate var words: String {
    switch self {
    case .state: "the state's checksum between samples"
    case .adc: "a check for low bits that don't change in a second"
    case .clock: "samples counted against a clock, columns against deadlines"
    }
  }
}
