import ECG
import Foundation
import Support
import Testing
import TestSupport

/// Headers as programs write them that don't follow the manual to the letter.
///
/// Outside truth: header(5) for what a field
/// means, and PyPI's `wfdb`, which reads them so.
@Suite struct HeaderLeniencyTests {
  private func header(_ text: String) throws -> RecordHeader {
    try RecordHeader(parsing: Data(text.utf8), file: "r.hea")
  }

  @Test func wholeNumbersMayHaveAPoint() throws {
    let header = try header("r 1.0 360 7200.0\nr.dat 16 200(1024.0)/mV 12.0 0.0 -29.0 -846.0 0.0 MLII\n")
    let signal = header.signals[0]
    #expect(header.sampleCount == 7200 && signal.baseline == 1024 && signal.adcResolutionBits == 12)
    #expect(signal.initialValue == -29 && signal.checksum == -846 && signal.name == "MLII")
    #expect(signal.notes.isEmpty)
  }

  @Test func aFractionOfACountIsLeftOutAndNoted() throws {
    let signal = try header("r 1 360 2\nr.dat 16 200(1023.6)/mV 12 0 0 0 0 II\n").signals[0]
    #expect(signal.baseline == 1023)
    #expect(signal.notes.map(\.description) == ["r.hea:line 2: the baseline 1023.6 was taken as 1023"])
    #expect(failure { _ = try header("r 1 360 2.5\nr.dat 16\n") }?.problem.contains("'2.5'") == true)
  }

  @Test(
    arguments: [
      ("mV", 1.0), ("mv", 1), ("mVolt", 1), ("mVolts", 1), ("millivolts", 1), ("Millivolt", 1), ("uV", 1e-3),
      ("UV", 1e-3), ("\u{B5}V", 1e-3), ("\u{3BC}V", 1e-3), ("\u{FFFD}V", 1e-3), ("uVolt", 1e-3),
      ("microvolts", 1e-3), ("V", 1000), ("Volt", 1000), ("volts", 1000), ("nV", 1e-6), ("mmHg", nil),
      ("lV", nil), ("", nil), ("adu", nil),
    ] as [(String, Double?)])
  func knowsAVoltageByItsManyNames(unit: String, millivolts: Double?) {
    #expect(VoltageUnit.millivolts(per: unit) == millivolts)
  }

  @Test func readsTheMicroSignInLatin1() throws {
    var bytes = Array("r 1 360 2\nr.dat 16 0.2(0)/".utf8)
    bytes += [0xB5] + Array("V 12 0 0 0 0 II\n# caf".utf8) + [0xE9, 0x0A]
    let header = try RecordHeader(parsing: Data(bytes), file: "r.hea")
    #expect(header.signals[0].units == "\u{B5}V" && header.comments == ["caf\u{E9}"])
    let signal = Signal(header.signals[0], sampleRateHz: 360, samples: [200])
    #expect(try signal.millivolts() == [1])
  }

  @Test func aByteOrderMarkIsNoPartOfTheName() throws {
    #expect(try header("\u{FEFF}r 1 360 2\nr.dat 16 200\n").name == "r")
  }

  @Test(arguments: ["r.dat 16", "r.dat 16 0", "r.dat 16 0/mV 12 0", "r.dat 16 0(5)/uV 12 0 0 0 0 II"])
  func aGainThatWasAssumedIsSaid(line: String) throws {
    let notes = try header("r 1 360 2\n\(line)\n").signals[0].notes.map(\.text)
    #expect(notes.count == 1 && notes[0].contains("200 units a") && notes[0].contains("assumed"), "\(notes)")
  }

  @Test(arguments: ["2", "-29/mV"]) func aGainThatIsStatedIsNot(gain: String) throws {
    #expect(try header("r 1 360 2\nr.dat 16 \(gain) 12 0 0 0 0 II\n").signals[0].notes.isEmpty)
  }

  @Test func aChecksumOfZeroThatDoesNotFitIsNotStated() throws {
    let folder = try TemporaryFolder()
    try folder.put("r.hea", "r 2 360 2\nr.dat 16 200 12 0 1 0 0 I\nr.dat 16 200 12 0 2 0 0 II\n")
    try folder.put("r.dat", [1, 0, 2, 0, 0xFF, 0xFF, 5, 0] as [UInt8])
    let record = try Record.read(folder.file("r"))
    // 1 - 1 is 0: the first one fits.
    #expect(record.signals.map(\.samples) == [[1, -1], [2, 5]])
    #expect(record.signals.map { $0.checksum } == [0, nil])
    #expect(record.signals.map { $0.notes.map(\.location) } == [[], ["signal II"]])
    let summary = try RecordIndex(folder: folder.path).verify()[0]
    #expect(summary.problem == nil && summary.checksumCount == 1 && summary.notes.count == 1)
  }

  @Test func aChecksumOfZeroLeavesTheSkewRight() throws {
    let folder = try TemporaryFolder()
    try folder.put("r.hea", "r 1 360 3\nr.dat 16:1 200 12 0 1 0 0 I\n")
    try folder.put("r.dat", [1, 0, 2, 0, 3, 0] as [UInt8])
    #expect(try Record.read(folder.file("r")).signals[0].samples == [2, 3, Signal.invalidSample])
  }

  // MARK: Headers that would never end

  @Test func segmentsThatNameEachOtherAreOneLine() throws {
    let folder = try TemporaryFolder()
    try folder.put("h6.hea", "h6/2 1 360 20\nh7 10\nh7 10\n")
    try folder.put("h7.hea", "h7/2 1 360 10\nh6 5\nh6 5\n")
    try folder.put("self.hea", "self/1 1 360 10\n./self 10\n")
    for name in ["h6", "h7", "self"] {
      let error = failure { _ = try Record.read(folder.file(name)) }
      #expect(error?.kind == .malformed && error?.problem.contains("which has segments itself") == true)
      #expect(RecordDigest.hexadecimal(of: folder.file(name)) != nil)
    }
    let index = try RecordIndex(folder: folder.path)
    #expect(index.names == ["h6", "h7", "self"])
    #expect(index.verify().allSatisfy { $0.problem?.kind == .malformed })
  }

  @Test func gapsHaveALimitOverAllSignalsAndSegments() throws {
    let folder = try TemporaryFolder()
    let signals = (0..<12).map { "s\($0) 0 200 8 0 0 0 0 L\($0)\n" }.joined()
    try folder.put("h.hea", "h 12 360 134217728\n" + signals)
    #expect(failure { _ = try Record.read(folder.file("h")) }?.problem.contains("that no file holds") == true)
    // Segments that are all gap, each of which alone would be allowed.
    try folder.put("m.hea", "m/3 1 360 240000000\na 80000000\na 80000000\na 80000000\n")
    try folder.put("a.hea", "a 1 360 80000000\n~ 0 200 8 0 0 0 0 II\n")
    #expect(failure { _ = try Record.read(folder.file("m")) }?.kind == .malformed)
  }
}
