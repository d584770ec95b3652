/// What a beat's interval says of its class before the network has looked: a beat in time is more likely a normal one.
///
/// The network sees some two seconds. Whether a beat is early tells itself from the rhythm of minutes, which this
/// keeps in one mean: that of the last 256 intervals, each moving it by at most a factor of two. A logit, that of the normal
/// beats, is raised by so many codes an octave by which the interval is longer than a part of the mean, and lowered
/// where it is shorter. Until eight intervals are known, it stays.
///
/// Three logarithms and a division a beat, and 80 bytes. No input and no damaged state traps.
@safe
public struct RhythmPrior: ~Copyable {
  /// Which logit moves, and how far.
  public struct Options: Equatable, Sendable {
    /// The class whose logit moves.
    public var classIndex: Int
    /// The codes that it moves by for an interval twice as long, in 0...512; a value out of range counts as the
    /// nearest one within it.
    public var codesPerOctave: Int
    /// The interval's part of the mean at which the logit stays, as a binary logarithm in Q16, in -2^18...2^18;
    /// -21,098 for 80 %.
    public var neutralPartLog2Q16: Int32

    /// Creates options.
    public init(classIndex: Int, codesPerOctave: Int, neutralPartLog2Q16: Int32) {
      self.classIndex = classIndex
      self.codesPerOctave = codesPerOctave
      self.neutralPartLog2Q16 = neutralPartLog2Q16
    }
  }

  /// Which logit moves, and how far.
  public let options: Options
  private let words: UnsafeMutablePointer<Words>

  fileprivate struct Words {
    /// The mean times `count`, in Q4 samples.
    var sumQ4: UInt32 = 0
    var count: Int32 = 0
    var lastBeat: UInt32 = 0
    var hasBeat: Int32 = 0
    /// The offsets of the beats that wait for their decision.
    var offsets = InlineArray<32, Int16>(repeating: 0)
  }

  /// The intervals that the mean is taken of.
  public static var intervalCount: Int { 256 }
  /// The intervals before which the logit stays.
  public static var leastIntervalCount: Int { 8 }

  /// Longer intervals count as this one, in samples, so that sums fit 32 bits.
  fileprivate static var longestInterval: UInt32 { 65_535 }

  /// The bytes that the state takes.
  public static var stateByteCount: Int { MemoryLayout<Words>.size }

  /// Creates a prior in the caller's memory, with all beats forgotten.
  ///
  /// - Parameters:
  ///   - options: Which logit moves, and how far.
  ///   - state: At least `stateByteCount` bytes, at a multiple of 4; it must outlive the prior.
  /// - Throws: `MemoryError` where the memory doesn't fit.
  public init(options: Options, state: UnsafeMutableRawBufferPointer) throws(MemoryError) {
    let start = try unsafe checkedStart(of: state, byteCount: Self.stateByteCount)
    self.options = options
    unsafe words = start.bindMemory(to: Words.self, capacity: 1)
    reset()
  }

  /// Forgets all beats.
  public mutating func reset() { unsafe words.initialize(to: Words()) }

  /// Takes a beat by its sample's number, which may wrap, and keeps its offset at a place of 32 until another's is put there.
  ///
  /// A beat before the last one moves nothing.
  public mutating func push(beatAt sample: UInt32, place: Int) {
    var words = unsafe self.words.pointee
    var offset: Int32 = 0
    let interval = Int32(bitPattern: sample &- words.lastBeat)
    if words.hasBeat != 0, interval > 0 {
      let interval = min(UInt32(interval), Self.longestInterval)
      if words.isKnown { offset = codes(log2Q16(interval &<< 4) &- words.meanLog2Q16) }
      words.take(interval &<< 4)
    }
    words.lastBeat = sample
    words.hasBeat = 1
    words.offsets[place & 31] = Int16(clamping: offset)
    unsafe self.words.pointee = words
  }

  /// Moves the logit of a decision about the beat of a place; codes stop at their ends.
  public func move(_ logits: UnsafeMutableBufferPointer<Int8>, place: Int) {
    guard options.classIndex >= 0, options.classIndex < logits.count else { return }
    let offset = unsafe Int32(words.pointee.offsets[place & 31])
    unsafe logits[options.classIndex] = Int8(clamping: Int32(logits[options.classIndex]) &+ offset)
  }

  /// Whether the mean can be one of intervals, which lost bits may leave it not; see `StreamingPipeline.isStateSound`.
  public var isStateSound: Bool { unsafe words.pointee.isSound }

  /// The codes for an interval's part of the mean, as a binary logarithm.
  private func codes(_ partLog2Q16: Int32) -> Int32 {
    let slope = Int32(min(max(0, options.codesPerOctave), 512))
    let neutral = min(max(-(1 &<< 18), options.neutralPartLog2Q16), 1 &<< 18)
    // Within 40 octaves whatever the state, so that the product fits.
    return ((partLog2Q16 &- neutral) &* slope &+ (1 &<< 15)) &>> 16
  }
}

extension RhythmPrior.Words {
  /// Whether enough intervals came.
  var isKnown: Bool { count >= Int32(RhythmPrior.leastIntervalCount) }

  /// The mean's binary logarithm, in Q4 samples.
  var meanLog2Q16: Int32 { log2Q16(max(1, sumQ4)) &- log2Q16(UInt32(max(1, count))) }

  /// Whether the mean lies between a sample and the longest interval.
  var isSound: Bool {
    guard count >= 0, count <= Int32(RhythmPrior.intervalCount) else { return false }
    let least = UInt32(count) &<< 4
    return sumQ4 >= least && sumQ4 <= least &* RhythmPrior.longestInterval
  }

  /// Takes an interval into the mean, in Q4 samples.
  mutating func take(_ intervalQ4: UInt32) {
    count = min(max(0, count), Int32(RhythmPrior.intervalCount))
    var interval = intervalQ4
    if isKnown {
      let meanQ4 = sumQ4 / UInt32(count)
      interval = min(max(interval, meanQ4 / 2), meanQ4 &* 2)
    }
    if count < Int32(RhythmPrior.intervalCount) {
      count &+= 1
    } else {
      sumQ4 &-= (sumQ4 &+ 128) &>> 8
    }
    sumQ4 &+= interval
  }
}
