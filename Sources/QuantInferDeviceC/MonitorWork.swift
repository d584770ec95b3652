import CQuantInfer
import QuantInfer
import QuantInferC

/// Hands waiting frames to a monitor, up to the first with which decisions may be due.
@c @implementation
public func quantinfer_monitor_work(
  _ monitor: OpaquePointer?, _ queue: UnsafeMutablePointer<quantinfer_queue>?,
  _ progress: UnsafeMutablePointer<quantinfer_progress>?
) -> quantinfer_status {
  do throws(Refusal) {
    guard let queue = unsafe queue else { throw Refusal(QUANTINFER_NULL) }
    let monitor = try unsafe Record.monitor(monitor)
    var done = quantinfer_progress()
    try unsafe give(done, to: progress)
    let leadCount = unsafe monitor.pointee.model.leadCount
    // Their copy lies on the stack; the header says how many there are at most.
    var block = InlineArray<32, Int16>(repeating: 0)
    var lost: UInt32 = 0
    guard unsafe queue.pointee.lead_count == UInt32(truncatingIfNeeded: leadCount) else {
      // A number that lost a bit, or another device's.
      let isSound = unsafe withUnsafeMutableBytes(of: &block) {
        unsafe quantinfer_queue_peek(queue, $0.bindMemory(to: Int16.self).baseAddress, 0, &lost) >= 0
      }
      throw Refusal(isSound ? QUANTINFER_OPTIONS : QUANTINFER_NOT_SOUND)
    }
    let copied = unsafe withUnsafeMutableBytes(of: &block) {
      let frames = unsafe $0.bindMemory(to: Int16.self)
      return unsafe quantinfer_queue_peek(
        queue, frames.baseAddress, UInt32(truncatingIfNeeded: frames.count / leadCount), &lost)
    }
    guard copied >= 0 else { throw Refusal(QUANTINFER_NOT_SOUND) }
    if lost > 0 {
      unsafe monitor.pointee.skip(samples: lost)
      unsafe quantinfer_queue_pass(queue, lost)
      done.lost_count = lost
    } else if copied > 0 {
      let taken = unsafe block.span.withUnsafeBufferPointer {
        unsafe monitor.pointee.feed(UnsafeBufferPointer(rebasing: $0[..<(Int(copied) &* leadCount)])).count
      }
      unsafe quantinfer_queue_pass(queue, UInt32(truncatingIfNeeded: taken))
      done.frame_count = UInt32(truncatingIfNeeded: taken)
    }
    done.waiting_count = unsafe quantinfer_queue_waiting(queue)
    try unsafe give(done, to: progress)
    return accepted
  } catch {
    return error.status
  }
}
