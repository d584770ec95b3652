extension Monitor {
  /// The samples that it has taken since it was set up or reset, or skipped; they wrap after 2^32.
  ///
  /// Where samples are numbered from 0 on, it is the next one's number.
  public var sampleCount: UInt32 { unsafe words.pointee.sampleNumber }

  /// Lets time pass of which there are no samples, as where a queue overran.
  ///
  /// The samples' numbers go on, so that later beats lie where they were. All else begins anew, as after a reset: no window
  /// reaches over the hole, and there is no result until one is full again. Beats that wait for their decision get none.
  public mutating func skip(samples count: UInt32) {
    let (taken, dropped) = (sampleCount, Int32(clamping: droppedBeatCount &+ pendingBeatCount))
    reset()
    unsafe words.pointee.sampleNumber = taken &+ count
    unsafe words.pointee.droppedCount = max(0, dropped)
  }
}
