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
