/// The newest samples behind the high-pass filter: a column's window, in the caller's memory (`ModelFormat.State`).
@safe
struct SampleWindow {
  private let words: UnsafeMutablePointer<Int32>
  private let ring: UnsafeMutablePointer<Int32>
  private let sampleCount: Int
  private let hopSamples: Int
  private let highPassShift: Int32

  /// Where each number stands in the state's first words.
  private enum Slot {
    static let filterOutput = 0
    static let filterInput = 1
    static let ringPosition = 2
    /// The samples that are still missing for the next column.
    static let samplesUntilColumn = 3
    static let count = 4
  }

  /// A window in the caller's memory, with all samples forgotten.
  init(_ plan: FrontEndPlan, state: UnsafeMutableRawBufferPointer) throws(MemoryError) {
    sampleCount = plan.windowSamples
    hopSamples = plan.hopSamples
    highPassShift = plan.highPassShift
    let start = try unsafe checkedStart(
      of: state, byteCount: ModelFormat.State.frontEndByteCount(windowSamples: sampleCount))
    unsafe words = start.assumingMemoryBound(to: Int32.self)
    unsafe ring = words + Slot.count
    reset()
  }

  /// Forgets all samples.
  func reset() {
    unsafe words.update(repeating: 0, count: Slot.count &+ sampleCount)
    unsafe words[Slot.filterInput] = Int32.min
    unsafe words[Slot.samplesUntilColumn] = Int32(truncatingIfNeeded: sampleCount)
  }

  /// Takes a sample, in counts.
  ///
  /// Returns whether a column is complete.
  ///
  /// - Complexity: O(1).
  @inline(__always)
  func push(_ sample: Int16) -> Bool {
    let position = unsafe Int(truncatingIfNeeded: words[Slot.ringPosition])
    unsafe ring[position] = highPassShift > 0 ? filtered(sample) : Int32(sample) &<< 12
    // The window's length is a power of two.
    unsafe words[Slot.ringPosition] = Int32(truncatingIfNeeded: (position &+ 1) & (sampleCount &- 1))
    let missing = unsafe words[Slot.samplesUntilColumn] &- 1
    unsafe words[Slot.samplesUntilColumn] = missing > 0 ? missing : Int32(truncatingIfNeeded: hopSamples)
    return missing == 0
  }

  @inline(__always)
  private func filtered(_ sample: Int16) -> Int32 {
    let isFirst = unsafe words[Slot.filterInput] == Int32.min
    var filter = unsafe HighPassFilter(previousSample: isFirst ? Int32(sample) : words[Slot.filterInput])
    filter.outputQ12 = unsafe words[Slot.filterOutput]
    let outputQ12 = filter.filter(sample, shift: highPassShift)
    unsafe words[Slot.filterOutput] = filter.outputQ12
    unsafe words[Slot.filterInput] = filter.previousSample
    return outputQ12
  }

  /// A sample of the window in Q12 counts, the oldest first.
  @inline(__always)
  subscript(index: Int) -> Int32 {
    let start = unsafe Int(truncatingIfNeeded: words[Slot.ringPosition])
    return unsafe ring[(start &+ index) & (sampleCount &- 1)]
  }
}
