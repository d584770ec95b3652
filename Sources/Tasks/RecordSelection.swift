import ECG
import Foundation
import Support

/// Which records are evaluated.
package enum RecordSelection: CustomStringConvertible {
  /// The test side of the model's own split.
  case test
  /// The validation side of it.
  case validation
  /// De Chazal's training records.
  case ds1
  /// De Chazal's test records.
  case ds2
  /// All records of the folder.
  case all
  /// Some records.
  case names([String])

  /// Reads a selection: `test`, `validation`, `ds1`, `ds2`, `all`, or records with commas between them; nil for anything else.
  package init?(_ text: String) {
    switch text {
    case "test": self = .test
    case "validation": self = .validation
    case "ds1": self = .ds1
    case "ds2": self = .ds2
    case "all": self = .all
    default:
      let names = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      guard !names.contains(""), Set(names).count == names.count else { return nil }
      self = .names(names)
    }
  }

  package var description: String {
    switch self {
    case .test: "test"
    case .validation: "validation"
    case .ds1: "ds1"
    case .ds2: "ds2"
    case .all: "all"
    case .names(let names): names.joined(separator: ",")
    }
  }

  /// The signals with the beats chosen.
  package func signals(of records: TaskRecords, progress: @escaping ProgressHandler) throws(FileError)
    -> [LabelledSignal]
  {
    switch self {
    case .test: try records.test(progress: progress)
    case .validation: try records.signals(try records.names(of: .validation), progress: progress)
    case .ds1: try records.signals(MITBIH.ds1, progress: progress)
    case .ds2: try records.signals(MITBIH.ds2, progress: progress)
    case .all: try records.signalsOfAll(progress: progress)
    case .names(let names): try records.signals(names, progress: progress)
    }
  }

  /// Whether what a model was trained on is among the records chosen.
  package func includesTrained(of records: TaskRecords, among names: [String]) -> Bool {
    if case .test = self { return false }
    return records.hasTrained(on: names)
  }
}
