/// Finds the heart's beats in one lead by integer arithmetic, one sample at a time.
///
/// A detector of the Pan-Tompkins family. Its rules and its threshold are Hamilton's, "Open source ECG analysis",
/// Computers in Cardiology 29:101-104 (2002). The lead is band-passed to about 5 to 15 Hz; the length of its curve
/// over 125 ms rises with a QRS complex of any polarity and width. A peak of that length with no larger one
/// within 200 ms is a beat where it exceeds a threshold between the levels of past beats and of past noise, unless
/// it looks like a T wave or like a step of the baseline. Where a beat is overdue, half the threshold will do.
///
/// Amplitude doesn't matter, from about 40 counts; what is below about 8 counts is taken for silence. After a
/// reset it learns for a second before it reports. After 2 s without a beat the levels fall by a quarter every
/// half second, so that it finds beats again after an artefact. A beat is reported at most 0.42 s after its R
/// peak, an overdue one at most 0.61 s.
///
/// No input traps. Nor does a damaged state, which heals within half a minute: sums follow the samples, and are taken anew
/// with every round of the rings, twice a second.
///
/// ```swift
/// var detector = try BeatDetector(sampleRateMillihertz: 128_000, state: state)
/// for (index, sample) in samples.enumerated() {
///   if let age = detector.push(sample) { beats.append(index - Int(age)) }
/// }
/// ```
@safe
public struct BeatDetector: ~Copyable {
  let sampleRateMillihertz: UInt32
  let lengths: Lengths
  let rules: UnsafeMutablePointer<BeatRules>
  let sums: UnsafeMutablePointer<Sums>
  /// The last samples, low-passed samples and band-passed samples: three rings of one length.
  let samples: UnsafeMutablePointer<Int32>
  let smooth: UnsafeMutablePointer<Int32>
  let bandPassed: UnsafeMutablePointer<Int32>

  /// The lowest sampling rate that it works at.
  public static var lowestSampleRateMillihertz: UInt32 { 100_000 }
  /// The highest sampling rate that it works at.
  public static var highestSampleRateMillihertz: UInt32 { 1_000_000 }

  /// The bytes that the state takes; a rate out of range counts as the nearest one within it.
  public static func stateByteCount(sampleRateMillihertz: UInt32) -> Int {
    let rate = min(max(lowestSampleRateMillihertz, sampleRateMillihertz), highestSampleRateMillihertz)
    return MemoryLayout<BeatRules>.size &+ MemoryLayout<Sums>.size &+ 12
      &* Int(Lengths(sampleRateMillihertz: rate).ring)
  }

  /// Creates a detector in the caller's memory, with all samples forgotten.
  ///
  /// - Parameters:
  ///   - sampleRateMillihertz: The sampling rate: 100 to 1000 Hz.
  ///   - state: At least `stateByteCount` bytes, at a multiple of 4; it must outlive the detector. It holds all
  ///     that changes, so a copy of it is a copy of the detector.
  /// - Throws: `MemoryError` where the rate is out of range or the memory doesn't fit.
  public init(
    sampleRateMillihertz: UInt32, state: UnsafeMutableRawBufferPointer
  ) throws(MemoryError) {
    guard sampleRateMillihertz >= Self.lowestSampleRateMillihertz,
      sampleRateMillihertz <= Self.highestSampleRateMillihertz
    else { throw .unsupportedSampleRate }
    let byteCount = Self.stateByteCount(sampleRateMillihertz: sampleRateMillihertz)
    let start = try unsafe checkedStart(of: state, byteCount: byteCount)
    self.sampleRateMillihertz = sampleRateMillihertz
    lengths = Lengths(sampleRateMillihertz: sampleRateMillihertz)
    unsafe rules = start.bindMemory(to: BeatRules.self, capacity: 1)
    unsafe sums = (start + MemoryLayout<BeatRules>.size).bindMemory(to: Sums.self, capacity: 1)
    let rings = unsafe start + MemoryLayout<BeatRules>.size + MemoryLayout<Sums>.size
    unsafe samples = rings.bindMemory(to: Int32.self, capacity: 3 &* Int(lengths.ring))
    unsafe smooth = samples + Int(lengths.ring)
    unsafe bandPassed = smooth + Int(lengths.ring)
    reset()
  }

