import Support

/// The codes of the MIT format that say more of a label instead of being one.
enum PseudoCode {
  static let skip: UInt8 = 59
  static let number: UInt8 = 60
  static let subtype: UInt8 = 61
  static let channel: UInt8 = 62
  static let auxiliary: UInt8 = 63
}

/// Takes an annotation file apart, word by word.
///
/// What makes no sense is left out and counted, as long as most of the file makes sense.
struct AnnotationReader {
  private let bytes: [UInt8]
  private let file: String
  private var position = 0
  private var labels: [Annotation] = []
  private var time = 0
  private var channel: UInt8 = 0
  private var number: Int8 = 0
  /// Whether what follows belongs to a label that is kept; nil before the first.
  private var keepsLabel: Bool?
  /// The labels left out before the record's start, and of codes without a meaning.
  private var earlyCount = 0
  private var unknownCodes: [UInt8] = []
  private(set) var notes: [FileNote] = []

  init(bytes: [UInt8], file: String) {
    (self.bytes, self.file) = (bytes, file)
  }

  /// The labels, in the file's order.
  ///
  /// - Throws: `FileError`, malformed, where the file is empty or a text, or most of it makes no sense.
  mutating func readAll() throws(FileError) -> [Annotation] {
    guard !bytes.isEmpty else {
      throw .malformed(file, "the annotation file is empty", remedy: "fetch the file again or remove it")
    }
    guard bytes.count < 8 || !bytes.allSatisfy({ (0x20...0x7E).contains($0) || (0x09...0x0D).contains($0) })
    else {
      throw .malformed(
        file, "is a text, not an annotation file of the MIT format", remedy: "convert it with WFDB's wrann")
    }
    guard !isOfAHA else {
      throw .malformed(
        file, "is in the AHA's format of annotations, not in the MIT format",
        remedy: "convert it with WFDB's rdann and wrann, which read both and write MIT's")
    }
    while let word = nextWord() {
      if word == 0 {
        if bytes[position...].contains(where: { $0 != 0 }) {
          notes.append(FileNote(file, "\(bytes.count - position) bytes after the end mark were left out"))
        }
        return try checkedLabels()
      }
      guard take(code: UInt8(word >> 10), value: word & 0x3FF) else { break }
    }
    notes.append(
      FileNote(
        file,
        "the annotation file ends without an end mark; the \(Numbers.integer(labels.count)) labels up to there were read"
      ))
    return try checkedLabels()
  }

  /// Whether the file is of the AHA's format: labels of 16 bytes, each with a byte of 0 and a letter at its start.
  private var isOfAHA: Bool {
    bytes.count >= 32 && bytes.count % 16 == 0
      && stride(from: 0, to: bytes.count, by: 16).allSatisfy {
        bytes[$0] == 0 && "NVFERPQU[]!".utf8.contains(bytes[$0 + 1])
      }
  }

  private mutating func nextWord() -> UInt16? {
    guard position + 2 <= bytes.count else { return nil }
    defer { position += 2 }
    return UInt16(bytes[position]) | UInt16(bytes[position + 1]) << 8
  }

  /// Takes a word, and what belongs to it; false where the file ends within.
  private mutating func take(code: UInt8, value: UInt16) -> Bool {
    switch code {
    case PseudoCode.skip:
      guard let high = nextWord(), let low = nextWord() else { return false }
      time += Int(Int32(bitPattern: UInt32(high) << 16 | UInt32(low)))
    case PseudoCode.number:
      number = Int8(truncatingIfNeeded: value)
      changeLabel { [number] in $0.number = number }
    case PseudoCode.channel:
      channel = UInt8(truncatingIfNeeded: value)
      changeLabel { [channel] in $0.channel = channel }
    case PseudoCode.subtype:
      changeLabel { $0.subtype = Int8(truncatingIfNeeded: value) }
    case PseudoCode.auxiliary:
      let count = Int(value)
      guard position + count <= bytes.count else { return false }
      let text = Array(bytes[position..<position + count])
      position = min(position + count + count % 2, bytes.count)
      changeLabel { $0.auxiliary = text }
    default:
      time += Int(value)
      takeLabel(code)
    }
    return true
  }

  private mutating func takeLabel(_ code: UInt8) {
    keepsLabel = false
    if code > AnnotationCode.maximum {
      unknownCodes.append(code)
    } else if time < 0 {
      earlyCount += 1
    } else {
      keepsLabel = true
      labels.append(
        Annotation(sample: time, code: AnnotationCode(rawValue: code), channel: channel, number: number))
    }
  }

  private mutating func changeLabel(_ change: (inout Annotation) -> Void) {
    if keepsLabel == true, let last = labels.indices.last { change(&labels[last]) }
  }

  private mutating func checkedLabels() throws(FileError) -> [Annotation] {
    let leftOut = earlyCount + unknownCodes.count
    guard leftOut <= labels.count || labels.isEmpty && unknownCodes.isEmpty else {
      throw .malformed(
        file,
        "makes sense for \(labels.count) of \(labels.count + leftOut) labels; it is no annotation file of the MIT format",
        remedy: "fetch the file again or remove it")
    }
    if earlyCount > 0 {
      notes.append(
        FileNote(
          file, "\(Numbers.integer(earlyCount)) label\(earlyCount == 1 ? "" : "s") before sample 0 left out"))
    }
    if !unknownCodes.isEmpty {
      let codes = Set(unknownCodes).sorted().map(String.init).joined(separator: ", ")
      notes.append(
        FileNote(
          file,
          "\(Numbers.integer(unknownCodes.count)) label\(unknownCodes.count == 1 ? "" : "s") of a code without a meaning (\(codes)) left out"
        ))
    }
    return labels
  }
}
