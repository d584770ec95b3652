extension Model {
  /// Where an operator's packed weights lie in the image, in bytes; nil for operators other than CONV_2D,
  /// DEPTHWISE_CONV_2D, FULLY_CONNECTED and UNIDIRECTIONAL_SEQUENCE_LSTM.
  ///
  /// Weights that only fill up a block are among them.
  public func weightBytes(ofOperator index: Int) -> Range<Int>? {
    let plan = operatorPlan(index)
    if plan.gates != nil { return gateBytes(plan) }
    guard let weights = plan.weights, let window = plan.window ?? fullyConnectedWindow(plan) else {
      return nil
    }
    let input = tensor(plan.inputIndex(0))
    let output = tensor(plan.outputIndex)
    let start = Int(
      truncatingIfNeeded: image.signedWord(at: plan.parameters &+ ModelFormat.Weights.weights))
    let count: Int
    if weights.layout == .taps {
      count = window.time.kernel &* window.frequency.kernel &* output.channelCount
    } else {
      let isDense = plan.kind == .fullyConnected
      let groups = isDense ? 1 : input.channelCount / weights.groupChannelCount
      let inputsPerOutput =
        isDense
        ? input.count / (output.count / output.channelCount)
        : window.inputsPerOutput(groupChannelCount: weights.groupChannelCount)
      let blocks = groups &* ((output.channelCount / groups &+ 3) / 4)
      count = 16 &* blocks &* Weights.quads(inputsPerOutput)
    }
    return unsafe Range(
      uncheckedBounds: (start, start &+ (weights.weightBits == 8 ? count : count / 2 &+ count % 2)))
  }

  /// Where an LSTM's weights lie, those of inputs and behind them those of a recurrence; nil where they lie elsewhere.
  private func gateBytes(_ plan: OperatorPlan) -> Range<Int>? {
    let (input, output) = (tensor(plan.inputIndex(0)), tensor(plan.outputIndex))
    let units = output.channelCount
    let (start, middle) = (
      image.number(at: plan.parameters &+ ModelFormat.Weights.weights),
      image.number(at: plan.parameters &+ ModelFormat.LSTM.recurrence &+ ModelFormat.Weights.weights)
    )
    guard middle &- start == 16 &* units &* Weights.quads(input.count / (output.count / units)) else {
      return nil
    }
    return unsafe Range(uncheckedBounds: (start, middle &+ 16 &* units &* Weights.quads(units)))
  }

  /// A fully connected operator's constants begin with a window too.
  private func fullyConnectedWindow(_ plan: OperatorPlan) -> Window? {
    plan.kind == .fullyConnected ? Window(plan.image, at: plan.parameters) : nil
  }
}
