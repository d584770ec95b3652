extension Monitor {
  /// Takes frames of a block, in counts, as a converter hands them over by DMA: up to the first one with which a column
  /// ends, or all.
  ///
  /// A frame is a sample of each of the model's leads; samples at the end that are no whole frame are not taken. The device, its decisions and its state are those of `push`, frame by frame, bit for bit; with fewer instructions, and
  /// a processor that wakes once a block.
  ///
  /// ```swift
  /// while block.count >= model.leadCount {
  ///   let fed = monitor.feed(block)
  ///   block = UnsafeBufferPointer(rebasing: block[(fed.count * model.leadCount)...])
  ///   if fed.endsColumn { while let decision = monitor.nextDecision(into: logits) { ... } }
  /// }
  /// ```
  ///
  /// - Parameter block: The frames that have not been taken yet, one after the other.
  /// - Returns: How many were taken, and whether a column ends with the last of them: then decisions may be due.
  public mutating func feed(_ block: UnsafeBufferPointer<Int16>) -> (count: Int, endsColumn: Bool) {
    guard let samples = block.baseAddress else { return (0, false) }
    guard Built.leads, model.leadCount > 1 else {
      return unsafe feed(samples, count: block.count, as: OneSample.self, leadCount: 1)
    }
    return unsafe feed(
      samples, count: quotient(block.count, model.leadCount), as: LeadSamples.self, leadCount: model.leadCount
    )
  }

  @inline(__always)
  private mutating func feed<F: Frame>(
    _ samples: UnsafePointer<Int16>, count: Int, as frames: F.Type, leadCount: Int
  ) -> (count: Int, endsColumn: Bool) {
    guard count > 0 else { return (0, false) }
    let untilColumn = unsafe Int(words.pointee.samplesUntilColumn)
    let quietCount = min(count, max(0, untilColumn &- 1))
    unsafe takeQuietly(samples, count: quietCount, as: F.self, leadCount: leadCount)
    guard quietCount < count else { return (quietCount, false) }
    return (quietCount &+ 1, unsafe push(frame: samples + quietCount &* leadCount))
  }

  /// Takes frames with which no column ends, a part of the device after the other.
  private mutating func takeQuietly<F: Frame>(
    _ samples: UnsafePointer<Int16>, count: Int, as frames: F.Type, leadCount: Int
  ) {
    func frame(_ index: Int) -> F { unsafe F(index, of: samples, leadCount: leadCount) }
    guard count > 0 else { return }
    if watchesSignal {
      var indices = Indices(to: count)
      while let index = indices.next() { watch(frame(index)) }
    }
    var awakeSamples = unsafe words.pointee.awakeSamples
    if takesBeats { unsafe beats.push(samples, count: count, from: words.pointee.sampleNumber &+ 1) }
    if options.findsBeats {
      var indices = Indices(to: count)
      while let index = indices.next() {
        unsafe words.pointee.sampleNumber &+= 1
        if let age = detector?.push(frame(index)[options.detectorLead]) {
          unsafe words.pointee.awakeSamples = awakeSamples
          note(beatSamplesAgo: UInt32(bitPattern: age))
          awakeSamples = unsafe words.pointee.awakeSamples
        }
        awakeSamples = max(0, awakeSamples &- 1)
      }
    } else {
      let taken = Int32(truncatingIfNeeded: count)
      unsafe words.pointee.sampleNumber &+= UInt32(truncatingIfNeeded: count)
      awakeSamples = max(0, awakeSamples &- taken)
    }
    unsafe words.pointee.awakeSamples = awakeSamples
    unsafe words.pointee.samplesUntilColumn &-= Int32(truncatingIfNeeded: count)
    unsafe words.pointee.isColumn = 0
    if takesBeats { return }
    if options.sleeps {
      var indices = Indices(to: count)
      while let index = indices.next() { delay(frame(index)) }
    } else {
      var indices = Indices(to: count)
      while let index = indices.next() { _ = pipeline.take(frame(index)) }
    }
  }
}
