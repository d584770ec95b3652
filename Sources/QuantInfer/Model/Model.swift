/// A validated view of a model image, read in place.
///
/// Validation reads everything once: afterwards no input can make the engines trap or leave the memory that they
/// were given, nor overflow where the image doesn't say that sums may wrap. The view copies nothing; the image's
/// memory must outlive it, unchanged.
@safe
public struct Model: @unchecked Sendable {
  let image: ImageBytes
  /// The image's size, in bytes.
  public let byteCount: Int
  /// The memory that the tensors of a whole-window run need, in bytes.
  public let arenaByteCount: Int
  /// The memory that kernels and front end need while they run, in bytes.
  public let scratchByteCount: Int
  /// The memory that a streaming run keeps between samples, in bytes; 0 where the network can't stream.
  public let stateByteCount: Int
  /// The number of tensors.
  public let tensorCount: Int
  /// The number of operators.
  public let operatorCount: Int
  /// The number of inputs, at least 1.
  public let inputCount: Int
  /// The number of outputs, at least 1.
  public let outputCount: Int
  /// How samples become the network's columns; nil where the model takes finished input.
  public let frontEnd: FrontEndPlan?
  /// The bytes of the class names in UTF-8, a line a class: offset in the image and size.
  public let classNames: (byteOffset: Int, byteCount: Int)
  /// The bytes of the provenance in UTF-8, a line `key=value` each: offset in the image and size.
  public let metadata: (byteOffset: Int, byteCount: Int)

  private let tensorsOffset: Int
  /// The constants of one operator that lie elsewhere than in the image; nil in the model as shipped.
  var patch: PatchedConstants?
  let operatorsOffset: Int
  let portsOffset: Int

  /// Validates an image.
  ///
  /// - Parameter bytes: The image, its first byte at a multiple of 4; it must outlive the model, unchanged.
  /// - Throws: `ModelError`, with the place of the first thing that is wrong.
  /// - Complexity: O(n) in the image's size and the number of output cells.
  public init(validating bytes: UnsafeRawBufferPointer) throws(ModelError) {
    let image = try unsafe ImageBytes(bytes)
    self.image = image
    typealias Header = ModelFormat.Header
    byteCount = image.count
    arenaByteCount = try image.size(at: Header.arenaByteCount)
    scratchByteCount = try image.size(at: Header.scratchByteCount)
    stateByteCount = try image.size(at: Header.stateByteCount)
    tensorCount = try image.size(at: Header.tensorCount)
    operatorCount = try image.size(at: Header.operatorCount)
    tensorsOffset = try image.offset(
      at: Header.tensors, count: tensorCount, stride: ModelFormat.Tensor.byteCount)
    operatorsOffset = try image.offset(
      at: Header.operators, count: operatorCount, stride: ModelFormat.Operator.byteCount)
    inputCount = Int(image.half(at: Header.portCounts))
    outputCount = Int(image.half(at: Header.portCounts + 2))
    portsOffset = try image.offset(
      at: Header.ports, count: inputCount + outputCount, stride: ModelFormat.Port.byteCount)
    classNames = try image.section(at: Header.classNames)
    metadata = try image.section(at: Header.metadata)
    guard scratchByteCount % ModelFormat.alignment == 0, arenaByteCount % ModelFormat.alignment == 0 else {
      throw ModelError(.invalidTensor, at: Header.scratchByteCount)
    }
    for index in 0..<tensorCount {
      _ = try Tensor(
        image, at: tensorsOffset + index * ModelFormat.Tensor.byteCount, arena: arenaByteCount)
    }
    for port in 0..<inputCount + outputCount {
      let place = portsOffset + port * ModelFormat.Port.byteCount
      let tensor = Int(image.half(at: place))
      guard tensor < tensorCount,
        Tensor(validated: image, at: tensorsOffset + tensor * ModelFormat.Tensor.byteCount).storage
          == .computed
      else { throw ModelError(.invalidTensor, at: place) }
    }
    guard inputCount > 0, outputCount > 0 else { throw ModelError(.invalidTensor, at: Header.portCounts) }
    guard operatorCount > 0 else { throw ModelError(.invalidOperator, at: Header.operatorCount) }

    let frontEndOffset = try image.size(at: Header.frontEnd)
    if frontEndOffset == 0 {
      frontEnd = nil
    } else {
      let input = Int(image.half(at: portsOffset + ModelFormat.Port.tensor))
      frontEnd = try FrontEndPlan(
        image, at: frontEndOffset,
        input: Tensor(validated: image, at: tensorsOffset + input * ModelFormat.Tensor.byteCount),
        scratchByteCount: scratchByteCount)
    }
    streaming = nil
    try validateOperators()
    if stateByteCount > 0 { streaming = try StreamingLayout(self) }
  }

