/// Sample in, decision out: the front end and the network, one column at a time.
///
/// Every operator keeps only the columns that its window reaches back to, in a ring, so that a new column costs one
/// column of work; what needs the whole window runs when a decision is asked for. The codes are those of a whole-window
/// run over the same columns, bit for bit. See `StreamingLayout`.
///
/// ```swift
/// var pipeline = try StreamingPipeline(model: model, state: state, scratch: scratch)
/// for sample in samples {
///   if pipeline.push(sample), pipeline.isWindowFull {
///     pipeline.decide(into: logits)
///   }
/// }
/// ```
@safe
public struct StreamingPipeline: ~Copyable {
  // The C interface keeps these words as the device's own record, and checks their checksum at each call: none twice.
  private var tail: OperatorRunner
  /// See `StreamingLayout`.
  let tailStart: Int
  private let readsRing: Bool
  private let hasEdges: Bool
  let state: UnsafeMutableRawPointer
  private let cursors: UnsafeMutablePointer<UInt16>

  /// The model that it runs.
  public var model: Model { tail.workspace.model }
  private var scratch: Scratch { tail.workspace.scratch }
  private var frontEnd: StreamingFrontEnd {
    unsafe StreamingFrontEnd(
      model.frontEndRecord, leadCount: model.leadCount, state: state, scratch: scratch.start)
  }

  /// Creates a pipeline in the caller's memory, with all samples forgotten.
  ///
  /// - Parameters:
  ///   - model: A validated model.
  ///   - state: At least `model.stateByteCount` bytes, at a multiple of 4; it must outlive the pipeline.
  ///   - scratch: At least `model.streaming.scratchByteCount` bytes, likewise; free for other use between calls.
  ///   - instructions: What inner loops may use.
  /// - Throws: `MemoryError` where the memory doesn't fit or the model can't stream.
  public init(
    model: Model, state: UnsafeMutableRawBufferPointer, scratch: UnsafeMutableRawBufferPointer,
    instructions: InstructionSet = .best
  ) throws(MemoryError) {
    guard let plan = model.frontEnd, let layout = model.streaming else { throw .notStreamable }
    let stateStart = try unsafe checkedStart(of: state, byteCount: model.stateByteCount)
    let scratchStart = try unsafe checkedStart(of: scratch, byteCount: layout.scratchByteCount)
    tailStart = layout.tailStart
    (readsRing, hasEdges) = (layout.readsRing, layout.hasEdges)
    unsafe self.state = stateStart
    // Kernels take what the tail leaves: more than they need where the caller gives more.
    let spare = (scratch.count &- layout.scratchByteCount) & ~15
    tail = unsafe OperatorRunner(
      workspace: Workspace(
        model: model, arena: scratchStart + (layout.tailPlace &+ spare &- layout.tailOffset),
        scratch: Scratch(start: scratchStart, byteCount: layout.tailPlace &+ spare),
        instructions: instructions))
    let frontEndByteCount = ModelFormat.State.frontEndByteCount(
      windowSamples: plan.windowSamples, leadCount: model.leadCount)
    unsafe cursors = (stateStart + frontEndByteCount).assumingMemoryBound(to: UInt16.self)
    reset()
  }

  /// A pipeline that is never used: that of a model whose input are beats.
  init(idle model: Model, state: UnsafeMutableRawPointer) {
    (tailStart, readsRing, hasEdges) = (0, false, false)
    unsafe self.state = state
    unsafe cursors = state.assumingMemoryBound(to: UInt16.self)
    tail = unsafe OperatorRunner(
      workspace: Workspace(
        model: model, arena: state, scratch: Scratch(start: state, byteCount: 0), instructions: .best))
  }

  /// Forgets all samples.
  public mutating func reset() {
    forgetColumns()
    frontEnd.reset()
  }

  /// Goes on with another patch of its image: what it keeps doesn't depend on a patch.
  mutating func change(to model: Model) {
    let workspace = tail.workspace
    tail = unsafe OperatorRunner(
      workspace: Workspace(
        model: model, arena: workspace.arena, scratch: workspace.scratch, instructions: workspace.instructions
      ))
  }

