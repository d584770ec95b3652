/// A validated view of a model image, read in place.
///
/// Validation reads everything once: afterwards no input can make the engines trap or leave the memory that they
/// were given, nor overflow where the image doesn't say that sums may wrap. The view copies nothing; the image's
/// memory must outlive it, unchanged.
@safe
public struct Model: @unchecked Sendable {
  let image: ImageBytes
  /// The image's size, in bytes; a signature behind it is not part of it.
  public let byteCount: Int
  /// The network's record in the image.
  let network: Int
  #if QUANTINFER_SELECTED && !QUANTINFER_PATCH
    var patch: PatchedConstants? { nil }
  #else
    /// The constants of one operator that lie elsewhere than in the image; nil in the model as shipped.
    var patch: PatchedConstants?
  #endif

  /// Reads a network's tables and checks all but its operators; see `Model.init(validating:)`.
  init(tables image: ImageBytes, network index: Int) throws(ModelError) {
    self.image = image
    byteCount = image.count
    let section = image.section(.network, of: index)
    guard section.byteCount >= ModelFormat.Network.byteCount, section.byteOffset % ModelFormat.alignment == 0
    else {
      throw ModelError(.truncated, at: ModelFormat.Header.sections)
    }
    network = section.byteOffset
    try validateSizes()
    try validateTensors()
    try frontEnd?.validate(input: input, leadCount: leadCount, scratchByteCount: scratchByteCount)
  }

  /// A network whose tables were checked.
  private init(_ image: ImageBytes, network: Int) {
    (self.image, byteCount, self.network) = (image, image.count, network)
  }

  /// The network of beats that the image has beside this one of columns: at each beat the monitor asks both, and adds up their
  /// logits, which have the same scale; nil where there is none.
  public var beatNetwork: Model? {
    guard Built.beatFrontEnd else { return nil }
    let section = image.section(.network, of: 1)
    guard section.byteCount != 0, section.byteOffset != network, frontEndRecord.place != 0,
      frontEndRecord.windowSamples != 0
    else { return nil }
    let second = Model(image, network: section.byteOffset)
    return second.frontEnd?.beats == nil ? nil : second
  }

  /// The memory that the tensors of a whole-window run need, in bytes.
  public var arenaByteCount: Int { image.number(at: network &+ ModelFormat.Network.arenaByteCount) }
  /// The memory that kernels and front end need while they run, in bytes.
  public var scratchByteCount: Int { image.number(at: network &+ ModelFormat.Network.scratchByteCount) }
  /// The memory that a streaming run keeps between samples, in bytes; 0 where the network can't stream.
  public var stateByteCount: Int { image.number(at: network &+ ModelFormat.Network.stateByteCount) }
  /// The number of tensors.
  public var tensorCount: Int { image.number(at: network &+ ModelFormat.Network.tensorCount) }
  /// The number of operators.
  public var operatorCount: Int { image.number(at: network &+ ModelFormat.Network.operatorCount) }
  /// The number of inputs, at least 1.
  public var inputCount: Int { Int(image.half(at: network &+ ModelFormat.Network.portCounts)) }
  /// The number of outputs, at least 1.
  public var outputCount: Int { Int(image.half(at: network &+ ModelFormat.Network.portCounts &+ 2)) }
  /// A section's bytes in the image; (0, 0) where it isn't there.
  ///
  /// Class names, provenance and task are UTF-8; they are those of the image's first network.
  public func section(_ kind: SectionKind) -> (byteOffset: Int, byteCount: Int) { image.section(kind, of: 0) }

  /// The number of leads that the front end takes a sample of at a time, 1...4: the samples of a frame.
  @inline(__always)
  public var leadCount: Int {
    Built.leads ? Int(image.half(at: network &+ ModelFormat.Network.leadCount)) : 1
  }

  /// How samples become the network's columns; nil where the model takes finished input.
  public var frontEnd: FrontEndPlan? {
    let place = frontEndRecord.place
    return place == 0 ? nil : FrontEndPlan(image, at: place)
  }

  /// The front end's record, in a model that has one.
  @inline(__always)
  var frontEndRecord: FrontEndRecord {
    FrontEndRecord(image: image, place: image.number(at: network &+ ModelFormat.Network.frontEnd))
  }

  /// Where a tensor's record lies.
  func tensorPlace(_ index: Int) -> Int {
    image.number(at: network &+ ModelFormat.Network.tensors) &+ index &* ModelFormat.Tensor.byteCount
  }

  /// Where an operator's record lies.
  func operatorPlace(_ index: Int) -> Int {
    image.number(at: network &+ ModelFormat.Network.operators) &+ index &* ModelFormat.Operator.byteCount
  }

  /// Where a port's record lies, inputs first.
  func portPlace(_ index: Int) -> Int {
    image.number(at: network &+ ModelFormat.Network.ports) &+ index &* ModelFormat.Port.byteCount
  }

  /// The first input's tensor.
  public var input: Tensor { tensor(tensorIndex(ofPort: 0)) }
  /// The first output's tensor.
  public var output: Tensor { tensor(tensorIndex(ofPort: inputCount)) }

