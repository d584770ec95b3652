import CCrypto
import Foundation

/// SHA-256, which names a file's content.
///
/// - SeeAlso: FIPS 180-4.
package enum SHA256 {
  /// The digest of some bytes, in hexadecimal.
  package static func hexadecimal(_ data: Data) -> String {
    digest(data).map { Numbers.hexadecimal($0) }.joined()
  }

  /// The digest of some bytes, 32 bytes.
  package static func digest(_ data: some ContiguousBytes) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    let succeeded = data.withUnsafeBytes {
      EVP_Digest($0.baseAddress, $0.count, &digest, nil, EVP_sha256(), nil)
    }
    precondition(succeeded == 1, "OpenSSL can't compute SHA-256")
    return digest
  }
}
