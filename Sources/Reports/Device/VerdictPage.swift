import Drawing
import HostDevice
import Support

extension ModelVerdicts {
  /// The verdicts as one self-contained page: devices beside each other, what would make each pass, and how it comes about.
  ///
  /// - Parameter command: The command that made it, for its provenance.
  /// - Returns: The page's HTML.
  package func page(command: String = "") -> String {
    Page(
      title: "\(model) on \(devices.count) device\(devices.count == 1 ? "" : "s")", subtitle: headline,
      verdict: sentence, outcome: carriers.isEmpty ? .fail : carriers.count == devices.count ? .pass : nil,
      sections: [
        Section("Devices by requirement", [requirementTable, Paragraph(Self.definitions)]),
        Section("What would make it pass", adviceParts),
      ]
        + devices.flatMap { device in
          device.verdict.pageSections(device.profile).map { section in
            Section("\(device.verdict.profile): \(section.title)", section.components)
          }
        } + [
          Section(
            "Provenance",
            [
              Facts(
                [("Model", "\(model), CRC-32 \(modelChecksum)"), ("Version", Release.version)]
                  + (command.isEmpty ? [] : [("Command", command)]))
            ])
        ], footer: Release.footer()
    ).render()
  }

  private static let definitions =
    "Each figure is the unfavourable end of an estimate from the model's counts and the profile's figures, beside its budget; "
    + "nothing was measured on a device. Of a device's ways to run the network the one that fails least is shown."

  /// Where the network can run, and what stands against the rest.
  package var sentence: String {
    let others = devices.filter { !$0.verdict.passes }.map { device in
      let failing = device.verdict.best.failing.map(\.name).withoutRepeats.map(\.words)
      return "\(device.verdict.profile) (\(failing.joined(separator: ", ")))"
    }
    let passing =
      carriers.isEmpty
      ? "By estimate no device carries the network"
      : "By estimate it runs on \(carriers.joined(separator: ", "))"
    return passing
      + (others.isEmpty ? "." : "\(carriers.isEmpty ? ":" : "; not on") \(others.joined(separator: ", ")).")
  }

  private var carriers: [String] { devices.filter(\.verdict.passes).map(\.verdict.profile) }

  private var requirementTable: Table {
    let names = Feasibility.Criterion.Name.allCases.filter { name in
      // Charge a decision is the average current in another unit.
      name != .chargePerDecision && devices.contains { $0.verdict.best.criterion(name) != nil }
    }
    return Table(
      caption: "At most, and in brackets what the device allows",
      columns: [.text("device"), .text("way to run")] + names.map { .number($0.words) },
      rows: devices.map { device in
        [
          Table.Cell(device.verdict.profile, outcome: device.verdict.passes ? .pass : .fail),
          Table.Cell(device.verdict.best.mode.words),
        ]
          + names.map { name in
            guard let criterion = device.verdict.best.criterion(name) else { return Table.Cell("-") }
            let budget = criterion.budget.map(criterion.text) ?? "no limit"
            return Table.Cell(
              "\(criterion.text(criterion.estimate.high)) (\(budget))", outcome: criterion.outcome)
          }
      })
  }

  private var adviceParts: [any Component] {
    let rows = devices.flatMap { device in
      device.verdict.modes.flatMap { judgement in
        judgement.suggestions.map { suggestion in
          [
            device.verdict.profile, judgement.mode.words, suggestion.sentence,
            suggestion.change.costInAccuracy,
          ].map {
            Table.Cell($0)
          }
        }
      }
    }
    guard !rows.isEmpty else { return [Paragraph("Nothing fails, so nothing has to change.")] }
    return [
      Table(
        caption: "Each line alone makes what stands in its brackets pass, by the same arithmetic",
        columns: [
          .text("device"), .text("running"), .text("would pass with"), .text("in accuracy it costs"),
        ],
        rows: rows)
    ]
  }
}

extension Feasibility.Suggestion.Change {
  /// What a change costs in accuracy, as far as that is known.
  fileprivate var costInAccuracy: String {
    switch self {
    case .streaming, .wholeWindow: "nothing: both ways give the same bits"
    case .slowerDecisions: "nothing a decision; what comes between decisions goes undecided"
    case .fewerAskedBeats: "what `exporter evaluate` tells of a model that is asked less often"
    case .smallerModel:
      "unknown until such a network is trained and scored (`exporter train`, `exporter evaluate`)"
    case .smallerImage: "see `exporter report` for int4 weights; else unknown until such a network is trained"
    case .fasterClock, .frugalProcessor, .largerMemory: "nothing"
    }
  }
}
