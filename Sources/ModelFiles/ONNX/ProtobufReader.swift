/// Reads one message's fields from bytes that may be anything, in the order in which they are stored.
///
/// A message inside another is a part of its bytes, so that what is read is never more than the file.
struct ProtobufReader {
  /// A field's content.
  enum Content {
    /// A number of variable length.
    case number(UInt64)
    /// Four bytes, little-endian.
    case word(UInt32)
    /// Eight bytes, little-endian.
    case doubleWord(UInt64)
    /// A string, bytes, packed numbers or another message.
    case bytes(ArraySlice<UInt8>)
  }

  private let bytes: ArraySlice<UInt8>
  /// Where the next field begins, in bytes from the file's start.
  private(set) var place: Int

  /// Reads from bytes whose indices are places in the file.
  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    place = bytes.startIndex
  }

  /// The next field's number and content; nil at the end.
  ///
  /// - Throws: `ProtobufError`.
  mutating func next() throws(ProtobufError) -> (field: Int, content: Content)? {
    guard place < bytes.endIndex else { return nil }
    let start = place
    let key = try number()
    guard key >> 3 > 0, key >> 3 < 1 << 29 else { throw ProtobufError(.invalidField, at: start) }
    let field = Int(key >> 3)
    switch key & 7 {
    case 0: return (field, .number(try number()))
    case 1: return (field, .doubleWord(try fixed(8)))
    case 2:
      let count = try number()
      guard count <= UInt64(bytes.endIndex - place) else { throw ProtobufError(.outOfBounds, at: start) }
      let content = bytes[place..<place + Int(count)]
      place += Int(count)
      return (field, .bytes(content))
    case 5: return (field, .word(UInt32(truncatingIfNeeded: try fixed(4))))
    default: throw ProtobufError(.invalidField, at: start)
    }
  }

  /// A number of seven bits a byte, the lowest first.
  mutating func number() throws(ProtobufError) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard place < bytes.endIndex else { throw ProtobufError(.outOfBounds, at: place) }
      let byte = bytes[place]
      place += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    throw ProtobufError(.invalidField, at: place)
  }

  /// Whether all bytes are read.
  var isAtEnd: Bool { place >= bytes.endIndex }

  /// A number of so many bytes, the lowest first.
  mutating func fixed(_ count: Int) throws(ProtobufError) -> UInt64 {
    guard bytes.endIndex - place >= count else { throw ProtobufError(.outOfBounds, at: place) }
    var value: UInt64 = 0
    for index in (0..<count).reversed() { value = value << 8 | UInt64(bytes[place + index]) }
    place += count
    return value
  }
}

extension ProtobufReader.Content {
  /// The message, string or packed numbers.
  ///
  /// - Throws: `ProtobufError` where the field is a single number.
  func bytes(at place: Int) throws(ProtobufError) -> ArraySlice<UInt8> {
    guard case .bytes(let bytes) = self else { throw ProtobufError(.invalidField, at: place) }
    return bytes
  }

  /// The text; bytes that are no UTF-8 are replaced.
  func text(at place: Int) throws(ProtobufError) -> String {
    String(decoding: try bytes(at: place), as: UTF8.self)
  }

  /// The whole number.
  ///
  /// - Throws: `ProtobufError` where the field is of another type.
  func integer(at place: Int) throws(ProtobufError) -> Int64 {
    guard case .number(let number) = self else { throw ProtobufError(.invalidField, at: place) }
    return Int64(bitPattern: number)
  }

  /// The whole numbers: one, or packed ones.
  func integers(at place: Int) throws(ProtobufError) -> [Int64] {
    switch self {
    case .number(let number): return [Int64(bitPattern: number)]
    case .bytes(let bytes):
      var reader = ProtobufReader(bytes)
      var numbers: [Int64] = []
      while !reader.isAtEnd { numbers.append(Int64(bitPattern: try reader.number())) }
      return numbers
    default: throw ProtobufError(.invalidField, at: place)
    }
  }

  /// The single-precision numbers: one, or packed ones.
  func floats(at place: Int) throws(ProtobufError) -> [Float] {
    switch self {
    case .word(let bits): return [Float(bitPattern: bits)]
    case .bytes(let bytes):
      var reader = ProtobufReader(bytes)
      var numbers: [Float] = []
      while !reader.isAtEnd {
        numbers.append(Float(bitPattern: UInt32(truncatingIfNeeded: try reader.fixed(4))))
      }
      return numbers
    default: throw ProtobufError(.invalidField, at: place)
    }
  }

  /// The double-precision numbers: one, or packed ones.
  func doubles(at place: Int) throws(ProtobufError) -> [Double] {
    switch self {
    case .doubleWord(let bits): return [Double(bitPattern: bits)]
    case .bytes(let bytes):
      var reader = ProtobufReader(bytes)
      var numbers: [Double] = []
      while !reader.isAtEnd { numbers.append(Double(bitPattern: try reader.fixed(8))) }
      return numbers
    default: throw ProtobufError(.invalidField, at: place)
    }
  }
}

/// Why a protocol buffer could not be read.
package struct ProtobufError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What is wrong.
  package enum Kind: Equatable, Sendable {
    /// A field reaches beyond its message's end.
    case outOfBounds
    /// A field has an impossible number, or another type than the format says.
    case invalidField
    /// What a tensor's numbers or dimensions say doesn't fit together.
    case invalidTensor(String)
    /// The file uses something that this program doesn't read.
    case unsupported(String)
  }

  /// What is wrong.
  package var kind: Kind
  /// Where in the file, in bytes from its start.
  package var byteOffset: Int

  /// Creates an error.
  init(_ kind: Kind, at byteOffset: Int) { (self.kind, self.byteOffset) = (kind, byteOffset) }

  /// What is wrong, in words.
  package var description: String {
    switch kind {
    case .outOfBounds: "a part reaches beyond the end of the file or of the part around it"
    case .invalidField: "this is not a field of an ONNX model"
    case .invalidTensor(let problem): problem
    case .unsupported(let feature): "\(feature) can't be used here"
    }
  }
}
