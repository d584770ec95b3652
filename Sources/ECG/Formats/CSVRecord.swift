import Foundation
import Support

/// How to understand a CSV recording where the file itself leaves it open.
package struct CSVOptions: Sendable, Equatable {
  /// The sampling rate; needed where there is no time column.
  package var sampleRateHz: Double?
  /// Whether a column without a unit holds ADC counts instead of millivolts.
  package var assumesADCCounts: Bool
  /// ADC counts a millivolt, for columns of ADC counts.
  package var gain: Double
  /// The ADC count of 0 mV, for columns of ADC counts.
  package var baseline: Int

  /// Creates options; the defaults suit a file in millivolts.
  package init(
    sampleRateHz: Double? = nil, assumesADCCounts: Bool = false, gain: Double = 200, baseline: Int = 0
  ) {
    self.sampleRateHz = sampleRateHz
    self.assumesADCCounts = assumesADCCounts
    self.gain = gain
    self.baseline = baseline
  }
}

// The rules of a CSV recording:
// - The first line names the columns, separated by commas; each further line has a number for each column.
// - A column named `time` or `t`, with the unit `[s]` (assumed) or `[ms]`, holds the time of each row, evenly
//   spaced; it decides the rate. Without one the rate must be stated. Where both are there they must agree.
// - Every other column is a lead. Its unit stands in brackets after its name: `MLII [mV]`, `[uV]`, `[V]`, or
//   `[ADC]` for counts, which need the gain and baseline of the options. Without a unit it is mV or as stated.
// - Voltages are kept to the nanovolt: as a signal of 1,000,000 units a millivolt.
extension Record {
  /// Reads a record argument: `-` for CSV from standard input, a `.csv` file, or else a WFDB record.
  ///
  /// - Throws: `FileError` where the file is missing or wrong, or the record has no samples.
  package static func load(_ argument: String, csv options: CSVOptions = .init()) throws(FileError) -> Record
  {
    if argument == "-" {
      let input: Data
      do {
        input = try FileHandle.standardInput.readToEnd() ?? Data()
      } catch {
        throw .inaccessible("standard input", "can't be read", remedy: "name a file")
      }
      return try Record(csv: input, name: "stdin", file: "standard input", options)
    }
    if argument.lowercased().hasSuffix(".csv") { return try read(csv: argument, options) }
    let record = try readNamed(argument)
    guard record.sampleCount > 0 else {
      throw .malformed(
        RecordHeader.path(ofRecord: argument), "the record has no samples", remedy: "fetch the record again")
    }
    return record
  }

  /// Reads a WFDB record; what is there but no record is told apart from what is missing.
  private static func readNamed(_ argument: String) throws(FileError) -> Record {
    var isFolder: ObjCBool = false
    if !FileManager.default.fileExists(atPath: RecordHeader.path(ofRecord: argument)),
      FileManager.default.fileExists(atPath: argument, isDirectory: &isFolder)
    {
      throw .malformed(
        argument, "is a \(isFolder.boolValue ? "folder" : "file"), not a WFDB record or a .csv file",
        remedy: "name a record by its .hea file, or a file that ends in .csv")
    }
    return try read(argument)
  }

  /// Reads a CSV file.
  ///
  /// - Throws: `FileError` where the file is missing, or with the line that is wrong.
  package static func read(csv path: String, _ options: CSVOptions = .init()) throws(FileError) -> Record {
    let name = RecordPath.name(of: path).replacing(/\.csv$/.ignoresCase(), with: "")
    return try Record(csv: try Files.read(path), name: name, file: path, options)
  }

  /// Parses a CSV file's content; `file` is the name used in errors.
  ///
  /// - Throws: `FileError`, malformed, with the line that is wrong.
  package init(
    csv data: Data, name: String, file: String, _ options: CSVOptions = .init()
  ) throws(FileError) {
    let table = try CSVTable(parsing: data, file: file)
    var leads: [CSVLead] = []
    var times: (values: [Double], secondsPerUnit: Double)?
    for (title, values) in zip(table.titles, table.columns) {
      let column = try CSVLead(title, values, options, file: file)
      if let secondsPerUnit = column.secondsPerTimeUnit {
        guard times == nil else { throw table.titleError("has two time columns") }
        times = (values, secondsPerUnit)
      } else {
        guard !leads.contains(where: { $0.name == column.name }) else {
          throw table.titleError("has two columns for lead \(column.name)")
        }
        leads.append(column)
      }
    }
    guard !leads.isEmpty else { throw table.titleError("has no column of a lead") }

    var rate = options.sampleRateHz
    if let rate, !(rate > 0 && rate.isFinite) {
      throw .malformed(file, "can't have a sampling rate of \(rate) Hz", remedy: "state a rate above 0")
    }
    if let times {
      let measured = try table.rate(of: times.values, secondsPerUnit: times.secondsPerUnit)
      if let stated = rate, abs(stated - measured) > 1e-3 * stated {
        throw .malformed(
          file,
          "has a time column of \(Numbers.shortest(measured)) Hz, not the \(Numbers.shortest(stated)) Hz stated",
          remedy: "leave the rate out or correct it")
      }
      rate = rate ?? measured
    }
    guard let rate else {
      throw .malformed(
        file, at: "line 1", "has no time column, so its sampling rate is unknown",
        remedy: "state the sampling rate")
    }
    var signals: [Signal] = []
    for lead in leads { signals.append(try lead.signal(sampleRateHz: rate, table)) }
    self.init(name: name, sampleRateHz: rate, sampleCount: table.rowCount, signals: signals)
  }

