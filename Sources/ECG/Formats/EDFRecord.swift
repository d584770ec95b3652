import Foundation
import Support

/// The files of the EDF family, told by their names: `.edf`, `.bdf` and `.rec`.
package enum EDFFile {
  private static let endings = [".edf", ".bdf", ".rec"]

  /// Whether a record's path is that of such a file.
  package static func isNamed(_ path: String) -> Bool {
    endings.contains { path.lowercased().hasSuffix($0) }
  }

  /// Whether a file among others is one: `.rec` is the ending of other files too.
  static func isRecord(_ path: String) -> Bool {
    guard path.lowercased().hasSuffix(".rec") else { return isNamed(path) }
    let start = FileHandle(forReadingAtPath: path).flatMap { try? $0.read(upToCount: 8) }
    return start == Data("0       ".utf8)
  }

  /// The record's name: the file's without its ending.
  static func name(of path: String) -> String { String(RecordPath.name(of: path).dropLast(4)) }
}

extension Record {
  /// Reads an EDF, EDF+, BDF or BDF+ file; see `init(edf:name:file:)`.
  ///
  /// - Throws: `FileError` where the file is missing, or as `init(edf:name:file:)` does.
  package static func read(edf path: String) throws(FileError) -> Record {
    try Record(edf: try Files.read(path), name: EDFFile.name(of: path), file: path)
  }

  /// Takes a file of the EDF family apart; `file` is the name used in errors.
  ///
  /// The record's rate is that of its fastest signal in volts: annotations count at it. A signal of another rate keeps
  /// its own. Where data records leave a gap in time there are invalid samples.
  ///
  /// - Throws: `FileError`, malformed, with the byte or the data record that is wrong.
  package init(edf data: Data, name: String, file: String) throws(FileError) {
    let header = try EDFHeader(data, file: file)
    var notes = header.notes
    let times = try EDFTimes(header, data, file: file, notes: &notes)
    let signals = zip(header.ordinarySignals, header.specifications(record: name)).map {
      signal, specification in
      Signal(
        specification, sampleRateHz: header.sampleRateHz(of: signal),
        samples: times.samples(of: signal, header, data))
    }
    let rate = header.recordRateHz
    self.init(
      name: name, sampleRateHz: rate,
      sampleCount: signals.first { $0.sampleRateHz == rate }?.samples.count ?? 0, signals: signals)
    (baseTime, baseDate) = (header.startTime, header.startDate)
    comments = [header.kind + " file"]
    self.notes = notes.map { FileNote(file, $0) }
  }
}

extension RecordHeader {
  /// Reads what the header of a file of the EDF family says; the number of samples is nil where there may be gaps.
  ///
  /// - Throws: `FileError` where the file is missing or its header wrong.
  static func read(edf path: String) throws(FileError) -> RecordHeader {
    let header = try EDFHeader(try Files.read(path), file: path)
    var result = RecordHeader(name: EDFFile.name(of: path))
    (result.sampleRateHz, result.counterFrequencyHz) = (header.recordRateHz, header.recordRateHz)
    result.signals = header.specifications(record: result.name)
    result.signalCount = result.signals.count
    let first = header.ordinarySignals.first { header.sampleRateHz(of: $0) == header.recordRateHz }
    result.sampleCount = header.isDiscontinuous ? nil : first.map { $0.samplesPerRecord * header.recordCount }
    (result.baseTime, result.baseDate) = (header.startTime, header.startDate)
    result.comments = [header.kind + " file"]
    return result
  }

  /// Whether a file of the EDF family has signals that hold annotations.
  ///
  /// - Throws: `FileError`, as `read(edf:)` does.
  static func hasAnnotations(edf path: String) throws(FileError) -> Bool {
    try EDFHeader(try Files.read(path), file: path).signals.contains(where: \.holdsAnnotations)
  }
}

extension EDFHeader {
  /// The rate of the fastest signal in volts or, where none is in volts, of the fastest.
  var recordRateHz: Double {
    let rates = zip(ordinarySignals, specifications(record: "")).map { signal, specification in
      let rate = sampleRateHz(of: signal)
      return (rate, ECG.Signal(specification, sampleRateHz: rate, samples: []).millivoltsPerUnit != nil)
    }
    return rates.filter(\.1).map(\.0).max() ?? rates.map(\.0).max() ?? 1
  }

  /// The signals as WFDB describes them; one without a label is named after its place.
  fileprivate func specifications(record: String) -> [SignalSpecification] {
    ordinarySignals.enumerated().map { index, signal in
      signal.specification(name: "record \(record), signal \(index)", sampleBytes: sampleBytes)
    }
  }
}

extension EDFHeader.Signal {
  /// The calibration as gain and baseline, ADC units a physical unit.
  ///
  /// Without a range, or with one of no width, the gain is 0, and the signal has no value in volts.
  fileprivate func specification(name: String, sampleBytes: Int) -> SignalSpecification {
    var specification = SignalSpecification()
    specification.format = sampleBytes == 2 ? .twosComplement16 : .twosComplement24
    specification.adcResolutionBits = 8 * sampleBytes
    specification.name = label.isEmpty ? name : label
    specification.units = units.isEmpty ? "no unit" : units
    specification.gain = 0
    guard let (physicalLeast, physicalGreatest) = physicalRange, let (least, greatest) = digitalRange else {
      return specification
    }
    let gain = (greatest - least) / (physicalGreatest - physicalLeast)
    let zero = greatest - physicalGreatest * gain
    if gain.isFinite, let baseline = Int32(exactly: zero.rounded()) {
      specification.gain = gain
      specification.baseline = Int(baseline)
      specification.baselineFraction = zero - zero.rounded()
    }
    return specification
  }
}

