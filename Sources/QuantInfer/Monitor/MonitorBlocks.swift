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

  /// Takes a column's samples at once where beats are the input, nothing looks at single samples, and all of them are there: `feed`
  /// without a question to each part.
  ///
  /// Returns how many they were; 0 where it took none.
  @inline(__always)
  private mutating func takeColumn(_ samples: UnsafePointer<Int16>, count: Int) -> Int {
    guard takesBeats, !watchesSignal, !options.findsBeats else { return 0 }
    let columnSamples = unsafe Int(words.pointee.samplesUntilColumn)
    guard columnSamples <= count, isStateGuarded() else { return 0 }
    unsafe beats.push(samples, count: columnSamples, from: words.pointee.sampleNumber &+ 1)
    unsafe words.pointee.skipSamples(columnSamples)
    unsafe words.pointee.samplesUntilColumn = 0
    endColumn()
    return columnSamples
  }

  @inline(__always)
  private mutating func feed<F: Frame>(
    _ samples: UnsafePointer<Int16>, count: Int, as frames: F.Type, leadCount: Int
  ) -> (count: Int, endsColumn: Bool) {
    var taken = 0
    while taken < count {
      let untilColumn = unsafe Int(words.pointee.samplesUntilColumn)
      var next = min(count &- taken, untilColumn)
      if !isColumnWithinReach || (untilColumn <= count &- taken && !isStateGuarded()) {
        // An unsound state is found with the column's last frame, or at once where that is further away than any can be.
        next = isColumnWithinReach ? untilColumn &- 1 : 0
        if next == 0 {
          resetUnsound()
          next = 1
        }
      }
      // Of a sound state all samples of a column lead to another.
      unsafe take(samples + taken &* leadCount, count: next, as: F.self, leadCount: leadCount)
      taken &+= next
      if unsafe words.pointee.samplesUntilColumn <= 0 {
        endColumn()
        return (taken, true)
      }
    }
    return (taken, false)
  }

  /// Takes frames of which at most the last one ends a column, a part of the device after the other.
  private mutating func take<F: Frame>(
    _ samples: UnsafePointer<Int16>, count: Int, as frames: F.Type, leadCount: Int
  ) {
    if watchesSignal { unsafe watch(samples, count: count, as: F.self, leadCount: leadCount) }
    if takesBeats || addsBeats {
      unsafe beats.push(samples, count: count, from: words.pointee.sampleNumber &+ 1)
    }
    if options.findsBeats {
      unsafe findBeats(samples + options.detectorLead, count: count, stride: leadCount)
    } else {
      unsafe words.pointee.skipSamples(count)
    }
    unsafe words.pointee.samplesUntilColumn &-= Int32(truncatingIfNeeded: count)
    unsafe words.pointee.isColumn = 0
    if takesBeats { return }
    if options.sleeps {
      var indices = Indices(to: count)
      while let index = indices.next() { delay(unsafe F(index, of: samples, leadCount: leadCount)) }
    } else {
      unsafe pipeline.take(samples, count: count)
    }
  }

  /// Watches frames: one lead's at once, as long as they are good.
  @inline(__always)
  private mutating func watch<F: Frame>(
    _ samples: UnsafePointer<Int16>, count: Int, as frames: F.Type, leadCount: Int
  ) {
    var place = 0
    while place < count {
      if leadCount == 1 { place &+= unsafe quality.pushQuietly(samples + place, count: count &- place) }
      guard place < count else { return }
      watch(unsafe F(place, of: samples, leadCount: leadCount))
      place &+= 1
    }
  }

  /// Lets the detector hear samples, so many places apart.
  @inline(__always)
  private mutating func findBeats(_ samples: UnsafePointer<Int16>, count: Int, stride: Int) {
    var place = 0
    while place < count {
      let quietCount =
        unsafe detector?.pushQuietly(
          samples + place &* stride, stride: stride, count: count &- place) ?? 0
      unsafe words.pointee.skipSamples(quietCount)
      place &+= quietCount
      guard place < count else { return }
      unsafe words.pointee.sampleNumber &+= 1
      if let age = unsafe detector?.push(samples[place &* stride]) {
        note(beatSamplesAgo: UInt32(bitPattern: age))
      }
      unsafe words.pointee.awakeSamples = max(0, words.pointee.awakeSamples &- 1)
      place &+= 1
    }
  }
}

extension Monitor.Words {
  /// Counts samples, but for those until the next column.
  @inline(__always)
  fileprivate mutating func skipSamples(_ count: Int) {
    let taken = Int32(truncatingIfNeeded: count)
    sampleNumber &+= UInt32(bitPattern: taken)
    awakeSamples = max(0, awakeSamples &- taken)
  }
}