  /// The record as CSV with a time column and the leads in millivolts, exact to the last digit.
  ///
  /// - Throws: `FileError`, malformed, where signals differ in rate, are no voltages or have invalid samples.
  package func csv() throws(FileError) -> Data {
    var scales: [(unit: Double, signal: Signal)] = []
    for signal in signals {
      guard signal.samples.count == sampleCount, let unit = signal.millivoltsPerUnit else {
        throw .malformed(
          name, at: "signal \(signal.name)", "is no voltage or has a rate of its own",
          remedy: "leave it out of the CSV file")
      }
      if let invalid = signal.samples.firstIndex(of: Signal.invalidSample) {
        throw .malformed(
          name, at: "signal \(signal.name), sample \(invalid)",
          "is invalid, and a CSV file has no way to say so", remedy: "choose a part without gaps")
      }
      scales.append((unit, signal))
    }
    let titles = ["time [s]"] + signals.map { CSVText.field("\($0.name) [mV]") }
    var text = titles.joined(separator: ",") + "\n"
    for index in 0..<sampleCount {
      text += "\(Double(index) / sampleRateHz)"
      for (unit, signal) in scales {
        text += ",\(Double(Int(signal.samples[index]) - signal.baseline) / signal.gain * unit)"
      }
      text += "\n"
    }
    return Data(text.utf8)
  }

  /// Writes the record as a CSV file; see `csv()`.
  ///
  /// - Throws: `FileError`, as `csv()` does, or where the file can't be written.
  package func write(csv path: String) throws(FileError) {
    try Files.write(try csv(), to: path)
  }
}

/// A column of a CSV recording: a lead, or the time.
private struct CSVLead {
  /// ADC units a millivolt of a signal that was given in volts.
  static let unitsPerMillivolt = 1e6

  let name: String
  let values: [Double]
  /// ADC units for each unit of the column.
  let scale: Double
  let specification: SignalSpecification
  /// Seconds a unit, in a time column alone.
  let secondsPerTimeUnit: Double?

  /// Takes a title such as `MLII [mV]` or `time (ms)` apart.
  init(_ title: String, _ values: [Double], _ options: CSVOptions, file: String) throws(FileError) {
    var name = title
    var unit = options.assumesADCCounts ? "adc" : "mv"
    var hasUnit = false
    if let last = title.last, last == "]" || last == ")",
      let open = title.lastIndex(of: last == "]" ? "[" : "(")
    {
      name = title[..<open].trimmingCharacters(in: .whitespaces)
      unit = title[title.index(after: open)...].dropLast().trimmingCharacters(in: .whitespaces).lowercased()
      hasUnit = true
    }
    func unknown(_ units: String) -> FileError {
      .malformed(file, at: "line 1", "column \(title) is in an unknown unit", remedy: "use one of \(units)")
    }
    var specification = SignalSpecification()
    specification.format = .twosComplement32
    specification.adcResolutionBits = 32
    self.values = values
    if ["time", "t"].contains(name.lowercased()) {
      guard let seconds = ["s": 1, "sec": 1, "ms": 1e-3][hasUnit ? unit : "s"] else {
        throw unknown("[s] and [ms]")
      }
      (scale, secondsPerTimeUnit) = (1, seconds)
    } else if ["adc", "adu", "count", "counts"].contains(unit) {
      guard options.gain.isFinite, options.gain != 0, Int32(exactly: options.baseline) != nil else {
        throw .malformed(
          file, "can't have a gain of \(options.gain) and a baseline of \(options.baseline)",
          remedy: "state the ADC's")
      }
      specification.gain = options.gain
      specification.baseline = options.baseline
      (scale, secondsPerTimeUnit) = (1, nil)
    } else {
      guard let millivolts = ["v": 1000, "mv": 1, "uv": 1e-3, "\u{B5}v": 1e-3, "\u{3BC}v": 1e-3][unit] else {
        throw unknown("[mV], [uV], [V] and [ADC]")
      }
      specification.gain = Self.unitsPerMillivolt
      (scale, secondsPerTimeUnit) = (millivolts * Self.unitsPerMillivolt, nil)
    }
    specification.name = name
    specification.adcZero = specification.baseline
    self.name = name
    self.specification = specification
  }

