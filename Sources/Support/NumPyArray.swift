import Foundation

/// An array of numbers in NumPy's `.npy` format, in C order, little-endian.
///
/// Read are the header versions 1.0, 2.0 and 3.0; written is 1.0, or 2.0 where the header is too long for it. Wider whole
/// numbers are read as int32, truth values as uint8, float64 as float32.
package struct NumPyArray: Equatable, Sendable {
  /// The numbers, the last dimension's neighbours next to each other.
  package enum Values: Equatable, Sendable {
    /// `int8`.
    case int8([Int8])
    /// `uint8`.
    case uint8([UInt8])
    /// `int16`.
    case int16([Int16])
    /// `int32`.
    case int32([Int32])
    /// `float32`.
    case float32([Float])

    /// The number of values.
    package var count: Int {
      switch self {
      case .int8(let values): values.count
      case .uint8(let values): values.count
      case .int16(let values): values.count
      case .int32(let values): values.count
      case .float32(let values): values.count
      }
    }

    /// The type's name in NumPy.
    package var typeName: String {
      switch self {
      case .int8: "int8"
      case .uint8: "uint8"
      case .int16: "int16"
      case .int32: "int32"
      case .float32: "float32"
      }
    }
  }

  /// The dimensions, outermost first.
  package let shape: [Int]
  /// The numbers.
  package let values: Values

  /// Creates an array; the shape's product must be the number of values.
  package init(shape: [Int], values: Values) {
    precondition(shape.reduce(1, *) == values.count, "the shape doesn't fit the values")
    (self.shape, self.values) = (shape, values)
  }

  /// Reads labels: whole numbers, a class a sample.
  ///
  /// - Parameters:
  ///   - file: The `.npy` file, of any type of integers.
  ///   - count: The number of samples.
  ///   - classCount: The number of classes; a label is in `0 ..< classCount`.
  /// - Returns: The samples' classes.
  /// - Throws: `FileError` where the file is missing or wrong, of another length, or has another number in it.
  package static func classes(
    reading file: String, count: Int, classCount: Int
  ) throws(FileError) -> [Int] {
    let labels: [Int]
    switch try read(file).values {
    case .int8(let values): labels = values.map { Int($0) }
    case .uint8(let values): labels = values.map { Int($0) }
    case .int16(let values): labels = values.map { Int($0) }
    case .int32(let values): labels = values.map { Int($0) }
    case .float32: labels = []
    }
    guard labels.count == count, labels.allSatisfy({ (0..<classCount).contains($0) }) else {
      throw .malformed(
        file, "isn't \(count) whole numbers in 0 ... \(classCount - 1)", remedy: "give a class a sample")
    }
    return labels
  }

  private static let magic: [UInt8] = [0x93] + "NUMPY".utf8
  private static let remedy = "save it with numpy.save"

  /// Reads a `.npy` file.
  ///
  /// - Throws: `FileError`.
  package static func read(_ file: String) throws(FileError) -> NumPyArray {
    try NumPyArray(decoding: Files.read(file), file: file)
  }

  /// Decodes a file's bytes; `file` is its name in errors.
  ///
  /// - Throws: `FileError`, malformed, where it isn't an array of one of the types, in C order and whole.
  package init(decoding data: Data, file: String) throws(FileError) {
    let bytes = [UInt8](data)
    func malformed(_ location: String?, _ problem: String) -> FileError {
      .malformed(file, at: location, problem, remedy: Self.remedy)
    }
    guard bytes.starts(with: Self.magic), bytes.count >= 10 else {
      throw malformed(nil, "this is not a .npy file")
    }
    guard (1...3).contains(bytes[6]), bytes[7] == 0 else {
      throw malformed("byte 6", "the format's version \(bytes[6]).\(bytes[7]) is not 1.0, 2.0 or 3.0")
    }
    let lengthByteCount = bytes[6] == 1 ? 2 : 4
    let start = 8 + lengthByteCount
    guard bytes.count >= start else { throw malformed("byte 8", "the header is cut short") }
    let length = bytes[8..<start].reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= bytes.count - start else { throw malformed("byte 8", "the header is cut short") }
    guard let header = Header(String(decoding: bytes[start..<start + length], as: UTF8.self)) else {
      throw malformed("byte \(start)", "the header is not NumPy's")
    }
    guard !header.isColumnMajor else {
      throw malformed("byte \(start)", "the array is in Fortran order, not in C order")
    }
    let content = bytes[(start + length)...]
    func numbers<Number: FixedWidthInteger>(_: Number.Type) throws(FileError) -> [Number] {
      let size = Number.bitWidth / 8
      guard let count = Self.product(header.shape), let byteCount = Self.product([count, size]),
        byteCount == content.count
      else {
        throw malformed(
          "byte \(start + length)", "\(content.count) bytes follow, not those of \(header.shape) values")
      }
      return stride(from: content.startIndex, to: content.endIndex, by: size).map { place in
        (0..<size).reduce(0) { $0 | Number(truncatingIfNeeded: content[place + $1]) << (8 * $1) }
      }
    }
    func narrowed<Wide: FixedWidthInteger>(_ wide: [Wide]) throws(FileError) -> Values {
      guard let place = wide.firstIndex(where: { Int32(exactly: $0) == nil }) else {
        return .int32(wide.map { Int32(truncatingIfNeeded: $0) })
      }
      throw malformed("value \(place)", "the number \(wide[place]) is beyond int32")
    }
    switch header.type {
    case "|b1": values = .uint8(try numbers(UInt8.self).map { $0 == 0 ? 0 : 1 })
    case "|i1", "<i1", "i1": values = .int8(try numbers(Int8.self))
    case "|u1", "<u1", "u1": values = .uint8(try numbers(UInt8.self))
    case "<i2": values = .int16(try numbers(Int16.self))
    case "<i4": values = .int32(try numbers(Int32.self))
    case "<i8": values = try narrowed(try numbers(Int64.self))
    case "<u2": values = try narrowed(try numbers(UInt16.self))
    case "<u4": values = try narrowed(try numbers(UInt32.self))
    case "<u8": values = try narrowed(try numbers(UInt64.self))
    case "<f4": values = .float32(try numbers(UInt32.self).map(Float.init(bitPattern:)))
    case "<f8": values = .float32(try numbers(UInt64.self).map { Float(Double(bitPattern: $0)) })
    default:
      throw malformed(
        "byte \(start)",
        "the type \(header.type) is no integer of up to 64 bits, float32 or float64, little-endian")
    }
    shape = header.shape
  }

  /// The bytes of a `.npy` file.
  package func encoded() -> Data {
    let content: Data
    let type: String
    switch values {
    case .int8(let values): (type, content) = ("|i1", Self.littleEndian(values))
    case .uint8(let values): (type, content) = ("|u1", Data(values))
    case .int16(let values): (type, content) = ("<i2", Self.littleEndian(values))
    case .int32(let values): (type, content) = ("<i4", Self.littleEndian(values))
    case .float32(let values): (type, content) = ("<f4", Self.littleEndian(values.map(\.bitPattern)))
    }
    let dimensions = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    let text = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(dimensions)), }"
    // Spaces let the numbers start at a multiple of 64; the last byte of the header is a line feed.
    let isLong = text.utf8.count > Int(UInt16.max) - 64
    let start = isLong ? 12 : 10
    let header = text + String(repeating: " ", count: 63 - (start + text.utf8.count) % 64) + "\n"
    let length = header.utf8.count
    let version: [UInt8] = isLong ? [2, 0] : [1, 0]
    let lengthBytes = (0..<start - 8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
    return Data(Self.magic + version + lengthBytes + header.utf8) + content
  }

  private static func littleEndian<Number: FixedWidthInteger>(_ numbers: [Number]) -> Data {
    Data(numbers.map(\.littleEndian).withUnsafeBytes { [UInt8]($0) })
  }

  /// The product of dimensions; nil where it is beyond an `Int`.
  private static func product(_ dimensions: [Int]) -> Int? {
    var product = 1
    for dimension in dimensions {
      let (next, overflow) = product.multipliedReportingOverflow(by: dimension)
      guard !overflow else { return nil }
      product = next
    }
    return product
  }

  /// The header: a Python dictionary of three entries, in any order.
  private struct Header {
    var type = ""
    var isColumnMajor = false
    var shape: [Int] = []

    init?(_ text: String) {
      var rest = text.drop(while: \.isWhitespace)
      func take(_ token: String) -> Bool {
        guard rest.hasPrefix(token) else { return false }
        rest = rest.dropFirst(token.count).drop(while: \.isWhitespace)
        return true
      }
      func quoted() -> String? {
        guard let quote = rest.first, quote == "'" || quote == "\"",
          let end = rest.dropFirst().firstIndex(of: quote)
        else { return nil }
        let word = rest[rest.index(after: rest.startIndex)..<end]
        rest = rest[rest.index(after: end)...].drop(while: \.isWhitespace)
        return String(word)
      }
      func dimensions() -> [Int]? {
        guard take("(") else { return nil }
        var numbers: [Int] = []
        while !take(")") {
          let digits = rest.prefix { $0.isASCII && $0.isNumber }
          guard let number = Int(digits) else { return nil }
          numbers.append(number)
          rest = rest.dropFirst(digits.count).drop(while: \.isWhitespace)
          guard take(",") || rest.hasPrefix(")") else { return nil }
        }
        return numbers
      }
      var keys: Set<String> = []
      guard take("{") else { return nil }
      while !take("}") {
        guard let key = quoted(), keys.insert(key).inserted, take(":") else { return nil }
        switch key {
        case "descr":
          guard let word = quoted() else { return nil }
          type = word
        case "fortran_order":
          isColumnMajor = take("True")
          guard isColumnMajor || take("False") else { return nil }
        case "shape":
          guard let numbers = dimensions() else { return nil }
          shape = numbers
        default: return nil
        }
        guard take(",") || rest.hasPrefix("}") else { return nil }
      }
      guard rest.isEmpty, keys.count == 3 else { return nil }
    }
  }
}
