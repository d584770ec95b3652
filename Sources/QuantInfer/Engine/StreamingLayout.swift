/// How a network runs one column at a time.
///
/// The first operators, each of which reads only what its predecessor wrote, take one column after the other: each
/// keeps in a ring the input columns that its window reaches over, and gives a column whenever its stride says so. The
/// last such column completes the window of the operators behind them, the tail, which run as over a whole window when
/// a decision is asked for. From the first operator on that pads along time, rings are as long as the tensors, and the
/// columns at a window's ends are computed at a decision: see `Edges`. A mean over all of time at the tail's start keeps the window's sums up to date instead, see
/// `RunningSums`.
public struct StreamingLayout: Equatable, Sendable {
  /// The first operator of the tail, whose ring is the window.
  public let tailStart: Int
  /// New columns from one decision that is possible to the next: the product of the strides along time.
  public let columnsPerDecision: Int
  /// Whether the tail's first operator reads the window from its ring, or from the ring's running sums: the window
  /// then has no other place.
  public let readsRing: Bool
  /// The newest columns that a decision looks at.
  ///
  /// The window's, or fewer where strides leave its last columns over.
  public let columnsPerWindow: Int
  /// Whether an operator in front of the tail pads along time.
  let hasEdges: Bool
  /// The scratch that a streaming run needs: the kernels' and the tail's tensors.
  public let scratchByteCount: Int
  /// Where the tail's tensors begin in the arena.
  let tailOffset: Int
  /// Where they begin in the scratch.
  let tailPlace: Int

  /// Whether an operator can take one column at a time.
  static func takesColumns(_ plan: OperatorPlan, input: Tensor, output: Tensor) -> Bool {
    guard plan.inputCount == 1, input.type == .int8, output.type == .int8, input.batchCount == 1 else {
      return false
    }
    // Kinds without a window have no padding.
    return plan.traits?.takesColumns == true
      && (Built.edges || plan.time.paddingBefore | plan.time.paddingAfter == 0)
  }

  /// Checks the rings of a model whose operators are valid, and finds the tail.
  init(_ model: Model) throws(ModelError) {
    typealias Field = ModelFormat.Operator
    guard let frontEnd = model.frontEnd, model.inputCount == 1, model.output.type == .int8 else {
      throw ModelError(.invalidStreamingPlan, at: model.network &+ ModelFormat.Network.stateByteCount)
    }
    var tailStart = 0
    var indices = Indices(from: 1, to: model.operatorCount)
    while let index = indices.next() {
      if model.operatorPlan(index).ringColumnCount > 0 { tailStart = index }
    }
    var freeOffset =
      ModelFormat.State.frontEndByteCount(windowSamples: frontEnd.windowSamples, leadCount: model.leadCount)
      &+ ModelFormat.State.cursorByteCount &* (tailStart &+ 1)
    var expected = model.inputPort(0).tensorIndex
    var columnsPerDecision = 1
    var columnsPerWindow = 1
    var linearByteCount = 0
    var edges = Edges.none
    var stages = Indices(to: tailStart &+ 1)
    while let index = stages.next() {
      let place = model.operatorPlace(index)
      let plan = model.operatorPlan(index)
      let input = model.tensor(expected)
      let time = plan.time
      let isTail = index == tailStart
      let output = model.tensor(plan.outputIndex)
      guard
        let behind = isTail || !Built.edges
          ? edges : edges.behind(time, inputCount: input.timeCount, outputCount: output.timeCount)
      else { throw ModelError(.invalidStreamingPlan, at: place &+ Field.ring) }
      let reach = isTail || behind.arePresent ? input.timeCount : time.reach
      let (ringByteCount, overflow) = plan.ringColumnCount.multipliedReportingOverflow(
        by: input.columnByteCount)
      guard !overflow, plan.inputIndex(0) == expected, plan.ringColumnCount == reach,
        input.batchCount == 1, input.type == .int8, reach <= ModelFormat.State.greatestColumnCount,
        isTail || Self.takesColumns(plan, input: input, output: output),
        plan.ringOffset >= freeOffset, plan.ringOffset <= model.stateByteCount,
        ringByteCount <= model.stateByteCount &- plan.ringOffset
      else { throw ModelError(.invalidStreamingPlan, at: place &+ Field.ring) }
      freeOffset = plan.ringOffset &+ ringByteCount
      if Built.pooling, plan.hasRunningSums {
        freeOffset = try Self.endOfRunningSums(
          plan, ringEnd: freeOffset, isTail: isTail && !edges.arePresent, of: model,
          at: place &+ Field.hasRunningSums)
      }
      // At most the input's columns, as each output has been checked against its input.
      // With edges a window is complete with the column that completes the first tensor whose edges they are.
      if !edges.arePresent { columnsPerWindow &+= (reach &- 1) &* columnsPerDecision }
      guard !isTail else { break }
      if !Built.onlyConvolutions, plan.weights?.layout != .blocks {
        linearByteCount = max(linearByteCount, min(time.reach, reach) &* input.columnByteCount)
      }
      let (product, isTooLarge) = columnsPerDecision.multipliedReportingOverflow(by: time.stride)
      guard !isTooLarge, product <= ModelFormat.State.greatestColumnCount else {
        throw ModelError(.invalidStreamingPlan, at: place &+ Field.ring)
      }
      columnsPerDecision = product
      expected = plan.outputIndex
      edges = behind
    }
    // A window's samples are counted in 32 bits.
    guard columnsPerWindow <= quotient(Tensor.greatestCount, frontEnd.hopSamples) else {
      throw ModelError(.invalidStreamingPlan, at: model.network &+ ModelFormat.Network.frontEnd)
    }
    readsRing = Self.readsRing(model, from: tailStart, window: expected)
    guard Built.wholeWindow || (readsRing && tailStart &+ 1 == model.operatorCount) else {
      throw ModelError(.unsupportedOperator, at: model.operatorPlace(tailStart))
    }
    let tail = try Self.tailBytes(model, from: tailStart, window: expected, readsRing: readsRing)
    self.tailStart = tailStart
    self.columnsPerDecision = columnsPerDecision
    self.columnsPerWindow = columnsPerWindow
    hasEdges = edges.arePresent
    tailOffset = tail.lowerBound
    tailPlace = (max(model.scratchByteCount, linearByteCount) &+ 15) & ~15
    scratchByteCount = (tailPlace &+ tail.upperBound &- tail.lowerBound &+ 3) & ~3
  }

