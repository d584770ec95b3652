import QuantInfer

/// A device's own record, at the beginning of its memory: the pipeline's words, which don't change, and at the end their
/// checksum.
///
/// Each word is an address, a length or a choice of code. So no call follows them before it has compared the checksum, which
/// takes some 110 instructions on a Cortex-M4.
enum Record {
  /// The size; the header's QUANTINFER_MEMORY says the same.
  static var byteCount: Int { 16 &* MemoryLayout<Int>.size }

  /// The bytes before the checksum, which is the last word of 32 bits.
  private static var checkedByteCount: Int { byteCount &- 4 }

  /// Writes the record of a pipeline.
  ///
  /// - Parameters:
  ///   - pipeline: The pipeline.
  ///   - memory: At a multiple of 8, with `byteCount` bytes.
  /// - Returns: The device.
  static func seal(
    _ pipeline: consuming StreamingPipeline, in memory: UnsafeMutableRawPointer
  ) -> OpaquePointer {
    precondition(MemoryLayout<StreamingPipeline>.size <= checkedByteCount, "the record has no room")
    for place in 0..<byteCount { unsafe memory.storeBytes(of: 0, toByteOffset: place, as: UInt8.self) }
    unsafe memory.bindMemory(to: StreamingPipeline.self, capacity: 1).initialize(to: pipeline)
    unsafe memory.storeBytes(of: checksum(memory), toByteOffset: checkedByteCount, as: UInt32.self)
    return OpaquePointer(memory)
  }

  /// A device's pipeline; nil where a bit of its record was lost.
  @inline(never)
  static func pipeline(_ device: OpaquePointer) -> UnsafeMutablePointer<StreamingPipeline>? {
    let memory = unsafe UnsafeRawPointer(device)
    guard unsafe memory.load(fromByteOffset: checkedByteCount, as: UInt32.self) == checksum(memory) else {
      return nil
    }
    return unsafe UnsafeMutablePointer(device)
  }

  private static func checksum(_ memory: UnsafeRawPointer) -> UInt32 {
    unsafe WordChecksum.checksum(UnsafeRawBufferPointer(start: memory, count: checkedByteCount))
  }
}
