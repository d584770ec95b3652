import CCrypto
import Foundation

/// Signatures by Ed25519, with keys in PEM files, by OpenSSL.
///
/// - SeeAlso: RFC 8032, RFC 8410.
package enum Ed25519 {
  /// The size of a signature.
  package static let signatureByteCount = 64

  /// A private key, which signs.
  package final class PrivateKey: @unchecked Sendable {
    private let key: OpaquePointer

    /// Makes a new key.
    package init() {
      let context = EVP_PKEY_CTX_new_id(EVP_PKEY_ED25519, nil)
      defer { EVP_PKEY_CTX_free(context) }
      var made: OpaquePointer?
      let isMade = EVP_PKEY_keygen_init(context) == 1 && EVP_PKEY_keygen(context, &made) == 1
      guard isMade, let made else { preconditionFailure("OpenSSL can't make an Ed25519 key") }
      key = made
    }

    /// Reads a key from a PEM file that isn't encrypted.
    ///
    /// - Throws: `FileError` where there is none in it.
    package init(file: String) throws(FileError) {
      key = try Ed25519.key(file: file, what: "private") { bio in
        // A password that is given keeps OpenSSL from asking for one.
        var none: [CChar] = [0]
        return PEM_read_bio_PrivateKey(bio, nil, nil, &none)
      }
    }

    deinit { EVP_PKEY_free(key) }

    /// The public key, which verifies.
    package var publicKey: PublicKey {
      EVP_PKEY_up_ref(key)
      return PublicKey(key)
    }

    /// The key as PEM.
    package var pem: String {
      Ed25519.text { PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil) }
    }

    /// The signature of some bytes.
    package func sign(_ content: [UInt8]) -> [UInt8] {
      let context = EVP_MD_CTX_new()
      defer { EVP_MD_CTX_free(context) }
      var signature = [UInt8](repeating: 0, count: signatureByteCount)
      var count = signature.count
      let isSigned =
        EVP_DigestSignInit(context, nil, nil, nil, key) == 1
        && EVP_DigestSign(context, &signature, &count, content, content.count) == 1
      precondition(isSigned && count == signatureByteCount, "OpenSSL can't sign")
      return signature
    }
  }

  /// A public key, which verifies.
  package final class PublicKey: @unchecked Sendable {
    private let key: OpaquePointer

    fileprivate init(_ key: OpaquePointer) { self.key = key }

    /// Reads a key from a PEM file: a public one, or the private one that it belongs to.
    ///
    /// - Throws: `FileError` where there is none in it.
    package convenience init(file: String) throws(FileError) {
      let text = String(decoding: try Files.read(file), as: UTF8.self)
      if text.contains("PRIVATE KEY") {
        let other = try PrivateKey(file: file).publicKey
        EVP_PKEY_up_ref(other.key)
        self.init(other.key)
      } else {
        self.init(try Ed25519.key(file: file, what: "public") { PEM_read_bio_PUBKEY($0, nil, nil, nil) })
      }
    }

    deinit { EVP_PKEY_free(key) }

    /// The key as PEM.
    package var pem: String { Ed25519.text { PEM_write_bio_PUBKEY($0, key) } }

    /// The key's 32 bytes.
    package var bytes: [UInt8] {
      var bytes = [UInt8](repeating: 0, count: 32)
      var count = bytes.count
      precondition(EVP_PKEY_get_raw_public_key(key, &bytes, &count) == 1, "no Ed25519 key")
      return bytes
    }

    /// Whether a signature is that of some bytes.
    package func verifies(_ signature: [UInt8], of content: [UInt8]) -> Bool {
      let context = EVP_MD_CTX_new()
      defer { EVP_MD_CTX_free(context) }
      return EVP_DigestVerifyInit(context, nil, nil, nil, key) == 1
        && EVP_DigestVerify(context, signature, signature.count, content, content.count) == 1
    }
  }

  private static func key(
    file: String, what: String, _ read: (OpaquePointer) -> OpaquePointer?
  ) throws(FileError) -> OpaquePointer {
    let data = try Files.read(file)
    let key = data.withUnsafeBytes { bytes -> OpaquePointer? in
      guard let bio = BIO_new_mem_buf(bytes.baseAddress, Int32(clamping: bytes.count)) else { return nil }
      defer { BIO_free(bio) }
      return read(bio)
    }
    ERR_clear_error()
    guard let key, EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 else {
      EVP_PKEY_free(key)
      throw .malformed(
        file, "holds no \(what) Ed25519 key in PEM without a password",
        remedy:
          "make one with `exporter sign --new-key KEY.pem`, or `openssl genpkey -algorithm ed25519 -out KEY.pem`"
      )
    }
    return key
  }

  private static func text(_ write: (OpaquePointer) -> Int32) -> String {
    guard let bio = BIO_new(BIO_s_mem()) else { preconditionFailure("OpenSSL has no memory") }
    defer { BIO_free(bio) }
    precondition(write(bio) == 1, "OpenSSL can't write a key")
    var text: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 256)
    while true {
      let count = BIO_read(bio, &part, Int32(part.count))
      guard count > 0 else { return String(decoding: text, as: UTF8.self) }
      text += part[..<Int(count)]
    }
  }
}
