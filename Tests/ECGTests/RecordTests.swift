import ECG
import Foundation
import Support
import Testing
import TestSupport

/// Outside truth: the WFDB manual's header(5), its examples, and records made by hand from it.
@Suite struct RecordTests {
  /// A list's name and a path, in the forms that databases come in.
  @Test(arguments: [
    ("data/mitdb/208", "208", true), ("208", "208", true), ("Models/records/mitdb-208", "208", true),
    ("mit-bih-arrhythmia-database-1.0.0/208.hea", "208", true), ("svdb/208", "208", false),
    ("mine/208", "208", false),
    ("data/svdb/800", "svdb/800", true), ("mit-bih-svdb-1.0/800", "svdb/800", true),
    ("800", "svdb/800", true),
    ("data/mitdb/101", "mitdb/101", true), ("data/mitdb/800", "svdb/800", false),
    ("data/svdb/801", "svdb/800", false),
    ("mine/patient7", "patient7", true), ("mine/patient8", "patient7", false),
  ]) func aListedRecordIsFoundByItsPath(path: String, listed: String, isSame: Bool) {
    #expect(RecordPath.leads(path, to: listed) == isSame, "\(path), \(listed)")
  }

  private func header(_ text: String) throws -> RecordHeader {
    try RecordHeader(parsing: Data(text.utf8), file: "r.hea")
  }

  @Test func readsEveryFieldOfAHeader() throws {
    let header = try header(
      """
      # before
      r_1 2 3.6e2/1.5(-2.5) 12 13:05:00 25/4/1989\r
      \tr.dat 212x2:3+512 1716.5(-6)/uV 11 1024 995 -22131 4 MLII at the chest
      r.dat 212+512 0

      #<age>: 51
      # two
      """)
    #expect(header.name == "r_1")
    #expect(header.sampleRateHz == 360)
    #expect(header.counterFrequencyHz == 1.5)
    #expect(header.baseCounter == -2.5)
    #expect(header.sampleCount == 12)
    #expect(header.baseTime == "13:05:00")
    #expect(header.baseDate == "25/4/1989")
    #expect(header.comments == ["before", "<age>: 51", "two"])
    let first = header.signals[0]
    #expect(first.fileName == "r.dat" && first.format == .packed12)
    #expect(first.samplesPerFrame == 2 && first.skewSamples == 3 && first.byteOffset == 512)
    #expect(first.gain == 1716.5 && first.baseline == -6 && first.units == "uV")
    #expect(first.adcResolutionBits == 11 && first.adcZero == 1024 && first.initialValue == 995)
    #expect(first.checksum == -22131 && first.blockSize == 4 && first.name == "MLII at the chest")
    let second = header.signals[1]
    #expect(second.gain == 200 && second.baseline == 0 && second.units == "mV")
    #expect(second.checksum == nil && second.adcResolutionBits == 12)
  }

  @Test func assumesTheStandardsDefaults() throws {
    let header = try header("8l 1\ndata0 8\n")
    #expect(header.sampleRateHz == 250)
    #expect(header.sampleCount == nil)
    #expect(header.signals[0].gain == 200)
    #expect(header.signals[0].adcResolutionBits == 10)
  }

  @Test func baselineIsTheADCZeroWhereNoneIsStated() throws {
    let header = try header("r 1 360 1\nr.dat 16 200/mV 11 1024\n")
    #expect(header.signals[0].baseline == 1024)
    #expect(header.signals[0].initialValue == 1024)
  }

