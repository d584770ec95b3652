import ECG
import Foundation
import Testing
import TestSupport

@Suite struct CSVTests {
  private func record(_ text: String, _ options: CSVOptions = .init()) throws -> Record {
    try Record(csv: Data(text.utf8), name: "x", file: "x.csv", options)
  }

  @Test func readsMillivoltsWithAStatedRate() throws {
    let record = try record("MLII\n0.5\n-1.25\n", CSVOptions(sampleRateHz: 360))
    #expect(record.sampleRateHz == 360 && record.sampleCount == 2)
    #expect(try record.signal(named: "MLII").millivolts() == [0.5, -1.25])
  }

  @Test func readsTheUnitsInTheTitles() throws {
    let text = "\u{FEFF}II [uV], \"V1, chest (V)\",III [ADC],aVF [mV]\r\n500,0.001,1124,2\r\n"
    let record = try record(text, CSVOptions(sampleRateHz: 250, gain: 100, baseline: 1024))
    #expect(record.signals.map(\.specification.name) == ["II", "V1, chest", "III", "aVF"])
    #expect(try record.signals.map { try $0.millivolts() } == [[0.5], [1], [1], [2]])
    #expect(record.signals[2].samples == [1124])
  }

  @Test func takesColumnsWithoutAUnitAsCountsWhereToldSo() throws {
    let options = CSVOptions(sampleRateHz: 360, assumesADCCounts: true, gain: 200, baseline: 1024)
    #expect(try record("MLII\n1224\n", options).signals[0].millivolts() == [1])
  }

  @Test(
    arguments: [
      ("time [ms],II\n0,1\n4,1\n8,1\n", 250.0), ("t,II\n10,1\n10.5,1\n", 2),
      ("time,II\n0.000000,1\n0.002778,1\n0.005556,1\n0.008333,1\n", 360),
      ("Time (s),II\n0,1\n0.4,1\n0.8,1\n1.2,1\n", 2.5),
    ] as [(String, Double)])
  func takesTheRateFromATimeColumn(text: String, rate: Double) throws {
    #expect(abs(try record(text).sampleRateHz - rate) < 1e-9 * rate)
  }

  @Test func findsTheWholeRateBehindRoundedTimes() throws {
    let rows = (0..<3600).map { "\((Double($0) / 360 * 1000).rounded() / 1000),1\n" }
    #expect(try record("time,II\n" + rows.joined()).sampleRateHz == 360)
  }

  @Test(arguments: [
    ("", "", "is empty"), ("\n\n", "", "is empty"), ("II\n", "line 1", "followed by no samples"),
    ("1.5\n2\n", "line 1", "numbers instead of names"), ("II,\n1,2\n", "line 1", "without a name"),
    ("II,II\n1,2\n", "line 1", "two columns for lead II"), ("II [kg]\n1\n", "line 1", "unknown unit"),
    ("time\n0\n1\n", "line 1", "no column of a lead"), ("t,time,II\n0,0,1\n", "line 1", "two time columns"),
    ("II\n1\ntext\n", "line 3", "'text' for II, which is no number"),
    ("II\n1\nnan\n3\n", "line 3", "'nan'"), ("II\ninf\n", "line 2", "'inf'"),
    ("II,V5\n1,2\n1\n", "line 3", "1 of 2 fields"), ("II\n1\n1,2\n", "line 3", "more than 1 fields"),
    ("II,V5\n1,\n", "line 2", "empty field for V5"), ("II\n1\n\n2\n", "line 3", "empty field"),
    ("II\n1e9\n", "line 2", "out of range"), ("II [ADC]\n1.5\n", "line 2", "no whole ADC count"),
    ("II\n0\0.1\n", "", "no text in UTF-8"), ("time;II\n0;1\n", "line 1", "by semicolons"),
    ("time\tII\n0\t1\n", "line 1", "by tabs"), ("\"II\n1\n", "line 1", "never closed"),
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
      ("II\n1\n", .nan, "sampling rate of nan Hz"), ("t,II\n0,1\n1,1\n", 360, "not the 360 Hz stated"),
      ("t,II\n0,1\n", nil, "one row only"), ("t,II\n1,1\n0,1\n", nil, "do not grow"),
      ("t,II\n0,1\n1,1\n3,1\n4,1\n5,1\n6,1\n", nil, "time 3 is not evenly spaced"),
    ] as [(String, Double?, String)])
  func refusesARateThatIsNotClear(text: String, rate: Double?, problem: String) throws {
    let error = failure { _ = try record(text, CSVOptions(sampleRateHz: rate)) }
    #expect(error?.problem.contains(problem) == true, "\(error?.description ?? "no error")")
  }

  @Test func readsBackWhatItWrites() throws {
    let folder = try TemporaryFolder()
    var specification = SignalSpecification()
    specification.name = "say \"II\", left"
    specification.gain = 1716
    specification.baseline = 6
    let samples = (0..<1000).map { Int32(($0 * 7919) % 4001 - 2000) }
    let signal = Signal(specification, sampleRateHz: 257.3, samples: samples)
    let record = Record(name: "r", sampleRateHz: 257.3, sampleCount: 1000, signals: [signal])
    try record.write(csv: folder.file("r.csv"))
    let back = try Record.load(folder.file("r.csv"))
    #expect(abs(back.sampleRateHz - 257.3) < 1e-9)
    #expect(back.signals[0].name == specification.name)
    let errors = zip(try back.signals[0].millivolts(), try signal.millivolts()).map { abs($0 - $1) }
    #expect(errors.max()! <= 1e-6)
  }

  @Test func refusesToWriteInvalidSamples() throws {
    let signal = Signal(SignalSpecification(), sampleRateHz: 1, samples: [1, Signal.invalidSample])
    let record = Record(name: "r", sampleRateHz: 1, sampleCount: 2, signals: [signal])
    #expect(failure { _ = try record.csv() }?.location == "signal , sample 1")
  }

  @Test func tellsThatAFileIsMissing() {
    #expect(failure { _ = try Record.load("/nowhere/x.csv") }?.kind == .missing)
    #expect(failure { _ = try Record.load("/nowhere/100") }?.kind == .missing)
  }
}
