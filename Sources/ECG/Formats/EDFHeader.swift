import Foundation
import Support

/// What the header of an EDF, EDF+, BDF or BDF+ file says of its signals and their times.
///
/// What it says of the patient isn't read. The layout is that of Kemp and others 1992 (EDF), Kemp and Olivan 2003
/// (EDF+) and of BioSemi (BDF).
struct EDFHeader {
  /// A signal, as the header describes it.
  struct Signal {
    /// The label, such as `ECG II`.
    var label: String
    /// The physical unit as written.
    var units: String
    /// The physical values at the least and the greatest digital value; nil where they are no numbers.
    var physicalRange: (Double, Double)?
    /// The least and the greatest digital value; nil where they are no numbers.
    var digitalRange: (Double, Double)?
    /// The samples in each data record.
    var samplesPerRecord: Int
    /// The signal's bytes in a data record.
    var bytes: Range<Int>
    /// Whether the bytes are annotations instead of samples.
    var holdsAnnotations: Bool
  }

  /// The bytes of a sample: 2 in EDF, 3 in BDF.
  let sampleBytes: Int
  /// Whether the data records may leave gaps: EDF+D.
  let isDiscontinuous: Bool
  /// The kind of file: `EDF`, `EDF+C`, `BDF+D`.
  let kind: String
  /// The date of the first sample as the header gives it, day/month/year; nil where it gives none.
  let startDate: String?
  /// The time of day of the first sample; nil where the header gives none.
  let startTime: String?
  /// The first data record's first byte.
  let dataStart: Int
  /// The data records.
  let recordCount: Int
  /// The bytes of a data record.
  let recordBytes: Int
  /// The length of a data record; 0 in a file of annotations alone.
  let recordSeconds: Double
  /// All signals that have a sample, in the file's order.
  let signals: [Signal]
  /// What was assumed where the header left it open.
  let notes: [String]

  /// The signals that are samples.
  var ordinarySignals: [Signal] { signals.filter { !$0.holdsAnnotations } }

  /// A signal's rate.
  ///
  /// A duration that fills its eight characters was cut there: the rate is whole where a longer one allows it.
  func sampleRateHz(of signal: Signal) -> Double {
    let count = Double(signal.samplesPerRecord)
    let rate = count / recordSeconds
    let whole = rate.rounded()
    let isWhole = whole > 0 && abs(count / whole - recordSeconds) <= recordSecondsError
    return isWhole ? whole : rate
  }

  /// How far the duration of a data record can be from what was meant.
  private let recordSecondsError: Double

  /// Parses a file's header; `file` is the name used in errors.
  ///
  /// - Throws: `FileError`, malformed, with the byte of the field that is wrong, or where data records are missing.
  init(_ data: Data, file: String) throws(FileError) {
    let fields = EDFFields(data, file: file)
    sampleBytes = try fields.sampleBytes()
    let reserved = fields.text(192, 44)
    let name = sampleBytes == 2 ? "EDF" : "BDF"
    isDiscontinuous = reserved.hasPrefix(name + "+D")
    kind = isDiscontinuous || reserved.hasPrefix(name + "+C") ? String(reserved.prefix(5)) : name
    startDate = Self.date(fields.text(168, 8))
    startTime = Self.time(fields.text(176, 8))
    let duration = fields.text(244, 8)
    recordSeconds = try fields.number(244, 8, "duration of a data record")
    recordSecondsError = duration.count == 8 ? 0.5 * Self.lastPlace(of: duration) : 1e-9 * recordSeconds
    guard recordSeconds >= 0 else { throw fields.error(244, "has data records of \(duration) s") }
    let signalCount = try fields.integer(252, 4, "number of signals")
    guard signalCount >= 0, 256 * (signalCount + 1) <= data.count else {
      throw fields.error(252, "has \(signalCount) signals, but its header ends before they are described")
    }

    var (all, place) = ([Signal](), 0)
    for index in 0..<signalCount {
      let signal = try fields.signal(index, of: signalCount, sampleBytes: sampleBytes, from: &place)
      all.append(signal)
    }
    recordBytes = place
    var notes: [String] = []
    let empty = all.filter { $0.samplesPerRecord == 0 }
    if !empty.isEmpty {
      notes.append("signals without samples were left out: \(empty.map(\.label).joined(separator: ", "))")
    }
    signals = all.filter { $0.samplesPerRecord > 0 }
    for signal in signals where !signal.holdsAnnotations {
      guard recordSeconds > 0, Double(signal.samplesPerRecord) <= 1e8 * recordSeconds else {
        throw fields.error(
          244,
          "has \(signal.samplesPerRecord) samples of \(signal.label.quotedStart) in \(duration) s, which is no rate"
        )
      }
    }
    (dataStart, recordCount) = try fields.dataRecords(
      after: 256 * (signalCount + 1), recordBytes: recordBytes, notes: &notes)
    self.notes = notes
  }

  /// `25.12.87` as `25/12/1987`: years from 85 on are of the last century.
  private static func date(_ text: String) -> String? {
    let parts = text.split(whereSeparator: { !$0.isNumber }).compactMap { Int($0) }
    guard parts.count == 3, (1...31).contains(parts[0]), (1...12).contains(parts[1]),
      (0...99).contains(parts[2])
    else { return nil }
    return "\(parts[0])/\(parts[1])/\(parts[2] + (parts[2] < 85 ? 2000 : 1900))"
  }

