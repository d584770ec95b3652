extension Feasibility.Judgement {
  /// The tasks where beats are the input: a block of samples, and a decision, for which the network is asked now and then.
  static func beatTasks(
    _ network: NetworkCounts, _ processor: DeviceProfile.Processor, _ schedule: Feasibility.Schedule,
    _ frontEnd: NetworkCounts.FrontEnd,
    _ task: (String, Double, [Feasibility.Work]) -> Feasibility.Task
  ) -> [Feasibility.Task] {
    let instruction = processor.cyclesPerInstruction ?? DeviceProfile.Processor.usualCyclesPerInstruction
    let wake = processor.cyclesPerWake ?? DeviceProfile.Processor.usualCyclesPerWake
    let hop = frontEnd.hopSamples
    var block = [
      Feasibility.Work("waking up for a block of \(hop) samples", 1, wake),
      Feasibility.Work(
        "instructions of a block", hop * BeatInstructions.perSample + BeatInstructions.perBlock, instruction),
    ]
    if schedule.findsBeats {
      block.append(Feasibility.Work("samples of the beat detector", hop, processor.cyclesPerDetectorSample))
    }
    // Rounded so that it is no less often.
    let every = max(1, Int(1 / max(1e-6, schedule.networkShare ?? 1)))
    var decision = [
      Feasibility.Work("instructions of a beat", BeatInstructions.perBeat, instruction),
      Feasibility.Work(
        "instructions of a beat that the network is asked about", BeatInstructions.perAskedBeat, instruction,
        every: every),
    ]
    decision += network.decisionWork(.wholeWindow, on: processor).map {
      var work = $0
      work.every = every
      return work
    }
    return [
      task("column", frontEnd.columnsPerSecond, block),
      task("decision", schedule.decisionsPerSecond, decision),
    ]
  }
}