  /// Forgets all samples and levels.
  public mutating func reset() {
    unsafe rules.initialize(to: BeatRules(lengths))
    unsafe sums.initialize(to: Sums())
    unsafe samples.initialize(repeating: 0, count: 3 &* Int(lengths.ring))
  }

  /// Takes a sample, in counts.
  ///
  /// - Returns: How many samples ago the R peak of a newly found beat was; nil where none was found.
  /// - Complexity: O(1) for most samples, O(rate) where a peak stands or sums are taken anew.
  @inline(never)
  public mutating func push(_ sample: Int16) -> Int32? {
    let lengths = lengths
    let isFirst = unsafe rules.pointee.isFresh(lengths)
    if isFirst { fill(with: sample) }
    unsafe rules.pointee.position &+= 1
    let position = unsafe rules.pointee.position
    let place = place(position, 0)
    if isFirst || place == 0 { sumAnew(at: position &- 1) }
    unsafe withUnsafePointer(to: sample) { unsafe lowPass($0, stride: 0, from: place, to: place &+ 1) }
    let curveLength = bandPass(from: place, to: place &+ 1, peak: (height: .min, place: 0)).height
    var beat: Int32?
    if let height = unsafe rules.pointee.findPeak(in: curveLength, lengths) {
      let peak = examinePeak(height: height, at: position)
      beat = unsafe rules.pointee.judge(peak, lengths)
    }
    if beat == nil { beat = unsafe rules.pointee.searchBack(lengths) }
    return beat
  }

  /// The place in a ring of what came `age` samples ago.
  @inline(__always)
  private func place(_ position: Int32, _ age: Int32) -> Int {
    Int(truncatingIfNeeded: (position &- age) & (lengths.ring &- 1))
  }

  /// Starts as if the first sample had always been there.
  private mutating func fill(with sample: Int16) {
    let level = (Int32(sample) &* lengths.smoothing &* lengths.smoothing) &>> lengths.smoothShift
    var places = Indices(to: Int(lengths.ring))
    while let place = places.next() {
      unsafe samples[place] = Int32(sample)
      unsafe smooth[place] = level
    }
  }

  /// Takes all sums anew, of what came up to a sample; those that follow the samples are the same numbers.
  private mutating func sumAnew(at position: Int32) {
    let lengths = lengths
    unsafe sums.pointee.newer = sum(of: samples, from: 0, count: lengths.smoothing, at: position)
    unsafe sums.pointee.older = sum(
      of: samples, from: lengths.smoothing, count: lengths.smoothing, at: position)
    unsafe sums.pointee.triangle = triangle(at: position)
    unsafe sums.pointee.baseline = sum(of: smooth, from: 0, count: lengths.baseline, at: position)
    unsafe sums.pointee.curve = curve(at: position)
  }

  /// The sum of so many of a ring's elements, from an age on.
  @inline(never)
  private mutating func sum(
    of ring: UnsafePointer<Int32>, from first: Int32, count: Int32, at position: Int32
  ) -> Int32 {
    var sum: Int32 = 0
    var ages = Indices(to: Int(count))
    while let age = ages.next() {
      sum = unsafe sum &+ ring[place(position, first &+ Int32(truncatingIfNeeded: age))]
    }
    return sum
  }

  /// The low-pass triangle over the last samples.
  @inline(never)
  private mutating func triangle(at position: Int32) -> Int32 {
    var triangle: Int32 = 0
    var ages = Indices(to: Int(2 &* lengths.smoothing &- 1))
    while let next = ages.next() {
      let age = Int32(truncatingIfNeeded: next)
      let weight = min(age &+ 1, 2 &* lengths.smoothing &- 1 &- age)
      triangle = unsafe triangle &+ weight &* samples[place(position, age)]
    }
    return triangle
  }

