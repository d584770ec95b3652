import CKernels

/// Turns samples into columns of int8 codes, one at a time: high-pass, window, transform, log magnitude.
///
/// The transform is a fast one, or for a short window the sums of its definition: the image says which.
/// Samples are counts of the converter; `SpectrogramSettings` in the Training module defines what is computed.
/// The state lies in the caller's memory (`ModelFormat.State`), and so does the scratch.
@safe
public struct StreamingSpectrogram: ~Copyable {
  private let plan: SpectrogramPlan
  private let samples: SampleWindow
  private let transformData: UnsafeMutablePointer<Int16>
  private let spectrum: UnsafeMutablePointer<Int32>
  /// The last column's exponent: what its transform, with 16 bits behind the point, must be scaled by.
  private var exponent: Int32 = 0

  /// Creates a spectrogram in the caller's memory, with all samples forgotten.
  ///
  /// - Parameters:
  ///   - plan: A validated model's spectrogram.
  ///   - state: At least `ModelFormat.State.frontEndByteCount` bytes, at a multiple of 4.
  ///   - scratch: At least `SpectrogramPlan.scratchByteCount` bytes, likewise.
  /// - Throws: `MemoryError` where the memory doesn't fit.
  public init(
    plan: SpectrogramPlan, state: UnsafeMutableRawBufferPointer, scratch: UnsafeMutableRawBufferPointer
  ) throws(MemoryError) {
    let scratchStart = try unsafe checkedStart(of: scratch, byteCount: plan.scratchByteCount)
    let samples = try unsafe SampleWindow(plan.record, state: state)
    unsafe self.init(plan: plan, samples: samples, scratch: scratchStart)
  }

  /// A spectrogram of samples that are there, in memory that was checked.
  init(plan: SpectrogramPlan, samples: SampleWindow, scratch: UnsafeMutableRawPointer) {
    self.plan = plan
    self.samples = samples
    unsafe transformData = scratch.assumingMemoryBound(to: Int16.self)
    unsafe spectrum = (scratch + 2 &* plan.windowSamples).assumingMemoryBound(to: Int32.self)
  }

  /// Forgets all samples.
  public func reset() { samples.reset() }

  /// Takes a sample, in counts.
  ///
  /// Returns whether a column is complete.
  ///
  /// - Complexity: O(1).
  @inline(__always)
  public func push(_ sample: Int16) -> Bool { samples.push(sample) }

  /// Computes the column of the samples in the ring.
  ///
  /// - Parameter column: Receives `binCount` codes.
  /// - Complexity: O(N log N) in the window's length N, of a direct transform O(N) for each bin.
  public mutating func computeColumn(into column: UnsafeMutablePointer<Int8>) {
    var headroom: Int32 = 0
    if plan.isDirect {
      headroom = transformDirectly()
    } else if Built.fastTransform {
      transformFast()
    }
    unsafe encode(shift: headroom, into: column)
  }

  /// A bin of the last column's transform, in counts: each part times `2^exponent`.
  ///
  /// A direct transform counts time from the window's middle, a fast one from its first sample. Valid until the scratch is
  /// reused.
  public func spectrum(at bin: Int) -> (real: Int32, imaginary: Int32, exponent: Int32) {
    precondition(bin >= 0 && bin < plan.binCount, "no such bin")
    return unsafe (spectrum[2 * bin], spectrum[2 * bin + 1], exponent &- 16)
  }

  /// The transform of a short window, by its definition: see `qi_folded_bins`.
  ///
  /// Time is counted from the window's middle, where cosines are even and sines are odd, and so are they about the middle of
  /// each half, with a sign for every other bin: a fourth of the products is left.
  ///
  /// Returns by how many bits the parts may grow.
  private mutating func transformDirectly() -> Int32 {
    let count = plan.windowSamples
    // What is weighed lies where the spectrum will.
    let (weighed, window) = unsafe (spectrum, plan.windowQ31)
    let (oldest, rest) = samples.stretches
    let bits =
      unsafe qi_weighed(oldest.start, window, oldest.count, weighed)
      | qi_weighed(rest.start, window + oldest.count, rest.count, weighed + oldest.count)
    // A sum of `count` numbers of 13 bits, times factors of so many bits, has 31.
    let factorBits = plan.factorBits
    let needed = 19 &- Int32(truncatingIfNeeded: bits.leadingZeroBitCount)
    // Weighed samples have 11 bits behind the point, the spectrum 16.
    let shift = max(max(needed, plan.minimumExponent &+ factorBits &- 5), 2)
    exponent = shift &+ 5 &- factorBits
    unsafe qi_folded(weighed, count, shift, transformData)
    let parts = unsafe qi_folded_bins(
      transformData, count, plan.factors, plan.firstBin, plan.binCount, spectrum)
    let headroom = Int32(truncatingIfNeeded: parts.leadingZeroBitCount) &- 1
    return min(headroom, exponent &- plan.minimumExponent)
  }

