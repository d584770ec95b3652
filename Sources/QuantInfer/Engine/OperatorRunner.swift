/// Runs operators over whole tensors in an arena.
@safe
struct OperatorRunner {
  let model: Model
  /// Where byte 0 of the tensors' places lies.
  let arena: UnsafeMutableRawPointer
  let scratch: Scratch
  let instructions: InstructionSet

  /// Runs an operator; `index` in `0 ..< operatorCount`.
  func run(_ index: Int) {
    let plan = model.operatorPlan(index)
    let input = operand(plan.inputIndex(0))
    let output = operand(plan.outputIndex)
    switch output.tensor.type {
    case .int8: run(plan, input: input, output: output, as: Int8.self)
    case .int16: run(plan, input: input, output: output, as: Int16.self)
    }
  }

  /// Runs an operator whose output has codes of a type.
  @inline(__always)
  private func run<Code: FixedWidthInteger & SignedInteger>(
    _ plan: OperatorPlan, input: Operand, output: Operand, as code: Code.Type
  ) {
    switch plan.kind {
    case .convolution, .depthwiseConvolution:
      if Weights(plan).layout == .taps {
        Depthwise.compute(plan, input: input, output: output, instructions: instructions, as: code)
      } else {
        Convolution.compute(
          plan, input: input, output: output, scratch: scratch, instructions: instructions, as: code)
      }
    case .fullyConnected:
      FullyConnected.compute(
        plan, input: input, output: output, scratch: scratch, instructions: instructions, as: code)
    case .averagePool, .maximumPool: Pooling.compute(plan, input: input, output: output, as: code)
    case .add, .subtract, .multiply, .maximum, .minimum:
      Elementwise.compute(
        plan, first: input, second: operand(plan.inputIndex(1)), output: output, as: code)
    case .reshape:
      let from = unsafe input.codes(as: Code.self)
      unsafe output.codes(as: Code.self).update(from: from, count: output.tensor.count)
    case .pad, .transpose, .stridedSlice, .concatenation:
      Rearrangement.compute(plan, output: output, input: { operand(plan.inputIndex($0)) }, as: code)
    case .mean: Mean.compute(plan, input: input, output: output, as: code)
    case .logistic, .tanh, .relu, .relu6, .leakyRelu, .quantize:
      Functions.compute(plan, input: input, output: output)
    case .softmax: Softmax.compute(plan, input: input, output: output)
    case .svdf:
      let state = operand(plan.inputIndex(1))
      switch state.tensor.type {
      case .int8: SVDF.compute(plan, input: input, state: state, output: output, as: Int8.self)
      case .int16: SVDF.compute(plan, input: input, state: state, output: output, as: Int16.self)
      }
    case nil: break  // Validation refuses unknown operators.
    }
  }

  private func operand(_ index: Int) -> Operand {
    let tensor = model.tensor(index)
    let constants = unsafe UnsafeMutableRawPointer(mutating: model.image.base)
    let base = unsafe tensor.storage == .constant ? constants : arena
    return unsafe Operand(tensor: tensor, start: base + tensor.byteOffset)
  }
}