  /// The length of the band-passed curve.
  private func curve(at position: Int32) -> Int32 {
    var curve: Int32 = 0
    var ages = Indices(to: Int(lengths.complex))
    while let age = ages.next() { curve &+= step(at: position, Int32(truncatingIfNeeded: age)) }
    return curve
  }

  /// The band-passed curve's step to the element of an age.
  @inline(__always)
  private func step(at position: Int32, _ age: Int32) -> Int32 {
    let step = unsafe bandPassed[place(position, age)] &- bandPassed[place(position, age &+ 1)]
    return Int32(truncatingIfNeeded: step.magnitude)
  }

  /// Looks at the complex behind a peak of the curve length that stood a refractory period ago.
  private mutating func examinePeak(height: Int32, at position: Int32) -> BeatRules.Peak {
    var largest: Int32 = -1
    var ageOfLargest: Int32 = 0
    var rise: Int32 = 0
    var fall: Int32 = 0
    let first = Int(lengths.refractory &- 1)
    var ages = Indices(from: first, to: first &+ Int(lengths.complex) &+ 3)
    while let next = ages.next() {
      let age = Int32(truncatingIfNeeded: next)
      let deflection = unsafe Int32(truncatingIfNeeded: bandPassed[place(position, age)].magnitude)
      if deflection > largest { (largest, ageOfLargest) = (deflection, age) }
      let smoothAge = age &+ lengths.baseline / 2
      let slope =
        unsafe smooth[place(position, smoothAge)]
        &- smooth[place(position, smoothAge &+ lengths.smoothing)]
      rise = max(rise, slope)
      fall = max(fall, 0 &- slope)
    }
    return BeatRules.Peak(
      height: height, slope: max(rise, fall), isStep: min(rise, fall) < max(rise, fall) &>> 3,
      age: ageOfLargest &+ lengths.baseline / 2 &+ lengths.smoothing &- 1)
  }
}

extension BeatDetector {
  /// Sums over what came last, which follow it.
  struct Sums {
    /// The newest samples, half a triangle of them, and as many older ones.
    var newer: Int32 = 0
    var older: Int32 = 0
    /// The low-pass triangle: each sample adds the newer sum to it and takes the older one off.
    var triangle: Int32 = 0
    /// The low-passed samples of the window whose mean the band-pass takes away.
    var baseline: Int32 = 0
    /// The steps of the band-passed curve.
    var curve: Int32 = 0
  }

  /// Lengths of time in samples, and the shifts that keep the filters' gains near those at 128 Hz.
  struct Lengths {
    /// Half the low-pass triangle.
    let smoothing: Int32
    /// The window whose mean the band-pass takes away.
    let baseline: Int32
    /// The window of the curve length.
    let complex: Int32
    let refractory: Int32
    /// Up to here after a beat a peak may be its T wave.
    let tWave: Int32
    let learning: Int32
    /// The age up to which an overdue beat may be reported.
    let searchBack: Int32
    let silence: Int32
    /// A power of two, above the greatest age that is looked at.
    let ring: Int32
    let smoothShift: Int32
    let baselineShift: Int32
    /// The curve length of a spike of 8 counts, up and down.
    let quietHeight: Int32

    init(sampleRateMillihertz rate: UInt32) {
      func samples(_ milliseconds: UInt32) -> Int32 {
        Int32(truncatingIfNeeded: rate &* milliseconds / 1_000_000)
      }
      smoothing = samples(25)
      baseline = samples(125) & ~1
      complex = samples(125)
      refractory = samples(200)
      tWave = samples(360)
      learning = samples(1000)
      searchBack = samples(600)
      silence = samples(2000)
      let reach = refractory &+ complex &+ baseline / 2 &+ smoothing &+ 2
      ring = 1 &<< (32 &- Int32(truncatingIfNeeded: reach.leadingZeroBitCount))
      let gain = smoothing &* smoothing
      smoothShift = max(0, 28 &- Int32(truncatingIfNeeded: gain.leadingZeroBitCount))
      baselineShift = 31 &- Int32(truncatingIfNeeded: baseline.leadingZeroBitCount)
      quietHeight = (16 &* (gain &>> smoothShift) &* baseline) &>> baselineShift
    }
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
