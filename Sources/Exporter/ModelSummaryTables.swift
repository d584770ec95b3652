import CommandSupport
import HostDevice
import Support

extension ModelSummary {
  /// An operator a row.
  var operatorTable: SummaryTable {
    var table = SummaryTable(
      columns: [
        "input", "output", "kernel", "scale", "zero", "weights", "MAC/window", "MAC/step",
      ],
      alignment: .right)
    table.add(
      frontEnd?.kind.rawValue ?? "input", "", .init(text(input.shape)), "", .init(text(input.scale)),
      "\(input.zeroPoint)")
    for operation in operations.operators {
      table.add(
        operation.name, .init(text(operation.inputShape)), .init(text(operation.outputShape)),
        .init(kernel(operation)), .init(text(operation.scale)), "\(operation.zeroPoint)",
        .init(Numbers.integer(operation.weightBytes)), .init(Numbers.integer(operation.macsPerWindow)),
        .init(operation.macsPerStep.map { Numbers.integer($0) } ?? "-"))
    }
    table.add(
      "all", "", "", "", "", "", .init(Numbers.integer(memory.weightBytes)),
      .init(Numbers.integer(operations.macsPerWindow)), .init(streamingWork))
    return table
  }

  /// What a streaming run works with each new column and each decision, beside the least that any exact run needs.
  var workTable: SummaryTable {
    var table = SummaryTable(columns: [])
    guard let needed = operations.neededMACsPerColumn, let executed = operations.executedMACsPerColumn,
      let decision = operations.decisionMACs
    else { return table }
    func macs(_ count: Double) -> String {
      count.rounded() == count ? Numbers.integer(Int(count)) : Numbers.decimal(count, places: 2)
    }
    table.add(
      "a column", .init("\(macs(executed)) MAC"),
      .init(
        "of which \(macs(needed)) any exact run needs"
          + (operations.columnWorkRatio.map { ": \(Numbers.decimal($0, places: 3)) times the minimum" } ?? "")
      ))
    table.add(
      "a decision", .init("\(Numbers.integer(decision.executed)) MAC"),
      .init("of which \(Numbers.integer(decision.needed)) are needed"))
    for sums in operations.operators.compactMap(\.runningSums) {
      let pace = sums.columnsPerUpdate == 1 ? "a column" : "every \(sums.columnsPerUpdate) columns"
      table.add(
        "running sums", .init("\(Numbers.integer(sums.count))"),
        .init(
          "\(Numbers.integer(sums.additionsPerUpdate)) additions \(pace) instead of "
            + "\(Numbers.integer(sums.additionsPerDecisionWithout)) a decision"))
    }
    return table
  }

  /// The bytes of flash and RAM.
  var memoryTable: SummaryTable {
    var table = SummaryTable(columns: [])
    table.add(
      "image", bytes(memory.modelBytes), .init("of which \(Numbers.integer(memory.weightBytes)) B of weights")
    )
    table.add(
      "code", bytes(memory.codeBytes.cortexM4),
      .init(
        "the runtime with these operators on a Cortex-M4; \(Numbers.integer(memory.codeBytes.cortexM0)) B on a "
          + "Cortex-M0"))
    table.add(
      "arena", bytes(memory.arenaBytes),
      .init(
        "a whole window; alive at once \(Numbers.integer(memory.liveBytes)) B, with sharing at least "
          + "\(Numbers.integer(memory.arenaLowerBoundBytes)) B"))
    table.add(
      "scratch", bytes(memory.scratchBytes),
      .init(
        "beside the arena, while operators run"
          + (memory.streamingScratchBytes.map { "; \(Numbers.integer($0)) B beside the state" } ?? "")))
    if memory.stateBytes > 0 {
      let rings = operations.operators.compactMap(\.ringBytes).map { Numbers.integer($0) }.joined(
        separator: " + ")
      let sums = operations.operators.compactMap(\.runningSums).first.map {
        "; \(Numbers.integer($0.count)) running sums of 2 x 4 B"
      }
      table.add("state", bytes(memory.stateBytes), .init("streaming, rings of \(rings) B\(sums ?? "")"))
    } else {
      table.add("state", "-", "this network can't stream")
    }
    return table
  }

  /// A tensor of the arena a row.
  var arenaTable: SummaryTable {
    var table = SummaryTable(columns: ["shape", "first byte", "bytes", "operators"], alignment: .right)
    for placement in memory.arena {
      let first = placement.operators[0] < 0 ? "input" : "\(placement.operators[0])"
      table.add(
        "tensor \(placement.tensor)", .init(text(placement.shape)), .init(Numbers.integer(placement.offset)),
        .init(Numbers.integer(placement.bytes)), .init("\(first) to \(placement.operators[1])"))
    }
    return table
  }

  /// Front end, classes and provenance.
  var identityTable: SummaryTable {
    var table = SummaryTable(columns: [])
    if let frontEnd {
      let rate = Numbers.decimal(
        frontEnd.sampleRateHz, places: frontEnd.sampleRateHz.rounded() == frontEnd.sampleRateHz ? 0 : 3)
      table.add(
        "samples",
        .init("\(rate) Hz, \(Numbers.decimal(frontEnd.microvoltsPerCount, places: 4)) uV a count"))
      switch frontEnd.kind {
      case .samples:
        table.add(
          "columns",
          .init(
            "raw samples, "
              + (frontEnd.highPassShift > 0
                ? "high-pass filtered (shift \(frontEnd.highPassShift))" : "not filtered")))
      case .spectrogram:
        let binHz = frontEnd.sampleRateHz / Double(frontEnd.windowSamples)
        table.add(
          "spectrogram",
          .init(
            "\(frontEnd.windowSamples) samples every \(frontEnd.hopSamples), \(frontEnd.bins) bins of "
              + "\(Numbers.decimal(binHz, places: 2)) Hz from bin \(frontEnd.firstBin) on"))
      }
    }
    table.add("classes", .init(classNames.joined(separator: ", ")))
    for (key, value) in provenance.sorted(by: { $0.key < $1.key }) { table.add(key, .init(value)) }
    table.add("checksum", .init("\(checksum) (CRC-32), format \(formatVersion)"))
    return table
  }

  /// The work of a new column and of a decision.
  private var streamingWork: String {
    guard let column = operations.macsPerColumn, let decision = operations.macsPerDecision else { return "-" }
    return "\(Numbers.integer(column)) + \(Numbers.integer(decision))"
  }

  private func text(_ shape: [Int]) -> String { shape.map(String.init).joined(separator: "x") }

  private func text(_ scale: Double) -> String { Numbers.decimal(scale, places: 6) }

  private func bytes(_ count: Int) -> SummaryTable.Cell { .init("\(Numbers.integer(count)) B") }

  private func kernel(_ operation: Operator) -> String {
    let taps = text(operation.kernel)
    return operation.dilation.allSatisfy { $0 == 1 } ? taps : "\(taps) by \(text(operation.dilation))"
  }
}
