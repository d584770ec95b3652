import ECG
import Foundation
import Support
import Tasks

/// A record that a command was asked to run, with what its task's manifest says of it.
struct ChosenRecord: Sendable {
  /// The name below the folder of the records, or its path.
  var name: String
  var path: String
  /// Whose it is, by the manifest, else by the name of the patient's first record.
  var patient: String
  /// The manifest's lead.
  private var lead: String?
  /// The manifest's rate of a CSV file without times.
  private var sampleRateHz: Double?

  /// Puts a record together with its row in a manifest; nil without one.
  init(_ name: String, path: String, row: TaskRecord?) {
    (self.name, self.path) = (name, path)
    patient = row?.patient ?? MITBIH.patient(of: name)
    (lead, sampleRateHz) = (row?.lead, row?.sampleRateHz)
  }

  /// Takes the record and how it is read: the manifest's lead where none is asked for, and its rate, as in training.
  func open(_ options: inout StreamRun.Options) {
    options.record = path
    options.lead = options.lead ?? lead
    options.csv.sampleRateHz = sampleRateHz ?? options.csv.sampleRateHz
  }

  /// The rows of a model's manifest, by the records' names; empty where its task has none, or the folder hasn't.
  ///
  /// - Throws: `FileError` where the manifest is wrong.
  static func rows(of task: TaskDefinition?, in folder: String) throws(FileError) -> [String: TaskRecord] {
    guard let task, case .manifest(let name) = task.labels,
      FileManager.default.fileExists(atPath: RecordPath.file(name, beside: folder + "/"))
    else { return [:] }
    let records = try TaskManifest(name, of: task, folder: folder).records
    return Dictionary(records.map { ($0.name, $0) }) { first, _ in first }
  }
}
