import Foundation
import QuantInfer
import Support

/// A file in the safetensors format: named float tensors and a map of strings.
///
/// A little-endian `UInt64` with the header's length, the header in JSON, then the tensors' raw data without
/// gaps (https://github.com/huggingface/safetensors). Equal content gives equal bytes.
struct SafeTensors: Equatable {
  /// A tensor of 32-bit floats.
  struct Tensor: Equatable {
    /// The dimensions, outermost first.
    var shape: [Int]
    /// The values, the last dimension's neighbours next to each other.
    var values: [Float]
  }

  /// The tensors by name.
  var tensors: [String: Tensor] = [:]
  /// The `__metadata__`.
  var metadata: [String: String] = [:]

  private static let metadataKey = "__metadata__"
  private static let lengthByteCount = 8

  /// A value of the header's top level.
  private enum Entry: Codable {
    case tensor(Description)
    case metadata([String: String])

    struct Description: Codable {
      var dtype: String
      var shape: [Int]
      var data_offsets: [Int]
    }

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if decoder.codingPath.last?.stringValue == metadataKey {
        self = .metadata(try container.decode([String: String].self))
      } else {
        self = .tensor(try container.decode(Description.self))
      }
    }

    func encode(to encoder: any Encoder) throws {
      switch self {
      case .tensor(let description): try description.encode(to: encoder)
      case .metadata(let metadata): try metadata.encode(to: encoder)
      }
    }
  }

  /// The file's bytes.
  func encoded() -> Data {
    var entries: [String: Entry] = [Self.metadataKey: .metadata(metadata)]
    var values = Data()
    for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
      let start = values.count
      for value in tensor.values {
        withUnsafeBytes(of: value.bitPattern.littleEndian) { values.append(contentsOf: $0) }
      }
      entries[name] = .tensor(
        Entry.Description(dtype: "F32", shape: tensor.shape, data_offsets: [start, values.count]))
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard var header = try? encoder.encode(entries) else {
      preconditionFailure("strings and integers always encode as JSON")
    }
    // Spaces after the header let the values start at a multiple of 8.
    header.append(contentsOf: [UInt8](repeating: 0x20, count: (8 - header.count % 8) % 8))
    return withUnsafeBytes(of: UInt64(header.count).littleEndian) { Data($0) } + header + values
  }

  /// Takes out all tensors and strings whose names begin with a prefix, and gives them without it.
  mutating func removeAll(behind prefix: String) -> SafeTensors {
    var other = SafeTensors()
    for (name, tensor) in tensors where name.hasPrefix(prefix) {
      other.tensors[String(name.dropFirst(prefix.count))] = tensor
      tensors[name] = nil
    }
    for (key, value) in metadata where key.hasPrefix(prefix) {
      other.metadata[String(key.dropFirst(prefix.count))] = value
      metadata[key] = nil
    }
    return other
  }

  /// Whether a file's bytes begin as such a file's do: with the length of a header in JSON, and its bracket.
  static func mayBegin(_ data: Data) -> Bool {
    data.count > lengthByteCount && data.dropFirst(lengthByteCount).first == UInt8(ascii: "{")
      && data.prefix(lengthByteCount).dropFirst(4).allSatisfy { $0 == 0 }
  }

  /// Decodes a file's bytes; `file` is its name in errors.
  ///
  /// - Throws: `FileError`, malformed, where a length, an offset, a shape or a value is impossible.
  init(decoding data: Data, file: String) throws(FileError) {
    func malformed(_ location: String?, _ problem: String) -> FileError {
      .malformed(file, at: location, problem, remedy: "use an undamaged checkpoint")
    }
    let bytes = [UInt8](data)
    guard bytes.count >= Self.lengthByteCount else {
      throw malformed(nil, "\(bytes.count) bytes are too few for a safetensors file")
    }
    let headerLength = bytes.prefix(Self.lengthByteCount).reversed().reduce(UInt64(0)) {
      $0 << 8 | UInt64($1)
    }
    guard !withUnsafeBytes(of: ModelFormat.magic.littleEndian, { data.starts(with: $0) }) else {
      throw .malformed(
        file, "is a model image, and a checkpoint is needed",
        remedy: "give the .safetensors file that the image was made from")
    }
    guard !data.prefix(8).suffix(4).elementsEqual("TFL3".utf8) else {
      // One that computes in float is read as a network of its own.
      throw .malformed(
        file, "is a TensorFlow Lite model of integers, and a checkpoint or a float network is needed",
        remedy:
          "give its float network, or make the model's image: exporter import \(file) --output MODEL.qinf")
    }
    guard headerLength <= UInt64(bytes.count - Self.lengthByteCount) else {
      throw malformed("byte 0", "the header of \(headerLength) bytes goes beyond the file's end")
    }
    let valuesStart = Self.lengthByteCount + Int(headerLength)
    let entries: [String: Entry]
    do {
      entries = try JSONDecoder().decode(
        [String: Entry].self, from: Data(bytes[Self.lengthByteCount..<valuesStart]))
    } catch {
      throw malformed("byte \(Self.lengthByteCount)", "the header isn't a safetensors header in JSON")
    }
    var ranges: [Range<Int>] = []
    for (name, entry) in entries {
      switch entry {
      case .metadata(let metadata): self.metadata = metadata
      case .tensor(let description):
        let (tensor, range) = try Self.tensor(description, in: bytes[valuesStart...]) { problem in
          malformed("tensor \(name)", problem)
        }
        tensors[name] = tensor
        ranges.append(range)
      }
    }
    var end = 0
    for range in ranges.sorted(by: { ($0.lowerBound, $0.upperBound) < ($1.lowerBound, $1.upperBound) }) {
      guard range.lowerBound == end else {
        throw malformed("byte \(valuesStart + min(end, range.lowerBound))", "tensors overlap or leave a gap")
      }
      end = range.upperBound
    }
    guard valuesStart + end == bytes.count else {
      throw malformed(
        "byte \(valuesStart + end)", "\(bytes.count - valuesStart - end) bytes belong to no tensor")
    }
  }

  /// Creates a file from tensors and metadata.
  init(tensors: [String: Tensor] = [:], metadata: [String: String] = [:]) {
    self.tensors = tensors
    self.metadata = metadata
  }

  private static func tensor(
    _ description: Entry.Description, in values: ArraySlice<UInt8>, malformed: (String) -> FileError
  ) throws(FileError) -> (Tensor, Range<Int>) {
    guard description.dtype == "F32" else { throw malformed("has the type \(description.dtype), not F32") }
    var byteCount = 4
    for dimension in description.shape {
      let (product, overflow) = byteCount.multipliedReportingOverflow(by: dimension)
      guard dimension >= 0, !overflow else {
        throw malformed("has the impossible shape \(description.shape)")
      }
      byteCount = product
    }
    let offsets = description.data_offsets
    guard offsets.count == 2, offsets[0] >= 0, offsets[0] <= offsets[1], offsets[1] <= values.count else {
      throw malformed("lies at \(offsets) of \(values.count) bytes")
    }
    guard offsets[1] - offsets[0] == byteCount else {
      throw malformed("has \(offsets[1] - offsets[0]) bytes, not the \(byteCount) of its shape")
    }
    let start = values.startIndex + offsets[0]
    let floats = stride(from: start, to: start + byteCount, by: 4).map { place in
      Float(bitPattern: values[place..<place + 4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
    }
    guard floats.allSatisfy(\.isFinite) else { throw malformed("holds a value that isn't finite") }
    return (Tensor(shape: description.shape, values: floats), offsets[0]..<offsets[1])
  }
}
