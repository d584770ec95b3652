/// ADD, SUB, MUL, MAXIMUM and MINIMUM of two tensors, of which either may repeat along dimensions.
enum Elementwise: Kernel {
  private typealias Field = ModelFormat.Elementwise

  @inline(__always)
  static var traits: KernelTraits {
    KernelTraits(
      isBuilt: Built.elementwise, parameterByteCount: Field.byteCount)
  }

  static func takesInputs(of plan: OperatorPlan) -> Bool { plan.inputCount == 2 }

  /// Checks the constants against the tensors.
  static func validate(
    _ plan: OperatorPlan, input first: Tensor, output: Tensor, of model: Model, at place: Int
  ) throws(ModelError) {
    let second = model.tensor(plan.inputIndex(1))
    let (image, parameters) = (plan.image, plan.parameters)
    let shape = Dimensions(image, at: parameters + Field.shape)
    guard first.type == output.type, second.type == output.type, shape.count == output.count,
      shape.fit(Strides(image, at: parameters + Field.firstStrides), in: first.count),
      shape.fit(Strides(image, at: parameters + Field.secondStrides), in: second.count),
      image.word(at: parameters + Field.leftShift) <= 20
    else { throw ModelError(.invalidOperator, at: parameters) }
    for index in 0..<3 { _ = try image.validMultiplier(at: parameters + Field.multipliers + 8 * index) }
  }

  /// 0 where an input's elements are read in the order in which the output's are written.
  static func lead(_ plan: OperatorPlan, input: Int, source: Tensor, target: Tensor) -> Int? {
    let strides = input == 0 ? Field.firstStrides : Field.secondStrides
    let isInOrder = Dimensions(plan.image, at: plan.parameters + Field.shape)
      .areContiguous(Strides(plan.image, at: plan.parameters + strides))
    return isInOrder ? 0 : nil
  }

  /// Computes all of the output.
  static func compute<Code: FixedWidthInteger & SignedInteger>(
    _ plan: OperatorPlan, input first: Operand, output: Operand, in workspace: Workspace, as code: Code.Type
  ) {
    let second = workspace.operand(plan.inputIndex(1))
    let (image, parameters) = (plan.image, plan.parameters)
    let shape = Dimensions(image, at: parameters + Field.shape)
    let firstStrides = Strides(image, at: parameters + Field.firstStrides)
    let secondStrides = Strides(image, at: parameters + Field.secondStrides)
    let leftShift = image.signedWord(at: parameters + Field.leftShift)
    let firstMultiplier = image.multiplier(at: parameters + Field.multipliers)
    let secondMultiplier = image.multiplier(at: parameters + Field.multipliers + 8)
    let outputMultiplier = image.multiplier(at: parameters + Field.multipliers + 16)
    let (firstZero, secondZero) = (first.tensor.zeroPoint, second.tensor.zeroPoint)
    let outputZero = output.tensor.zeroPoint
    var result = unsafe output.codes(as: Code.self)
    var place = SIMD8<Int32>.zero
    for _ in 0..<shape.outerCount {
      let a = unsafe first.codes(as: Code.self) + firstStrides.offset(place)
      let b = unsafe second.codes(as: Code.self) + secondStrides.offset(place)
      for index in 0..<shape.last {
        let x = unsafe Int32(truncatingIfNeeded: a[index &* firstStrides.last])
        let y = unsafe Int32(truncatingIfNeeded: b[index &* secondStrides.last])
        let code: Int32
        switch plan.kind {
        case .add:
          code =
            outputMultiplier.scale(
              firstMultiplier.scale((x &- firstZero) &<< leftShift)
                &+ secondMultiplier.scale((y &- secondZero) &<< leftShift)) &+ outputZero
        case .subtract:
          code =
            outputMultiplier.scale(
              firstMultiplier.scale((x &- firstZero) &<< leftShift)
                &- secondMultiplier.scale((y &- secondZero) &<< leftShift)) &+ outputZero
        case .multiply:
          code = outputMultiplier.scale((x &- firstZero) &* (y &- secondZero)) &+ outputZero
        case .maximum: code = max(x, y)
        default: code = min(x, y)
        }
        unsafe result[index] = Code(
          truncatingIfNeeded: min(max(code, plan.activationMinimum), plan.activationMaximum))
      }
      unsafe result += shape.last
      shape.advance(&place)
    }
  }
}
