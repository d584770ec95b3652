import CKernels

/// The patient's usual beat, and what a beat is beside it.
///
/// A beat's points are sums of samples about it, less their mean. The template follows them by a sixteenth of the
/// difference, each step limited, so that a few odd beats hardly move it; the first eight move it further. Beat and difference
/// become codes by the template's mean magnitude, which is a code of 8, whatever the lead's gain. All arithmetic wraps: no
/// damaged state traps.
@safe
struct BeatTemplate {
  /// The number of beats that it is of, 8 at most; the sum of its magnitudes, as it was last; the sum of its fine points; then a
  /// point in Q4 each.
  private let words: UnsafeMutablePointer<Int32>
  private let plan: BeatPlan

  /// The template in memory that was checked.
  @inline(__always)
  init(_ plan: BeatPlan, _ memory: UnsafeMutableRawPointer) {
    self.plan = plan
    unsafe words = memory.assumingMemoryBound(to: Int32.self)
  }

  /// Forgets all beats.
  func reset() { unsafe clear(words, byteCount: plan.templateByteCount) }

  /// The beats after which it is known.
  private static var knownCount: Int32 { 8 }
  /// Templates of less are taken for this: a flat line isn't a beat.
  private static var leastMagnitude: Int32 { 64 }

  /// Whether it is of enough beats.
  var isKnown: Bool { unsafe words[0] >= Self.knownCount }

  /// Whether the fine points of a beat are as the template's, but for the baseline: the sum of their differences is within so many
  /// 256ths of all of its magnitudes, as the plan has it.
  ///
  /// - Parameters:
  ///   - beat: The beat's number.
  ///   - samples: The samples about it.
  ///   - points: Memory for its points; they are written where no faster way serves.
  /// - Returns: Whether they are.
  func isNear(_ beat: UInt32, in samples: BeatSamples, points: UnsafeMutablePointer<Int32>) -> Bool {
    let usual = unsafe level(plan.earlyCount)
    let distance =
      unsafe samples.distance(ofBeatAt: beat, plan, fromQ4: usual, sum: words[2])
      ?? distance(
        samples.finePoints(ofBeatAt: beat, plan, into: points), of: points + plan.earlyCount, from: usual)
    let distanceQ8 = plan.knownDistanceQ8
    let magnitude = unsafe UInt32(bitPattern: max(Self.leastMagnitude, words[1]))
    return distance <= (magnitude &>> 8) &* distanceQ8 &+ ((magnitude & 255) &* distanceQ8) &>> 8
  }

  /// The sum of the differences of fine points, whose sum is given, from usual ones, but for the mean difference.
  private func distance(
    _ sum: Int32, of points: UnsafePointer<Int32>, from levels: UnsafePointer<Int32>
  ) -> UInt32 {
    let fineCount = plan.fineCount
    let end = unsafe points + fineCount
    let mean = unsafe (sum &- words[2]) / max(1, Int32(truncatingIfNeeded: fineCount))
    var distance: UInt32 = 0
    var (point, usual) = unsafe (points, levels)
    while unsafe point < end {
      unsafe distance &+= Self.magnitude(point.pointee &- usual.pointee &>> 4 &- mean)
      unsafe (point, usual) = (point + 1, usual + 1)
    }
    return distance
  }

