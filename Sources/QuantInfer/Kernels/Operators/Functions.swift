/// Functions of one code: a table for int8, arithmetic for int16.
///
/// LOGISTIC, TANH, RELU, RELU6, LEAKY_RELU, QUANTIZE, ABS, RSQRT; of int8 also ELU, HARD_SWISH, EXP and others, whose tables
/// say all.
enum Functions: Kernel {
  @inline(__always)
  static var traits: KernelTraits {
    KernelTraits(
      isBuilt: Built.functions, parameterByteCount: ModelFormat.Lookup.byteCount, takesColumns: true)
  }

  /// Checks the constants against the tensors.
  static func validate(
    _ plan: OperatorPlan, input: Tensor, output: Tensor, of model: Model, at place: Int
  ) throws(ModelError) {
    let (image, parameters) = (plan.image, plan.parameters)
    guard input.count == output.count else { throw ModelError(.invalidOperator, at: place) }
    switch (input.type, plan.kind) {
    case (.int8, _):
      _ = try image.offset(
        at: parameters + ModelFormat.Lookup.table, count: 256, stride: output.type.byteCount)
    case (.int16, .logistic), (.int16, .tanh):
      typealias Field = ModelFormat.Sigmoid
      let isThere = parameters <= image.count - Field.byteCount
      guard isThere, output.type == .int16, image.word(at: parameters + Field.shift) <= 31 else {
        throw ModelError(.invalidOperator, at: place)
      }
      _ = try image.offset(at: parameters + Field.table, count: 128, stride: 4)
    default:
      typealias Field = ModelFormat.Rescaling
      guard parameters <= image.count - Field.byteCount else {
        throw ModelError(.invalidOperator, at: place)
      }
      _ = try image.validMultiplier(at: parameters + Field.multipliers)
      _ = try image.validMultiplier(at: parameters + Field.multipliers + 8)
    }
  }

  /// How many bytes the output must lie before the input; see `Window.lead`.
  static func lead(_ plan: OperatorPlan, input: Int, source: Tensor, target: Tensor) -> Int? {
    target.type.byteCount > source.type.byteCount ? source.count - 1 : 0
  }

  /// Computes all of the output, element by element in order.
  static func compute<Code: FixedWidthInteger & SignedInteger>(
    _ plan: OperatorPlan, input: Operand, output: Operand, in workspace: Workspace, as code: Code.Type
  ) {
    switch (input.tensor.type, output.tensor.type) {
    case (.int8, .int8): lookUp(plan, input: input, output: output, as: Int8.self)
    case (.int8, .int16): lookUp(plan, input: input, output: output, as: Int16.self)
    case (.int16, .int8): rescale(plan, input: input, output: output, as: Int8.self)
    case (.int16, .int16):
      switch plan.kind {
      case .logistic, .tanh: interpolate(plan, input: input, output: output)
      case .reciprocalSquareRoot: invertRoots(plan, input: input, output: output)
      default: rescale(plan, input: input, output: output, as: Int16.self)
      }
    }
  }

  private static func lookUp<Code: FixedWidthInteger & SignedInteger>(
    _ plan: OperatorPlan, input: Operand, output: Operand, as code: Code.Type
  ) {
    let table: UnsafePointer<Code> = unsafe plan.image.pointer(
      at: plan.parameters + ModelFormat.Lookup.table)
    let inputs = unsafe input.codes(as: Int8.self)
    let outputs = unsafe output.codes(as: Code.self)
    for index in 0..<input.tensor.count {
      unsafe outputs[index] = table[Int(inputs[index]) &+ 128]
    }
  }

  private static func rescale<Code: FixedWidthInteger & SignedInteger>(
    _ plan: OperatorPlan, input: Operand, output: Operand, as code: Code.Type
  ) {
    typealias Field = ModelFormat.Rescaling
    let positive = plan.image.multiplier(at: plan.parameters + Field.multipliers)
    let negative = plan.image.multiplier(at: plan.parameters + Field.multipliers + 8)
    let inputs = unsafe input.codes(as: Int16.self)
    let outputs = unsafe output.codes(as: Code.self)
    for index in 0..<input.tensor.count {
      let difference = unsafe Int32(inputs[index]) &- input.tensor.zeroPoint
      let value = plan.kind == .absolute ? abs(difference) : difference
      let scaled = (value >= 0 ? positive : negative).scale(value) &+ output.tensor.zeroPoint
      unsafe outputs[index] = Code(
        truncatingIfNeeded: min(max(scaled, plan.activationMinimum), plan.activationMaximum))
    }
  }

  /// RSQRT; what isn't above real 0 gives the greatest code.
  private static func invertRoots(_ plan: OperatorPlan, input: Operand, output: Operand) {
    let factor = plan.image.multiplier(at: plan.parameters + ModelFormat.Rescaling.multipliers)
    let inputs = unsafe input.codes(as: Int16.self)
    let outputs = unsafe output.codes(as: Int16.self)
    var indices = Indices(to: input.tensor.count)
    while let index = indices.next() {
      let value = unsafe Int32(inputs[index]) &- input.tensor.zeroPoint
      var code = plan.activationMaximum
      if value > 0 {
        var inverse = FixedPointMultiplier(inverseSquareRootOf: value)
        inverse.leftShift &+= ModelFormat.Rescaling.rootBits
        let scaled = factor.scale(inverse.scale(1)) &+ output.tensor.zeroPoint
        code = min(max(scaled, plan.activationMinimum), code)
      }
      unsafe outputs[index] = Int16(truncatingIfNeeded: code)
    }
  }

  /// LOGISTIC and TANH between a table's values.
  private static func interpolate(_ plan: OperatorPlan, input: Operand, output: Operand) {
    typealias Field = ModelFormat.Sigmoid
    let table = SigmoidTable(plan.image, at: plan.parameters + Field.table)
    let multiplier = plan.image.signedWord(at: plan.parameters + Field.multiplier)
    let shift = plan.image.signedWord(at: plan.parameters + Field.shift)
    let half: Int32 = shift > 0 ? 1 &<< (shift &- 1) : 0
    let inputs = unsafe input.codes(as: Int16.self)
    let outputs = unsafe output.codes(as: Int16.self)
    for index in 0..<input.tensor.count {
      let argument = unsafe (Int32(inputs[index]) &* multiplier &+ half) &>> shift
      unsafe outputs[index] = plan.kind == .tanh ? table.tanh(argument) : table.logistic(argument)
    }
  }
}
