import Foundation
import Networks
import QuantInfer
import Support

extension LoadedModel {
  /// Reads a `.qinf` image or imports a `.tflite` model, whichever the file's content is.
  ///
  /// - Parameters:
  ///   - file: The model.
  ///   - withFrontEnd: Whether a `.tflite` model streams behind the front end that is described beside it, if one is.
  /// - Returns: The model.
  /// - Throws: `FileError`, which names the byte, operator or tensor that is wrong or that this program doesn't have.
  package static func read(_ file: String, withFrontEnd: Bool = false) throws(FileError) -> LoadedModel {
    let start = try Files.read(file).prefix(8)
    guard start.suffix(4).elementsEqual(TFLiteModel.identifier.utf8) else {
      return try LoadedModel(file: file)
    }
    let description = FrontEndFile.path(besideModel: file)
    let isDescribed = withFrontEnd && FileManager.default.fileExists(atPath: description)
    let image = try ModelImage(
      importing: file, frontEnd: isDescribed ? FrontEndFile(reading: description) : nil)
    do throws(ModelError) {
      return try LoadedModel(image: image.bytes)
    } catch {
      throw .malformed(file, error.kind.explanation, remedy: ModelImage.importRemedy)
    }
  }
}

extension ModelImage {
  fileprivate static let importRemedy =
    "see docs/reference/Operators.md for what is imported, and convert it so"

  /// The image of a `.tflite` model; its provenance names the file, its checksum and this program's version.
  ///
  /// - Parameters:
  ///   - file: The model.
  ///   - frontEnd: The front end that its network streams behind; nil for a model that takes finished input.
  /// - Throws: `FileError`, which names the byte, operator or tensor that is wrong or that this program doesn't have,
  ///   or what keeps the network from streaming.
  package init(importing file: String, frontEnd: FrontEndFile? = nil) throws(FileError) {
    let data = try Files.read(file)
    let model = try TFLiteModel(decoding: data, file: file)
    let provenance = try Provenance(source: file)
    let network: QuantizedNetwork
    do throws(NotConvertible) {
      network = try QuantizedNetwork(importing: model)
    } catch {
      throw .malformed(file, at: error.location, error.problem, remedy: error.remedy ?? Self.importRemedy)
    }
    guard let frontEnd else {
      do throws(InvalidNetwork) {
        try self.init(network, frontEnd: nil, provenance: provenance)
      } catch {
        throw .malformed(file, error.description, remedy: Self.importRemedy)
      }
      return
    }
    self = try .streaming(network, behind: frontEnd, provenance: provenance, file: file)
  }

  /// The image of a network that streams behind a front end.
  ///
  /// - Parameters:
  ///   - network: The network.
  ///   - frontEnd: What its input is.
  ///   - provenance: Where it comes from; what the front end's file tells is added.
  ///   - file: The model's file, for errors.
  /// - Returns: The image.
  /// - Throws: `FileError`, which names what keeps the network from streaming.
  package static func streaming(
    _ network: QuantizedNetwork, behind frontEnd: FrontEndFile, provenance: Provenance, file: String
  ) throws(FileError) -> ModelImage {
    let tables = try frontEnd.tables(for: network)
    let image: ModelImage
    do throws(InvalidNetwork) {
      let inColumns = try network.withTimeInColumns(of: tables.settings.columnCodeCount)
      image = try ModelImage(
        inColumns, frontEnd: tables, classNames: frontEnd.classNames,
        provenance: provenance + frontEnd.provenance, task: frontEnd.ownTask, mustStream: true,
        mode: frontEnd.mode(for: inColumns, tables), decisionsPerSecond: frontEnd.decisionsPerSecond)
    } catch {
      throw .malformed(
        file, "can't stream: \(error.description)", remedy: Self.remedy(network, frontEnd, tables))
    }
    try frontEnd.check(against: image.bytes)
    return image
  }

  /// What to do about a network that can't stream as its front end's description wants it.
  private static func remedy(
    _ network: QuantizedNetwork, _ frontEnd: FrontEndFile, _ tables: FrontEndTables
  ) -> String {
    let windows = try? StreamingPlan(
      network.withTimeInColumns(of: tables.settings.columnCodeCount), frontEnd: tables, mode: .window)
    return frontEnd.mode != .window && windows != nil
      ? "set \"mode\": \"window\" in \(frontEnd.file) to run the whole window at each decision"
      : "leave the front end out and give it finished windows"
  }
}