  /// The transform in stages: see `RealFFT`.
  private mutating func transformFast() {
    let complexCount = plan.windowSamples / 2
    var largest = loadWindow()
    exponent &+= unsafe RealFFT.transform(
      transformData, complexCount: complexCount, twiddlesQ14: plan.twiddlesQ14, largest: &largest)
    let shift = RealFFT.headroomShift(largest)
    exponent &+= shift
    unsafe RealFFT.split(
      transformData, complexCount: complexCount, twiddlesQ14: plan.twiddlesQ14,
      bins: plan.firstBin..<plan.firstBin &+ plan.binCount, shift: shift, into: spectrum)
  }

  /// Weights the ring's samples, oldest first, into 16 bits and bit-reversed order; sets the exponent.
  ///
  /// Returns the largest magnitude.
  private mutating func loadWindow() -> Int32 {
    // A sample in Q12 times the window in Q31, upper half: Q11.
    let (count, window, samples) = unsafe (plan.windowSamples, plan.windowQ31, samples.newest)
    var bits: UInt32 = 0
    for index in 0..<count {
      let weightedQ11 = unsafe qi_high_product(samples[index], window[index])
      bits |= weightedQ11.magnitude
    }
    let needed = 17 &- Int32(truncatingIfNeeded: bits.leadingZeroBitCount)
    let shift = max(needed, plan.minimumExponent &+ 11)
    exponent = shift &- 11
    let rounding: Int32 = (1 &<< shift) &>> 1
    // An index of so many bits, reversed in a word of 32, has to come down by this.
    let excess = UInt32(truncatingIfNeeded: (count / 2).leadingZeroBitCount &+ 1 &- (Int.bitWidth &- 32))
    var largest: Int32 = 0
    for pair in 0..<count &>> 1 {
      // The even sample is the real part of a complex number, the odd one the imaginary part.
      let even = unsafe qi_high_product(samples[2 &* pair], window[2 &* pair])
      let odd = unsafe qi_high_product(samples[2 &* pair &+ 1], window[2 &* pair &+ 1])
      let real = qi_limited_to_16((even &+ rounding) &>> shift)
      let imaginary = qi_limited_to_16((odd &+ rounding) &>> shift)
      largest = max(max(largest, magnitude(real)), magnitude(imaginary))
      let place = Int(truncatingIfNeeded: qi_bit_reversed(UInt32(truncatingIfNeeded: pair)) &>> excess)
      unsafe transformData[2 &* place] = Int16(truncatingIfNeeded: real)
      unsafe transformData[2 &* place &+ 1] = Int16(truncatingIfNeeded: imaginary)
    }
    return largest
  }

  /// Log magnitude above the floor, as codes.
  private func encode(shift: Int32, into column: UnsafeMutablePointer<Int8>) {
    let doubleExponent = 2 &* (exponent &- shift)
    let floorShift = UInt32(truncatingIfNeeded: doubleExponent &- plan.floorExponent)
    // The upper halves of squares are powers on the scale of the exponent.
    var levels = qi_levels(
      shift: shift,
      floorPower: floorShift > 31 ? 0 : plan.floorMantissa &>> floorShift,
      offsetLog2Q16: (doubleExponent &<< 16) &- plan.floorLog2Q16,
      codesPerPowerDoublingQ6: plan.codesPerPowerDoublingQ6, zeroLevelCode: plan.zeroLevelCode)
    unsafe qi_level_codes(spectrum, plan.binCount, &levels, column)
  }
}

/// The magnitude of a number of 16 bits.
@inline(__always)
private func magnitude(_ number: Int32) -> Int32 { Int32(bitPattern: number.magnitude) }
