import ECG
import Foundation
import Support
import Testing
import TestSupport

/// Outside truth: bytes packed by hand from the WFDB manual's description of each format (signal(5)).
@Suite struct SignalFormatTests {
  /// A format, samples, and the bytes that the manual's words give for them.
  struct Vector: Sendable, CustomTestStringConvertible {
    let format: Int
    let samples: [Int32]
    let bytes: [UInt8]
    var testDescription: String { "format \(format), \(samples.count) samples" }
  }

  static let vectors: [Vector] = [
    // Differences 0, +2, -3, +127, -128.
    Vector(format: 8, samples: [10, 12, 9, 136, 8], bytes: [0x00, 0x02, 0xFD, 0x7F, 0x80]),
    Vector(
      format: 16, samples: [1, -2, 258, 32767, -32767],
      bytes: [0x01, 0x00, 0xFE, 0xFF, 0x02, 0x01, 0xFF, 0x7F, 0x01, 0x80]),
    Vector(format: 24, samples: [1, -2, 70_000], bytes: [0x01, 0, 0, 0xFE, 0xFF, 0xFF, 0x70, 0x11, 0x01]),
    Vector(
      format: 32, samples: [-2, 70_000, 0x1234_5678],
      bytes: [0xFE, 0xFF, 0xFF, 0xFF, 0x70, 0x11, 0x01, 0x00, 0x78, 0x56, 0x34, 0x12]),
    Vector(format: 61, samples: [1, -2, 258], bytes: [0x00, 0x01, 0xFF, 0xFE, 0x01, 0x02]),
    // 128 + sample.
    Vector(format: 80, samples: [1, -2, 100, -127], bytes: [0x81, 0x7E, 0xE4, 0x01]),
    // 32768 + sample, low byte first.
    Vector(format: 160, samples: [1, -2, 258], bytes: [0x01, 0x80, 0xFE, 0x7F, 0x02, 0x81]),
    // 995 = 0x3E3 and 1011 = 0x3F3: the first pair of MIT-BIH's 100.dat. -1 = 0xFFF, -2047 = 0x801.
    Vector(format: 212, samples: [995, 1011], bytes: [0xE3, 0x33, 0xF3]),
    Vector(
      format: 212, samples: [995, 1011, -1, -2047, 5], bytes: [0xE3, 0x33, 0xF3, 0xFF, 0x8F, 0x01, 5, 0]),
    // 1 << 1 with the low 5 bits of 300 above it, then -2 << 1 with the high 5 bits of 300 above it.
    Vector(format: 310, samples: [1, -2, 300], bytes: [0x02, 0x60, 0xFC, 0x4F]),
    Vector(format: 310, samples: [1, -2, 300, -511], bytes: [0x02, 0x60, 0xFC, 0x4F, 0x02, 0x04]),
    // 1 | -2 << 10 | 300 << 20.
    Vector(format: 311, samples: [1, -2, 300], bytes: [0x01, 0xF8, 0xCF, 0x12]),
    Vector(format: 311, samples: [1, -2, 300, -511], bytes: [0x01, 0xF8, 0xCF, 0x12, 0x01, 0x02]),
  ]

  private func header(_ vector: Vector) -> String {
    let sum = vector.samples.reduce(Int32(0), &+)
    return """
      r 1 360 \(vector.samples.count)
      r.dat \(vector.format) 200 12 0 \(vector.samples[0]) \(Int16(truncatingIfNeeded: sum)) 0 II

      """
  }

  @Test(arguments: vectors) func readsBytesMadeByHand(_ vector: Vector) throws {
    let folder = try TemporaryFolder()
    try folder.put("r.hea", header(vector))
    try folder.put("r.dat", vector.bytes)
    let record = try Record.read(folder.file("r"))
    #expect(record.signals[0].samples == vector.samples)
    #expect(record.signals[0].format.rawValue == vector.format)
  }

  @Test(arguments: vectors) func writesBytesMadeByHand(_ vector: Vector) throws {
    let folder = try TemporaryFolder()
    try folder.put("r.hea", header(vector))
    try folder.put("r.dat", vector.bytes)
    let record = try Record.read(folder.file("r"))
    let format = try #require(SignalFormat(rawValue: vector.format))
    #expect(try record.encoded(name: "r", format: format).signals == Data(vector.bytes))
  }

  @Test(
    arguments: [
      (16, [0x00, 0x80]), (24, [0, 0, 0x80]), (32, [0, 0, 0, 0x80]), (61, [0x80, 0]), (80, [0]),
      (160, [0, 0]), (212, [0x00, 0x08]), (310, [0x00, 0x04]), (311, [0x00, 0x02]),
    ] as [(Int, [UInt8])])
  func marksTheFormatsLowestValueAsInvalid(format: Int, bytes: [UInt8]) throws {
    let folder = try TemporaryFolder()
    try folder.put("r.hea", "r 1 360 1\nr.dat \(format) 200 12 0 0\n")
    try folder.put("r.dat", bytes)
    let signal = try Record.read(folder.file("r")).signals[0]
    #expect(signal.samples == [Signal.invalidSample])
    #expect(signal.invalidSampleCount == 1)
  }

  @Test(arguments: SignalFormat.allCases.filter { $0 != .null && $0 != .differences8 })
  func randomSamplesSurviveEveryFormatAndLength(_ format: SignalFormat) throws {
    var generator = SeededGenerator(seed: UInt64(format.rawValue))
    let folder = try TemporaryFolder()
    for count in 1...13 {
      let limit = Double(Int64(1) << Int64(format.bitCount - 1) - 1)
      let signals = (0..<3).map { lead in
        var specification = SignalSpecification()
        specification.name = "lead \(lead)"
        let samples = (0..<count).map { _ in
          generator.nextIndex(below: 9) == 0
            ? Signal.invalidSample : Int32(generator.next(in: -limit...limit).rounded())
        }
        return Signal(specification, sampleRateHz: 250, samples: samples)
      }
      let record = Record(name: "r", sampleRateHz: 250, sampleCount: count, signals: signals)
      try record.write(folder.file("r"), format: format)
      #expect(try Record.read(folder.file("r")).signals.map(\.samples) == signals.map(\.samples))
    }
  }

  @Test(arguments: [(8, 128), (16, 32768), (80, 128), (212, 2048), (310, 512), (311, -512), (212, -2048)])
  func refusesToWriteWhatDoesNotFit(format: Int, sample: Int32) throws {
    let signal = Signal(SignalSpecification(), sampleRateHz: 360, samples: [0, sample])
    let record = Record(name: "r", sampleRateHz: 360, sampleCount: 2, signals: [signal])
    let format = try #require(SignalFormat(rawValue: format))
    let error = failure { _ = try record.encoded(name: "r", format: format) }
    #expect(error?.problem == "\(sample) does not fit format \(format.rawValue)")
  }
}
