/// A FlatBuffers table as a Swift value: one list of its fields serves reading and writing.
protocol FlatBufferTable {
  /// Hands every field to a reader, which fills it, or to a writer, which takes it.
  mutating func visit(_ fields: inout some FlatBufferFields) throws(FlatBufferError)
}

/// What reads or writes a table's fields; a field's number is its `id` in the schema.
protocol FlatBufferFields {
  /// A number in the table itself; one that equals the schema's default isn't stored.
  mutating func scalar<Value: FlatBufferScalar>(
    _ field: Int, _ value: inout Value, default: Value
  ) throws(FlatBufferError)

  /// A vector of numbers whose first one lies at a multiple of `alignment`; an absent one reads as empty.
  mutating func vector<Value: FlatBufferScalar>(
    _ field: Int, _ values: inout [Value], alignment: Int, isOptional: Bool
  ) throws(FlatBufferError)

  /// A string; an absent one reads as empty, an empty one isn't stored.
  mutating func string(_ field: Int, _ text: inout String) throws(FlatBufferError)

  /// A table that may be absent; `empty` is what a reader fills.
  mutating func table<Table: FlatBufferTable>(
    _ field: Int, _ table: inout Table?, empty: Table
  ) throws(FlatBufferError)

  /// A vector of tables; an absent one reads as empty.
  mutating func tables<Table: FlatBufferTable>(
    _ field: Int, _ tables: inout [Table], empty: Table
  ) throws(FlatBufferError)

  /// A field that must not be there, as its meaning would be lost.
  mutating func refuse(_ field: Int, _ feature: String) throws(FlatBufferError)
}

extension FlatBufferFields {
  /// A vector of numbers at their own alignment that is stored even where it is empty.
  mutating func vector<Value: FlatBufferScalar>(
    _ field: Int, _ values: inout [Value]
  ) throws(FlatBufferError) {
    try vector(field, &values, alignment: Value.byteCount, isOptional: false)
  }

  /// A vector of numbers at their own alignment that isn't stored where it is empty.
  mutating func optionalVector<Value: FlatBufferScalar>(
    _ field: Int, _ values: inout [Value]
  ) throws(FlatBufferError) {
    try vector(field, &values, alignment: Value.byteCount, isOptional: true)
  }
}

/// Why a FlatBuffers file could not be read or written.
package struct FlatBufferError: Error, Equatable, Sendable {
  /// What is wrong.
  package enum Kind: Equatable, Sendable {
    /// The file isn't marked as one of the schema's.
    case wrongIdentifier
    /// A number, table or vector reaches beyond the file's or its table's end.
    case outOfBounds
    /// A table's list of field places is impossible.
    case invalidTable
    /// The parts overlap so much that together they are larger than the file can hold.
    case overlappingParts
    /// The file uses something that would get lost.
    case unsupported(String)
    /// The file would be larger than FlatBuffers can address.
    case tooLarge
  }

  /// What is wrong.
  package var kind: Kind
  /// Where in the file, in bytes from its start.
  package var byteOffset: Int

  /// Creates an error.
  package init(_ kind: Kind, at byteOffset: Int) {
    (self.kind, self.byteOffset) = (kind, byteOffset)
  }
}

extension FlatBufferError: CustomStringConvertible {
  /// What is wrong, in words.
  package var description: String {
    switch kind {
    case .wrongIdentifier: "this is not a TensorFlow Lite model"
    case .outOfBounds: "a part lies outside the file"
    case .invalidTable: "a table's field places are impossible"
    case .overlappingParts: "the parts overlap beyond the file's size"
    case .unsupported(let feature): "\(feature) can't be used here"
    case .tooLarge: "the model would be larger than 2 GB"
    }
  }
}

/// A number as it lies in a FlatBuffers file: little-endian bits.
protocol FlatBufferScalar: Equatable {
  static var byteCount: Int { get }
  init(bits: UInt64)
  var bits: UInt64 { get }
}

extension FlatBufferScalar where Self: FixedWidthInteger {
  static var byteCount: Int { bitWidth / 8 }
  init(bits: UInt64) { self.init(truncatingIfNeeded: bits) }
  var bits: UInt64 { UInt64(truncatingIfNeeded: self) }
}

extension UInt8: FlatBufferScalar {}
extension Int8: FlatBufferScalar {}
extension UInt16: FlatBufferScalar {}
extension Int32: FlatBufferScalar {}
extension UInt32: FlatBufferScalar {}
extension Int64: FlatBufferScalar {}
extension UInt64: FlatBufferScalar {}

extension Float: FlatBufferScalar {
  static var byteCount: Int { 4 }
  init(bits: UInt64) { self.init(bitPattern: UInt32(truncatingIfNeeded: bits)) }
  var bits: UInt64 { UInt64(bitPattern) }
}

extension Bool: FlatBufferScalar {
  static var byteCount: Int { 1 }
  init(bits: UInt64) { self = bits & 0xFF != 0 }
  var bits: UInt64 { self ? 1 : 0 }
}

extension FlatBufferScalar where Self: TFLiteNumber, RawValue: FlatBufferScalar {
  static var byteCount: Int { RawValue.byteCount }
  init(bits: UInt64) { self.init(rawValue: RawValue(bits: bits)) }
  var bits: UInt64 { rawValue.bits }
}
