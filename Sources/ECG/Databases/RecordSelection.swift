import Foundation
import Support

/// Which records a command takes: the values of `--records`, which mean the same in every command.
package enum RecordSelection: Equatable, Sendable, CustomStringConvertible {
  /// What the model was trained on, by its own split.
  case training
  /// The validation side of the model's own split.
  case validation
  /// The test side of the model's own split.
  case test
  /// De Chazal's training records of MIT-BIH.
  case ds1
  /// De Chazal's test records of MIT-BIH.
  case ds2
  /// All records of the folder.
  case all
  /// Some records, and folders of records, by their paths below the folder or from the root.
  case paths([String])

  /// The words that aren't paths, each with its selection.
  private static let words: [(word: String, selection: RecordSelection)] = [
    ("training", .training), ("validation", .validation), ("test", .test), ("ds1", .ds1), ("ds2", .ds2),
    ("all", .all),
  ]

  /// Reads a selection: a word, or paths with commas between them; nil where one is empty.
  package init?(_ text: String) {
    if let known = Self.words.first(where: { $0.word == text }) {
      self = known.selection
      return
    }
    let paths = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard !paths.contains("") else { return nil }
    self = .paths(paths)
  }

  package var description: String {
    if case .paths(let paths) = self { return paths.joined(separator: ",") }
    return Self.words.first { $0.selection == self }?.word ?? ""
  }

  /// Whether the records are a side of a model's own split.
  package var isPartOfSplit: Bool { [.training, .validation, .test].contains(self) }

  /// Whether the records are looked for in a folder, which then has to be named.
  package var needsFolder: Bool { if case .paths = self { false } else { true } }

  /// The records' paths, below a folder or from the root; nil for a side of a split, which the model's task tells.
  ///
  /// A path that is no record is taken for a folder, and stands for all records in it.
  ///
  /// - Throws: `FileError` where a folder is missing or has no record, or a path is there twice.
  package func names(in folder: String) throws(FileError) -> [String]? {
    switch self {
    case .training, .validation, .test: return nil
    case .ds1: return MITBIH.ds1
    case .ds2: return MITBIH.ds2
    case .all: return try RecordIndex(folder: folder).names
    case .paths(let paths):
      return try Self.names(at: paths) { path throws(FileError) in try Self.names(at: path, in: folder) }
    }
  }

  /// The records of some paths, each once, in the paths' order.
  ///
  /// - Parameters:
  ///   - paths: The paths.
  ///   - records: The names of a path's records.
  /// - Returns: The names.
  /// - Throws: `FileError`, misused, where a path is there twice; what `records` throws.
  package static func names(
    at paths: [String], _ records: (String) throws(FileError) -> [String]
  ) throws(FileError) -> [String] {
    var names: [String] = []
    for (index, path) in paths.enumerated() {
      guard !paths[..<index].contains(path) else {
        throw FileError(.misused, file: "--records", "has \(path) twice", remedy: "name it once")
      }
      for name in try records(path) where !names.contains(name) { names.append(name) }
    }
    return names
  }

  /// A record's own name, or the names of a folder's records.
  private static func names(at path: String, in folder: String) throws(FileError) -> [String] {
    let place = RecordPath.file(path, beside: folder + "/")
    var isFolder: ObjCBool = false
    guard !RecordPath.exists(place), FileManager.default.fileExists(atPath: place, isDirectory: &isFolder),
      isFolder.boolValue
    else { return [path] }
    let own = try RecordIndex(folder: place).names
    return path == "." ? own : own.map { path.hasSuffix("/") ? path + $0 : path + "/" + $0 }
  }
}
