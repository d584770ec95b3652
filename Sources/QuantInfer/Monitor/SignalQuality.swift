/// Watches the samples for what no decision should be made on: flat lines, and the converter's ends.
///
/// - **Flat line**: the samples keep within `flatCounts` from peak to peak for `flatSamples`. The watch holds one stretch
///   at a time, which begins anew with the first sample that doesn't fit it. So nothing shorter is ever taken for a
///   flat line, and one is found after twice that length at the latest; after `flatSamples` where it begins with a
///   step, as when a lead comes off.
/// - **Saturation**: `saturatedSamples` at `lowestCount` or `highestCount` within `saturationSpanSamples`, counted
///   from the first of them; then each one more, until none comes for that time. Fewer never count; twice as many
///   within the span always do.
///
/// After the last bad sample it takes `refillSamples` good ones until the signal is good again: as long as a decision
/// would look at the bad ones.
///
/// Some ten additions and comparisons a sample, and 24 bytes. No input traps, and a damaged state heals by itself.
///
/// ```swift
/// var quality = try SignalQuality(limits, state: state)
/// if let reason = quality.push(sample) { announcer.announceNothing(reason) }
/// ```
@safe
public struct SignalQuality: ~Copyable {
  /// What is bad, and for how long.
  public struct Limits: Equatable, Sendable {
    /// The converter's least count.
    public var lowestCount: Int16
    /// The converter's greatest count.
    public var highestCount: Int16
    /// The peak-to-peak value that a flat line keeps within, in counts.
    public var flatCounts: Int32
    /// How long it does; 0 for no such watch.
    public var flatSamples: Int32
    /// The samples at the converter's ends that are too many; 0 for no such watch.
    public var saturatedSamples: Int32
    /// The time within which they come.
    public var saturationSpanSamples: Int32
    /// The good samples after which the signal is good again.
    public var refillSamples: Int32

    /// Creates limits.
    public init(
      lowestCount: Int16, highestCount: Int16, flatCounts: Int32, flatSamples: Int32,
      saturatedSamples: Int32, saturationSpanSamples: Int32, refillSamples: Int32
    ) {
      (self.lowestCount, self.highestCount) = (lowestCount, highestCount)
      (self.flatCounts, self.flatSamples) = (flatCounts, flatSamples)
      (self.saturatedSamples, self.saturationSpanSamples) = (saturatedSamples, saturationSpanSamples)
      self.refillSamples = refillSamples
    }

    /// No limits: every signal is good.
    public static var none: Limits {
      Limits(
        lowestCount: .min, highestCount: .max, flatCounts: 0, flatSamples: 0, saturatedSamples: 0,
        saturationSpanSamples: 0, refillSamples: 0)
    }
  }

  /// What is bad.
  public let limits: Limits
  let words: UnsafeMutablePointer<Words>

  /// All that is remembered.
  struct Words {
    /// The stretch that may become a flat line: its least and greatest count, and its length.
    var lowest: Int16 = 0
    var highest: Int16 = 0
    var flatCount: Int32 = 0
    /// The samples at the ends since the first of them, and how long ago that was.
    var endCount: Int32 = 0
    var endAge: Int32 = 0
    /// The good samples that are still missing.
    var missing: Int32 = 0
    /// What was bad about the newest sample; 0 for nothing.
    var fault: Int32 = 0

    /// Why a decision now would be about bad samples; nil where the signal is good.
    var reason: NoResult? {
      switch fault {
      case Int32(NoResult.saturation.rawValue): .saturation
      case Int32(NoResult.flatLine.rawValue): .flatLine
      default: missing > 0 ? .refilling : nil
      }
    }
  }

  /// The bytes that the state takes.
  public static var stateByteCount: Int { MemoryLayout<Words>.size }

  /// Creates a watch in the caller's memory, with all samples forgotten.
  ///
  /// - Parameters:
  ///   - limits: What is bad.
  ///   - state: At least `stateByteCount` bytes, at a multiple of 4; it must outlive the watch.
  /// - Throws: `MemoryError` where the memory doesn't fit.
  public init(_ limits: Limits, state: UnsafeMutableRawBufferPointer) throws(MemoryError) {
    let start = try unsafe checkedStart(of: state, byteCount: Self.stateByteCount)
    self.limits = limits
    unsafe words = start.bindMemory(to: Words.self, capacity: 1)
    reset()
  }

  /// The watch over another lead, whose words follow those of this one in checked memory.
  @inline(__always)
  init(following first: borrowing SignalQuality, lead: Int) {
    limits = first.limits
    unsafe words = first.words + lead
  }

  /// Forgets all samples, and takes the signal for good.
  public mutating func reset() { unsafe words.initialize(to: Words()) }

