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
    var asked = [
      Feasibility.Work(
        "instructions of a beat that the network is asked about", BeatInstructions.perAskedBeat, instruction)
    ]
    // What a call of an operator takes is counted with the beat's instructions.
    asked += network.decisionWork(.wholeWindow, on: processor).filter { $0.item != NetworkCounts.callItem }
    for index in asked.indices { asked[index].share = schedule.networkShare }
    var teaching = Feasibility.Work(
      "instructions of a beat that teaches the template", BeatInstructions.perTeaching, instruction)
    teaching.share = (1 - (schedule.networkShare ?? 1)) / Double(max(1, frontEnd.teachEvery))
    let decision =
      [Feasibility.Work("instructions of a beat", BeatInstructions.perBeat, instruction), teaching] + asked
    return [
      task("column", frontEnd.columnsPerSecond, block),
      task("decision", schedule.decisionsPerSecond, decision),
    ]
  }
}
