/// Writes FlatBuffers tables, each before the parts that it leads to; equal values give equal bytes.
struct FlatBufferWriter {
  private var bytes: [UInt8] = []

  /// The bytes of a file with a root table.
  ///
  /// - Throws: `FlatBufferError`, where a table can't be written or the file gets too large.
  static func write(_ root: some FlatBufferTable, identifier: String) throws(FlatBufferError) -> [UInt8] {
    var writer = FlatBufferWriter()
    writer.bytes = [UInt8](repeating: 0, count: 4) + identifier.utf8
    try writer.connect(0, to: writer.append(root))
    writer.pad(to: 4)
    return writer.bytes
  }

  /// Appends a table and all that it leads to.
  ///
  /// Returns its place.
  fileprivate mutating func append(_ table: some FlatBufferTable) throws(FlatBufferError) -> Int {
    var table = table
    var fields = FlatBufferTableWriter()
    try table.visit(&fields)
    // Large fields first, so that each lies at a multiple of its own size behind the four bytes at the start.
    var offsets = [Int](repeating: 0, count: (fields.entries.map(\.field).max() ?? -1) + 1)
    var byteCount = 4
    for size in [4, 8, 2, 1] {
      for entry in fields.entries where entry.byteCount == size {
        byteCount = (byteCount + size - 1) / size * size
        offsets[entry.field] = byteCount
        byteCount += size
      }
    }
    let listByteCount = 4 + 2 * offsets.count
    pad(to: 8, after: listByteCount)
    let place = bytes.count + listByteCount
    for number in [listByteCount, byteCount] + offsets { append(UInt16(number)) }
    append(Int32(listByteCount))
    bytes += [UInt8](repeating: 0, count: byteCount - 4)
    for entry in fields.entries {
      let target = place + offsets[entry.field]
      switch entry.content {
      case .number(let bits): put(bits, byteCount: entry.byteCount, at: target)
      case .part(let append): try connect(target, to: append(&self))
      }
    }
    return place
  }

  fileprivate mutating func append<Value: FlatBufferScalar>(
    vector values: [Value], alignment: Int
  ) -> Int {
    pad(to: max(4, alignment), after: 4)
    append(UInt32(truncatingIfNeeded: values.count))
    let place = bytes.count - 4
    for value in values { append(value) }
    return place
  }

  fileprivate mutating func append(_ text: String) -> Int {
    let place = append(vector: Array(text.utf8), alignment: 1)
    bytes.append(0)
    return place
  }

  fileprivate mutating func append(_ tables: [some FlatBufferTable]) throws(FlatBufferError) -> Int {
    let place = append(vector: [UInt32](repeating: 0, count: tables.count), alignment: 4)
    for (index, table) in tables.enumerated() {
      try connect(place + 4 + 4 * index, to: append(table))
    }
    return place
  }

  /// Puts the distance from an offset's place to what it leads to.
  private mutating func connect(_ place: Int, to target: Int) throws(FlatBufferError) {
    guard bytes.count <= Int(Int32.max) else { throw FlatBufferError(.tooLarge, at: place) }
    put(UInt64(target - place), byteCount: 4, at: place)
  }

  private mutating func append<Value: FlatBufferScalar>(_ value: Value) {
    for index in 0..<Value.byteCount { bytes.append(UInt8(truncatingIfNeeded: value.bits >> (8 * index))) }
  }

  private mutating func put(_ bits: UInt64, byteCount: Int, at place: Int) {
    for index in 0..<byteCount { bytes[place + index] = UInt8(truncatingIfNeeded: bits >> (8 * index)) }
  }

  /// Adds zeros until what follows the next `count` bytes lies at a multiple of `alignment`.
  private mutating func pad(to alignment: Int, after count: Int = 0) {
    while (bytes.count + count) % alignment != 0 { bytes.append(0) }
  }
}

/// Collects one table's fields.
private struct FlatBufferTableWriter: FlatBufferFields {
  struct Entry {
    var field: Int
    var byteCount: Int
    var content: Content
  }

  enum Content {
    case number(UInt64)
    /// Appends the part and gives its place.
    case part((inout FlatBufferWriter) throws(FlatBufferError) -> Int)
  }

  var entries: [Entry] = []

  private mutating func add(
    _ field: Int, _ append: @escaping (inout FlatBufferWriter) throws(FlatBufferError) -> Int
  ) {
    entries.append(Entry(field: field, byteCount: 4, content: .part(append)))
  }

  mutating func scalar<Value: FlatBufferScalar>(_ field: Int, _ value: inout Value, default: Value) {
    guard value.bits != `default`.bits else { return }
    entries.append(Entry(field: field, byteCount: Value.byteCount, content: .number(value.bits)))
  }

  mutating func vector<Value: FlatBufferScalar>(
    _ field: Int, _ values: inout [Value], alignment: Int, isOptional: Bool
  ) {
    if values.isEmpty && isOptional { return }
    let values = values
    add(field) { writer in writer.append(vector: values, alignment: alignment) }
  }

  mutating func string(_ field: Int, _ text: inout String) {
    guard !text.isEmpty else { return }
    let text = text
    add(field) { writer in writer.append(text) }
  }

  mutating func table<Table: FlatBufferTable>(_ field: Int, _ table: inout Table?, empty: Table) {
    guard let table else { return }
    add(field) { writer throws(FlatBufferError) in try writer.append(table) }
  }

  mutating func tables<Table: FlatBufferTable>(_ field: Int, _ tables: inout [Table], empty: Table) {
    let tables = tables
    add(field) { writer throws(FlatBufferError) in try writer.append(tables) }
  }

  func refuse(_ field: Int, _ feature: String) {}
}
