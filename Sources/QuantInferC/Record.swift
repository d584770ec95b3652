import CQuantInfer
import QuantInfer

/// The first part of the memory of a monitor, a pipeline or a run: its words, which don't change from call to call, and their
/// checksum.
///
/// Each word is an address, a length or a choice of code. So no call follows them before it has compared the checksum, which
/// takes some six instructions a word on a Cortex-M4.
package enum Record {
  /// The words that the header reserves for a pipeline and for a run: the checksum is over all of them but its own.
  package static var smallWordCount: Int { 16 }
  /// Those for a monitor.
  package static var monitorWordCount: Int { 160 }

  /// Writes a record.
  ///
  /// - Parameters:
  ///   - content: What runs.
  ///   - wordCount: The record's words of the machine.
  ///   - memory: At a multiple of 8, with so many words.
  /// - Returns: The record's address, as the header's handle.
  package static func seal<Content: ~Copyable>(
    _ content: consuming Content, wordCount: Int, in memory: UnsafeMutableRawPointer
  ) -> OpaquePointer {
    let end = checkedByteCount(Content.self, wordCount: wordCount)
    precondition(
      MemoryLayout<Content>.size <= end && end &+ 4 <= wordCount &* MemoryLayout<Int>.size,
      "the record has no room")
    unsafe memory.bindMemory(to: Content.self, capacity: 1).initialize(to: content)
    unsafe reseal(Content.self, wordCount: wordCount, in: memory)
    return OpaquePointer(memory)
  }

  /// Writes the checksum of a record that was changed on purpose.
  package static func reseal<Content: ~Copyable>(
    _ type: Content.Type, wordCount: Int, in memory: UnsafeMutableRawPointer
  ) {
    unsafe quantinfer_record_seal(memory, checkedByteCount(type, wordCount: wordCount))
  }

  /// What runs; nil where there is nothing, or a bit of the record was lost.
  @inline(__always)
  package static func open<Content: ~Copyable>(
    _ handle: OpaquePointer?, _ type: Content.Type, wordCount: Int
  ) -> UnsafeMutablePointer<Content>? {
    guard let handle = unsafe handle,
      unsafe quantinfer_record_is_whole(
        UnsafeRawPointer(handle), checkedByteCount(type, wordCount: wordCount))
    else { return nil }
    return unsafe UnsafeMutablePointer(handle)
  }

  /// The bytes before the checksum: of a large record those that are used.
  @inline(__always)
  private static func checkedByteCount<Content: ~Copyable>(_ type: Content.Type, wordCount: Int) -> Int {
    wordCount == smallWordCount
      ? wordCount &* MemoryLayout<Int>.size &- 4 : (MemoryLayout<Content>.size &+ 3) & ~3
  }
}
