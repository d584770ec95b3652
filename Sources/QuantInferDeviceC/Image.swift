import CQuantInfer
import QuantInfer
import QuantInferC

// The header's part about images.

/// The version of the header that this was built with.
@c @implementation
public func quantinfer_abi_version() -> UInt32 { UInt32(QUANTINFER_ABI_VERSION) }

/// Checks an image and tells what it is.
@c @implementation
public func quantinfer_inspect(
  _ image: UnsafeRawPointer?, _ byteCount: Int, _ info: UnsafeMutablePointer<quantinfer_info>?
) -> quantinfer_status {
  do throws(Refusal) {
    let model = try unsafe Model(image: image, byteCount: byteCount)
    let (frontEnd, output, names) = (model.frontEnd, model.output, model.section(.classNames))
    let rate = frontEnd?.sampleRateMillihertz ?? 0
    let start = unsafe image.map { unsafe ($0 + names.byteOffset).assumingMemoryBound(to: CChar.self) }
    try unsafe give(
      quantinfer_info(
        byte_count: 0, checksum: model.imageChecksum, lead_count: UInt32(truncatingIfNeeded: model.leadCount),
        sample_rate_millihertz: rate,
        microvolts_per_count: Float(bitPattern: frontEnd?.microvoltsPerCountBits ?? 0),
        class_count: UInt32(truncatingIfNeeded: output.count),
        logit_scale: Float(bitPattern: output.scaleBits),
        logit_zero_point: output.zeroPoint,
        delay_samples: TrainedDelay(of: model)?.samples(atMillihertz: rate) ?? -1,
        class_names_byte_count: UInt32(truncatingIfNeeded: names.byteCount),
        class_names: names.byteCount > 0 ? start : nil),
      to: info)
    return accepted
  } catch {
    return error.status
  }
}

/// Checks an image and that it keeps to limits.
@c @implementation
public func quantinfer_check(
  _ image: UnsafeRawPointer?, _ byteCount: Int, _ limits: UnsafePointer<quantinfer_limits>?
) -> quantinfer_status {
  func limit(_ number: UInt32) -> Int { number > UInt32(Int32.max) ? .max : Int(truncatingIfNeeded: number) }
  do throws(Refusal) {
    guard let image = unsafe image, let limits = unsafe limits else { throw Refusal(QUANTINFER_NULL) }
    guard UInt(bitPattern: limits) % 4 == 0 else { throw Refusal(QUANTINFER_MEMORY_MISALIGNED) }
    let given = unsafe limits.pointee
    var allowed = Model.Limits()
    allowed.memoryByteCount = limit(given.memory_byte_count)
    allowed.operatorCount = limit(given.operator_count)
    allowed.inputCount = limit(given.input_count)
    allowed.stepsPerDecision = limit(given.steps_per_decision)
    do throws(ModelError) {
      _ = try unsafe Model(
        validating: UnsafeRawBufferPointer(start: image, count: max(0, byteCount)), limits: allowed)
    } catch {
      throw Refusal(error)
    }
    return accepted
  } catch {
    return error.status
  }
}

/// Asks the maker's function.
@c @implementation
public func quantinfer_verify(
  _ image: UnsafeRawPointer?, _ byteCount: Int, _ verification: quantinfer_verification?,
  _ context: UnsafeMutableRawPointer?, _ contentByteCount: UnsafeMutablePointer<Int>?
) -> quantinfer_status {
  do throws(Refusal) {
    guard let contentByteCount = unsafe contentByteCount else { throw Refusal(QUANTINFER_NULL) }
    unsafe contentByteCount.pointee = 0
    guard let image = unsafe image, let verification = unsafe verification else {
      throw Refusal(QUANTINFER_NULL)
    }
    let bytes = unsafe UnsafeRawBufferPointer(start: image, count: max(0, byteCount))
    let content = unsafe Signature.verified(bytes) { content, signature in
      guard let start = content.baseAddress, let record = signature.baseAddress else { return false }
      return unsafe verification(start, content.count, record, context)
    }
    guard let content = unsafe content else { throw Refusal(QUANTINFER_NOT_AUTHENTIC) }
    unsafe contentByteCount.pointee = content.count
    return accepted
  } catch {
    return error.status
  }
}
