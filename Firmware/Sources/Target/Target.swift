import Board
import Payload
import QuantInferTarget

/// Firmware that runs what a host sends over a wire, for `device-sim stream --target`.
@main
struct Target {
  static func main() {
    wire_start()
    let image = UnsafeRawBufferPointer(start: payload_model(), count: payload_model_byte_count())
    let memory = UnsafeMutableRawBufferPointer(start: board_memory(), count: board_memory_byte_count())
    var board = TargetBoard(BoardPort(), flash: image, memory: memory)
    board?.run()
  }
}

/// The board's wire and counter; see Board.h.
struct BoardPort: TargetPort {
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
}
