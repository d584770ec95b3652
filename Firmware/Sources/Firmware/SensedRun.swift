import Payload
import QuantInfer

/// Blocks of samples and sensed beats in, announcements out: the monitor of an implant, whose network's input are beats.
///
/// The beats are those that the runtime's detector finds beforehand, which stands for the device's own amplifier.
struct SensedRun {
  private let model: Model
  private let blockSamples: Int
  private let rate: UInt32

  /// Of a model with a front end of beats.
  init?(_ model: Model) {
    guard let frontEnd = model.frontEnd, let plan = frontEnd.beats else { return nil }
    self.model = model
    (blockSamples, rate) = (plan.hopSamples, plan.sampleRateMillihertz)
  }

  /// A run's result.
  private struct Result: Equatable {
    var decisions = 0
    var recalled = 0
    var checksum: UInt32 = 0
  }

  /// Runs by blocks, by single samples, and over saved states; false where they differ.
  func run() -> Bool {
    var memory = Memory()
    // A beat a quarter of a second at most.
    let beats = memory.take(4 &* payloadSamples.count / 16).bindMemory(to: Int32.self)
    let count = sense(into: beats, using: memory)
    let found = UnsafeMutableBufferPointer(rebasing: beats[..<count])
    guard let blocks = byBlocks(found, using: memory),
      let samples = bySamples(found, using: memory),
      let resumed = bySamples(found, using: memory, isInterrupted: true)
    else { return false }
    Console.put("sensed ")
    Console.put(count)
    Console.put(" beats, ")
    Console.put(blocks.decisions)
    Console.put(" decisions, ")
    Console.put(blocks.recalled)
    Console.put(" recalled, ")
    Console.put((payloadSamples.count &+ blockSamples &- 1) / blockSamples)
    Console.put(" blocks, sum ")
    Console.put(hex: blocks.checksum)
    Console.endLine()
    return blocks == samples && blocks == resumed
  }

  private func sense(into beats: UnsafeMutableBufferPointer<Int32>, using memory: Memory) -> Int {
    var memory = memory
    let state = memory.take(BeatDetector.stateByteCount(sampleRateMillihertz: rate))
    guard var detector = try? BeatDetector(sampleRateMillihertz: rate, state: state) else { return 0 }
    var count = 0
    for index in 0..<payloadSamples.count {
      guard let age = detector.push(payloadSamples[index]), count < beats.count else { continue }
      beats[count] = Int32(truncatingIfNeeded: index) &- age
      count &+= 1
    }
    return count
  }

  private var options: Monitor.Options {
    var options = Monitor.Options()
    options.pace = .givenBeats
    options.delaySamples = Int(payload_monitor()[0])
    return options
  }

  private func monitor(using memory: inout Memory) -> Monitor? {
    guard let bytes = try? Monitor.stateByteCount(model: model, options: options) else { return nil }
    let state = memory.take(bytes)
    let scratch = memory.take(model.streamingScratchByteCount)
    return try? Monitor(model: model, options: options, state: state, scratch: scratch)
  }

  /// The run whose calls are counted, see report.py: a block lies in RAM, as a converter hands it over.
  @inline(never)
  private func byBlocks(_ beats: UnsafeMutableBufferPointer<Int32>, using memory: Memory) -> Result? {
    var memory = memory
    let logits = memory.take(model.output.count).bindMemory(to: Int8.self)
    let block = memory.take(2 &* blockSamples).bindMemory(to: Int16.self)
    guard var monitor = monitor(using: &memory) else { return nil }
    var (result, next, place, halves) = (Result(), 0, 0, 0)
    while place < payloadSamples.count {
      // Each fourth block in halves, as where a converter is read in between.
      let isHalved = halves & 7 >= 6
      halves &+= isHalved ? 1 : 2
      let count = min(isHalved ? blockSamples / 2 : blockSamples, payloadSamples.count &- place)
      var index = 0
      while index < count {
        block[index] = payloadSamples[place &+ index]
        index &+= 1
      }
      let fed = monitor.feed(UnsafeBufferPointer(rebasing: block[..<count]))
      place &+= fed.count
      while next < beats.count, beats[next] < Int32(truncatingIfNeeded: place) {
        monitor.addBeat(samplesAgo: place &- 1 &- Int(beats[next]))
        next &+= 1
      }
      if fed.endsColumn { decide(&monitor, logits, &result) }
    }
    return result
  }

  private func bySamples(
    _ beats: UnsafeMutableBufferPointer<Int32>, using memory: Memory, isInterrupted: Bool = false
  ) -> Result? {
    var memory = memory
    let logits = memory.take(model.output.count).bindMemory(to: Int8.self)
    guard var monitor = monitor(using: &memory) else { return nil }
    let copy = memory.take(monitor.savedByteCount)
    var (result, next) = (Result(), 0)
    for index in 0..<payloadSamples.count {
      if isInterrupted, index % 1000 == 999 {
        guard (try? monitor.save(into: copy)) != nil else { return nil }
        monitor.reset()
        guard (try? monitor.restore(from: UnsafeRawBufferPointer(copy))) != nil else { return nil }
      }
      let endsColumn = monitor.push(payloadSamples[index])
      while next < beats.count, beats[next] <= Int32(truncatingIfNeeded: index) {
        monitor.addBeat(samplesAgo: index &- Int(beats[next]))
        next &+= 1
      }
      if endsColumn { decide(&monitor, logits, &result) }
    }
    return result
  }

  private func decide(
    _ monitor: inout Monitor, _ logits: UnsafeMutableBufferPointer<Int8>, _ result: inout Result
  ) {
    while let decision = monitor.nextDecision(into: logits) {
      result.decisions &+= 1
      guard decision.hasLogits else { continue }
      if decision.isRecalled { result.recalled &+= 1 }
      for logit in logits { result.checksum = result.checksum &* 31 &+ UInt32(truncatingIfNeeded: logit) }
    }
  }
}
