/// SVDF: features of the newest input, then a filter over each feature's last values, which are the state.
enum SVDF: Kernel {
  private typealias Field = ModelFormat.SVDF

  @inline(__always)
  static var traits: KernelTraits {
    KernelTraits(
      isBuilt: Built.elementwise, parameterByteCount: Field.byteCount)
  }

  static func takesInputs(of plan: OperatorPlan) -> Bool { plan.inputCount == 2 }

  /// The sizes that follow from the tensors.
  private struct Sizes {
    let batches: Int
    let inputs: Int
    let units: Int
    let rank: Int
    let memory: Int
    var filters: Int { units &* rank }

    init(_ plan: OperatorPlan, input: Tensor, state: Tensor, output: Tensor) {
      units = output.channelCount
      rank = Int(truncatingIfNeeded: plan.image.signedWord(at: plan.parameters + Field.rank))
      batches = output.count / units
      inputs = input.count / batches
      let perMemory = units.multipliedReportingOverflow(by: rank).partialValue &* batches
      memory = perMemory > 0 ? state.count / perMemory : 0
    }
  }

  /// Checks the constants against the tensors.
  static func validate(
    _ plan: OperatorPlan, input: Tensor, output: Tensor, of model: Model, at place: Int
  ) throws(ModelError) {
    let state = model.tensor(plan.inputIndex(1))
    let (image, parameters) = (plan.image, plan.parameters)
    let rank = try image.size(at: parameters + Field.rank)
    guard rank > 0, rank <= Tensor.greatestCount / output.count else {
      throw ModelError(.invalidOperator, at: parameters)
    }
    let sizes = Sizes(plan, input: input, state: state, output: output)
    guard input.type == .int8, output.type == .int8, state.storage == .variable, sizes.memory > 0,
      input.count == sizes.batches * sizes.inputs,
      state.count == sizes.batches * sizes.filters * sizes.memory,
      sizes.inputs <= Tensor.greatestCount / sizes.filters
    else { throw ModelError(.invalidOperator, at: place) }
    _ = try image.offset(
      at: parameters + Field.featureWeights, count: sizes.filters * sizes.inputs, stride: 1)
    let timeWeights = try image.offset(
      at: parameters + Field.timeWeights, count: sizes.filters * sizes.memory, stride: state.type.byteCount)
    guard timeWeights % state.type.byteCount == 0 else {
      throw ModelError(.offsetOutOfRange, at: parameters + Field.timeWeights)
    }
    _ = try image.offset(at: parameters + Field.biases, count: sizes.units, stride: 4)
    _ = try image.validMultiplier(at: parameters + Field.multipliers)
    _ = try image.validMultiplier(at: parameters + Field.multipliers + 8)
  }

  /// Takes an input into the state and computes the output.
  static func compute<Code: FixedWidthInteger & SignedInteger>(
    _ plan: OperatorPlan, input: Operand, output: Operand, in workspace: Workspace, as code: Code.Type
  ) {
    let state = workspace.operand(plan.inputIndex(1))
    switch state.tensor.type {
    case .int8: compute(plan, input: input, state: state, output: output, as: Int8.self)
    case .int16: compute(plan, input: input, state: state, output: output, as: Int16.self)
    }
  }

  private static func compute<State: FixedWidthInteger & SignedInteger>(
    _ plan: OperatorPlan, input: Operand, state: Operand, output: Operand, as code: State.Type
  ) {
    let (image, parameters) = (plan.image, plan.parameters)
    let sizes = Sizes(plan, input: input.tensor, state: state.tensor, output: output.tensor)
    let featureWeights: UnsafePointer<Int8> = unsafe image.pointer(at: parameters + Field.featureWeights)
    let timeWeights: UnsafePointer<State> = unsafe image.pointer(at: parameters + Field.timeWeights)
    let biases: UnsafePointer<Int32> = unsafe image.pointer(at: parameters + Field.biases)
    let featureMultiplier = image.multiplier(at: parameters + Field.multipliers)
    let outputMultiplier = image.multiplier(at: parameters + Field.multipliers + 8)
    for batch in 0..<sizes.batches {
      let inputs = unsafe input.codes(as: Int8.self) + (batch &* sizes.inputs)
      for unit in 0..<sizes.units {
        var sum = unsafe biases[unit]
        for filter in unit &* sizes.rank..<(unit &+ 1) &* sizes.rank {
          let first = (batch &* sizes.filters &+ filter) &* sizes.memory
          let values = unsafe state.codes(as: State.self) + first
          unsafe values.update(from: values + 1, count: sizes.memory &- 1)
          var feature: Int32 = 0
          for index in 0..<sizes.inputs {
            let weight = unsafe Int32(featureWeights[filter &* sizes.inputs &+ index])
            feature &+= unsafe weight &* (Int32(inputs[index]) &- input.tensor.zeroPoint)
          }
          let scaled = featureMultiplier.scale(feature)
          let limited = min(
            max(scaled, Int32(truncatingIfNeeded: State.min)), Int32(truncatingIfNeeded: State.max))
          unsafe values[sizes.memory &- 1] = State(truncatingIfNeeded: limited &+ state.tensor.zeroPoint)
          for index in 0..<sizes.memory {
            let weight = unsafe Int32(truncatingIfNeeded: timeWeights[filter &* sizes.memory &+ index])
            let value = unsafe Int32(truncatingIfNeeded: values[index])
            sum &+= weight &* (value &- state.tensor.zeroPoint)
          }
        }
        let scaled = outputMultiplier.scale(sum) &+ output.tensor.zeroPoint
        let code = min(max(scaled, plan.activationMinimum), plan.activationMaximum)
        unsafe output.codes(as: Int8.self)[batch &* sizes.units &+ unit] = Int8(truncatingIfNeeded: code)
      }
    }
  }
}
