extension StreamingPipeline {
  /// The size of a saved state, in bytes.
  public var savedByteCount: Int { SavedState.Header.byteCount &+ model.stateByteCount }

  /// Saves the state, after any sample.
  ///
  /// - Parameter copy: Receives `savedByteCount` bytes, at any alignment.
  /// - Throws: `MemoryError` where they don't fit.
  /// - Complexity: O(n) in the state's size.
  public func save(into copy: UnsafeMutableRawBufferPointer) throws(MemoryError) {
    try unsafe SavedState.write(
      .pipeline, owner: model.imageChecksum, state: state, byteCount: model.stateByteCount, into: copy)
  }

  /// Goes on from a saved state.
  ///
  /// `newestColumn` is that of the save.
  ///
  /// - Parameter copy: The saved state, at any alignment; what follows it is not looked at.
  /// - Throws: `SavedStateError`; the pipeline then is as it was.
  /// - Complexity: O(n) in the state's size.
  public mutating func restore(from copy: UnsafeRawBufferPointer) throws(SavedStateError) {
    let saved = try unsafe SavedState.checked(
      .pipeline, owner: model.imageChecksum, byteCount: model.stateByteCount, from: copy)
    guard unsafe isSound(saved) else { throw .impossibleState }
    unsafe state.copyMemory(from: saved, byteCount: max(0, model.stateByteCount))
  }

  /// Whether every ring's place lies within its ring, and every count of samples and columns is one that samples lead to.
  ///
  /// Samples keep it so. Whatever bits memory loses, `push` and `decide` stay within their memory, and what a lost bit
  /// changes is gone when the windows and the filter have forgotten it. What they would not forget, the counts that keep
  /// the pace, have a bit of parity and are found here: a device whose memory may lose bits asks now and then, and restores
  /// or resets where the answer is no. `stateChecksum` finds all other bits too.
  ///
  /// - Complexity: O(operators).
  public var isStateSound: Bool { unsafe isSound(UnsafeRawPointer(state)) }

  /// A checksum of all of the state, see `WordChecksum`.
  ///
  /// Taken after a sample and compared before the next one it finds every lost bit: six instructions a word on a
  /// Cortex-M4.
  ///
  /// - Complexity: O(n) in the state's size.
  public var stateChecksum: UInt32 {
    unsafe WordChecksum.checksum(UnsafeRawBufferPointer(start: state, count: model.stateByteCount))
  }

  /// Whether a copy of the state is sound.
  func isSound(_ state: UnsafeRawPointer) -> Bool {
    let (windowSamples, leadCount) = (model.frontEndRecord.windowSamples, model.leadCount)
    guard unsafe SampleWindow.isSound(state, windowSamples: windowSamples, leadCount: leadCount) else {
      return false
    }
    let cursors =
      unsafe state
      + ModelFormat.State.frontEndByteCount(windowSamples: windowSamples, leadCount: leadCount)
    var indices = Indices(to: tailStart &+ 1)
    while let index = indices.next() {
      guard
        unsafe RingCursor.isSound(
          cursors + ModelFormat.State.cursorByteCount &* index, of: model.operatorPlan(index),
          isTail: index == tailStart)
      else { return false }
    }
    return true
  }
}
