import ECG
import Foundation
import Support
import Testing
import TestSupport

/// Outside truth: files put together byte by byte after the specifications, and values worked out by hand.
@Suite struct EDFTests {
  private static let plain = EDFBuilder(signals: [
    .init(samples: [0, 1, -1, 32_767, -32_768, 100, 200, -300])
  ])

  /// Two data records of a second, with a gap of two seconds between them.
  private static let gapped = EDFBuilder(
    kind: "EDF+D", signals: [.init(samples: [1, 2, 3, 4, 5, 6, 7, 8])],
    lists: [
      EDFBuilder.list("+0.25", [""]) + EDFBuilder.list("+0.75", ["N"], seconds: "0.5"),
      EDFBuilder.list("+3.25", [""]) + EDFBuilder.list("+3.5", ["V", "Lights off"]),
    ])

  private func record(_ builder: EDFBuilder) throws -> Record {
    try Record(edf: builder.data, name: "x", file: "x.edf")
  }

  private func error(_ builder: EDFBuilder) -> FileError? { failure { _ = try record(builder) } }

  @Test func readsSamplesAndCalibration() throws {
    let record = try record(Self.plain)
    #expect(record.sampleRateHz == 4 && record.sampleCount == 8 && record.name == "x")
    #expect(record.baseTime == "23:59:07" && record.baseDate == "2/3/2011")
    let signal = record.signals[0]
    #expect(signal.name == "ECG II" && signal.units == "uV" && signal.adcResolutionBits == 16)
    #expect(signal.samples == [0, 1, -1, 32_767, -32_768, 100, 200, -300])
    // A tenth of a microvolt a count.
    #expect(try signal.millivolts() == [0, 1e-4, -1e-4, 3.2767, -3.2768, 0.01, 0.02, -0.03])
    #expect(record.comments == ["EDF file"] && record.notes.isEmpty)
  }

  @Test func readsThreeBytesOfBDF() throws {
    var builder = EDFBuilder(
      version: [0xFF] + Array("BIOSEMI".utf8), kind: "24BIT",
      signals: [
        .init(
          physical: ("-262144", "262143"), digital: ("-8388608", "8388607"), samplesPerRecord: 2,
          samples: [-8_388_608, 8_388_607, -1, 70_000])
      ], sampleBytes: 3)
    #expect(try record(builder).signals[0].samples == [-8_388_608, 8_388_607, -1, 70_000])
    #expect(try record(builder).comments == ["BDF file"])
    builder.kind = "BDF+C"
    builder.lists = [
      EDFBuilder.list("+0", [""]), EDFBuilder.list("+1", [""]) + EDFBuilder.list("+1.5", ["V"]),
    ]
    let labels = try Annotations(edf: builder.data, file: "x.bdf")
    #expect(labels.all == [Annotation(sample: 3, code: .prematureVentricular)])
  }

  @Test func keepsAZeroBetweenTwoCounts() throws {
    var builder = Self.plain
    builder.signals[0].physical = ("-5", "5")
    builder.signals[0].digital = ("-2048", "2047")
    builder.signals[0].units = "mV"
    builder.signals[0].samples = [-2048, 2047, 0, -1]
    let millivolts = try record(builder).signals[0].millivolts()
    // 10 mV in 4,095 steps: 0 mV lies between the counts -1 and 0.
    #expect(millivolts == [-5, 5, Float(0.5 * 10.0 / 4095), Float(-0.5 * 10.0 / 4095)])
  }

  @Test(arguments: [("mV", 1 as Float), ("uV", 1e-3), ("\u{B5}V", 1e-3), ("V", 1000)])
  func readsVolts(units: String, scale: Float) throws {
    var builder = Self.plain
    builder.signals[0].units = units
    builder.signals[0].physical = ("-32768", "32767")
    #expect(try record(builder).signals[0].millivolts()[1] == scale)
  }

