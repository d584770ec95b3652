import QuantInfer
import Support

/// A model image or a patch as it is kept: its content, and a signature behind it where it has one.
package struct SignedFile: Sendable {
  /// All bytes before the signature.
  package let content: [UInt8]
  /// The signature's record, see `Signature`; nil where there is none.
  package let signature: [UInt8]?

  /// Divides a file's bytes, without reading the content.
  package init(_ bytes: [UInt8]) {
    let count = bytes.withUnsafeBytes { Signature.content(of: $0).count }
    let isSigned = count > 0 || bytes.count == Signature.byteCount && bytes.starts(with: Self.magic)
    content = isSigned ? Array(bytes[..<count]) : bytes
    signature = isSigned ? Array(bytes[count...]) : nil
  }

  /// Signs some content.
  package init(signing content: [UInt8], with key: Ed25519.PrivateKey) {
    var record: [UInt8] = []
    func append(_ number: some FixedWidthInteger) {
      withUnsafeBytes(of: number.littleEndian) { record += $0 }
    }
    append(Signature.magic)
    append(UInt16(1))
    append(UInt16(1))
    append(UInt32(content.count))
    append(UInt32(0))
    record += Self.identifier(of: key.publicKey) + key.sign(content)
    (self.content, signature) = (content, record)
  }

  /// Whether the content begins as a model image or a patch does; nothing else is to be signed.
  package var isOfModel: Bool {
    [ModelFormat.magic, ModelPatch.magic].contains { magic in
      withUnsafeBytes(of: magic.littleEndian) { content.starts(with: $0) }
    }
  }

  /// Content and signature.
  package var bytes: [UInt8] { content + (signature ?? []) }

  /// What a signature says of a file.
  package enum Verdict: String, Encodable, Sendable {
    /// The key's owner signed exactly this content.
    case verified
    /// There is no signature.
    case unsigned
    /// Another key's owner signed it.
    case otherKey
    /// The key's owner signed other content, or the signature is damaged.
    case forged
  }

  /// Holds the signature against a key; the content's bytes are not read as anything.
  package func verdict(by key: Ed25519.PublicKey) -> Verdict {
    guard let signature else { return .unsigned }
    typealias Field = Signature.Field
    guard signature[Field.version..<Field.contentByteCount].elementsEqual([1, 0, 1, 0]) else {
      return .forged
    }
    guard Array(signature[Field.key..<Field.value]) == Self.identifier(of: key) else { return .otherKey }
    return key.verifies(Array(signature[Field.value...]), of: content) ? .verified : .forged
  }

  /// The first half of the SHA-256 of a public key's bytes.
  package static func identifier(of key: Ed25519.PublicKey) -> [UInt8] {
    Array(SHA256.digest(key.bytes)[..<16])
  }

  private static var magic: [UInt8] { withUnsafeBytes(of: Signature.magic.littleEndian) { Array($0) } }
}
