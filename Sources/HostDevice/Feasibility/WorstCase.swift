import ModelFiles
import Support

extension Feasibility {
  /// The most that one sample can set off: its column where all strides fall due, and a decision; every figure of the
  /// profile at its unfavourable end.
  ///
  /// It counts all of the runtime's steps, those that gather inputs, fill up blocks and copy rings too, so that it bounds
  /// what an image can take that was not made by this program.
  package struct WorstCase: Encodable, Equatable, Sendable {
    /// The cycles.
    package var cycles: Double
    /// The time, at the slowest clock.
    package var milliseconds: Double
    /// The operator that takes most: its place, and what it computes.
    package var operatorIndex: Int
    package var operatorName: String
    /// Its part of the cycles, 0 to 1.
    package var operatorShare: Double

    init(_ network: NetworkCounts, on processor: DeviceProfile.Processor, mode: Mode, tasks: [Task]) {
      let costs = network.summary.operations.operators.map { Self.cycles(of: $0, on: processor, mode: mode) }
      // What is not the network's has no part that a smaller one would lack.
      let rest = tasks.flatMap(\.work).filter { !$0.isNetwork }.reduce(0) { $0 + $1.cycles.high }
      cycles = costs.reduce(rest, +)
      milliseconds = cycles / (processor.clockMegahertz.estimate.low * 1000)
      operatorIndex = costs.indices.max { costs[$0] < costs[$1] } ?? 0
      operatorName = network.summary.operations.operators[operatorIndex].name
      operatorShare = cycles > 0 ? costs[operatorIndex] / cycles : 0
    }

    private static func cycles(
      of layer: ModelSummary.Operator, on processor: DeviceProfile.Processor, mode: Mode
    ) -> Double {
      let isColumn = mode == .streaming && layer.columnsPerStep != nil
      // The newest column, and those at the window's ends.
      let columns = isColumn ? 1 + (layer.edgeColumns ?? 0) : 1
      let steps = Double(columns * (mode == .streaming ? layer.workPerStep : layer.workPerWindow))
      let call = Double(columns) * processor.cyclesPerCall.estimate.high
      guard layer.macsPerWindow > 0 else { return steps * processor.cyclesPerElement.estimate.high + call }
      let product =
        switch layer.name {
        case "CONV_2D": processor.cyclesPerMAC.convolution
        case "DEPTHWISE_CONV_2D": processor.cyclesPerMAC.depthwise
        default: processor.cyclesPerMAC.fullyConnected
        }
      let outputs = columns * layer.outputShape.reduce(1, *) / (isColumn ? layer.outputShape[1] : 1)
      return steps * product.estimate.high + Double(outputs) * processor.cyclesPerOutput.estimate.high + call
    }

    /// The case in words.
    package var text: String {
      "at worst \(Estimate.significant(milliseconds)) ms from one sample to the next, "
        + "\(Numbers.percent(operatorShare, places: 0)) of it for operator \(operatorIndex), \(operatorName)"
    }
  }
}
