extension Monitor {
  /// Lets a frame wait, and the front end's filters take the one that has waited longest.
  mutating func delay<F: Frame>(_ frame: F) {
    var words = unsafe self.words.pointee
    let place = waitingPlace(words)
    if Int(words.waitingCount) >= places.sampleCount {
      _ = unsafe pipeline.pass(F(place, of: samples, leadCount: frame.leadCount))
      words.hasPassed = 1
      words.waitingCount &-= 1
    }
    var leads = Indices(to: frame.leadCount)
    while let lead = leads.next() { unsafe samples[place &* frame.leadCount &+ lead] = frame[lead] }
    words.nextSample = place &+ 1 == places.sampleCount ? 0 : Int32(truncatingIfNeeded: place &+ 1)
    words.waitingCount &+= 1
    words.computedColumns = 0
    unsafe self.words.pointee = words
  }

  /// Lets all waiting frames through the pipeline.
  mutating func catchUp() {
    if Built.leads, model.leadCount > 1 {
      catchUp(LeadSamples.self, leadCount: model.leadCount)
    } else {
      catchUp(OneSample.self, leadCount: 1)
    }
  }

  @inline(__always)
  private mutating func catchUp<F: Frame>(_ frames: F.Type, leadCount: Int) {
    var words = unsafe self.words.pointee
    var rest = min(Int(words.waitingCount), places.sampleCount)
    guard rest > 0 else { return }
    if words.hasPassed != 0 { pipeline.forgetColumns() }
    let oldest = waitingPlace(words) &- rest
    var place = oldest < 0 ? oldest &+ places.sampleCount : oldest
    while rest > 0 {
      rest &-= 1
      let frame = unsafe F(place, of: samples, leadCount: leadCount)
      if pipeline.take(frame) { words.computedColumns &+= 1 }
      place = place &+ 1 == places.sampleCount ? 0 : place &+ 1
    }
    words.waitingCount = 0
    words.hasPassed = 0
    unsafe self.words.pointee = words
  }

  /// The next frame's place among those that wait, whatever a damaged state makes of it.
  private func waitingPlace(_ words: Words) -> Int {
    let place = Int(words.nextSample)
    return place >= 0 && place < places.sampleCount ? place : 0
  }
}
