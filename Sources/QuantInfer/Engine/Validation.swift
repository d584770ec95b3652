extension Model {
  /// Validates an image.
  ///
  /// - Parameters:
  ///   - bytes: The image, its first byte at a multiple of 4, and its signature if it has one; they must outlive the
  ///     model, unchanged.
  ///   - network: Which of the image's networks: the first one, or 1 for a second one beside it.
  /// - Throws: `ModelError`, with the place of the first thing that is wrong.
  /// - Complexity: O(n) in the image's size.
  public init(validating bytes: UnsafeRawBufferPointer, network: Int = 0) throws(ModelError) {
    self = try unsafe Model(tables: ImageBytes(bytes), network: network)
    try validateBeatNetwork()
    try validateOperators()
    try validateStreaming()
  }

  /// Validates an image that may take no more than the caller's limits; see `Model.init(validating:)`.
  ///
  /// - Parameters:
  ///   - bytes: The image.
  ///   - network: Which of the image's networks.
  ///   - limits: What it may take.
  /// - Throws: `ModelError`; of the kind `beyondLimits` where the image is sound and asks for more.
  public init(
    validating bytes: UnsafeRawBufferPointer, network: Int = 0, limits: Limits
  ) throws(ModelError) {
    self = try unsafe Model(tables: ImageBytes(bytes), network: network)
    try check(operatorsWithin: limits)
    try validateBeatNetwork(within: limits)
    try validateOperators()
    try validateStreaming()
    try check(runWithin: limits)
  }

  /// Checks the second network of an image, where it is one of beats beside this one of columns: it decides with this one's
  /// columns, about every beat, in logits of the same scale.
  private func validateBeatNetwork(within limits: Limits? = nil) throws(ModelError) {
    let second = image.section(.network, of: 1)
    guard second.byteCount != 0, second != image.section(.network, of: 0) else { return }
    // A build that can't run it must not run the first one by itself.
    guard Built.beatFrontEnd else { throw ModelError(.unsupportedSection, at: second.byteOffset) }
    _ = try Model(tables: image, network: 1)
    guard let beats = beatNetwork, let plan = beats.frontEnd?.beats, let frontEnd else { return }
    if let limits { try beats.check(operatorsWithin: limits) }
    try beats.validateOperators()
    try beats.validateStreaming()
    guard isStreamable, beats.isStreamable, leadCount == 1, outputCount == 1, output.type == .int8,
      output.count == beats.output.count, output.scaleBits == beats.output.scaleBits,
      plan.knownDistanceQ8 == 0, plan.hopSamples == frontEnd.hopSamples,
      plan.sampleRateMillihertz == frontEnd.sampleRateMillihertz,
      plan.ringSampleCount <= frontEnd.windowSamples &+ (input.timeCount &- 1) &* frontEnd.hopSamples
    else { throw ModelError(.invalidStreamingPlan, at: beats.network) }
  }

  /// What keeps columns, or beats, between samples.
  private func validateStreaming() throws(ModelError) {
    guard isStreamable else { return }
    guard Built.beatFrontEnd, let plan = frontEnd?.beats else {
      _ = try StreamingLayout(self)
      return
    }
    guard inputCount == 1, outputCount == 1, output.type == .int8, Built.wholeWindow,
      stateByteCount == plan.stateByteCount(classCount: output.count)
    else { throw ModelError(.invalidStreamingPlan, at: network &+ ModelFormat.Network.stateByteCount) }
  }

  /// Every operator reads what is there from the start or what an earlier operator wrote, and writes a computed
  /// tensor; RESHAPE, which copies, a variable one too: what the next run begins with.
  private func validateOperators() throws(ModelError) {
    var (recordCount, weightsEnd) = (0, 0)
    var indices = Indices(to: operatorCount)
    while let index = indices.next() {
      let place = operatorPlace(index)
      let plan = operatorPlan(index)
      try plan.validateLists(at: place)
      // What is checked one by one takes time linear in the image's size, though operators may share lists and blocks ...
      recordCount &+= plan.inputCount &+ plan.blockCount
      guard recordCount <= byteCount else { throw ModelError(.invalidOperator, at: place) }
      // ... as weights lie between the constants of one operator and the next.
      if let start = plan.weightsPlace {
        guard start >= weightsEnd else { throw ModelError(.offsetOutOfRange, at: plan.parameters) }
        weightsEnd = plan.parameters
      }
      guard plan.outputIndex < tensorCount,
        tensor(plan.outputIndex).storage == .computed
          || (Built.wholeWindow && plan.kind == .reshape && tensor(plan.outputIndex).storage == .variable)
      else {
        throw ModelError(.invalidOperator, at: place &+ ModelFormat.Operator.output)
      }
      var inputs = Indices(to: plan.inputCount)
      while let input = inputs.next() {
        let source = plan.inputIndex(input)
        guard source < tensorCount, isDefined(source, before: index) else {
          throw ModelError(.invalidOperator, at: place &+ ModelFormat.Operator.inputs)
        }
      }
      let (input, output) = (tensor(plan.inputIndex(0)), tensor(plan.outputIndex))
      try plan.validateActivation(output: output, at: place)
      _ = try plan.kind?.visit(
        KernelValidation(plan: plan, input: input, output: output, model: self, place: place))
      guard !Built.wholeWindow || isOutputSafe(plan) else {
        throw ModelError(.invalidOperator, at: place &+ ModelFormat.Operator.output)
      }
    }
    var outputs = Indices(to: outputCount)
    while let output = outputs.next() {
      guard isDefined(outputPort(output).tensorIndex, before: operatorCount) else {
        throw ModelError(.invalidTensor, at: portPlace(inputCount &+ output))
      }
    }
  }

  /// Whether an operator finds a tensor filled: it is kept, an input, or an earlier operator's.
  @inline(never)
  private func isDefined(_ tensorIndex: Int, before operatorIndex: Int) -> Bool {
    if tensor(tensorIndex).storage != .computed { return true }
    let input = writer(ofTensor: tensorIndex) &- ModelFormat.Tensor.firstInput
    if input >= 0 { return input < inputCount && inputPort(input).tensorIndex == tensorIndex }
    return isWritten(tensorIndex, from: 0, before: operatorIndex)
  }

  /// Whether a tensor says that an operator of a range fills it first, and that operator does.
  func isWritten(_ tensorIndex: Int, from first: Int, before end: Int) -> Bool {
    let writer = writer(ofTensor: tensorIndex)
    return writer >= first && writer < end && operatorPlan(writer).outputIndex == tensorIndex
  }

  private func writer(ofTensor index: Int) -> Int {
    Int(image.half(at: tensorPlace(index) &+ ModelFormat.Tensor.writer))
  }
}

