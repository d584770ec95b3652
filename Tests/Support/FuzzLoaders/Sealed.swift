import QuantInfer

/// Bytes with a right checksum where their format has it, as a forger's have.
enum Sealed {
  static func image(_ bytes: [UInt8]) -> [UInt8] {
    sealed(bytes, headerByteCount: ModelFormat.Header.byteCount, at: ModelFormat.Header.checksum)
  }

  static func patch(_ bytes: [UInt8]) -> [UInt8] {
    sealed(bytes, headerByteCount: ModelPatch.Header.byteCount, at: ModelPatch.Header.checksum)
  }

  static func state(_ bytes: [UInt8]) -> [UInt8] {
    sealed(bytes, headerByteCount: SavedState.Header.byteCount, at: SavedState.Header.checksum)
  }

  /// Puts the CRC-32 of all bytes but its own in its place.
  private static func sealed(_ bytes: [UInt8], headerByteCount: Int, at place: Int) -> [UInt8] {
    guard bytes.count >= headerByteCount, bytes.count >= place + 4 else { return bytes }
    var bytes = bytes
    let head = bytes[..<place].withUnsafeBytes { CRC32.checksum($0) }
    let checksum = bytes[(place + 4)...].withUnsafeBytes { CRC32.checksum($0, continuing: head) }
    withUnsafeBytes(of: checksum.littleEndian) { bytes.replaceSubrange(place..<place + 4, with: $0) }
    return bytes
  }
}
