/// The newest samples behind the high-pass filter: a column's window, in the caller's memory (`ModelFormat.State`).
@safe
struct SampleWindow {
  private let words: UnsafeMutablePointer<Int32>
  private let record: FrontEndRecord

  /// Where each number stands in the state's first words.
  private enum Slot {
    static let filterOutput = 0
    static let filterInput = 1
    static let ringPosition = 2
    /// The samples that are still missing for the next column, a `ParityCount`.
    static let samplesUntilColumn = 3
    static let count = 4
  }

  /// A window in the caller's memory, with all samples forgotten.
  init(_ record: FrontEndRecord, state: UnsafeMutableRawBufferPointer) throws(MemoryError) {
    self.record = record
    let start = try unsafe checkedStart(
      of: state, byteCount: ModelFormat.State.frontEndByteCount(windowSamples: record.windowSamples))
    unsafe words = start.assumingMemoryBound(to: Int32.self)
    reset()
  }

  /// A window of samples that are there, in memory that was checked.
  @inline(__always)
  init(_ record: FrontEndRecord, words: UnsafeMutablePointer<Int32>) {
    self.record = record
    unsafe self.words = words
  }

  /// The samples in Q12 counts; the oldest one's place is the next one's.
  private var ring: UnsafeMutablePointer<Int32> { unsafe words + Slot.count }

  /// Forgets all samples.
  func reset() {
    unsafe clear(words, byteCount: ModelFormat.State.frontEndByteCount(windowSamples: record.windowSamples))
    unsafe words[Slot.filterInput] = Int32.min
    setSamplesUntilColumn(record.windowSamples)
  }

  /// The samples that are still missing for the next column.
  @inline(__always)
  var samplesUntilColumn: Int { ParityCount.count(of: missing) }

  private var missing: UInt16 { unsafe UInt16(truncatingIfNeeded: words[Slot.samplesUntilColumn]) }

  @inline(__always)
  private func setSamplesUntilColumn(_ count: Int) {
    unsafe words[Slot.samplesUntilColumn] = Int32(ParityCount.word(count, after: missing))
  }

  /// Takes a sample, in counts.
  ///
  /// Returns whether a column is complete.
  ///
  /// - Complexity: O(1).
  @inline(__always)
  func push(_ sample: Int16) -> Bool {
    // The window's length is a power of two: no position, whatever bits it has lost, leads out of the ring.
    let mask = record.windowSamples &- 1
    let position = unsafe Int(truncatingIfNeeded: words[Slot.ringPosition]) & mask
    let shift = record.highPassShift
    unsafe ring[position] = shift > 0 ? filtered(sample, shift: shift) : Int32(sample) &<< 12
    unsafe words[Slot.ringPosition] = Int32(truncatingIfNeeded: (position &+ 1) & mask)
    let missing = samplesUntilColumn
    setSamplesUntilColumn(missing > 1 ? missing &- 1 : record.hopSamples)
    return missing <= 1
  }

  /// Takes samples one after the other, as `push` does, up to the first one that completes a column.
  ///
  /// - Parameters:
  ///   - samples: The first frame's sample of this lead.
  ///   - stride: The samples from one frame to the next.
  ///   - count: The frames, one at least.
  /// - Returns: How many were taken, and whether a column is complete with the last of them.
  /// - Complexity: O(n).
  @inline(never)
  func push(
    _ samples: UnsafePointer<Int16>, stride: Int, count: Int
  ) -> (count: Int, isColumn: Bool) {
    let missing = samplesUntilColumn
    let taken = min(count, max(1, missing))
    let mask = record.windowSamples &- 1
    let shift = record.highPassShift
    let ring = unsafe self.ring
    var position = unsafe Int(truncatingIfNeeded: words[Slot.ringPosition]) & mask
    var next = unsafe samples
    let end = unsafe samples + taken &* stride
    if shift > 0 {
      var filter = unsafe filter(before: samples.pointee)
      while unsafe next < end {
        unsafe ring[position] = filter.filter(next.pointee, shift: shift & 31)
        position = (position &+ 1) & mask
        unsafe next += stride
      }
      keep(filter)
    } else {
      while unsafe next < end {
        unsafe ring[position] = Int32(next.pointee) &<< 12
        position = (position &+ 1) & mask
        unsafe next += stride
      }
    }
    unsafe words[Slot.ringPosition] = Int32(truncatingIfNeeded: position)
    let isColumn = taken >= missing
    setSamplesUntilColumn(isColumn ? record.hopSamples : missing &- taken)
    return (taken, isColumn)
  }