  /// A tensor by its index; the index must be in `0 ..< tensorCount`.
  #if arch(x86_64) || arch(arm64)
    @inline(__always)
  #endif
  public func tensor(_ index: Int) -> Tensor {
    Tensor(validated: image, at: tensorPlace(index))
  }

  /// The number of codes in a tensor's column, without all the rest of it.
  func columnCount(ofTensor index: Int) -> Int {
    let dimensions = TensorDimensions(image, at: tensorPlace(index))
    return dimensions.beforeEnd(1) &* dimensions.beforeEnd(2)
  }

  /// The length of a tensor's dimension, the outermost first; the axis must be in `0 ..< rank`.
  public func length(ofTensor index: Int, axis: Int) -> Int {
    image.number(at: tensorPlace(index) &+ ModelFormat.Tensor.shape &+ 4 &* axis)
  }

  /// An input; the index must be in `0 ..< inputCount`.
  public func inputPort(_ index: Int) -> Port { port(index) }

  /// An output; the index must be in `0 ..< outputCount`.
  public func outputPort(_ index: Int) -> Port { port(inputCount &+ index) }

  private func tensorIndex(ofPort index: Int) -> Int {
    Int(image.half(at: portPlace(index) &+ ModelFormat.Port.tensor))
  }

  private func port(_ index: Int) -> Port {
    typealias Field = ModelFormat.Port
    let place = portPlace(index)
    return Port(
      tensorIndex: tensorIndex(ofPort: index),
      border: PortBorder(rawValue: image.half(at: place &+ Field.border)) ?? .codes,
      sourceOperatorIndex: Int(image.half(at: place &+ Field.operatorIndex)),
      sourceTensorIndex: Int(image.half(at: place &+ Field.tensorIndex)))
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
  private func validateSizes() throws(ModelError) {
    typealias Field = ModelFormat.Network
    var field = 0
    while field < Field.byteCount {
      // All are sizes and offsets but two counts of 16 bits.
      guard field == Field.portCounts || image.signedWord(at: network &+ field) >= 0 else {
        throw ModelError(.offsetOutOfRange, at: network &+ field)
      }
      // Arena, scratch and state follow one another in front.
      guard
        field > Field.stateByteCount
          || image.number(at: network &+ field) <= ModelFormat.greatestMemoryByteCount
      else { throw ModelError(.beyondLimits, at: network &+ field) }
      field &+= 4
    }
    try image.offset(at: network &+ Field.tensors, count: tensorCount, stride: ModelFormat.Tensor.byteCount)
    try image.offset(
      at: network &+ Field.operators, count: operatorCount, stride: ModelFormat.Operator.byteCount)
    try image.offset(
      at: network &+ Field.ports, count: inputCount &+ outputCount, stride: ModelFormat.Port.byteCount)
    if image.number(at: network &+ Field.frontEnd) != 0 {
      try image.offset(at: network &+ Field.frontEnd, count: ModelFormat.FrontEnd.byteCount / 4, stride: 4)
    }
    guard (scratchByteCount | arenaByteCount) & (ModelFormat.alignment - 1) == 0 else {
      throw ModelError(.invalidTensor, at: network &+ Field.scratchByteCount)
    }
    guard inputCount > 0, outputCount > 0 else {
      throw ModelError(.invalidTensor, at: network &+ Field.portCounts)
    }
    guard operatorCount > 0 else { throw ModelError(.invalidOperator, at: network &+ Field.operatorCount) }
    // Without a front end there are no samples, and so no leads to tell apart.
    let greatestLeadCount: UInt32 =
      Built.leads && image.number(at: network &+ Field.frontEnd) != 0 ? ModelFormat.greatestLeadCount : 1
    guard (1...greatestLeadCount).contains(image.word(at: network &+ Field.leadCount)) else {
      throw ModelError(.unsupportedLeads, at: network &+ Field.leadCount)
    }
  }

  /// Tensors lie in arena or image, variable ones without sharing; ports are computed ones.
  private func validateTensors() throws(ModelError) {
    var variableByteCount = 0
    var indices = Indices(to: tensorCount)
    while let index = indices.next() {
      try Tensor.validate(image, at: tensorPlace(index), arena: arenaByteCount)
      let tensor = tensor(index)
      guard tensor.storage == .variable else { continue }
      // Whoever sets them to their zero points goes through the arena once at most.
      guard tensor.byteCount <= arenaByteCount &- variableByteCount else {
        throw ModelError(.invalidTensor, at: tensorPlace(index) &+ ModelFormat.Tensor.place)
      }
      variableByteCount &+= tensor.byteCount
    }
    var ports = Indices(to: inputCount &+ outputCount)
    while let port = ports.next() {
      let index = tensorIndex(ofPort: port)
      guard index < tensorCount, tensor(index).storage == .computed,
        PortBorder(rawValue: image.half(at: portPlace(port) &+ ModelFormat.Port.border)) != nil
      else {
        throw ModelError(.invalidTensor, at: portPlace(port))
      }
    }
  }
}
