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
    case .int16 where Built.int16: run(plan, input: input, output: output, as: Int16.self)
    case .int16: break
    }
  }

  /// Runs an operator whose output has codes of a type.
  @inline(__always)
  private func run<Code: FixedWidthInteger & SignedInteger>(
    _ plan: OperatorPlan, input: Operand, output: Operand, as code: Code.Type
  ) {
    switch plan.kind {
    case .convolution where Built.convolution,
      .depthwiseConvolution where Built.convolution || Built.depthwise:
      if Built.depthwise, Weights(plan).layout == .taps {
        Depthwise.compute(plan, input: input, output: output, instructions: instructions, as: code)
      } else if Built.convolution {
        Convolution.compute(
          plan, input: input, output: output, scratch: scratch, instructions: instructions, as: code)
      }
    case .fullyConnected where Built.fullyConnected:
      FullyConnected.compute(
        plan, input: input, output: output, scratch: scratch, instructions: instructions, as: code)
    case .averagePool where Built.pooling, .maximumPool where Built.pooling:
      Pooling.compute(plan, input: input, output: output, as: code)
    case .add where Built.elementwise, .subtract where Built.elementwise, .multiply where Built.elementwise,
      .maximum where Built.elementwise, .minimum where Built.elementwise:
      Elementwise.compute(
        plan, first: input, second: operand(plan.inputIndex(1)), output: output, as: code)
    case .reshape:
      let from = unsafe input.codes(as: Code.self)
      unsafe output.codes(as: Code.self).update(from: from, count: output.tensor.count)
    case .pad where Built.elementwise, .transpose where Built.elementwise,
      .stridedSlice where Built.elementwise, .concatenation where Built.elementwise:
      Rearrangement.compute(plan, output: output, input: { operand(plan.inputIndex($0)) }, as: code)
    case .mean where Built.pooling: Mean.compute(plan, input: input, output: output, as: code)
    case .logistic where Built.functions, .tanh where Built.functions, .relu where Built.functions,
      .relu6 where Built.functions, .leakyRelu where Built.functions, .quantize where Built.functions:
      Functions.compute(plan, input: input, output: output)
    case .softmax where Built.functions: Softmax.compute(plan, input: input, output: output)
    case .svdf where Built.elementwise:
      let state = operand(plan.inputIndex(1))
      switch state.tensor.type {
      case .int8: SVDF.compute(plan, input: input, state: state, output: output, as: Int8.self)
      case .int16: SVDF.compute(plan, input: input, state: state, output: output, as: Int16.self)
      }
    default: break  // Validation refuses operators that are not there.
    }
  }

  private func operand(_ index: Int) -> Operand {
    let tensor = model.tensor(index)
    let constants = unsafe UnsafeMutableRawPointer(mutating: model.image.base)
    let base = unsafe tensor.storage == .constant ? constants : arena
    return unsafe Operand(tensor: tensor, start: base + tensor.byteOffset)
  }
}
