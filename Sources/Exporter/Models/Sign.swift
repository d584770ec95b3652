import ArgumentParser
import CommandSupport
import Foundation
import ModelFiles
import Support

/// The command `exporter sign`.
struct Sign: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Sign a model image or a patch with your key, or make a key.",
    usage: "exporter sign [<file>] [<options>]",
    discussion: """
      The signature is Ed25519 over the file's bytes and stands behind them; a runtime
      that isn't asked to verify ignores it. A file that is signed is signed anew.

      Keys are PEM files, as OpenSSL makes them. Keep the private key where the device's
      other keys are; the public one goes into the device, and to whoever verifies.

      Examples:

        exporter sign --new-key maker.pem
        exporter sign beats.qinf --key maker.pem --output signed.qinf
        exporter verify signed.qinf --key maker.pub.pem
      """)

  @Argument(help: ArgumentHelp("The model image or patch.", valueName: "file")) var file: String?
  @Option(help: ArgumentHelp("The private key.", valueName: "file.pem")) var key: String?
  @Option(help: ArgumentHelp("The signed file to write.", valueName: "file")) var output: String?
  @Option(help: ArgumentHelp("Make a key pair: FILE.pem, and FILE.pub.pem beside it.", valueName: "file.pem"))
  var newKey: String?
  @OptionGroup var results: OutputOptions

  /// What was signed.
  private struct Result: Encodable {
    var bytes: Int
    var contentDigest: String
    var keyIdentifier: String
  }

  private var publicFile: String? {
    newKey.map { ($0.hasSuffix(".pem") ? String($0.dropLast(4)) : $0) + ".pub.pem" }
  }

  func validate() throws {
    let signs = file != nil && key != nil && output != nil
    guard newKey == nil ? signs : file == nil && key == nil && output == nil else {
      throw ValidationError("give a file, --key and --output to sign, or --new-key alone to make a key")
    }
    try requireDistinct(outputs: [output, newKey, publicFile, results.jsonFile], inputs: [file, key])
  }

  func run() throws {
    if let newKey, let publicFile { return try makeKey(newKey, publicFile) }
    guard let file, let key, let output else { return }
    let unsigned = SignedFile(Array(try Files.read(file)))
    guard unsigned.isOfModel else {
      throw FileError.malformed(
        file, "is neither a model image nor a patch", remedy: "name the .qinf or .qpatch file to sign")
    }
    let signed = SignedFile(signing: unsigned.content, with: try Ed25519.PrivateKey(file: key))
    try Files.write(Data(signed.bytes), to: output)
    let result = Result(
      bytes: signed.bytes.count, contentDigest: SHA256.hexadecimal(Data(signed.content)),
      keyIdentifier: signed.signature.map(Self.key) ?? "")
    var table = SummaryTable(columns: [])
    table.add("signed", "\(Numbers.bytes(signed.content.count)), SHA-256 \(result.contentDigest)")
    table.add("key", result.keyIdentifier)
    try results.show(table)
    try results.writeJSON(result)
  }

  private func makeKey(_ file: String, _ publicFile: String) throws {
    for path in [file, publicFile] where FileManager.default.fileExists(atPath: path) {
      throw FileError.inaccessible(
        path, "is there already, and may be a key in use", remedy: "choose another name")
    }
    let key = Ed25519.PrivateKey()
    // Nobody else may read it, from its first byte on.
    let mask = umask(0o077)
    defer { umask(mask) }
    try Files.write(key.pem, to: file)
    umask(mask)
    try Files.write(key.publicKey.pem, to: publicFile)
    var table = SummaryTable(columns: [])
    table.add("private key", file)
    table.add("public key", publicFile)
    table.add("key", SignedFile.identifier(of: key.publicKey).map { Numbers.hexadecimal($0) }.joined())
    try results.show(table)
  }

  /// The key's identifier in a signature.
  static func key(_ signature: [UInt8]) -> String {
    signature[16..<32].map { Numbers.hexadecimal($0) }.joined()
  }
}

/// The command `exporter verify`.
struct Verify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Verify the signature of a model image or a patch.",
    discussion: """
      Nothing of the file is read as an image or a patch before its signature holds. Exit
      status 0 where the key's owner signed exactly these bytes, 65 otherwise.

      Example:

        exporter verify signed.qinf --key maker.pub.pem
      """)

  @Argument(help: ArgumentHelp("The model image or patch.", valueName: "file")) var file: String
  @Option(help: ArgumentHelp("The public key, or the private one that it belongs to.", valueName: "file.pem"))
  var key: String
  @OptionGroup var results: OutputOptions

  /// What was verified.
  private struct Result: Encodable {
    var verdict: SignedFile.Verdict
    var contentBytes: Int
    var contentDigest: String
    var keyIdentifier: String
  }

  func validate() throws { try requireDistinct(outputs: [results.jsonFile], inputs: [file, key]) }

  func run() throws {
    let publicKey = try Ed25519.PublicKey(file: key)
    let signed = SignedFile(Array(try Files.read(file)))
    switch signed.verdict(by: publicKey) {
    case .verified: break
    case .unsigned:
      throw FileError.malformed(file, "has no signature", remedy: "sign it with `exporter sign`")
    case .otherKey:
      throw FileError.malformed(
        file, at: "key \(signed.signature.map(Sign.key) ?? "")", "is signed with another key than \(key)",
        remedy: "verify with that key, or don't use the file")
    case .forged:
      throw FileError.malformed(
        file, "is not what the key's owner signed", remedy: "fetch it again from its maker; don't use it")
    }
    let result = Result(
      verdict: .verified, contentBytes: signed.content.count,
      contentDigest: SHA256.hexadecimal(Data(signed.content)),
      keyIdentifier: signed.signature.map(Sign.key) ?? "")
    var table = SummaryTable(columns: [])
    table.add("verified", "\(Numbers.bytes(result.contentBytes)), SHA-256 \(result.contentDigest)")
    table.add("key", result.keyIdentifier)
    try results.show(table)
    try results.writeJSON(result)
  }
}
