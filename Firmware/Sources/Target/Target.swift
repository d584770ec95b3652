import Board
import Payload
import QuantInfer
import QuantInferTarget

/// Firmware that runs what a host sends over a wire, for `device-sim stream --target`.
@main
struct Target {
  static func main() {
    wire_start()
    let image = UnsafeRawBufferPointer(start: payload_model(), count: payload_model_byte_count())
    let memory = UnsafeMutableRawBufferPointer(start: board_memory(), count: board_memory_byte_count())
    var board = TargetBoard(BoardPort(flash: image), flash: image, memory: memory)
    board?.run()
  }
}

/// The board's wire, counter and samples; see Board.h.
struct BoardPort: TargetPort {
  /// The image in flash, with which a record lies.
  private let flash: UnsafeRawBufferPointer
  /// The place of the next sample in that record; nil for a board whose converter samples.
  private var next: Int?
  private var leadCount = 1

  init(flash: UnsafeRawBufferPointer) { self.flash = flash }

  func receive() -> UInt8? { UInt8(exactly: wire_receive()) }
  func send(_ byte: UInt8) { wire_send(byte) }
  var counter: TargetFrame.Counter { TargetFrame.Counter(rawValue: wire_counter()) ?? .none }
  var ticksPerSecond: UInt32 { wire_ticks_per_second() }
  func ticks() -> UInt32 { wire_ticks() }
  var tickMask: UInt32 { wire_tick_mask() }
  var stackByteCount: Int { board_stack_byte_count() }

  var name: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: wire_name(), count: wire_name_byte_count())
  }

  mutating func startSource(sampleRateMillihertz: UInt32, leadCount: Int) -> Bool {
    next = nil
    if source_start(sampleRateMillihertz, UInt32(truncatingIfNeeded: leadCount)) != 0 { return true }
    // Without a converter, the record that lies in flash beside the model, at that model's rate and of its leads.
    guard payload_sample_count() >= leadCount, let model = try? Model(validating: flash),
      model.leadCount == leadCount, model.frontEnd?.sampleRateMillihertz == sampleRateMillihertz
    else { return false }
    (next, self.leadCount) = (0, leadCount)
    return true
  }

  mutating func nextFrame(_ frame: inout InlineArray<4, Int16>) -> Bool {
    guard let place = next else {
      var samples = frame.mutableSpan
      return samples.withUnsafeMutableBufferPointer { $0.baseAddress.map { source_next($0) != 0 } ?? false }
    }
    guard leadCount <= payload_sample_count() &- place else { return false }
    for lead in 0..<min(leadCount, frame.count) { frame[lead] = payload_samples()[place &+ lead] }
    next = place &+ leadCount
    return true
  }

  var lostFrameCount: UInt32 { source_lost() }
}
