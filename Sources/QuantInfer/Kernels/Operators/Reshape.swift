/// RESHAPE: the same codes in another shape.
enum Reshape: Kernel {
  @inline(__always)
  static var traits: KernelTraits { KernelTraits(isBuilt: true, parameterByteCount: 0) }

  static func validate(
    _ plan: OperatorPlan, input: Tensor, output: Tensor, of model: Model, at place: Int
  ) throws(ModelError) {
    guard input.type == output.type, input.count == output.count else {
      throw ModelError(.invalidOperator, at: place)
    }
  }

  static func lead(_ plan: OperatorPlan, input: Int, source: Tensor, target: Tensor) -> Int? { 0 }

  static func compute<Code: FixedWidthInteger & SignedInteger>(
    _ plan: OperatorPlan, input: Operand, output: Operand, in workspace: Workspace, as code: Code.Type
  ) {
    let from = unsafe input.codes(as: Code.self)
    unsafe output.codes(as: Code.self).update(from: from, count: output.tensor.count)
  }
}
