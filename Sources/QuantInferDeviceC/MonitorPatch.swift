import CQuantInfer
import QuantInfer
import QuantInferC

// The header's part about monitors: a patient's patch.

/// The caller's memory for a patch: the patched constants, behind them what the known answers take.
enum PatchBuffer {
  /// The bytes for any patch of a model; 0 where it can have none, or patches are not built.
  static func byteCount(for model: Model) -> Int {
    #if !QUANTINFER_SELECTED || QUANTINFER_PATCH
      var greatest = 0
      for index in 0..<model.operatorCount {
        guard let constants = model.patchBufferByteCount(ofOperator: index),
          let answers = model.answerByteCount(ofOperator: index)
        else { continue }
        greatest = max(greatest, rounded(constants) &+ rounded(answers))
      }
      return greatest
    #else
      return 0
    #endif
  }

  /// Whether a model runs with a patch.
  static func isUsed(by model: Model) -> Bool {
    #if !QUANTINFER_SELECTED || QUANTINFER_PATCH
      return model.isPatched
    #else
      return false
    #endif
  }

  private static func rounded(_ byteCount: Int) -> Int { (byteCount &+ 7) & ~7 }

  #if !QUANTINFER_SELECTED || QUANTINFER_PATCH
    /// The model with the newest of two patches that fits and gives its answers.
    ///
    /// - Throws: `Refusal` where there is none.
    fileprivate static func newest(
      _ slots: quantinfer_patch_slots, of model: Model, in buffer: UnsafeMutableRawBufferPointer
    ) throws(Refusal) -> (model: Model, sequenceNumber: UInt32) {
      func slot(_ start: UnsafeRawPointer?, _ byteCount: Int) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : max(0, byteCount))
      }
      var first = unsafe slot(slots.slots.0, slots.slot_byte_counts.0)
      var second = unsafe slot(slots.slots.1, slots.slot_byte_counts.1)
      var reason = QUANTINFER_NO_PATCH
      // A patch whose answers are wrong gives way to the other.
      for _ in 0..<2 {
        guard
          let (patched, number) = unsafe model.applyingNewest(
            of: first, second, floor: slots.floor, into: buffer,
            isThisDevice: { salt, digest in
              guard let isThisDevice = unsafe slots.is_this_device, let salt = salt.baseAddress,
                let digest = digest.baseAddress
              else { return false }
              return unsafe isThisDevice(salt, digest, slots.context)
            })
        else { break }
        let isFirst = unsafe (try? ModelPatch(validating: first))?.sequenceNumber == number
        guard let patch = unsafe try? ModelPatch(validating: isFirst ? first : second) else { break }
        if unsafe givesAnswers(patched, patch, in: buffer) { return (patched, number) }
        reason = QUANTINFER_PATCH_ANSWERS
        if isFirst { unsafe first = slot(nil, 0) } else { unsafe second = slot(nil, 0) }
      }
      throw Refusal(reason)
    }

    private static func givesAnswers(
      _ model: Model, _ patch: ModelPatch, in buffer: UnsafeMutableRawBufferPointer
    ) -> Bool {
      let place = rounded(model.patchBufferByteCount(ofOperator: patch.operatorIndex) ?? 0)
      guard let start = buffer.baseAddress, place <= buffer.count else { return false }
      let rest = unsafe UnsafeMutableRawBufferPointer(start: start + place, count: buffer.count &- place)
      return (try? unsafe model.givesAnswers(of: patch, in: rest)) ?? false
    }
  #endif
}

/// Goes on with the newest patch that fits.
@c @implementation
public func quantinfer_monitor_apply_newest(
  _ monitor: OpaquePointer?, _ slots: UnsafePointer<quantinfer_patch_slots>?,
  _ buffer: UnsafeMutableRawPointer?, _ byteCount: Int, _ sequenceNumber: UnsafeMutablePointer<UInt32>?
) -> quantinfer_status {
  do throws(Refusal) {
    #if !QUANTINFER_SELECTED || QUANTINFER_PATCH
      guard let buffer = unsafe buffer, let sequenceNumber = unsafe sequenceNumber else {
        throw Refusal(QUANTINFER_NULL)
      }
      var given = unsafe quantinfer_patch_slots()
      try unsafe take(slots, into: &given)
      let monitor = try unsafe Record.monitor(monitor)
      let memory = unsafe UnsafeMutableRawBufferPointer(start: buffer, count: max(0, byteCount))
      let model = unsafe monitor.pointee.model
      guard memory.count >= PatchBuffer.byteCount(for: model.shipped) else {
        throw Refusal(QUANTINFER_MEMORY_TOO_SMALL)
      }
      guard UInt(bitPattern: buffer) % 4 == 0 else { throw Refusal(QUANTINFER_MEMORY_MISALIGNED) }
      guard unsafe !model.isPatched(from: memory) else { throw Refusal(QUANTINFER_PATCH_IN_USE) }
      let newest = try unsafe PatchBuffer.newest(given, of: model.shipped, in: memory)
      unsafe change(monitor, to: newest.model)
      unsafe sequenceNumber.pointee = newest.sequenceNumber
      return accepted
    #else
      throw Refusal(QUANTINFER_NOT_BUILT)
    #endif
  } catch {
    return error.status
  }
}

/// Goes on with the image as shipped.
@c @implementation
public func quantinfer_monitor_remove_patch(_ monitor: OpaquePointer?) -> quantinfer_status {
  do throws(Refusal) {
    let monitor = try unsafe Record.monitor(monitor)
    #if !QUANTINFER_SELECTED || QUANTINFER_PATCH
      unsafe change(monitor, to: monitor.pointee.model.shipped)
    #else
      _ = unsafe monitor
    #endif
    return accepted
  } catch {
    return error.status
  }
}

#if !QUANTINFER_SELECTED || QUANTINFER_PATCH
  /// Changes a monitor's model, and its record's checksum.
  private func change(_ monitor: UnsafeMutablePointer<Monitor>, to model: Model) {
    _ = unsafe monitor.pointee.change(to: model)
    unsafe Record.reseal(
      Monitor.self, wordCount: Record.monitorWordCount, in: UnsafeMutableRawPointer(monitor))
  }
#endif
