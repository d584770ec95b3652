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

  /// Reads an image's tables and checks all but its operators; see `Model.init(validating:)`.
  init(tables bytes: UnsafeRawBufferPointer) throws(ModelError) {
    image = try unsafe ImageBytes(bytes)
    byteCount = bytes.count
    try validateHeader()
    try validateTensors()
    try frontEnd?.validate(input: input, scratchByteCount: scratchByteCount)
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
  func tensorPlace(_ index: Int) -> Int {
    image.number(at: ModelFormat.Header.tensors) &+ index &* ModelFormat.Tensor.byteCount
  }

  /// Where an operator's record lies.
  func operatorPlace(_ index: Int) -> Int {
    image.number(at: ModelFormat.Header.operators) &+ index &* ModelFormat.Operator.byteCount
  }

  /// Where a port's record lies, inputs first.
  func portPlace(_ index: Int) -> Int {
    image.number(at: ModelFormat.Header.ports) &+ index &* ModelFormat.Port.byteCount
  }

  /// The first input's tensor.
  public var input: Tensor { tensor(inputPort(0).tensorIndex) }
  /// The first output's tensor.
  public var output: Tensor { tensor(outputPort(0).tensorIndex) }

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
      border: PortBorder(rawValue: image.half(at: place + Field.border)) ?? .codes,
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
    // Arena, scratch and state follow one another.
    field = Header.arenaByteCount
    while field <= Header.stateByteCount {
      guard image.number(at: field) <= ModelFormat.greatestMemoryByteCount else {
        throw ModelError(.invalidTensor, at: field)
      }
      field &+= 4
    }
    guard (scratchByteCount | arenaByteCount) & (ModelFormat.alignment - 1) == 0 else {
      throw ModelError(.invalidTensor, at: Header.scratchByteCount)
    }
    guard inputCount > 0, outputCount > 0 else { throw ModelError(.invalidTensor, at: Header.portCounts) }
    guard operatorCount > 0 else { throw ModelError(.invalidOperator, at: Header.operatorCount) }
  }

  /// Tensors lie in arena or image, variable ones without sharing; ports are computed ones.
  private func validateTensors() throws(ModelError) {
    var variableByteCount = 0
    for index in 0..<tensorCount {
      try Tensor.validate(image, at: tensorPlace(index), arena: arenaByteCount)
      let tensor = tensor(index)
      guard tensor.storage == .variable else { continue }
      // Whoever sets them to their zero points goes through the arena once at most.
      guard tensor.byteCount <= arenaByteCount &- variableByteCount else {
        throw ModelError(.invalidTensor, at: tensorPlace(index) &+ ModelFormat.Tensor.place)
      }
      variableByteCount &+= tensor.byteCount
    }
    for port in 0..<inputCount &+ outputCount {
      let index = self.port(port).tensorIndex
      guard index < tensorCount, tensor(index).storage == .computed,
        PortBorder(rawValue: image.half(at: portPlace(port) &+ ModelFormat.Port.border)) != nil
      else {
        throw ModelError(.invalidTensor, at: portPlace(port))
      }
    }
  }
}
