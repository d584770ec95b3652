/// Tells an irregular beat by its interval alone: what is worth waking a network for.
///
/// A beat is irregular where its interval from the last one differs from the median of the seven before it by more than
/// so many percent. Until seven are known, every beat is. The median hardly moves for a few odd beats among regular
/// ones, and follows a rhythm within four.
///
/// Some 60 comparisons a beat, and 36 bytes. No input traps.
@safe
public struct RhythmWatch: ~Copyable {
  /// The deviation above which an interval is irregular, in percent.
  public let percent: Int32
  private let words: UnsafeMutablePointer<Words>
  private let intervals: UnsafeMutablePointer<Int32>

  private struct Words {
    var next: Int32 = 0
    var count: Int32 = 0
  }

  /// The intervals of which the median is taken.
  public static var intervalCount: Int { 7 }

  /// Longer intervals count as this one, in samples, so that products fit 32 bits.
  private static var longestInterval: Int32 { 1 &<< 20 }

  /// The bytes that the state takes.
  public static var stateByteCount: Int { MemoryLayout<Words>.size &+ 4 &* intervalCount }

  /// Creates a watch in the caller's memory, with all intervals forgotten.
  ///
  /// - Parameters:
  ///   - percent: The deviation above which an interval is irregular, in 1...1000; a value out of range counts as the
  ///     nearest one within it.
  ///   - state: At least `stateByteCount` bytes, at a multiple of 4; it must outlive the watch.
  /// - Throws: `MemoryError` where the memory doesn't fit.
  public init(percent: Int, state: UnsafeMutableRawBufferPointer) throws(MemoryError) {
    let start = try unsafe checkedStart(of: state, byteCount: Self.stateByteCount)
    self.percent = Int32(min(max(1, percent), 1000))
    unsafe words = start.bindMemory(to: Words.self, capacity: 1)
    unsafe intervals = (start + MemoryLayout<Words>.size).bindMemory(
      to: Int32.self, capacity: Self.intervalCount)
    reset()
  }

  /// Forgets all intervals.
  public mutating func reset() {
    unsafe words.initialize(to: Words())
    unsafe intervals.initialize(repeating: 0, count: Self.intervalCount)
  }

  /// Takes an interval between beats, in samples.
  ///
  /// - Returns: Whether the beat that ends it is irregular.
  public mutating func push(_ interval: Int32) -> Bool {
    let interval = min(max(0, interval), Self.longestInterval)
    let isKnown = unsafe words.pointee.count >= Int32(Self.intervalCount)
    let median = self.median
    let next = unsafe Int(words.pointee.next)
    // A damaged state must not lead out of it.
    let place = next >= 0 && next < Self.intervalCount ? next : 0
    unsafe intervals[place] = interval
    unsafe words.pointee.next = Int32((place &+ 1) % Self.intervalCount)
    if !isKnown { unsafe words.pointee.count = max(0, words.pointee.count) &+ 1 }
    let deviation = interval > median ? interval &- median : median &- interval
    return !isKnown || deviation &* 100 > median &* percent
  }

  /// The interval that as many are below as above.
  private var median: Int32 {
    for index in 0..<Self.intervalCount {
      let value = unsafe min(max(0, intervals[index]), Self.longestInterval)
      var (below, equal) = (0, 0)
      for other in 0..<Self.intervalCount {
        let otherValue = unsafe min(max(0, intervals[other]), Self.longestInterval)
        if otherValue < value { below &+= 1 }
        if otherValue == value { equal &+= 1 }
      }
      if below <= Self.intervalCount / 2, below &+ equal > Self.intervalCount / 2 { return value }
    }
    return 0
  }
}
