/// ADD, SUB, MUL, DIV, MAXIMUM, MINIMUM, PRELU and SQUARED_DIFFERENCE of two tensors, of which either may repeat along
/// dimensions.
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
    // A quotient is at least 22 bits larger than it is meant to be, and shifted right after its multiplication.
    guard plan.kind != .divide || image.multiplier(at: parameters + Field.multipliers + 16).leftShift <= 22
    else {
      throw ModelError(.invalidMultiplier, at: parameters + Field.multipliers + 16)
    }
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
    let (kind, minimum, maximum) = (plan.kind, plan.activationMinimum, plan.activationMaximum)
    var result = unsafe output.codes(as: Code.self)
    var place = SIMD8<Int32>.zero
    var rowsLeft = shape.outerCount
    while rowsLeft > 0 {
      let a = unsafe first.codes(as: Code.self) + firstStrides.offset(place)
      let b = unsafe second.codes(as: Code.self) + secondStrides.offset(place)
      let isDone =
        unsafe 0...1 ~= firstStrides.last && 0...1 ~= secondStrides.last
        && workspace.instructions.elementwiseRows(
          plan, rows: shape.rowCount, count: shape.last,
          first: (UnsafePointer(a), firstStrides, firstZero, firstMultiplier),
          second: (UnsafePointer(b), secondStrides, secondZero, secondMultiplier),
          leftShift: leftShift,
          output: (result, outputZero, outputMultiplier))
      if isDone {
        unsafe result += shape.rowCount &* shape.last
        rowsLeft &-= shape.rowCount
        shape.advance(&place, before: 4)
        continue
      }
      for index in 0..<shape.last {
        let x = unsafe Int32(truncatingIfNeeded: a[index &* firstStrides.last])
        let y = unsafe Int32(truncatingIfNeeded: b[index &* secondStrides.last])
        let code: Int32
        switch kind {
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
        case .divide:
          code = quotient(x &- firstZero, y &- secondZero, outputMultiplier) &+ outputZero
        case .prelu:
          let value = x &- firstZero
          code =
            (value >= 0
              ? firstMultiplier.scale(value) : outputMultiplier.scale(value &* (y &- secondZero)))
            &+ outputZero
        case .squaredDifference:
          let difference =
            firstMultiplier.scale((x &- firstZero) &<< leftShift)
            &- secondMultiplier.scale((y &- secondZero) &<< leftShift)
          code = outputMultiplier.scale(difference &* difference) &+ outputZero
        case .maximum: code = max(x, y)
        default: code = min(x, y)
        }
        unsafe result[index] = Code(
          truncatingIfNeeded: min(max(code, minimum), maximum))
      }
      unsafe result += shape.last
      rowsLeft &-= 1
      shape.advance(&place)
    }
  }

  /// A quotient times a factor; a divisor of 0 gives the greatest number of the dividend's sign, or 0 for 0.
  private static func quotient(
    _ dividend: Int32, _ divisor: Int32, _ multiplier: FixedPointMultiplier
  ) -> Int32 {
    guard divisor != 0 else { return dividend.signum() &* (1 &<< 20) }
    let (x, y) = divisor < 0 ? (0 &- dividend, 0 &- divisor) : (dividend, divisor)
    // 1 / y as a fraction of 31 bits, y brought to 1 ..< 2 by its leading zeros.
    let zeros = Int32(truncatingIfNeeded: y.leadingZeroBitCount)
    let inverse = Softmax.reciprocal(
      Int32(bitPattern: (UInt32(bitPattern: y) &<< UInt32(zeros)) ^ (1 &<< 31)))
    let signBits = x < 0 ? (~x).leadingZeroBitCount : x.leadingZeroBitCount
    let headroom = Int32(truncatingIfNeeded: signBits) &- 1
    let unscaled = doubledHighProduct(x &<< headroom, inverse)
    let exponent = 31 &- zeros &+ headroom &- Int32(multiplier.leftShift)
    guard exponent <= 31 else { return 0 }
    return dividedByPowerOfTwo(doubledHighProduct(unscaled, multiplier.multiplierQ31), exponent: exponent)
  }
}
