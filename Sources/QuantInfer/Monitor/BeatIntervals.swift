/// What a beat's interval is beside those before it: ten figures of binary logarithms, from running estimates.
///
/// Where `l` is the interval's logarithm in seconds, they are: `l` less the median, the mean of about 8 and that of about
/// 128; the last interval less the mean of 128; the next one, or its limit, less it; that mean less the logarithm of 0.8;
/// four times the mean change from one interval to the next; the same to the next or to the one after it, whichever is
/// less, which tells two beats in turn from fibrillation; and `l` less the tenth and the ninetieth percentile.
///
/// Means follow by a part of each difference, the median and percentiles by steps, so that a beat costs two logarithms and some
/// hundred instructions, and no sorted list is kept. Every estimate forgets; no input and no damaged state traps.
@safe
struct BeatIntervals {
  /// Q16 octaves unless said otherwise.
  struct Words {
    /// The intervals so far, 255 at most.
    var count: Int32 = 0
    var hasBeat: Int32 = 0
    var lastBeat: UInt32 = 0
    var mean8: Int32 = 0
    var mean128: Int32 = 0
    var median: Int32 = 0
    var tenth: Int32 = 0
    var ninetieth: Int32 = 0
    /// The mean change to the next interval, and to the one after it.
    var change1: Int32 = 6_554
    var change2: Int32 = 6_554
    /// The last interval, and the one before it.
    var last: Int32 = 0
    var secondLast: Int32 = 0
  }

  private let words: UnsafeMutablePointer<Words>

  /// The intervals in memory that was checked.
  @inline(__always)
  init(_ memory: UnsafeMutableRawPointer) {
    unsafe words = memory.assumingMemoryBound(to: Words.self)
  }

  /// Forgets all beats.
  func reset() { unsafe words.initialize(to: Words()) }

  /// Begins anew at a beat, as what was between it and the last one isn't known.
  func skip(to beat: UInt32) {
    unsafe words.pointee.lastBeat = beat
    unsafe words.pointee.hasBeat = 0
  }

  /// Whether every estimate is one that intervals lead to.
  var isSound: Bool {
    let words = unsafe self.words.pointee
    let range = Self.least &- 65_536...Self.most &+ 65_536
    return (0...255).contains(words.count) && (0...1).contains(words.hasBeat) && range.contains(words.mean8)
      && range.contains(words.mean128) && range.contains(words.median) && range.contains(words.tenth)
      && range.contains(words.ninetieth) && range.contains(words.last) && range.contains(words.secondLast)
      && (0...32_768).contains(words.change1) && (0...32_768).contains(words.change2)
  }

  /// The logarithm of the shortest interval that is one, 0.2 s.
  private static var least: Int32 { -152_170 }
  /// That of the longest, 3 s.
  private static var most: Int32 { 103_872 }
  /// That of 0.8 s.
  private static var usual: Int32 { -21_098 }

  /// A beat's interval from the last one.
  struct Interval {
    /// Its logarithm.
    let octaves: Int32
    /// Whether it is within the plan's limits about the mean of 8.
    let isInTime: Bool
  }

  /// A beat's interval, by the number of its sample, which may wrap; the estimates stay until `take`.
  @inline(__always)
  func interval(to beat: UInt32, plan: BeatPlan) -> Interval {
    let words = unsafe self.words
    let octaves =
      unsafe words.pointee.hasBeat != 0
      ? Self.octaves(beat &- words.pointee.lastBeat, plan) : Self.usual
    if unsafe words.pointee.count <= 0 { unsafe words.pointee.begin(with: octaves) }
    let (least, most) = plan.knownIntervalsLog2Q16
    let early = unsafe octaves &- words.pointee.mean8
    return Interval(
      octaves: octaves, isInTime: unsafe words.pointee.count > 8 && early >= least && early <= most)
  }

  /// Takes an interval into the estimates, and begins the next one.
  @inline(__always)
  func take(_ interval: Interval, to beat: UInt32) {
    unsafe words.pointee.take(interval.octaves)
    unsafe words.pointee.lastBeat = beat
    unsafe words.pointee.hasBeat = 1
  }