  /// The words of a lead's part of a state.
  @inline(__always)
  static func wordCount(windowSamples: Int) -> Int { Slot.count &+ windowSamples }

  /// Whether the words of a state, at any alignment, are those that frames of so many leads lead to.
  static func isSound(_ state: UnsafeRawPointer, windowSamples: Int, leadCount: Int) -> Bool {
    guard unsafe isSound(state, windowSamples: windowSamples) else { return false }
    var leads = Indices(from: 1, to: leadCount)
    while let lead = leads.next() {
      let other = unsafe state + 4 &* lead &* wordCount(windowSamples: windowSamples)
      // Leads come together: places and counts are the same.
      for slot in Slot.ringPosition...Slot.samplesUntilColumn {
        let first = unsafe state.loadUnaligned(fromByteOffset: 4 &* slot, as: UInt32.self)
        guard unsafe other.loadUnaligned(fromByteOffset: 4 &* slot, as: UInt32.self) == first else {
          return false
        }
      }
    }
    return true
  }

  /// Whether the words of a lead's part are those that samples lead to.
  private static func isSound(_ state: UnsafeRawPointer, windowSamples: Int) -> Bool {
    let position = unsafe state.loadUnaligned(fromByteOffset: 4 &* Slot.ringPosition, as: UInt32.self)
    let word = unsafe state.loadUnaligned(fromByteOffset: 4 &* Slot.samplesUntilColumn, as: UInt32.self)
    let missing = UInt16(truncatingIfNeeded: word)
    let count = ParityCount.count(of: missing)
    return position < UInt32(truncatingIfNeeded: windowSamples) && word >> 16 == 0
      && ParityCount.isWhole(missing)
      && count >= 1 && count <= windowSamples
  }

  @inline(__always)
  private func filtered(_ sample: Int16, shift: Int32) -> Int32 {
    var filter = filter(before: sample)
    let outputQ12 = filter.filter(sample, shift: shift)
    keep(filter)
    return outputQ12
  }

  /// The filter as the samples before this one have left it.
  @inline(__always)
  private func filter(before sample: Int16) -> HighPassFilter {
    let isFirst = unsafe words[Slot.filterInput] == Int32.min
    return unsafe HighPassFilter(
      outputQ12: words[Slot.filterOutput],
      previousSample: isFirst ? Int32(sample) : words[Slot.filterInput])
  }

  @inline(__always)
  private func keep(_ filter: HighPassFilter) {
    unsafe words[Slot.filterOutput] = filter.outputQ12
    unsafe words[Slot.filterInput] = filter.previousSample
  }

  /// The samples as they are now.
  @inline(__always)
  var newest: Newest {
    unsafe Newest(
      ring: UnsafePointer(ring), start: Int(truncatingIfNeeded: words[Slot.ringPosition]),
      mask: record.windowSamples &- 1)
  }

  /// The samples as they lie in the ring, in Q12 counts: the oldest ones, then the rest.
  @inline(__always)
  var stretches: (oldest: Stretch, rest: Stretch) {
    // As `push` has it: no position leads out of the ring.
    let count = record.windowSamples
    let position = unsafe Int(truncatingIfNeeded: words[Slot.ringPosition]) & (count &- 1)
    let start = unsafe UnsafePointer(ring)
    return unsafe (
      Stretch(start: start + position, count: count &- position), Stretch(start: start, count: position)
    )
  }

  /// Samples that lie one behind the other.
  @safe
  struct Stretch {
    let start: UnsafePointer<Int32>
    let count: Int
  }

  /// Samples in Q12 counts, the oldest first.
  @safe
  struct Newest {
    fileprivate let ring: UnsafePointer<Int32>
    fileprivate let start: Int
    fileprivate let mask: Int

    @inline(__always)
    subscript(index: Int) -> Int32 { unsafe ring[(start &+ index) & mask] }
  }
}
