/// A small change to a model image's fully connected layer: from the shipped weights and biases to a patient's own.
///
/// It holds the new biases, and how far the weights' codes move: by -8 to 7 steps of their output channel, as far as
/// -127 and 127. Columns next to each other in time share their changes: a patient's own beats are too few to tell them
/// apart, and the patch is smaller.
///
/// The image stays as it is, in flash. `Model.applying(_:into:)` gives a second model over the same image whose layer
/// lies in the caller's memory; either model runs with all of its constants, and the shipped one gives the shipped bits.
/// To take a patch off is to go on with the shipped model.
///
/// ```swift
/// if let (patched, number) = model.applyingNewest(of: slotA, slotB, floor: floor, into: buffer) { model = patched }
/// ```
///
/// A patch names its image by digest, and may name the device that it is for, by a digest of the device's identifier and
/// a salt. Who made it is for a signature to say, see `Signature`.
///
/// See <doc:ImageFormat#Patch>.
@safe
public struct ModelPatch {
  /// The first four bytes, `QIPA`.
  public static let magic: UInt32 = 0x4150_4951
  /// The version of the layout.
  public static let version: UInt16 = 2

  /// Offsets in the header; numbers are little-endian.
  public enum Header {
    /// `UInt32`, see `ModelPatch.magic`.
    public static let magic = 0
    /// `UInt16`, see `ModelPatch.version`.
    public static let version = 4
    /// `UInt16`, the operator's place in the image's order of execution.
    public static let operatorIndex = 6
    /// `UInt32`, the checksum of the image that it changes.
    public static let imageChecksum = 8
    /// `UInt32`, counts the patches of a device up, so that the newer of two is known.
    public static let sequenceNumber = 12
    /// `UInt32`, the patch's size.
    public static let patchByteCount = 16
    /// `UInt32`, CRC-32 of the header before this place and of all behind it.
    public static let checksum = 20
    /// `UInt16`, the operator's number of output channels.
    public static let channelCount = 24
    /// `UInt16`, the number of weights to an output's sum.
    public static let inputsPerOutput = 26
    /// `UInt16`, the number of inputs in a column: those that lie next to each other in time follow at this distance.
    public static let columnCount = 28
    /// `UInt16`, the number of columns that share a change.
    public static let span = 30
    /// `UInt32`, what the known answers begin from; see `Model.answers(seed:ofOperator:in:)`.
    public static let answerSeed = 32
    /// `UInt32`, CRC-32 of the patched operator's answers.
    public static let answerChecksum = 36
    /// 32 bytes, the digest of the image that it changes; see `ModelFormat.Header.digest`.
    public static let imageDigest = 40
    /// 16 bytes, the salt of the device's digest.
    public static let deviceSalt = 72
    /// 32 bytes, SHA-256 of the salt and the identifier of the device that it is for; all 0 for any device.
    public static let deviceDigest = 88
    /// The salt's size.
    public static let deviceSaltByteCount = 16
    /// The header's size; biases follow, an `Int32` a channel, steps, a `UInt8` a channel, and four bits a change.
    public static let byteCount = 120
  }

  /// The number of changes to an output channel's weights.
  ///
  /// - Parameters:
  ///   - inputsPerOutput: The number of weights to an output's sum.
  ///   - columnCount: The number of inputs in a column, at least 1.
  ///   - span: The number of columns that share a change, at least 1.
  /// - Returns: The number, with those that the last column may lack.
  public static func groupsPerOutput(inputsPerOutput: Int, columnCount: Int, span: Int) -> Int {
    let columns = (inputsPerOutput + columnCount - 1) / columnCount
    return (columns + span - 1) / span * columnCount
  }

