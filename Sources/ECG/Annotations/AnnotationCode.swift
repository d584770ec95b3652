/// What an annotation says: a beat's kind, or an event that is no beat.
package struct AnnotationCode: RawRepresentable, Hashable, Sendable {
  /// The code in an annotation file, 0 to 49.
  package var rawValue: UInt8

  /// Creates a code from its number in an annotation file.
  package init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  /// Creates the code of a mnemonic such as `N` or `V`; nil where there is none.
  package init?(mnemonic: String) {
    guard let index = Self.mnemonics.firstIndex(of: mnemonic) else { return nil }
    rawValue = UInt8(index)
  }

  /// The largest code that an annotation file may hold.
  package static let maximum: UInt8 = 49

  /// The mnemonics by code; a code without a meaning of its own is shown as `[15]`.
  private static let mnemonics: [String] = {
    let known = [
      " ", "N", "L", "R", "a", "V", "F", "J", "A", "S", "E", "j", "/", "Q", "~", "", "|", "", "s", "T",
      "*", "D", "\"", "=", "p", "B", "^", "t", "+", "u", "?", "!", "[", "]", "e", "n", "@", "x", "f", "(",
      ")", "r",
    ]
    return (0...Int(maximum)).map { $0 < known.count && !known[$0].isEmpty ? known[$0] : "[\($0)]" }
  }()

  /// The code's mnemonic: one character, or the number in square brackets.
  package var mnemonic: String {
    rawValue <= Self.maximum ? Self.mnemonics[Int(rawValue)] : "[\(rawValue)]"
  }

  /// Whether the code marks a QRS complex or a flutter wave: WFDB's `isqrs` table.
  package var isQRS: Bool {
    switch rawValue {
    case 1...13, 25, 30, 31, 34, 35, 38, 41: true
    default: false
    }
  }

  /// Whether the code is a beat's: `isQRS` without the flutter wave `!`, as PhysioNet counts beats.
  package var isBeat: Bool {
    isQRS && self != .flutterWave
  }

  /// A normal beat.
  package static let normal = AnnotationCode(rawValue: 1)
  /// A left bundle branch block beat.
  package static let leftBundleBranchBlock = AnnotationCode(rawValue: 2)
  /// A right bundle branch block beat.
  package static let rightBundleBranchBlock = AnnotationCode(rawValue: 3)
  /// A premature ventricular contraction.
  package static let prematureVentricular = AnnotationCode(rawValue: 5)
  /// A fusion of a ventricular and a normal beat.
  package static let fusion = AnnotationCode(rawValue: 6)
  /// An atrial premature beat.
  package static let atrialPremature = AnnotationCode(rawValue: 8)
  /// A paced beat.
  package static let paced = AnnotationCode(rawValue: 12)
  /// A beat that can't be classified.
  package static let unclassifiable = AnnotationCode(rawValue: 13)
  /// A change of the signal's quality.
  package static let signalQuality = AnnotationCode(rawValue: 14)
  /// A comment, in the annotation's text.
  package static let note = AnnotationCode(rawValue: 22)
  /// A P wave's peak.
  package static let pWave = AnnotationCode(rawValue: 24)
  /// A T wave's peak.
  package static let tWave = AnnotationCode(rawValue: 27)
  /// A change of rhythm, named by the annotation's text.
  package static let rhythmChange = AnnotationCode(rawValue: 28)
  /// A ventricular flutter wave.
  package static let flutterWave = AnnotationCode(rawValue: 31)
  /// A waveform's onset.
  package static let waveformOnset = AnnotationCode(rawValue: 39)
  /// A waveform's end.
  package static let waveformEnd = AnnotationCode(rawValue: 40)
}

/// The beat classes of ANSI/AAMI EC57.
package enum AAMIClass: String, Sendable, CaseIterable, Codable {
  /// A beat of the sinus node, with bundle branch block or not, or an escape beat from above the ventricles.
  case normal = "N"
  /// A supraventricular ectopic beat.
  case supraventricular = "S"
  /// A ventricular ectopic beat.
  case ventricular = "V"
  /// A fusion of a ventricular and a normal beat.
  case fusion = "F"
  /// A paced beat, a fusion of a paced and a normal beat, or one that can't be classified.
  case unknown = "Q"
}

extension AnnotationCode {
  /// The beat's AAMI class; nil for what is no beat and for the learning beats `?`.
  ///
  /// A bundle branch block beat of either side, `B`, counts as normal and an R-on-T premature beat, `r`, as
  /// ventricular; MIT-BIH has neither.
  package var aamiClass: AAMIClass? {
    switch mnemonic {
    case "N", "L", "R", "B", "e", "j", "n": .normal
    case "A", "a", "J", "S": .supraventricular
    case "V", "E", "r": .ventricular
    case "F": .fusion
    case "/", "f", "Q": .unknown
    default: nil
    }
  }
}