  @Test(arguments: [
    ("", "is empty"), ("# only a comment\n", "is empty"),
    ("r\n", "no number of signals"), ("r -1\n", "-1 signals"), ("r x\n", "'x' for its number of signals"),
    ("r 1 0\nr.dat 16\n", "sampling rate of 0 Hz"), ("r 1 -5\nr.dat 16\n", "sampling rate of -5 Hz"),
    ("r 1 nan\nr.dat 16\n", "'nan' for its sampling rate"), ("r 1 inf\nr.dat 16\n", "'inf' for its"),
    ("r 1 360 -3\nr.dat 16\n", "-3 samples"), ("r 2 360 1\nr.dat 16\n", "promises 2 signals but describes 1"),
    ("r 1 360 1\nr.dat 999\n", "unknown storage format 999"), ("r 1 360 1\nr.dat\n", "no storage format"),
    ("r 1 360 1\nr.dat 16 nan\n", "'nan' for its gain"), ("r 1 360 1\nr.dat 16x0\n", "modifier x0"),
    ("r 1 360 1\nr.dat 16 200(99999999999)\n", "for its baseline"), ("r/0 1 360\n", "0 segments"),
    ("r/2 1 360 4\na 4\n", "promises 2 segments but describes 1"), ("r/1 1 360 4\na -4\n", "of -4 samples"),
    ("r 99999999999999999999 360 1\n", "for its number of signals"),
    ("r 9223372036854775807 360 1\n", "promises 9223372036854775807 signals but describes 0"),
  ])
  func refusesABrokenHeader(text: String, problem: String) throws {
    let error = failure { _ = try header(text) }
    #expect(error?.kind == .malformed)
    #expect(error?.problem.contains(problem) == true, "\(error?.description ?? "no error")")
    #expect(error?.description.contains("\n") == false)
  }

  // MARK: Signals

  @Test(arguments: ["r", "r.hea"]) func takesARecordWithAndWithoutItsSuffix(name: String) throws {
    let folder = try TemporaryFolder()
    try folder.put("r.hea", "r 1 360 2\nr.dat 16 200 12 0 1 3 0 II\n")
    try folder.put("r.dat", [1, 0, 2, 0] as [UInt8])
    #expect(try Record.read(folder.file(name)).signals[0].samples == [1, 2])
  }

  @Test func keepsEachSignalOfAMultiFrequencyRecordAtItsOwnRate() throws {
    let folder = try TemporaryFolder()
    try folder.put("r.hea", "r 2 100 2\nr.dat 16 200 12 0 1 5 0 slow\nr.dat 16x3 200 12 0 2 27 0 fast\n")
    try folder.put("r.dat", [1, 0, 2, 0, 3, 0, 4, 0, 4, 0, 5, 0, 6, 0, 7, 0] as [UInt8])
    let record = try Record.read(folder.file("r"))
    #expect(record.sampleCount == 2)
    #expect(record.signals[0].samples == [1, 4] && record.signals[0].sampleRateHz == 100)
    #expect(record.signals[1].samples == [2, 3, 4, 5, 6, 7] && record.signals[1].sampleRateHz == 300)
    try record.write(folder.file("w"), format: .packed12)
    #expect(try Record.read(folder.file("w")).signals.map(\.samples) == record.signals.map(\.samples))
  }

  @Test func joinsSignalsOfSeveralFilesAndSkipsAPreamble() throws {
    let folder = try TemporaryFolder()
    try folder.put("r.hea", "r 2 360 2\na.dat 80+3 200 8 0 1 3 0 I\nb.dat 61 200 16 0 256 513 0 II\n")
    try folder.put("a.dat", [9, 9, 9, 0x81, 0x82] as [UInt8])
    try folder.put("b.dat", [1, 0, 1, 1] as [UInt8])
    #expect(try Record.read(folder.file("r")).signals.map(\.samples) == [[1, 2], [256, 257]])
  }

  @Test func correctsSkewByWholeFrames() throws {
    let folder = try TemporaryFolder()
    // The checksum includes the samples that precede sample 0.
    try folder.put("r.hea", "r 2 360 4\nr.dat 80 200 8 0 1 10 0 I\nr.dat 80:2 200 8 0 5 26 0 II\n")
    try folder.put("r.dat", [1, 5, 2, 6, 3, 7, 4, 8].map { $0 + 128 } as [UInt8])
    let record = try Record.read(folder.file("r"))
    #expect(record.signals[0].samples == [1, 2, 3, 4])
    #expect(record.signals[1].samples == [7, 8, Signal.invalidSample, Signal.invalidSample])
  }

  @Test func takesTheLengthFromTheFileWhereTheHeaderLeavesItOpen() throws {
    let folder = try TemporaryFolder()
    try folder.put("r.hea", "r 2 360\nr.dat 212\nr.dat 212\n")
    try folder.put("r.dat", [0xE3, 0x33, 0xF3, 0xE3, 0x33, 0xF3, 1])
    #expect(try Record.read(folder.file("r")).sampleCount == 2)
  }

