import Foundation
import Support

/// SHA-256 of a record's files, one after the other, so that results name the content that they are of.
///
/// A WFDB record's are the header, the signal files in the header's order, those of its segments and the annotations
/// `.atr`: `cat 208.hea 208.dat 208.atr | sha256sum`. A CSV's is the file. A file that is missing counts as empty:
/// reading the record tells of it.
package enum RecordDigest {
  /// The digest in hexadecimal; nil for standard input, which can't be read again.
  package static func hexadecimal(of record: String) -> String? {
    guard record != "-" else { return nil }
    return SHA256.hexadecimal(
      files(of: record).reduce(into: Data()) { $0 += (try? Files.read($1)) ?? Data() })
  }

  private static func files(of record: String) -> [String] {
    if record.lowercased().hasSuffix(".csv") { return [record] }
    let header = RecordHeader.path(ofRecord: record)
    guard let content = try? RecordHeader.read(record) else { return [header] }
    var files = [header]
    for signal in content.signals where signal.fileName != "~" {
      let file = RecordPath.file(signal.fileName, beside: header)
      if !files.contains(file) { files.append(file) }
    }
    for segment in content.segments ?? [] where segment.name != "~" && segment.name != content.name {
      files += Self.files(of: RecordPath.file(segment.name, beside: header))
    }
    return files + [Annotations.path(ofRecord: record, annotator: "atr")]
  }
}
