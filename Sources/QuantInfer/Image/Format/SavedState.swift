/// A copy of what changes from sample to sample, for memory that outlives a brown-out: a header, then the state.
///
/// A checksum over all of it tells a whole copy from one that was cut off while it was written, so a device keeps
/// two and overwrites the older. Nothing but the state changes between samples: a pipeline restored from a copy
/// goes on with the bits of one that was never interrupted.
///
/// ```swift
/// try pipeline.save(into: copy)
/// // ... a brown-out, and after it a fresh pipeline of the same model ...
/// try pipeline.restore(from: copy)
/// ```
///
/// See <doc:ImageFormat#Saved-state>.
public enum SavedState {
  /// The first four bytes, `QIST`.
  public static let magic: UInt32 = 0x5453_4951
  /// The version of the layout.
  public static let version: UInt16 = 2

  /// Offsets in the header; numbers are little-endian.
  public enum Header {
    /// `UInt32`, see `SavedState.magic`.
    public static let magic = 0
    /// `UInt16`, see `SavedState.version`.
    public static let version = 4
    /// `UInt16`, see `SavedState.Kind`.
    public static let kind = 6
    /// `UInt32`, which must be the same for whoever goes on: see the model format's documentation.
    public static let owner = 8
    /// `UInt32`, the size of the state after the header.
    public static let stateByteCount = 12
    /// `UInt32`, CRC-32 of the header before this place and of the state.
    public static let checksum = 16
    /// The header's size.
    public static let byteCount = 20
  }

  /// Whose state it is.
  public enum Kind: UInt16, Sendable {
    /// A `StreamingPipeline`'s.
    case pipeline = 1
    /// A `BeatDetector`'s.
    case beatDetector = 2
    /// An `Announcer`'s.
    case announcer = 3
    /// A `SignalQuality`'s.
    case signalQuality = 4
    /// A `Monitor`'s: all of the above at once.
    case monitor = 5
  }
}

/// Why a saved state was refused.
public enum SavedStateError: Error, Equatable, Sendable {
  /// It ends before its header does, or before the state that the header promises.
  case truncated
  /// It doesn't begin with `QIST`, or holds another kind of state.
  case notASavedState
  /// Its layout's version is not the one that this runtime reads.
  case unsupportedVersion
  /// It is another model's, or that of another sampling rate.
  case otherOwner
  /// The CRC-32 differs: a bit was flipped, or the copy is only partly written.
  case checksumMismatch
  /// A ring's place lies outside the ring, or a count of samples or columns is none that samples lead to.
  case impossibleState
}

extension SavedState {
  /// Writes header and state.
  static func write(
    _ kind: Kind, owner: UInt32, state: UnsafeRawPointer, byteCount: Int,
    into copy: UnsafeMutableRawBufferPointer
  ) throws(MemoryError) {
    let savedByteCount = Header.byteCount &+ byteCount
    guard copy.count >= savedByteCount, let start = copy.baseAddress else {
      throw .tooSmall(requiredByteCount: savedByteCount)
    }
    unsafe store(magic, in: start, at: Header.magic)
    unsafe store(version, in: start, at: Header.version)
    unsafe store(kind.rawValue, in: start, at: Header.kind)
    unsafe store(owner, in: start, at: Header.owner)
    unsafe store(UInt32(truncatingIfNeeded: byteCount), in: start, at: Header.stateByteCount)
    unsafe (start + Header.byteCount).copyMemory(from: state, byteCount: max(0, byteCount))
    unsafe store(checksum(start, byteCount: byteCount), in: start, at: Header.checksum)
  }

  /// The place of the state behind a header that is as it should be.
  static func checked(
    _ kind: Kind, owner: UInt32, byteCount: Int, from copy: UnsafeRawBufferPointer
  ) throws(SavedStateError) -> UnsafeRawPointer {
    guard let start = copy.baseAddress, copy.count >= Header.byteCount else { throw .truncated }
    guard unsafe load(start, at: Header.magic) == magic,
      unsafe load(start, at: Header.kind) == kind.rawValue
    else { throw .notASavedState }
    guard unsafe load(start, at: Header.version) == version else { throw .unsupportedVersion }
    guard unsafe load(start, at: Header.owner) == owner else { throw .otherOwner }
    guard unsafe load(start, at: Header.stateByteCount) == UInt32(truncatingIfNeeded: byteCount),
      copy.count >= Header.byteCount &+ byteCount
    else { throw .truncated }
    guard unsafe load(start, at: Header.checksum) == checksum(start, byteCount: byteCount) else {
      throw .checksumMismatch
    }
    return unsafe start + Header.byteCount
  }

  /// The checksum of header and state, itself left out.
  private static func checksum(_ start: UnsafeRawPointer, byteCount: Int) -> UInt32 {
    let header = unsafe CRC32.checksum(UnsafeRawBufferPointer(start: start, count: Header.checksum))
    return unsafe CRC32.checksum(
      UnsafeRawBufferPointer(start: start + Header.byteCount, count: byteCount), continuing: header)
  }

  @inline(__always)
  private static func store<Number: FixedWidthInteger & BitwiseCopyable>(
    _ number: Number, in start: UnsafeMutableRawPointer, at offset: Int
  ) {
    unsafe start.storeBytes(of: number.littleEndian, toByteOffset: offset, as: Number.self)
  }

  @inline(__always)
  private static func load<Number: FixedWidthInteger & BitwiseCopyable>(
    _ start: UnsafeRawPointer, at offset: Int
  ) -> Number {
    unsafe Number(littleEndian: start.loadUnaligned(fromByteOffset: offset, as: Number.self))
  }
}
