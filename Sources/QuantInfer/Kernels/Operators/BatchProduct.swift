/// BATCH_MATMUL: products of two computed matrices, either of which may be transposed or repeat along batches.
enum BatchProduct: Kernel {
  private typealias Field = ModelFormat.BatchProduct

  @inline(__always)
  static var traits: KernelTraits {
    KernelTraits(isBuilt: Built.elementwise, parameterByteCount: Field.byteCount)
  }

  static func takesInputs(of plan: OperatorPlan) -> Bool { plan.inputCount == 2 }

  /// Checks the constants against the tensors.
  static func validate(
    _ plan: OperatorPlan, input first: Tensor, output: Tensor, of model: Model, at place: Int
  ) throws(ModelError) {
    let second = model.tensor(plan.inputIndex(1))
    let (image, parameters) = (plan.image, plan.parameters)
    let shape = Dimensions(image, at: parameters + Field.shape)
    let depth = Dimensions(image, at: parameters + Field.depth)
    guard first.type == output.type, second.type == output.type, shape.count == output.count,
      depth.count == depth.last,
      shape.spansAtMost(
        Strides(image, at: parameters + Field.firstStrides), and: depth,
        Strides(image, at: parameters + Field.firstDepthStrides), in: first.count),
      shape.spansAtMost(
        Strides(image, at: parameters + Field.secondStrides), and: depth,
        Strides(image, at: parameters + Field.secondDepthStrides), in: second.count)
    else { throw ModelError(.invalidOperator, at: parameters) }
    let multiplier = try image.validMultiplier(at: parameters + Field.multiplier)
    guard output.type == .int8 || multiplier.leftShift < 15 else {
      throw ModelError(.invalidMultiplier, at: parameters + Field.multiplier)
    }
  }

  /// Computes all of the output: sums of 32 bits for int8, of 64 for int16.
  static func compute<Code: FixedWidthInteger & SignedInteger>(
    _ plan: OperatorPlan, input first: Operand, output: Operand, in workspace: Workspace, as code: Code.Type
  ) {
    if Code.self == Int8.self {
      multiply(plan, first, output, in: workspace, as: Code.self, sum: Int32.self)
    } else {
      multiply(plan, first, output, in: workspace, as: Code.self, sum: Int64.self)
    }
  }

  @inline(__always)
  private static func multiply<Code: FixedWidthInteger & SignedInteger, Total: Sum>(
    _ plan: OperatorPlan, _ first: Operand, _ output: Operand, in workspace: Workspace, as code: Code.Type,
    sum: Total.Type
  ) {
    let second = workspace.operand(plan.inputIndex(1))
    let (image, parameters) = (plan.image, plan.parameters)
    let shape = Dimensions(image, at: parameters + Field.shape)
    let firstStrides = Strides(image, at: parameters + Field.firstStrides)
    let secondStrides = Strides(image, at: parameters + Field.secondStrides)
    let depth = Dimensions(image, at: parameters + Field.depth).last
    let firstStep = Strides(image, at: parameters + Field.firstDepthStrides).last
    let secondStep = Strides(image, at: parameters + Field.secondDepthStrides).last
    let multiplier = image.multiplier(at: parameters + Field.multiplier)
    let (firstZero, secondZero) = (first.tensor.zeroPoint, second.tensor.zeroPoint)
    var result = unsafe output.codes(as: Code.self)
    var place = SIMD8<Int32>.zero
    for _ in 0..<shape.outerCount {
      let row = unsafe first.codes(as: Code.self) + firstStrides.offset(place)
      let column = unsafe second.codes(as: Code.self) + secondStrides.offset(place)
      for index in 0..<shape.last {
        let a = unsafe row + (index &* firstStrides.last)
        let b = unsafe column + (index &* secondStrides.last)
        var total = Total.zero
        for step in 0..<depth {
          let x = unsafe Int32(truncatingIfNeeded: a[step &* firstStep]) &- firstZero
          let y = unsafe Int32(truncatingIfNeeded: b[step &* secondStep]) &- secondZero
          total &+= Total(extending: x) &* Total(extending: y)
        }
        let code = total.scaled(by: multiplier) &+ output.tensor.zeroPoint
        unsafe result[index] = Code(
          truncatingIfNeeded: min(max(code, plan.activationMinimum), plan.activationMaximum))
      }
      unsafe result += shape.last
      shape.advance(&place)
    }
  }
}