  @Test func convertsToMillivoltsByGainBaselineAndUnit() throws {
    var specification = SignalSpecification()
    specification.gain = 200
    specification.baseline = 1024
    var signal = Signal(specification, sampleRateHz: 360, samples: [1224, 1024, 924])
    #expect(try signal.millivolts() == [1, 0, -0.5])
    signal.units = "uV"
    #expect(try signal.microvolts() == [1, 0, -0.5])
    signal.units = "V"
    #expect(try signal.millivolts() == [1000, 0, -500])
    signal.units = "mmHg"
    #expect(failure { _ = try signal.millivolts() }?.problem == "is in mmHg, not in volts")
  }

  @Test(arguments: [1e-300, 1e-45, -1e-10]) func refusesAGainThatMakesEverySampleAbsurd(gain: Double) throws {
    var specification = SignalSpecification()
    specification.gain = gain
    let signal = Signal(specification, sampleRateHz: 360, samples: [0, 32_767, -32_768])
    #expect(failure { _ = try signal.millivolts() }?.problem.contains("impossible gain") == true)
  }

  @Test func holdsTheLastValidSampleOverInvalidOnes() throws {
    let invalid = Signal.invalidSample
    let signal = Signal(
      SignalSpecification(), sampleRateHz: 360, samples: [invalid, 200, invalid, invalid, 400, invalid])
    #expect(try signal.millivolts() == [1, 1, 1, 1, 2, 2])
    #expect(signal.invalidSampleCount == 4)
  }

  @Test func namesTheLeadsThatThereAre() throws {
    var specification = SignalSpecification()
    specification.name = "MLII"
    let record = Record(
      name: "100", sampleRateHz: 360, sampleCount: 0,
      signals: [Signal(specification, sampleRateHz: 360, samples: [])])
    #expect(try record.signal(named: "mlii").name == "MLII")
    let error = failure { _ = try record.signal(named: "V9") }
    #expect(error?.description == "100: has no lead V9; choose one by name or number: MLII (1)")
    let empty = Record(name: "100", sampleRateHz: 360, sampleCount: 0, signals: [])
    let none = failure { _ = try empty.signal(named: "V9") }
    #expect(none?.description == "100: has no signals; choose a record with signals")
  }

  // MARK: Files that lie

  @Test func tellsWhatIsNoRecordFromWhatIsMissing() throws {
    let folder = try TemporaryFolder()
    try folder.put("ecg.txt", "II\n1\n")
    let file = failure { _ = try Record.load(folder.file("ecg.txt")) }
    #expect(file?.kind == .malformed && file?.problem.contains("is a file, not") == true)
    let itself = failure { _ = try Record.load(folder.path) }
    #expect(itself?.kind == .malformed && itself?.problem.contains("is a folder, not") == true)
    #expect(failure { _ = try Record.load(folder.file("100")) }?.kind == .missing)
  }

  @Test func aRecordArgumentHasSamples() throws {
    let folder = try TemporaryFolder()
    try folder.put("r.hea", "r 1 360 0\nr.dat 16\n")
    try folder.put("r.dat", "")
    let error = failure { _ = try Record.load(folder.file("r")) }
    #expect(error?.kind == .malformed && error?.problem == "the record has no samples")
  }

  @Test func aNumberEndsNotAtAZeroByte() {
    let error = failure { _ = try header("r 1 360\0x 10\nr.dat 16\n") }
    #expect(error?.problem.contains("sampling rate") == true)
  }

  private func readError(_ header: String, _ bytes: [UInt8]) throws -> FileError? {
    let folder = try TemporaryFolder()
    try folder.put("r.hea", header)
    try folder.put("r.dat", bytes)
    return failure { _ = try Record.read(folder.file("r")) }
  }

