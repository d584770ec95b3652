import QuantInfer
import Support

/// Images of format version 2, whose header named the tables, and their way to today's.
package enum ImageConversion {
  /// What is wrong with an image that can't be converted.
  package struct Failure: Error, Equatable, Sendable {
    /// The place of what is wrong, in bytes.
    package var byteOffset: Int
    /// What is wrong.
    package var problem: String
  }

  /// Offsets in the header of version 2, of as many bytes as today's.
  private enum Header {
    static let checksumStart = 16
    static let tensors = 28
    static let operators = 36
    static let ports = 44
    static let portCounts = 48
    static let network = 16..<56
    static let classNames = 56
    static let provenance = 64
  }

  /// Whether a file begins as an image of version 2 does.
  package static func isVersionTwo(_ bytes: [UInt8]) -> Bool {
    bytes.count >= ModelFormat.Header.byteCount && word(bytes, 0) == Int(ModelFormat.magic)
      && word(bytes, 4) == 2
  }

  /// An image of version 2 in today's format: everything stays in its place and keeps its bits, but for the header; the
  /// network's and the sections' records follow.
  ///
  /// What the runtime checks of an image is left to it.
  ///
  /// - Parameter bytes: An image for which `isVersionTwo`.
  /// - Returns: The image.
  /// - Throws: `Failure` where it is damaged or its tables lie elsewhere.
  package static func converted(_ bytes: [UInt8]) throws(Failure) -> [UInt8] {
    typealias Field = ModelFormat.Header
    guard word(bytes, Field.imageByteCount) == bytes.count else {
      throw Failure(byteOffset: Field.imageByteCount, problem: ModelError.Kind.truncated.explanation)
    }
    let checksum = bytes[Header.checksumStart...].withUnsafeBytes { CRC32.checksum($0) }
    guard word(bytes, Field.checksum) == Int(checksum) else {
      throw Failure(byteOffset: Field.checksum, problem: ModelError.Kind.checksumMismatch.explanation)
    }
    let tensors = try table(bytes, at: Header.tensors, recordByteCount: ModelFormat.Tensor.byteCount)
    let operators = try table(bytes, at: Header.operators, recordByteCount: ModelFormat.Operator.byteCount)
    let inputCount = half(bytes, Header.portCounts)
    let ports = try places(
      bytes, from: word(bytes, Header.ports), count: inputCount, recordByteCount: ModelFormat.Port.byteCount,
      at: Header.ports)
    let texts = try [Header.classNames, Header.provenance].map { field throws(Failure) in
      let count = word(bytes, field + 4)
      let range = try places(
        bytes, from: count == 0 ? 0 : word(bytes, field), count: count, recordByteCount: 1, at: field)
      return Array(bytes[(range.first ?? 0)..<(range.first ?? 0) + count])
    }
    var writer = ImageWriter(bytes: bytes)
    for place in Header.network { writer.put(network: bytes[place], at: place - Header.network.lowerBound) }
    let writers = TensorWriters(
      inputs: ports.map { half(bytes, $0 + ModelFormat.Port.tensor) },
      outputs: operators.map { half(bytes, $0 + ModelFormat.Operator.output) })
    for (index, place) in tensors.enumerated() {
      writer.put(writers[index], at: place + ModelFormat.Tensor.writer)
    }
    for place in Header.checksumStart..<Field.byteCount { writer.put(UInt8(0), at: place) }
    let task = String(decoding: texts[1], as: UTF8.self).split(separator: "\n").first {
      $0.hasPrefix("task=")
    }
    writer.finish(classNames: texts[0], provenance: texts[1], task: Array((task?.dropFirst(5) ?? "").utf8))
    return writer.bytes
  }

  /// The records' places of a table whose offset and number stand side by side.
  private static func table(_ bytes: [UInt8], at field: Int, recordByteCount: Int) throws(Failure) -> [Int] {
    let count = word(bytes, field + 4)
    guard count < ModelFormat.Tensor.firstInput else {
      throw Failure(
        byteOffset: field + 4, problem: "the model image has more records than today's format allows")
    }
    return try places(
      bytes, from: word(bytes, field), count: count, recordByteCount: recordByteCount, at: field)
  }

  private static func places(
    _ bytes: [UInt8], from start: Int, count: Int, recordByteCount: Int, at field: Int
  ) throws(Failure) -> [Int] {
    guard start <= bytes.count, count * recordByteCount <= bytes.count - start else {
      throw Failure(byteOffset: field, problem: ModelError.Kind.offsetOutOfRange.explanation)
    }
    return (0..<count).map { start + $0 * recordByteCount }
  }

  private static func half(_ bytes: [UInt8], _ place: Int) -> Int {
    Int(bytes[place]) | Int(bytes[place + 1]) << 8
  }

  private static func word(_ bytes: [UInt8], _ place: Int) -> Int {
    half(bytes, place) | half(bytes, place + 2) << 16
  }
}

extension LoadedModel {
  /// A `.qinf` file of format version 2 in today's format, checked.
  ///
  /// - Throws: `FileError` where it is missing, of another version, or not sound.
  package static func converting(file: String) throws(FileError) -> [UInt8] {
    let bytes = Array(try Files.read(file))
    guard ImageConversion.isVersionTwo(bytes) else {
      throw .malformed(
        file, "is no model image of format version 2",
        remedy: "take the image as it is if `exporter inspect` reads it, or export the model again")
    }
    let image: [UInt8]
    do throws(ImageConversion.Failure) {
      image = try ImageConversion.converted(bytes)
    } catch {
      throw .malformed(
        file, at: "byte \(error.byteOffset)", error.problem, remedy: "export or import the model again")
    }
    do throws(ModelError) {
      _ = try LoadedModel(image: image)
    } catch {
      throw .malformed(
        file, at: "byte \(error.byteOffset)", error.kind.explanation,
        remedy: "export or import the model again")
    }
    return image
  }
}
