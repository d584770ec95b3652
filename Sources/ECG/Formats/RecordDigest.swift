import Foundation
import Support

/// SHA-256 of a record's files, one after the other, so that results name the content that they are of.
///
/// A WFDB record's are the header, the signal files in the header's order, those of its segments and the annotations
/// `.atr`: `cat 208.hea 208.dat 208.atr | sha256sum`. A CSV's or EDF's is the file, and the annotations where there are
/// any beside it. A file that is missing counts as empty:
/// reading the record tells of it.
package enum RecordDigest {
  /// The digest in hexadecimal; nil for standard input, which can't be read again.
  package static func hexadecimal(of record: String) -> String? {
    guard record != "-" else { return nil }
    return SHA256.hexadecimal(
      files(of: record).reduce(into: Data()) { $0 += (try? Files.read($1)) ?? Data() })
  }

  private static func files(of record: String) -> [String] {
    let annotations = Annotations.path(ofRecord: record, annotator: "atr")
    if RecordPath.isCSV(record) || EDFFile.isNamed(record) {
      return FileManager.default.fileExists(atPath: annotations) ? [record, annotations] : [record]
    }
    let header = RecordHeader.path(ofRecord: record)
    guard let content = try? RecordHeader.read(record) else { return [header] }
    var files = signalFiles(of: record, content)
    // A segment of segments is none, so that headers which name each other come to an end.
    for segment in content.segments ?? [] where segment.name != "~" {
      let path = RecordPath.file(segment.name, beside: header)
      guard let own = try? RecordHeader.read(path) else { continue }
      files += signalFiles(of: path, own) + [Annotations.path(ofRecord: path, annotator: "atr")]
    }
    return files + [annotations]
  }

  /// The header and the signal files that it names.
  private static func signalFiles(of record: String, _ content: RecordHeader) -> [String] {
    let header = RecordHeader.path(ofRecord: record)
    var files = [header]
    for signal in content.signals where signal.fileName != "~" {
      let file = RecordPath.file(signal.fileName, beside: header)
      if !files.contains(file) { files.append(file) }
    }
    return files
  }
}
