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
    unsafe state.copyMemory(from: saved, byteCount: model.stateByteCount)
  }

  /// Whether every ring's place lies within its ring, so that the next sample stays within the state, and no count of
  /// columns is above what it can be.
  ///
  /// Samples keep it so. A device whose memory may lose bits asks before it pushes, and restores or resets where the
  /// answer is no: `push` itself takes the state for sound.
  ///
  /// - Complexity: O(operators).
  public var isStateSound: Bool { unsafe isSound(UnsafeRawPointer(state)) }

  /// The same of a copy.
  func isSound(_ state: UnsafeRawPointer) -> Bool {
    let windowSamples = Int32(truncatingIfNeeded: model.frontEnd?.windowSamples ?? 0)
    let position = unsafe state.loadUnaligned(fromByteOffset: 8, as: Int32.self)
    let missing = unsafe state.loadUnaligned(fromByteOffset: 12, as: Int32.self)
    guard position >= 0, position < windowSamples, missing >= 1, missing <= windowSamples else {
      return false
    }
    return unsafe areCursorsSound(
      state + ModelFormat.State.frontEndByteCount(windowSamples: Int(windowSamples)))
  }

  /// Whether each ring's next place lies in it, and no operator waits longer for columns than for a whole window or
  /// its stride.
  private func areCursorsSound(_ cursors: UnsafeRawPointer) -> Bool {
    for index in 0...tailStart {
      let plan = model.operatorPlan(index)
      let place = ModelFormat.State.cursorByteCount &* index
      let next = unsafe Int(cursors.loadUnaligned(fromByteOffset: place, as: UInt16.self))
      let due = unsafe Int(cursors.loadUnaligned(fromByteOffset: place &+ 2, as: UInt16.self))
      guard next < plan.ringColumnCount else { return false }
      // Only the tail's operator stands at 0: the others start again as soon as they get there.
      let longest =
        index < tailStart ? max(plan.ringColumnCount, plan.timeStride) : plan.ringColumnCount
      guard due <= longest, due > 0 || index == tailStart else { return false }
    }
    return true
  }
}
