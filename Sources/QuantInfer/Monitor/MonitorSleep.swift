extension Monitor {
  /// Lets a sample wait, and the front end's filter take the one that has waited longest.
  mutating func delay(_ sample: Int16) {
    var words = unsafe self.words.pointee
    if Int(words.waitingCount) == places.sampleCount {
      _ = unsafe pipeline.pass(samples[Int(words.nextSample)])
      words.hasPassed = 1
      words.waitingCount &-= 1
    }
    unsafe samples[Int(words.nextSample)] = sample
    words.nextSample = (words.nextSample &+ 1) % Int32(truncatingIfNeeded: places.sampleCount)
    words.waitingCount &+= 1
    words.computedColumns = 0
    unsafe self.words.pointee = words
  }

  /// Lets all waiting samples through the pipeline.
  mutating func catchUp() {
    var words = unsafe self.words.pointee
    guard words.waitingCount > 0 else { return }
    if words.hasPassed != 0 { pipeline.forgetColumns() }
    var place = (Int(words.nextSample) &- Int(words.waitingCount) &+ places.sampleCount) % places.sampleCount
    for _ in 0..<words.waitingCount {
      if unsafe pipeline.push(samples[place]) { words.computedColumns &+= 1 }
      place = place &+ 1 == places.sampleCount ? 0 : place &+ 1
    }
    words.waitingCount = 0
    words.hasPassed = 0
    unsafe self.words.pointee = words
  }
}