  func signal(sampleRateHz: Double, _ table: CSVTable) throws(FileError) -> Signal {
    var samples: [Int32] = []
    samples.reserveCapacity(values.count)
    for (row, value) in values.enumerated() {
      let scaled = (value * scale).rounded()
      guard scaled > Double(Int32.min), scaled <= Double(Int32.max) else {
        throw table.error(row: row, "\(value) in column \(name) is out of range")
      }
      guard scale != 1 || scaled == value else {
        throw table.error(row: row, "\(value) in column \(name) is no whole ADC count")
      }
      samples.append(Int32(scaled))
    }
    var specification = specification
    specification.initialValue = Int(samples.first ?? 0)
    return Signal(specification, sampleRateHz: sampleRateHz, samples: samples)
  }
}

/// The titles and numbers of a CSV file.
private struct CSVTable {
  let file: String
  private(set) var titles: [String] = []
  /// The numbers, `[column][row]`.
  private(set) var columns: [[Double]] = []
  private(set) var rowCount = 0

  init(parsing data: Data, file: String) throws(FileError) {
    self.file = file
    // Empty lines at the end are none.
    let end = data.lastIndex { ![0x0A, 0x0D, 0x20].contains($0) }
    var parser = try CSVParser(data[..<(end.map { $0 + 1 } ?? data.startIndex)], file: file)
    guard end != nil, let first = try parser.row() else {
      throw .malformed(file, "the file is empty", remedy: "give a header line and a row for each sample")
    }
    titles = try parser.titles(first)
    guard titles.contains(where: { Double($0) == nil }) else {
      throw titleError("holds numbers instead of names")
    }
    columns = titles.map { _ in [] }
    while let row = try parser.row() { try take(row) }
    guard rowCount > 0 else { throw titleError("is followed by no samples") }
  }

  func titleError(_ problem: String) -> FileError {
    .malformed(file, at: "line 1", "the header line \(problem)", remedy: "name a column for each lead")
  }

  func error(row: Int, _ problem: String) -> FileError {
    .malformed(file, at: "line \(row + 2)", problem, remedy: "correct or remove the line")
  }

  private mutating func take(_ row: CSVParser.Row) throws(FileError) {
    func error(_ problem: String) -> FileError {
      .malformed(file, at: "line \(row.line)", problem, remedy: "correct or remove the line")
    }
    for (column, text) in row.fields.enumerated() {
      guard column < columns.count else { throw error("has more than \(columns.count) fields") }
      guard !text.isEmpty else { throw error("has an empty field for \(titles[column])") }
      guard let value = Double(text), value.isFinite else {
        throw error("has \(text.quotedStart) for \(titles[column]), which is no number")
      }
      columns[column].append(value)
    }
    guard row.fields.count == columns.count else {
      throw error("has \(row.fields.count) of \(columns.count) fields")
    }
    rowCount += 1
  }

  /// The rate of evenly spaced times; whole where the times, as exactly as they are given, allow it.
  ///
  /// - Throws: `FileError`, malformed, with the line that is not evenly spaced.
  func rate(of times: [Double], secondsPerUnit: Double) throws(FileError) -> Double {
    guard times.count > 1 else {
      throw .malformed(file, "has one row only, so its sampling rate is unknown", remedy: "give more samples")
    }
    let intervals = Double(times.count - 1)
    let span = times[times.count - 1] - times[0]
    let step = span / intervals
    guard step > 0, step.isFinite else {
      throw .malformed(file, "has times that do not grow", remedy: "order the rows by time")
    }
    for (row, time) in times.enumerated() {
      guard abs(time - times[0] - Double(row) * step) <= 0.5 * step else {
        throw error(row: row, "its time \(Numbers.shortest(time)) is not evenly spaced")
      }
    }
    let rate = 1 / (step * secondsPerUnit)
    guard rate.isFinite else {
      throw .malformed(file, "has times too close for a sampling rate", remedy: "give the time in seconds")
    }
    let whole = rate.rounded()
    let isWhole = whole > 0 && abs(intervals / (whole * secondsPerUnit) - span) <= resolution(of: times)
    return isWhole ? whole : rate
  }

  /// One unit of the last decimal place that the times are given to.
  private func resolution(of times: [Double]) -> Double {
    var unit = 1.0
    for time in times.prefix(1000) {
      while unit > 1e-9, abs((time / unit).rounded() * unit - time) > 1e-3 * unit { unit /= 10 }
    }
    return unit
  }
}
