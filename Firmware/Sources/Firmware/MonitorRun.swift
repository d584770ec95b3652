import Payload
import QuantInfer

/// Sample in, announcement out: the monitor that `device-sim stream` runs, with its delay and its watch over the signal.
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

  /// Runs over all samples as `stream` does by itself, then with what the beats' intervals say and a majority of three,
  /// then asleep between beats in rhythm; the detector once by itself.
  func run() {
    detect()
    Console.put("plain ")
    announce()
    Console.put("awake ")
    announce(majority: 3, hasRhythmPrior: true)
    Console.put("asleep ")
    announce(majority: 3, wakePercent: 10)
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

  private func announce(majority: Int = 1, wakePercent: Int = 0, hasRhythmPrior: Bool = false) {
    var memory = Memory()
    var options = Monitor.Options()
    let figures = payload_monitor()
    options.delaySamples = Int(figures[0])
    options.quality = SignalQuality.Limits(
      lowestCount: Int16(truncatingIfNeeded: figures[1]), highestCount: Int16(truncatingIfNeeded: figures[2]),
      flatCounts: figures[3], flatSamples: figures[4], saturatedSamples: figures[5],
      saturationSpanSamples: figures[6], refillSamples: figures[7])
    options.policy.majorityCount = majority
    options.wakePercent = wakePercent
    if hasRhythmPrior, figures[8] >= 0 {
      options.rhythmPrior = .init(
        classIndex: Int(figures[8]), codesPerOctave: Int(figures[9]), neutralPartLog2Q16: figures[10])
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
