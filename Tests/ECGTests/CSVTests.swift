import ECG
import Foundation
import Support
import Testing
import TestSupport

@Suite struct CSVTests {
  private func record(_ text: String, _ options: CSVOptions = .init()) throws -> Record {
    try Record(csv: Data(text.utf8), name: "x", file: "x.csv", options)
  }

  private func notes(_ record: Record) -> [String] {
    (record.notes + record.signals.flatMap { $0.notes }).map(\.description)
  }

  // MARK: Units

  @Test func readsMillivoltsWithAStatedRate() throws {
    let record = try record("MLII [mV]\n0.5\n-1.25\n", CSVOptions(sampleRateHz: 360))
    #expect(record.sampleRateHz == 360 && record.sampleCount == 2)
    #expect(try record.signal(named: "MLII").millivolts() == [0.5, -1.25])
    #expect(notes(record).isEmpty)
  }

  @Test func readsTheUnitsInTheTitles() throws {
    let text = "\u{FEFF}II [uV], \"V1, chest (V)\",III [ADC],aVF [mV]\r\n500,0.001,1124,2\r\n"
    let record = try record(text, CSVOptions(sampleRateHz: 250, gain: 100, baseline: 1024))
    #expect(record.signals.map(\.specification.name) == ["II", "V1, chest", "III", "aVF"])
    #expect(try record.signals.map { try $0.millivolts() } == [[0.5], [1], [1], [2]])
    #expect(record.signals[2].samples == [1124] && notes(record).isEmpty)
  }

