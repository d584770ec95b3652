/// MEAN, SUM, REDUCE_MAX and REDUCE_MIN over any dimensions.
enum Mean: Kernel {
  private typealias Field = ModelFormat.Mean

  @inline(__always)
  static var traits: KernelTraits {
    KernelTraits(
      isBuilt: Built.pooling, parameterByteCount: Field.byteCount)
  }

  /// Checks the constants against the tensors.
  static func validate(
    _ plan: OperatorPlan, input: Tensor, output: Tensor, of model: Model, at place: Int
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
    // The number of elements divides the mantissa, so that it may be any that isn't negative.
    let multiplier = image.multiplier(at: parameters + Field.multiplier)
    guard multiplier.multiplierQ31 >= 0, (-31...30).contains(multiplier.leftShift),
      image.signedWord(at: parameters + Field.multiplier + 4) == Int32(multiplier.leftShift)
    else { throw ModelError(.invalidMultiplier, at: parameters + Field.multiplier) }
  }

  /// Computes all of the output.
  static func compute<Code: FixedWidthInteger & SignedInteger>(
    _ plan: OperatorPlan, input: Operand, output: Operand, in workspace: Workspace, as code: Code.Type
  ) {
    let (image, parameters) = (plan.image, plan.parameters)
    let shape = Dimensions(image, at: parameters + Field.shape)
    let strides = Strides(image, at: parameters + Field.strides)
    let reduced = Dimensions(image, at: parameters + Field.reducedShape)
    let reducedStrides = Strides(image, at: parameters + Field.reducedStrides)
    let elements = Int32(truncatingIfNeeded: input.tensor.count / output.tensor.count)
    var result = unsafe output.codes(as: Code.self)
    var place = SIMD8<Int32>.zero
    for _ in 0..<shape.outerCount {
      let inputs = unsafe UnsafePointer(input.codes(as: Code.self)) + strides.offset(place)
      for index in 0..<shape.last {
        let start = unsafe inputs + (index &* strides.last)
        let code: Int32
        if plan.kind == .reduceMaximum || plan.kind == .reduceMinimum {
          code = unsafe extreme(start, reduced, reducedStrides, isMaximum: plan.kind == .reduceMaximum)
        } else {
          code = unsafe Self.code(
            of: sum(start, reduced, reducedStrides), plan, elements: elements, input: input.tensor,
            output: output.tensor)
        }
        unsafe result[index] = Code(truncatingIfNeeded: code)
      }
      unsafe result += shape.last
      shape.advance(&place)
    }
  }

  /// The output code of a sum of so many codes.
  @inline(__always)
  static func code(
    of sum: Int32, _ plan: OperatorPlan, elements: Int32, input: Tensor, output: Tensor
  ) -> Int32 {
    let multiplier = plan.image.multiplier(at: plan.parameters + Field.multiplier)
    let code = multiplier.scale(sum &- input.zeroPoint &* elements) &+ output.zeroPoint
    return min(max(code, plan.activationMinimum), plan.activationMaximum)
  }

  /// Whether output `i` is the mean of the input's codes `i`, `i + outputs`, `i + 2 * outputs` and so on.
  static func isInterleaved(_ plan: OperatorPlan, output: Tensor) -> Bool {
    let (image, parameters) = (plan.image, plan.parameters)
    return Dimensions(image, at: parameters + Field.shape)
      .areContiguous(Strides(image, at: parameters + Field.strides))
      && Dimensions(image, at: parameters + Field.reducedShape)
        .areContiguous(
          Strides(image, at: parameters + Field.reducedStrides),
          from: Int32(truncatingIfNeeded: output.count))
  }

  private static func extreme<Code: FixedWidthInteger & SignedInteger>(
    _ inputs: UnsafePointer<Code>, _ shape: Dimensions, _ strides: Strides, isMaximum: Bool
  ) -> Int32 {
    var extreme = unsafe inputs[0]
    var place = SIMD8<Int32>.zero
    for _ in 0..<shape.outerCount {
      let row = unsafe inputs + strides.offset(place)
      for index in 0..<shape.last {
        let code = unsafe row[index &* strides.last]
        if isMaximum ? code > extreme : code < extreme { extreme = code }
      }
      shape.advance(&place)
    }
    return Int32(truncatingIfNeeded: extreme)
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
