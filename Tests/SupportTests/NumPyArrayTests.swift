import Foundation
import Support
import Testing
import TestSupport

@Suite struct NumPyArrayTests {
  /// A file as NumPy writes it, from a header's text and the numbers' bytes.
  private static func file(_ text: String, _ content: [UInt8], version: UInt8 = 1) -> Data {
    let header = Array(text.utf8) + [0x0A]
    let length = (0..<(version == 1 ? 2 : 4)).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
    return Data([0x93] + Array("NUMPY".utf8) + [version, 0] + length + header + content)
  }

  private static func header(_ type: String, _ shape: String) -> String {
    "{'descr': '\(type)', 'fortran_order': False, 'shape': \(shape), }"
  }

  @Test func numPysOwnBytesAreReadAndWritten() throws {
    // What numpy.save writes for numpy.array([[1, -2, 3], [4, 5, -6]], "int16").
    let saved = try #require(
      Data(
        base64Encoded: "k05VTVBZAQB2AHsnZGVzY3InOiAnPGkyJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzog"
          + "KDIsIDMpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg"
          + "ICAgICAgIAoBAP7/AwAEAAUA+v8="))
    let array = NumPyArray(shape: [2, 3], values: .int16([1, -2, 3, 4, 5, -6]))
    #expect(try NumPyArray(decoding: saved, file: "a.npy") == array)
    #expect(array.encoded() == saved)
  }

  @Test func everyTypeSurvivesARoundTrip() throws {
    for array in [
      NumPyArray(shape: [3], values: .int8([-128, 0, 127])),
      NumPyArray(shape: [1, 2], values: .int16([.min, .max])),
      NumPyArray(shape: [2, 1], values: .int32([.min, .max])),
      NumPyArray(shape: [], values: .float32([-0.125])),
      NumPyArray(shape: [0, 5], values: .int8([])),
      NumPyArray(shape: [Int](repeating: 1, count: 30_000), values: .int8([5])),
    ] {
      let data = array.encoded()
      #expect((data.count - array.values.count * size(array.values)) % 64 == 0)
      #expect(try NumPyArray(decoding: data, file: "a.npy") == array)
    }
  }

  /// NumPy's version 1 counts a header in 16 bits, version 2 in 32: about the border the length is the header's all the same.
  @Test(arguments: 21_790...21_870) func aHeadersLengthFitsItsField(dimensions: Int) {
    let array = NumPyArray(shape: [Int](repeating: 1, count: dimensions), values: .int8([5]))
    let bytes = Array(array.encoded())
    let fieldCount = bytes[6] == 1 ? 2 : 4
    let length = (0..<fieldCount).reduce(0) { $0 | Int(bytes[8 + $1]) << (8 * $1) }
    #expect(8 + fieldCount + length + 1 == bytes.count && bytes[bytes.count - 2] == 0x0A)
  }

  @Test func laterVersionsAndOtherOrdersOfTheHeaderAreRead() throws {
    let array = NumPyArray(shape: [2], values: .int8([1, 2]))
    for version in UInt8(1)...3 {
      for text in [
        Self.header("|i1", "(2,)"), "{\"shape\":(2 ,),'fortran_order':False,'descr':\"|i1\"}   ",
      ] {
        #expect(try NumPyArray(decoding: Self.file(text, [1, 2], version: version), file: "a.npy") == array)
      }
    }
  }

  @Test func wideNumbersAreReadAsNarrowOnes() throws {
    let eight: [UInt8] = [254, 255, 255, 255, 255, 255, 255, 255]
    #expect(
      try NumPyArray(decoding: Self.file(Self.header("<i8", "(1,)"), eight), file: "a.npy")
        == NumPyArray(shape: [1], values: .int32([-2])))
    // 1.5 in double precision
    #expect(
      try NumPyArray(
        decoding: Self.file(Self.header("<f8", "(1,)"), [0, 0, 0, 0, 0, 0, 0xF8, 0x3F]), file: "a.npy")
        == NumPyArray(shape: [1], values: .float32([1.5])))
    let error = #expect(throws: FileError.self) {
      try NumPyArray(
        decoding: Self.file(Self.header("<i8", "(1,)"), [0, 0, 0, 0, 1, 0, 0, 0]), file: "a.npy")
    }
    #expect(error?.problem.contains("4294967296 is beyond int32") == true)
  }

  @Test(arguments: [
    (header("<c8", "(1,)"), 8, "<c8"), (header(">i2", "(1,)"), 2, ">i2"), (header("|i1", "(2,)"), 1, "[2]"),
    (header("|i1", "(2,)"), 3, "[2]"), (header("<i4", "(9223372036854775807, 3)"), 4, "values"),
    (header("|i1", "(99999999999999999999,)"), 1, "header"), (header("|i1", "(-1,)"), 1, "header"),
    (header("|i1", "(1"), 1, "header"), ("{'descr': '|i1', 'shape': (1,)}", 1, "header"),
    ("{'descr': '|i1', 'fortran_order': True, 'shape': (1,)}", 1, "Fortran"), ("", 1, "header"),
    ("{'descr': [('a', '|i1')], 'fortran_order': False, 'shape': (1,)}", 1, "header"),
  ])
  func whatIsNoSuchArrayIsRefused(_ text: String, byteCount: Int, problem: String) {
    let error = #expect(throws: FileError.self) {
      _ = try NumPyArray(
        decoding: Self.file(text, [UInt8](repeating: 0, count: byteCount)), file: "a.npy")
    }
    #expect(error?.kind == .malformed && error?.problem.contains(problem) == true, "\(error!)")
  }

  @Test func everyTruncationIsRefusedAndNoMutationTraps() throws {
    let data = NumPyArray(shape: [2, 3], values: .int16([1, -2, 3, 4, 5, -6])).encoded()
    for count in 0..<data.count {
      #expect(throws: FileError.self) { _ = try NumPyArray(decoding: data.prefix(count), file: "a.npy") }
    }
    var random = SeededGenerator(seed: 61)
    var refused = 0
    for _ in 0..<20_000 {
      var mutated = data
      mutated[random.nextIndex(below: data.count)] = UInt8(truncatingIfNeeded: random.next())
      if (try? NumPyArray(decoding: mutated, file: "a.npy")) == nil { refused += 1 }
    }
    #expect(refused > 1000 && refused < 20_000)
  }

  private func size(_ values: NumPyArray.Values) -> Int {
    switch values {
    case .int8, .uint8: 1
    case .int16: 2
    case .int32, .float32: 4
    }
  }

  /// NumPy's own spelling of int64, which is what labels usually are.
  @Test func labelsAreWholeNumbersOfEveryWidthWithinTheClasses() throws {
    let folder = try TemporaryFolder()
    func put(_ type: String, _ bytes: [UInt8], count: Int) throws -> String {
      let header = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(count),), }"
      let text = header + String(repeating: " ", count: 117 - header.count) + "\n"
      let file = folder("\(type.dropFirst()).npy")
      try Files.write(
        Data([0x93] + "NUMPY".utf8 + [1, 0, UInt8(text.utf8.count), 0]) + Data(text.utf8) + Data(bytes),
        to: file)
      return file
    }
    let wide = try put(
      "<i8", [2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], count: 3)
    #expect(try NumPyArray.classes(reading: wide, count: 3, classCount: 3) == [2, 1, 0])
    #expect(
      try NumPyArray.classes(reading: put("|u1", [3, 0], count: 2), count: 2, classCount: 4) == [3, 0])
    for (type, bytes) in [
      ("|b1", [1, 0] as [UInt8]), ("<u2", [1, 0, 0, 0]), ("<u4", [1, 0, 0, 0, 0, 0, 0, 0]),
      ("<u8", [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    ] {
      let file = try put(type, bytes, count: 2)
      #expect(try NumPyArray.classes(reading: file, count: 2, classCount: 2) == [1, 0], "\(type)")
    }
    for (count, classes) in [(2, 3), (3, 2)] {
      #expect(throws: FileError.self) {
        try NumPyArray.classes(reading: wide, count: count, classCount: classes)
      }
    }
  }
}
