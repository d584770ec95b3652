/// MEAN over any dimensions.
enum Mean {
  private typealias Field = ModelFormat.Mean

  /// Checks the constants against the tensors.
  static func validate(
    _ plan: OperatorPlan, input: Tensor, output: Tensor, at place: Int
  ) throws(ModelError) {
    let (image, parameters) = (plan.image, plan.parameters)
    let shape = Dimensions(image, at: parameters + Field.shape)
    let reduced = Dimensions(image, at: parameters + Field.reducedShape)
    let strides = Strides(image, at: parameters + Field.strides)
    let reducedStrides = Strides(image, at: parameters + Field.reducedStrides)
    guard input.type == output.type, shape.count == output.count, let count = reduced.count,
      count == input.count / output.count,
      shape.spansAtMost(strides, and: reduced, reducedStrides, in: input.count)
    else { throw ModelError(.invalidOperator, at: parameters) }
    _ = try image.validMultiplier(at: parameters + Field.multiplier)
  }

  /// Computes all of the output.
  static func compute<Code: FixedWidthInteger & SignedInteger>(
    _ plan: OperatorPlan, input: Operand, output: Operand, as code: Code.Type
  ) {
    let (image, parameters) = (plan.image, plan.parameters)
    let shape = Dimensions(image, at: parameters + Field.shape)
    let strides = Strides(image, at: parameters + Field.strides)
    let reduced = Dimensions(image, at: parameters + Field.reducedShape)
    let reducedStrides = Strides(image, at: parameters + Field.reducedStrides)
    let multiplier = image.multiplier(at: parameters + Field.multiplier)
    let elements = Int32(truncatingIfNeeded: input.tensor.count / output.tensor.count)
    let inputZero = input.tensor.zeroPoint &* elements
    var result = unsafe output.codes(as: Code.self)
    var place = SIMD8<Int32>.zero
    for _ in 0..<shape.outerCount {
      let inputs = unsafe UnsafePointer(input.codes(as: Code.self)) + strides.offset(place)
      for index in 0..<shape.last {
        let sum = unsafe sum(inputs + (index &* strides.last), reduced, reducedStrides)
        let code = multiplier.scale(sum &- inputZero) &+ output.tensor.zeroPoint
        unsafe result[index] = Code(
          truncatingIfNeeded: min(max(code, plan.activationMinimum), plan.activationMaximum))
      }
      unsafe result += shape.last
      shape.advance(&place)
    }
  }

  @inline(__always)
  private static func sum<Code: FixedWidthInteger & SignedInteger>(
    _ inputs: UnsafePointer<Code>, _ shape: Dimensions, _ strides: Strides
  ) -> Int32 {
    var sum: Int32 = 0
    var place = SIMD8<Int32>.zero
    for _ in 0..<shape.outerCount {
      let row = unsafe inputs + strides.offset(place)
      for index in 0..<shape.last {
        unsafe sum &+= Int32(truncatingIfNeeded: row[index &* strides.last])
      }
      shape.advance(&place)
    }
    return sum
  }
}
