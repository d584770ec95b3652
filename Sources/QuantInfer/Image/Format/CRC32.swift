/// The CRC-32 of ISO-HDLC (polynomial 0x04C11DB7 reflected, as in zlib and PNG).
public enum CRC32 {
  /// The checksum of some bytes; pass an earlier result to go on with it.
  ///
  /// - Complexity: O(n), one bit at a time: no table to keep in flash.
  public static func checksum(_ bytes: UnsafeRawBufferPointer, continuing previous: UInt32 = 0) -> UInt32 {
    var crc = ~previous
    var indices = Indices(to: bytes.count)
    while let index = indices.next() {
      // The byte's bits, and behind them a one that tells when all have gone.
      var rest = UInt32(truncatingIfNeeded: unsafe bytes[index]) | 0x100
      while rest > 1 {
        crc = (crc &>> 1) ^ (0xEDB8_8320 & (0 &- ((crc ^ rest) & 1)))
        rest &>>= 1
      }
    }
    return ~crc
  }
}