  @Test func refusesAWrongChecksumUnlessToldOtherwise() throws {
    let folder = try TemporaryFolder()
    try folder.put("r.hea", "r 1 360 2\nr.dat 16 200 12 0 1 4 0 II\n")
    try folder.put("r.dat", [1, 0, 2, 0] as [UInt8])
    let error = failure { _ = try Record.read(folder.file("r")) }
    #expect(error?.kind == .malformed)
    #expect(error?.location == "signal II")
    #expect(error?.problem == "the checksum is 3, not 4 as in the header")
    #expect(try Record.read(folder.file("r"), verifyingChecksums: false).signals[0].samples == [1, 2])
  }

  @Test func refusesATruncatedSignalFile() throws {
    let error = try readError("r 1 360 2\nr.dat 16\n", [1, 0, 2])
    #expect(error?.problem == "has 1 of the 2 samples that the header promises")
  }

  @Test(arguments: [1_000_000_000_000_000, Int.max]) func refusesAnAbsurdLengthBeforeItAllocates(count: Int)
    throws
  {
    let error = try readError("r 2 360 \(count)\nr.dat 212\nr.dat 212x2\n", [1, 0, 2])
    #expect(error?.problem == "has 0 of the \(count) samples that the header promises")
    #expect(try readError("r 1 360 \(count)\n~ 0\n", [])?.kind == .malformed)
    #expect(try readError("r/2 1 360 \(count)\nx 0\n~ \(count)\n", [])?.kind == .missing)
  }

  @Test func tellsWhichSignalFileIsMissing() throws {
    let error = try readError("r 1 360 2\nother.dat 16\n", [])
    #expect(error?.kind == .missing)
    #expect(error?.file.hasSuffix("other.dat") == true)
    #expect(failure { _ = try Record.read("/nowhere/100") }?.kind == .missing)
  }

  @Test func refusesSignalsOfOneFileThatDisagree() throws {
    let text = "r 2 360 1\nr.dat 16\nr.dat 61\n"
    #expect(try readError(text, [0, 0, 0, 0])?.problem.contains("different formats") == true)
    let split = "r 3 360 1\nr.dat 16\nx.dat 16\nr.dat 16\n"
    #expect(try readError(split, [0, 0, 0, 0]) != nil)
  }

  @Test func refusesDifferencesThatLeaveTheRange() throws {
    let error = try readError("r 1 360 2\nr.dat 8 200 12 0 2147483647\n", [0, 1])
    #expect(error?.problem == "its differences leave the range of samples")
  }

  @Test func refusesADeviceOrAFolderAsASignalFile() throws {
    #expect(try readError("r 1 360 2\n/dev/zero 16\n", [])?.kind == .malformed)
    #expect(try readError("r 1 360 2\n. 16\n", [])?.kind == .malformed)
  }

  // MARK: Several segments

  @Test func joinsTheSegmentsOfAFixedLayout() throws {
    let folder = try TemporaryFolder()
    try folder.put("m.hea", "m/3 1 360 5\na 2\nb 1\na 2\n")
    try folder.put("a.hea", "a 1 360 2\na.dat 16 200 12 0 1 3 0 II\n")
    try folder.put("a.dat", [1, 0, 2, 0] as [UInt8])
    try folder.put("b.hea", "b 1 360 1\nb.dat 80 200 12 0 7 7 0 II\n")
    try folder.put("b.dat", [135] as [UInt8])
    let record = try Record.read(folder.file("m"))
    #expect(record.signals[0].samples == [1, 2, 7, 1, 2])
    #expect(record.sampleCount == 5)
  }

  @Test func arrangesAndRescalesTheSegmentsOfAVariableLayout() throws {
    let folder = try TemporaryFolder()
    try folder.put("m.hea", "m/4 2 360 5\nlayout 0\na 2\n~ 1\nb 2\n")
    try folder.put("layout.hea", "layout 2 360 0\n~ 0 200(10)/mV 12 0 0 0 0 I\n~ 0 100/mV 12 0 0 0 0 II\n")
    try folder.put("a.hea", "a 2 360 2\na.dat 80 100 8 0 1 3 0 II\na.dat 80 100(5) 8 0 5 12 0 I\n")
    try folder.put("a.dat", [129, 133, 130, 135] as [UInt8])
    try folder.put("b.hea", "b 1 360 2\nb.dat 80 100 8 0 3 7 0 II\n")
    try folder.put("b.dat", [131, 132] as [UInt8])
    let record = try Record.read(folder.file("m"))
    let invalid = Signal.invalidSample
    #expect(record.signals.map(\.specification.name) == ["I", "II"])
    // I in segment a: (5 - 5) and (7 - 5) units of 100 a mV are 0 and 4 of 200 a mV above the baseline of 10.
    #expect(record.signals[0].samples == [10, 14, invalid, invalid, invalid])
    #expect(record.signals[1].samples == [1, 2, invalid, 3, 4])
  }

