import CQuantInfer
import QuantInfer
import QuantInferC

// The header's part about monitors: setting up, frames, decisions, marks.

extension Record {
  /// A monitor; nil where a bit of its record was lost.
  @inline(__always)
  static func monitor(_ handle: OpaquePointer?) throws(Refusal) -> UnsafeMutablePointer<Monitor> {
    guard let monitor = unsafe open(handle, Monitor.self, wordCount: monitorWordCount) else {
      throw Refusal(QUANTINFER_NOT_SOUND)
    }
    return unsafe monitor
  }
}

extension Division {
  /// The memory of a monitor.
  fileprivate init(_ model: Model, _ options: Monitor.Options) throws(Refusal) {
    do throws(MemoryError) {
      self.init(
        wordCount: Record.monitorWordCount,
        state: try Monitor.stateByteCount(model: model, options: options),
        scratch: model.streamingScratchByteCount)
    } catch {
      throw Refusal(error)
    }
  }
}

/// Checks an image and options, and tells what a monitor needs.
@c @implementation
public func quantinfer_monitor_inspect(
  _ image: UnsafeRawPointer?, _ byteCount: Int, _ options: UnsafePointer<quantinfer_options>?,
  _ needs: UnsafeMutablePointer<quantinfer_needs>?
) -> quantinfer_status {
  do throws(Refusal) {
    let model = try unsafe Model(image: image, byteCount: byteCount)
    let division = try unsafe Division(model, Monitor.Options(options, of: model))
    try unsafe give(
      division.needs(
        savedByteCount: SavedState.Header.byteCount &+ division.state, logitCount: model.output.count,
        patchByteCount: PatchBuffer.byteCount(for: model)), to: needs)
    return accepted
  } catch {
    return error.status
  }
}

/// Checks an image and sets up a monitor in the caller's memory.
@c @implementation
public func quantinfer_monitor_init(
  _ monitor: UnsafeMutablePointer<OpaquePointer?>?, _ image: UnsafeRawPointer?, _ byteCount: Int,
  _ options: UnsafePointer<quantinfer_options>?, _ memory: UnsafeMutableRawPointer?, _ memoryByteCount: Int
) -> quantinfer_status {
  do throws(Refusal) {
    guard let monitor = unsafe monitor else { throw Refusal(QUANTINFER_NULL) }
    unsafe monitor.pointee = nil
    let model = try unsafe Model(image: image, byteCount: byteCount)
    let options = try unsafe Monitor.Options(options, of: model)
    let parts = try unsafe Division(model, options).parts(of: memory, byteCount: memoryByteCount)
    do throws(MemoryError) {
      unsafe monitor.pointee = Record.seal(
        try Monitor(model: model, options: options, state: parts.state, scratch: parts.scratch),
        wordCount: Record.monitorWordCount, in: parts.record)
    } catch {
      throw Refusal(error)
    }
    return accepted
  } catch {
    return error.status
  }
}

/// Takes frames, up to the first with which decisions may be due.
@c @implementation
public func quantinfer_monitor_push(
  _ monitor: OpaquePointer?, _ frames: UnsafePointer<Int16>?, _ frameCount: Int,
  _ takenCount: UnsafeMutablePointer<Int>?
) -> quantinfer_status {
  do throws(Refusal) {
    guard let takenCount = unsafe takenCount else { throw Refusal(QUANTINFER_NULL) }
    unsafe takenCount.pointee = 0
    guard let frames = unsafe frames else { throw Refusal(QUANTINFER_NULL) }
    guard UInt(bitPattern: frames) % 2 == 0 else { throw Refusal(QUANTINFER_MEMORY_MISALIGNED) }
    let monitor = try unsafe Record.monitor(monitor)
    let (count, isBeyond) = unsafe frameCount.multipliedReportingOverflow(by: monitor.pointee.model.leadCount)
    let block = unsafe UnsafeBufferPointer(start: frames, count: count < 0 || isBeyond ? .max : count)
    unsafe takenCount.pointee = monitor.pointee.feed(block).count
    return accepted
  } catch {
    return error.status
  }
}

