import Foundation
import Support

/// What a cohort holds, counted.
package struct CohortSummary: Encodable, Equatable, Sendable {
  /// The number of patients.
  package var patients: Int
  /// What counts as a response.
  package var response: ResponseDefinition
  /// The number of patients who responded.
  package var responders: Int
  /// The number of records.
  package var records: Int
  /// The records' length together.
  package var seconds: Double
  /// The number of records of each lead used.
  package var leads: [String: Int]
  /// The number of patients of whom each of the manifest's optional columns says nothing.
  package var missing: [String: Int]
  /// Whether any of it is synthetic.
  package var isSynthetic: Bool
  /// What was assumed of the records' leads, and what about them isn't plausible.
  package var notes: [FileNote]

  /// Reads every record of a cohort, and counts.
  ///
  /// - Throws: `FileError`, where a record is missing or wrong, or its lead is no voltage.
  package static func read(
    _ cohort: PatientCohort, threads: Int = 1, progress: @escaping ProgressHandler = { _ in }
  ) throws(FileError) -> CohortSummary {
    let contents = try cohort.patients.flatMap(\.records).concurrentMap(
      threads: threads, progress: progress
    ) { record throws(FileError) in
      let recording = try cohort.load(record)
      let lead = try recording.lead()
      return (lead: lead.name, seconds: recording.record.durationSeconds, notes: lead.notes)
    }
    return CohortSummary(
      patients: cohort.patients.count, response: cohort.response,
      responders: cohort.labels.count(where: \.self), records: contents.count,
      seconds: contents.reduce(0) { $0 + $1.seconds },
      leads: contents.reduce(into: [:]) { $0[$1.lead, default: 0] += 1 },
      missing: Covariates.Column.all.reduce(into: [:]) { missing, column in
        missing[column.name] = cohort.patients.count { column.text($0.covariates).isEmpty }
      }, isSynthetic: cohort.isSynthetic, notes: contents.flatMap(\.notes))
  }
}

extension PatientCohort {
  /// The patients' features as CSV: a row a patient, with the name, the response, and each feature or nothing.
  package func csv(_ features: [ECGFeatures]) -> String {
    precondition(features.count == patients.count, "features for each patient")
    var text = isSynthetic ? "# synthetic: computed ECGs, no patient's\n" : ""
    text += (["patient", "responds"] + ECGFeatures.names).joined(separator: ",") + "\n"
    for (patient, features) in zip(patients, features) {
      let cells = [CSVText.field(patient.name), patient.responds ? "1" : "0"]
      text += (cells + features.values.map { $0.map { "\($0)" } ?? "" }).joined(separator: ",") + "\n"
    }
    return text
  }
}
