/// Turns samples into columns of int8 codes, one at a time: high-pass, window, transform, log magnitude.
///
/// Samples are counts of the converter; `SpectrogramSettings` in the Training module defines what is computed.
/// The state lies in the caller's memory (`ModelFormat.State`), and so does the scratch.
@safe
public struct StreamingSpectrogram: ~Copyable {
  private let plan: FrontEndPlan
  private let state: UnsafeMutablePointer<Int32>
  private let ring: UnsafeMutablePointer<Int32>
  private let transformData: UnsafeMutablePointer<Int16>
  private let spectrum: UnsafeMutablePointer<Int32>
  /// The last column's exponent: what its 16-bit transform must be scaled by.
  private var exponent: Int32 = 0

  /// Where each number stands in the state's first words.
  private enum Slot {
    static let filterOutput = 0
    static let filterInput = 1
    static let ringPosition = 2
    /// The samples that are still missing for the next column; negative before the first sample.
    static let samplesUntilColumn = 3
  }

  /// Creates a spectrogram in the caller's memory, with all samples forgotten.
  ///
  /// - Parameters:
  ///   - plan: A validated model's front end.
  ///   - state: At least `ModelFormat.State.frontEndByteCount` bytes, at a multiple of 4.
  ///   - scratch: At least `FrontEndPlan.scratchByteCount` bytes, likewise.
  /// - Throws: `MemoryError` where the memory doesn't fit.
  public init(
    plan: FrontEndPlan, state: UnsafeMutableRawBufferPointer, scratch: UnsafeMutableRawBufferPointer
  ) throws(MemoryError) {
    let samples = plan.windowSamples
    let stateByteCount = ModelFormat.State.frontEndByteCount(windowSamples: samples)
    let scratchByteCount = FrontEndPlan.scratchByteCount(windowSamples: samples, binCount: plan.binCount)
    let stateStart = try unsafe checkedStart(of: state, byteCount: stateByteCount)
    let scratchStart = try unsafe checkedStart(of: scratch, byteCount: scratchByteCount)
    self.plan = plan
    unsafe self.state = stateStart.assumingMemoryBound(to: Int32.self)
    unsafe ring = self.state + 4
    unsafe transformData = scratchStart.assumingMemoryBound(to: Int16.self)
    unsafe spectrum = (scratchStart + 2 &* samples).assumingMemoryBound(to: Int32.self)
    reset()
  }

  /// Forgets all samples.
  public func reset() {
    unsafe self.state.update(repeating: 0, count: 4 &+ plan.windowSamples)
    unsafe state[Slot.filterInput] = Int32.min
    unsafe state[Slot.samplesUntilColumn] = Int32(truncatingIfNeeded: plan.windowSamples)
  }

  /// Takes a sample, in counts.
  ///
  /// Returns whether a column is complete.
  ///
  /// - Complexity: O(1).
  @inline(__always)
  public func push(_ sample: Int16) -> Bool {
    let isFirst = unsafe state[Slot.filterInput] == Int32.min
    var filter = unsafe HighPassFilter(previousSample: isFirst ? Int32(sample) : state[Slot.filterInput])
    filter.outputQ12 = unsafe state[Slot.filterOutput]
    let position = unsafe Int(truncatingIfNeeded: state[Slot.ringPosition])
    unsafe ring[position] = filter.filter(sample, shift: plan.highPassShift)
    unsafe state[Slot.filterOutput] = filter.outputQ12
    unsafe state[Slot.filterInput] = filter.previousSample
    // The window's length is a power of two.
    unsafe state[Slot.ringPosition] = Int32(truncatingIfNeeded: (position &+ 1) & (plan.windowSamples &- 1))
    let missing = unsafe state[Slot.samplesUntilColumn] &- 1
    unsafe state[Slot.samplesUntilColumn] = missing > 0 ? missing : Int32(truncatingIfNeeded: plan.hopSamples)
    return missing == 0
  }

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
    let mask = plan.windowSamples &- 1
    let start = unsafe Int(truncatingIfNeeded: state[Slot.ringPosition])
    // A sample in Q12 times the window in Q31, upper half: Q11.
    var bits: UInt32 = 0
    for index in 0..<plan.windowSamples {
      let weightedQ11 = unsafe ring[(start &+ index) & mask].multipliedFullWidth(by: plan.windowQ31[index])
        .high
      bits |= weightedQ11.magnitude
    }
    let needed = 17 &- Int32(truncatingIfNeeded: bits.leadingZeroBitCount)
    let shift = max(needed, plan.minimumExponent &+ 11)
    exponent = shift &- 11
    let rounding: Int32 = (1 &<< shift) &>> 1
    let complexBits = Int32(truncatingIfNeeded: (plan.windowSamples / 2).trailingZeroBitCount)
    var largest: Int32 = 0
    for index in 0..<plan.windowSamples {
      let weightedQ11 = unsafe ring[(start &+ index) & mask].multipliedFullWidth(by: plan.windowQ31[index])
        .high
      let mantissa = Int32(Int16(clamping: (weightedQ11 &+ rounding) &>> shift))
      largest = max(largest, abs(mantissa))
      let place = Self.bitReversed(index &>> 1, bitCount: complexBits)
      unsafe transformData[2 &* place &+ (index & 1)] = Int16(truncatingIfNeeded: mantissa)
    }
    return largest
  }

  /// Log magnitude above the floor, as codes.
  private func encode(into column: UnsafeMutablePointer<Int8>) {
    let doubleExponent = exponent &+ exponent
    let floorShift = UInt32(truncatingIfNeeded: doubleExponent &- plan.floorExponent)
    let floorPower = floorShift > 31 ? 0 : plan.floorMantissa &>> floorShift
    for bin in 0..<plan.binCount {
      let power = unsafe Self.power(spectrum[2 &* bin]) &+ Self.power(spectrum[2 &* bin &+ 1])
      let logQ16 = log2Q16(max(1, power &+ floorPower)) &+ (doubleExponent &<< 16)
      let levelQ16 = min(max(0, logQ16 &- plan.floorLog2Q16), plan.greatestLevelQ16)
      let level = (levelQ16 &* plan.codesPerPowerDoublingQ6 &+ (1 &<< 21)) &>> 22
      unsafe column[bin] = Int8(clamping: level &+ plan.zeroLevelCode)
    }
  }

  /// A spectrum part's square on the 16-bit transform's scale: at most 2^30.
  @inline(__always)
  private static func power(_ part: Int32) -> UInt32 {
    let square = part.multipliedFullWidth(by: part)
    return (UInt32(truncatingIfNeeded: square.high) &<< 28) | UInt32(truncatingIfNeeded: square.low &>> 4)
  }

  @inline(__always)
  private static func bitReversed(_ index: Int, bitCount: Int32) -> Int {
    var rest = index
    var reversed = 0
    for _ in 0..<bitCount {
      reversed = (reversed &<< 1) | (rest & 1)
      rest &>>= 1
    }
    return reversed
  }
}
