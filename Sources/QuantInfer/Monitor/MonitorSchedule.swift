extension Monitor {
  /// What is due: a beat so many samples ago, or the clock; and whether it is worth waking for.
  struct Due {
    var beatAge: Int?
    /// The beat's place among those pending.
    var place: Int?
    var isIrregular: Bool
  }

  /// Takes a beat, found or given: its interval says whether it is worth waking for.
  @inline(__always)
  mutating func note(beatSamplesAgo age: UInt32) {
    let beat = unsafe words.pointee.sampleNumber &- age
    var isIrregular = true
    if Built.sleep, unsafe words.pointee.hasBeat != 0 {
      let interval = unsafe beat &- words.pointee.lastBeat
      isIrregular = rhythm?.push(Int32(truncatingIfNeeded: min(interval, UInt32(Int32.max)))) ?? true
    }
    unsafe words.pointee.lastBeat = beat
    unsafe words.pointee.hasBeat = 1
    if isIrregular { unsafe words.pointee.awakeSamples = places.windowSamples }
    if options.columnsPerClock == 0 { schedule(age, isIrregular: isIrregular) }
  }

  @inline(__always)
  private mutating func schedule(_ age: UInt32, isIrregular: Bool) {
    let (beat, place) = unsafe words.pointee.schedule(age, isIrregular: isIrregular)
    if Built.rhythm { prior?.push(beatAt: beat, place: place) }
  }

  /// Counts a sample, and the column that ends with it.
  @inline(__always)
  mutating func countSample() -> Bool {
    unsafe words.pointee.countSample(places, columnsPerClock: options.columnsPerClock)
  }

  /// Counts a column that ended with the newest sample.
  @inline(__always)
  mutating func endColumn() {
    unsafe words.pointee.endColumn(places, columnsPerClock: options.columnsPerClock)
  }

  mutating func nextDue() -> Due? {
    unsafe words.pointee.nextDue(delaySamples: UInt32(clamping: options.delaySamples))
  }

  /// Lets the network of beats decide about one that is due; nil where the state is unsound, or there is no room for the
  /// logits.
  mutating func decideAboutBeat(
    _ due: Due, into logits: UnsafeMutableBufferPointer<Int8>
  ) -> BeatPipeline.Source? {
    let beat = unsafe words.pointee.number(of: due)
    // The places of a ring and a logarithm: no number leads out of them, whatever a damaged state makes of it.
    let next = unsafe words.pointee.samplesToNext(from: beat)
    return unsafe beats.decide(beatAt: beat, next: next, into: logits)
  }

  /// Adds what a network of beats beside that of columns says about a beat that is due, where the signal about it is good.
  ///
  /// Returns whether its state was sound.
  mutating func addBeatLogits(_ due: Due, to logits: UnsafeMutableBufferPointer<Int8>) -> Bool {
    guard addsBeats else { return true }
    guard badSignal == nil, let age = due.beatAge, age <= beats.greatestAge else {
      skipBeat(due)
      return true
    }
    let beat = unsafe words.pointee.number(of: due)
    return unsafe beats.add(beatAt: beat, next: words.pointee.samplesToNext(from: beat), to: logits)
  }

  /// Tells a network of beats beside that of columns of a beat about which nothing is said.
  mutating func skipBeat(_ due: Due) {
    if addsBeats { unsafe beats.skip(beatAt: words.pointee.number(of: due)) }
  }

  /// Tells it of a beat that the network sleeps at.
  mutating func passBeat(_ due: Due) {
    guard addsBeats else { return }
    guard let age = due.beatAge, age <= beats.greatestAge else { return skipBeat(due) }
    let beat = unsafe words.pointee.number(of: due)
    unsafe beats.pass(beatAt: beat, next: words.pointee.samplesToNext(from: beat))
  }

  /// The beats that had to give way to newer ones before they were decided about.
  public var droppedBeatCount: Int { unsafe Int(words.pointee.droppedCount) }
}

// Mutating, and in place: a copy of the words for each sample would cost more than all else.
extension Monitor.Words {
  /// Takes a beat so many samples ago; the oldest that waits gives way where there is no room.
  @inline(__always)
  fileprivate mutating func schedule(_ age: UInt32, isIrregular: Bool) -> (beat: UInt32, place: Int) {
    if Int(pendingCount) >= Self.capacity {
      pendingFirst = Int32(Self.place(pendingFirst &+ 1))
      pendingCount &-= 1
      droppedCount = min(droppedCount, .max &- 1) &+ 1
    }
    let place = Self.place(pendingFirst &+ pendingCount)
    pendingCount &+= 1
    let beat = sampleNumber &- age
    unsafe pending[unchecked: place] = beat
    let bit: UInt32 = 1 &<< UInt32(truncatingIfNeeded: place)
    irregular = isIrregular ? irregular | bit : irregular & ~bit
    return (beat, place)
  }

  @inline(__always)
  fileprivate mutating func countSample(_ places: Monitor.StateLayout, columnsPerClock: Int32) -> Bool {
    awakeSamples = max(0, awakeSamples &- 1)
    samplesUntilColumn &-= 1
    isColumn = 0
    guard samplesUntilColumn <= 0 else { return false }
    endColumn(places, columnsPerClock: columnsPerClock)
    return true
  }

  @inline(__always)
  fileprivate mutating func endColumn(_ places: Monitor.StateLayout, columnsPerClock: Int32) {
    isColumn = 1
    samplesUntilColumn = places.hopSamples
    columnsUntilFull = columnsUntilFull > 0 ? columnsUntilFull &- 1 : places.columnsPerDecision &- 1
    if columnsUntilFull == 0 { hasBeenFull = 1 }
    guard columnsPerClock > 0 else { return }
    columnsUntilClock = min(columnsUntilClock, columnsPerClock) &- 1
    if columnsUntilClock <= 0 {
      clockStruck = 1
      columnsUntilClock = columnsPerClock
    }
  }

  fileprivate mutating func nextDue(delaySamples: UInt32) -> Monitor.Due? {
    // What is due waits for the column that the strides allow a decision at.
    guard isColumn != 0, columnsUntilFull == 0 || hasBeenFull == 0 else { return nil }
    if clockStruck != 0 {
      clockStruck = 0
      return Monitor.Due(beatAge: nil, isIrregular: awakeSamples > 0)
    }
    guard pendingCount > 0 else { return nil }
    let place = Self.place(pendingFirst)
    let age = unsafe sampleNumber &- pending[unchecked: place]
    guard age >= delaySamples else { return nil }
    pendingFirst = Int32(Self.place(pendingFirst &+ 1))
    pendingCount &-= 1
    return Monitor.Due(
      beatAge: Int(truncatingIfNeeded: age), place: place,
      isIrregular: irregular &>> UInt32(truncatingIfNeeded: place) & 1 == 1)
  }

  /// The number of a due beat's sample.
  func number(of due: Monitor.Due) -> UInt32 {
    sampleNumber &- UInt32(truncatingIfNeeded: due.beatAge ?? 0)
  }

  /// The samples from a beat to the oldest one that waits; the greatest number where none does.
  fileprivate mutating func samplesToNext(from beat: UInt32) -> UInt32 {
    pendingCount > 0 ? unsafe pending[unchecked: Self.place(pendingFirst)] &- beat : .max
  }
}