  /// Forgets all columns, but not the front end's samples: `columnsPerDecision` times any number after the window's
  /// columns the next decisions are those of a pipeline that never forgot.
  public mutating func forgetColumns() {
    // Behind the front end's samples lie cursors and rings.
    let first = unsafe UnsafeMutableRawPointer(cursors) - state
    unsafe clear(cursors, byteCount: model.stateByteCount &- first)
    guard pads else {
      var indices = Indices(to: tailStart &+ 1)
      while let index = indices.next() {
        cursor(index).reset(waiting: model.operatorPlan(index).ringColumnCount)
      }
      return
    }
    var stage = stage(0)
    while stage.index < tailStart {
      cursor(stage.index).reset(waiting: stage.window.columnsUntilFirst)
      stage = behind(stage)
    }
    cursor(tailStart).reset(waiting: stage.plan.ringColumnCount &- stage.window.input.count)
  }

  /// Takes a frame without computing the column that it may complete; `forgetColumns` before the next one is computed.
  ///
  /// Returns whether it completed a column.
  ///
  /// - Complexity: O(1).
  mutating func pass(_ frame: some Frame) -> Bool { frontEnd.push(frame) }

  /// Takes a sample of a model of one lead, in counts; one of several takes nothing so, and never completes a column.
  ///
  /// Returns whether it completed a column, which then has gone through the network.
  ///
  /// - Complexity: O(1) for most samples, one column's work each hop.
  public mutating func push(_ sample: Int16) -> Bool {
    guard !Built.leads || model.leadCount == 1 else { return false }
    return take(OneSample(sample))
  }

  /// Takes a frame: `model.leadCount` samples, one of each lead, in counts.
  ///
  /// Returns whether it completed a column, as `push(_:)` does.
  public mutating func push(frame: UnsafePointer<Int16>) -> Bool {
    guard Built.leads, model.leadCount > 1 else { return unsafe take(OneSample(frame[0])) }
    return unsafe take(LeadSamples(of: frame, leadCount: model.leadCount))
  }

  /// Takes a frame of as many leads as the model has.
  mutating func take(_ frame: some Frame) -> Bool {
    guard frontEnd.push(frame) else { return false }
    computeColumn()
    return true
  }

  /// Computes the front end's column, and lets it flow.
  @inline(__always)
  private mutating func computeColumn() {
    unsafe frontEnd.computeColumn(into: nextColumn(of: stage(0)))
    flow()
  }

  /// Takes frames one after the other, as `take` does each of them.
  mutating func take(_ frames: UnsafePointer<Int16>, count: Int) {
    var place = 0
    while place < count {
      let taken = unsafe frontEnd.push(frames + place &* model.leadCount, count: count &- place)
      place &+= taken.count
      if taken.isColumn { computeColumn() }
    }
  }

  /// The samples that are still missing for the next column.
  var samplesUntilColumn: Int { frontEnd.samplesUntilColumn }

  /// Whether a decision about the window that ends with the newest column is possible.
  ///
  /// The first is possible when enough columns have come, the next ones `columnsPerDecision` columns apart.
  public var isWindowFull: Bool {
    guard cursor(tailStart).due == 0 else { return false }
    guard pads else {
      var indices = Indices(to: tailStart)
      while let index = indices.next() {
        guard cursor(index).due == model.operatorPlan(index).timeStride else { return false }
      }
      return true
    }
    var stage = stage(0)
    while stage.index < tailStart {
      guard cursor(stage.index).due == stage.plan.timeStride &- stage.window.columnsLeft else { return false }
      stage = behind(stage)
    }
    return true
  }

  /// Decides on the window that ends with the newest column.
  ///
  /// Where operators in front of the tail pad along time, the state gets the columns of this window's edges.
  ///
  /// - Parameter output: Receives the output's codes, as many as `model.output.count`.
  /// - Precondition: `isWindowFull`.
  /// - Complexity: O(inputs x outputs) of the operators behind the columns'.
  public func decide(into output: UnsafeMutableBufferPointer<Int8>) {
    let isDone = unsafe decideIfFull(into: output)
    precondition(isDone, "no window, or no room for the output")
  }

