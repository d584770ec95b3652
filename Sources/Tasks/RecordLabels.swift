import ECG
import Foundation
import Support

extension TaskDefinition {
  /// The labelled stretches of a record that is looked at by itself, in samples of the front end; nil where it has none.
  ///
  /// Rhythm annotations lie beside the record; a manifest lies in the record's folder under the task's name for it.
  ///
  /// - Throws: `FileError` where the labels are broken, or don't fit the task.
  package func stretches(
    ofRecord path: String, recordRateHz: Double, sampleCount: Int
  ) throws(FileError) -> [LabelledSignal.Stretch]? {
    switch labels {
    case .beats: return nil
    case .rhythms:
      guard let labels = Annotations.found(besides: path, sampleRateHz: recordRateHz).labels else {
        return nil
      }
      return try stretches(
        in: labels, recordRateHz: recordRateHz, sampleCount: sampleCount,
        file: Annotations.path(ofRecord: path, annotator: "atr"))
    case .manifest(let name):
      let folder = Files.folder(of: path)
      let file = (folder as NSString).appendingPathComponent(name)
      guard FileManager.default.fileExists(atPath: file) else { return nil }
      let manifest = try TaskManifest(name, of: self, folder: folder)
      let record = (path as NSString).lastPathComponent
      let rows = manifest.records.first { $0.name == record || $0.name + ".hea" == record }?.stretches
      return try rows.map { rows throws(FileError) in
        try stretches(of: rows, sampleCount: sampleCount, file: file)
      }
    }
  }
}
