/// Runs operators over whole tensors in an arena.
@safe
struct OperatorRunner {
  let workspace: Workspace

  /// Runs an operator; `index` in `0 ..< operatorCount`.
  @inline(never)
  func run(_ index: Int) {
    let plan = workspace.model.operatorPlan(index)
    let input = workspace.operand(plan.inputIndex(0))
    let output = workspace.operand(plan.outputIndex)
    switch output.tensor.type {
    case .int8: compute(plan, input: input, output: output, as: Int8.self)
    case .int16 where Built.int16: compute(plan, input: input, output: output, as: Int16.self)
    case .int16: break
    }
  }

  /// Computes an output with codes of a type.
  func compute<Code: FixedWidthInteger & SignedInteger>(
    _ plan: OperatorPlan, input: Operand, output: Operand, as code: Code.Type
  ) {
    // Validation refuses operators that are not there.
    _ = plan.kind?.visit(
      Computation<Code>(plan: plan, input: input, output: output, workspace: workspace))
  }

  /// Lets a kernel compute.
  private struct Computation<Code: FixedWidthInteger & SignedInteger>: KernelVisitor {
    let plan: OperatorPlan
    let input: Operand
    let output: Operand
    let workspace: Workspace

    @inline(__always)
    func visit<K: Kernel>(_ kernel: K.Type) throws(Never) {
      // Where no whole tensors are, only columns are computed.
      guard Built.wholeWindow || K.traits.takesColumns else { return }
      K.compute(plan, input: input, output: output, in: workspace, as: Code.self)
    }
  }
}
