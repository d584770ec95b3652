import CQuantInfer
import QuantInfer

// The C interface, as quantinfer.h declares it.

/// How the memory of a device is divided: its record, its state, its scratch.
private struct Division {
  let state: Range<Int>
  let scratch: Range<Int>

  init(_ model: Model) {
    func next(_ start: Int, _ byteCount: Int) -> Range<Int> {
      unsafe Range(uncheckedBounds: (start, start &+ (byteCount &+ 7) & ~7))
    }
    state = next(Record.byteCount, model.stateByteCount)
    scratch = next(state.upperBound, model.streamingScratchByteCount)
  }

  var byteCount: Int { scratch.upperBound }
}

/// Checks an image and tells its needs.
@c @implementation
public func quantinfer_inspect(
  _ image: UnsafeRawPointer, _ byteCount: Int, _ info: UnsafeMutablePointer<quantinfer_info>
) -> quantinfer_status {
  do throws(ModelError) {
    let model = try unsafe Model(validating: UnsafeRawBufferPointer(start: image, count: max(0, byteCount)))
    guard let frontEnd = model.frontEnd, model.isStreamable else { return QUANTINFER_NOT_STREAMABLE }
    let output = model.output
    unsafe info.pointee = quantinfer_info(
      memory_byte_count: UInt32(truncatingIfNeeded: Division(model).byteCount),
      state_byte_count: UInt32(truncatingIfNeeded: model.stateByteCount),
      scratch_byte_count: UInt32(truncatingIfNeeded: model.streamingScratchByteCount),
      saved_byte_count: UInt32(truncatingIfNeeded: SavedState.Header.byteCount &+ model.stateByteCount),
      sample_rate_millihertz: frontEnd.sampleRateMillihertz,
      microvolts_per_count: Float(bitPattern: frontEnd.microvoltsPerCountBits),
      class_count: UInt32(truncatingIfNeeded: output.count), logit_scale: Float(bitPattern: output.scaleBits),
      logit_zero_point: output.zeroPoint, checksum: model.imageChecksum)
    return QUANTINFER_OK
  } catch {
    return error.status
  }
}

/// Checks an image and that it keeps to limits.
@c @implementation
public func quantinfer_check(
  _ image: UnsafeRawPointer, _ byteCount: Int, _ limits: UnsafePointer<quantinfer_limits>
) -> quantinfer_status {
  func limit(_ number: UInt32) -> Int { number > UInt32(Int32.max) ? .max : Int(truncatingIfNeeded: number) }
  let given = unsafe limits.pointee
  var limits = Model.Limits()
  limits.memoryByteCount = limit(given.memory_byte_count)
  limits.operatorCount = limit(given.operator_count)
  limits.inputCount = limit(given.input_count)
  limits.stepsPerDecision = limit(given.steps_per_decision)
  do throws(ModelError) {
    _ = try unsafe Model(
      validating: UnsafeRawBufferPointer(start: image, count: max(0, byteCount)), limits: limits)
    return QUANTINFER_OK
  } catch {
    return error.status
  }
}

/// Checks an image and sets up a device in the caller's memory.
@c @implementation
public func quantinfer_init(
  _ device: UnsafeMutablePointer<OpaquePointer?>?, _ image: UnsafeRawPointer, _ byteCount: Int,
  _ memory: UnsafeMutableRawPointer, _ memoryByteCount: Int
) -> quantinfer_status {
  guard let device = unsafe device else { return QUANTINFER_MEMORY_MISALIGNED }
  unsafe device.pointee = nil
  let model: Model
  do throws(ModelError) {
    model = try unsafe Model(validating: UnsafeRawBufferPointer(start: image, count: max(0, byteCount)))
  } catch {
    return error.status
  }
  guard model.isStreamable else { return QUANTINFER_NOT_STREAMABLE }
  let division = Division(model)
  guard memoryByteCount >= division.byteCount else { return QUANTINFER_MEMORY_TOO_SMALL }
  guard UInt(bitPattern: memory) % 8 == 0 else { return QUANTINFER_MEMORY_MISALIGNED }
  func part(_ range: Range<Int>) -> UnsafeMutableRawBufferPointer {
    unsafe UnsafeMutableRawBufferPointer(
      start: memory + range.lowerBound, count: range.upperBound &- range.lowerBound)
  }
  do throws(MemoryError) {
    let pipeline = try unsafe StreamingPipeline(
      model: model, state: part(division.state), scratch: part(division.scratch))
    unsafe device.pointee = Record.seal(pipeline, in: memory)
    return QUANTINFER_OK
  } catch {
    return error.status
  }
}