  /// `23.59.07` as `23:59:07`.
  private static func time(_ text: String) -> String? {
    let parts = text.split(whereSeparator: { !$0.isNumber })
    guard parts.count == 3, parts.allSatisfy({ $0.count <= 2 }) else { return nil }
    return parts.joined(separator: ":")
  }

  /// One unit of a number's last decimal place; 0 for a whole number.
  private static func lastPlace(of text: String) -> Double {
    guard let point = text.lastIndex(where: { ".,".contains($0) }) else { return 0 }
    let places = text[text.index(after: point)...].prefix { $0.isNumber }.count
    return pow(10, -Double(places))
  }
}

/// A header's fields: text of fixed places.
private struct EDFFields {
  let bytes: [UInt8]
  let byteCount: Int
  let file: String

  init(_ data: Data, file: String) {
    // The number of signals has four digits.
    bytes = [UInt8](data.prefix(256 * 10_000))
    byteCount = data.count
    self.file = file
  }

  func error(
    _ place: Int, _ problem: String, remedy: String = "correct the header or export the file again"
  ) -> FileError {
    .malformed(file, at: "byte \(place)", problem, remedy: remedy)
  }

  /// A field without the spaces or zero bytes around it; what is no UTF-8 is Latin-1.
  func text(_ place: Int, _ count: Int) -> String {
    let field = bytes[place..<place + count].prefix { $0 != 0 }
    return EDFText.decoded(field).trimmingCharacters(in: .whitespacesAndNewlines.union(.controlCharacters))
  }

  /// A number; some programs write it with their country's decimal comma.
  func value(_ place: Int, _ count: Int) -> Double? {
    let field = text(place, count).replacing(",", with: ".")
    return Double(field).flatMap { $0.isFinite ? $0 : nil }
  }

  func number(_ place: Int, _ count: Int, _ meaning: String) throws(FileError) -> Double {
    guard let value = value(place, count) else {
      throw error(place, "has \(text(place, count).quotedStart) for its \(meaning)")
    }
    return value
  }

  func integer(_ place: Int, _ count: Int, _ meaning: String) throws(FileError) -> Int {
    guard let value = Int(exactly: try number(place, count, meaning)) else {
      throw error(place, "has \(text(place, count).quotedStart) for its \(meaning)")
    }
    return value
  }

  /// The bytes of a sample, by the file's first eight bytes.
  func sampleBytes() throws(FileError) -> Int {
    guard byteCount >= 256 else {
      throw error(
        0, byteCount == 0 ? "the file is empty" : "is shorter than the header of an EDF or BDF file",
        remedy: "fetch or export the file again")
    }
    if bytes[0] == 0xFF, bytes[1...7].elementsEqual("BIOSEMI".utf8) { return 3 }
    if text(0, 8) == "0" { return 2 }
    throw error(
      0, "doesn't begin as an EDF or BDF file does", remedy: "name a file that is one, or export it again")
  }

  /// The description of a signal, whose bytes in a data record come at `place`.
  func signal(
    _ index: Int, of count: Int, sampleBytes: Int, from place: inout Int
  ) throws(FileError) -> EDFHeader.Signal {
    /// Where a signal's field lies: the fields of one kind stand together, those of `before` bytes come first.
    func start(_ before: Int, _ width: Int) -> Int { 256 + before * count + width * index }
    func range(_ before: Int) -> (Double, Double)? {
      guard let least = value(start(before, 8), 8), let greatest = value(start(before + 8, 8), 8) else {
        return nil
      }
      return (least, greatest)
    }
    let samples = try integer(start(216, 8), 8, "number of samples in a data record")
    guard (0..<100_000_000).contains(samples) else {
      throw error(start(216, 8), "has \(samples) samples in a data record")
    }
    let label = text(start(0, 16), 16)
    let bytes = place..<place + samples * sampleBytes
    place = bytes.upperBound
    return EDFHeader.Signal(
      label: label, units: text(start(96, 8), 8), physicalRange: range(104), digitalRange: range(120),
      samplesPerRecord: samples, bytes: bytes,
      holdsAnnotations: ["EDF Annotations", "BDF Annotations"].contains(label))
  }

  /// Where the data records begin, and how many there are.
  ///
  /// - Throws: `FileError`, malformed, where the header promises more than there are.
  func dataRecords(
    after described: Int, recordBytes: Int, notes: inout [String]
  ) throws(FileError) -> (start: Int, count: Int) {
    let promised = try integer(236, 8, "number of data records")
    var start = described
    if let stated = value(184, 8).flatMap(Int.init(exactly:)), stated != described {
      // The one that fits the file's length is right.
      if stated > described, stated < byteCount, recordBytes > 0,
        (byteCount - stated).quotientAndRemainder(dividingBy: recordBytes) == (promised, 0)
      {
        start = stated
      } else {
        notes.append(
          "the header's length was taken as \(described) bytes, not as the \(stated) that it states")
      }
    }
    guard recordBytes > 0 else { return (start, 0) }
    let available = (byteCount - start) / recordBytes
    let count = promised < 0 ? available : promised
    guard count <= available else {
      throw .malformed(
        file, "has \(available) of the \(promised) data records that its header promises",
        remedy: "the file is truncated or its header wrong; fetch or export it again")
    }
    if promised < 0 { notes.append("the header leaves the number of data records open: there are \(count)") }
    let rest = byteCount - start - count * recordBytes
    if rest > 0 { notes.append("\(rest) bytes after the last data record were left out") }
    return (start, count)
  }
}
