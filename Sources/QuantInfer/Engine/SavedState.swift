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
/// See <doc:ModelFormat#Saved-state>.
public enum SavedState {
  /// The first four bytes, `QIST`.
  public static let magic: UInt32 = 0x5453_4951
  /// The version of the layout.
  public static let version: UInt16 = 1

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
  /// A ring's place lies outside the ring, or an operator waits for more columns than it ever needs.
  case impossibleState
}

extension StreamingPipeline {
  /// The size of a saved state, in bytes.
  public var savedByteCount: Int { SavedState.Header.byteCount &+ model.stateByteCount }

  /// Saves the state, after any sample.
  ///
  /// - Parameter copy: Receives `savedByteCount` bytes, at any alignment.
  /// - Throws: `MemoryError` where they don't fit.
  /// - Complexity: O(n) in the state's size.
  public func save(into copy: UnsafeMutableRawBufferPointer) throws(MemoryError) {
    try unsafe SavedState.write(
      .pipeline, owner: model.imageChecksum, state: state, byteCount: model.stateByteCount, into: copy)
  }

  /// Goes on from a saved state.
  ///
  /// `newestColumn` is that of the save.
  ///
  /// - Parameter copy: The saved state, at any alignment; what follows it is not looked at.
  /// - Throws: `SavedStateError`; the pipeline then is as it was.
  /// - Complexity: O(n) in the state's size.
  public mutating func restore(from copy: UnsafeRawBufferPointer) throws(SavedStateError) {
    let saved = try unsafe SavedState.checked(
      .pipeline, owner: model.imageChecksum, byteCount: model.stateByteCount, from: copy)
    guard unsafe isSound(saved) else { throw .impossibleState }
    unsafe state.copyMemory(from: saved, byteCount: model.stateByteCount)
  }

  /// Whether every ring's place lies within its ring, so that the next sample stays within the state, and no count of
  /// columns is above what it can be.
  ///
  /// Samples keep it so. A device whose memory may lose bits asks before it pushes, and restores or resets where the
  /// answer is no: `push` itself takes the state for sound.
  ///
  /// - Complexity: O(operators).
  public var isStateSound: Bool { unsafe isSound(UnsafeRawPointer(state)) }

  /// The same of a copy.
  func isSound(_ state: UnsafeRawPointer) -> Bool {
    let windowSamples = Int32(truncatingIfNeeded: model.frontEnd?.windowSamples ?? 0)
    let position = unsafe state.loadUnaligned(fromByteOffset: 8, as: Int32.self)
    let missing = unsafe state.loadUnaligned(fromByteOffset: 12, as: Int32.self)
    guard position >= 0, position < windowSamples, missing >= 1, missing <= windowSamples else {
      return false
    }
    return unsafe areCursorsSound(
      state + ModelFormat.State.frontEndByteCount(windowSamples: Int(windowSamples)))
  }

  /// Whether each ring's next place lies in it, and no operator waits longer for columns than for a whole window or
  /// its stride.
  private func areCursorsSound(_ cursors: UnsafeRawPointer) -> Bool {
    for index in 0...tailStart {
      let plan = model.operatorPlan(index)
      let place = ModelFormat.State.cursorByteCount &* index
      let next = unsafe Int(cursors.loadUnaligned(fromByteOffset: place, as: UInt16.self))
      let due = unsafe Int(cursors.loadUnaligned(fromByteOffset: place &+ 2, as: UInt16.self))
      guard next < plan.ringColumnCount else { return false }
      // Only the tail's operator stands at 0: the others start again as soon as they get there.
      let longest =
        index < tailStart ? max(plan.ringColumnCount, plan.timeStride) : plan.ringColumnCount
      guard due <= longest, due > 0 || index == tailStart else { return false }
    }
    return true
  }
}

extension BeatDetector {
  /// The size of a saved state, in bytes.
  public var savedByteCount: Int {
    SavedState.Header.byteCount &+ Self.stateByteCount(sampleRateMillihertz: sampleRateMillihertz)
  }

  /// Saves the state, after any sample; see `StreamingPipeline.save`.
  ///
  /// - Parameter copy: Receives `savedByteCount` bytes, at any alignment.
  /// - Throws: `MemoryError` where they don't fit.
  public func save(into copy: UnsafeMutableRawBufferPointer) throws(MemoryError) {
    try unsafe SavedState.write(
      .beatDetector, owner: sampleRateMillihertz, state: UnsafeRawPointer(rules),
      byteCount: Self.stateByteCount(sampleRateMillihertz: sampleRateMillihertz), into: copy)
  }

  /// Goes on from a saved state.
  ///
  /// - Parameter copy: The saved state, at any alignment; what follows it is not looked at.
  /// - Throws: `SavedStateError`; the detector then is as it was.
  public mutating func restore(from copy: UnsafeRawBufferPointer) throws(SavedStateError) {
    let byteCount = Self.stateByteCount(sampleRateMillihertz: sampleRateMillihertz)
    let saved = try unsafe SavedState.checked(
      .beatDetector, owner: sampleRateMillihertz, byteCount: byteCount, from: copy)
    unsafe UnsafeMutableRawPointer(rules).copyMemory(from: saved, byteCount: byteCount)
  }
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
    unsafe (start + Header.byteCount).copyMemory(from: state, byteCount: byteCount)
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
