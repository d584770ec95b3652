import CQuantInfer
import QuantInfer

// The header's part about pipelines.

extension Record {
  /// A pipeline; nil where a bit of its record was lost.
  @inline(never)
  fileprivate static func pipeline(_ handle: OpaquePointer?) -> UnsafeMutablePointer<StreamingPipeline>? {
    unsafe open(handle, StreamingPipeline.self, wordCount: smallWordCount)
  }
}

/// Checks an image of a network that streams.
@inline(never)
private func streamable(_ image: UnsafeRawPointer?, _ byteCount: Int) throws(Refusal) -> Model {
  let model = try unsafe Model(image: image, byteCount: byteCount)
  guard model.isStreamable else { throw Refusal(QUANTINFER_NOT_STREAMABLE) }
  // A network of beats beside this one wants a monitor.
  guard model.beatNetwork == nil else { throw Refusal(QUANTINFER_AT_BEATS_ALONE) }
  return model
}

extension Division {
  /// The memory of a pipeline.
  @inline(never)
  fileprivate init(pipeline model: Model) {
    self.init(
      wordCount: Record.smallWordCount, state: model.stateByteCount, scratch: model.streamingScratchByteCount)
  }
}

/// Checks an image and tells what a pipeline needs.
@c @implementation
public func quantinfer_pipeline_inspect(
  _ image: UnsafeRawPointer?, _ byteCount: Int, _ needs: UnsafeMutablePointer<quantinfer_needs>?
) -> quantinfer_status {
  do throws(Refusal) {
    let model = try unsafe streamable(image, byteCount)
    try unsafe give(
      Division(pipeline: model).needs(
        savedByteCount: SavedState.Header.byteCount &+ model.stateByteCount, logitCount: model.output.count),
      to: needs)
    return accepted
  } catch {
    return error.status
  }
}

/// Checks an image and sets up a pipeline in the caller's memory.
@c @implementation
public func quantinfer_pipeline_init(
  _ pipeline: UnsafeMutablePointer<OpaquePointer?>?, _ image: UnsafeRawPointer?, _ byteCount: Int,
  _ memory: UnsafeMutableRawPointer?, _ memoryByteCount: Int
) -> quantinfer_status {
  do throws(Refusal) {
    guard let pipeline = unsafe pipeline else { throw Refusal(QUANTINFER_NULL) }
    unsafe pipeline.pointee = nil
    let model = try unsafe streamable(image, byteCount)
    let parts = try unsafe Division(pipeline: model).parts(of: memory, byteCount: memoryByteCount)
    do throws(MemoryError) {
      unsafe pipeline.pointee = Record.seal(
        try StreamingPipeline(model: model, state: parts.state, scratch: parts.scratch),
        wordCount: Record.smallWordCount, in: parts.record)
    } catch {
      // All that the memory must be was asked above.
      throw Refusal(QUANTINFER_NOT_STREAMABLE)
    }
    return accepted
  } catch {
    return error.status
  }
}

/// Takes a sample; tells whether a new window is full.
@c @implementation
public func quantinfer_pipeline_push(_ pipeline: OpaquePointer?, _ sample: Int16) -> Bool {
  unsafe Record.pipeline(pipeline)?.pointee.completesWindow(sample) ?? false
}

/// Takes a frame; tells whether a new window is full.
@c @implementation
public func quantinfer_pipeline_push_frame(_ pipeline: OpaquePointer?, _ frame: UnsafePointer<Int16>?) -> Bool
{
  guard let frame = unsafe frame, UInt(bitPattern: frame) % 2 == 0 else { return false }
  return unsafe Record.pipeline(pipeline)?.pointee.completesWindow(frame: frame) ?? false
}

/// Decides on the newest window; the greatest logit's class.
@c @implementation
public func quantinfer_pipeline_decide(
  _ pipeline: OpaquePointer?, _ logits: UnsafeMutablePointer<Int8>?, _ count: Int
) -> Int32 {
  guard let logits = unsafe logits, let pipeline = unsafe Record.pipeline(pipeline) else { return -1 }
  return unsafe pipeline.pointee.classify(into: logits, count: count)
}

/// Forgets all samples.
@c @implementation
public func quantinfer_pipeline_reset(_ pipeline: OpaquePointer?) {
  unsafe Record.pipeline(pipeline)?.pointee.reset()
}

/// Whether record and state can be gone on with.
@c @implementation
public func quantinfer_pipeline_is_sound(_ pipeline: OpaquePointer?) -> Bool {
  unsafe Record.pipeline(pipeline)?.pointee.isStateSound ?? false
}

/// A checksum of the state.
@c @implementation
public func quantinfer_pipeline_state_checksum(_ pipeline: OpaquePointer?) -> UInt32 {
  unsafe Record.pipeline(pipeline)?.pointee.stateChecksum ?? 0
}

/// Saves all that changes from sample to sample.
@c @implementation
public func quantinfer_pipeline_save(
  _ pipeline: OpaquePointer?, _ copy: UnsafeMutableRawPointer?, _ byteCount: Int
) -> quantinfer_status {
  do throws(Refusal) {
    guard let copy = unsafe copy else { throw Refusal(QUANTINFER_NULL) }
    guard let pipeline = unsafe Record.pipeline(pipeline) else { throw Refusal(QUANTINFER_NOT_SOUND) }
    do throws(MemoryError) {
      try unsafe pipeline.pointee.save(
        into: UnsafeMutableRawBufferPointer(start: copy, count: max(0, byteCount)))
    } catch {
      throw Refusal(QUANTINFER_MEMORY_TOO_SMALL)
    }
    return accepted
  } catch {
    return error.status
  }
}

/// Goes on from a saved state.
@c @implementation
public func quantinfer_pipeline_restore(
  _ pipeline: OpaquePointer?, _ copy: UnsafeRawPointer?, _ byteCount: Int
) -> quantinfer_status {
  do throws(Refusal) {
    guard let copy = unsafe copy else { throw Refusal(QUANTINFER_NULL) }
    guard let pipeline = unsafe Record.pipeline(pipeline) else { throw Refusal(QUANTINFER_NOT_SOUND) }
    do throws(SavedStateError) {
      try unsafe pipeline.pointee.restore(
        from: UnsafeRawBufferPointer(start: copy, count: max(0, byteCount)))
    } catch {
      throw Refusal(error)
    }
    return accepted
  } catch {
    return error.status
  }
}

// Mutating, so that none of them works on a copy of the pipeline.
extension StreamingPipeline {
  fileprivate mutating func completesWindow(_ sample: Int16) -> Bool { push(sample) && isWindowFull }

  fileprivate mutating func completesWindow(frame: UnsafePointer<Int16>) -> Bool {
    unsafe push(frame: frame) && isWindowFull
  }

  @inline(__always)
  fileprivate mutating func classify(into logits: UnsafeMutablePointer<Int8>, count: Int) -> Int32 {
    guard unsafe decideIfFull(into: UnsafeMutableBufferPointer(start: logits, count: max(0, count))) else {
      return -1
    }
    // From the last one down, so that the first of equals remains.
    var index = model.output.count &- 1
    var greatest = index
    while index > 0 {
      index &-= 1
      if unsafe logits[index] >= logits[greatest] { greatest = index }
    }
    return Int32(truncatingIfNeeded: greatest)
  }
}
