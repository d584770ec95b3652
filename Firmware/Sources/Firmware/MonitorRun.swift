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
    announce("plain ")
    announce("awake ", majority: 3, hasRhythmPrior: true)
    announce("asleep ", majority: 3, wakePercent: 10)
    if payload_patch_byte_count() > 0 {
      announce("patched ", majority: 3, hasRhythmPrior: true, isPatched: true)
    }
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

  private func announce(
    _ name: StaticString, majority: Int = 1, wakePercent: Int = 0, hasRhythmPrior: Bool = false,
    isPatched: Bool = false
  ) {
    var memory = Memory()
    guard let model = isPatched ? patched(in: &memory) : self.model else { return }
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
    var times: UInt32 = 0
    for index in 0..<payloadSamples.count where monitor.push(payloadSamples[index]) {
      while let decision = monitor.nextDecision(into: logits) {
        announcements.count &+= 1
        announcements.checksum = continuing(announcements.checksum, with: code(decision.announcement))
        let sample = Int32(truncatingIfNeeded: index)
        let beat = decision.beatAge.map { sample &- Int32(truncatingIfNeeded: $0) } ?? -1
        times = continuing(continuing(times, with: sample), with: beat)
        guard decision.hasLogits else { continue }
        announcements.checksum = CRC32.checksum(
          UnsafeRawBufferPointer(logits), continuing: announcements.checksum)
      }
    }
    Console.put(name)
    printChecksum("announcements ", announcements.count, announcements.checksum)
    Console.put(name)
    printChecksum("times ", announcements.count, times)
  }

  /// The model with the patch that the firmware carries; nil where it doesn't fit.
  private func patched(in memory: inout Memory) -> Model? {
    let bytes = UnsafeRawBufferPointer(start: payload_patch(), count: payload_patch_byte_count())
    guard let patch = try? ModelPatch(validating: bytes),
      let byteCount = model.patchBufferByteCount(ofOperator: patch.operatorIndex)
    else { return nil }
    return try? model.applying(patch, into: memory.take(byteCount))
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
