import Foundation
import Support

/// One label in a record: what happened, and at which sample.
package struct Annotation: Sendable, Equatable {
  /// The place, in samples at the record's rate.
  package var sample: Int
  /// What is there.
  package var code: AnnotationCode
  /// The code's subtype.
  package var subtype: Int8
  /// The signal that it belongs to.
  package var channel: UInt8
  /// The annotator's own number.
  package var number: Int8
  /// The auxiliary bytes, up to 255; in most databases text that ends with a zero byte.
  package var auxiliary: [UInt8]

  /// Creates an annotation.
  package init(
    sample: Int, code: AnnotationCode, subtype: Int8 = 0, channel: UInt8 = 0, number: Int8 = 0,
    auxiliary: [UInt8] = []
  ) {
    self.sample = sample
    self.code = code
    self.subtype = subtype
    self.channel = channel
    self.number = number
    self.auxiliary = auxiliary
  }

  /// The auxiliary bytes as text, without zero bytes at the end: `(AFIB` for a rhythm change.
  package var text: String {
    let end = auxiliary.lastIndex { $0 != 0 } ?? -1
    return String(decoding: auxiliary[...end], as: UTF8.self)
  }
}

/// An annotator's labels of a record, in order of time.
package struct Annotations: Sendable, Equatable {
  /// The labels.
  package var all: [Annotation]
  /// The rate at which `sample` counts; nil where the file leaves it to the record.
  package var sampleRateHz: Double?
  /// The annotator's own meanings of codes, as `mnemonic description`.
  package var definitions: [AnnotationCode: String]
  /// What was left out in reading.
  package var notes: [FileNote] = []

  /// Creates a set of labels.
  package init(
    _ all: [Annotation], sampleRateHz: Double? = nil, definitions: [AnnotationCode: String] = [:]
  ) {
    self.all = all
    self.sampleRateHz = sampleRateHz
    self.definitions = definitions
  }

  /// The labels that mark beats.
  package var beats: [Annotation] { all.filter(\.code.isBeat) }

  /// The labels with their places moved by a ratio of rates, halves rounded away from zero.
  ///
  /// The resampler has no delay, so a label at `sample` of a signal stays on the same event.
  ///
  /// - Precondition: Both rates are positive.
  package func resampled(from sourceRateHz: Double, to targetRateHz: Double) -> Annotations {
    precondition(sourceRateHz > 0 && targetRateHz > 0)
    var result = self
    result.sampleRateHz = nil
    for index in result.all.indices {
      let place = (Double(result.all[index].sample) * targetRateHz / sourceRateHz).rounded()
      result.all[index].sample = place < 0x1p62 ? Int(place) : 1 << 62
    }
    return result
  }

  // MARK: Reading

  /// Reads a record's annotation file, such as `100.atr`, or the annotations that an EDF file has in itself, as they are.
  ///
  /// - Parameters:
  ///   - record: The record's name, with or without path and `.hea`; or a CSV file.
  ///   - annotator: The file's suffix.
  /// - Returns: The labels in the file's order, at the file's own rate where it states one.
  /// - Throws: `FileError` where the file is missing, empty or not in the MIT format.
  package static func read(_ record: String, annotator: String = "atr") throws(FileError) -> Annotations {
    let path = path(ofRecord: record, annotator: annotator)
    if file(ofRecord: record, annotator: annotator) == record { return try read(edf: record) }
    return try Annotations(parsing: try Files.read(path), file: path)
  }

  /// Reads a record's annotation file, with places at the record's rate and in order of time.
  ///
  /// - Throws: As `read(_:annotator:)` does.
  package static func read(
    _ record: String, annotator: String = "atr", sampleRateHz: Double
  ) throws(FileError) -> Annotations {
    var labels = try read(record, annotator: annotator)
    if let own = labels.sampleRateHz, own != sampleRateHz {
      labels = labels.resampled(from: own, to: sampleRateHz)
      labels.notes.append(
        FileNote(
          path(ofRecord: record, annotator: annotator),
          "counts time at \(Numbers.shortest(own)) Hz; its places were moved to the record's \(Numbers.shortest(sampleRateHz)) Hz"
        ))
    }
    let isInOrder = zip(labels.all, labels.all.dropFirst()).allSatisfy { $0.sample <= $1.sample }
    if !isInOrder {
      let order = labels.all.indices.sorted { (labels.all[$0].sample, $0) < (labels.all[$1].sample, $1) }
      labels.all = order.map { labels.all[$0] }
    }
    return labels
  }

  /// A record's labels where it has any that can be read: what is broken is noted, and stops nothing.
  ///
  /// - Returns: The labels as `read(_:annotator:sampleRateHz:)` gives them, nil without a readable file; and the notes.
  package static func found(
    besides record: String, annotator: String = "atr", sampleRateHz: Double
  ) -> (labels: Annotations?, notes: [FileNote]) {
    guard let file = file(ofRecord: record, annotator: annotator) else { return (nil, []) }
    do throws(FileError) {
      let labels = try read(record, annotator: annotator, sampleRateHz: sampleRateHz)
      // An EDF file's own annotations are of anything, sleep stages say.
      return (file == record && labels.beats.isEmpty ? nil : labels, labels.notes)
    } catch {
      return (nil, [FileNote(error, "the record is taken without annotations")])
    }
  }

  /// The annotation file of a record: beside `x.edf` it may be called `x.edf.atr` as well as `x.atr`.
  package static func path(ofRecord record: String, annotator: String) -> String {
    let whole = record + "." + annotator
    if EDFFile.isNamed(record), FileManager.default.fileExists(atPath: whole) { return whole }
    return RecordPath.stem(of: record) + "." + annotator
  }

  /// The file that holds a record's annotations: the one beside it or, where there is none, an EDF file itself; nil
  /// where it has none.
  package static func file(ofRecord record: String, annotator: String = "atr") -> String? {
    guard record != "-" else { return nil }
    let beside = path(ofRecord: record, annotator: annotator)
    if FileManager.default.fileExists(atPath: beside) { return beside }
    guard annotator == "atr", EDFFile.isNamed(record), (try? RecordHeader.hasAnnotations(edf: record)) == true
    else {
      return nil
    }
    return record
  }

  /// Parses an annotation file's content; `file` is the name used in notes and errors.
  ///
  /// A missing end mark, labels before sample 0 and codes without a meaning are noted.
  ///
  /// - Throws: `FileError`, malformed, where it is empty or not in the MIT format.
  package init(parsing data: Data, file: String) throws(FileError) {
    var reader = AnnotationReader(bytes: [UInt8](data), file: file)
    self.init(try reader.readAll())
    notes = reader.notes
    takeDefinitions(file: file)
  }

  /// Takes the notes at sample 0 that WFDB writes for its own use out of the labels.
  private mutating func takeDefinitions(file: String) {
    var isInTable = false
    var kept: [Annotation] = []
    let start = all.prefix { $0.sample == 0 && $0.code == .note && $0.subtype == 0 }
    for label in start {
      let text = label.text.trimmingCharacters(in: .whitespaces)
      if text.hasPrefix(Self.timeResolution) {
        let stated = text.dropFirst(Self.timeResolution.count).trimmingCharacters(in: .whitespaces)
        if let rate = Double(stated), rate > 0, rate.isFinite {
          sampleRateHz = rate
        } else {
          notes.append(
            FileNote(
              file, "states a time resolution of \(stated.quotedStart), which is no rate; the record's counts"
            ))
        }
      } else if text == Self.definitionsStart {
        isInTable = true
      } else if text == Self.definitionsEnd {
        isInTable = false
      } else if isInTable, let space = text.firstIndex(of: " "), let code = UInt8(text[..<space]),
        code <= AnnotationCode.maximum
      {
        definitions[AnnotationCode(rawValue: code)] = String(text[space...].dropFirst())
      } else {
        kept.append(label)
      }
    }
    guard kept.count < start.count else { return }
    all.replaceSubrange(..<start.count, with: kept)
    // WFDB closes its table with an empty annotation.
    if all.count > kept.count, all[kept.count] == Annotation(sample: 0, code: AnnotationCode(rawValue: 0)) {
      all.remove(at: kept.count)
    }
  }

  fileprivate static let timeResolution = "## time resolution:"
  fileprivate static let definitionsStart = "## annotation type definitions"
  fileprivate static let definitionsEnd = "## end of definitions"

  // MARK: Writing

  /// Writes the labels as a record's annotation file, in order of sample.
  ///
  /// - Throws: `FileError` where a label can't be written in the MIT format, or the file can't be written.
  package func write(_ record: String, annotator: String = "atr") throws(FileError) {
    let path = Self.path(ofRecord: record, annotator: annotator)
    try Files.write(try encoded(file: path), to: path)
  }

  /// The content of an annotation file with these labels; `file` is the name used in errors.
  ///
  /// - Throws: `FileError`, malformed, where a label can't be written in the MIT format.
  package func encoded(file: String) throws(FileError) -> Data {
    var writer = AnnotationWriter(file: file)
    for note in definitionNotes() { try writer.write(note) }
    let order = all.indices.sorted { (all[$0].sample, $0) < (all[$1].sample, $1) }
    for index in order { try writer.write(all[index]) }
    return writer.finish()
  }

  private func definitionNotes() -> [Annotation] {
    var texts: [String] = []
    if let sampleRateHz {
      let isWhole = sampleRateHz == sampleRateHz.rounded() && abs(sampleRateHz) < 1e15
      texts.append("\(Self.timeResolution) " + (isWhole ? "\(Int(sampleRateHz))" : "\(sampleRateHz)"))
    }
    if !definitions.isEmpty {
      texts.append(Self.definitionsStart)
      texts += definitions.sorted { $0.key.rawValue < $1.key.rawValue }
        .map { "\($0.key.rawValue) \($0.value)" }
      texts.append(Self.definitionsEnd)
    }
    return texts.map { Annotation(sample: 0, code: .note, auxiliary: Array($0.utf8)) }
  }
}

