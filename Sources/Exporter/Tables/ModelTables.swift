import CommandSupport
import HostDevice
import Support
import Tasks

extension ModelSummary {
  /// An operator a row.
  var operatorTable: SummaryTable {
    var table = SummaryTable(
      columns: ["input", "output", "kernel", "scale", "zero", "weights", "MAC/window", "MAC/step"],
      alignment: .right)
    for input in [input] + moreInputs {
      table.add(
        frontEnd?.kind.rawValue ?? "input", "", text(input.shape), "", text(input.scale), "\(input.zeroPoint)"
      )
    }
    for operation in operations.operators {
      table.add(
        operation.name, text(operation.inputShape), text(operation.outputShape), kernel(operation),
        text(operation.scale), "\(operation.zeroPoint)", Numbers.integer(operation.weightBytes),
        Numbers.integer(operation.macsPerWindow), operation.macsPerStep.map { Numbers.integer($0) } ?? "-")
    }
    table.add(
      "all", "", "", "", "", "", Numbers.integer(operations.operators.reduce(0) { $0 + $1.weightBytes }),
      Numbers.integer(operations.macsPerWindow), streamingWork)
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
      "a column", "\(macs(executed)) MAC",
      "of which \(macs(needed)) any exact run needs"
        + (operations.columnWorkRatio.map { ": \(Numbers.decimal($0, places: 3)) times the minimum" } ?? ""))
    table.add(
      "a decision", "\(Numbers.integer(decision.executed)) MAC",
      "of which \(Numbers.integer(decision.needed)) are needed")
    let edges = operations.operators.filter { $0.edgeColumns ?? 0 > 0 }
    if !edges.isEmpty {
      let counts = edges.map { "\($0.edgeColumns ?? 0) of \($0.outputShape[1])" }.joined(separator: ", ")
      table.add(
        "padding", "\(counts) columns",
        "of the \(edges.count == 1 ? "operator" : "operators") that pad, or follow one, along time are computed anew "
          + "at a decision; the others stream")
    }
    for sums in operations.operators.compactMap(\.runningSums) {
      let pace = sums.columnsPerUpdate == 1 ? "a column" : "every \(sums.columnsPerUpdate) columns"
      table.add(
        "running sums", "\(Numbers.integer(sums.count))",
        "\(Numbers.integer(sums.additionsPerUpdate)) additions \(pace) instead of "
          + "\(Numbers.integer(sums.additionsPerDecisionWithout)) a decision")
    }
    return table
  }

  /// The bytes of flash and RAM.
  var memoryTable: SummaryTable {
    var table = SummaryTable(columns: [])
    table.add(
      "image", bytes(memory.modelBytes), "of which \(Numbers.integer(memory.weightBytes)) B of weights")
    table.add(
      "code", bytes(memory.codeBytes.cortexM4),
      "the runtime with these operators on a Cortex-M4; \(Numbers.integer(memory.codeBytes.cortexM0)) B on a "
        + "Cortex-M0")
    table.add(
      "arena", bytes(memory.arenaBytes),
      "a whole window; alive at once \(Numbers.integer(memory.liveBytes)) B, with sharing at least "
        + "\(Numbers.integer(memory.arenaLowerBoundBytes)) B")
    table.add(
      "scratch", bytes(memory.scratchBytes),
      "beside the arena, while operators run"
        + (memory.streamingScratchBytes.map { "; \(Numbers.integer($0)) B beside the state" } ?? ""))
    if memory.stateBytes > 0 {
      let rings = operations.operators.compactMap(\.ringBytes).map { Numbers.integer($0) }.joined(
        separator: " + ")
      let sums = operations.operators.compactMap(\.runningSums).first.map {
        "; \(Numbers.integer($0.count)) running sums of 2 x 4 B"
      }
      let beats = beatNetwork.map { ", \(Numbers.integer($0.stateBytes)) B of the network of beats" } ?? ""
      let what =
        rings.isEmpty ? "samples, the patient's usual beat and the intervals" : "rings of \(rings) B" + beats
      table.add("state", bytes(memory.stateBytes), "streaming, \(what)\(sums ?? "")")
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
        "tensor \(placement.tensor)", text(placement.shape), Numbers.integer(placement.offset),
        Numbers.integer(placement.bytes), "\(first) to \(placement.operators[1])")
    }
    return table
  }

  private static func words(_ beats: BeatSettings) -> String {
    "\(beats.pointCount) points about a beat, the same less the patient's usual beat, "
      + "\(BeatSettings.figureCount) figures of its intervals; "
      + (beats.knownDistance > 0
        ? "within \(Numbers.percent(beats.knownDistance)) of the usual beat, and in time, it is known without the network"
        : "the network runs at every beat")
  }

  /// Front end, classes and provenance.
  var identityTable: SummaryTable {
    var table = SummaryTable(columns: [])
    if let frontEnd {
      let rate = Numbers.decimal(
        frontEnd.sampleRateHz, places: frontEnd.sampleRateHz.rounded() == frontEnd.sampleRateHz ? 0 : 3)
      table.add(
        "samples", "\(rate) Hz, \(Numbers.decimal(frontEnd.microvoltsPerCount, places: 4)) uV a count")
      switch frontEnd.kind {
      case .samples:
        table.add(
          "columns",
          "raw samples, "
            + (frontEnd.highPassShift > 0
              ? "high-pass filtered (shift \(frontEnd.highPassShift))" : "not filtered"))
      case .beats:
        table.add("beats", frontEnd.beats.map(Self.words) ?? "")
      case .spectrogram:
        let binHz = frontEnd.sampleRateHz / Double(frontEnd.windowSamples)
        table.add(
          "spectrogram",
          "\(frontEnd.windowSamples) samples every \(frontEnd.hopSamples), \(frontEnd.bins) bins of "
            + "\(Numbers.decimal(binHz, places: 2)) Hz from bin \(frontEnd.firstBin) on")
      }
      if let beatNetwork {
        table.add(
          "beside it",
          "a network of beats, whose logits are added: \(Self.words(beatNetwork.beats)); "
            + "\(Numbers.integer(beatNetwork.weightBytes)) B of weights, "
            + "\(Numbers.integer(beatNetwork.macsPerDecision)) MAC a decision, "
            + "\(Numbers.integer(beatNetwork.stateBytes)) B of state")
      }
      if let delay = decisionDelay {
        table.add("decision", "\(delay.text) after its beat")
      } else if let columns = operations.columnsPerDecision {
        table.add(
          "decision", "by the clock alone: every \(Numbers.integer(columns)) columns, or a multiple of them")
      }
    }
    table.add("classes", classNames.joined(separator: ", "))
    for (key, value) in provenance.sorted(by: { $0.key < $1.key }) { table.add(key, value) }
    table.add("checksum", "\(checksum) (CRC-32), format \(formatVersion)")
    table.add(
      "digest",
      "\(digest) (SHA-256 of all but itself and a signature, which the image holds and patches name)")
    return table
  }

  /// The work of a new column and of a decision.
  private var streamingWork: String {
    guard let column = operations.macsPerColumn, let decision = operations.macsPerDecision else { return "-" }
    if let beatNetwork {
      // The rows above are those of the network of columns.
      let own = decision - beatNetwork.macsPerDecision
      return "\(Numbers.integer(column)) + \(Numbers.integer(own))"
    }
    return "\(Numbers.integer(column)) + \(Numbers.integer(decision))"
  }

  private func text(_ shape: [Int]) -> String { shape.map(String.init).joined(separator: "x") }

  private func text(_ scale: Double) -> String { Numbers.decimal(scale, places: 6) }

  private func bytes(_ count: Int) -> String { "\(Numbers.integer(count)) B" }

  private func kernel(_ operation: Operator) -> String {
    let taps = text(operation.kernel)
    return operation.dilation.allSatisfy { $0 == 1 } ? taps : "\(taps) by \(text(operation.dilation))"
  }
}