  private let bytes: UnsafeRawBufferPointer
  /// The patch's size, in bytes.
  public let byteCount: Int
  /// The operator that it changes.
  public let operatorIndex: Int
  /// The checksum of the image that it changes.
  public let imageChecksum: UInt32
  /// Counts the patches of a device up.
  public let sequenceNumber: UInt32
  /// The operator's number of output channels.
  public let channelCount: Int
  /// The number of weights to an output's sum.
  public let inputsPerOutput: Int
  /// The number of inputs in a column.
  public let columnCount: Int
  /// The number of columns that share a change.
  public let span: Int
  /// The number of changes to an output channel's weights.
  public let groupsPerOutput: Int
  /// What its known answers begin from.
  public let answerSeed: UInt32
  /// The CRC-32 of its known answers.
  public let answerChecksum: UInt32
  /// The place of the channels' steps.
  private var steps: Int { Header.byteCount &+ 4 &* channelCount }

  /// Checks a patch's size, version and checksum; whether it fits a model is checked when it is applied.
  ///
  /// - Parameter memory: The patch, at any alignment, and whatever follows it; it must outlive this view, unchanged.
  /// - Throws: `PatchError`.
  /// - Complexity: O(n) in the patch's size.
  public init(validating memory: UnsafeRawBufferPointer) throws(PatchError) {
    guard memory.count >= Header.byteCount else { throw .truncated }
    guard unsafe Self.word(memory, at: Header.magic) == Self.magic else { throw .notAPatch }
    guard unsafe Self.half(memory, at: Header.version) == Self.version else { throw .unsupportedVersion }
    let byteCount = unsafe Self.word(memory, at: Header.patchByteCount)
    guard byteCount >= UInt32(Header.byteCount), byteCount <= UInt32(Int32.max),
      Int(truncatingIfNeeded: byteCount) <= memory.count
    else { throw .truncated }
    let bytes = unsafe UnsafeRawBufferPointer(rebasing: memory[..<Int(truncatingIfNeeded: byteCount)])
    let head = unsafe CRC32.checksum(UnsafeRawBufferPointer(rebasing: bytes[..<Header.checksum]))
    let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[(Header.checksum + 4)...])
    guard unsafe CRC32.checksum(rest, continuing: head) == Self.word(bytes, at: Header.checksum) else {
      throw .checksumMismatch
    }
    operatorIndex = unsafe Int(Self.half(bytes, at: Header.operatorIndex))
    imageChecksum = unsafe Self.word(bytes, at: Header.imageChecksum)
    sequenceNumber = unsafe Self.word(bytes, at: Header.sequenceNumber)
    channelCount = unsafe Int(Self.half(bytes, at: Header.channelCount))
    inputsPerOutput = unsafe Int(Self.half(bytes, at: Header.inputsPerOutput))
    columnCount = unsafe Int(Self.half(bytes, at: Header.columnCount))
    span = unsafe Int(Self.half(bytes, at: Header.span))
    answerSeed = unsafe Self.word(bytes, at: Header.answerSeed)
    answerChecksum = unsafe Self.word(bytes, at: Header.answerChecksum)
    guard channelCount > 0, inputsPerOutput > 0, columnCount > 0, span > 0 else { throw .invalidSize }
    groupsPerOutput = Self.groupsPerOutput(
      inputsPerOutput: inputsPerOutput, columnCount: columnCount, span: span)
    // Sizes of 16 bits: there are fewer than 2^17 groups.
    guard groupsPerOutput <= Tensor.greatestCount / channelCount,
      bytes.count == Header.byteCount + 5 * channelCount + (channelCount * groupsPerOutput + 1) / 2
    else { throw .invalidSize }
    self.byteCount = bytes.count
    unsafe self.bytes = bytes
  }

  /// The newer of the two patches that a device keeps; nil where neither is whole and this model's.
  ///
  /// A device writes a new patch over the older one, or over what is none. A brown-out while it writes leaves a wrong
  /// checksum there, and the other patch is the newest. To be rid of patches it erases the older one first.
  ///
  /// - Parameters:
  ///   - first: A slot.
  ///   - second: The other.
  ///   - model: The model as shipped.
  ///   - floor: The lowest sequence number that is taken; nil for any. See `Model.applyingNewest`.
  /// - Returns: The patch; whether it fits is seen when it is applied.
  /// - Complexity: O(n) in the patches' sizes.
  public static func newest(
    of first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, for model: Model, floor: UInt32? = nil
  ) -> ModelPatch? {
    let one = unsafe whole(first, of: model, floor: floor)
    guard let other = unsafe whole(second, of: model, floor: floor) else { return one }
    guard let one else { return other }
    return one.isAtLeast(other.sequenceNumber) ? one : other
  }

  /// A slot's patch where it is whole, this model's, and not below a floor.
  static func whole(_ slot: UnsafeRawBufferPointer, of model: Model, floor: UInt32?) -> ModelPatch? {
    guard let patch = try? unsafe ModelPatch(validating: slot), patch.changes(model),
      patch.isAtLeast(floor ?? patch.sequenceNumber)
    else { return nil }
    return patch
  }

  /// Whether its sequence number is another one or follows it; the distance wraps, so that the count may too.
  func isAtLeast(_ number: UInt32) -> Bool { Int32(bitPattern: sequenceNumber &- number) >= 0 }

  /// Whether it was made for a model's image.
  func changes(_ model: Model) -> Bool {
    guard imageChecksum == model.imageChecksum else { return false }
    for index in 0..<ModelFormat.Header.digestByteCount
    where unsafe bytes[Header.imageDigest &+ index]
      != model.image.byte(at: ModelFormat.Header.digest &+ index)
    {
      return false
    }
    return true
  }

  /// The salt and the digest of the device that it is for: 16 and 32 bytes; nil where it is for any.
  public var device: (salt: UnsafeRawBufferPointer, digest: UnsafeRawBufferPointer)? {
    let salt = Header.deviceSalt..<Header.deviceDigest
    let digest = Header.deviceDigest..<Header.byteCount
    for index in digest where unsafe bytes[index] != 0 {
      return unsafe (
        UnsafeRawBufferPointer(rebasing: bytes[salt]), UnsafeRawBufferPointer(rebasing: bytes[digest])
      )
    }
    return nil
  }

  /// A channel's bias, with the input's zero point folded in; the channel must be in `0 ..< channelCount`.
  public func bias(_ channel: Int) -> Int32 {
    precondition(channel >= 0 && channel < channelCount, "no such channel")
    return unsafe Int32(bitPattern: Self.word(bytes, at: Header.byteCount + 4 * channel))
  }

  /// How far a weight's code moves; `channel` in `0 ..< channelCount`, `input` in `0 ..< inputsPerOutput`.
  func change(channel: Int, input: Int) -> Int32 {
    let group = input / columnCount / span &* columnCount &+ input % columnCount
    let place = channel &* groupsPerOutput &+ group
    let pair = unsafe Int8(bitPattern: bytes[steps &+ channelCount &+ place &>> 1])
    let level = place & 1 == 0 ? (pair &<< 4) &>> 4 : pair &>> 4
    return unsafe Int32(level) &* Int32(bytes[steps &+ channel])
  }

  @inline(__always)
  private static func word(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> UInt32 {
    unsafe UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  @inline(__always)
  private static func half(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> UInt16 {
    unsafe UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
  }
}

/// Why a patch was refused.
public enum PatchError: Error, Equatable, Sendable {
  /// It ends before its header does, or before the size that its header promises.
  case truncated
  /// It doesn't begin with `QIPA`.
  case notAPatch
  /// Its layout's version is not the one that this runtime reads.
  case unsupportedVersion
  /// The CRC-32 differs: a bit was flipped, or the patch is only partly written.
  case checksumMismatch
  /// It was made for another image.
  case otherModel
  /// It was made for another device, or nobody can tell which device this is.
  case otherDevice
  /// The operator isn't there, is no FULLY_CONNECTED of 8-bit weights and 32-bit sums, or is of another size.
  case invalidLayer
  /// It is not as large as the layer's patch must be.
  case invalidSize
  /// With the new weights some input could overflow the operator's sum.
  case accumulatorOverflow
  /// The buffer has fewer bytes than the layer needs.
  case bufferTooSmall(requiredByteCount: Int)
  /// The buffer's first byte is not at a multiple of 4.
  case misaligned
}

/// An operator's biases and packed weights in the caller's memory, in the image's layout.
@safe
struct PatchedConstants: @unchecked Sendable {
  let operatorIndex: Int
  let biases: UnsafeRawPointer
  let packed: UnsafePointer<Int8>
}