/// Asks the maker's function, then does the same.
@c @implementation
public func quantinfer_init_verified(
  _ device: UnsafeMutablePointer<OpaquePointer?>?, _ image: UnsafeRawPointer, _ byteCount: Int,
  _ memory: UnsafeMutableRawPointer, _ memoryByteCount: Int, _ verify: quantinfer_verify,
  _ context: UnsafeMutableRawPointer?
) -> quantinfer_status {
  if let device = unsafe device { unsafe device.pointee = nil }
  let bytes = unsafe UnsafeRawBufferPointer(start: image, count: max(0, byteCount))
  let content = unsafe Signature.verified(bytes) { content, signature in
    guard let start = content.baseAddress, let record = signature.baseAddress else { return false }
    return unsafe verify(start, content.count, record, context)
  }
  guard let content = unsafe content else { return QUANTINFER_NOT_AUTHENTIC }
  return unsafe quantinfer_init(device, image, content.count, memory, memoryByteCount)
}

/// Takes a sample; tells whether a new window is full.
@c @implementation
public func quantinfer_push(_ device: OpaquePointer, _ sample: Int16) -> Bool {
  unsafe Record.pipeline(device)?.pointee.completesWindow(sample) ?? false
}

/// Decides on the newest window; the greatest logit's class.
@c @implementation
public func quantinfer_decide(
  _ device: OpaquePointer, _ logits: UnsafeMutablePointer<Int8>, _ count: Int
) -> Int32 {
  unsafe Record.pipeline(device)?.pointee.classify(
    into: UnsafeMutableBufferPointer(start: logits, count: max(0, count))) ?? -1
}

/// Forgets all samples.
@c @implementation
public func quantinfer_reset(_ device: OpaquePointer) { unsafe Record.pipeline(device)?.pointee.reset() }

/// Whether record and state can be gone on with.
@c @implementation
public func quantinfer_is_sound(_ device: OpaquePointer) -> Bool {
  unsafe Record.pipeline(device)?.pointee.isStateSound ?? false
}

/// A checksum of the state.
@c @implementation
public func quantinfer_state_checksum(_ device: OpaquePointer) -> UInt32 {
  unsafe Record.pipeline(device)?.pointee.stateChecksum ?? 0
}

/// Saves all that changes from sample to sample.
@c @implementation
public func quantinfer_save(_ device: OpaquePointer, _ copy: UnsafeMutableRawPointer, _ byteCount: Int)
  -> quantinfer_status
{
  guard let pipeline = unsafe Record.pipeline(device) else { return QUANTINFER_NOT_SOUND }
  do throws(MemoryError) {
    try unsafe pipeline.pointee.save(
      into: UnsafeMutableRawBufferPointer(start: copy, count: max(0, byteCount)))
    return QUANTINFER_OK
  } catch {
    return error.status
  }
}

/// Goes on from a saved state.
@c @implementation
public func quantinfer_restore(_ device: OpaquePointer, _ copy: UnsafeRawPointer, _ byteCount: Int)
  -> quantinfer_status
{
  guard let pipeline = unsafe Record.pipeline(device) else { return QUANTINFER_NOT_SOUND }
  do throws(SavedStateError) {
    try unsafe pipeline.pointee.restore(
      from: UnsafeRawBufferPointer(start: copy, count: max(0, byteCount)))
    return QUANTINFER_OK
  } catch {
    return switch error {
    case .truncated: QUANTINFER_SAVED_TRUNCATED
    case .notASavedState: QUANTINFER_NOT_A_SAVED_STATE
    case .unsupportedVersion: QUANTINFER_SAVED_VERSION
    case .otherOwner: QUANTINFER_SAVED_OWNER
    case .checksumMismatch: QUANTINFER_SAVED_CHECKSUM
    case .impossibleState: QUANTINFER_SAVED_IMPOSSIBLE
    }
  }
}

// Mutating, so that none of them works on a copy of the pipeline.
extension StreamingPipeline {
  fileprivate mutating func completesWindow(_ sample: Int16) -> Bool { push(sample) && isWindowFull }

  fileprivate mutating func classify(into logits: UnsafeMutableBufferPointer<Int8>) -> Int32 {
    guard unsafe decideIfFull(into: logits) else { return -1 }
    var greatest = 0
    for index in 1..<max(1, model.output.count) where unsafe logits[index] > logits[greatest] {
      greatest = index
    }
    return Int32(truncatingIfNeeded: greatest)
  }
}

extension ModelError {
  /// The same number.
  fileprivate var status: quantinfer_status { quantinfer_status(.init(truncatingIfNeeded: kind.rawValue)) }
}

extension MemoryError {
  /// The number of the C interface.
  fileprivate var status: quantinfer_status {
    switch self {
    case .tooSmall: QUANTINFER_MEMORY_TOO_SMALL
    case .misaligned: QUANTINFER_MEMORY_MISALIGNED
    case .notStreamable, .decidesByClockAlone, .unsupportedSampleRate: QUANTINFER_NOT_STREAMABLE
    }
  }
}
