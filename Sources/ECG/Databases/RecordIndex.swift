import Dispatch
import Foundation
import Support

/// What is known of one record of a folder.
package struct RecordSummary: Sendable, Equatable {
  /// The record's name with its path below the folder.
  package var name: String
  /// The leads, in the header's order.
  package var leads: [String] = []
  /// The record's rate; 0 where the header can't be read.
  package var sampleRateHz = 0.0
  /// The samples of each signal; as read by `verify`, as the header states by `list`.
  package var sampleCount = 0
  /// The signals whose checksum was stated and proved right; 0 from `list`.
  package var checksumCount = 0
  /// The annotation files that there are: `atr`, and those named like a lead.
  package var annotators: [String] = []
  /// The beats that the first annotator marked; nil without one.
  package var beatCount: Int?
  /// What was assumed of the record or left out.
  package var notes: [FileNote] = []
  /// What is wrong with the record.
  package var problem: FileError?

  /// The record's length in seconds.
  package var durationSeconds: Double { sampleRateHz > 0 ? Double(sampleCount) / sampleRateHz : 0 }
}

/// The WFDB records and files of the EDF family in a folder and those below it, in order of name.
package struct RecordIndex: Sendable {
  /// The folder.
  package let folder: String
  /// The records' names with their paths below the folder; segments of other records are left out.
  package let names: [String]

  /// Finds the records of a folder.
  ///
  /// - Throws: `FileError` where the folder is missing or has no record.
  package init(folder: String) throws(FileError) {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder, isDirectory: &isDirectory), isDirectory.boolValue
    else {
      throw .missing(folder, "no such folder", remedy: "name a folder of records")
    }
    var names: [String] = []
    for case let path as String in FileManager.default.enumerator(atPath: folder) ?? .init()
    where !path.split(separator: "/").contains(where: { $0.hasPrefix(".") }) {
      if path.hasSuffix(".hea") { names.append(String(path.dropLast(4))) }
      if EDFFile.isRecord(folder + "/" + path) { names.append(path) }
    }
    guard !names.isEmpty else {
      throw .missing(
        folder, "has no record",
        remedy: "name a folder with .hea, .edf or .bdf files; CSV files are named one by one")
    }
    var segments: Set<String> = []
    var joined: Set<String> = []
    for name in names {
      guard let own = (try? RecordHeader.read(folder + "/" + name))?.segments else { continue }
      joined.insert(name)
      for segment in own { segments.insert(RecordPath.file(segment.name, beside: name)) }
    }
    self.folder = folder
    // What has segments itself is no segment, but a record that can't be read.
    self.names = names.filter { joined.contains($0) || !segments.contains($0) }.sorted {
      let order = $0.compare($1, options: .numeric)
      return order == .orderedSame ? $0 < $1 : order == .orderedAscending
    }
  }

  /// The path of a record by its name in `names`.
  package func path(of name: String) -> String { RecordPath.file(name, beside: folder + "/") }

  /// Reads each record's header and annotations.
  package func list(progress: ProgressHandler? = nil) -> [RecordSummary] {
    summaries(progress) { name in summary(of: name, readsSignals: false) }
  }

  /// Reads every record whole: all samples with their checksums, and all annotations.
  ///
  /// What is wrong with a record is in its summary's `problem`.
  package func verify(progress: ProgressHandler? = nil) -> [RecordSummary] {
    summaries(progress) { name in summary(of: name, readsSignals: true) }
  }

  /// Works through the records on all cores, in blocks so that progress comes in order.
  private func summaries(
    _ progress: ProgressHandler?, _ summary: @Sendable (String) -> RecordSummary
  ) -> [RecordSummary] {
    var result: [RecordSummary] = []
    let blockLength = 4 * ProcessInfo.processInfo.activeProcessorCount
    for start in stride(from: 0, to: names.count, by: blockLength) {
      var block = names[start..<min(start + blockLength, names.count)].map { RecordSummary(name: $0) }
      block.withUnsafeMutableBufferPointer { block in
        nonisolated(unsafe) let block = block
        DispatchQueue.concurrentPerform(iterations: block.count) { index in
          block[index] = summary(block[index].name)
        }
      }
      result += block
      progress?(TaskProgress(completed: result.count, total: names.count, detail: block.last?.name ?? ""))
    }
    return result
  }

  private func summary(of name: String, readsSignals: Bool) -> RecordSummary {
    var summary = RecordSummary(name: name)
    do throws(FileError) {
      let path = path(of: name)
      let header = try RecordHeader.read(path)
      summary.sampleRateHz = header.sampleRateHz
      summary.leads = header.signals.map(\.name)
      summary.sampleCount = header.sampleCount ?? 0
      summary.notes = header.signals.flatMap(\.notes)
      if readsSignals || header.segments != nil || header.sampleCount == nil {
        let record = try Record.read(path)
        summary.notes = record.notes + record.signals.flatMap { $0.notes }
        summary.leads = record.signals.map(\.specification.name)
        summary.sampleCount = record.sampleCount
        let isChecked = readsSignals && header.sampleCount != nil
        summary.checksumCount = isChecked ? record.signals.count { $0.checksum != nil } : 0
      }
      let candidates = ["atr"] + summary.leads.map { $0.lowercased() }
      summary.annotators = candidates.filter {
        FileManager.default.fileExists(atPath: Annotations.path(ofRecord: path, annotator: $0))
      }
      for (index, annotator) in summary.annotators.enumerated() where readsSignals || index == 0 {
        let annotations = try Annotations.read(path, annotator: annotator)
        summary.notes += annotations.notes
        if index == 0 { summary.beatCount = annotations.beats.count }
      }
      if summary.annotators.isEmpty, Annotations.file(ofRecord: path) == path {
        let annotations = try Annotations.read(edf: path)
        summary.annotators = ["edf"]
        summary.notes += annotations.notes
        summary.beatCount = annotations.beats.count
      }
    } catch {
      summary.problem = error
    }
    return summary
  }
}
