/// Runs a model over a whole window: input codes in, output codes out.
@safe
public struct WholeWindow: ~Copyable {
  /// The model that it runs.
  public let model: Model
  private let arena: UnsafeMutableRawPointer
  private let scratch: Scratch
  private let instructions: InstructionSet

  /// Creates an engine in the caller's memory, with variable tensors at their zero points.
  ///
  /// - Parameters:
  ///   - model: A validated model.
  ///   - arena: At least `model.arenaByteCount` bytes, at a multiple of 4; it must outlive the engine.
  ///   - scratch: At least `model.scratchByteCount` bytes, likewise; convolutions are faster with more.
  ///   - instructions: What inner loops may use.
  /// - Throws: `MemoryError` where the memory doesn't fit.
  public init(
    model: Model, arena: UnsafeMutableRawBufferPointer, scratch: UnsafeMutableRawBufferPointer,
    instructions: InstructionSet = .best
  ) throws(MemoryError) {
    guard Built.wholeWindow else { throw .notBuilt }
    let arenaStart = try unsafe checkedStart(of: arena, byteCount: model.arenaByteCount)
    let scratchStart = try unsafe checkedStart(of: scratch, byteCount: model.scratchByteCount)
    self.model = model
    unsafe self.arena = arenaStart
    unsafe self.scratch = Scratch(start: scratchStart, byteCount: scratch.count)
    self.instructions = instructions
    reset()
  }

  /// Sets variable tensors to their zero points: what they keep from run to run is forgotten.
  public func reset() {
    for index in 0..<model.tensorCount {
      let tensor = model.tensor(index)
      guard tensor.storage == .variable else { continue }
      for element in 0..<tensor.count {
        if tensor.type == .int8 {
          unsafe codes(of: tensor)[element] = Int8(truncatingIfNeeded: tensor.zeroPoint)
        } else {
          unsafe codes(of: tensor)[element] = Int16(truncatingIfNeeded: tensor.zeroPoint)
        }
      }
    }
  }

  /// The first input's codes, int8, to be filled before each run: operators reuse their place.
  ///
  /// - Precondition: The input is int8.
  public var input: UnsafeMutableBufferPointer<Int8> { unsafe codes(of: model.input) }

  /// The first output's codes after a run, int8.
  ///
  /// - Precondition: The output is int8.
  public var output: UnsafeBufferPointer<Int8> { unsafe UnsafeBufferPointer(codes(of: model.output)) }

  /// A tensor's codes: inputs to be filled before each run, others valid until a later operator reuses their place.
  ///
  /// - Precondition: `Code` is `Int8` or `Int16`, as the tensor's type, and the tensor is no constant.
  public func codes<Code: FixedWidthInteger>(of tensor: Tensor) -> UnsafeMutableBufferPointer<Code> {
    precondition(
      Code.bitWidth == 8 * tensor.type.byteCount && tensor.storage != .constant, "not the tensor's type")
    let start = unsafe (arena + tensor.byteOffset).assumingMemoryBound(to: Code.self)
    return unsafe UnsafeMutableBufferPointer(start: start, count: tensor.count)
  }

  /// Runs all operators.
  public mutating func run() {
    for index in 0..<model.operatorCount { runOperator(index) }
  }

  /// Runs one operator, so that every tensor can be looked at on the way; `index` in `0 ..< operatorCount`.
  public mutating func runOperator(_ index: Int) {
    unsafe OperatorRunner(
      workspace: Workspace(model: model, arena: arena, scratch: scratch, instructions: instructions)
    ).run(index)
  }
}
