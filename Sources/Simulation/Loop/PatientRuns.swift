import ECG
import Foundation
import HostDevice
import Metrics
import ModelFiles
import Support

/// What patients' records make a device do: a run of each without a twin, for its schedule and its decisions.
package struct PatientRuns: Sendable {
  /// A record's run.
  package struct Run: Sendable {
    /// The record, and whose it is.
    package var record: PatientSchedule
    /// The decisions by the annotated beats of the model's classes, or by its labelled windows; nil where there are none.
    package var decisions: ConfusionMatrix?
    /// What was decided about: `beats` or `windows`.
    package var unit: String
    /// Whether the model was trained on it.
    var isTrainingRecord: Bool
    /// What was assumed of the record.
    package var notes: [FileNote]
  }

  /// The runs, in the order of the records.
  package private(set) var all: [Run]

  /// Runs records through a model.
  ///
  /// - Parameters:
  ///   - records: Which records.
  ///   - data: The folder of the records; nil where their paths are given.
  ///   - options: How to run each; its record is replaced.
  ///   - threads: The number of threads.
  ///   - progress: Hears after each record.
  /// - Throws: `FileError` of the first record that is missing, wrong or without a decision.
  package init(
    _ records: RecordSelection, in data: String?, options: StreamRun.Options, threads: Int,
    progress: @escaping ProgressHandler
  ) throws(FileError) {
    let loaded = try LoadedModel(file: options.model)
    let records = try Sweep.records(records, in: data, of: loaded, file: options.model)
    all = try records.concurrentMap(threads: threads, progress: progress) { record throws(FileError) in
      var own = options
      record.open(&own)
      let run = try StreamRun.run(own, loaded: loaded, twin: nil, noise: nil, isJudged: false)
      guard !run.decisions.isEmpty else {
        throw .malformed(
          record.path, "has no beat that the device decides about", remedy: "leave it out of --records")
      }
      return Run(
        record: PatientSchedule(
          record: record.name, patient: record.patient, schedule: run.schedule),
        decisions: run.result.accuracy?.fixed, unit: run.result.accuracy?.unit ?? "beats",
        isTrainingRecord: run.trainedRecord != nil, notes: run.result.notes)
    }
  }

  /// What a verdict needs of them.
  package func load(rank: PatientRank) -> PatientLoad {
    PatientLoad(
      schedules: all.map(\.record), rank: rank,
      scores: decisions.map {
        PatientLoad.Scores(
          $0, unit: all.first { $0.decisions != nil }?.unit ?? "beats",
          trainingRecordCount: all.count(where: \.isTrainingRecord))
      })
  }

  /// The decisions of all records, by the annotated beats; nil where no record names beats of the model's classes.
  package var decisions: ConfusionMatrix? {
    let matrices = all.compactMap(\.decisions)
    guard var sum = matrices.first else { return nil }
    for matrix in matrices.dropFirst() { sum += matrix }
    return sum
  }
}

extension PatientLoad.Scores {
  fileprivate init(_ decisions: ConfusionMatrix, unit: String, trainingRecordCount: Int) {
    self.init(
      unit: unit, beats: decisions.total, trainingRecordCount: trainingRecordCount,
      f1: decisions.classNames.indices.compactMap { index in
        decisions.f1(ofClass: index).map { ClassScore(name: decisions.classNames[index], f1: $0) }
      })
  }
}
