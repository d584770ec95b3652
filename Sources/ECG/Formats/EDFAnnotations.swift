import Foundation
import Support

extension Annotations {
  /// Reads the annotations of an EDF+ or BDF+ file; see `init(edf:file:)`.
  ///
  /// - Throws: `FileError` where the file is missing, or as `init(edf:file:)` does.
  package static func read(edf path: String) throws(FileError) -> Annotations {
    try Annotations(edf: try Files.read(path), file: path)
  }

  /// The annotations in a file of the EDF family, at the record's rate; `file` is the name used in errors.
  ///
  /// A text that `EDFLabels` knows becomes its code, every other one a note. What lasts longer than a second is no
  /// beat. Annotations from before the first sample are left out.
  ///
  /// - Throws: `FileError`, malformed, with the data record whose annotations break off.
  package init(edf data: Data, file: String) throws(FileError) {
    try self.init(EDFHeader(data, file: file), data, file: file)
  }

  /// The annotations of a file whose header is known.
  init(_ header: EDFHeader, _ data: Data, file: String) throws(FileError) {
    let signals = header.signals.filter(\.holdsAnnotations)
    var found: [EDFAnnotation] = []
    for record in 0..<header.recordCount {
      for signal in signals {
        guard let list = EDFAnnotationList(header.bytes(of: signal, record, in: data)) else {
          throw .malformed(
            file, at: "data record \(record + 1)", "its annotations break off",
            remedy: "export the file again, or remove its annotations")
        }
        found += list.all
      }
    }
    // The first sample may be a part of a second later than the time that all annotations count from.
    let first = found.first.flatMap { $0.tellsTime ? $0.onsetSeconds : nil } ?? 0
    let labels = EDFLabels(found.flatMap(\.texts))
    var all: [Annotation] = []
    for annotation in found.sorted(by: { $0.onsetSeconds < $1.onsetSeconds }) {
      let place = ((annotation.onsetSeconds - first) * header.recordRateHz).rounded()
      guard (0...0x1p40).contains(place) else { continue }
      for text in annotation.texts where !text.isEmpty {
        all.append(labels.annotation(text, sample: Int(place), seconds: annotation.durationSeconds))
      }
    }
    self.init(all)
    if !all.isEmpty { notes.append(FileNote(file, account)) }
  }

  /// What became of an EDF file's texts, for a note: `3 beats (N 2, V 1) and 4 other annotations`.
  private var account: String {
    let kinds = Dictionary(grouping: beats, by: \.code.mnemonic).mapValues(\.count)
    let list = kinds.sorted { $0.key < $1.key }.map { "\($0.key) \(Numbers.integer($0.value))" }
    let beatText =
      Numbers.integer(beats.count) + " beats" + (list.isEmpty ? "" : " (\(list.joined(separator: ", ")))")
    return beatText
      + " and \(Numbers.integer(all.count - beats.count)) other annotations, told by their texts"
  }
}

/// What an EDF+ file says at one moment.
struct EDFAnnotation: Equatable {
  var onsetSeconds: Double
  /// How long it lasts; nil where that isn't said.
  var durationSeconds: Double?
  /// The texts; a data record's first annotation has an empty one and tells the data record's time.
  var texts: [String]

  /// Whether it tells when its data record begins.
  var tellsTime: Bool { texts.first == "" }
}

/// The annotations of a data record: EDF+'s time-stamped annotation lists.
struct EDFAnnotationList {
  private static let textMark: UInt8 = 20
  private static let durationMark: UInt8 = 21

  let all: [EDFAnnotation]

  /// Takes a data record's annotation bytes apart: `+12.5 21 0.5 20 text 20 0`, the numbers 20, 21 and 0 being single
  /// bytes; nil where they are against that.
  init?(_ bytes: [UInt8]) {
    var all: [EDFAnnotation] = []
    for list in bytes.split(separator: 0) where !list.allSatisfy({ $0 == 0x20 }) {
      guard list.last == Self.textMark, let annotation = Self.annotation(list.dropLast()) else { return nil }
      all.append(annotation)
    }
    self.all = all
  }

  /// When a data record begins: the time of its first annotation, which has an empty text; nil where it has none.
  static func startSeconds(_ bytes: [UInt8]) -> Double? {
    let first = bytes.prefix { $0 != 0 }
    guard let annotation = annotation(first), annotation.tellsTime else { return nil }
    return annotation.onsetSeconds
  }