  /// The first input's tensor.
  public var input: Tensor { tensor(inputPort(0).tensorIndex) }
  /// The first output's tensor.
  public var output: Tensor { tensor(outputPort(0).tensorIndex) }

  /// The scratch that a streaming run needs, in bytes; a whole-window run's where the network can't stream.
  public var streamingScratchByteCount: Int { streaming?.scratchByteCount ?? scratchByteCount }

  /// A tensor by its index; the index must be in `0 ..< tensorCount`.
  public func tensor(_ index: Int) -> Tensor {
    Tensor(validated: image, at: tensorsOffset + index * ModelFormat.Tensor.byteCount)
  }

  /// The length of a tensor's dimension, the outermost first; the axis must be in `0 ..< rank`.
  public func length(ofTensor index: Int, axis: Int) -> Int {
    let place = tensorsOffset + index * ModelFormat.Tensor.byteCount + ModelFormat.Tensor.shape
    return Int(truncatingIfNeeded: image.signedWord(at: place + 4 * axis))
  }

  /// An input; the index must be in `0 ..< inputCount`.
  public func inputPort(_ index: Int) -> Port { port(index) }

  /// An output; the index must be in `0 ..< outputCount`.
  public func outputPort(_ index: Int) -> Port { port(inputCount + index) }

  private func port(_ index: Int) -> Port {
    typealias Field = ModelFormat.Port
    let place = portsOffset + index * Field.byteCount
    return Port(
      tensorIndex: Int(image.half(at: place + Field.tensor)),
      isFloat: image.half(at: place + Field.isFloat) != 0,
      sourceOperatorIndex: Int(image.half(at: place + Field.operatorIndex)),
      sourceTensorIndex: Int(image.half(at: place + Field.tensorIndex)))
  }

  /// An operator by its place in the order of execution; the index must be in `0 ..< operatorCount`.
  public func operatorPlan(_ index: Int) -> OperatorPlan {
    var plan = shippedPlan(index)
    if let patch, patch.operatorIndex == index { plan.patch = patch }
    return plan
  }

  /// An operator as the image has it.
  func shippedPlan(_ index: Int) -> OperatorPlan {
    OperatorPlan(image, at: operatorsOffset + index * ModelFormat.Operator.byteCount)
  }

  /// Whether the network can take one column at a time.
  public var isStreamable: Bool { stateByteCount > 0 }
  /// How a streaming run goes; nil where the network can't stream.
  public private(set) var streaming: StreamingLayout?

  /// A byte of the image, for reading names and provenance; the offset must be in `0 ..< byteCount`.
  public func byte(at offset: Int) -> UInt8 {
    precondition(offset >= 0 && offset < byteCount, "offset outside the model image")
    return unsafe image.base.load(fromByteOffset: offset, as: UInt8.self)
  }