/// When the data records begin.
private struct EDFTimes {
  /// The invalid samples that may stand for gaps; more is taken for a broken time.
  static let gapSampleLimit = Double(1 << 27)

  /// Data records that follow one another without a gap.
  struct Run {
    var records: Range<Int>
    /// When the first of them begins, after the file's first.
    var startSeconds: Double
  }

  private(set) var runs: [Run] = []

  /// Reads the data records' times, where the file has them.
  ///
  /// Times of a file that says that it has no gaps are believed where they agree with one another.
  ///
  /// - Throws: `FileError`, malformed, where a file that may have gaps doesn't tell the times, a data record begins
  ///   before the end of the one before, or so late that the gap is beyond all reason.
  init(_ header: EDFHeader, _ data: Data, file: String, notes: inout [String]) throws(FileError) {
    let whole = Run(records: 0..<header.recordCount, startSeconds: 0)
    do throws(FileError) {
      runs = try Self.runs(header, data, file: file) ?? [whole]
      if runs.count > 1, !header.isDiscontinuous {
        notes.append(
          "\(header.kind) has no gaps, but its data records' times leave \(runs.count - 1): taken as gaps")
      }
    } catch {
      guard !header.isDiscontinuous else { throw error }
      runs = [whole]
      notes.append("its data records' times were left out: \(error.location ?? "one") \(error.problem)")
    }
  }

  /// The runs between gaps; nil where no signal tells the times.
  private static func runs(_ header: EDFHeader, _ data: Data, file: String) throws(FileError) -> [Run]? {
    let ordinary = header.ordinarySignals
    guard let fastestHz = ordinary.map(header.sampleRateHz).max(), header.recordCount > 1 else { return nil }
    guard let keeper = header.signals.first(where: \.holdsAnnotations) else {
      guard header.isDiscontinuous else { return nil }
      throw .malformed(
        file, "may have gaps, but no signal EDF Annotations tells its data records' times",
        remedy: "export it again")
    }
    let samplesPerSecond = ordinary.reduce(0) { $0 + header.sampleRateHz(of: $1) }
    // Less than a sample of the fastest signal is rounding, or a clock's drift.
    let toleranceSeconds = (1 + 1e-6) / fastestHz
    var runs: [Run] = []
    var run = Run(records: 0..<0, startSeconds: 0)
    var (first, expected) = (0.0, nil as Double?)
    var gapSamples = 0.0
    for record in 0..<header.recordCount {
      func error(_ problem: String) -> FileError {
        .malformed(
          file, at: "data record \(record + 1)", problem, remedy: "correct its time or export the file again")
      }
      guard let onset = EDFAnnotationList.startSeconds(header.bytes(of: keeper, record, in: data)) else {
        throw error("has no time")
      }
      if let expected {
        let gap = onset - expected
        guard gap >= -toleranceSeconds else { throw error("begins before the end of the one before") }
        if gap > toleranceSeconds {
          gapSamples += gap * samplesPerSecond
          guard gapSamples <= gapSampleLimit else {
            throw error("begins \(Numbers.duration(seconds: gap)) after the end of the one before")
          }
          runs.append(run)
          run = Run(records: record..<record, startSeconds: onset - first)
        }
      } else {
        first = onset
      }
      expected = onset + header.recordSeconds
      run.records = run.records.lowerBound..<record + 1
    }
    return runs + [run]
  }

  /// A signal's samples, with invalid ones in the gaps.
  func samples(of signal: EDFHeader.Signal, _ header: EDFHeader, _ data: Data) -> [Int32] {
    let rate = header.sampleRateHz(of: signal)
    var samples: [Int32] = []
    samples.reserveCapacity(header.recordCount * signal.samplesPerRecord)
    data.withUnsafeBytes { bytes in
      for run in runs {
        let missing = Int((run.startSeconds * rate).rounded()) - samples.count
        if missing > 0 { samples += repeatElement(Signal.invalidSample, count: missing) }
        for record in run.records {
          let block = UnsafeRawBufferPointer(rebasing: bytes[header.place(of: signal, record)])
          if header.sampleBytes == 2 {
            for place in stride(from: 0, to: block.count, by: 2) {
              samples.append(Int32(Int16(truncatingIfNeeded: Int(block[place]) | Int(block[place + 1]) << 8)))
            }
          } else {
            for place in stride(from: 0, to: block.count, by: 3) {
              let high = Int32(Int8(bitPattern: block[place + 2]))
              samples.append(high << 16 | Int32(block[place + 1]) << 8 | Int32(block[place]))
            }
          }
        }
      }
    }
    return samples
  }
}

extension EDFHeader {
  /// Where a signal's bytes of a data record lie in the file.
  func place(of signal: Signal, _ record: Int) -> Range<Int> {
    let start = dataStart + record * recordBytes
    return start + signal.bytes.lowerBound..<start + signal.bytes.upperBound
  }

  /// A signal's bytes of a data record, counted from 0.
  func bytes(of signal: Signal, _ record: Int, in data: Data) -> [UInt8] {
    let place = place(of: signal, record)
    return [UInt8](data[data.startIndex + place.lowerBound..<data.startIndex + place.upperBound])
  }
}
