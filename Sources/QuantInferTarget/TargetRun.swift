import QuantInfer

/// A monitor's requests on a board, and what they took.
///
/// The monitor itself is the caller's variable: one inside of another structure would be copied for each sample.
struct TargetRun {
  private let state: UnsafeMutableRawBufferPointer
  private let logits: UnsafeMutableBufferPointer<Int8>
  /// Where a saved state goes; as large as there was memory.
  private let copy: UnsafeMutableRawBufferPointer

  init(
    state: UnsafeMutableRawBufferPointer, logits: UnsafeMutableBufferPointer<Int8>,
    copy: UnsafeMutableRawBufferPointer
  ) {
    self.state = state
    self.logits = logits
    self.copy = copy
  }

  /// Answers requests until one comes that isn't for a monitor; false where the wire is closed.
  func answer<Port: TargetPort>(_ wire: inout TargetWire<Port>, _ monitor: inout Monitor) -> Bool {
    while wire.receive() {
      switch wire.kind {
      case TargetFrame.Request.samples: push(&wire, &monitor)
      case TargetFrame.Request.acquire: acquire(&wire, &monitor)
      case TargetFrame.Request.save: save(&wire, &monitor)
      case TargetFrame.Request.state: tellState(&wire)
      default: return true
      }
    }
    return false
  }

  /// Takes the frames of a request.
  private func push<Port: TargetPort>(_ wire: inout TargetWire<Port>, _ monitor: inout Monitor) {
    var block = Block()
    let beats = Int(wire.byte(at: 0))
    let first = 1 &+ 4 &* beats
    let leadCount = monitor.model.leadCount
    let count = (wire.payloadByteCount &- first) / (2 &* leadCount)
    // As many leads as a model can have.
    var frame = InlineArray<4, Int16>(repeating: 0)
    for index in 0..<max(0, count) {
      for lead in 0..<min(leadCount, frame.count) {
        frame[lead] = Int16(bitPattern: wire.half(at: first &+ 2 &* (index &* leadCount &+ lead)))
      }
      take(frame, beats: index == count &- 1 ? beats : 0, &block, &wire, &monitor)
    }
    tell(block, &wire, as: TargetFrame.Answer.pushed)
    wire.send()
  }

  /// Takes frames from the board's own source, and sends them with what came of them.
  private func acquire<Port: TargetPort>(_ wire: inout TargetWire<Port>, _ monitor: inout Monitor) {
    let leadCount = monitor.model.leadCount
    let wanted = Int(wire.half(at: 0))
    if wire.byte(at: 2) != 0 {
      guard
        wire.port.startSource(
          sampleRateMillihertz: monitor.model.frontEnd?.sampleRateMillihertz ?? 0, leadCount: leadCount)
      else { return wire.refuse(.noSource) }
    }
    var block = Block()
    var samples = InlineArray<32, Int16>(repeating: 0)
    var frame = InlineArray<4, Int16>(repeating: 0)
    let room = min(wanted, min(samples.count, TargetFrame.Acquired.greatestSampleCount) / leadCount)
    while block.frameCount < room, wire.port.nextFrame(&frame) {
      for lead in 0..<min(leadCount, frame.count) {
        samples[block.frameCount &* leadCount &+ lead] = frame[lead]
      }
      take(frame, beats: 0, &block, &wire, &monitor)
    }
    tell(block, &wire, as: TargetFrame.Answer.acquired)
    wire.add(word: wire.port.lostFrameCount)
    for index in 0..<(block.frameCount &* leadCount) {
      wire.add(half: UInt16(bitPattern: samples[index]))
    }
    wire.send()
  }

  /// What came of a request's frames.
  private struct Block {
    var frameCount = 0
    var columnCount = 0
    var columnChecksum: UInt32 = 0
    var sampleTicks: UInt32 = 0
    var columnTicks: UInt32 = 0
    var worstTicks: UInt32 = 0
  }

