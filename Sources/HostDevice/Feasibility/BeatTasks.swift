extension Feasibility.Judgement {
  /// The tasks where beats are the input: a block of samples, and a decision, for which the network is asked now and then.
  static func beatTasks(
    _ network: NetworkCounts, _ processor: DeviceProfile.Processor, _ schedule: Feasibility.Schedule,
    _ frontEnd: NetworkCounts.FrontEnd,
    _ task: (String, Double, [Feasibility.Work]) -> Feasibility.Task
  ) -> [Feasibility.Task] {
    /// So many of a part: by its cycles, or by its instructions where the profile has what one of these takes.
    func work(
      _ item: String, _ cost: BeatCosts, times count: Int = 1, share: Double? = nil, isNetwork: Bool = false
    ) -> Feasibility.Work {
      var figure = cost.cycles
      if let instruction = processor.cyclesPerInstruction {
        figure.value = cost.instructions * instruction.value
        figure.low = instruction.low.map { cost.instructions * $0 }
        figure.high = instruction.high.map { cost.instructions * $0 }
      }
      var work = Feasibility.Work(item, count, figure, isNetwork: isNetwork)
      work.share = share
      return work
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
