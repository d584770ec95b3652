import QuantInfer

extension Model {
  /// The edges of the outputs of the operators that take columns.
  func edges(_ streaming: StreamingLayout) -> [Edges] {
    (0..<streaming.tailStart).reduce(into: []) { edges, index in
      edges.append(self.edges(ofOperator: index, behind: edges.last ?? .none))
    }
  }

  /// The multiply-accumulates of the columns at the window's ends.
  func edgeMACs(_ streaming: StreamingLayout) -> [ModelSummary.StepMACs] {
    edges(streaming).enumerated().flatMap { index, edges in
      let plan = operatorPlan(index)
      let (input, output) = (tensor(plan.inputIndex(0)), tensor(plan.outputIndex))
      return [0..<edges.before, output.timeCount - edges.after..<output.timeCount].map {
        plan.macs(input: input, output: output, columns: $0)
      }
    }
  }
}

extension OperatorPlan {
  /// The multiply-accumulates of some columns of the output.
  func macs(input: Tensor, output: Tensor, columns: Range<Int>) -> ModelSummary.StepMACs {
    func filled(_ count: Int) -> Int { (count + 3) / 4 * 4 }
    if gates != nil {
      let units = output.channelCount
      let steps = output.count / units
      let inputs = input.count / steps
      return ModelSummary.StepMACs(
        needed: 4 * output.count * (inputs + units),
        executed: 4 * output.count * (filled(inputs) + filled(units)))
    }
    guard let weights else { return ModelSummary.StepMACs(needed: 0, executed: 0) }
    let batches = input.batchCount
    guard let window else {
      let rows = output.count / output.channelCount
      let inputs = input.count / rows
      return ModelSummary.StepMACs(
        needed: rows * inputs * output.channelCount,
        executed: rows * filled(inputs) * filled(output.channelCount))
    }
    let cells = batches * columns.count * output.frequencyCount
    let inputs = window.time.kernel * window.frequency.kernel * weights.groupChannelCount
    let groups = weights.layout == .blocks ? input.channelCount / weights.groupChannelCount : 1
    let executed =
      weights.layout == .blocks
      ? cells * groups * filled(inputs) * filled(output.channelCount / groups)
      : cells * window.time.kernel * window.frequency.kernel * output.channelCount
    let taps =
      window.time.tapsOnInputs(outputs: columns, inputs: input.timeCount)
      * window.frequency.tapsOnInputs(outputs: 0..<output.frequencyCount, inputs: input.frequencyCount)
    let inputChannels = weights.layout == .blocks ? weights.groupChannelCount : 1
    return ModelSummary.StepMACs(
      needed: batches * taps * inputChannels * output.channelCount, executed: executed)
  }
}

extension WindowStep {
  /// How many taps of some outputs lie on inputs rather than in the padding.
  ///
  /// - Complexity: O(taps).
  fileprivate func tapsOnInputs(outputs: Range<Int>, inputs: Int) -> Int {
    (0..<kernel).reduce(0) { sum, tap in
      // The outputs whose tap lies on an input: 0 <= output * stride - offset < inputs.
      let offset = paddingBefore - tap * dilation
      let first = max(outputs.lowerBound, offset <= 0 ? 0 : (offset + stride - 1) / stride)
      let end = inputs + offset <= 0 ? 0 : min(outputs.upperBound, (inputs + offset - 1) / stride + 1)
      return sum + max(0, end - first)
    }
  }
}