  /// Every operator reads what is there from the start or what an earlier operator wrote, and writes a computed
  /// tensor.
  private func validateOperators() throws(ModelError) {
    for index in 0..<operatorCount {
      let place = operatorsOffset + index * ModelFormat.Operator.byteCount
      let plan = operatorPlan(index)
      try plan.validateLists(at: place)
      guard plan.outputIndex < tensorCount, tensor(plan.outputIndex).storage == .computed else {
        throw ModelError(.invalidOperator, at: place + ModelFormat.Operator.output)
      }
      for input in 0..<plan.inputCount {
        let source = plan.inputIndex(input)
        guard source < tensorCount, isDefined(source, before: index) else {
          throw ModelError(.invalidOperator, at: place + ModelFormat.Operator.inputs)
        }
      }
      try plan.validateActivation(output: tensor(plan.outputIndex), at: place)
      try validateKernel(plan, at: place)
      guard isOutputSafe(plan) else {
        throw ModelError(.invalidOperator, at: place + ModelFormat.Operator.output)
      }
    }
    for output in 0..<outputCount {
      guard isDefined(outputPort(output).tensorIndex, before: operatorCount) else {
        throw ModelError(.invalidTensor, at: portsOffset + ModelFormat.Port.byteCount * (inputCount + output))
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
  private func validateKernel(_ plan: OperatorPlan, at place: Int) throws(ModelError) {
    let input = tensor(plan.inputIndex(0))
    let output = tensor(plan.outputIndex)
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

/// The image's bytes and the reading of numbers from them.
@safe
struct ImageBytes {
  let base: UnsafeRawPointer
  let count: Int

  /// Checks what can be known of any image: size, magic, version, checksum.
  init(_ bytes: UnsafeRawBufferPointer) throws(ModelError) {
    typealias Header = ModelFormat.Header
    guard let start = bytes.baseAddress, bytes.count >= Header.byteCount else {
      throw ModelError(.truncated, at: bytes.count)
    }
    guard UInt(bitPattern: start) % UInt(ModelFormat.alignment) == 0 else {
      throw ModelError(.misaligned, at: 0)
    }
    unsafe base = start
    count = bytes.count
    guard word(at: Header.magic) == ModelFormat.magic else { throw ModelError(.notAModelImage, at: 0) }
    // Two bytes of zeros follow the version.
    guard word(at: Header.version) == UInt32(ModelFormat.version) else {
      throw ModelError(.unsupportedVersion, at: Header.version)
    }
    guard Int(exactly: word(at: Header.imageByteCount)) == count else {
      throw ModelError(.truncated, at: Header.imageByteCount)
    }
    let covered = unsafe UnsafeRawBufferPointer(rebasing: bytes[ModelFormat.checksumStart...])
    guard unsafe CRC32.checksum(covered) == word(at: Header.checksum) else {
      throw ModelError(.checksumMismatch, at: Header.checksum)
    }
  }

  @inline(__always)
  func word(at offset: Int) -> UInt32 {
    unsafe UInt32(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  @inline(__always)
  func signedWord(at offset: Int) -> Int32 { Int32(bitPattern: word(at: offset)) }

  @inline(__always)
  func half(at offset: Int) -> UInt16 {
    unsafe UInt16(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
  }

  @inline(__always)
  func byte(at offset: Int) -> UInt8 { unsafe base.load(fromByteOffset: offset, as: UInt8.self) }

  /// Constants whose offset stands in a field; it was checked, or the pointer is not followed.
  @inline(__always)
  func pointer<Element>(at field: Int) -> UnsafePointer<Element> {
    unsafe (base + Int(truncatingIfNeeded: signedWord(at: field))).assumingMemoryBound(to: Element.self)
  }

  /// A size or an index: what `Int` can hold on every target.
  func size(at field: Int) throws(ModelError) -> Int {
    let value = word(at: field)
    guard value <= UInt32(Int32.max) else { throw ModelError(.offsetOutOfRange, at: field) }
    return Int(truncatingIfNeeded: value)
  }

  /// The offset in a field, which must be aligned and have `count * stride` bytes after it.
  func offset(at field: Int, count elements: Int, stride: Int) throws(ModelError) -> Int {
    let start = try size(at: field)
    let (length, overflow) = elements.multipliedReportingOverflow(by: stride)
    let alignment = min(stride & -stride, ModelFormat.alignment)
    let isAligned = start % alignment == 0
    guard !overflow, isAligned, start >= ModelFormat.Header.byteCount, start <= count, length <= count - start
    else { throw ModelError(.offsetOutOfRange, at: field) }
    return start
  }

  /// A section of plain bytes: its offset and size stand side by side.
  func section(at field: Int) throws(ModelError) -> (byteOffset: Int, byteCount: Int) {
    let length = try size(at: field + 4)
    if length == 0 { return (0, 0) }
    return (try offset(at: field, count: length, stride: 1), length)
  }
}
