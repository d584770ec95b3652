/// Numbers that a model learns from: a row a patient; nil where one isn't known.
package struct FeatureTable: Sendable {
  /// The columns' names.
  package let names: [String]
  /// The rows, `[patient][column]`.
  package let rows: [[Double?]]
  /// Whether what isn't known is taken to be the training patients' median; otherwise such a patient isn't scored.
  package let fillsIn: Bool

  /// Creates a table.
  package init(names: [String], rows: [[Double?]], fillsIn: Bool = false) {
    precondition(rows.allSatisfy { $0.count == names.count }, "a number for each column")
    (self.names, self.rows, self.fillsIn) = (names, rows, fillsIn)
  }

  /// The patients' ECG features, and what the clinic knew before the therapy where it is asked for.
  ///
  /// A column of which nothing is known is left out.
  ///
  /// - Parameters:
  ///   - cohort: The patients.
  ///   - features: Their ECG features, in the same order.
  ///   - includesCovariates: Whether QRS duration, LBBB, sex, age, NYHA class, ejection fraction and volume before the
  ///     therapy are columns too.
  package init(_ cohort: PatientCohort, features: [ECGFeatures], includesCovariates: Bool) {
    var names = ECGFeatures.names
    var rows = features.map(\.values)
    if includesCovariates {
      names += ["qrsd_ms", "lbbb", "female", "age", "nyha", "lvef_before", "lvesv_before"]
      for (index, patient) in cohort.patients.enumerated() {
        let covariates = patient.covariates
        rows[index] += [
          covariates.qrsDurationMs, covariates.hasLBBB.map { $0 ? 1 : 0 },
          covariates.sex.map { $0 == .female ? 1 : 0 }, covariates.ageYears,
          covariates.nyhaClass.map(Double.init), covariates.lvefBeforePercent, covariates.lvesvBeforeMl,
        ]
      }
    }
    let known = names.indices.filter { column in rows.contains { $0[column] != nil } }
    self.init(names: known.map { names[$0] }, rows: rows.map { row in known.map { row[$0] } })
  }

  /// The table as one who knows the training patients alone has it; the same where nothing is filled in.
  func filled(from training: [Int]) -> FeatureTable {
    guard fillsIn else { return self }
    let medians = names.indices.map { column in
      let values = training.compactMap { rows[$0][column] }.sorted()
      return values.isEmpty ? nil : values[values.count / 2]
    }
    return FeatureTable(names: names, rows: rows.map { row in zip(row, medians).map { $0 ?? $1 } })
  }

  /// A patient's numbers; nil where one of them isn't known.
  package func complete(_ patient: Int) -> [Double]? {
    let values = rows[patient].compactMap(\.self)
    return values.count == names.count ? values : nil
  }
}