  @Test func aTimeOfDayGoesOnAfterMidnight() throws {
    let text = "time,II [mV]\n23:59:59.992,1\n23:59:59.996,2\n00:00:00.000,3\n00:00:00.004,4\n"
    let one = try record(text)
    #expect(one.sampleRateHz == 250)
    #expect(try one.signals[0].millivolts() == [1, 2, 3, 4])
    #expect(
      notes(one) == [
        "x.csv: its time of day passes midnight at line 4: the next day was taken to begin there"
      ])
    // A row each half an hour, from 22:00 on over four midnights.
    let rows = (44..<200).map { String(format: "%02d:%02d:00,1\n", $0 / 2 % 24, $0 % 2 * 30) }
    let four = try record("time,II [mV]\n" + rows.joined())
    #expect(four.sampleCount == 156 && notes(four)[0].contains("passes midnight 4 times, first at line 6:"))
    // What goes back by less is out of order, and so is a time that has its day.
    for wrong in [
      text.replacing("00:00:00", with: "01:00:01"),
      "time,II\n2026-01-01 23:59:59.996,1\n"
        + (0..<3).map { "2026-01-01 00:00:00.00\(4 * $0),1\n" }.joined(),
    ] {
      #expect(failure { _ = try record(wrong) }?.problem == "its time does not grow")
    }
  }

  @Test func aRateThatChangesIsToldWhereItDoes() {
    func text(_ first: Int, _ second: Int) -> String {
      "time,II\n"
        + (0..<400).map { row in
          let seconds = Double(min(row, 200)) / Double(first) + Double(max(0, row - 200)) / Double(second)
          return String(format: "%.6f,1\n", seconds)
        }.joined()
    }
    for (first, second, factor) in [(360, 250, "0.694"), (250, 360, "1.440"), (1000, 900, "0.900")] {
      let error = failure { _ = try record(text(first, second)) }
      // The titles and 200 rows stand above; the next row comes at the new distance.
      #expect(error?.location == "line 202", "\(first) Hz: \(String(describing: error))")
      #expect(error?.problem == "from here on its rows come at \(factor) times the rate before")
      #expect(error?.remedy == "give the rows of each rate a file of their own")
    }
  }

  @Test(
    arguments: [
      ("II_uV", "II"), ("II uV", "II"), ("II-\u{B5}V", "II"), ("ECG in uV", "ECG"), ("II (\u{3BC}V)", "II"),
      ("II/uV", "II"), ("II_microvolts", "II"), ("IIuV", "II"), ("II.uV", "II"), ("uV", "uV"),
      ("II {uV}", "II"),
    ])
  func readsAUnitThatStandsInTheName(title: String, name: String) throws {
    let record = try record("\(title)\n1500\n", CSVOptions(sampleRateHz: 250))
    #expect(record.signals[0].name == name)
    #expect(try record.signals[0].millivolts() == [1.5] && notes(record).isEmpty)
  }

  @Test(arguments: ["ECG V", "V", "II (left arm)", "II filtered", "MLII"])
  func whatIsNoUnitBelongsToTheName(title: String) throws {
    let record = try record("\(title)\n1.5\n", CSVOptions(sampleRateHz: 250))
    #expect(record.signals[0].name == title)
  }

  @Test func readsALineOfUnitsBelowTheTitles() throws {
    // As WFDB's rdsamp -c -p -v writes it.
    let text =
      "'Elapsed time','MLII','V5'\n'hh:mm:ss.mmm','mV','uV'\n'0:00:00.000',1.1,550\n'0:00:00.004',0.9,-\n"
    let record = try record(text)
    #expect(record.sampleRateHz == 250 && record.signals.map(\.specification.name) == ["MLII", "V5"])
    #expect(try record.signals[0].millivolts() == [1.1, 0.9])
    #expect(record.signals[1].samples[1] == Signal.invalidSample)
    #expect(try record.signals[1].millivolts()[0] == 0.55)
  }

  @Test func whatWasAssumedOfUnitsIsSaid() throws {
    let plain = try record("II\n0.5\n", CSVOptions(sampleRateHz: 250))
    #expect(
      notes(plain).count == 1 && notes(plain)[0].contains("x.csv:column II: states no unit: millivolts were"))
    let counts = try record("ECG\n2498\n1930\n", CSVOptions(sampleRateHz: 250))
    #expect(try counts.signals[0].millivolts()[0] == 12.49)
    #expect(notes(counts).count == 1)
    #expect(
      notes(counts)[0].contains("200 a millivolt about 0, from 9.65 to 12.49 mV; --gain and --baseline"))
    let half = try record("ECG [ADC]\n2498\n", CSVOptions(sampleRateHz: 250, gain: 409.6))
    #expect(notes(half).count == 1 && notes(half)[0].contains("409.6 a millivolt about 0"))
  }

  @Test func takesColumnsWithoutAUnitAsCountsWhereAGainIsStated() throws {
    let options = CSVOptions(sampleRateHz: 360, gain: 409.6, baseline: 2048)
    let record = try record("sample,ECG\n0,2048\n1,2457.0\n2,1638\n", options)
    #expect(record.signals.count == 1 && notes(record).isEmpty)
    #expect(try record.signals[0].millivolts() == [0, Float(409 / 409.6), Float(-410 / 409.6)])
  }

  @Test func aValueTooLargeForNanovoltsIsStillRead() throws {
    let record = try record("II [mV]\n2500\n-0.5\n", CSVOptions(sampleRateHz: 250))
    #expect(try record.signals[0].millivolts() == [2500, -0.5])
  }

  @Test func otherUnitsAndTextsStandBack() throws {
    let text = "time [s],label,resp [Ohm],II [mV]\n0,N,1,0.5\n0.01,,2,0.25\n0.02,V,3,0\n"
    let record = try record(text)
    #expect(record.signals.map(\.specification.name) == ["resp", "II"])
    #expect(try record.leadIndex() == 1)
    #expect(notes(record) == ["x.csv: column label holds texts and was left out"])
    #expect(failure { _ = try record.lead("resp", file: "x.csv") }?.problem == "is in Ohm, not in volts")
  }

  // MARK: Separators, texts

  @Test(
    arguments: [
      "time [s];II [mV]\n0,000;1,5\n0,004;-0,25\n", "time [s];II [mV]\n0.000;1.5\n0.004;-0.25\n",
      "time [s]\tII [mV]\n0\t1.5\n0.004\t-0.25\n", "time_s II_mV\n0.000  1.5 \n0.004 -0.25\n",
      "time [s];II [mV];\n0,000;1,5;\n0,004;-0,25;\n", "# made by hand\ntime [s],II [mV]\n0,1.5\n0.004,-0.25",
      "time [s],II [mV]\r0,1.5\r0.004,-0.25\r", "'time','II [mV]'\n0,1.5\n\n0.004,-0.25\n\n",
    ])
  func knowsSeparatorsAndDecimalCommas(text: String) throws {
    let record = try record(text)
    #expect(record.sampleRateHz == 250 && record.signals.map(\.specification.name) == ["II"])
    #expect(try record.signals[0].millivolts() == [1.5, -0.25])
  }

  @Test(arguments: ["II [mV]\n1,5\n-0,25\n", "1,05\n-0,25\n"])
  func knowsDecimalCommasInOneColumn(text: String) throws {
    let record = try record(text, CSVOptions(sampleRateHz: 250))
    #expect(record.signals.count == 1 && record.signals[0].samples[1] == -250_000)
  }

  @Test func readsLatin1AndUTF16() throws {
    let text = "time [s],II [\u{B5}V]\n0,500\n0.004,250\n"
    for encoding in [String.Encoding.isoLatin1, .utf16] {
      let data = try #require(text.data(using: encoding))
      let record = try Record(csv: data, name: "x", file: "x.csv")
      #expect(try record.signals[0].millivolts() == [0.5, 0.25])
    }
  }

  @Test func takesNumbersInTheFirstLineAsTheFirstSample() throws {
    let found = try record("1.5\n-0.25\n", CSVOptions(sampleRateHz: 250))
    #expect(found.sampleCount == 2 && found.signals[0].name == "ECG")
    #expect(notes(found)[0].contains("line 1: holds numbers and was taken as the first sample"))
    let stated = try record("1.5\n-0.25\n", CSVOptions(sampleRateHz: 250, hasTitles: false))
    #expect(notes(stated).count == 1 && stated.signals[0].samples == found.signals[0].samples)
    let timed = try record("0.000,1.5\n0.004,-0.25\n")
    #expect(timed.sampleRateHz == 250 && timed.signals.count == 1)
    let two = try record("0,1,2\n1,3,4\n2,1,1\n", CSVOptions(sampleRateHz: 250))
    #expect(two.signals.map(\.specification.name) == ["lead 1", "lead 2"] && two.sampleCount == 3)
    #expect(try two.leadIndex("2") == 1)
  }

  // MARK: Times

  @Test(
    arguments: [
      ("time [ms],II\n0,1\n4,1\n8,1\n", 250.0), ("t,II\n10,1\n10.5,1\n", 2),
      ("time,II\n0.000000,1\n0.002778,1\n0.005556,1\n0.008333,1\n", 360),
      ("Time (s),II\n0,1\n0.4,1\n0.8,1\n1.2,1\n", 2.5), ("time_ms,II\n0,1\n4,1\n8,1\n", 250),
      ("time,II\n0,1\n4,1\n8,1\n", 250), ("timestamp_us,II\n0,1\n4000,1\n", 250),
      ("t/ms,II\n0,1\n4,1\n", 250),
      ("ms,II\n0,1\n4,1\n", 250), ("epoch,II\n1764410400000,1\n1764410400004,1\n", 250),
      ("timestamp,II\n2026-11-29T10:00:00.000Z,1\n2026-11-29T10:00:00.004Z,1\n", 250),
      ("time,II\n2026-11-29 23:59:59.996+01:00,1\n2026-11-30 00:00:00.000+01:00,1\n", 250),
      ("Zeit;II\n28.02.2027 23:59:59,996;1\n01.03.2027 00:00:00,000;1\n", 250),
      ("time,II\n2/28/2028 11:59:59.996 PM,1\n2/29/2028 12:00:00.000 AM,1\n", 250),
      ("time,II\n[10:00:00.000 29/11/2026],1\n[10:00:00.004 29/11/2026],1\n", 250),
      ("time,II\n0:00.000,1\n0:00.004,1\n", 250), ("time,II\n10:00:00:000,1\n10:00:00:004,1\n", 250),
      ("date,time,II\n2026-11-29,23:59:59.996,1\n2026-11-30,00:00:00.000,1\n", 250),
      ("sample,time,II\n0,0.000,1\n1,0.004,1\n", 250),
    ] as [(String, Double)])
  func takesTheRateFromATimeColumn(text: String, rate: Double) throws {
    let record = try record(text)
    #expect(abs(record.sampleRateHz - rate) < 1e-9 * rate)
    #expect(record.signals.count == 1 && record.sampleCount == text.split(separator: "\n").count - 1)
  }

  @Test(arguments: [360, 250, 128, 1000, 1024, 257], [1000, 1e6])
  func findsTheWholeRateBehindRoundedTimes(rate: Int, places: Double) throws {
    let rows = (0..<3600).map { "\((Double($0) / Double(rate) * places).rounded() / places),1\n" }
    let record = try record("time,II [mV]\n" + rows.joined())
    #expect(record.sampleRateHz == Double(rate) && record.sampleCount == 3600)
    #expect(record.signals[0].invalidSampleCount == 0)
  }

  @Test func readsTimesThatAreTooCoarseWithAStatedRate() throws {
    let rows = (0..<1000).map { "10:00:0\($0 / 250),\($0 % 7)\n" }
    #expect(failure { _ = try record("time,II\n" + rows.joined()) }?.remedy.contains("--sample-rate") == true)
    let stated = try record("time,II\n" + rows.joined(), CSVOptions(sampleRateHz: 250))
    #expect(stated.sampleCount == 1000 && stated.signals[0].invalidSampleCount == 0)
  }

  // MARK: Gaps

  @Test(arguments: ["", "nan", "NaN", "NA", "-", "null"]) func aCellWithoutASampleIsAGap(cell: String) throws
  {
    let record = try record("time,II [mV]\n0,1\n0.004,\(cell)\n0.008,3\n")
    #expect(record.signals[0].samples == [1_000_000, Signal.invalidSample, 3_000_000])
    #expect(
      notes(record) == [
        "x.csv:line 3: 1 sample is missing in lead II, in 1 gap, from this line on: lost contact"
      ])
  }

  @Test(arguments: [360, 250, 1000]) func rowsThatAreMissingAreAGap(rate: Int) throws {
    let kept = (0..<2000).filter { !(900..<1000).contains($0) && $0 != 1500 }
    let rows = kept.map { "\((Double($0) / Double(rate) * 1000).rounded() / 1000),1\n" }
    let record = try record("time,II [mV]\n" + rows.joined())
    #expect(record.sampleRateHz == Double(rate) && record.sampleCount == 2000)
    let missing = record.signals[0].samples.indices.filter {
      record.signals[0].samples[$0] == Signal.invalidSample
    }
    #expect(missing == Array(900..<1000) + [1500])
    #expect(notes(record)[0].hasPrefix("x.csv:line 902: 101 samples are missing in lead II, in 2 gaps"))
  }

  @Test func numbersOfSamplesMakeGapsToo() throws {
    let record = try record("sample,II [mV]\n10,1\n11,2\n14,3\n", CSVOptions(sampleRateHz: 250))
    let invalid = Signal.invalidSample
    #expect(record.signals[0].samples == [1_000_000, 2_000_000, invalid, invalid, 3_000_000])
  }

  @Test func anEmptyLineOfOneColumnIsAGap() throws {
    let record = try record("II [mV]\n1\n\n2\n", CSVOptions(sampleRateHz: 250))
    #expect(record.signals[0].samples == [1_000_000, Signal.invalidSample, 2_000_000])
  }

  @Test func aGapWithoutEndIsAWrongTime() throws {
    let error = failure { _ = try record("time [s],II\n0,1\n0.004,1\n0.008,1\n99999999,1\n") }
    #expect(error?.location == "line 5" && error?.problem.contains("gap of") == true)
  }

  // MARK: What is wrong

  @Test(arguments: [
    ("", "", "is empty"), ("\n\n", "", "is empty"), ("II\n", "line 1", "followed by no samples"),
    ("II,II\n1,2\n", "line 1", "two columns for lead II"), ("II [kg]\n1\n", "line 1", "unknown unit"),
    ("time\n0\n1\n", "line 1", "no column of a lead"), ("t,time,II\n0,0,1\n", "", "two time columns"),
    ("II\n1\ntext\n", "line 3", "'text' for II, which is no number"), ("II\ninf\n", "line 2", "'inf'"),
    ("II,V5\n1,2\n1\n", "line 3", "1 of 2 fields"), ("II,V5\n1,2\n1,2,3\n", "line 3", "more than 2 fields"),
    ("II\n1e300\n", "line 2", "out of range"), ("II [ADC]\n1.5\n", "line 2", "no whole ADC count"),
    ("II\n0\0.1\n", "", "no text"), ("\"II\n1\n", "line 1", "never closed"),
    (
      "II\n" + String(repeating: "x", count: 90_000), "line 2",
      "'" + String(repeating: "x", count: 40) + "...'"
    ),
  ])
  func tellsTheLineThatIsWrong(text: String, location: String, problem: String) throws {
    let error = failure { _ = try record(text, CSVOptions(sampleRateHz: 360)) }
    #expect(error?.kind == .malformed)
    #expect(error?.location ?? "" == location, "\(error?.description ?? "no error")")
    #expect(error?.problem.contains(problem) == true, "\(error?.description ?? "no error")")
  }

  @Test(
    arguments: [
      ("II\n1\n", nil, "its sampling rate is unknown"), ("II\n1\n", 0, "sampling rate of 0.0 Hz"),
      ("II\n1\n", .nan, "sampling rate of nan Hz"), ("t,II\n0,1\n0.5,1\n", 360, "not the 360 Hz stated"),
      ("t,II\n0,1\n", nil, "one row only"), ("t,II\n1,1\n0,1\n", nil, "do not grow"),
      ("t,II\n0,1\n1,1\n2,1\n", nil, "counts 0, 1, 2"),
      ("t [s],II\n0,1\n1,1\n2,1\n1.5,1\n4,1\n5,1\n", nil, "its time does not grow"),
    ] as [(String, Double?, String)])
  func refusesARateThatIsNotClear(text: String, rate: Double?, problem: String) throws {
    let error = failure { _ = try record(text, CSVOptions(sampleRateHz: rate)) }
    #expect(error?.problem.contains(problem) == true, "\(error?.description ?? "no error")")
  }

  @Test func noHeaderNeedsNumbers() throws {
    let error = failure { _ = try record("II\n1\n", CSVOptions(sampleRateHz: 250, hasTitles: false)) }
    #expect(error?.remedy == "leave out --no-header")
  }

  @Test func tellsThatAFileIsMissing() {
    #expect(failure { _ = try Record.load("/nowhere/x.csv") }?.kind == .missing)
    #expect(failure { _ = try Record.load("/nowhere/100") }?.kind == .missing)
  }

  // MARK: Writing

  @Test func readsBackWhatItWrites() throws {
    let folder = try TemporaryFolder()
    var specification = SignalSpecification()
    specification.name = "say \"II\", left"
    specification.gain = 1716
    specification.baseline = 6
    var samples = (0..<1000).map { Int32(($0 * 7919) % 4001 - 2000) }
    for index in 200..<220 { samples[index] = Signal.invalidSample }
    let signal = Signal(specification, sampleRateHz: 257.3, samples: samples)
    let record = Record(name: "r", sampleRateHz: 257.3, sampleCount: 1000, signals: [signal])
    try record.write(csv: folder.file("r.csv"))
    let back = try Record.load(folder.file("r.csv"))
    #expect(abs(back.sampleRateHz - 257.3) < 1e-9)
    #expect(back.signals[0].name == specification.name)
    #expect(back.signals[0].invalidSampleCount == 20)
    let errors = zip(try back.signals[0].millivolts(), try signal.millivolts()).map { abs($0 - $1) }
    #expect(errors.max()! <= 1e-6)
  }
}
