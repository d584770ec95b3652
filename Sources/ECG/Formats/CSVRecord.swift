import Foundation
import Support

/// How to understand a CSV recording where the file itself leaves it open.
package struct CSVOptions: Codable, Equatable, Sendable {
  /// The sampling rate; needed where there is no column of times.
  package var sampleRateHz: Double?
  /// ADC counts a millivolt, for columns of counts; WFDB's 200 where it isn't stated.
  package var gain: Double?
  /// The ADC count of 0 mV, for columns of counts; 0 where it isn't stated.
  package var baseline: Int?
  /// Whether the first line names the columns; nil where it does unless it holds numbers.
  package var hasTitles: Bool?

  /// Creates options; the defaults suit a file that states its units.
  package init(
    sampleRateHz: Double? = nil, gain: Double? = nil, baseline: Int? = nil, hasTitles: Bool? = nil
  ) {
    (self.sampleRateHz, self.gain, self.baseline, self.hasTitles) = (sampleRateHz, gain, baseline, hasTitles)
  }

  /// Whether columns without a unit are counts.
  var statesCounts: Bool { gain != nil || baseline != nil }
}

// The rules of a CSV recording are in docs/guides/Records.md.
extension Record {
  /// Reads a record argument: `-` for CSV from standard input, a `.csv` file, a file of the EDF family, or else a WFDB
  /// record.
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
    if RecordPath.isCSV(argument) { return try read(csv: argument, options) }
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
        argument,
        "is a \(isFolder.boolValue ? "folder" : "file"), not a WFDB record, .csv, .edf or .bdf file",
        remedy: "name a record by its .hea file, or a file that ends in .csv, .edf or .bdf")
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

  /// Parses a CSV file's content; `file` is the name used in notes and errors.
  ///
  /// - Throws: `FileError`, malformed, with the line that is wrong.
  package init(
    csv data: Data, name: String, file: String, _ options: CSVOptions = .init()
  ) throws(FileError) {
    if let rate = options.sampleRateHz, !(rate > 0 && rate.isFinite) {
      throw .malformed(file, "can't have a sampling rate of \(rate) Hz", remedy: "state a rate above 0")
    }
    if let gain = options.gain, !gain.isFinite || gain == 0 {
      throw .malformed(file, "can't have a gain of \(gain)", remedy: "state the ADC's counts a millivolt")
    }
    if let baseline = options.baseline, Int32(exactly: baseline) == nil {
      throw .malformed(file, "can't have a baseline of \(baseline)", remedy: "state the ADC's count of 0 mV")
    }
    let table = try CSVTable(parsing: data, file: file, hasTitles: options.hasTitles)
    self = try CSVReading(table, options).record(name: name)
  }

  // MARK: Writing

  /// The record as CSV with a time column and the leads in millivolts, exact to the last digit; a field without a
  /// valid sample is empty.
  ///
  /// - Throws: `FileError`, malformed, where signals differ in rate or are no voltages.
  package func csv() throws(FileError) -> Data {
    var scales: [(unit: Double, signal: Signal)] = []
    for signal in signals {
      guard signal.samples.count == sampleCount, let unit = signal.millivoltsPerUnit else {
        throw .malformed(
          name, at: "signal \(signal.name)", "is no voltage or has a rate of its own",
          remedy: "leave it out of the CSV file")
      }
      scales.append((unit, signal))
    }
    let titles = ["time [s]"] + signals.map { CSVText.field("\($0.name) [mV]") }
    var text = titles.joined(separator: ",") + "\n"
    for index in 0..<sampleCount {
      text += "\(Double(index) / sampleRateHz)"
      for (unit, signal) in scales {
        let sample = signal.samples[index]
        text +=
          sample == Signal.invalidSample
          ? "," : ",\(Double(Int(sample) - signal.baseline) / signal.gain * unit)"
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
