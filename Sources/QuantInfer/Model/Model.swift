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
  #if QUANTINFER_SELECTED
    var patch: PatchedConstants? { nil }
  #else
    /// The constants of one operator that lie elsewhere than in the image; nil in the model as shipped.
    var patch: PatchedConstants?
  #endif

  /// Validates an image.
  ///
  /// - Parameter bytes: The image, its first byte at a multiple of 4; it must outlive the model, unchanged.
  /// - Throws: `ModelError`, with the place of the first thing that is wrong.
  /// - Complexity: O(n) in the image's size and the number of output cells.
  public init(validating bytes: UnsafeRawBufferPointer) throws(ModelError) {
    image = try unsafe ImageBytes(bytes)
    byteCount = bytes.count
    try validateHeader()
    try validateTensors()
    try frontEnd?.validate(input: input, scratchByteCount: scratchByteCount)
    try validateOperators()
    if isStreamable { _ = try StreamingLayout(self) }
  }

  /// The memory that the tensors of a whole-window run need, in bytes.
  public var arenaByteCount: Int { image.number(at: ModelFormat.Header.arenaByteCount) }
  /// The memory that kernels and front end need while they run, in bytes.
  public var scratchByteCount: Int { image.number(at: ModelFormat.Header.scratchByteCount) }
  /// The memory that a streaming run keeps between samples, in bytes; 0 where the network can't stream.
  public var stateByteCount: Int { image.number(at: ModelFormat.Header.stateByteCount) }
  /// The number of tensors.
  public var tensorCount: Int { image.number(at: ModelFormat.Header.tensorCount) }
  /// The number of operators.
  public var operatorCount: Int { image.number(at: ModelFormat.Header.operatorCount) }
  /// The number of inputs, at least 1.
  public var inputCount: Int { Int(image.half(at: ModelFormat.Header.portCounts)) }
  /// The number of outputs, at least 1.
  public var outputCount: Int { Int(image.half(at: ModelFormat.Header.portCounts + 2)) }
  /// The bytes of the class names in UTF-8, a line a class: offset in the image and size.
  public var classNames: (byteOffset: Int, byteCount: Int) {
    image.section(at: ModelFormat.Header.classNames)
  }
  /// The bytes of the provenance in UTF-8, a line `key=value` each: offset in the image and size.
  public var metadata: (byteOffset: Int, byteCount: Int) { image.section(at: ModelFormat.Header.metadata) }

  /// How samples become the network's columns; nil where the model takes finished input.
  public var frontEnd: FrontEndPlan? {
    let place = image.number(at: ModelFormat.Header.frontEnd)
    return place == 0 ? nil : FrontEndPlan(image, at: place)
  }

  /// Where a tensor's record lies.
  private func tensorPlace(_ index: Int) -> Int {
    image.number(at: ModelFormat.Header.tensors) &+ index &* ModelFormat.Tensor.byteCount
  }

  /// Where an operator's record lies.
  func operatorPlace(_ index: Int) -> Int {
    image.number(at: ModelFormat.Header.operators) &+ index &* ModelFormat.Operator.byteCount
  }

  /// Where a port's record lies, inputs first.
  private func portPlace(_ index: Int) -> Int {
    image.number(at: ModelFormat.Header.ports) &+ index &* ModelFormat.Port.byteCount
  }

  /// The first input's tensor.
  public var input: Tensor { tensor(inputPort(0).tensorIndex) }
  /// The first output's tensor.
  public var output: Tensor { tensor(outputPort(0).tensorIndex) }

  /// The scratch that a streaming run needs, in bytes; a whole-window run's where the network can't stream.
  public var streamingScratchByteCount: Int { streaming?.scratchByteCount ?? scratchByteCount }

  /// A tensor by its index; the index must be in `0 ..< tensorCount`.
  public func tensor(_ index: Int) -> Tensor {
    Tensor(validated: image, at: tensorPlace(index))
  }

  /// The length of a tensor's dimension, the outermost first; the axis must be in `0 ..< rank`.
  public func length(ofTensor index: Int, axis: Int) -> Int {
    image.number(at: tensorPlace(index) &+ ModelFormat.Tensor.shape &+ 4 &* axis)
  }

  /// An input; the index must be in `0 ..< inputCount`.
  public func inputPort(_ index: Int) -> Port { port(index) }

  /// An output; the index must be in `0 ..< outputCount`.
  public func outputPort(_ index: Int) -> Port { port(inputCount &+ index) }

  private func port(_ index: Int) -> Port {
    typealias Field = ModelFormat.Port
    let place = portPlace(index)
    return Port(
      tensorIndex: Int(image.half(at: place + Field.tensor)),
      isFloat: image.half(at: place + Field.isFloat) != 0,
      sourceOperatorIndex: Int(image.half(at: place + Field.operatorIndex)),
      sourceTensorIndex: Int(image.half(at: place + Field.tensorIndex)))
  }

  /// An operator by its place in the order of execution; the index must be in `0 ..< operatorCount`.
  public func operatorPlan(_ index: Int) -> OperatorPlan {
    OperatorPlan(image, at: operatorPlace(index), patch: patch?.operatorIndex == index ? patch : nil)
  }

  /// An operator as the image has it.
  func shippedPlan(_ index: Int) -> OperatorPlan {
    OperatorPlan(image, at: operatorPlace(index), patch: nil)
  }

  /// Whether the network can take one column at a time.
  public var isStreamable: Bool { stateByteCount > 0 }
  /// How a streaming run goes; nil where the network can't stream.
  ///
  /// - Complexity: O(n) in the square of the number of operators: worth keeping.
  public var streaming: StreamingLayout? { isStreamable ? try? StreamingLayout(self) : nil }

  /// A byte of the image, for reading names and provenance; the offset must be in `0 ..< byteCount`.
  public func byte(at offset: Int) -> UInt8 {
    precondition(offset >= 0 && offset < byteCount, "offset outside the model image")
    return unsafe image.base.load(fromByteOffset: offset, as: UInt8.self)
  }

  /// Sizes, and where the tables lie.
  private func validateHeader() throws(ModelError) {
    typealias Header = ModelFormat.Header
    var field = Header.arenaByteCount
    while field < Header.byteCount {
      // All are sizes and offsets but two counts of 16 bits.
      guard field == Header.portCounts || image.signedWord(at: field) >= 0 else {
        throw ModelError(.offsetOutOfRange, at: field)
      }
      field &+= 4
    }
    try image.offset(at: Header.tensors, count: tensorCount, stride: ModelFormat.Tensor.byteCount)
    try image.offset(at: Header.operators, count: operatorCount, stride: ModelFormat.Operator.byteCount)
    try image.offset(at: Header.ports, count: inputCount &+ outputCount, stride: ModelFormat.Port.byteCount)
    if image.number(at: Header.frontEnd) != 0 {
      try image.offset(at: Header.frontEnd, count: ModelFormat.FrontEnd.byteCount / 4, stride: 4)
    }
    try image.checkSection(at: Header.classNames)
    try image.checkSection(at: Header.metadata)
    guard (scratchByteCount | arenaByteCount) & (ModelFormat.alignment - 1) == 0 else {
      throw ModelError(.invalidTensor, at: Header.scratchByteCount)
    }
    guard inputCount > 0, outputCount > 0 else { throw ModelError(.invalidTensor, at: Header.portCounts) }
    guard operatorCount > 0 else { throw ModelError(.invalidOperator, at: Header.operatorCount) }
  }

  /// Tensors lie in arena or image; ports are computed ones.
  private func validateTensors() throws(ModelError) {
    for index in 0..<tensorCount { try Tensor.validate(image, at: tensorPlace(index), arena: arenaByteCount) }
    for port in 0..<inputCount &+ outputCount {
      let index = self.port(port).tensorIndex
      guard index < tensorCount, tensor(index).storage == .computed else {
        throw ModelError(.invalidTensor, at: portPlace(port))
      }
    }
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

/// The image's bytes and the reading of numbers from them.
@safe
struct ImageBytes {
  let base: UnsafeRawPointer

  /// The image's size by its header, which is right.
  var count: Int { number(at: ModelFormat.Header.imageByteCount) }

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
    guard word(at: Header.magic) == ModelFormat.magic else { throw ModelError(.notAModelImage, at: 0) }
    // Two bytes of zeros follow the version.
    guard word(at: Header.version) == UInt32(ModelFormat.version) else {
      throw ModelError(.unsupportedVersion, at: Header.version)
    }
    guard number(at: Header.imageByteCount) == bytes.count else {
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

  /// A size, an offset or an index that was checked.
  @inline(__always)
  func number(at field: Int) -> Int { Int(truncatingIfNeeded: signedWord(at: field)) }

  /// A size or an index: what `Int` can hold on every target.
  func size(at field: Int) throws(ModelError) -> Int {
    let value = number(at: field)
    guard value >= 0 else { throw ModelError(.offsetOutOfRange, at: field) }
    return value
  }

  /// The offset in a field, which must be aligned and have `count * stride` bytes after it.
  @discardableResult @inline(never)
  func offset(at field: Int, count elements: Int, stride: Int) throws(ModelError) -> Int {
    let start = number(at: field)
    let (length, overflow) = elements.multipliedReportingOverflow(by: stride)
    let alignment = min(stride & (0 &- stride), ModelFormat.alignment)
    guard !overflow, start & (alignment &- 1) == 0, start >= ModelFormat.Header.byteCount, start <= count,
      length <= count &- start
    else { throw ModelError(.offsetOutOfRange, at: field) }
    return start
  }

  /// Checks a section of plain bytes: its offset and size stand side by side.
  func checkSection(at field: Int) throws(ModelError) {
    let length = number(at: field &+ 4)
    if length != 0 { try offset(at: field, count: length, stride: 1) }
  }

  /// A section that was checked; (0, 0) where it is empty.
  func section(at field: Int) -> (byteOffset: Int, byteCount: Int) {
    let length = number(at: field &+ 4)
    return (length == 0 ? 0 : number(at: field), length)
  }
}
