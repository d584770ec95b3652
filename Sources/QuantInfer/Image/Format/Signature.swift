/// A signature behind an image or a patch: the last bytes of what is kept, and not part of what they sign.
///
/// The runtime has no cryptography. A device that must know where an image comes from asks its maker's function before
/// it reads any of the content, see `Signature.verified`; all else ignores the signature. See <doc:ImageFormat>.
public enum Signature {
  /// The first four bytes, `QISG`.
  public static let magic: UInt32 = 0x4753_4951

  /// Offsets in a signature; numbers are little-endian.
  public enum Field {
    /// `UInt32`, see `Signature.magic`.
    public static let magic = 0
    /// `UInt16`, the layout's version, 1.
    public static let version = 4
    /// `UInt16`, the algorithm: 1 for Ed25519 (RFC 8032).
    public static let algorithm = 6
    /// `UInt32`, the size of what is signed: all bytes before the signature.
    public static let contentByteCount = 8
    /// 16 bytes, the first of the SHA-256 of the public key: which key to ask.
    public static let key = 16
    /// 64 bytes, what the algorithm made of the content.
    public static let value = 32
  }

  /// The signature's size.
  public static let byteCount = 96

  /// What is signed: all bytes before the signature; none where there is no signature.
  public static func content(of bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    let count = bytes.count &- byteCount
    guard count >= 0, let start = bytes.baseAddress else {
      return unsafe UnsafeRawBufferPointer(rebasing: bytes[..<0])
    }
    let place = unsafe start + count
    let isThere =
      unsafe UInt32(littleEndian: place.loadUnaligned(as: UInt32.self)) == magic
      && UInt32(littleEndian: place.loadUnaligned(fromByteOffset: Field.contentByteCount, as: UInt32.self))
        == UInt32(truncatingIfNeeded: count)
    return unsafe UnsafeRawBufferPointer(rebasing: bytes[..<(isThere ? count : 0)])
  }

  /// The content, where the maker's function says that the signature is that of its bytes; nil where it doesn't, or
  /// there is no signature.
  ///
  /// Nothing of the content is read before, so that no parser sees a byte that the maker didn't sign.
  ///
  /// ```swift
  /// guard let image = Signature.verified(flash, by: makerVerifies) else { fail() }
  /// let model = try Model(validating: image)
  /// ```
  ///
  /// - Parameters:
  ///   - bytes: Content and signature.
  ///   - isMakers: The maker's function, over all of the content and the signature's record; see `Field`.
  /// - Returns: The content.
  public static func verified(
    _ bytes: UnsafeRawBufferPointer,
    by isMakers: (_ content: UnsafeRawBufferPointer, _ signature: UnsafeRawBufferPointer) -> Bool
  ) -> UnsafeRawBufferPointer? {
    let content = unsafe content(of: bytes)
    guard content.count > 0 else { return nil }
    let signature = unsafe UnsafeRawBufferPointer(rebasing: bytes[content.count...])
    return unsafe isMakers(content, signature) ? content : nil
  }
}
