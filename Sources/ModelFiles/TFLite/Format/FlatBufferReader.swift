/// Reads FlatBuffers tables from bytes that may be anything: every place is checked before it is read.
///
/// Parts of a file may lie on top of each other. So that a small file can't ask for much memory, all parts read
/// count against twice the file's size.
final class FlatBufferReader {
  private let bytes: [UInt8]
  private var allowance: Int

  /// Reads the root table of a file.
  ///
  /// - Throws: `FlatBufferError`, with the place of the first thing that is wrong.
  static func read<Root: FlatBufferTable>(
    _ bytes: [UInt8], identifier: String, empty: Root
  ) throws(FlatBufferError) -> Root {
    let reader = FlatBufferReader(bytes)
    guard bytes.count >= 8, bytes[4..<8].elementsEqual(identifier.utf8) else {
      throw FlatBufferError(.wrongIdentifier, at: min(4, bytes.count))
    }
    return try reader.table(at: reader.target(of: 0), empty: empty)
  }

  private init(_ bytes: [UInt8]) {
    self.bytes = bytes
    allowance = 2 * bytes.count
  }

  func number<Value: FlatBufferScalar>(
    at place: Int, as type: Value.Type = Value.self
  ) throws(FlatBufferError) -> Value {
    guard place >= 0, place <= bytes.count - Value.byteCount else {
      throw FlatBufferError(.outOfBounds, at: place)
    }
    var bits: UInt64 = 0
    for index in (0..<Value.byteCount).reversed() { bits = bits << 8 | UInt64(bytes[place + index]) }
    return Value(bits: bits)
  }

  /// The place that an unsigned offset leads to, counted from the offset's own place.
  func target(of place: Int) throws(FlatBufferError) -> Int {
    let target = place + Int(try number(at: place, as: UInt32.self))
    guard target < bytes.count else { throw FlatBufferError(.outOfBounds, at: place) }
    return target
  }

  /// The first element's place and the number of elements of a vector, all of them in the file.
  func vector(at place: Int, elementByteCount: Int) throws(FlatBufferError) -> (start: Int, count: Int) {
    let count = Int(try number(at: place, as: UInt32.self))
    guard count <= (bytes.count - place - 4) / elementByteCount else {
      throw FlatBufferError(.outOfBounds, at: place)
    }
    try charge(4 + count * elementByteCount, at: place)
    return (place + 4, count)
  }

  func text(at place: Int) throws(FlatBufferError) -> String {
    let (start, count) = try vector(at: place, elementByteCount: 1)
    return String(decoding: bytes[start..<start + count], as: UTF8.self)
  }

  func table<Table: FlatBufferTable>(
    at place: Int, empty: Table
  ) throws(FlatBufferError) -> Table {
    try charge(4, at: place)
    var table = empty
    var fields = try FlatBufferTableReader(self, at: place)
    try table.visit(&fields)
    return table
  }

  private func charge(_ byteCount: Int, at place: Int) throws(FlatBufferError) {
    allowance -= byteCount
    guard allowance >= 0 else { throw FlatBufferError(.overlappingParts, at: place) }
  }
}

/// Fills one table's fields.
private struct FlatBufferTableReader: FlatBufferFields {
  let reader: FlatBufferReader
  let place: Int
  let byteCount: Int
  let places: Int
  let fieldCount: Int

  /// Finds the table's list of field places: its size, the table's size, then a place a field.
  init(_ reader: FlatBufferReader, at place: Int) throws(FlatBufferError) {
    self.reader = reader
    self.place = place
    let list = place - Int(try reader.number(at: place, as: Int32.self))
    let listByteCount = Int(try reader.number(at: list, as: UInt16.self))
    byteCount = Int(try reader.number(at: list + 2, as: UInt16.self))
    guard listByteCount >= 4, listByteCount % 2 == 0, byteCount >= 4 else {
      throw FlatBufferError(.invalidTable, at: list)
    }
    places = list + 4
    fieldCount = (listByteCount - 4) / 2
  }

  /// Where a field's number or offset lies; nil where it is absent.
  private func place(of field: Int, byteCount size: Int) throws(FlatBufferError) -> Int? {
    guard field < fieldCount else { return nil }
    let entry = places + 2 * field
    let offset = Int(try reader.number(at: entry, as: UInt16.self))
    guard offset != 0 else { return nil }
    guard offset >= 4, offset + size <= byteCount else { throw FlatBufferError(.outOfBounds, at: entry) }
    return place + offset
  }

  /// Where a field's table or vector lies; nil where it is absent.
  private func target(of field: Int) throws(FlatBufferError) -> Int? {
    guard let place = try place(of: field, byteCount: 4) else { return nil }
    return try reader.target(of: place)
  }

  func scalar<Value: FlatBufferScalar>(
    _ field: Int, _ value: inout Value, default: Value
  ) throws(FlatBufferError) {
    guard let place = try place(of: field, byteCount: Value.byteCount) else {
      value = `default`
      return
    }
    value = try reader.number(at: place)
  }

  func vector<Value: FlatBufferScalar>(
    _ field: Int, _ values: inout [Value], alignment: Int, isOptional: Bool
  ) throws(FlatBufferError) {
    values = []
    guard let target = try target(of: field) else { return }
    let (start, count) = try reader.vector(at: target, elementByteCount: Value.byteCount)
    values.reserveCapacity(count)
    for index in 0..<count { values.append(try reader.number(at: start + index * Value.byteCount)) }
  }

  func string(_ field: Int, _ text: inout String) throws(FlatBufferError) {
    guard let target = try target(of: field) else {
      text = ""
      return
    }
    text = try reader.text(at: target)
  }

  func table<Table: FlatBufferTable>(
    _ field: Int, _ table: inout Table?, empty: Table
  ) throws(FlatBufferError) {
    guard let target = try target(of: field) else {
      table = nil
      return
    }
    table = try reader.table(at: target, empty: empty)
  }

  func tables<Table: FlatBufferTable>(
    _ field: Int, _ tables: inout [Table], empty: Table
  ) throws(FlatBufferError) {
    tables = []
    guard let target = try target(of: field) else { return }
    let (start, count) = try reader.vector(at: target, elementByteCount: 4)
    for index in 0..<count {
      tables.append(try reader.table(at: reader.target(of: start + 4 * index), empty: empty))
    }
  }

  func refuse(_ field: Int, _ feature: String) throws(FlatBufferError) {
    if let place = try place(of: field, byteCount: 1) {
      throw FlatBufferError(.unsupported(feature), at: place)
    }
  }
}
