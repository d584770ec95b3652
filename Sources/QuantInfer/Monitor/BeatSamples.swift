import CKernels

/// The newest samples of a lead, and the points of a beat among them.
@safe
struct BeatSamples {
  private let ring: UnsafeMutablePointer<Int16>
  private let mask: Int

  /// The samples in memory that was checked: `ringSampleCount` of them, a power of two.
  @inline(__always)
  init(_ memory: UnsafeMutableRawPointer, ringSampleCount: Int) {
    unsafe ring = memory.assumingMemoryBound(to: Int16.self)
    mask = ringSampleCount &- 1
  }

  /// Forgets all samples.
  func reset() { unsafe clear(ring, byteCount: 2 &* (mask &+ 1)) }

  /// A number's place.
  ///
  /// Numbers begin with 1 and lie one further, so that blocks of an even count keep their alignment.
  @inline(__always)
  private func place(of number: UInt32) -> Int { Int(truncatingIfNeeded: number &+ 1) & mask }

  /// Takes a sample of a number; numbers wrap at a power of two.
  @inline(__always)
  func push(_ sample: Int16, number: UInt32) { unsafe ring[place(of: number)] = sample }

  /// Takes samples from a number on, in stretches that don't wrap.
  func push(_ block: UnsafePointer<Int16>, count: Int, from number: UInt32) {
    var place = place(of: number)
    var (source, rest) = unsafe (block, count)
    while rest > 0 {
      let stretch = min(rest, mask &+ 1 &- place)
      unsafe UnsafeMutableRawPointer(ring + place).copyMemory(from: source, byteCount: 2 &* stretch)
      unsafe source += stretch
      rest &-= stretch
      place = 0
    }
  }

  /// The number of a beat's peak: the sample furthest from the mean of eight about the sensed one, the first of equal ones.
  ///
  /// - Parameters:
  ///   - beat: The number of the sample at which it was sensed.
  ///   - reach: How far the peak may lie from it.
  /// - Returns: The number.
  /// - Complexity: O(`reach`).
  func peak(near beat: UInt32, reach: Int) -> UInt32 {
    let levelReach = BeatPlan.levelReach
    let (sensed, furthest) = (place(of: beat), max(levelReach, reach))
    if sensed >= furthest, sensed &+ furthest <= mask {
      return unsafe beat &+ UInt32(truncatingIfNeeded: qi_peak(ring + sensed, reach))
    }
    let first = sensed &- levelReach
    var (level, offset) = (Int32(0), 0)
    while offset < 2 &* BeatPlan.levelReach {
      level &+= unsafe Int32(ring[(first &+ offset) & mask])
      offset &+= 4
    }
    level = level &>> 3
    let start = beat &- UInt32(truncatingIfNeeded: reach)
    var (place, rest) = (place(of: start), 2 &* reach &+ 1)
    var (greatest, found): (Int32, Int) = (-1, rest)
    while rest > 0 {
      // What lies in a row; the ring's start follows its end.
      let end = rest &- min(rest, mask &+ 1 &- place)
      var sample = unsafe ring + place
      while rest > end {
        let difference = unsafe Int32(sample.pointee) &- level
        let height = difference < 0 ? 0 &- difference : difference
        if height > greatest { (greatest, found) = (height, rest) }
        unsafe sample += 1
        rest &-= 1
      }
      place = 0
    }
    return start &+ UInt32(truncatingIfNeeded: 2 &* reach &+ 1 &- found)
  }

  /// How far the fine points of a beat, two samples each, are from usual ones, see `BeatTemplate.isNear`; nil where the ring's
  /// end lies among them, or a point isn't two samples.
  @inline(__always)
  func distance(
    ofBeatAt beat: UInt32, _ plan: BeatPlan, fromQ4 usual: UnsafePointer<Int32>, sum: Int32
  ) -> UInt32? {
    let (early, fine) = (plan.earlyCount, plan.fineCount)
    let first = place(of: beat &+ UInt32(truncatingIfNeeded: early &<< 2 &- plan.leadSamples))
    guard plan.pointShift == 1, fine > 0, first &+ 2 &* fine <= mask &+ 1 else { return nil }
    return unsafe qi_pairs_distance(ring + first, usual, fine, sum)
  }

  /// Computes the fine points of a beat, each the sum of its samples, at their place among all points.
  ///
  /// Returns their sum.
  ///
  /// - Complexity: O(n) in their samples.
  func finePoints(ofBeatAt beat: UInt32, _ plan: BeatPlan, into points: UnsafeMutablePointer<Int32>) -> Int32
  {
    let (shift, early) = (plan.pointShift, plan.earlyCount)
    let first = place(of: beat &- UInt32(truncatingIfNeeded: plan.leadSamples))
    return unsafe sums(
      plan.fineCount, of: shift, from: first &+ early &<< (shift &+ 1), isHalved: false, into: points + early)
  }

  /// Computes the coarse points before and behind them likewise, each half the sum of its samples, twice as many.
  func coarsePoints(ofBeatAt beat: UInt32, _ plan: BeatPlan, into points: UnsafeMutablePointer<Int32>)
    -> Int32
  {
    let (shift, early, fine) = (plan.pointShift &+ 1, plan.earlyCount, plan.fineCount)
    let first = place(of: beat &- UInt32(truncatingIfNeeded: plan.leadSamples))
    let before = unsafe sums(early, of: shift, from: first, isHalved: true, into: points)
    let late = first &+ early &<< shift &+ fine &<< (shift &- 1)
    return unsafe before
      &+ sums(plan.lateCount, of: shift, from: late, isHalved: true, into: points + early + fine)
  }

  /// Sums of two to some power of neighbouring samples each, and the sum of those.
  private func sums(
    _ count: Int, of shift: Int, from first: Int, isHalved: Bool, into points: UnsafeMutablePointer<Int32>
  ) -> Int32 {
    let halving: Int32 = isHalved ? 1 : 0
    var (place, point, rest, sum) = unsafe (first & mask, points, count, Int32(0))
    while rest > 0 {
      // The points before the ring's end; one that reaches over it by itself.
      let whole = min(rest, (mask &+ 1 &- place) &>> shift)
      if whole > 0 {
        unsafe sum &+= stretch(whole, of: shift, from: ring + place, halving: halving, into: point)
      } else {
        var (total, index) = (Int32(0), 0)
        while index < 1 &<< shift {
          total &+= unsafe Int32(ring[(place &+ index) & mask])
          index &+= 1
        }
        unsafe point.pointee = total &>> halving
        sum &+= total &>> halving
      }
      let taken = max(1, whole)
      place = (place &+ taken &<< shift) & mask
      unsafe point += taken
      rest &-= taken
    }
    return sum
  }

  /// The same of samples that lie in a row.
  @inline(__always)
  private func stretch(
    _ count: Int, of shift: Int, from first: UnsafePointer<Int16>, halving: Int32,
    into points: UnsafeMutablePointer<Int32>
  ) -> Int32 {
    guard shift == 0 else { return unsafe qi_sums(first, count, 1 &<< (shift &- 1), halving, points) }
    var (indices, sum) = (Indices(to: count), Int32(0))
    while let index = indices.next() {
      let sample = unsafe Int32(first[index]) &>> halving
      unsafe points[index] = sample
      sum &+= sample
    }
    return sum
  }
}