  /// The same where there is such a window and room for the output; false otherwise.
  public func decideIfFull(into output: UnsafeMutableBufferPointer<Int8>) -> Bool {
    let result = model.output
    guard isWindowFull, output.count >= result.count, let codes = output.baseAddress else { return false }
    let stage = stageOfTail()
    if Built.wholeWindow {
      runTail(stage)
      unsafe codes.update(
        from: (tail.workspace.arena + result.byteOffset).assumingMemoryBound(to: Int8.self),
        count: result.count)
    } else {
      unsafe decide(stage, output: result, into: codes)
    }
    return true
  }

  /// The newest column's codes, `binCount` of each lead, valid until the next call of `push`.
  public var newestColumn: UnsafeBufferPointer<Int8> {
    let plan = model.operatorPlan(0)
    let columnByteCount = model.input.columnByteCount
    let next = cursor(0).next(in: plan.ringColumnCount)
    let newest = next == 0 ? plan.ringColumnCount &- 1 : next &- 1
    let start = unsafe (state + plan.ringOffset + newest &* columnByteCount).assumingMemoryBound(
      to: Int8.self)
    return unsafe UnsafeBufferPointer(start: start, count: columnByteCount)
  }
}

extension StreamingPipeline {
  /// Whether an operator in front of the tail pads along time.
  private var pads: Bool { Built.edges && hasEdges }

  private func stage(_ index: Int, behind edges: Edges = .none) -> Stage {
    Stage(model, index, behind: edges, isTail: index == tailStart, pads: pads)
  }

  /// The stage that takes a stage's columns.
  private func behind(_ stage: Stage) -> Stage {
    self.stage(stage.index &+ 1, behind: stage.window.output)
  }

  /// Lets the newest column flow through the operators, as far as their windows and strides let it.
  private func flow() {
    var stage = stage(0)
    while advance(stage), stage.index < tailStart {
      let next = behind(stage)
      cursor(stage.index).setDue(stage.plan.timeStride)
      // The column is named by its place in the window that a decision looks at, which strides may make a later one.
      unsafe compute(
        stage, column: stage.window.newestInner, ahead: stage.window.columnsLeft, output: next.inputIndex,
        into: nextColumn(of: next))
      stage = next
    }
  }

  /// Computes the columns at the window's ends, and gives the tail's stage.
  private func stageOfTail() -> Stage {
    var stage = stage(pads ? 0 : tailStart)
    while Built.edges, stage.index < tailStart {
      let next = behind(stage)
      let window = ring(of: next)
      let edges = stage.window.output
      var columns = Indices(to: edges.count)
      while let index = columns.next() {
        let column = index < edges.before ? index : stage.window.outputCount &- edges.count &+ index
        unsafe compute(
          stage, column: column, output: next.inputIndex,
          into: UnsafeMutablePointer(mutating: window.column(column)))
      }
      stage = next
    }
    return stage
  }

  /// Computes an output column of an operator from its ring; a call of its own, so that `make firmware-report` can count it.
  @inline(never)
  private func compute(
    _ stage: Stage, column index: Int, ahead: Int = 0, output: Int,
    into column: UnsafeMutablePointer<Int8>
  ) {
    if Built.onlyConvolutions || stage.plan.kind == .convolution || stage.plan.weights?.layout == .blocks {
      guard Built.convolution else { return }
      unsafe Convolution.computeColumn(
        stage.plan, column: index, input: model.tensor(stage.inputIndex), output: model.tensor(output),
        ring: ring(of: stage, ahead: ahead), scratch: scratch,
        instructions: tail.workspace.instructions, into: column)
    } else {
      unsafe computeLinear(stage, column: index, ahead: ahead, output: output, into: column)
    }
  }

  /// Computes an output column of an operator from a copy of the columns under its window.
  @inline(never)
  private func computeLinear(
    _ stage: Stage, column index: Int, ahead: Int, output: Int, into column: UnsafeMutablePointer<Int8>
  ) {
    var plan = stage.plan
    var columns = unsafe Range(uncheckedBounds: (0, plan.ringColumnCount))
    if Built.edges, stage.window.output.arePresent {
      columns = stage.window.columns(under: index)
      plan = plan.padded(stage.window.padding(of: index))
    }
    let linear = unsafe scratch.start.assumingMemoryBound(to: Int8.self)
    unsafe ring(of: stage, ahead: ahead).copy(columns, into: linear)
    let from = unsafe Operand(
      tensor: model.tensor(stage.inputIndex).columns(columns.upperBound &- columns.lowerBound),
      start: scratch.start)
    let to = unsafe Operand(tensor: model.tensor(output).columns(1), start: UnsafeMutableRawPointer(column))
    tail.compute(plan, input: from, output: to, as: Int8.self)
  }