  @Test func readsRatesOfEachSignal() throws {
    var builder = Self.plain
    builder.duration = "0.5"
    builder.signals += [
      .init(label: "Resp", units: "Ohm", samplesPerRecord: 1, samples: [7, 8]),
      .init(label: "Sound", units: "Pa", samplesPerRecord: 6, samples: Array(0..<12)),
    ]
    let record = try record(builder)
    #expect(record.signals.map(\.sampleRateHz) == [8, 2, 12])
    // The rate of the record is that of its fastest signal in volts.
    #expect(record.sampleRateHz == 8 && record.sampleCount == 8)
    #expect(record.signals[1].samples == [7, 8] && record.signals[2].samples == Array(0..<12))
  }

  @Test func takesAWholeRateThatEightCharactersCutShort() throws {
    var builder = Self.plain
    builder.duration = "0.333333"
    #expect(try record(builder).sampleRateHz == 12)
    // 7 s for 100 samples are no such case.
    builder.duration = "7"
    #expect(try record(builder).sampleRateHz == 4.0 / 7)
  }

  @Test func gapsAreInvalidSamples() throws {
    let record = try record(Self.gapped)
    let invalid = [Int32](repeating: Signal.invalidSample, count: 8)
    #expect(record.signals[0].samples == [1, 2, 3, 4] + invalid + [5, 6, 7, 8])
    let labels = try Annotations(edf: Self.gapped.data, file: "x.edf").all
    // Places count from the first sample, which lies 0.25 s after the header's time.
    #expect(labels.map(\.sample) == [2, 13, 13] && labels.map(\.code.mnemonic) == ["N", "V", "\""])
    #expect(labels[2].text == "Lights off")
    #expect(
      try Annotations(edf: Self.gapped.data, file: "x.edf").notes.map(\.description)
        == ["x.edf: 2 beats (N 1, V 1) and 1 other annotations, told by their texts"])
  }

  @Test func believesTimesThatAgreeOnly() throws {
    var builder = Self.gapped
    builder.kind = "EDF+C"
    let gaps = try record(builder)
    #expect(gaps.sampleCount == 16)
    #expect(gaps.notes[0].text == "EDF+C has no gaps, but its data records' times leave 1: taken as gaps")
    builder.lists[1] = EDFBuilder.list("+0.5", [""])
    let backward = try record(builder)
    #expect(backward.sampleCount == 8)
    #expect(backward.notes[0].text.hasPrefix("its data records' times were left out: data record 2"))
    builder.kind = "EDF+D"
    #expect(
      error(builder)?.description == "x.edf:data record 2: begins before the end of the one before; "
        + "correct its time or export the file again")
  }

  @Test func refusesGapsBeyondReason() {
    var builder = Self.gapped
    builder.lists[1] = EDFBuilder.list("+99999999999", [""])
    #expect(error(builder)?.location == "data record 2")
    builder.lists[1] = EDFBuilder.list("x", [""])
    #expect(error(builder)?.problem == "has no time")
    builder.lists = []
    #expect(error(builder)?.problem.hasPrefix("may have gaps, but no signal EDF Annotations") == true)
  }

  @Test func ignoresAClocksDrift() throws {
    var builder = Self.gapped
    builder.lists[1] = EDFBuilder.list("+1.4", [""])
    #expect(try record(builder).sampleCount == 8)
  }

  @Test func readsWhatEDFlibRefuses() throws {
    var builder = Self.plain
    builder.patient = [0x4D, 0xFC, 0x6C, 0x6C, 0x65, 0x72]
    builder.signals[0].physical = ("-3276,8", "3276,7")
    builder.date = "xx.xx.xx"
    builder.time = ""
    builder.padding = [0, 0, 0]
    builder.signals.append(.init(label: "off", physical: ("0", "0"), samplesPerRecord: 0))
    builder.signals.append(
      .init(label: "flat", units: "mV", physical: ("0", "0"), samples: Array(repeating: 0, count: 8)))
    let record = try record(builder)
    #expect(try record.signals[0].millivolts()[3] == 3.2767)
    #expect(
      record.baseDate == nil && record.baseTime == nil
        && record.signals.map { $0.name } == ["ECG II", "flat"])
    #expect(
      record.notes.map(\.text) == [
        "signals without samples were left out: off", "3 bytes after the last data record were left out",
      ])
    // A signal without a calibration stops nobody who doesn't use it.
    #expect(failure { _ = try record.signals[1].millivolts() }?.kind == .malformed)
  }

  @Test func readsWhatARecorderLeftOpen() throws {
    var builder = Self.plain
    builder.recordCount = -1
    builder.padding = [1, 2, 3]
    let record = try record(builder)
    #expect(record.sampleCount == 8)
    #expect(record.notes[0].text == "the header leaves the number of data records open: there are 2")
  }

  @Test func findsTheDataBehindALongerHeader() throws {
    var builder = Self.plain
    builder.headerBytes = 1024
    #expect(try record(builder).signals[0].samples == [0, 1, -1, 32_767, -32_768, 100, 200, -300])
    // A wrong length is not followed.
    var bytes = Self.plain.bytes
    bytes.replaceSubrange(184..<188, with: Array("9999".utf8))
    #expect(try Record(edf: Data(bytes), name: "x", file: "x").signals[0].samples[3] == 32_767)
  }

  @Test func tellsWhatIsWrong() {
    var builder = Self.plain
    builder.recordCount = 3
    #expect(
      error(builder)?.description == "x.edf: has 2 of the 3 data records that its header promises; "
        + "the file is truncated or its header wrong; fetch or export it again")
    builder = Self.plain
    builder.duration = "0"
    #expect(error(builder)?.location == "byte 244")
    builder = Self.plain
    builder.version = Array("<html>  ".utf8)
    #expect(error(builder)?.problem == "doesn't begin as an EDF or BDF file does")
  }

  @Test func knowsBeatsByTheTableAndKeepsTheRestAsNotes() throws {
    func codes(_ texts: [(String, String?)]) throws -> [String] {
      var builder = Self.gapped
      builder.listSamples = 400
      builder.lists[1] =
        EDFBuilder.list("+3.25", [""]) + texts.flatMap { EDFBuilder.list("+3.5", [$0.0], seconds: $0.1) }
      return try Annotations(edf: builder.data, file: "x").all.dropFirst().map(\.code.mnemonic)
    }
    #expect(
      try codes([
        ("Premature ventricular contraction", nil), ("PVC", nil), ("R", nil), ("a", nil), ("QRS", nil),
        ("(AFIB", nil),
        ("Sleep stage N2", "30"), ("N", "30"), ("n1", nil), ("\u{20AC}", nil),
      ]) == ["V", "V", "R", "a", "Q", "+", "\"", "\"", "\"", "\""])
    // Without another beat's code R is an R wave; the first data record's N is gone with its list.
    var builder = Self.gapped
    builder.lists = [
      EDFBuilder.list("+0", [""]) + EDFBuilder.list("+0.5", ["R"]), EDFBuilder.list("+1", ["", "R"]),
    ]
    #expect(try Annotations(edf: builder.data, file: "x").all.map(\.code.mnemonic) == ["Q", "Q"])
  }

  @Test func brokenAnnotationsAreToldAndDontStopTheSignals() throws {
    var builder = Self.gapped
    builder.lists[1] = EDFBuilder.list("+3.25", [""]) + Array("+4".utf8)
    let error = failure { _ = try Annotations(edf: builder.data, file: "x.edf") }
    #expect(error?.location == "data record 2" && error?.problem == "its annotations break off")
    #expect(try record(builder).sampleCount == 16)
    let folder = try TemporaryFolder()
    try folder.put("x.edf", builder.bytes)
    let found = Annotations.found(besides: folder.file("x.edf"), sampleRateHz: 4)
    #expect(found.labels == nil && found.notes[0].text.hasSuffix("the record is taken without annotations"))
  }

  @Test func usualLeadIsAnECGAmongOthers() throws {
    var builder = Self.plain
    builder.signals[0].label = "EEG Fpz-Cz"
    for label in ["Resp", "ECG", "ECG V1"] {
      builder.signals.append(
        .init(label: label, units: label == "Resp" ? "Ohm" : "mV", samples: Array(repeating: 1, count: 8)))
    }
    #expect(try record(builder).leadIndex() == 2)
    #expect(try record(builder).leadIndex("v1") == 3 && record(builder).leadIndex("ECG V1") == 3)
    builder.signals[3].label = "ECG II"
    #expect(try record(builder).leadIndex() == 3)
  }

  // MARK: Any bytes

  private static let mixed = {
    var builder = gapped
    builder.signals.append(.init(label: "Resp", units: "Ohm", samplesPerRecord: 1, samples: [3, 4]))
    return builder
  }()

  // claim: edf
  @Test func everyTruncationIsToldInOneLine() {
    for builder in [Self.plain, Self.mixed] {
      let bytes = builder.bytes
      for length in 0..<bytes.count {
        let error = failure { _ = try Record(edf: Data(bytes[..<length]), name: "x", file: "x.edf") }
        #expect(error?.kind == .malformed, "\(length)")
      }
    }
  }

  // claim: edf
  @Test func noMutationTraps() {
    var generator = SeededGenerator(seed: 18)
    let awkward = [
      "-1", "nan", "1e9", "1e308", "99999999", "0", " ", ",", "\0", "\u{14}", "\u{15}", "+", "EDF+D", "BDF",
    ]
    let files = [Self.plain.bytes, Self.mixed.bytes]
    var failures = 0
    // FUZZ=5 makes the 100,000 of make check-all.
    let rounds = 20_000 * (ProcessInfo.processInfo.environment["FUZZ"].flatMap(Int.init) ?? 1)
    for round in 0..<rounds {
      var bytes = files[round % 2]
      for _ in 0...generator.nextIndex(below: 3) {
        let place = generator.nextIndex(below: bytes.count)
        if generator.nextIndex(below: 2) == 0 {
          bytes[place] = UInt8(truncatingIfNeeded: generator.next())
        } else {
          let text = Array(awkward[generator.nextIndex(below: awkward.count)].utf8)
          bytes.replaceSubrange(place..<min(place + text.count, bytes.count), with: text)
        }
      }
      let data = Data(bytes)
      if failure({ _ = try Record(edf: data, name: "x", file: "x.edf") }) != nil { failures += 1 }
      _ = failure { _ = try Annotations(edf: data, file: "x.edf") }
    }
    #expect(failures > rounds / 20 && failures < rounds * 19 / 20)
  }

  // MARK: Files among other records

  @Test func filesAreRecordsLikeOthers() throws {
    let folder = try TemporaryFolder()
    try folder.put("a.edf", Self.gapped.bytes)
    try folder.put("b.REC", Self.plain.bytes)
    try folder.put("c.rec", "a tape")
    let index = try RecordIndex(folder: folder.path)
    #expect(index.names == ["a.edf", "b.REC"])
    let summaries = index.verify()
    #expect(summaries.map(\.sampleCount) == [16, 8] && summaries.map(\.beatCount) == [2, nil])
    #expect(summaries.allSatisfy { $0.problem == nil })
    #expect(index.list().map(\.sampleCount) == [16, 8])
    #expect(try Record.load(folder.file("a.edf")).sampleCount == 16)
    #expect(try Annotations.read(folder.file("a.edf")).beats.count == 2)
    // An annotation file beside it goes before its own.
    try Annotations([Annotation(sample: 1, code: .normal)]).write(folder.file("a"))
    #expect(try Annotations.read(folder.file("a.edf")).beats.count == 1)
    try Annotations([]).write(folder.file("a.edf"), annotator: "atr")
    try FileManager.default.copyItem(atPath: folder.file("a.atr"), toPath: folder.file("a.edf.atr"))
    try Annotations([Annotation(sample: 1, code: .normal)]).write(folder.file("a"))
    #expect(try Annotations.read(folder.file("a.edf")).beats.isEmpty)
  }
}
