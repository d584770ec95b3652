extension Model {
  /// How many bytes an operator's output must lie before one of its inputs where the two share memory; nil where
  /// they must not.
  ///
  /// Kernels that go through their output in order, and need an input no more once they are past it, let the output
  /// follow on the heels of the input. The exporter plans with the same function.
  ///
  /// - Parameters:
  ///   - plan: The operator.
  ///   - input: Which of its inputs.
  /// - Returns: The distance; it may be negative.
  /// - Complexity: O(cells) for operators with windows, otherwise O(1).
  public func lead(_ plan: OperatorPlan, input: Int) -> Int? {
    let source = tensor(plan.inputIndex(input))
    let target = tensor(plan.outputIndex)
    switch plan.kind {
    case .convolution, .depthwiseConvolution:
      let weights = Weights(plan)
      let isGathered = weights.layout == .blocks
      if isGathered && weights.groupChannelCount != source.channelCount { return nil }
      return Window(plan.image, at: plan.parameters)
        .lead(input: source, output: target, gathersFirst: isGathered)
    case .averagePool, .maximumPool:
      return Window(plan.image, at: plan.parameters)
        .lead(input: source, output: target, gathersFirst: false)
    case .fullyConnected: return FullyConnected.lead(input: source, output: target)
    case .add, .subtract, .multiply, .maximum, .minimum:
      return Elementwise.isInOrder(plan, input: input) ? 0 : nil
    case .logistic, .tanh, .relu, .relu6, .leakyRelu, .quantize:
      return Functions.lead(input: source, output: target)
    case .reshape: return 0
    case .softmax: return source.type == target.type ? 0 : nil
    case .concatenation, .pad, .transpose, .mean, .stridedSlice, .svdf, nil: return nil
    }
  }

  /// Whether an operator's output lies where it destroys none of its inputs too early.
  func isOutputSafe(_ plan: OperatorPlan) -> Bool {
    let target = tensor(plan.outputIndex)
    let written = target.byteOffset..<target.byteOffset + target.byteCount
    for input in 0..<plan.inputCount {
      let source = tensor(plan.inputIndex(input))
      guard source.storage != .constant,
        written.overlaps(source.byteOffset..<source.byteOffset + source.byteCount)
      else { continue }
      guard let lead = lead(plan, input: input), source.byteOffset - target.byteOffset >= lead,
        source.storage == .computed
      else { return false }
    }
    return true
  }
}
