import Foundation
import Networks

/// A constant of an ONNX model: its dimensions and its numbers, whatever type they are stored in.
package struct ONNXTensor: Equatable, Sendable {
  /// The element types of the ONNX format that hold numbers, by their codes there.
  package enum ElementType: Int, Sendable {
    /// 32-bit floating point.
    case float32 = 1
    /// Whole numbers of 8 and 16 bits.
    case uint8 = 2, int8, uint16, int16
    /// Whole numbers of 32 and 64 bits.
    case int32 = 6, int64
    /// False or true.
    case bool = 9
    /// 16-bit floating point.
    case float16 = 10
    /// 64-bit floating point.
    case float64 = 11
    /// Whole numbers from 0 of 32 and 64 bits.
    case uint32 = 12, uint64
    /// The upper half of a `float32`.
    case bfloat16 = 16

    /// Whether the numbers are whole.
    var isWhole: Bool {
      switch self {
      case .float32, .float16, .float64, .bfloat16: false
      default: true
      }
    }

    /// The size of a number in bytes.
    var byteCount: Int {
      switch self {
      case .uint8, .int8, .bool: 1
      case .uint16, .int16, .float16, .bfloat16: 2
      case .float32, .int32, .uint32: 4
      case .float64, .int64, .uint64: 8
      }
    }
  }

  /// The dimensions, outermost first.
  package var shape: [Int]
  /// The type.
  package var type: ElementType
  /// The numbers, the last dimension's neighbours next to each other.
  package var values: [Double]
  /// Scales of which the numbers are whole multiples, where they are dequantized codes.
  var scales: [Float] = []
  /// The dimension that several scales belong to.
  var scaleAxis = 0

  /// Creates a constant.
  init(shape: [Int], type: ElementType, values: [Double]) {
    (self.shape, self.type, self.values) = (shape, type, values)
  }

  /// Creates a row of whole numbers.
  init(_ numbers: [Int]) {
    self.init(shape: [numbers.count], type: .int64, values: numbers.map(Double.init))
  }

  /// The numbers as whole ones, those beyond an `Int` as its limits.
  var integers: [Int] {
    values.map { $0 >= 0x1p63 ? .max : $0 <= -0x1p63 ? .min : $0.isNaN ? 0 : Int($0) }
  }

  /// The numbers in single precision.
  var floats: [Float] { values.map { Float($0) } }

  /// The array for a graph.
  var array: ConstantArray {
    var array = ConstantArray(shape: shape, values: floats)
    (array.scales, array.scaleAxis) = (scales, scaleAxis)
    return array
  }

  /// The greatest number of values that a constant may have.
  static let greatestCount = 1 << 26
}

extension ONNXTensor {
  /// Reads a TensorProto.
  ///
  /// - Returns: Its name and itself.
  /// - Throws: `ProtobufError`.
  static func read(_ bytes: ArraySlice<UInt8>) throws(ProtobufError) -> (name: String, tensor: ONNXTensor) {
    var reader = ProtobufReader(bytes)
    var (name, dimensions, code): (String, [Int64], Int64) = ("", [], 0)
    var raw: ArraySlice<UInt8>?
    var values: [Double] = []
    var place = reader.place
    while let (field, content) = try reader.next() {
      switch field {
      case 1: dimensions += try content.integers(at: place)
      case 2: code = try content.integer(at: place)
      case 4: values += try content.floats(at: place).map(Double.init)
      case 5: values += try content.integers(at: place).map { Double(Int32(truncatingIfNeeded: $0)) }
      case 7: values += try content.integers(at: place).map(Double.init)
      case 8: name = try content.text(at: place)
      case 9: raw = try content.bytes(at: place)
      case 10: values += try content.doubles(at: place)
      case 11: values += try content.integers(at: place).map { Double(UInt64(bitPattern: $0)) }
      case 3: throw ProtobufError(.unsupported("a tensor in segments"), at: place)
      case 13: throw ProtobufError(.unsupported("weights in a file of their own"), at: place)
      case 14:
        guard try content.integer(at: place) == 0 else {
          throw ProtobufError(.unsupported("weights in a file of their own"), at: place)
        }
      default: break
      }
      place = reader.place
    }
    let start = bytes.startIndex
    guard let type = ElementType(rawValue: Int(clamping: code)) else {
      throw ProtobufError(.unsupported("a tensor of the type \(code)"), at: start)
    }
    var shape: [Int] = []
    var count = 1
    for dimension in dimensions {
      guard (0...Int64(greatestCount)).contains(dimension) else {
        throw ProtobufError(.invalidTensor("a tensor has the dimension \(dimension)"), at: start)
      }
      shape.append(Int(dimension))
      count *= Int(dimension)
      guard count <= greatestCount else {
        throw ProtobufError(.invalidTensor("a tensor has more than 2^26 values"), at: start)
      }
    }
    if let raw { values = numbers(raw, type) } else { values = decoded(values, type) }
    guard values.count == count, raw.map({ $0.count == count * type.byteCount }) ?? true else {
      throw ProtobufError(.invalidTensor("a tensor of \(count) numbers has \(values.count)"), at: start)
    }
    return (name, ONNXTensor(shape: shape, type: type, values: values))
  }

