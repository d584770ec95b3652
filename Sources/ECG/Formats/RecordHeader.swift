import Foundation
import Support

/// What a WFDB header says of one signal.
package struct SignalSpecification: Sendable, Equatable {
  /// The signal file's name, relative to the header's folder.
  package var fileName = ""
  /// How the samples are stored.
  package var format = SignalFormat.twosComplement16
  /// The signal's samples for each tick of the record's rate.
  package var samplesPerFrame = 1
  /// The signal's samples that precede the record's sample 0, because the recorder took it late.
  package var skewSamples = 0
  /// The bytes before the first sample in the signal file.
  package var byteOffset = 0
  /// ADC units a physical unit.
  package var gain = 200.0
  /// The ADC value of 0 physical units.
  package var baseline = 0
  /// What that value lies above `baseline`, less than one unit: EDF's ranges need not put it on a whole one.
  package var baselineFraction = 0.0
  /// The physical unit, such as `mV`.
  package var units = "mV"
  /// The ADC's resolution.
  package var adcResolutionBits = 12
  /// The ADC's value for the middle of its input range.
  package var adcZero = 0
  /// The first sample, from which format 8 counts its differences.
  package var initialValue = 0
  /// The sum of all stored samples, low 16 bits; nil where the header states none.
  package var checksum: Int16?
  /// The signal file's block size, 0 for ordinary files.
  package var blockSize = 0
  /// The lead's name.
  package var name = ""
  /// What was assumed of the signal in reading it.
  package var notes: [FileNote] = []

  /// Creates a specification with the standard's defaults.
  package init() {}
}

/// What a WFDB header says of a segment of a record.
package struct SegmentSpecification: Sendable, Equatable {
  /// The segment's record name; `~` for a gap.
  package var name: String
  /// The segment's length at the record's rate.
  package var sampleCount: Int
}

/// The content of a WFDB header file.
package struct RecordHeader: Sendable, Equatable {
  /// The record's name.
  package var name: String
  /// The record's rate: frames a second.
  package var sampleRateHz: Double
  /// The counter's rate; equal to the sampling rate unless stated.
  package var counterFrequencyHz: Double
  /// The counter's value at sample 0.
  package var baseCounter: Double
  /// The samples of each signal at the record's rate; nil where the header leaves it open.
  package var sampleCount: Int?
  /// The time of day of sample 0 as the header gives it.
  package var baseTime: String?
  /// The date of sample 0 as the header gives it, day/month/year.
  package var baseDate: String?
  /// The signals; empty in a record of several segments.
  package var signals: [SignalSpecification]
  /// The number of signals that the record line states.
  package var signalCount: Int
  /// The segments of a record of several segments; nil for an ordinary record.
  package var segments: [SegmentSpecification]?
  /// The comments, without `#` and the spaces around them.
  package var comments: [String]

  /// The header file of a record named with or without path and `.hea`; a file of the EDF family is its own.
  package static func path(ofRecord record: String) -> String {
    record.hasSuffix(".hea") || EDFFile.isNamed(record) ? record : record + ".hea"
  }

  /// Reads a record's header file.
  ///
  /// - Throws: `FileError` where the file is missing or breaks the header's grammar.
  package static func read(_ record: String) throws(FileError) -> RecordHeader {
    if EDFFile.isNamed(record) { return try read(edf: record) }
    let path = path(ofRecord: record)
    return try RecordHeader(parsing: try Files.read(path), file: path)
  }

  /// Parses a header file's content; `file` is the name used in errors.
  ///
  /// - Throws: `FileError`, malformed, with the line that breaks the header's grammar.
  package init(parsing data: Data, file: String) throws(FileError) {
    let text = Self.text(data)
    var comments: [String] = []
    var lines: [HeaderLine] = []
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      .enumerated()
    {
      let trimmed = line.drop(while: \.isWhitespace)
      if trimmed.first == "#" {
        comments.append(trimmed.dropFirst().trimmingCharacters(in: .whitespaces))
      } else if !trimmed.isEmpty {
        lines.append(HeaderLine(rest: trimmed, number: index + 1, file: file))
      }
    }
    guard !lines.isEmpty else {
      throw .malformed(file, "the header is empty", remedy: "fetch or write the record again")
    }
    let segmentCount: Int?
    (self, segmentCount) = try Self.recordLine(&lines[0])
    self.comments = comments
    let described = lines.dropFirst().prefix(segmentCount ?? signalCount)
    guard described.count == segmentCount ?? signalCount else {
      let kind = segmentCount == nil ? "signals" : "segments"
      throw lines[0].error("promises \(segmentCount ?? signalCount) \(kind) but describes \(described.count)")
    }
    if segmentCount != nil { segments = [] }
    for (index, line) in described.enumerated() {
      var line = line
      if segmentCount == nil {
        signals.append(try Self.signalLine(&line, index: index, record: name))
      } else {
        segments?.append(try Self.segmentLine(&line))
      }
    }
  }
}

