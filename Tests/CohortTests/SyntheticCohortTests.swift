import Cohort
import ECG
import Foundation
import Metrics
import Support
import Testing
import TestSupport

/// Outside truth: the published effect sizes that the distributions stand for.
@Suite struct SyntheticCohortTests {
  private func area(_ patients: [SyntheticPatient], _ score: (SyntheticPatient) -> Double) throws -> Double {
    try #require(ROC(scores: patients.map(score), labels: patients.map(\.responds))).area
  }

  /// Sensitivity and specificity of a rule.
  private func rule(
    _ patients: [SyntheticPatient], _ rule: (_ durationMs: Double, _ hasLBBB: Bool) -> Bool
  ) -> (se: Double, sp: Double) {
    func share(_ responds: Bool) -> Double {
      let members = patients.filter { $0.responds == responds }
      let called = members.count { rule($0.covariates.qrsDurationMs ?? 0, $0.covariates.hasLBBB ?? false) }
      return Double(called) / Double(members.count)
    }
    return (share(true), 1 - share(false))
  }

  @Test func thePublishedArmHasThePublishedEffectSizes() throws {
    let patients = SyntheticCohort(patientCount: 40_000, arm: .published, seed: 1).patients
    let rate = Double(patients.count(where: \.responds)) / 40_000
    #expect(abs(rate - 0.6) < 0.01)
    #expect(abs(try area(patients) { $0.covariates.qrsDurationMs ?? 0 } - 0.62) < 0.01)
    #expect(abs(try area(patients, \.qrsAreaMicrovoltSeconds) - 0.755) < 0.01)
    #expect(abs(try area(patients, \.oracleLogOdds) - 0.79) < 0.01)
    let strict = rule(patients) { $1 && $0 >= 150 }
    #expect(abs(strict.se - 0.63) < 0.015 && abs(strict.sp - 0.66) < 0.015)
    let classes = rule(patients) { $0 >= 150 || ($1 && $0 >= 130) }
    #expect(abs(classes.se - 0.92) < 0.015 && abs(classes.sp - 0.24) < 0.015)
    // The published overall distribution: median 160 ms, quartiles 146 and 176.
    let durations = patients.compactMap(\.covariates.qrsDurationMs).sorted()
    #expect(abs(durations[20_000] - 160) <= 4)
    #expect(abs(durations[10_000] - 146) <= 4 && abs(durations[30_000] - 176) <= 4)
  }

  @Test func thePessimisticArmsCeilingIsAt69() throws {
    let patients = SyntheticCohort(patientCount: 40_000, arm: .pessimistic, seed: 2).patients
    #expect(abs(try area(patients, \.oracleLogOdds) - 0.69) < 0.01)
  }

  @Test func theOraclesOddsComeTrue() {
    let patients = SyntheticCohort(patientCount: 40_000, arm: .published, seed: 3).patients
    let calibration = ProbabilityCalibration(
      probabilities: patients.map { 1 / (1 + exp(-$0.oracleLogOdds)) }, labels: patients.map(\.responds))
    #expect(abs((calibration.slope ?? 0) - 1) < 0.05)
    #expect(calibration.bins.allSatisfy { abs($0.predicted - $0.observed) < 0.03 })
  }

