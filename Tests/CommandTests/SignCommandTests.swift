import Foundation
import ModelFiles
import QuantInfer
import Support
import Testing
import TestSupport

/// `exporter sign`, `exporter verify` and the conversion of older images through the executable.
@Suite struct SignCommandTests {
  private let exporter = Command("exporter")

  @Test func aSignedImageVerifiesUntilAByteChanges() throws {
    let folder = try TemporaryFolder()
    #expect(try exporter("sign", "--new-key", folder("maker.pem")).status == 0)
    let attributes = try FileManager.default.attributesOfItem(atPath: folder("maker.pem"))
    #expect((attributes[.posixPermissions] as? Int).map { $0 & 0o077 } == 0)
    let again = try exporter("sign", "--new-key", folder("maker.pem"))
    #expect(again.status != 0 && again.errors.contains("is there already"))
    #expect(
      try exporter(
        "sign", ProjectFiles.model, "--key", folder("maker.pem"), "--output", folder("signed.qinf")
      ).status
        == 0)
    #expect(try exporter("verify", folder("signed.qinf"), "--key", folder("maker.pub.pem")).status == 0)
    // Tools that don't ask read it as before.
    #expect(try exporter("inspect", folder("signed.qinf")).status == 0)
    var bytes = Array(try Files.read(folder("signed.qinf")))
    bytes[4000] ^= 1
    try Files.write(Data(bytes), to: folder("forged.qinf"))
    try #expect(exporter("sign", "--new-key", folder("other.pem")).status == 0)
    for (file, key, text) in [
      ("forged.qinf", "maker.pub.pem", "is not what the key's owner signed"),
      ("signed.qinf", "other.pub.pem", "is signed with another key"),
      ("signed.qinf", "signed.qinf", "holds no public"),
    ] {
      let result = try exporter("verify", folder(file), "--key", folder(key))
      #expect(result.status == 65 && result.errors.contains(text), "\(result.errors)")
    }
    let key = try exporter(
      "sign", folder("maker.pem"), "--key", folder("maker.pem"), "--output", folder("no.qinf"))
    #expect(key.status == 65 && key.errors.contains("maker.pem: is neither a model image nor a patch"))
    let unsigned = try exporter("verify", ProjectFiles.model, "--key", folder("maker.pub.pem"))
    #expect(unsigned.status == 65 && unsigned.errors.contains("has no signature"))
  }

  /// The shipped model as version 2 had it: today's header and records replaced by that version's header.
  private func versionTwo() throws -> [UInt8] {
    var image = Array(try Files.read(ProjectFiles.model))
    func word(_ place: Int) -> Int { (0..<4).reduce(0) { $0 | Int(image[place + $1]) << (8 * $1) } }
    func put(_ number: Int, _ place: Int) {
      withUnsafeBytes(of: UInt32(number).littleEndian) { image.replaceSubrange(place..<place + 4, with: $0) }
    }
    let sections = word(ModelFormat.Header.sections)
    let network = word(sections + ModelFormat.Section.content)
    let texts = (1...2).map { index in
      let record = sections + index * ModelFormat.Section.byteCount
      return (word(record + ModelFormat.Section.content), word(record + ModelFormat.Section.contentByteCount))
    }
    image.replaceSubrange(16..<56, with: image[network..<network + 40])
    for (index, text) in texts.enumerated() {
      put(text.0, 56 + 8 * index)
      put(text.1, 60 + 8 * index)
    }
    put(2, ModelFormat.Header.version)
    let checksum = image[16...].withUnsafeBytes { CRC32.checksum($0) }
    put(Int(checksum), ModelFormat.Header.checksum)
    return image
  }

  @Test func anImageOfVersionTwoIsRefusedWithTheCommandThatConvertsIt() throws {
    let folder = try TemporaryFolder()
    try Files.write(Data(versionTwo()), to: folder("old.qinf"))
    let refused = try exporter("inspect", folder("old.qinf"))
    #expect(refused.status == 65 && refused.errors.contains("--format qinf"))
    let converted = try exporter(
      "export", folder("old.qinf"), "--format", "qinf", "--output", folder("new.qinf"))
    #expect(converted.status == 0, "\(converted.errors)")
    let (new, shipped) = (
      try LoadedModel(file: folder("new.qinf")), try LoadedModel(file: ProjectFiles.model)
    )
    #expect(
      new.classNames == shipped.classNames
        && new.provenance.lines.map(\.value) == shipped.provenance.lines.map(\.value))
    #expect(try new.network() == shipped.network())
    #expect(new.model.stateByteCount == shipped.model.stateByteCount)
    let twice = try exporter(
      "export", folder("new.qinf"), "--format", "qinf", "--output", folder("newer.qinf"))
    #expect(twice.status == 65 && !FileManager.default.fileExists(atPath: folder("newer.qinf")))
  }

  @Test func damagedImagesOfVersionTwoAreRefused() throws {
    let image = try versionTwo()
    for count in stride(from: 72, to: image.count, by: 97) {
      #expect(throws: ImageConversion.Failure.self) {
        _ = try ImageConversion.converted(Array(image[..<count]))
      }
    }
    for place in 16..<72 {
      var damaged = image
      damaged[place] = 0x7f
      #expect(throws: ImageConversion.Failure.self) { _ = try ImageConversion.converted(damaged) }
      // With the checksum mended too it is refused here or by the runtime, or is sound.
      let checksum = damaged[16...].withUnsafeBytes { CRC32.checksum($0) }
      withUnsafeBytes(of: checksum.littleEndian) { damaged.replaceSubrange(12..<16, with: $0) }
      if let converted = try? ImageConversion.converted(damaged) { _ = try? LoadedModel(image: converted) }
    }
  }
}
