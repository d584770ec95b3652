/// A validated view of a model image, read in place.
///
/// Validation reads everything once: afterwards no input can make the engines trap, overflow or leave the
/// memory that they were given. The view copies nothing; the image's memory must outlive it, unchanged.
@safe
public struct Model: @unchecked Sendable {
  let image: ImageBytes
  /// The image's size, in bytes.
  public let byteCount: Int
  /// The memory that a whole-window run needs, in bytes.
  public let arenaByteCount: Int
  /// The part of the arena that kernels and front end use while they run: all that a streaming run needs.
  public let scratchByteCount: Int
  /// The memory that a streaming run keeps between samples, in bytes; 0 where the network can't stream.
  public let stateByteCount: Int
  /// The number of tensors.
  public let tensorCount: Int
  /// The number of operators.
  public let operatorCount: Int
  /// The input's tensor.
  public let input: Tensor
  /// The output's tensor.
  public let output: Tensor
  /// How samples become the network's columns; nil where the model takes finished input.
  public let frontEnd: FrontEndPlan?
  /// The bytes of the class names in UTF-8, a line a class: offset in the image and size.
  public let classNames: (byteOffset: Int, byteCount: Int)
  /// The bytes of the provenance in UTF-8, a line `key=value` each: offset in the image and size.
  public let metadata: (byteOffset: Int, byteCount: Int)

  private let tensorsOffset: Int
  private let operatorsOffset: Int

  /// Validates an image.
  ///
  /// - Parameter bytes: The image, its first byte at a multiple of 4; it must outlive the model, unchanged.
  /// - Throws: `ModelError`, with the place of the first thing that is wrong.
  /// - Complexity: O(n) in the image's size.
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
    classNames = try image.section(at: Header.classNames)
    metadata = try image.section(at: Header.metadata)
    guard scratchByteCount <= arenaByteCount, scratchByteCount % ModelFormat.alignment == 0 else {
      throw ModelError(.invalidTensor, at: Header.scratchByteCount)
    }

    for index in 0..<tensorCount {
      _ = try Tensor(
        image, at: tensorsOffset + index * ModelFormat.Tensor.byteCount,
        arena: scratchByteCount..<arenaByteCount)
    }
    input = try Self.tensor(
      at: Header.inputTensor, in: image, tensorsOffset, tensorCount, scratchByteCount..<arenaByteCount)
    output = try Self.tensor(
      at: Header.outputTensor, in: image, tensorsOffset, tensorCount, scratchByteCount..<arenaByteCount)

    let frontEndOffset = try image.size(at: Header.frontEnd)
    frontEnd =
      frontEndOffset == 0
      ? nil
      : try FrontEndPlan(image, at: frontEndOffset, input: input, scratchByteCount: scratchByteCount)

    try validateOperators()
    if stateByteCount > 0 { try validateStreamingPlan() }
  }

  /// A tensor by its index; the index must be in `0 ..< tensorCount`.
  public func tensor(_ index: Int) -> Tensor {
    Tensor(validated: image, at: tensorsOffset + index * ModelFormat.Tensor.byteCount)
  }

  /// An operator by its place in the order of execution; the index must be in `0 ..< operatorCount`.
  public func operatorPlan(_ index: Int) -> OperatorPlan {
    OperatorPlan(image, at: operatorsOffset + index * ModelFormat.Operator.byteCount)
  }

  /// Whether the network can take one column at a time.
  public var isStreamable: Bool { stateByteCount > 0 }

  /// A byte of the image, for reading names and provenance; the offset must be in `0 ..< byteCount`.
  public func byte(at offset: Int) -> UInt8 {
    precondition(offset >= 0 && offset < byteCount, "offset outside the model image")
    return unsafe image.base.load(fromByteOffset: offset, as: UInt8.self)
  }

  private static func tensor(
    at field: Int, in image: ImageBytes, _ tensorsOffset: Int, _ count: Int, _ arena: Range<Int>
  ) throws(ModelError) -> Tensor {
    let index = try image.size(at: field)
    guard index < count else { throw ModelError(.invalidTensor, at: field) }
    return try Tensor(image, at: tensorsOffset + index * ModelFormat.Tensor.byteCount, arena: arena)
  }

  /// Every operator reads what the input or an earlier operator wrote, and the last one writes the output.
  private func validateOperators() throws(ModelError) {
    let inputIndex = Int(image.word(at: ModelFormat.Header.inputTensor))
    let outputIndex = Int(image.word(at: ModelFormat.Header.outputTensor))
    guard operatorCount > 0 else { throw ModelError(.invalidOperator, at: ModelFormat.Header.operatorCount) }
    for index in 0..<operatorCount {
      let place = operatorsOffset + index * ModelFormat.Operator.byteCount
      let plan = operatorPlan(index)
      guard plan.inputIndex < tensorCount, plan.outputIndex < tensorCount else {
        throw ModelError(.invalidOperator, at: place)
      }
      var isDefined = plan.inputIndex == inputIndex
      for earlier in 0..<index where operatorPlan(earlier).outputIndex == plan.inputIndex {
        isDefined = true
      }
      guard isDefined else { throw ModelError(.invalidOperator, at: place + ModelFormat.Operator.input) }
      try plan.validate(
        at: place, input: tensor(plan.inputIndex), output: tensor(plan.outputIndex),
        scratchByteCount: scratchByteCount)
    }
    guard operatorPlan(operatorCount - 1).outputIndex == outputIndex else {
      throw ModelError(.invalidOperator, at: ModelFormat.Header.outputTensor)
    }
  }

  /// A streamable network is a chain of unpadded convolutions of stride 1 along time that ends in one fully
  /// connected operator; each has a ring as long as its kernel's reach, and the rings don't overlap.
  private func validateStreamingPlan() throws(ModelError) {
    guard let frontEnd else {
      throw ModelError(.invalidStreamingPlan, at: ModelFormat.Header.stateByteCount)
    }
    var freeOffset =
      ModelFormat.State.frontEndByteCount(windowSamples: frontEnd.windowSamples)
      + ModelFormat.State.cursorByteCount * operatorCount
    var expectedInput = Int(image.word(at: ModelFormat.Header.inputTensor))
    for index in 0..<operatorCount {
      let place = operatorsOffset + index * ModelFormat.Operator.byteCount
      let plan = operatorPlan(index)
      let input = tensor(plan.inputIndex)
      let isLast = index == operatorCount - 1
      let reach = plan.kind == .convolution ? plan.time.reach : input.timeCount
      let isStreamable =
        plan.kind == .convolution
        ? !isLast && plan.time.stride == 1 && plan.time.paddingBefore == 0 && plan.time.paddingAfter == 0
        : isLast
      let (ringByteCount, overflow) = plan.ringColumnCount.multipliedReportingOverflow(
        by: input.columnByteCount)
      guard isStreamable, !overflow, plan.inputIndex == expectedInput, plan.ringColumnCount == reach,
        reach <= Int(UInt16.max), plan.ringOffset >= freeOffset, plan.ringOffset <= stateByteCount,
        ringByteCount <= stateByteCount - plan.ringOffset
      else { throw ModelError(.invalidStreamingPlan, at: place + ModelFormat.Operator.ring) }
      freeOffset = plan.ringOffset + ringByteCount
      expectedInput = plan.outputIndex
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
    guard half(at: Header.version) == ModelFormat.version else {
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
    let isAligned = stride % ModelFormat.alignment != 0 || start % ModelFormat.alignment == 0
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
