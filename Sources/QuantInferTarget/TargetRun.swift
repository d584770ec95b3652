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
      case TargetFrame.Request.save: save(&wire, &monitor)
      case TargetFrame.Request.state: tellState(&wire)
      default: return true
      }
    }
    return false
  }

  private func push<Port: TargetPort>(_ wire: inout TargetWire<Port>, _ monitor: inout Monitor) {
    var columns = (count: 0, checksum: UInt32(0))
    var sampleTicks: UInt32 = 0
    var columnTicks: UInt32 = 0
    var worstTicks: UInt32 = 0
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
      let start = wire.port.ticks()
      let isColumn =
        leadCount == 1
        ? monitor.push(frame[0])
        : frame.span.withUnsafeBufferPointer { $0.baseAddress.map { monitor.push(frame: $0) } ?? false }
      if index == count &- 1 {
        for beat in 0..<beats {
          monitor.addBeat(samplesAgo: Int(truncatingIfNeeded: wire.word(at: 1 &+ 4 &* beat)))
        }
      }
      let ticks = (wire.port.ticks() &- start) & wire.port.tickMask
      worstTicks = max(worstTicks, ticks)
      guard isColumn else {
        sampleTicks &+= ticks
        continue
      }
      columnTicks &+= ticks
      columns.count &+= 1
      columns.checksum = CRC32.checksum(
        UnsafeRawBufferPointer(monitor.newestColumn), continuing: columns.checksum)
      decide(&wire, &monitor, after: index)
    }
    wire.begin(TargetFrame.Answer.pushed)
    wire.add(size: columns.count)
    wire.add(word: columns.checksum)
    wire.add(word: sampleTicks)
    wire.add(word: columnTicks)
    wire.add(word: worstTicks)
    wire.add(size: wire.port.stackByteCount)
    wire.send()
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
