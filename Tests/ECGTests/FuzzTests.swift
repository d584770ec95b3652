import ECG
import Foundation
import Support
import Testing
import TestSupport

/// Whatever the bytes, a parser answers with a value or with a `FileError`; a trap would end the test run.
@Suite struct FuzzTests {
  /// The bytes with some of them changed, cut, doubled or replaced by numbers that parsers stumble over.
  private func mutate(_ bytes: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
    var bytes = bytes
    let awkward = [
      "0", "-1", "nan", "inf", "1e999", "99999999999999999999", "9223372036854775807", "2147483648", "x", "/",
      "~",
      "#", "\n", " ", ",", "(", ")", ":", "+", "\"", "\u{E9}", "\0",
    ]
    for _ in 0...generator.nextIndex(below: 4) {
      let place = generator.nextIndex(below: bytes.count + 1)
      switch generator.nextIndex(below: 5) {
      case 0: if place < bytes.count { bytes[place] = UInt8(truncatingIfNeeded: generator.next()) }
      case 1: bytes.removeSubrange(place...)
      case 2: bytes.insert(contentsOf: awkward[generator.nextIndex(below: awkward.count)].utf8, at: place)
      case 3:
        let end = min(place + 1 + generator.nextIndex(below: 6), bytes.count)
        bytes.replaceSubrange(place..<end, with: awkward[generator.nextIndex(below: awkward.count)].utf8)
      default: bytes += bytes.prefix(place)
      }
    }
    return bytes
  }

  private static let headers = [
    "r 2 360/1.5(-2) 4 13:05:00 25/4/1989\nr.dat 212x2:3+1 200(5)/mV 11 1024 995 0 0 MLII\nr.dat 212+1 0\n# c\n",
    "r 1 360 4\nr.dat 8 200 12 0 7 0 0 II\n", "r 3\nr.dat 310\nr.dat 310\nr.dat 310x2\n",
    "r/3 1 360 5\na 2\n~ 1\na 2\n", "r/2 1 360 2\nl 0\na 2\n",
  ]

  // claim: records-fuzz
  @Test func noHeaderTraps() throws {
    var generator = SeededGenerator(seed: 1)
    var failures = 0
    for round in 0..<20_000 {
      let header = mutate(Array(Self.headers[round % Self.headers.count].utf8), &generator)
      if failure({ _ = try RecordHeader(parsing: Data(header), file: "r.hea") }) != nil { failures += 1 }
    }
    #expect(failures > 2000 && failures < 20_000)
  }

  @Test func noRecordTraps() throws {
    let folder = try TemporaryFolder()
    try folder.put("a.hea", "a 1 360 2\na.dat 16 200 12 0 1 3 0 II\n")
    try folder.put("a.dat", [1, 0, 2, 0] as [UInt8])
    try folder.put("l.hea", "l 1 360 0\n~ 0 200 12 0 0 0 0 II\n")
    try folder.put("r.dat", (0..<40).map { UInt8($0 * 5) })
    var generator = SeededGenerator(seed: 6)
    var failures = 0
    for round in 0..<400 {
      try folder.put("r.hea", mutate(Array(Self.headers[round % Self.headers.count].utf8), &generator))
      if failure({ _ = try Record.read(folder.file("r"), verifyingChecksums: false) }) != nil {
        failures += 1
      }
    }
    #expect(failures > 40 && failures < 400)
  }

  // claim: records-fuzz
  @Test(arguments: SignalFormat.allCases) func noSignalFileTraps(_ format: SignalFormat) throws {
    let folder = try TemporaryFolder()
    var generator = SeededGenerator(seed: 2)
    for length in 0..<60 {
      try folder.put(
        "r.hea", "r 2 360 \(length % 7)\nr.dat \(format.rawValue)x2:1 0\nr.dat \(format.rawValue) 0\n")
      try folder.put("r.dat", (0..<length).map { _ in UInt8(truncatingIfNeeded: generator.next()) })
      if let record = try? Record.read(folder.file("r")) {
        #expect(record.signals[0].samples.count == 2 * record.sampleCount)
      }
    }
  }

  // claim: records-fuzz
  @Test func noAnnotationFileTraps() throws {
    var generator = SeededGenerator(seed: 3)
    let labels = (1...30).map {
      Annotation(
        sample: $0 * 700, code: .normal, subtype: Int8($0 % 2), channel: UInt8($0 % 3), number: Int8($0 % 5),
        auxiliary: [40, 65, 0])
    }
    let bytes = [UInt8](try Annotations(labels, sampleRateHz: 360).encoded(file: "r.atr"))
    var failures = 0
    for _ in 0..<20_000 {
      let data = Data(mutate(bytes, &generator))
      guard let read = try? Annotations(parsing: data, file: "r.atr") else {
        failures += 1
        continue
      }
      failures += read.notes.isEmpty ? 0 : 1
      _ = read.all.map(\.text)
      _ = try? read.encoded(file: "r.atr")
    }
    #expect(failures > 1000 && failures < 20_000)
  }

  // claim: records-fuzz
  @Test func noCSVTraps() throws {
    var generator = SeededGenerator(seed: 4)
    let text = "time [s],MLII [mV],\"V5, b (uV)\",II [ADC]\r\n0,0.5,-3,4\r\n0.25,1e-3,2,7\r\n0.5,3,4,5\r\n"
    var failures = 0
    for _ in 0..<10_000 {
      let data = Data(mutate(Array(text.utf8), &generator))
      if let record = try? Record(csv: data, name: "x", file: "x.csv") {
        _ = try? record.csv()
      } else {
        failures += 1
      }
    }
    #expect(failures > 1000 && failures < 10_000)
  }
}