extension RecordHeader {
  /// The text in UTF-8, or else in Latin-1, which older programs write the micro sign in.
  private static func text(_ data: Data) -> String {
    guard let text = String(validating: data, as: UTF8.self) else {
      return String(String.UnicodeScalarView(data.map { Unicode.Scalar($0) }))
    }
    return text.hasPrefix("\u{FEFF}") ? String(text.dropFirst()) : text
  }
}

// MARK: - The three kinds of line

extension RecordHeader {
  init(name: String) {
    self.name = name
    sampleRateHz = 250
    counterFrequencyHz = 250
    baseCounter = 0
    signals = []
    signalCount = 0
    comments = []
  }

  // name[/segments] signals [rate[/counter[(base)]] [samples [time [date]]]]
  private static func recordLine(
    _ line: inout HeaderLine
  ) throws(FileError) -> (RecordHeader, segmentCount: Int?) {
    let names = line.field()!.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let name = names.first, !name.isEmpty else { throw line.error("has no record name") }
    var header = RecordHeader(name: String(name))
    var segmentCount: Int?
    if names.count == 2 {
      let count = try line.integer(names[1], "number of segments")
      guard count > 0 else { throw line.error("has \(count) segments") }
      segmentCount = count
    }
    guard let signals = line.field() else { throw line.error("has no number of signals") }
    header.signalCount = try line.integer(signals, "number of signals")
    guard header.signalCount >= 0 else { throw line.error("has \(header.signalCount) signals") }

    guard let rates = line.field() else { return (header, segmentCount) }
    let rate = rates.prefix { $0 != "/" }
    header.sampleRateHz = try line.number(rate, "sampling rate")
    guard header.sampleRateHz > 0 else {
      throw line.error("has a sampling rate of \(rate) Hz", remedy: "state a rate above 0")
    }
    header.counterFrequencyHz = header.sampleRateHz
    if rate.endIndex < rates.endIndex {
      let counter = rates[rate.endIndex...].dropFirst()
      let frequency = counter.prefix { $0 != "(" }
      let stated = try line.number(frequency, "counter frequency")
      if stated > 0 { header.counterFrequencyHz = stated }
      if frequency.endIndex < counter.endIndex {
        let base = counter[frequency.endIndex...].dropFirst()
        guard base.last == ")" else { throw line.error("has a base counter without its closing bracket") }
        header.baseCounter = try line.number(base.dropLast(), "base counter")
      }
    }

    guard let samples = line.field() else { return (header, segmentCount) }
    let count = try line.integer(samples, "number of samples")
    guard count >= 0 else { throw line.error("has \(count) samples") }
    header.sampleCount = count == 0 ? nil : count
    header.baseTime = line.field().map(String.init)
    header.baseDate = line.field().map(String.init)
    return (header, segmentCount)
  }

  // name samples
  private static func segmentLine(_ line: inout HeaderLine) throws(FileError) -> SegmentSpecification {
    let name = line.field()!
    guard let field = line.field() else { throw line.error("has no length for segment \(name)") }
    let count = try line.integer(field, "segment length")
    guard count >= 0 else { throw line.error("has a segment of \(count) samples") }
    return SegmentSpecification(name: String(name), sampleCount: count)
  }

  // file format[xN][:skew][+offset]
  //   [gain[(baseline)][/units] [bits [zero [initial [checksum [block [name]]]]]]]
  private static func signalLine(
    _ line: inout HeaderLine, index: Int, record: String
  ) throws(FileError) -> SignalSpecification {
    var signal = SignalSpecification()
    signal.fileName = String(line.field()!)
    signal.name = "record \(record), signal \(index)"
    guard let storage = line.field() else { throw line.error("has no storage format") }
    try parseStorage(storage, into: &signal, line)
    signal.adcResolutionBits = signal.format.defaultResolutionBits

    guard let gain = line.field() else {
      signal.notes.append(line.note(gainAssumedFor: signal))
      return signal
    }
    let (statedBaseline, hasGain) = try parseGain(gain, into: &signal, line)
    if let field = line.field() {
      let bits = try line.integer(field, "ADC resolution")
      guard (0...64).contains(bits) else { throw line.error("has an ADC resolution of \(bits) bits") }
      if bits > 0 { signal.adcResolutionBits = bits }
    }
    if let field = line.field() { signal.adcZero = try line.sample(field, "ADC zero", &signal.notes) }
    signal.baseline = statedBaseline ?? signal.adcZero
    signal.initialValue = signal.adcZero
    if let field = line.field() {
      signal.initialValue = try line.sample(field, "initial value", &signal.notes)
    }
    if let field = line.field() {
      signal.checksum = Int16(truncatingIfNeeded: try line.integer(field, "checksum"))
    }
    if let field = line.field() { signal.blockSize = try line.integer(field, "block size") }
    let name = line.rest.trimmingCharacters(in: .whitespaces)
    if !name.isEmpty { signal.name = name }
    if !hasGain { signal.notes.append(line.note(gainAssumedFor: signal)) }
    return signal
  }

