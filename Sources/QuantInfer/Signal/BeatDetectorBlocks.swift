extension BeatDetector {
  /// Takes samples one after the other, as `push` does, as long as none of them can bring a beat or the end of a peak.
  ///
  /// What lies between two such samples needs no rules: sums follow the samples, and the greatest curve length is kept.
  ///
  /// - Parameters:
  ///   - samples: The first frame's sample of the detector's lead.
  ///   - stride: The samples from one frame to the next.
  ///   - count: The frames.
  /// - Returns: How many were taken; the one behind them is for `push`.
  /// - Complexity: O(n).
  ///
  /// What it calls changes the state alone, and is mutating so that the detector isn't copied for it.
  mutating func pushQuietly(_ samples: UnsafePointer<Int16>, stride: Int, count: Int) -> Int {
    let first = unsafe Int(truncatingIfNeeded: rules.pointee.position &+ 1) & (Int(lengths.ring) &- 1)
    // With the first place of a ring the sums are taken anew.
    guard first > 0 else { return 0 }
    let quiet = unsafe Int(rules.pointee.quietSampleCount(lengths))
    let end = min(first &+ min(count, quiet), Int(lengths.ring))
    guard end > first else { return 0 }
    // The second pass finds what the first has left behind: fewer samples are taken than a ring has beside the baseline's.
    unsafe lowPass(samples, stride: stride, from: first, to: end)
    let peak = bandPass(
      from: first, to: end,
      peak: (unsafe rules.pointee.peakHeight, unsafe first &- 1 &- Int(rules.pointee.peakAge)))
    unsafe rules.pointee.passQuietly(
      Int32(truncatingIfNeeded: end &- first), peakHeight: peak.height,
      peakAge: Int32(truncatingIfNeeded: end &- 1 &- peak.place))
    return end &- first
  }

  /// Low-passes samples into places of one round.
  @inline(never)
  mutating func lowPass(_ samples: UnsafePointer<Int16>, stride: Int, from first: Int, to end: Int) {
    let mask = Int(lengths.ring) &- 1
    let (half, whole) = (Int(lengths.smoothing), 2 &* Int(lengths.smoothing))
    let shift = lengths.smoothShift & 31
    let (ring, smooth) = unsafe (self.samples, self.smooth)
    var newer = unsafe sums.pointee.newer
    var older = unsafe sums.pointee.older
    var triangle = unsafe sums.pointee.triangle
    var next = unsafe samples
    var places = Indices(from: first, to: end)
    while let place = places.next() {
      let sample = unsafe Int32(next.pointee)
      unsafe next += stride
      let middle = unsafe ring[(place &- half) & mask]
      newer &+= sample &- middle
      older &+= unsafe middle &- ring[(place &- whole) & mask]
      triangle &+= newer &- older
      unsafe ring[place] = sample
      unsafe smooth[place] = triangle &>> shift
    }
    unsafe sums.pointee.newer = newer
    unsafe sums.pointee.older = older
    unsafe sums.pointee.triangle = triangle
  }

  /// Band-passes what was low-passed into places of one round, and looks for the greatest curve length.
  ///
  /// - Returns: The greatest one up to the end, and its place; a place before the round's first is below 0.
  @inline(never)
  mutating func bandPass(
    from first: Int, to end: Int, peak: (height: Int32, place: Int)
  ) -> (height: Int32, place: Int) {
    let mask = Int(lengths.ring) &- 1
    let (count, complex) = (lengths.baseline, Int(lengths.complex))
    let (whole, half) = (Int(count), Int(count &>> 1))
    let shift = lengths.baselineShift & 31
    let (smooth, bandPassed) = unsafe (self.smooth, self.bandPassed)
    var (baseline, curve) = unsafe (sums.pointee.baseline, sums.pointee.curve)
    var newest = unsafe bandPassed[(first &- 1) & mask]
    var oldest = unsafe bandPassed[(first &- 1 &- complex) & mask]
    var (height, peakPlace) = peak
    var places = Indices(from: first, to: end)
    while let place = places.next() {
      baseline &+= unsafe smooth[place] &- smooth[(place &- whole) & mask]
      let passed = unsafe (smooth[(place &- half) & mask] &* count &- baseline) &>> shift
      unsafe bandPassed[place] = passed
      let older = unsafe bandPassed[(place &- complex) & mask]
      curve &+= Int32(truncatingIfNeeded: (passed &- newest).magnitude)
      curve &-= Int32(truncatingIfNeeded: (older &- oldest).magnitude)
      (newest, oldest) = (passed, older)
      if curve > height { (height, peakPlace) = (curve, place) }
    }
    unsafe sums.pointee.baseline = baseline
    unsafe sums.pointee.curve = curve
    return (height, peakPlace)
  }
}

extension BeatRules {
  /// The samples to come that can't bring a beat, the end of a peak, or a change of what is remembered beside ages and the peak.
  func quietSampleCount(_ lengths: BeatDetector.Lengths) -> Int32 {
    // A damaged age heals with `push`.
    guard learningSamplesLeft == 0, peakAge >= 0, missedAge >= 0, beatAge >= 0 else { return 0 }
    let untilPeak = lengths.refractory &- 1 &- peakAge
    let untilSilence = lengths.silence &+ (lengths.silence &>> 2) &- 1 &- beatAge
    // Nothing is remembered that could be forgotten: the age just must not wrap.
    let untilForgotten = (missedHeight == 0 ? .max : lengths.searchBack) &- missedAge
    let count = min(min(untilPeak, untilSilence), untilForgotten)
    guard missedHeight > max(lengths.quietHeight, threshold(lengths) &>> 1) else { return count }
    let overdue = interval &+ interval / 2
    return overdue < beatAge ? 0 : min(count, overdue &- beatAge)
  }

  /// Takes so many samples, of which the greatest curve length is known.
  mutating func passQuietly(_ count: Int32, peakHeight: Int32, peakAge: Int32) {
    position &+= count
    (self.peakHeight, self.peakAge) = (peakHeight, peakAge)
    missedAge &+= count
    beatAge &+= count
  }
}
