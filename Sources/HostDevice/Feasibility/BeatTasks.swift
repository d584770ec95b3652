extension Feasibility.Judgement {
  /// The tasks where beats are the input: a block of samples, and a decision, for which the network is asked now and then.
  static func beatTasks(
    _ network: NetworkCounts, _ processor: DeviceProfile.Processor, _ schedule: Feasibility.Schedule,
    _ frontEnd: NetworkCounts.FrontEnd,
    _ task: (String, Double, [Feasibility.Work]) -> Feasibility.Task
  ) -> [Feasibility.Task] {
    func work(
      _ item: String, _ cost: BeatCosts, times count: Int = 1, share: Double? = nil, isNetwork: Bool = false
    ) -> Feasibility.Work {
      cost.work(item, times: count, share: share, isNetwork: isNetwork, on: processor)
    }
    let hop = frontEnd.hopSamples
    var block = [
      Feasibility.Work(
        "waking up for a block of \(hop) samples", 1,
        processor.cyclesPerWake ?? DeviceProfile.Processor.usualCyclesPerWake),
      work("a block", .block), work("its samples", .sample, times: hop),
    ]
    if schedule.findsBeats {
      block.append(Feasibility.Work("samples of the beat detector", hop, processor.cyclesPerDetectorSample))
    }
    let share = schedule.networkShare
    let decision = [
      work("a beat", .beat),
      work(
        "a beat that teaches the template", .teaching,
        share: (1 - (share ?? 1)) / Double(max(1, frontEnd.teachEvery))),
      work("a beat that the network is asked about", .asked, share: share),
      work(
        "its multiplications", .product, times: network.productsPerDecision, share: share, isNetwork: true),
    ]
    return [
      task("column", frontEnd.columnsPerSecond, block),
      task("decision", schedule.decisionsPerSecond, decision),
    ]
  }
}

extension ModelSummary.BeatNetwork {
  /// What it takes beside a network of columns: of a column, whose samples it keeps, and of a decision, at which it is asked.
  func work(
    hopSamples: Int, on processor: DeviceProfile.Processor
  ) -> (column: [Feasibility.Work], decision: [Feasibility.Work]) {
    func work(
      _ item: String, _ cost: BeatCosts, times count: Int = 1, isNetwork: Bool = false
    ) -> Feasibility.Work {
      cost.work(item, times: count, isNetwork: isNetwork, on: processor)
    }
    return (
      [work("samples that the network of beats keeps", .sample, times: hopSamples)],
      [
        work("a beat of the network of beats", .beat),
        work("its points, template and intervals", .asked),
        work("multiplications of the network of beats", .product, times: macsPerDecision, isNetwork: true),
      ]
    )
  }
}

extension BeatCosts {
  /// So many of a part: by its cycles, or by its instructions where the profile has what one of these takes.
  fileprivate func work(
    _ item: String, times count: Int = 1, share: Double? = nil, isNetwork: Bool = false,
    on processor: DeviceProfile.Processor
  ) -> Feasibility.Work {
    var figure = cycles
    if let instruction = processor.cyclesPerInstruction {
      figure.value = instructions * instruction.value
      figure.low = instruction.low.map { instructions * $0 }
      figure.high = instruction.high.map { instructions * $0 }
    }
    var work = Feasibility.Work(item, count, figure, isNetwork: isNetwork)
    work.share = share
    return work
  }
}