  /// Takes the mean off a beat's points, compares them with the template, and lets the template follow.
  ///
  /// - Parameters:
  ///   - points: The beat's points.
  ///   - sum: Their sum.
  ///   - differences: Receives the points less the template.
  /// - Returns: The sum of the template's magnitudes as it was, and whether its points were ones that beats lead to.
  func take(
    _ points: UnsafeMutablePointer<Int32>, sum: Int32, differences: UnsafeMutablePointer<Int32>
  ) -> (magnitude: UInt32, isSound: Bool) {
    let count = unsafe min(max(0, words[0]), Self.knownCount)
    let shift = max(1, 32 &- Int32(truncatingIfNeeded: count.leadingZeroBitCount))
    let limit = count < Self.knownCount ? Int32.max : plan.templateStepQ4
    let mean = sum / max(1, Int32(truncatingIfNeeded: plan.pointCount))
    let end = unsafe points + plan.pointCount
    if count == 0 { unsafe begin(with: points, mean: mean) }
    var (point, difference, usual) = unsafe (points, differences, level(0))
    var (magnitude, bits) = (UInt32(0), Int32(0))
    while unsafe point < end {
      let level = unsafe point.pointee &- mean
      unsafe point.pointee = level
      let before = unsafe usual.pointee
      // Its magnitude, less 1 where it is negative.
      let folded = before ^ before &>> 31
      bits |= folded
      unsafe difference.pointee = level &- before &>> 4
      magnitude &+= UInt32(bitPattern: folded &>> 4) &+ UInt32(bitPattern: before) &>> 31
      let step = min(max((level &<< 4 &- before) &>> shift, 0 &- limit), limit)
      unsafe usual.pointee = before &+ step
      unsafe (point, difference, usual) = (point + 1, difference + 1, usual + 1)
    }
    magnitude = max(UInt32(bitPattern: Self.leastMagnitude), magnitude)
    unsafe words[0] = min(count &+ 1, Self.knownCount)
    unsafe words[1] = Int32(bitPattern: magnitude)
    unsafe words[2] = fineSum
    return (magnitude, bits < greatestLevel)
  }

  /// The first beat is the template.
  private func begin(with points: UnsafePointer<Int32>, mean: Int32) {
    var indices = Indices(to: plan.pointCount)
    while let index = indices.next() { unsafe level(index).pointee = (points[index] &- mean) &<< 4 }
  }

  /// A point's place.
  @inline(__always)
  private func level(_ index: Int) -> UnsafeMutablePointer<Int32> { unsafe words + 3 + index }

  /// The sum of the fine points, without their fractions.
  private var fineSum: Int32 {
    var usual = unsafe level(plan.earlyCount)
    let end = unsafe usual + plan.fineCount
    var sum: Int32 = 0
    while unsafe usual < end {
      unsafe sum &+= usual.pointee &>> 4
      unsafe usual += 1
    }
    return sum
  }

  /// Writes points and differences as codes: 8 for the template's mean magnitude.
  ///
  /// - Parameters:
  ///   - points: `plan.pointCount` points, and as many differences behind them.
  ///   - magnitude: The template's, as `take` found it.
  ///   - codes: Receives as many codes as both.
  func encode(
    _ points: UnsafePointer<Int32>, magnitude: UInt32, into codes: UnsafeMutablePointer<Int8>
  ) {
    let count = plan.pointCount
    // Codes a unit in Q21: at most 60 points over a magnitude of 64 and more. Points are below 2^21.
    let codesPerUnit = UInt32(truncatingIfNeeded: count) &<< 24 / max(1, magnitude)
    unsafe qi_scaled_codes(points, 2 &* count, Int32(bitPattern: codesPerUnit &<< 1), codes)
  }

  @inline(__always)
  private static func magnitude(_ value: Int32) -> UInt32 {
    UInt32(bitPattern: value < 0 ? 0 &- value : value)
  }

  /// Levels in Q4 are less: no sum of samples less a mean is greater.
  private var greatestLevel: Int32 { 1 &<< (20 &+ Int32(truncatingIfNeeded: plan.pointShift)) }

  /// Whether the count and the last magnitude are ones that beats lead to.
  var areCountsSound: Bool { unsafe words[0] >= 0 && words[0] <= Self.knownCount && words[1] >= 0 }

  /// Whether they and the points are.
  var isSound: Bool {
    var bits: Int32 = 0
    var indices = Indices(to: plan.pointCount)
    while let index = indices.next() {
      let level = unsafe level(index).pointee
      bits |= level ^ level &>> 31
    }
    return areCountsSound && bits < greatestLevel
  }
}
