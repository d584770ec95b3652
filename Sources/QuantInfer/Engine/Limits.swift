extension Model {
  /// What a model may take: a caller's limits, checked before it gives memory or time away.
  ///
  /// Validation itself is bounded without them, by the image's size.
  ///
  /// ```swift
  /// var limits = Model.Limits()
  /// limits.memoryByteCount = memory.count
  /// limits.stepsPerDecision = 200_000
  /// let model = try Model(validating: image, limits: limits)
  /// ```
  public struct Limits: Equatable, Sendable {
    /// The most bytes of a run: state and scratch where the network streams, otherwise arena and scratch.
    public var memoryByteCount = Int.max
    /// The most operators.
    public var operatorCount = Int.max
    /// The most tensors that all operators read, counted as often as they are read.
    public var inputCount = Int.max
    /// The most work from one sample to the next, see `Model.stepsPerDecision`.
    public var stepsPerDecision = Int.max

    /// No limits.
    public init() {}
  }

  /// The memory of a run, in bytes: state and scratch where the network streams, otherwise arena and scratch.
  public var runByteCount: Int {
    isStreamable
      ? stateByteCount &+ (beatNetwork?.stateByteCount ?? 0) &+ streamingScratchByteCount
      : arenaByteCount &+ scratchByteCount
  }

  /// The most work from one sample to the next, in steps.
  ///
  /// That is a column that all strides along time fall due with, and a decision, with the columns of its `Edges`; of a network that can't stream, all of a
  /// window. A step is a product of a weight and an input, those that fill up blocks too, or a code that is moved, added
  /// up or compared. Each run of neighbouring codes begins with 8, or with 32 where it is gathered for products, each
  /// call of an operator with 256, and costlier functions count for several. Steps order models by their work; a core's
  /// cycles for one are a profile's matter. The number stops at `Int.max`.
  ///
  /// - Complexity: O(n) in the image's size.
  public var stepsPerDecision: Int {
    let streaming = streaming
    var steps = streaming == nil ? 0 : (frontEnd?.stepsPerColumn ?? 0) &* leadCount
    var edges = Edges.none
    for index in 0..<operatorCount {
      var columnCount = 1
      if let streaming, index < streaming.tailStart {
        edges = self.edges(ofOperator: index, behind: edges)
        columnCount &+= edges.count
      }
      steps.addSteps(self.steps(ofOperator: index, in: streaming).steps(times: columnCount))
    }
    if let beats = frontEnd?.beats { steps.addSteps(beats.stepsPerBeat) }
    if let beats = beatNetwork { steps.addSteps(beats.stepsPerDecision) }
    return steps
  }

  /// The edges of an operator's output in a streaming run; the operator is in front of `StreamingLayout.tailStart`.
  ///
  /// - Parameters:
  ///   - index: The operator.
  ///   - edges: Those of its input: of the operator before it, `none` for the first one.
  /// - Returns: Its output's.
  public func edges(ofOperator index: Int, behind edges: Edges) -> Edges {
    EdgedWindow(operatorPlan(index), of: self, behind: edges, isTail: false).output
  }

  /// An operator's part of `stepsPerDecision`: of one that takes columns, a column's, of which edges have several.
  ///
  /// - Parameters:
  ///   - index: The operator.
  ///   - streaming: The model's `streaming`; nil for a run over whole windows.
  /// - Returns: The steps.
  public func steps(ofOperator index: Int, in streaming: StreamingLayout?) -> Int {
    let plan = operatorPlan(index)
    let whole = plan.steps(
      input: tensor(plan.inputIndex(0)), output: tensor(plan.outputIndex), of: self)
    guard let streaming, index <= streaming.tailStart else { return whole }
    let input = tensor(plan.inputIndex(0))
    // The ring, or what lies under the window, is copied, but by those that read it in place.
    if index < streaming.tailStart {
      let reach = min(plan.time.reach, plan.ringColumnCount)
      return Int.steps(
        plan.steps(input: input.columns(reach), output: tensor(plan.outputIndex).columns(1), of: self),
        plus: reach &* input.columnCount)
    }
    let ringCount = plan.ringColumnCount &* input.columnCount
    if plan.hasRunningSums {
      return Int.steps(
        4 &* input.columnCount, plus: Int.stepsPerRun.steps(times: tensor(plan.outputIndex).count))
    }
    return Int.steps(whole, plus: streaming.readsRing ? 0 : ringCount)
  }

  /// Checks what can be known before the operators are read.
  func check(operatorsWithin limits: Limits) throws(ModelError) {
    guard operatorCount <= limits.operatorCount else {
      throw ModelError(.beyondLimits, at: network &+ ModelFormat.Network.operatorCount)
    }
    var inputCount = 0
    for index in 0..<operatorCount {
      // Lists of 16 bits each, of no more records than an image has bytes.
      inputCount.addSteps(operatorPlan(index).inputCount)
      guard inputCount <= limits.inputCount else {
        throw ModelError(.beyondLimits, at: operatorPlace(index) &+ ModelFormat.Operator.inputCount)
      }
    }
  }

  /// Checks what a run takes.
  func check(runWithin limits: Limits) throws(ModelError) {
    guard runByteCount <= limits.memoryByteCount else {
      throw ModelError(.beyondLimits, at: network &+ ModelFormat.Network.arenaByteCount)
    }
    guard stepsPerDecision <= limits.stepsPerDecision else {
      throw ModelError(.beyondLimits, at: network &+ ModelFormat.Network.operators)
    }
  }
}

extension BeatPlan {
  /// What a beat takes beside the network, in steps: a sample of a point 2, a point itself and its two codes some 24.
  public var stepsPerBeat: Int { 2 &* sampleCount &+ 24 &* pointCount &+ 256 }
}

extension FrontEndPlan {
  /// What a lead's part of a column takes in steps, see `Model.stepsPerDecision`.
  public var stepsPerColumn: Int {
    // Windows of at most 512 samples; a point of a stage takes some 8 steps, a bin's logarithm 64.
    let stages = Int.bitWidth &- windowSamples.leadingZeroBitCount
    return windowSamples == 1 ? 64 : 8 &* windowSamples &* stages &+ 64 &* binCount
  }
}
