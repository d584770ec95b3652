extension Model {
  /// Validates an image.
  ///
  /// - Parameter bytes: The image, its first byte at a multiple of 4; it must outlive the model, unchanged.
  /// - Throws: `ModelError`, with the place of the first thing that is wrong.
  /// - Complexity: O(n) in the image's size and the number of output cells.
  public init(validating bytes: UnsafeRawBufferPointer) throws(ModelError) {
    self = try unsafe Model(tables: bytes)
    try validateOperators()
    if isStreamable { _ = try StreamingLayout(self) }
  }

  /// Every operator reads what is there from the start or what an earlier operator wrote, and writes a computed
  /// tensor.
  private func validateOperators() throws(ModelError) {
    for index in 0..<operatorCount {
      let place = operatorPlace(index)
      let plan = operatorPlan(index)
      try plan.validateLists(at: place)
      guard plan.outputIndex < tensorCount, tensor(plan.outputIndex).storage == .computed else {
        throw ModelError(.invalidOperator, at: place &+ ModelFormat.Operator.output)
      }
      for input in 0..<plan.inputCount {
        let source = plan.inputIndex(input)
        guard source < tensorCount, isDefined(source, before: index) else {
          throw ModelError(.invalidOperator, at: place &+ ModelFormat.Operator.inputs)
        }
      }
      let (input, output) = (tensor(plan.inputIndex(0)), tensor(plan.outputIndex))
      try plan.validateActivation(output: output, at: place)
      try validateKernel(plan, input: input, output: output, at: place)
      guard !Built.wholeWindow || isOutputSafe(plan) else {
        throw ModelError(.invalidOperator, at: place &+ ModelFormat.Operator.output)
      }
    }
    for output in 0..<outputCount {
      guard isDefined(outputPort(output).tensorIndex, before: operatorCount) else {
        throw ModelError(.invalidTensor, at: portPlace(inputCount &+ output))
      }
    }
  }

  private func isDefined(_ tensorIndex: Int, before operatorIndex: Int) -> Bool {
    if tensor(tensorIndex).storage != .computed { return true }
    for input in 0..<inputCount where inputPort(input).tensorIndex == tensorIndex { return true }
    for earlier in 0..<operatorIndex where operatorPlan(earlier).outputIndex == tensorIndex { return true }
    return false
  }

  /// The kernels' own checks.
  private func validateKernel(
    _ plan: OperatorPlan, input: Tensor, output: Tensor, at place: Int
  ) throws(ModelError) {
    switch plan.kind {
    case .convolution where Built.convolution,
      .depthwiseConvolution where Built.convolution || Built.depthwise:
      if Weights(plan).layout == .taps {
        guard Built.depthwise else { throw ModelError(.unsupportedOperator, at: place) }
        try Depthwise.validate(plan, input: input, output: output, at: place)
      } else {
        guard Built.convolution else { throw ModelError(.unsupportedOperator, at: place) }
        try Convolution.validate(
          plan, input: input, output: output, scratchByteCount: scratchByteCount, at: place)
      }
    case .fullyConnected where Built.fullyConnected:
      try FullyConnected.validate(plan, input: input, output: output, at: place)
    case .averagePool where Built.pooling, .maximumPool where Built.pooling:
      try Pooling.validate(plan, input: input, output: output, at: place)
    case .add where Built.elementwise, .subtract where Built.elementwise, .multiply where Built.elementwise,
      .maximum where Built.elementwise, .minimum where Built.elementwise:
      try Elementwise.validate(
        plan, first: input, second: tensor(plan.inputIndex(1)), output: output, at: place)
    case .reshape:
      guard input.type == output.type, input.count == output.count else {
        throw ModelError(.invalidOperator, at: place)
      }
    case .pad where Built.elementwise, .transpose where Built.elementwise,
      .stridedSlice where Built.elementwise, .concatenation where Built.elementwise:
      try Rearrangement.validate(
        plan, output: output, input: { tensor(plan.inputIndex($0)) }, at: place)
    case .mean where Built.pooling: try Mean.validate(plan, input: input, output: output, at: place)
    case .logistic where Built.functions, .tanh where Built.functions, .relu where Built.functions,
      .relu6 where Built.functions, .leakyRelu where Built.functions, .quantize where Built.functions:
      try Functions.validate(plan, input: input, output: output, at: place)
    case .softmax where Built.functions: try Softmax.validate(plan, input: input, output: output, at: place)
    case .svdf where Built.elementwise:
      try SVDF.validate(
        plan, input: input, state: tensor(plan.inputIndex(1)), output: output, at: place)
    default: throw ModelError(.unsupportedOperator, at: place)
    }
  }
}