  /// An operator's ring of input columns, oldest first; with the window's last columns, that are not there yet, at its end.
  ///
  /// The window may be the one that begins so many columns ahead, of which the last are still missing.
  private func ring(of stage: Stage, ahead: Int = 0) -> Columns<Int8> {
    let count = stage.plan.ringColumnCount
    var oldest = cursor(stage.index).next(in: count)
    if pads { oldest = remainder(oldest &+ stage.window.input.after &+ ahead, count) }
    return unsafe Columns(
      base: UnsafePointer((state + stage.plan.ringOffset).assumingMemoryBound(to: Int8.self)),
      columnCount: stage.columnCount, capacity: count, start: oldest)
  }

  /// Runs the tail's operators, the first from its ring or from a copy of the window.
  private func runTail(_ stage: Stage) {
    if readsRing {
      let result = model.tensor(stage.plan.outputIndex)
      let codes = unsafe (tail.workspace.arena + result.byteOffset).assumingMemoryBound(to: Int8.self)
      unsafe decide(stage, output: result, into: codes)
    } else {
      let place = unsafe (tail.workspace.arena + model.tensor(stage.inputIndex).byteOffset)
        .assumingMemoryBound(
          to: Int8.self)
      unsafe ring(of: stage).copy(into: place)
      tail.run(tailStart)
    }
    var indices = Indices(from: tailStart &+ 1, to: model.operatorCount)
    while let index = indices.next() { tail.run(index) }
  }

  /// Runs the tail's first operator, which reads its ring.
  private func decide(_ stage: Stage, output: Tensor, into codes: UnsafeMutablePointer<Int8>) {
    if Built.pooling, stage.plan.hasRunningSums {
      unsafe sums(of: stage).finish(
        stage.plan, input: model.tensor(stage.inputIndex), output: output, into: codes)
    } else if Built.fullyConnected {
      unsafe FullyConnected.computeRow(
        stage.plan, output: output, inputs: ring(of: stage), scratch: scratch,
        instructions: tail.workspace.instructions,
        into: codes)
    }
  }

  /// Makes room for an operator's next input column, in the place of its oldest one.
  private func nextColumn(of stage: Stage) -> UnsafeMutablePointer<Int8> {
    // Behind it lie the window's last columns.
    let after = stage.window.input.after
    let oldest = unsafe ring(of: stage).column(after > 0 ? stage.plan.ringColumnCount &- after : 0)
    if Built.pooling, stage.plan.hasRunningSums { unsafe sums(of: stage).remove(oldest) }
    return unsafe UnsafeMutablePointer(mutating: oldest)
  }

  /// The sums of the tail's window.
  private func sums(of stage: Stage) -> RunningSums {
    unsafe RunningSums(
      stage.plan, input: model.tensor(stage.inputIndex), output: model.tensor(stage.plan.outputIndex),
      state: state)
  }

  /// Counts a column that was written to an operator's ring, and takes it into the sums.
  ///
  /// Returns whether the operator's next output is due.
  private func advance(_ stage: Stage) -> Bool {
    let cursor = cursor(stage.index)
    let next = cursor.next(in: stage.plan.ringColumnCount) &+ 1
    let isLast = next == stage.plan.ringColumnCount
    if Built.pooling, stage.plan.hasRunningSums {
      unsafe sums(of: stage).add(ring(of: stage).column(0), endsRound: isLast)
    }
    cursor.setNext(isLast ? 0 : next)
    let due = min(cursor.due, RingCursor.longestWait(stage.plan, isTail: stage.index == tailStart))
    if due > 0 { cursor.setDue(due &- 1) }
    return due <= 1
  }

  private func cursor(_ index: Int) -> RingCursor { unsafe RingCursor(cursors, of: index) }
}
