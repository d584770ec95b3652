import Foundation

/// A record's path taken apart, without the surprises that empty paths bring.
package enum RecordPath {
  /// What comes after the last `/`.
  package static func name(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
  }

  /// A file named in another file: beside it, unless the name starts at the root.
  package static func file(_ name: String, beside path: String) -> String {
    guard !name.hasPrefix("/"), let slash = path.lastIndex(of: "/") else { return name }
    return path[...slash] + name
  }

  /// Whether a record is a CSV file.
  package static func isCSV(_ record: String) -> Bool { record.lowercased().hasSuffix(".csv") }

  /// The path without `.hea`, `.csv` or an ending of the EDF family, from which the names of the record's other files are made.
  static func stem(of record: String) -> String {
    record.hasSuffix(".hea") || isCSV(record) || EDFFile.isNamed(record) ? String(record.dropLast(4)) : record
  }

  /// The file that makes a record: a WFDB record's header, or the CSV or EDF file.
  package static func mainFile(of record: String) -> String {
    isCSV(record) ? record : RecordHeader.path(ofRecord: record)
  }

  /// Whether a path leads to the record that a list of records names, such as MIT-BIH's `208` or `svdb/800`.
  ///
  /// Folders and files have a database's name in many forms: `svdb/800`, `data/mit-bih-arrhythmia-database-1.0.0/208`,
  /// `mitdb-208`. So the last parts are the same, and the folder, where both have one, says no other database. A number
  /// in 100 to 234 alone is MIT-BIH's.
  package static func leads(_ path: String, to listed: String) -> Bool {
    func parts(_ path: String) -> (folder: String?, name: Substring) {
      let parts = stem(of: path).split(separator: "/")
      guard let last = parts.last else { return (nil, "") }
      if let dash = last.lastIndex(of: "-") {
        return (last[..<dash].lowercased(), last[last.index(after: dash)...])
      }
      return (parts.dropLast().last?.lowercased(), last)
    }
    func database(_ folder: String) -> String {
      folder.contains("svdb") || !folder.contains("mit") ? folder : "mitdb"
    }
    let (found, wanted) = (parts(path), parts(listed))
    guard found.name == wanted.name else { return false }
    guard let folder = found.folder.map(database) else { return true }
    if let other = wanted.folder.map(database) { return folder.contains(other) }
    return Int(wanted.name).map { !(100...234).contains($0) } ?? true || folder == "mitdb"
  }

  /// Whether there is such a record.
  package static func exists(_ record: String) -> Bool {
    FileManager.default.fileExists(atPath: mainFile(of: record))
  }
}
