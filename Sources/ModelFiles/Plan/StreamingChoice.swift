import Networks
import QuantInfer

/// Which of a network's streaming plans is the least work.
///
/// Behind a stride along time, columns come at the stride's pace, and none of them may be the one that a beat's decision
/// wants. What lies behind the stride then runs at the decision, over the window in front of it. How much of what lies
/// before it takes columns is a matter of work: a column's work comes with every column, a window's with every decision,
/// and so does that of the columns that padding along time has a part in.
extension StreamingPlan {
  /// The decisions a second at which plans are compared, where nobody says: a heart at rest.
  package static let decisionsPerSecond = 70.0 / 60

  /// The plans that a mode leaves open: one, but for a network that pads along time, or one that decides at every column
  /// and has strides along time or a branch.
  ///
  /// - Throws: `InvalidNetwork` where the network can't stream so.
  static func all(
    _ network: QuantizedNetwork, frontEnd: FrontEndTables, mode: StreamingMode, tailMoves: Bool = false
  ) throws(InvalidNetwork) -> [StreamingPlan] {
    let longest = try StreamingPlan(network, frontEnd: frontEnd, mode: mode, tailMoves: tailMoves)
    guard longest.hasRivals else { return [longest] }
    var plans = [longest]
    for count in (0..<longest.rings.count - 1).reversed() {
      plans.append(
        try StreamingPlan(
          network, frontEnd: frontEnd, mode: mode, columnOperators: count, tailMoves: tailMoves))
    }
    return plans
  }
}

extension Model {
  /// The work of a streaming run, in steps a second: see `stepsPerDecision`.
  ///
  /// - Parameter decisionsPerSecond: How often it decides.
  /// - Returns: The steps; 0 where the network can't stream.
  func stepsPerSecond(decisionsPerSecond: Double) -> Double {
    guard let layout = streaming, let frontEnd else { return 0 }
    let columnsPerSecond = Double(frontEnd.sampleRateMillihertz) / 1000 / Double(frontEnd.hopSamples)
    var (columnsPerStep, edges) = (1, Edges.none)
    var steps = Double(frontEnd.stepsPerColumn * leadCount) * columnsPerSecond
    for index in 0..<operatorCount {
      let work = Double(self.steps(ofOperator: index, in: layout))
      if index < layout.tailStart {
        columnsPerStep *= operatorPlan(index).window?.time.stride ?? 1
        edges = self.edges(ofOperator: index, behind: edges)
        steps += work * columnsPerSecond / Double(columnsPerStep)
        steps += work * Double(edges.count) * decisionsPerSecond
      } else {
        steps += work * decisionsPerSecond
      }
    }
    return steps
  }
}
