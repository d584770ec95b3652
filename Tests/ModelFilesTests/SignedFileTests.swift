import Foundation
import ModelFiles
import QuantInfer
import Support
import Testing
import TestSupport

@Suite struct SignedFileTests {
  // claim: signatures
  /// RFC 8032, section 7.1, test 3: two bytes.
  @Test func signaturesAreThoseOfRFC8032() throws {
    let folder = try TemporaryFolder()
    // The seed of 32 bytes as PKCS #8 by RFC 8410.
    let seed = "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7"
    let der = bytes("302e020100300506032b657004220420" + seed)
    let pem = "-----BEGIN PRIVATE KEY-----\n\(Data(der).base64EncodedString())\n-----END PRIVATE KEY-----\n"
    try Files.write(pem, to: folder("key.pem"))
    let key = try Ed25519.PrivateKey(file: folder("key.pem"))
    #expect(key.publicKey.bytes == bytes("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"))
    let expected =
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
      + "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    #expect(key.sign([0xaf, 0x82]) == bytes(expected))
  }

  private func bytes(_ hexadecimal: String) -> [UInt8] {
    let digits = Array(hexadecimal)
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(String(digits[$0...$0 + 1]), radix: 16)! }
  }

  // claim: signatures
  @Test func everyFlippedBitOfContentAndSignatureIsFound() throws {
    let key = Ed25519.PrivateKey()
    let content = (0..<200).map { UInt8(truncatingIfNeeded: $0 * 37) }
    let signed = SignedFile(signing: content, with: key).bytes
    #expect(SignedFile(signed).verdict(by: key.publicKey) == .verified)
    for bit in 0..<8 * signed.count {
      var damaged = signed
      damaged[bit / 8] ^= 1 << UInt8(bit % 8)
      let isInUnusedWord = (content.count + 12..<content.count + 16).contains(bit / 8)
      #expect((SignedFile(damaged).verdict(by: key.publicKey) == .verified) == isInUnusedWord, "bit \(bit)")
    }
    #expect(SignedFile(content).verdict(by: key.publicKey) == .unsigned)
    #expect(SignedFile(signed).verdict(by: Ed25519.PrivateKey().publicKey) == .otherKey)
  }

  // claim: signatures
  /// The maker's function is the only one that reads what isn't signed yet.
  @Test func aDeviceReadsNothingThatItsMakerDidNotSign() throws {
    let key = Ed25519.PrivateKey()
    let image = Array(try Files.read(ProjectFiles.model))
    let signed = SignedFile(signing: image, with: key).bytes
    func load(_ bytes: [UInt8], by key: Ed25519.PublicKey) throws -> Bool {
      let memory = AlignedMemory(byteCount: bytes.count)
      memory.bytes.copyBytes(from: bytes)
      defer { withExtendedLifetime(memory) {} }
      let content = Signature.verified(UnsafeRawBufferPointer(memory.bytes)) { content, signature in
        key.verifies(Array(signature[Signature.Field.value...]), of: Array(content))
      }
      guard let content else { return false }
      _ = try Model(validating: content)
      return true
    }
    #expect(try load(signed, by: key.publicKey))
    #expect(try !load(signed, by: Ed25519.PrivateKey().publicKey))
    #expect(try !load(image, by: key.publicKey))
    // Whoever doesn't ask takes the image with its signature, and nothing else behind it.
    let loaded = try LoadedModel(image: signed)
    #expect(loaded.model.byteCount == image.count && loaded.model.imageChecksum == loaded.checksum)
    for extra in [1, 96] {
      #expect(throws: ModelError.self) {
        _ = try LoadedModel(image: image + [UInt8](repeating: 0, count: extra))
      }
    }
  }
}