/// Makes the next decision that is due.
@c @implementation
public func quantinfer_monitor_next(
  _ monitor: OpaquePointer?, _ decision: UnsafeMutablePointer<quantinfer_decision>?,
  _ logits: UnsafeMutablePointer<Int8>?, _ logitCount: Int
) -> quantinfer_status {
  do throws(Refusal) {
    guard let logits = unsafe logits else { throw Refusal(QUANTINFER_NULL) }
    let monitor = try unsafe Record.monitor(monitor)
    let count = unsafe monitor.pointee.model.output.count
    guard logitCount >= count || logitCount < 0 else { throw Refusal(QUANTINFER_MEMORY_TOO_SMALL) }
    // A structure that can't be written is found before the decision is taken out.
    var result = quantinfer_decision()
    try unsafe give(result, to: decision)
    guard
      let made = unsafe monitor.pointee.nextDecision(
        into: UnsafeMutableBufferPointer(start: logits, count: count))
    else { return accepted }
    result.sample_number = unsafe monitor.pointee.sampleCount &- 1
    result.burst_columns = UInt32(truncatingIfNeeded: unsafe monitor.pointee.burstColumnCount)
    result.take(made)
    try unsafe give(result, to: decision)
    return quantinfer_status(truncatingIfNeeded: QUANTINFER_DECIDED)
  } catch {
    return error.status
  }
}

extension quantinfer_decision {
  /// Says what a decision says; the newest sample's number is there.
  fileprivate mutating func take(_ decision: Monitor.Decision) {
    if let age = decision.beatAge {
      is_about_beat = 1
      beat_sample_number = sample_number &- UInt32(truncatingIfNeeded: age)
    }
    has_logits = decision.hasLogits ? 1 : 0
    class_index = -1
    func constant(_ number: Int) -> Int32 { Int32(truncatingIfNeeded: number) }
    switch decision.announcement {
    case .result(let index, let margin):
      announcement = constant(QUANTINFER_RESULT)
      (class_index, margin_codes) = (constant(index), constant(margin))
    case .noResult(let why):
      announcement = constant(QUANTINFER_NO_RESULT)
      reason = Int32(why.rawValue)
    case .asleep: announcement = constant(QUANTINFER_ASLEEP)
    }
  }
}

/// Names a beat.
@c @implementation
public func quantinfer_monitor_mark(_ monitor: OpaquePointer?, _ mark: Int32, _ sampleNumber: UInt32)
  -> quantinfer_status
{
  do throws(Refusal) {
    let monitor = try unsafe Record.monitor(monitor)
    guard Int(mark) == QUANTINFER_MARK_BEAT, unsafe monitor.pointee.options.pace == .givenBeats else {
      throw Refusal(QUANTINFER_OPTIONS)
    }
    let age = unsafe Int32(bitPattern: monitor.pointee.sampleCount &- 1 &- sampleNumber)
    guard age >= 0, unsafe monitor.pointee.sampleCount != 0 else { throw Refusal(QUANTINFER_NOT_YET) }
    unsafe monitor.pointee.addBeat(samplesAgo: Int(age))
    return accepted
  } catch {
    return error.status
  }
}

/// Lets time pass of which there are no frames.
@c @implementation
public func quantinfer_monitor_skip(_ monitor: OpaquePointer?, _ frameCount: UInt32) -> quantinfer_status {
  do throws(Refusal) {
    unsafe try Record.monitor(monitor).pointee.skip(samples: frameCount)
    return accepted
  } catch {
    return error.status
  }
}

/// Forgets all frames, beats and decisions.
@c @implementation
public func quantinfer_monitor_reset(_ monitor: OpaquePointer?) -> quantinfer_status {
  do throws(Refusal) {
    unsafe try Record.monitor(monitor).pointee.reset()
    return accepted
  } catch {
    return error.status
  }
}
