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
      let end = unsafe source + stretch
      var target = unsafe ring + place
      // Two at a time, where both lie at a multiple of four bytes.
      if (UInt(bitPattern: source) | UInt(bitPattern: target)) & 3 == 0 {
        while unsafe source + 1 < end {
          unsafe UnsafeMutableRawPointer(target).storeBytes(
            of: UnsafeRawPointer(source).load(as: UInt32.self), as: UInt32.self)
          unsafe (target, source) = (target + 2, source + 2)
        }
      }
      while unsafe source < end {
        unsafe target.pointee = source.pointee
        unsafe (target, source) = (target + 1, source + 1)
      }
      rest &-= stretch
      place = 0
    }
  }

  /// Computes all points of a beat: a fine one is the sum of its samples, a coarse one half that of its, twice as many.
  ///
  /// Returns their sum.
  ///
  /// - Complexity: O(n) in the beat's samples.
  func points(ofBeatAt beat: UInt32, _ plan: BeatPlan, into points: UnsafeMutablePointer<Int32>) -> Int32 {
    let (shift, early, fine) = (plan.pointShift, plan.earlyCount, plan.fineCount)
    let first = place(of: beat &- UInt32(truncatingIfNeeded: plan.leadSamples))
    var sum = unsafe sums(early, of: shift &+ 1, from: first, isHalved: true, into: points)
    let middle = first &+ early &<< (shift &+ 1)
    unsafe sum &+= sums(fine, of: shift, from: middle, isHalved: false, into: points + early)
    return unsafe sum
      &+ sums(
        plan.lateCount, of: shift &+ 1, from: middle &+ fine &<< shift, isHalved: true,
        into: points + early + fine)
  }

  /// Computes the fine points alone.
  func finePoints(ofBeatAt beat: UInt32, _ plan: BeatPlan, into points: UnsafeMutablePointer<Int32>) {
    let shift = plan.pointShift
    let first = place(of: beat &- UInt32(truncatingIfNeeded: plan.leadSamples))
    _ = unsafe sums(
      plan.fineCount, of: shift, from: first &+ plan.earlyCount &<< (shift &+ 1), isHalved: false,
      into: points)
  }

  /// Sums of two to some power of neighbouring samples each, and the sum of those.
  @inline(__always)
  private func sums(
    _ count: Int, of shift: Int, from first: Int, isHalved: Bool, into points: UnsafeMutablePointer<Int32>
  ) -> Int32 {
    var place = first
    let end = unsafe points + count
    var (point, sum) = unsafe (points, Int32(0))
    if shift == 1 {
      while unsafe point < end {
        let total = sample(place) &+ sample(place &+ 1)
        unsafe point.pointee = total
        sum &+= total
        place &+= 2
        unsafe point += 1
      }
    } else if shift == 2, isHalved {
      while unsafe point < end {
        let total = sample(place) &+ sample(place &+ 1) &+ sample(place &+ 2) &+ sample(place &+ 3)
        unsafe point.pointee = total &>> 1
        sum &+= total &>> 1
        place &+= 4
        unsafe point += 1
      }
    } else {
      while unsafe point < end {
        var (total, rest) = (Int32(0), 1 &<< shift)
        while rest > 0 {
          total &+= sample(place)
          place &+= 1
          rest &-= 1
        }
        if isHalved { total = total &>> 1 }
        unsafe point.pointee = total
        sum &+= total
        unsafe point += 1
      }
    }
    return sum
  }

  @inline(__always)
  private func sample(_ place: Int) -> Int32 { unsafe Int32(ring[place & mask]) }
}
