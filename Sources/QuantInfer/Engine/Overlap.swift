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
    plan.kind?.visit(
      LeadVisitor(
        plan: plan, input: input, source: tensor(plan.inputIndex(input)), target: tensor(plan.outputIndex))
    ) ?? nil
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

/// Asks a kernel for the distance.
private struct LeadVisitor: KernelVisitor {
  let plan: OperatorPlan
  let input: Int
  let source: Tensor
  let target: Tensor

  @inline(__always)
  func visit<K: Kernel>(_ kernel: K.Type) throws(Never) -> Int? {
    K.lead(plan, input: input, source: source, target: target)
  }
}
