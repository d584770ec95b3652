extension Monitor {
  /// Takes samples of a block, in counts, as a converter hands them over by DMA: up to the first one with which a column
  /// ends, or all.
  ///
  /// The device, its decisions and its state are those of `push`, sample by sample, bit for bit; with fewer instructions, and
  /// a processor that wakes once a block.
  ///
  /// ```swift
  /// while !block.isEmpty {
  ///   let fed = monitor.feed(block)
  ///   block = UnsafeBufferPointer(rebasing: block[fed.count...])
  ///   if fed.endsColumn { while let decision = monitor.nextDecision(into: logits) { ... } }
  /// }
  /// ```
  ///
  /// - Parameter block: The samples that have not been taken yet.
  /// - Returns: How many were taken, and whether a column ends with the last of them: then decisions may be due.
  public mutating func feed(_ block: UnsafeBufferPointer<Int16>) -> (count: Int, endsColumn: Bool) {
    guard let samples = block.baseAddress, block.count > 0 else { return (0, false) }
    let untilColumn = unsafe Int(words.pointee.samplesUntilColumn)
    let quietCount = min(block.count, max(0, untilColumn &- 1))
    unsafe takeQuietly(samples, count: quietCount)
    guard quietCount < block.count else { return (quietCount, false) }
    return (quietCount &+ 1, unsafe push(samples[quietCount]))
  }

  /// Takes samples with which no column ends, a part of the device after the other.
  private mutating func takeQuietly(_ samples: UnsafePointer<Int16>, count: Int) {
    guard count > 0 else { return }
    if watchesSignal {
      var indices = Indices(to: count)
      while let index = indices.next() {
        if unsafe quality.push(samples[index]) != nil { silence() }
      }
    }
    var awakeSamples = unsafe words.pointee.awakeSamples
    if takesBeats { unsafe beats.push(samples, count: count, from: words.pointee.sampleNumber &+ 1) }
    if options.findsBeats {
      var indices = Indices(to: count)
      while let index = indices.next() {
        unsafe words.pointee.sampleNumber &+= 1
        if let age = unsafe detector?.push(samples[index]) {
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
      while let index = indices.next() { delay(unsafe samples[index]) }
    } else {
      var indices = Indices(to: count)
      while let index = indices.next() { _ = pipeline.push(unsafe samples[index]) }
    }
  }
}