  /// Numbers that are stored one after the other, little-endian.
  private static func numbers(_ raw: ArraySlice<UInt8>, _ type: ElementType) -> [Double] {
    func each<Number: FixedWidthInteger>(_: Number.Type, _ value: (Number) -> Double) -> [Double] {
      let size = Number.bitWidth / 8
      return (0..<raw.count / size).map { index in
        let first = raw.startIndex + index * size
        return value((0..<size).reduce(0) { $0 | Number(truncatingIfNeeded: raw[first + $1]) << (8 * $1) })
      }
    }
    return switch type {
    case .float32: each(UInt32.self) { Double(Float(bitPattern: $0)) }
    case .float64: each(UInt64.self) { Double(bitPattern: $0) }
    case .float16: each(UInt16.self, half)
    case .bfloat16: each(UInt16.self) { Double(Float(bitPattern: UInt32($0) << 16)) }
    case .uint8, .bool: each(UInt8.self) { Double($0) }
    case .int8: each(Int8.self) { Double($0) }
    case .uint16: each(UInt16.self) { Double($0) }
    case .int16: each(Int16.self) { Double($0) }
    case .int32: each(Int32.self) { Double($0) }
    case .uint32: each(UInt32.self) { Double($0) }
    case .int64: each(Int64.self) { Double($0) }
    case .uint64: each(UInt64.self) { Double($0) }
    }
  }

  /// Numbers of fields of their own: those of 16-bit floating point are stored as their bits.
  private static func decoded(_ values: [Double], _ type: ElementType) -> [Double] {
    switch type {
    case .float16: values.map { half(UInt16(truncatingIfNeeded: Int(exactly: $0) ?? 0)) }
    case .bfloat16:
      values.map {
        Double(Float(bitPattern: UInt32(UInt16(truncatingIfNeeded: Int(exactly: $0) ?? 0)) << 16))
      }
    default: values
    }
  }

  /// A 16-bit floating-point number of a sign, five bits of exponent and ten of fraction.
  static func half(_ bits: UInt16) -> Double {
    let (sign, exponent, fraction) = (bits >> 15, Int(bits >> 10 & 31), Double(bits & 1023) / 1024)
    let magnitude =
      switch exponent {
      case 0: scalbn(fraction, -14)
      case 31: fraction == 0 ? Double.infinity : .nan
      default: scalbn(1 + fraction, exponent - 15)
      }
    return sign == 0 ? magnitude : -magnitude
  }
}

extension ONNXTensor {
  /// The dimensions in another order.
  func transposed(_ permutation: [Int]) -> ONNXTensor {
    let strides = contiguousStrides(shape)
    let shape = permutation.map { self.shape[$0] }
    return ONNXTensor(
      shape: shape, type: type, values: values.gathered(shape, strides: permutation.map { strides[$0] })
    )
  }

  /// The numbers at some places of a dimension.
  func gathered(axis: Int, _ places: [Int]) -> ONNXTensor {
    let inner = shape[(axis + 1)...].reduce(1, *)
    let outer = shape[..<axis].reduce(1, *)
    var result: [Double] = []
    result.reserveCapacity(outer * places.count * inner)
    for row in 0..<outer {
      for place in places {
        let start = (row * shape[axis] + place) * inner
        result += values[start..<start + inner]
      }
    }
    var shape = shape
    shape[axis] = places.count
    return ONNXTensor(shape: shape, type: type, values: result)
  }

  /// Dimensions of 1 repeated to a shape of as many dimensions, or more before; nil where it doesn't fit.
  func repeated(to shape: [Int]) -> ONNXTensor? {
    let missing = shape.count - self.shape.count
    guard missing >= 0, shape.reduce(1, { min($0 * $1, Self.greatestCount + 1) }) <= Self.greatestCount else {
      return nil
    }
    let own = [Int](repeating: 1, count: missing) + self.shape
    guard zip(own, shape).allSatisfy({ $0 == $1 || $0 == 1 }) else { return nil }
    let strides = zip(own, contiguousStrides(own)).map { $0 == 1 ? 0 : $1 }
    return ONNXTensor(shape: shape, type: type, values: values.gathered(shape, strides: strides))
  }

  /// Constants one after the other along a dimension; nil where their shapes don't fit together.
  static func concatenated(_ parts: [ONNXTensor], axis: Int) -> ONNXTensor? {
    guard let first = parts.first, first.shape.indices.contains(axis) else { return nil }
    var shape = first.shape
    shape[axis] = 0
    for part in parts {
      guard part.shape.count == shape.count,
        part.shape.indices.allSatisfy({ $0 == axis || part.shape[$0] == shape[$0] })
      else { return nil }
      shape[axis] += part.shape[axis]
    }
    let inner = shape[(axis + 1)...].reduce(1, *)
    var values: [Double] = []
    for row in 0..<shape[..<axis].reduce(1, *) {
      for part in parts {
        let size = part.shape[axis] * inner
        values += part.values[row * size..<(row + 1) * size]
      }
    }
    return ONNXTensor(shape: shape, type: first.type, values: values)
  }
}
