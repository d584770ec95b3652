/// Bits that change in an image after it was validated.
///
/// Validation proves that no input makes the engines trap or leave their memory, for the bits that it has seen. Bits
/// that flip afterwards fall in two classes:
///
/// - **Packed weights** are factors and nothing else. No address, length, shift or loop bound is made of them; sums
///   of products wrap, by operators that don't trap, and the code that comes out is limited to the operator's output
///   codes. So whatever a weight becomes, the engines stay within their memory and end; only codes differ.
/// - **Records** (header, sections, tensors, operators, ports, windows, front end) hold offsets, lengths and strides, of which
///   addresses are made. A bit that flips there after validation can lead an engine anywhere. Only a checksum tells:
///   hold the image's against it now and then (`isChecksumValid`) and validate again before going on.
///
/// Bits of RAM that change are another matter. A state may lose any: see `StreamingPipeline.isStateSound`. What a pipeline
/// itself holds, addresses and lengths of the model, state and scratch, the C interface keeps under a checksum; a program in
/// Swift that keeps a pipeline where bits may be lost does the same with `WordChecksum`, or sets it up anew.
///
/// Fault campaigns on a running image therefore flip weights only; all other bits are tried before validation, which
/// has to refuse the image or run it safely.
extension Model {
  /// The checksum that the image's header holds; it names the model.
  public var imageChecksum: UInt32 { image.word(at: ModelFormat.Header.checksum) }

  /// Whether the image still has its checksum: what a device asks now and then, to find flipped bits.
  ///
  /// A CRC-32 finds every change of up to 32 neighbouring bits, all others but one in 2^32.
  ///
  /// - Complexity: O(n) in the image's size.
  public var isChecksumValid: Bool {
    let bytes = unsafe UnsafeRawBufferPointer(start: image.base, count: byteCount)
    guard let now = try? unsafe ImageBytes(bytes) else { return false }
    return now.count == byteCount
  }
}
