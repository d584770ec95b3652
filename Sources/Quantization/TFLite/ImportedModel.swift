import Foundation
import QuantInfer
import Support
import Training

extension LoadedModel {
  /// Reads a `.qinf` image or imports a `.tflite` model, whichever the file's content is.
  ///
  /// - Throws: `FileError`, which names the byte, operator or tensor that is wrong or that this program doesn't have.
  public static func read(_ file: String) throws(FileError) -> LoadedModel {
    let start = try Files.read(file).prefix(8)
    guard start.suffix(4).elementsEqual(TFLiteModel.identifier.utf8) else {
      return try LoadedModel(file: file)
    }
    let image = try ModelImage(importing: file)
    do throws(ModelError) {
      return try LoadedModel(image: image.bytes)
    } catch {
      throw .malformed(file, error.kind.explanation, remedy: ModelImage.importRemedy)
    }
  }
}

extension ModelImage {
  fileprivate static let importRemedy = "convert another model"

  /// The image of a `.tflite` model; its provenance names the file, its checksum and this program's version.
  ///
  /// - Throws: `FileError`, which names the byte, operator or tensor that is wrong or that this program doesn't have.
  public init(importing file: String) throws(FileError) {
    let data = try Files.read(file)
    let model = try TFLiteModel(decoding: data, file: file)
    let checksum = data.withUnsafeBytes { CRC32.checksum($0) }
    let name = URL(fileURLWithPath: file).lastPathComponent.onOneLine
    let network: QuantizedNetwork
    do throws(NotConvertible) {
      network = try QuantizedNetwork(importing: model)
    } catch {
      throw .malformed(file, at: error.location, error.problem, remedy: Self.importRemedy)
    }
    do throws(InvalidNetwork) {
      try self.init(
        network, frontEnd: nil,
        metadata: [
          (ModelMetadata.sourceFile, name),
          (ModelMetadata.sourceChecksum, String(format: "%08x (CRC-32)", checksum)),
          (ModelMetadata.exporterVersion, Release.version),
        ])
    } catch {
      throw .malformed(file, error.description, remedy: Self.importRemedy)
    }
  }
}

extension ModelMetadata {
  /// The model file that the network was imported from.
  public static let sourceFile = "source"
  /// That file's checksum.
  public static let sourceChecksum = "sourceChecksum"
}
