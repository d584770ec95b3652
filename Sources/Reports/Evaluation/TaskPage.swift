import Drawing
import Support
import Tasks

extension TaskCheck {
  /// What a task finds in a folder, as one page: counts, warnings, and windows or beats of each class to look at.
  ///
  /// - Parameters:
  ///   - task: The task.
  ///   - signals: The records' main leads, those that were checked.
  ///   - command: The command that made it.
  /// - Returns: The page's HTML.
  package func page(of task: TaskDefinition, _ signals: [LabelledSignal], command: String) -> String {
    let warned = warnings.count
    return Page(
      title: "\(self.task): what its records hold",
      subtitle: extent,
      verdict: warnings.first.map {
        "\(warned) warning\(warned == 1 ? "" : "s")\(warned == 1 ? "" : ", the first"): \($0)."
      } ?? "Nothing to warn of.",
      outcome: warned == 0 ? .pass : nil,
      sections: (warned == 0 ? [] : [Section("Warnings", warnings.map { Paragraph($0) })]) + [
        Section("Counts", [countTable])
      ]
        + task.classNames.indices.map { index in
          Section(
            "\(task.classNames[index])",
            Self.examples(ofClass: index, task, signals, unit: unit))
        } + [
          Section("Provenance", [Facts([("Version", Release.version), ("Command", command)])])
        ], footer: Release.footer()
    ).render()
  }

  private var countTable: Table {
    Table(
      caption: "By class and part",
      columns: [
        .text("class"), .text("part"), .number(unit), .number("records"), .number("patients"),
        .number("time"),
      ],
      rows: counts.map { count in
        [
          Table.Cell(count.className), Table.Cell(count.part), Table.Cell(Numbers.integer(count.labels)),
          Table.Cell(Numbers.integer(count.records)), Table.Cell(Numbers.integer(count.patients)),
          Table.Cell(count.seconds.map { Numbers.duration(seconds: $0) } ?? "-"),
        ]
      })
  }

  /// The pictures of a class: of so many patients one.
  private static let exampleCount = 3
  /// What is drawn before and after a beat, in seconds.
  private static let beatSeconds = 2.0
  /// The longest part of a window that is drawn, in seconds.
  private static let longestSeconds = 30.0

  private static func examples(
    ofClass index: Int, _ task: TaskDefinition, _ signals: [LabelledSignal], unit: String
  ) -> [any Component] {
    var seen = Set<String>()
    let having = signals.filter { signal in
      signal.beats.contains { $0.classIndex == index } && seen.insert(signal.patient).inserted
    }
    guard !having.isEmpty else { return [Paragraph("No record has \(unit) of this class.")] }
    let count = min(exampleCount, having.count)
    return (0..<count).map { place in
      strip(of: having[place * having.count / count], classIndex: index, task)
    }
  }

  /// The middle one of a record's windows or beats of a class.
  private static func strip(
    of signal: LabelledSignal, classIndex: Int, _ task: TaskDefinition
  ) -> ECGStrip {
    let own = signal.beats.filter { $0.classIndex == classIndex }
    let last = own[own.count / 2].sample
    let rate = task.frontEnd.sampleRateHz
    let range: Range<Int>
    if let window = task.windowSeconds {
      let length = Int(min(window, longestSeconds) * rate)
      range = max(0, last - length + 1)..<last + 1
    } else {
      let reach = Int(beatSeconds * rate)
      range = max(0, last - reach)..<min(signal.microvolts.count, last + reach)
    }
    let seconds = Double(range.count) / rate
    let start = Double(range.lowerBound) / rate
    let label = signal.stretches.first { $0.samples.contains(range.lowerBound) }?.label
    return ECGStrip(
      title: "\(signal.record), \(signal.lead), from \(Numbers.decimal(start, places: 1)) s on",
      explanation: label.map { "Labelled \($0)." } ?? "The beat is in the middle.",
      millivolts: signal.microvolts[range].map { Double($0) / 1000 }, sampleRateHz: rate, startSeconds: start,
      secondsPerRow: min(seconds, 10), decisions: [])
  }
}