  /// Checks running sums behind a ring, which only the tail's first operator may have.
  ///
  /// Returns where they end in the state.
  private static func endOfRunningSums(
    _ plan: OperatorPlan, ringEnd: Int, isTail: Bool, of model: Model, at place: Int
  ) throws(ModelError) -> Int {
    let output = model.tensor(plan.outputIndex)
    let start = RunningSums.offset(behindRingEnd: ringEnd)
    guard isTail, RunningSums.serve(plan, input: model.tensor(plan.inputIndex(0)), output: output),
      start <= model.stateByteCount,
      output.count <= (model.stateByteCount &- start) / RunningSums.bytesPerOutput
    else { throw ModelError(.invalidStreamingPlan, at: place) }
    return start &+ RunningSums.bytesPerOutput &* output.count
  }

  /// The bytes of the arena that the tail's tensors take; it reads none but the window, its own and constants.
  private static func tailBytes(
    _ model: Model, from start: Int, window: Int, readsRing: Bool
  ) throws(ModelError) -> Range<Int> {
    // A window that is read from its ring needs no place of its own.
    let lowest = model.tensor(readsRing ? model.operatorPlan(start).outputIndex : window)
    var (first, end) = (lowest.byteOffset, lowest.byteOffset &+ lowest.byteCount)
    if !Built.wholeWindow {
      // The operator that reads the ring is the last one; its output is the model's.
      guard model.outputCount == 1, model.outputPort(0).tensorIndex == model.operatorPlan(start).outputIndex
      else { throw ModelError(.invalidStreamingPlan, at: model.network &+ ModelFormat.Network.ports) }
      return unsafe Range(uncheckedBounds: (first, end))
    }
    var indices = Indices(from: start, to: model.operatorCount)
    while let index = indices.next() {
      let plan = model.operatorPlan(index)
      var inputs = Indices(to: plan.inputCount)
      while let input = inputs.next() {
        let source = plan.inputIndex(input)
        guard
          source == window || model.tensor(source).storage == .constant
            || model.isWritten(source, from: start, before: index)
        else {
          throw ModelError(.invalidStreamingPlan, at: model.operatorPlace(index))
        }
      }
      let output = model.tensor(plan.outputIndex)
      first = min(first, output.byteOffset)
      end = max(end, output.byteOffset &+ output.byteCount)
    }
    var ports = Indices(to: model.outputCount)
    while let port = ports.next() {
      var isWritten = false
      var writers = Indices(from: start, to: model.operatorCount)
      while let index = writers.next() {
        if model.operatorPlan(index).outputIndex == model.outputPort(port).tensorIndex { isWritten = true }
      }
      guard isWritten else {
        throw ModelError(.invalidStreamingPlan, at: model.network &+ ModelFormat.Network.ports)
      }
    }
    return unsafe Range(uncheckedBounds: (first, end))
  }

  /// Whether the tail's first operator has running sums or is one row of FULLY_CONNECTED, and no other operator needs
  /// the window.
  private static func readsRing(_ model: Model, from start: Int, window: Int) -> Bool {
    var indices = Indices(from: start &+ 1, to: model.operatorCount)
    while let index = indices.next() {
      let plan = model.operatorPlan(index)
      var inputs = Indices(to: plan.inputCount)
      while let input = inputs.next() {
        if plan.inputIndex(input) == window { return false }
      }
    }
    let plan = model.operatorPlan(start)
    let output = model.tensor(plan.outputIndex)
    return (Built.pooling && plan.hasRunningSums)
      || (plan.kind == .fullyConnected && output.count == output.channelCount)
  }
}

extension Model {
  /// How a run over columns goes; nil where the network can't stream, or takes beats.
  ///
  /// - Complexity: O(n) in the number of operators and of what they read: worth keeping.
  public var streaming: StreamingLayout? {
    isStreamable && frontEndRecord.windowSamples != 0 ? try? StreamingLayout(self) : nil
  }

  /// Whether a decision is possible at every column, so at the delay after a beat that it was trained with: without strides along
  /// time, and where beats are the input.
  public var decidesAtEveryColumn: Bool {
    frontEnd?.beats != nil || streaming?.columnsPerDecision == 1
  }

  /// The scratch that a streaming run needs, in bytes; a whole-window run's where the network can't stream.
  public var streamingScratchByteCount: Int {
    if Built.beatFrontEnd, let beats = frontEnd?.beats { return beats.scratchByteCount(of: self) }
    // Networks side by side take turns.
    return max(streaming?.scratchByteCount ?? scratchByteCount, beatNetwork?.streamingScratchByteCount ?? 0)
  }
}