  @Test(arguments: [
    ("m/2 1 360 5\na 2\na 2\n", "states 5 samples, but its segments have 4"),
    ("m/1 1 360 3\na 3\n", "gives segment a 3 samples, but its own header gives 2"),
    ("m/1 2 360 2\na 2\n", "promises 2 signals, but its segments have 1"),
    ("m/1 1 250 2\na 2\n", "is at 250.0 Hz, but segment a at 360.0 Hz"),
    ("m/1 1 360 2\nm 2\n", "has segment m, which has segments itself"),
    ("m/2 1 360 1000000000000002\na 2\n~ 1000000000000000\n", "a gap of 1000000000000000 samples"),
  ])
  func refusesSegmentsThatContradictTheRecord(header: String, problem: String) throws {
    let folder = try TemporaryFolder()
    try folder.put("m.hea", header)
    try folder.put("a.hea", "a 1 360 2\na.dat 16 200 12 0 1 3 0 II\n")
    try folder.put("a.dat", [1, 0, 2, 0] as [UInt8])
    let error = failure { _ = try Record.read(folder.file("m")) }
    #expect(error?.problem.contains(problem) == true, "\(error?.description ?? "no error")")
  }

  // MARK: Writing

  @Test func writesTheHeaderOfMITBIH100() throws {
    var record = Record(name: "100", sampleRateHz: 360, sampleCount: 2, signals: [])
    for (name, samples) in [("MLII", [995, 995]), ("V5", [1011, 1012])] as [(String, [Int32])] {
      var specification = SignalSpecification()
      specification.name = name
      specification.adcResolutionBits = 11
      specification.adcZero = 1024
      specification.baseline = 1024
      record.signals.append(Signal(specification, sampleRateHz: 360, samples: samples))
    }
    record.comments = ["69 M 1085 1629 x1", "Aldomet, Inderal"]
    let text = String(decoding: try record.encoded(name: "100", format: .packed12).header, as: UTF8.self)
    #expect(
      text == """
        100 2 360 2
        100.dat 212 200/mV 11 1024 995 1990 0 MLII
        100.dat 212 200/mV 11 1024 1011 2023 0 V5
        # 69 M 1085 1629 x1
        # Aldomet, Inderal

        """)
  }

  @Test func keepsEverythingThatAHeaderHolds() throws {
    let folder = try TemporaryFolder()
    try folder.put(
      "r.hea",
      "r 1 257.25/12.5(3) 2 13:05:00 25/4/1989\nr.dat 16 1716.5(-6)/uV 11 4 1 3 0 II of two\n# age 51\n")
    try folder.put("r.dat", [1, 0, 2, 0] as [UInt8])
    let record = try Record.read(folder.file("r"))
    try record.write(folder.file("w"), format: .twosComplement16)
    var written = try Record.read(folder.file("w"))
    #expect(written.name == "w" && written.signals[0].fileName == "w.dat")
    written.name = "r"
    written.signals[0].fileName = "r.dat"
    #expect(written == record)
  }

  @Test func refusesToWriteWhatAHeaderCantHold() throws {
    let folder = try TemporaryFolder()
    var specification = SignalSpecification()
    specification.name = "two\nlines"
    let signal = Signal(specification, sampleRateHz: 360, samples: [1])
    let record = Record(name: "r", sampleRateHz: 360, sampleCount: 1, signals: [signal])
    #expect(failure { try record.write(folder.file("r")) }?.kind == .malformed)
    let empty = Record(name: "r", sampleRateHz: 360, sampleCount: 1, signals: [])
    #expect(failure { try empty.write(folder.file("a b")) }?.kind == .malformed)
    #expect(failure { try empty.write("/nowhere/r") }?.kind == .inaccessible)
  }
}
