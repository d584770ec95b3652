/// Sample in, decision out: the front end and the network, one spectrogram column at a time.
///
/// Every operator keeps only the columns that its kernel reaches back to, in a ring, so that a new column costs
/// one column of work; the last, fully connected operator runs when a decision is asked for. The codes are those
/// of a whole-window run over the same columns, bit for bit.
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
  /// The model that it runs.
  public let model: Model
  let state: UnsafeMutableRawPointer
  private let scratch: Scratch
  private let instructions: InstructionSet
  private let cursors: UnsafeMutablePointer<UInt16>
  private var spectrogram: StreamingSpectrogram

  /// Creates a pipeline in the caller's memory, with all samples forgotten.
  ///
  /// - Parameters:
  ///   - model: A validated model.
  ///   - state: At least `model.stateByteCount` bytes, at a multiple of 4; it must outlive the pipeline.
  ///   - scratch: At least `model.scratchByteCount` bytes, likewise; free for other use between calls.
  ///   - instructions: What inner loops may use.
  /// - Throws: `MemoryError` where the memory doesn't fit or the model can't stream.
  public init(
    model: Model, state: UnsafeMutableRawBufferPointer, scratch: UnsafeMutableRawBufferPointer,
    instructions: InstructionSet = .best
  ) throws(MemoryError) {
    guard let frontEnd = model.frontEnd, model.isStreamable else { throw .notStreamable }
    let stateStart = try unsafe checkedStart(of: state, byteCount: model.stateByteCount)
    let scratchStart = try unsafe checkedStart(of: scratch, byteCount: model.scratchByteCount)
    let spectrogram = try unsafe StreamingSpectrogram(plan: frontEnd, state: state, scratch: scratch)
    self.model = model
    unsafe self.state = stateStart
    unsafe self.scratch = Scratch(start: scratchStart, byteCount: scratch.count)
    self.instructions = instructions
    let frontEndByteCount = ModelFormat.State.frontEndByteCount(windowSamples: frontEnd.windowSamples)
    unsafe cursors = (stateStart + frontEndByteCount).assumingMemoryBound(to: UInt16.self)
    self.spectrogram = spectrogram
    reset()
  }

  /// Forgets all samples.
  public mutating func reset() {
    unsafe state.initializeMemory(as: UInt8.self, repeating: 0, count: model.stateByteCount)
    spectrogram.reset()
  }

  /// Takes a sample, in counts.
  ///
  /// Returns whether it completed a column, which then has gone through the network.
  ///
  /// - Complexity: O(1) for most samples, one column's work each hop.
  public mutating func push(_ sample: Int16) -> Bool {
    guard spectrogram.push(sample) else { return false }
    let plan = model.operatorPlan(0)
    unsafe spectrogram.computeColumn(into: nextColumn(of: plan, at: 0))
    advance(plan, at: 0)
    flow()
    return true
  }

  /// Whether enough columns have come for a decision.
  public var isWindowFull: Bool {
    let last = model.operatorCount &- 1
    return unsafe Int(cursors[2 &* last &+ 1]) == model.operatorPlan(last).ringColumnCount
  }

  /// Decides on the window that ends with the newest column.
  ///
  /// - Parameter output: Receives the output's codes, as many as `model.output.count`.
  /// - Precondition: `isWindowFull`.
  /// - Complexity: O(inputs x outputs) of the last operator.
  public func decide(into output: UnsafeMutableBufferPointer<Int8>) {
    precondition(
      isWindowFull && output.count >= model.output.count, "no window, or no room for the output")
    let last = model.operatorCount &- 1
    let plan = model.operatorPlan(last)
    unsafe FullyConnected.computeRow(
      plan, output: model.output, inputs: ring(of: plan, at: last), scratch: scratch,
      instructions: instructions, into: output.baseAddress!)
  }

  /// The newest column's codes, `binCount` of them, valid until the next call of `push`.
  public var newestColumn: UnsafeBufferPointer<Int8> {
    let plan = model.operatorPlan(0)
    let columnByteCount = model.input.columnByteCount
    let next = unsafe Int(cursors[0])
    let newest = next == 0 ? plan.ringColumnCount &- 1 : next &- 1
    let start = unsafe (state + plan.ringOffset + newest &* columnByteCount).assumingMemoryBound(
      to: Int8.self)
    return unsafe UnsafeBufferPointer(start: start, count: columnByteCount)
  }
}

extension StreamingPipeline {
  /// Lets the newest column flow through the convolutions, as far as their rings are full.
  private func flow() {
    for index in 0..<model.operatorCount &- 1 {
      let plan = model.operatorPlan(index)
      guard unsafe Int(cursors[2 &* index &+ 1]) == plan.ringColumnCount else { return }
      let next = model.operatorPlan(index &+ 1)
      unsafe Convolution.computeColumn(
        plan, input: model.tensor(plan.inputIndex(0)), output: model.tensor(plan.outputIndex),
        ring: ring(of: plan, at: index), scratch: scratch, instructions: instructions,
        into: nextColumn(of: next, at: index &+ 1))
      advance(next, at: index &+ 1)
    }
  }

  /// An operator's ring of input columns, oldest first.
  private func ring(of plan: OperatorPlan, at index: Int) -> Columns<Int8> {
    unsafe Columns(
      base: UnsafePointer((state + plan.ringOffset).assumingMemoryBound(to: Int8.self)),
      columnCount: model.tensor(plan.inputIndex(0)).columnCount, capacity: plan.ringColumnCount,
      start: Int(cursors[2 &* index]))
  }

  /// The place of an operator's next input column: that of its oldest one.
  private func nextColumn(of plan: OperatorPlan, at index: Int) -> UnsafeMutablePointer<Int8> {
    let columnByteCount = model.tensor(plan.inputIndex(0)).columnByteCount
    let offset = unsafe plan.ringOffset &+ Int(cursors[2 &* index]) &* columnByteCount
    return unsafe (state + offset).assumingMemoryBound(to: Int8.self)
  }

  /// Counts a column that was written to an operator's ring.
  private func advance(_ plan: OperatorPlan, at index: Int) {
    let next = unsafe Int(cursors[2 &* index]) &+ 1
    unsafe cursors[2 &* index] = next == plan.ringColumnCount ? 0 : UInt16(truncatingIfNeeded: next)
    let held = unsafe Int(cursors[2 &* index &+ 1])
    if held < plan.ringColumnCount { unsafe cursors[2 &* index &+ 1] = UInt16(truncatingIfNeeded: held &+ 1) }
  }
}