  @Test func whatIsNotPublishedDoesNotTellTheResponse() throws {
    let patients = SyntheticCohort(patientCount: 40_000, arm: .published, seed: 4).patients
    #expect(abs(try area(patients) { $0.covariates.ageYears ?? 0 } - 0.5) < 0.01)
    #expect(abs(try area(patients) { $0.covariates.sex == .male ? 1 : 0 } - 0.5) < 0.01)
    #expect(abs(try area(patients) { Double($0.covariates.nyhaClass ?? 0) } - 0.5) < 0.01)
    #expect(abs(try area(patients) { $0.covariates.lvefBeforePercent ?? 0 } - 0.5) < 0.01)
    #expect(abs(try area(patients) { $0.covariates.lvesvBeforeMl ?? 0 } - 0.5) < 0.01)
    // The label is the response by volume.
    #expect(
      patients.allSatisfy { ResponseDefinition.lvesv15.responds(label: nil, $0.covariates) == $0.responds })
  }

  // claim: oracle
  /// A model that beats the oracle on a large cohort reads an artefact of the generator.
  @Test(arguments: [(SyntheticArm.published, 0.79), (.pessimistic, 0.69)])
  func noBaselineBeatsTheOracleAndTheECGsCarryTheResponse(arm: SyntheticArm, ceiling: Double) throws {
    let cohort = SyntheticCohort(patientCount: 800, arm: arm, seed: 8)
    let features = try Array(cohort.patients.indices).concurrentMap(threads: 4, progress: { _ in }) { index in
      let record = cohort.record(of: index)
      return try ECGFeatures(CohortRecording(record, lead: "V6", file: record.name), usesAllLeads: true)
    }
    let labels = cohort.patients.map(\.responds)
    let table = FeatureTable(names: ECGFeatures.names, rows: features.map(\.values))
    let study = CohortStudy(labels: labels, folds: Folds.stratified(labels, count: 2, seed: 1), seed: 1)
    for method in [
      StudyMethod.logisticRegression(table, labels: labels), .randomForest(table, labels: labels),
    ] {
      let summary = study.summary(of: try study.run(method, threads: 2))
      let area = try #require(summary.auc).value
      print(
        "\(arm.rawValue), \(method.name): AUC \(Numbers.decimal(area, places: 3)), \(summary.unscoredPatients) unscored"
      )
      // Three standard errors of an AUC of 800 patients, and a little.
      #expect(area < ceiling + 0.05)
      #expect(area > 0.5 + 0.5 * (ceiling - 0.5))
      #expect(summary.unscoredPatients <= 12)
    }
  }

  @Test func equalSeedsGiveEqualBytesAtAnyNumberOfThreads() throws {
    let (one, two) = (try TemporaryFolder(), try TemporaryFolder())
    let cohort = SyntheticCohort(patientCount: 6, arm: .published, seed: 5)
    try cohort.write(to: one.path)
    try SyntheticCohort(patientCount: 6, arm: .published, seed: 5).write(to: two.path, threads: 3)
    let files = try FileManager.default.subpathsOfDirectory(atPath: one.path).sorted()
    #expect(files == (try FileManager.default.subpathsOfDirectory(atPath: two.path).sorted()))
    #expect(files.count == 2 + 1 + 12)
    for file in files where file != "records" {
      #expect(try Files.read(one.path + "/" + file) == Files.read(two.path + "/" + file), "\(file)")
    }
    #expect(SyntheticCohort(patientCount: 6, arm: .published, seed: 6).record(of: 0) != cohort.record(of: 0))
    // A longer cohort starts with the same patients.
    #expect(
      SyntheticCohort(patientCount: 9, arm: .published, seed: 5).patients.prefix(6) == cohort.patients[...])
  }

  @Test func everyFileSaysSyntheticAndTheManifestReadsBack() throws {
    let folder = try TemporaryFolder()
    let synthetic = SyntheticCohort(patientCount: 8, arm: .pessimistic, seed: 1)
    try synthetic.write(to: folder.path)
    for file in try FileManager.default.subpathsOfDirectory(atPath: folder.path)
    where file.hasSuffix(".hea") || file.hasSuffix(".csv") {
      let text = String(decoding: try Files.read(folder.path + "/" + file), as: UTF8.self)
      #expect(text.contains("synthetic"), "\(file)")
    }
    let cohort = try PatientCohort(manifest: folder.path + "/manifest.csv", response: .lvesv15)
    #expect(cohort.isSynthetic)
    #expect(cohort.labels == synthetic.patients.map(\.responds))
    #expect(cohort.patients.map(\.covariates) == synthetic.patients.map(\.covariates))
    let recording = try cohort.load(cohort.patients[0].records[0])
    let record = recording.record
    #expect(
      try recording.lead().name == "V6" && record.signals.map(\.specification.name) == SyntheticECG.leadNames)
    #expect(record.durationSeconds == 10)
  }
}