/// Lets a kernel check its operator.
private struct KernelValidation: KernelVisitor {
  let plan: OperatorPlan
  let input: Tensor
  let output: Tensor
  let model: Model
  let place: Int

  @inline(__always)
  func visit<K: Kernel>(_ kernel: K.Type) throws(ModelError) {
    try K.validate(plan, input: input, output: output, of: model, at: place)
  }
}

/// Asks whether a kernel takes so many inputs.
private struct InputCountCheck: KernelVisitor {
  let plan: OperatorPlan

  @inline(__always)
  func visit<K: Kernel>(_ kernel: K.Type) throws(Never) -> Bool { K.takesInputs(of: plan) }
}

extension OperatorPlan {
  /// The number of blocks that it copies; 0 for kinds without.
  fileprivate var blockCount: Int {
    traits?.hasBlocks == true ? Int(image.half(at: parameters &+ ModelFormat.Rearrangement.blockCount)) : 0
  }

  /// Where its weights begin, not yet checked; nil for kinds without.
  fileprivate var weightsPlace: Int? {
    traits?.hasWeights == true || traits?.hasGates == true
      ? image.number(at: parameters &+ ModelFormat.Weights.weights) : nil
  }

  /// Checks where the record's lists lie and how many inputs there are.
  fileprivate func validateLists(at place: Int) throws(ModelError) {
    typealias Field = ModelFormat.Operator
    guard let kind, let traits else { throw ModelError(.unsupportedOperator, at: place) }
    try image.offset(at: place &+ Field.inputs, count: inputCount, stride: 2)
    guard kind == .reshape || parameters & (ModelFormat.alignment &- 1) == 0 else {
      throw ModelError(.offsetOutOfRange, at: place &+ Field.parameters)
    }
    try image.offset(at: place &+ Field.parameters, count: traits.parameterByteCount, stride: 1)
    guard kind.visit(InputCountCheck(plan: self)) == true else {
      throw ModelError(.invalidOperator, at: place &+ Field.inputCount)
    }
    guard image.half(at: place &+ Field.hasRunningSums) <= (Built.pooling && ringColumnCount > 0 ? 1 : 0)
    else {
      throw ModelError(.invalidOperator, at: place &+ Field.hasRunningSums)
    }
  }
}
