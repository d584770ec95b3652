import CQuantInfer
import QuantInfer
import QuantInferC

// The header's part about monitors: how one is, and over brown-outs.

/// How a monitor is.
@c @implementation
public func quantinfer_monitor_report(
  _ monitor: OpaquePointer?, _ report: UnsafeMutablePointer<quantinfer_report>?
) -> quantinfer_status {
  do throws(Refusal) {
    let monitor = try unsafe Record.monitor(monitor)
    try unsafe give(
      quantinfer_report(
        byte_count: 0, sample_number: monitor.pointee.sampleCount,
        reason: Int32(monitor.pointee.noResult?.rawValue ?? 0),
        pending_beat_count: UInt32(truncatingIfNeeded: monitor.pointee.pendingBeatCount),
        dropped_beat_count: UInt32(truncatingIfNeeded: monitor.pointee.droppedBeatCount),
        is_patched: PatchBuffer.isUsed(by: monitor.pointee.model) ? 1 : 0),
      to: report)
    return accepted
  } catch {
    return error.status
  }
}

/// Whether record and state can be gone on with.
@c @implementation
public func quantinfer_monitor_is_sound(_ monitor: OpaquePointer?) -> Bool {
  (try? unsafe Record.monitor(monitor).pointee.isStateSound) ?? false
}

/// A checksum of the state.
@c @implementation
public func quantinfer_monitor_state_checksum(_ monitor: OpaquePointer?) -> UInt32 {
  (try? unsafe Record.monitor(monitor).pointee.stateChecksum) ?? 0
}

/// Saves all that changes from sample to sample.
@c @implementation
public func quantinfer_monitor_save(
  _ monitor: OpaquePointer?, _ copy: UnsafeMutableRawPointer?, _ byteCount: Int
) -> quantinfer_status {
  do throws(Refusal) {
    guard let copy = unsafe copy else { throw Refusal(QUANTINFER_NULL) }
    let monitor = try unsafe Record.monitor(monitor)
    do throws(MemoryError) {
      try unsafe monitor.pointee.save(
        into: UnsafeMutableRawBufferPointer(start: copy, count: max(0, byteCount)))
    } catch {
      throw Refusal(error)
    }
    return accepted
  } catch {
    return error.status
  }
}

/// Goes on from a saved state.
@c @implementation
public func quantinfer_monitor_restore(
  _ monitor: OpaquePointer?, _ copy: UnsafeRawPointer?, _ byteCount: Int
) -> quantinfer_status {
  do throws(Refusal) {
    guard let copy = unsafe copy else { throw Refusal(QUANTINFER_NULL) }
    let monitor = try unsafe Record.monitor(monitor)
    do throws(SavedStateError) {
      try unsafe monitor.pointee.restore(
        from: UnsafeRawBufferPointer(start: copy, count: max(0, byteCount)))
    } catch {
      throw Refusal(error)
    }
    return accepted
  } catch {
    return error.status
  }
}