  /// Takes a sample, in counts.
  ///
  /// - Returns: Why a decision now would be about bad samples; nil where the signal is good.
  /// - Complexity: O(1).
  @inline(never)
  public mutating func push(_ sample: Int16) -> NoResult? {
    var words = unsafe self.words.pointee
    let isFlat = Self.extendStretch(&words, with: sample, limits)
    let isSaturated = Self.countEnd(&words, sample, limits)
    words.fault = 0
    if isSaturated {
      words.fault = Int32(NoResult.saturation.rawValue)
    } else if isFlat {
      words.fault = Int32(NoResult.flatLine.rawValue)
    }
    words.missing = words.fault != 0 ? max(0, limits.refillSamples) : max(0, words.missing &- 1)
    unsafe self.words.pointee = words
    return reason
  }

  /// Takes samples of a good signal one after the other, as `push` does, as long as none of them can be bad.
  ///
  /// - Returns: How many were taken; the one behind them is for `push`.
  /// - Complexity: O(n).
  @inline(never)
  mutating func pushQuietly(_ samples: UnsafePointer<Int16>, count: Int) -> Int {
    let (lowestCount, highestCount) = (Int32(limits.lowestCount), Int32(limits.highestCount))
    let flatCounts = limits.flatCounts
    var words = unsafe self.words.pointee
    guard words.fault == 0, words.missing == 0, words.flatCount > 0, words.endAge >= 0 else { return 0 }
    // Not even one stretch of all of them is long enough, and no count gets to where it stops.
    let longest = limits.flatSamples > 0 ? limits.flatSamples &- 1 : Int32.max
    let room = min(longest &- words.flatCount, Int32.max &- words.endAge)
    let most = min(count, max(0, Int(room)))
    var (lowest, highest) = (Int32(words.lowest), Int32(words.highest))
    var first = 0 &- Int(words.flatCount)
    var place = 0
    while place < most {
      let sample = unsafe Int32(samples[place])
      guard sample > lowestCount, sample < highestCount else { break }
      lowest = min(lowest, sample)
      highest = max(highest, sample)
      if highest &- lowest > flatCounts { (lowest, highest, first) = (sample, sample, place) }
      place &+= 1
    }
    words.lowest = Int16(truncatingIfNeeded: lowest)
    words.highest = Int16(truncatingIfNeeded: highest)
    words.flatCount = Int32(truncatingIfNeeded: place &- first)
    words.endAge &+= Int32(truncatingIfNeeded: place)
    if place > 0, words.endAge >= limits.saturationSpanSamples { words.endCount = 0 }
    unsafe self.words.pointee = words
    return place
  }

  /// Why a decision now would be about bad samples; nil where the signal is good.
  public var reason: NoResult? { unsafe words.pointee.reason }

  /// Whether the samples have been all but equal for long enough.
  private static func extendStretch(_ words: inout Words, with sample: Int16, _ limits: Limits) -> Bool {
    let lowest = min(words.lowest, sample)
    let highest = max(words.highest, sample)
    if words.flatCount > 0, Int32(highest) &- Int32(lowest) <= limits.flatCounts {
      (words.lowest, words.highest) = (lowest, highest)
      words.flatCount = min(words.flatCount, Int32.max &- 1) &+ 1
    } else {
      (words.lowest, words.highest, words.flatCount) = (sample, sample, 1)
    }
    return limits.flatSamples > 0 && words.flatCount >= limits.flatSamples
  }

  /// Whether a sample stands at an end, as enough of them have done within the span.
  private static func countEnd(_ words: inout Words, _ sample: Int16, _ limits: Limits) -> Bool {
    words.endAge = min(max(0, words.endAge), Int32.max &- 1) &+ 1
    if words.endAge >= limits.saturationSpanSamples { words.endCount = 0 }
    guard sample <= limits.lowestCount || sample >= limits.highestCount else { return false }
    words.endCount = min(max(0, words.endCount), Int32.max &- 1) &+ 1
    let isSaturated = limits.saturatedSamples > 0 && words.endCount >= limits.saturatedSamples
    // The span begins with the first of them; where there are too many, with the newest.
    if words.endCount == 1 || isSaturated { words.endAge = 0 }
    return isSaturated
  }
}

extension SignalQuality {
  /// The size of a saved state, in bytes.
  public static var savedByteCount: Int { SavedState.Header.byteCount &+ stateByteCount }

  /// Saves the state, after any sample; see `StreamingPipeline.save`.
  ///
  /// - Parameter copy: Receives `savedByteCount` bytes, at any alignment.
  /// - Throws: `MemoryError` where they don't fit.
  public func save(into copy: UnsafeMutableRawBufferPointer) throws(MemoryError) {
    try unsafe SavedState.write(
      .signalQuality, owner: 0, state: UnsafeRawPointer(words), byteCount: Self.stateByteCount, into: copy)
  }

  /// Goes on from a saved state.
  ///
  /// - Parameter copy: The saved state, at any alignment; what follows it is not looked at.
  /// - Throws: `SavedStateError`; the watch then is as it was.
  public mutating func restore(from copy: UnsafeRawBufferPointer) throws(SavedStateError) {
    let saved = try unsafe SavedState.checked(
      .signalQuality, owner: 0, byteCount: Self.stateByteCount, from: copy)
    unsafe UnsafeMutableRawPointer(words).copyMemory(from: saved, byteCount: Self.stateByteCount)
  }
}