  /// Gives the monitor a frame, and after it the beats that the request names; decisions go out at once.
  private func take<Port: TargetPort>(
    _ frame: InlineArray<4, Int16>, beats: Int, _ block: inout Block, _ wire: inout TargetWire<Port>,
    _ monitor: inout Monitor
  ) {
    let start = wire.port.ticks()
    let isColumn =
      monitor.model.leadCount == 1
      ? monitor.push(frame[0])
      : frame.span.withUnsafeBufferPointer { $0.baseAddress.map { monitor.push(frame: $0) } ?? false }
    for beat in 0..<beats {
      monitor.addBeat(samplesAgo: Int(truncatingIfNeeded: wire.word(at: 1 &+ 4 &* beat)))
    }
    let ticks = (wire.port.ticks() &- start) & wire.port.tickMask
    block.worstTicks = max(block.worstTicks, ticks)
    let index = block.frameCount
    block.frameCount &+= 1
    guard isColumn else {
      block.sampleTicks &+= ticks
      return
    }
    block.columnTicks &+= ticks
    block.columnCount &+= 1
    block.columnChecksum = CRC32.checksum(
      UnsafeRawBufferPointer(monitor.newestColumn), continuing: block.columnChecksum)
    decide(&wire, &monitor, after: index)
  }

  /// Begins an answer with what came of a request's frames.
  private func tell<Port: TargetPort>(_ block: Block, _ wire: inout TargetWire<Port>, as answer: UInt8) {
    wire.begin(answer)
    wire.add(size: block.columnCount)
    wire.add(word: block.columnChecksum)
    wire.add(word: block.sampleTicks)
    wire.add(word: block.columnTicks)
    wire.add(word: block.worstTicks)
    wire.add(size: wire.port.stackByteCount)
  }

  /// Makes and sends all decisions that are due.
  private func decide<Port: TargetPort>(
    _ wire: inout TargetWire<Port>, _ monitor: inout Monitor, after index: Int
  ) {
    while true {
      let start = wire.port.ticks()
      guard let decision = monitor.nextDecision(into: logits) else { return }
      let ticks = (wire.port.ticks() &- start) & wire.port.tickMask
      var result = (reason: UInt8(0), classIndex: 0, marginCodes: 0)
      switch decision.announcement {
      case .result(let classIndex, let marginCodes):
        (result.classIndex, result.marginCodes) = (classIndex, marginCodes)
      case .noResult(let reason): result.reason = reason.rawValue
      case .asleep: result.reason = TargetFrame.Decision.asleep
      }
      wire.begin(TargetFrame.Answer.decision)
      wire.add(half: UInt16(truncatingIfNeeded: index))
      wire.add(byte: decision.hasLogits ? 1 : 0)
      wire.add(byte: result.reason)
      wire.add(size: decision.beatAge ?? -1)
      wire.add(half: UInt16(truncatingIfNeeded: result.classIndex))
      wire.add(half: UInt16(truncatingIfNeeded: result.marginCodes))
      wire.add(word: ticks)
      for code in logits { wire.add(byte: UInt8(bitPattern: decision.hasLogits ? code : 0)) }
      wire.send()
    }
  }

  /// Saves, loses and restores the state, as over a brown-out.
  private func save<Port: TargetPort>(_ wire: inout TargetWire<Port>, _ monitor: inout Monitor) {
    let size = monitor.savedByteCount
    guard (try? monitor.save(into: copy)) != nil else { return wire.refuse(.memory, size, copy.count) }
    let saved = UnsafeRawBufferPointer(rebasing: copy[..<size])
    let checksum = CRC32.checksum(saved)
    for place in state.indices { state[place] = 0xA5 }
    monitor.reset()
    guard (try? monitor.restore(from: saved)) != nil else { return wire.refuse(.savedState) }
    wire.begin(TargetFrame.Answer.saved)
    wire.add(word: checksum)
    wire.send()
  }

  private func tellState<Port: TargetPort>(_ wire: inout TargetWire<Port>) {
    let first = min(Int(truncatingIfNeeded: wire.word(at: 0) & 0x7FFF_FFFF), state.count)
    let asked = Int(truncatingIfNeeded: wire.word(at: 4) & 0x7FFF_FFFF)
    wire.begin(TargetFrame.Answer.state)
    wire.add(word: CRC32.checksum(UnsafeRawBufferPointer(state)))
    for place in first..<(first &+ min(asked, state.count &- first)) { wire.add(byte: state[place]) }
    wire.send()
  }
}
