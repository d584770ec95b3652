import CKernels

/// Turns samples into columns of int8 codes, one at a time: high-pass, window, transform, log magnitude.
///
/// Samples are counts of the converter; `SpectrogramSettings` in the Training module defines what is computed.
/// The state lies in the caller's memory (`ModelFormat.State`), and so does the scratch.
@safe
public struct StreamingSpectrogram: ~Copyable {
  private let plan: SpectrogramPlan
  private let samples: SampleWindow
  private let transformData: UnsafeMutablePointer<Int16>
  private let spectrum: UnsafeMutablePointer<Int32>
  /// The last column's exponent: what its 16-bit transform must be scaled by.
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
    let scratchByteCount = SpectrogramPlan.scratchByteCount(
      windowSamples: plan.windowSamples, binCount: plan.binCount)
    let scratchStart = try unsafe checkedStart(of: scratch, byteCount: scratchByteCount)
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
  /// - Complexity: O(N log N) in the window's length.
  public mutating func computeColumn(into column: UnsafeMutablePointer<Int8>) {
    let complexCount = plan.windowSamples / 2
    var largest = loadWindow()
    exponent &+= unsafe RealFFT.transform(
      transformData, complexCount: complexCount, twiddlesQ14: plan.twiddlesQ14, largest: &largest)
    let shift = RealFFT.headroomShift(largest)
    exponent &+= shift
    unsafe RealFFT.split(
      transformData, complexCount: complexCount, twiddlesQ14: plan.twiddlesQ14,
      bins: plan.firstBin..<plan.firstBin &+ plan.binCount, shift: shift, into: spectrum)
    unsafe encode(into: column)
  }

  /// A bin of the last column's transform, in counts: each part times `2^exponent`.
  ///
  /// Valid until the scratch is reused.
  public func spectrum(at bin: Int) -> (real: Int32, imaginary: Int32, exponent: Int32) {
    precondition(bin >= 0 && bin < plan.binCount, "no such bin")
    return unsafe (spectrum[2 * bin], spectrum[2 * bin + 1], exponent &- 2)
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
  private func encode(into column: UnsafeMutablePointer<Int8>) {
    let doubleExponent = exponent &+ exponent
    let floorShift = UInt32(truncatingIfNeeded: doubleExponent &- plan.floorExponent)
    let floorPower = floorShift > 31 ? 0 : plan.floorMantissa &>> floorShift
    let (floorLog2Q16, greatestLevelQ16) = (plan.floorLog2Q16, plan.greatestLevelQ16)
    let (codesPerPowerDoublingQ6, zeroLevelCode) = (plan.codesPerPowerDoublingQ6, plan.zeroLevelCode)
    for bin in 0..<plan.binCount {
      // On the 16-bit transform's scale: at most 2^31.
      let (real, imaginary) = unsafe (spectrum[2 &* bin], spectrum[2 &* bin &+ 1])
      let power = qi_sixteenth_of_square(real) &+ qi_sixteenth_of_square(imaginary)
      let logQ16 = log2Q16(max(1, power &+ floorPower)) &+ (doubleExponent &<< 16)
      let levelQ16 = min(max(0, logQ16 &- floorLog2Q16), greatestLevelQ16)
      let level = (levelQ16 &* codesPerPowerDoublingQ6 &+ (1 &<< 21)) &>> 22
      unsafe column[bin] = Int8(clamping: level &+ zeroLevelCode)
    }
  }
}

/// The magnitude of a number of 16 bits.
@inline(__always)
private func magnitude(_ number: Int32) -> Int32 { Int32(bitPattern: number.magnitude) }
