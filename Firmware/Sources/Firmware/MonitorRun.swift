import QuantInfer

/// Sample in, announcement out: the runtime finds the beats and decides about each 0.7 s later.
struct MonitorRun {
  private let model: Model
  private let rate: UInt32

  /// Of a model whose rate the detector of beats takes.
  init?(_ model: Model) {
    guard let rate = model.frontEnd?.sampleRateMillihertz,
      BeatDetector.lowestSampleRateMillihertz <= rate, rate <= BeatDetector.highestSampleRateMillihertz
    else { return nil }
    (self.model, self.rate) = (model, rate)
  }

  /// Runs over all samples, awake all the time with what the beats' intervals say, then asleep between beats in rhythm; the
  /// detector once by itself.
  func run() {
    detect()
    Console.put("awake ")
    announce(wakePercent: 0, hasRhythmPrior: true)
    Console.put("asleep ")
    announce(wakePercent: 10, hasRhythmPrior: false)
  }

  private func detect() {
    var memory = Memory()
    let state = memory.take(BeatDetector.stateByteCount(sampleRateMillihertz: rate))
    guard var detector = try? BeatDetector(sampleRateMillihertz: rate, state: state) else { return }
    var beats = (count: 0, checksum: UInt32(0))
    for index in 0..<payloadSamples.count {
      guard let age = detector.push(payloadSamples[index]) else { continue }
      beats.count &+= 1
      beats.checksum = continuing(beats.checksum, with: Int32(truncatingIfNeeded: index) &- age)
    }
    printChecksum("beats ", beats.count, beats.checksum)
  }

  private func announce(wakePercent: Int, hasRhythmPrior: Bool) {
    var memory = Memory()
    var options = Monitor.Options()
    options.delaySamples = Int(truncatingIfNeeded: rate &* 7 / 10000)
    options.policy.majorityCount = 3
    options.wakePercent = wakePercent
    if hasRhythmPrior {
      options.rhythmPrior = .init(classIndex: 0, codesPerOctave: 91, neutralPartLog2Q16: -21_098)
    }
    guard let stateByteCount = try? Monitor.stateByteCount(model: model, options: options) else { return }
    let state = memory.take(stateByteCount)
    let scratch = memory.take(model.streamingScratchByteCount)
    let logits = memory.take(model.output.count).bindMemory(to: Int8.self)
    guard var monitor = try? Monitor(model: model, options: options, state: state, scratch: scratch) else {
      return
    }
    var announcements = (count: 0, checksum: UInt32(0))
    for index in 0..<payloadSamples.count where monitor.push(payloadSamples[index]) {
      while let decision = monitor.nextDecision(into: logits) {
        announcements.count &+= 1
        announcements.checksum = continuing(announcements.checksum, with: code(decision.announcement))
        guard decision.hasLogits else { continue }
        announcements.checksum = CRC32.checksum(
          UnsafeRawBufferPointer(logits), continuing: announcements.checksum)
      }
    }
    printChecksum("announcements ", announcements.count, announcements.checksum)
  }

  private func code(_ announcement: Announcement) -> Int32 {
    switch announcement {
    case .result(let classIndex, let marginCodes):
      Int32(truncatingIfNeeded: classIndex &* 1024 &+ marginCodes)
    case .noResult(let reason): -Int32(reason.rawValue)
    case .asleep: .min
    }
  }

  private func continuing(_ checksum: UInt32, with word: Int32) -> UInt32 {
    var word = word.littleEndian
    return withUnsafeBytes(of: &word) { CRC32.checksum($0, continuing: checksum) }
  }
}
