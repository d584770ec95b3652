extension Monitor {
  /// Lets a sample wait, and the front end's filter take the one that has waited longest.
  mutating func delay(_ sample: Int16) {
    var words = unsafe self.words.pointee
    let place = waitingPlace(words)
    if Int(words.waitingCount) >= places.sampleCount {
      _ = unsafe pipeline.pass(samples[place])
      words.hasPassed = 1
      words.waitingCount &-= 1
    }
    unsafe samples[place] = sample
    words.nextSample = place &+ 1 == places.sampleCount ? 0 : Int32(truncatingIfNeeded: place &+ 1)
    words.waitingCount &+= 1
    words.computedColumns = 0
    unsafe self.words.pointee = words
  }

  /// Lets all waiting samples through the pipeline.
  mutating func catchUp() {
    var words = unsafe self.words.pointee
    var rest = min(Int(words.waitingCount), places.sampleCount)
    guard rest > 0 else { return }
    if words.hasPassed != 0 { pipeline.forgetColumns() }
    let oldest = waitingPlace(words) &- rest
    var place = oldest < 0 ? oldest &+ places.sampleCount : oldest
    while rest > 0 {
      rest &-= 1
      if unsafe pipeline.push(samples[place]) { words.computedColumns &+= 1 }
      place = place &+ 1 == places.sampleCount ? 0 : place &+ 1
    }
    words.waitingCount = 0
    words.hasPassed = 0
    unsafe self.words.pointee = words
  }

  /// The next sample's place among those that wait, whatever a damaged state makes of it.
  private func waitingPlace(_ words: Words) -> Int {
    let place = Int(words.nextSample)
    return place >= 0 && place < places.sampleCount ? place : 0
  }
}