  private static func parseStorage(
    _ field: Substring, into signal: inout SignalSpecification, _ line: HeaderLine
  ) throws(FileError) {
    let number = field.prefix { !"x:+".contains($0) }
    guard !["508", "516", "524"].contains(number) else {
      throw line.error(
        "says that \(signal.fileName) is compressed by FLAC (format \(number)), which is not read",
        remedy: "write the record anew in format 16, as `wfdb.wrsamp` of Python's wfdb does")
    }
    guard let code = Int(number) else {
      throw line.error(
        "has \(number.quotedStart) for its storage format",
        remedy: "correct the header; the name of a signal file can't have spaces")
    }
    guard let format = SignalFormat(rawValue: code) else {
      throw line.error(
        "has the unknown storage format \(number)",
        remedy: "convert the record to a format such as 16 or 212")
    }
    signal.format = format
    var rest = field[number.endIndex...]
    while let mark = rest.popFirst() {
      let digits = rest.prefix { !"x:+".contains($0) }
      rest = rest[digits.endIndex...]
      let value = try line.integer(digits, "modifier of the storage format")
      guard value >= (mark == "x" ? 1 : 0), value <= Int(Int32.max) else {
        throw line.error("has the format modifier \(mark)\(value)")
      }
      switch mark {
      case "x": signal.samplesPerFrame = value
      case ":": signal.skewSamples = value
      default: signal.byteOffset = value
      }
    }
  }

  /// Parses `gain[(baseline)][/units]` and returns the baseline where it is stated, and whether the gain is.
  private static func parseGain(
    _ field: Substring, into signal: inout SignalSpecification, _ line: HeaderLine
  ) throws(FileError) -> (baseline: Int?, hasGain: Bool) {
    let gain = try line.number(field.prefix { $0 != "(" && $0 != "/" }, "gain")
    if gain != 0 { signal.gain = gain }
    var rest = field.drop { $0 != "(" && $0 != "/" }
    var baseline: Int?
    if rest.first == "(" {
      guard let end = rest.firstIndex(of: ")") else {
        throw line.error("has a baseline without its closing bracket")
      }
      baseline = try line.sample(rest[..<end].dropFirst(), "baseline", &signal.notes)
      rest = rest[rest.index(after: end)...]
    }
    if rest.first == "/" { rest = rest.dropFirst() }
    if !rest.isEmpty { signal.units = String(rest) }
    return (baseline, gain != 0)
  }
}

/// A header's line, taken field by field, and its place for errors.
private struct HeaderLine {
  var rest: Substring
  let number: Int
  let file: String

  init(rest: Substring, number: Int, file: String) {
    self.rest = rest
    self.number = number
    self.file = file
  }

  mutating func field() -> Substring? {
    rest = rest.drop(while: \.isWhitespace)
    let field = rest.prefix { !$0.isWhitespace }
    rest = rest[field.endIndex...]
    return field.isEmpty ? nil : field
  }

  /// A whole number; with a point and zeros too, as programs write it that know one kind of number.
  func integer(_ field: Substring, _ meaning: String) throws(FileError) -> Int {
    if let value = Int(field) { return value }
    guard let value = Int(exactly: try number(field, meaning)) else {
      throw error("has \(field.quotedStart) for its \(meaning)")
    }
    return value
  }

  /// An integer in the range of samples; a fraction is left out as WFDB does, and that noted.
  func sample(_ field: Substring, _ meaning: String, _ notes: inout [FileNote]) throws(FileError) -> Int {
    let value = try number(field, meaning)
    guard let sample = Int32(exactly: value.rounded(.towardZero)) else {
      throw error("has \(field.quotedStart) for its \(meaning)")
    }
    if value != Double(sample) { notes.append(note("the \(meaning) \(field) was taken as \(sample)")) }
    return Int(sample)
  }

  func number(_ field: Substring, _ meaning: String) throws(FileError) -> Double {
    // `Double` would stop at a zero byte and take what comes before it.
    guard !field.utf8.contains(0), let value = Double(field), value.isFinite else {
      throw error("has \(field.quotedStart) for its \(meaning)")
    }
    return value
  }

  func note(_ text: String) -> FileNote { FileNote(file, at: "line \(number)", text) }

  func note(gainAssumedFor signal: SignalSpecification) -> FileNote {
    note(
      "states no gain for \(signal.name): \(Numbers.shortest(signal.gain)) units a \(signal.units) were assumed, as WFDB does"
    )
  }

  func error(_ problem: String, remedy: String = "correct the header or fetch the record again") -> FileError
  {
    .malformed(file, at: "line \(number)", problem, remedy: remedy)
  }
}
