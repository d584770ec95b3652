import CQuantInfer
import QuantInfer

/// Writes into a caller's structure, which begins with the size that its version has.
@inline(__always)
package func give<Structure: BitwiseCopyable>(
  _ value: Structure, to structure: UnsafeMutablePointer<Structure>?
) throws(Refusal) {
  let status = unsafe withUnsafeBytes(of: value) {
    unsafe quantinfer_structure_write(structure, $0.baseAddress, $0.count)
  }
  guard status == accepted else { throw Refusal(status) }
}

/// Reads a caller's structure over one of zeros.
///
/// - Throws: `QUANTINFER_STRUCTURE` where it says something that this version doesn't know.
@inline(__always)
package func take<Structure: BitwiseCopyable>(
  _ structure: UnsafePointer<Structure>?, into value: inout Structure
) throws(Refusal) {
  let status = unsafe withUnsafeMutableBytes(of: &value) {
    unsafe quantinfer_structure_read(structure, $0.baseAddress, $0.count)
  }
  guard status == accepted else { throw Refusal(status) }
}

/// How memory is divided: the record, the state, the scratch, each at a multiple of 8.
package struct Division {
  package let record: Int
  package let state: Int
  package let scratch: Int

  /// Creates a division of a record's words, and the bytes of state and scratch.
  @inline(__always)
  package init(wordCount: Int, state: Int, scratch: Int) {
    record = wordCount &* MemoryLayout<Int>.size
    (self.state, self.scratch) = (state, scratch)
  }

  @inline(__always)
  private static func rounded(_ byteCount: Int) -> Int { (byteCount &+ 7) & ~7 }

  package var byteCount: Int { record &+ Self.rounded(state) &+ Self.rounded(scratch) }

  /// The parts of some memory.
  ///
  /// - Throws: `Refusal` where it isn't there, too small or misaligned.
  @inline(__always)
  package func parts(
    of memory: UnsafeMutableRawPointer?, byteCount given: Int
  ) throws(Refusal) -> (
    record: UnsafeMutableRawPointer, state: UnsafeMutableRawBufferPointer,
    scratch: UnsafeMutableRawBufferPointer
  ) {
    guard let memory = unsafe memory else { throw Refusal(QUANTINFER_NULL) }
    guard given >= byteCount || given < 0 else { throw Refusal(QUANTINFER_MEMORY_TOO_SMALL) }
    guard UInt(bitPattern: memory) % 8 == 0 else { throw Refusal(QUANTINFER_MEMORY_MISALIGNED) }
    return unsafe (
      memory, UnsafeMutableRawBufferPointer(start: memory + record, count: Self.rounded(state)),
      UnsafeMutableRawBufferPointer(
        start: memory + record + Self.rounded(state), count: Self.rounded(scratch))
    )
  }

  /// What the header says of it.
  @inline(__always)
  package func needs(savedByteCount: Int, logitCount: Int, patchByteCount: Int = 0) -> quantinfer_needs {
    quantinfer_needs(
      byte_count: 0, memory_byte_count: UInt32(truncatingIfNeeded: byteCount),
      state_byte_count: UInt32(truncatingIfNeeded: state),
      scratch_byte_count: UInt32(truncatingIfNeeded: scratch),
      saved_byte_count: UInt32(truncatingIfNeeded: savedByteCount),
      logit_count: UInt32(truncatingIfNeeded: logitCount),
      patch_byte_count: UInt32(truncatingIfNeeded: patchByteCount))
  }
}
