import Board
import Payload
import QuantInfer

/// Runs the model that it carries and prints what it computed, so that two machines can be compared line by line.
///
/// The exit status is 0 where all went well: the runs agree with each other too.
@main
struct Firmware {
  static func main() {
    let image = UnsafeRawBufferPointer(start: payload_model(), count: payload_model_byte_count())
    Refusals(image).print()
    guard let model = try? Model(validating: image) else { board_exit(65) }
    print(model)
    if let sensed = SensedRun(model) { end(sensed.run()) }
    if let leads = LeadsRun(model) { end(leads.run()) }
    if model.isStreamable {
      MonitorRun(model)?.run()
      let streaming = StreamingRun(model).run()
      let whole = SpectrogramRun(model).run()
      let resumed = StreamingRun(model).run(interrupted: true)
      end(streaming.isSame(as: whole) && streaming.isSame(as: resumed))
    }
    end(NoiseRun(model).run())
  }

  private static func end(_ isGood: Bool) -> Never {
    Console.put("stack ")
    Console.put(board_stack_byte_count())
    Console.put(" B")
    Console.endLine()
    board_exit(isGood ? 0 : 1)
  }

  private static func print(_ model: Model) {
    Console.put("model ")
    Console.put(model.byteCount)
    Console.put(" B, CRC ")
    Console.put(hex: model.imageChecksum)
    Console.put(", arena ")
    Console.put(model.arenaByteCount)
    Console.put(" B, scratch ")
    Console.put(model.scratchByteCount)
    Console.put(" B, state ")
    Console.put(model.stateByteCount)
    Console.put(" B, streaming scratch ")
    Console.put(model.streamingScratchByteCount)
    Console.put(" B")
    Console.endLine()
  }
}
