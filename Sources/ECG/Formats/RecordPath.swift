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

  /// Whether there is such a record.
  package static func exists(_ record: String) -> Bool {
    FileManager.default.fileExists(atPath: mainFile(of: record))
  }
}
