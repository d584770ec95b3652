extension Monitor {
  /// What is due: a beat so many samples ago, or the clock; and whether it is worth waking for.
  struct Due {
    var beatAge: Int?
    /// The beat's place among those pending.
    var place: Int?
    var isIrregular: Bool
  }

  /// Takes a beat, found or given: its interval says whether it is worth waking for.
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

  mutating func schedule(_ age: UInt32, isIrregular: Bool) {
    var words = unsafe self.words.pointee
    if Int(words.pendingCount) >= Words.capacity {
      words.pendingFirst = Int32(Words.place(words.pendingFirst &+ 1))
      words.pendingCount &-= 1
      words.droppedCount = min(words.droppedCount, .max &- 1) &+ 1
    }
    let place = Words.place(words.pendingFirst &+ words.pendingCount)
    words.pendingCount &+= 1
    words.pending[place] = words.sampleNumber &- age
    let bit: UInt32 = 1 &<< UInt32(truncatingIfNeeded: place)
    if Built.rhythm { prior?.push(beatAt: words.pending[place], place: place) }
    words.irregular = isIrregular ? words.irregular | bit : words.irregular & ~bit
    unsafe self.words.pointee = words
  }

  /// Counts a sample, and the column that ends with it.
  mutating func countSample() -> Bool {
    var words = unsafe self.words.pointee
    words.awakeSamples = max(0, words.awakeSamples &- 1)
    words.samplesUntilColumn &-= 1
    words.isColumn = 0
    if words.samplesUntilColumn <= 0 {
      words.isColumn = 1
      words.samplesUntilColumn = places.hopSamples
      words.columnsUntilFull =
        words.columnsUntilFull > 0 ? words.columnsUntilFull &- 1 : places.columnsPerDecision &- 1
      if words.columnsUntilFull == 0 { words.hasBeenFull = 1 }
      if options.columnsPerClock > 0 {
        words.columnsUntilClock = min(words.columnsUntilClock, options.columnsPerClock) &- 1
        if words.columnsUntilClock <= 0 {
          words.clockStruck = 1
          words.columnsUntilClock = options.columnsPerClock
        }
      }
    }
    unsafe self.words.pointee = words
    return words.isColumn != 0
  }

  mutating func nextDue() -> Due? {
    var words = unsafe self.words.pointee
    // What is due waits for the column that the strides allow a decision at.
    guard words.isColumn != 0, words.columnsUntilFull == 0 || words.hasBeenFull == 0 else { return nil }
    if words.clockStruck != 0 {
      unsafe self.words.pointee.clockStruck = 0
      return Due(beatAge: nil, isIrregular: words.awakeSamples > 0)
    }
    guard words.pendingCount > 0 else { return nil }
    let place = Words.place(words.pendingFirst)
    let age = words.sampleNumber &- words.pending[place]
    guard age >= UInt32(clamping: options.delaySamples) else { return nil }
    words.pendingFirst = Int32(Words.place(words.pendingFirst &+ 1))
    words.pendingCount &-= 1
    unsafe self.words.pointee = words
    return Due(
      beatAge: Int(age), place: place,
      isIrregular: words.irregular &>> UInt32(truncatingIfNeeded: place) & 1 == 1)
  }

  /// The beats that had to give way to newer ones before they were decided about.
  public var droppedBeatCount: Int { unsafe Int(words.pointee.droppedCount) }
}
