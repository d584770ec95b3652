import ECG
import Foundation
import Support

extension RecordSelection {
  /// The names of the records chosen among a task's, whole; either side of a split within records is all of them.
  ///
  /// - Throws: `FileError` where a folder is missing or has no such record, or a path is there twice.
  package func names(of records: TaskRecords) throws(FileError) -> [String] {
    switch self {
    case .training: return try records.names(of: .training)
    case .validation: return try records.names(of: .validation)
    case .test: return try records.names(of: .test)
    case .all: return try records.namesOfAll()
    case .paths(let paths):
      guard case .manifest = records.task.labels else { break }
      let catalog = try records.catalog().map(\.name)
      return try Self.names(at: paths) { path in
        let own = catalog.filter { $0 == path || $0.hasPrefix(path.hasSuffix("/") ? path : path + "/") }
        return own.isEmpty ? [path] : own
      }
    case .ds1, .ds2: break
    }
    return try names(in: records.folder) ?? []
  }

  /// The signals of the records chosen, with their labels.
  ///
  /// Where the task leaves out records with paced beats, those are taken that were named one by one.
  ///
  /// - Throws: `FileError` where a record is missing or broken.
  package func signals(of records: TaskRecords, progress: @escaping ProgressHandler) throws(FileError)
    -> [LabelledSignal]
  {
    switch self {
    case .training: return try records.training(leads: .main, progress: progress)
    case .test: return try records.test(progress: progress)
    case .validation, .ds1, .ds2: return try records.signals(try names(of: records), progress: progress)
    case .all: return try records.unpaced(try names(of: records), besides: [], progress: progress)
    case .paths(let paths):
      return try records.unpaced(try names(of: records), besides: paths, progress: progress)
    }
  }

  /// Whether what a model was trained on is among the records chosen.
  package func includesTrained(of records: TaskRecords, among names: [String]) -> Bool {
    self != .test && records.hasTrained(on: names)
  }
}
