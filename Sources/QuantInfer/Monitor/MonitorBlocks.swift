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
      let taken = unsafe takeColumn(samples, count: block.count)
      if taken > 0 { return (taken, true) }
      return unsafe feed(samples, count: block.count, as: OneSample.self, leadCount: 1)
    }
    return unsafe feed(
      samples, count: quotient(block.count, model.leadCount), as: LeadSamples.self, leadCount: model.leadCount
    )
  }

  /// Takes a column's samples at once where beats are the input, nothing looks at single samples, and all of them are there.
  ///
  /// Returns how many they were; 0 where it took none.
  @inline(__always)
  private mutating func takeColumn(_ samples: UnsafePointer<Int16>, count: Int) -> Int {
    guard takesBeats, !watchesSignal, !options.findsBeats else { return 0 }
    let columnSamples = unsafe Int(words.pointee.samplesUntilColumn)
    guard columnSamples <= count, isStateGuarded() else { return 0 }
    unsafe beats.push(samples, count: columnSamples, from: words.pointee.sampleNumber &+ 1)
    unsafe words.pointee.skipSamples(columnSamples &- 1)
    unsafe words.pointee.sampleNumber &+= 1
    _ = countSample()
    return columnSamples
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
    if takesBeats { unsafe beats.push(samples, count: count, from: words.pointee.sampleNumber &+ 1) }
    if options.findsBeats {
      var awakeSamples = unsafe words.pointee.awakeSamples
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
      unsafe words.pointee.awakeSamples = awakeSamples
      unsafe words.pointee.samplesUntilColumn &-= Int32(truncatingIfNeeded: count)
    } else {
      unsafe words.pointee.skipSamples(count)
    }
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

extension Monitor.Words {
  /// Counts samples with which no column ends.
  @inline(__always)
  fileprivate mutating func skipSamples(_ count: Int) {
    let taken = Int32(truncatingIfNeeded: count)
    sampleNumber &+= UInt32(bitPattern: taken)
    awakeSamples = max(0, awakeSamples &- taken)
    samplesUntilColumn &-= taken
  }
}
