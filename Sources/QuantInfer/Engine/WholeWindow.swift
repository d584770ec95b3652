/// Runs a model over a whole window: input codes in, output codes out.
@safe
public struct WholeWindow: ~Copyable {
  /// The model that it runs.
  public let model: Model
  private let arena: UnsafeMutableRawPointer

  /// Creates an engine in the caller's memory.
  ///
  /// - Parameters:
  ///   - model: A validated model.
  ///   - arena: At least `model.arenaByteCount` bytes, at a multiple of 4; it must outlive the engine.
  /// - Throws: `MemoryError` where the arena doesn't fit.
  public init(model: Model, arena: UnsafeMutableRawBufferPointer) throws(MemoryError) {
    self.model = model
    unsafe self.arena = try checkedStart(of: arena, byteCount: model.arenaByteCount)
  }

  /// The input's codes `[time, frequency, channel]`, to be filled before each run: operators reuse their place.
  public var input: UnsafeMutableBufferPointer<Int8> {
    let start = unsafe arena.assumingMemoryBound(to: Int8.self) + model.input.arenaOffset
    return unsafe UnsafeMutableBufferPointer(start: start, count: model.input.byteCount)
  }

  /// The output's codes after a run.
  public var output: UnsafeBufferPointer<Int8> { unsafe codes(of: model.output) }

  /// A tensor's codes: valid until a later operator reuses their place.
  public func codes(of tensor: Tensor) -> UnsafeBufferPointer<Int8> {
    let start = unsafe UnsafeRawPointer(arena + tensor.arenaOffset).assumingMemoryBound(to: Int8.self)
    return unsafe UnsafeBufferPointer(start: start, count: tensor.byteCount)
  }

  /// Runs all operators.
  public mutating func run() {
    for index in 0..<model.operatorCount { runOperator(index) }
  }

  /// Runs one operator, so that every tensor can be looked at on the way; `index` in `0 ..< operatorCount`.
  public mutating func runOperator(_ index: Int) {
    let plan = model.operatorPlan(index)
    let input = model.tensor(plan.inputIndex)
    let output = model.tensor(plan.outputIndex)
    let columns = unsafe Columns(
      base: UnsafePointer((arena + input.arenaOffset).assumingMemoryBound(to: Int8.self)),
      columnByteCount: input.columnByteCount, capacity: input.timeCount, start: 0)
    let result = unsafe (arena + output.arenaOffset).assumingMemoryBound(to: Int8.self)
    switch plan.kind {
    case .convolution:
      let patch = unsafe arena.assumingMemoryBound(to: Int8.self)
      for column in 0..<output.timeCount {
        unsafe Convolution.computeColumn(
          plan, input: input, output: output, columns: columns,
          firstColumn: column &* plan.time.stride &- plan.time.paddingBefore, columnCount: input.timeCount,
          patch: patch, into: result + (column &* output.columnByteCount))
      }
    case .fullyConnected:
      unsafe FullyConnected.compute(plan, output: output, columns: columns, into: result)
    case nil:
      break  // Validation refuses unknown operators.
    }
  }
}

/// The first byte of memory that is large enough and aligned.
func checkedStart(
  of memory: UnsafeMutableRawBufferPointer, byteCount: Int
) throws(MemoryError) -> UnsafeMutableRawPointer {
  guard memory.count >= byteCount, let start = memory.baseAddress else {
    throw .tooSmall(requiredByteCount: byteCount)
  }
  guard UInt(bitPattern: start) % UInt(ModelFormat.alignment) == 0 else { throw .misaligned }
  return unsafe start
}