/// Puts an annotation file together, label by label.
private struct AnnotationWriter {
  let file: String
  var bytes: [UInt8] = []
  var time = 0
  var channel: UInt8 = 0
  var number: Int8 = 0

  init(file: String) {
    self.file = file
  }

  mutating func append(_ code: UInt8, _ value: Int = 0) {
    append(word: UInt16(code) << 10 | UInt16(truncatingIfNeeded: value & 0x3FF))
  }

  mutating func append(word: UInt16) {
    bytes.append(UInt8(truncatingIfNeeded: word))
    bytes.append(UInt8(truncatingIfNeeded: word >> 8))
  }

  mutating func appendSkip(_ interval: Int) {
    append(PseudoCode.skip)
    append(word: UInt16(truncatingIfNeeded: interval >> 16))
    append(word: UInt16(truncatingIfNeeded: interval))
  }

  mutating func write(_ label: Annotation) throws(FileError) {
    guard label.sample >= 0, label.sample <= 1 << 40, label.code.rawValue <= AnnotationCode.maximum,
      label.auxiliary.count <= 255
    else {
      throw .malformed(
        file, at: "sample \(label.sample)",
        "the MIT format has no place for this label", remedy: "keep codes below 50 and texts below 256 bytes")
    }
    var interval = label.sample - time
    while interval > Int(Int32.max) {
      appendSkip(Int(Int32.max))
      interval -= Int(Int32.max)
    }
    if label.code.rawValue == 0 {
      // A word of zeros would end the file, so the label stands one sample after a skip.
      appendSkip(interval - 1)
      interval = 1
    } else if interval > 0x3FF {
      appendSkip(interval)
      interval = 0
    }
    append(label.code.rawValue, interval)
    if label.subtype != 0 { append(PseudoCode.subtype, Int(label.subtype)) }
    if label.channel != channel { append(PseudoCode.channel, Int(label.channel)) }
    if label.number != number { append(PseudoCode.number, Int(label.number)) }
    if !label.auxiliary.isEmpty {
      append(PseudoCode.auxiliary, label.auxiliary.count)
      bytes += label.auxiliary
      if label.auxiliary.count % 2 == 1 { bytes.append(0) }
    }
    (time, channel, number) = (label.sample, label.channel, label.number)
  }

  mutating func finish() -> Data {
    append(word: 0)
    return Data(bytes)
  }
}