  /// Writes the figures of an interval that is not yet taken, less their means, as codes.
  ///
  /// - Parameters:
  ///   - interval: The interval.
  ///   - next: The samples to the next beat, or its limit.
  ///   - plan: The figures' means and scales.
  ///   - codes: Receives ten codes.
  func encode(
    _ interval: Interval, next: UInt32, plan: BeatPlan, into codes: UnsafeMutablePointer<Int8>
  ) {
    let words = unsafe self.words.pointee
    let octaves = interval.octaves
    let limited = Self.octaves(min(next, UInt32(truncatingIfNeeded: plan.nextLimitSamples)), plan)
    var figures: InlineArray<10, Int32> = [
      octaves &- words.median, octaves &- words.mean8, octaves &- words.mean128,
      words.last &- words.mean128, limited &- words.mean128, words.mean128 &- Self.usual,
      (words.change1 &<< 2) &- 26_214, (min(words.change1, words.change2) &<< 2) &- 26_214,
      octaves &- words.tenth, octaves &- words.ninetieth,
    ]
    // By address: the compiler would make the figures anew for each.
    unsafe withUnsafeBytes(of: &figures) { figures in
      let figures = unsafe figures.baseAddress?.assumingMemoryBound(to: Int32.self)
      var constant = unsafe plan.figures
      var indices = Indices(to: BeatPlan.figureCount)
      while let figures = unsafe figures, let index = indices.next() {
        let difference = min(max(unsafe figures[index] &- constant[0], -(1 << 18)), 1 << 18)
        unsafe codes[index] = Int8(clamping: (difference &* constant[1] &+ (1 << 17)) &>> 18)
        unsafe constant += 2
      }
    }
  }

  @inline(__always)
  private static func octaves(_ samples: UInt32, _ plan: BeatPlan) -> Int32 {
    min(max(log2Q16(min(max(1, samples), 1 << 30)) &- plan.secondLog2Q16, least), most)
  }
}

extension BeatIntervals.Words {
  /// Starts all estimates at the first interval.
  fileprivate mutating func begin(with interval: Int32) {
    (mean8, mean128, median, tenth, ninetieth) = (interval, interval, interval, interval, interval)
    (last, secondLast) = (interval, interval)
  }

  /// Moves the estimates; the first intervals move them further.
  fileprivate mutating func take(_ interval: Int32) {
    let known = min(max(0, count), 255)
    let warm = 31 &- Int32(truncatingIfNeeded: (known &+ 1).leadingZeroBitCount)
    mean8 &+= (interval &- mean8) &>> min(3, warm)
    mean128 &+= Self.limited(interval &- mean128, 65_536) &>> min(7, warm)
    let toMedian = (interval &- median) &>> min(2, warm)
    median &+= known > 4 ? Self.limited(toMedian, 1_966) : toMedian
    if known < 8 {
      tenth = min(tenth, interval)
      ninetieth = max(ninetieth, interval)
    } else {
      let (far, near): (Int32, Int32) = known > 16 ? (1_180, 131) : (3_539, 393)
      tenth &+= interval < tenth ? 0 &- far : near
      ninetieth &+= interval > ninetieth ? far : 0 &- near
    }
    let follow = min(5, 31 &- Int32(truncatingIfNeeded: (known &+ 2).leadingZeroBitCount))
    change1 &+= (min(Self.magnitude(interval &- last), 32_768) &- change1) &>> follow
    change2 &+= (min(Self.magnitude(interval &- secondLast), 32_768) &- change2) &>> follow
    (secondLast, last) = (last, interval)
    count = min(255, known &+ 1)
  }

  @inline(__always)
  private static func limited(_ value: Int32, _ limit: Int32) -> Int32 { min(max(value, 0 &- limit), limit) }

  @inline(__always)
  private static func magnitude(_ value: Int32) -> Int32 { value < 0 ? 0 &- value : value }
}