  private static func annotation(_ list: ArraySlice<UInt8>) -> EDFAnnotation? {
    let parts = list.split(separator: textMark, omittingEmptySubsequences: false)
    let times = parts[0].split(separator: durationMark, maxSplits: 1, omittingEmptySubsequences: false)
    guard let onset = seconds(times[0]) else { return nil }
    var duration: Double?
    if times.count > 1, !times[1].isEmpty {
      guard let stated = seconds(times[1]), stated >= 0 else { return nil }
      duration = stated
    }
    return EDFAnnotation(
      onsetSeconds: onset, durationSeconds: duration, texts: parts.dropFirst().map(EDFText.decoded))
  }

  /// Seconds, signed or not; some programs write a decimal comma.
  private static func seconds(_ text: ArraySlice<UInt8>) -> Double? {
    guard text.allSatisfy({ "+-.,0123456789eE".utf8.contains($0) }) else { return nil }
    let value = Double(String(decoding: text, as: UTF8.self).replacing(",", with: "."))
    return value.flatMap { $0.magnitude <= 1e12 ? $0 : nil }
  }
}

/// Text of files that should be UTF-8 or ASCII, and are Latin-1 at times.
enum EDFText {
  static func decoded(_ bytes: some Collection<UInt8>) -> String {
    String(validating: bytes, as: UTF8.self) ?? String(bytes.map { Character(Unicode.Scalar($0)) })
  }
}

/// What an annotation's text means: the explicit table.
///
/// WFDB's one-letter codes are known as they are, and names of beats and events in any capitals. `R` alone means a
/// right bundle branch block beat beside other codes of beats, and an R wave in a file that has no other.
struct EDFLabels {
  private static let codesByName: [String: String] = [
    "normal": "N", "normal beat": "N", "sinus beat": "N",
    "left bundle branch block beat": "L", "lbbb": "L",
    "right bundle branch block beat": "R", "rbbb": "R",
    "left or right bundle branch block": "B", "bundle branch block beat": "B",
    "atrial premature beat": "A", "atrial premature contraction": "A", "premature atrial contraction": "A",
    "apb": "A", "apc": "A", "pac": "A",
    "aberrated atrial premature beat": "a",
    "nodal (junctional) premature beat": "J", "junctional premature beat": "J",
    "supraventricular premature beat": "S", "premature or ectopic supraventricular beat": "S",
    "supraventricular ectopic beat": "S", "sveb": "S", "sve": "S",
    "premature ventricular contraction": "V", "ventricular premature beat": "V",
    "ventricular ectopic beat": "V",
    "pvc": "V", "vpb": "V", "veb": "V", "ves": "V",
    "r-on-t premature ventricular contraction": "r",
    "fusion of ventricular and normal beat": "F", "fusion beat": "F",
    "atrial escape beat": "e", "nodal (junctional) escape beat": "j", "junctional escape beat": "j",
    "supraventricular escape beat": "n", "ventricular escape beat": "E",
    "paced beat": "/", "paced": "/", "fusion of paced and normal beat": "f",
    "unclassifiable beat": "Q", "beat": "Q", "heartbeat": "Q", "qrs": "Q", "qrs complex": "Q", "r peak": "Q",
    "r-peak": "Q", "r wave": "Q", "r-wave": "Q",
    "signal quality change": "~", "isolated qrs-like artifact": "|", "non-conducted pacer spike": "^",
    "p-wave peak": "p", "t-wave peak": "t", "ventricular flutter wave": "!",
    "start of ventricular flutter/fibrillation": "[", "end of ventricular flutter/fibrillation": "]",
    "non-conducted p-wave (blocked apb)": "x",
  ]
  private static let letters = Set("NLRBAaJSVrFejnE/fQ?~|^pt![]x".map(String.init))

  /// Whether `R` is an R wave.
  private let hasPlainR: Bool

  /// Learns from all texts of a file what `R` means.
  init(_ texts: [String]) {
    hasPlainR = !texts.contains {
      $0 != "R" && AnnotationCode(mnemonic: Self.mnemonic(of: $0) ?? "\"")?.isBeat == true
    }
  }

  private static func mnemonic(of text: String) -> String? {
    letters.contains(text) ? text : codesByName[text.lowercased()]
  }

  /// The annotation that a text stands for.
  func annotation(_ text: String, sample: Int, seconds: Double?) -> Annotation {
    let text = text.trimmingCharacters(in: .whitespaces)
    let mnemonic = text == "R" && hasPlainR ? "Q" : Self.mnemonic(of: text)
    if let code = mnemonic.flatMap(AnnotationCode.init(mnemonic:)), !code.isBeat || (seconds ?? 0) <= 1 {
      return Annotation(sample: sample, code: code)
    }
    // A rhythm is written as in WFDB: (AFIB.
    let code = text.hasPrefix("(") && text.count > 1 ? AnnotationCode.rhythmChange : .note
    return Annotation(sample: sample, code: code, auxiliary: Array(text.utf8.prefix(255)))
  }
}
