import ECG
import Foundation
import Support

/// A synthetic patient before and after resynchronization therapy.
package struct SyntheticPatient: Equatable, Sendable {
  /// The name, and that of the record.
  package var name: String
  /// Whether the patient responds.
  package var responds: Bool
  /// The shape of the QRS complex.
  package var pattern: ConductionPattern
  /// The QRS area in three dimensions.
  package var qrsAreaMicrovoltSeconds: Double
  /// What the manifest says: QRS duration, LBBB, and what doesn't depend on the response but the outcome itself.
  package var covariates: Covariates
  /// The logarithm of the odds to respond, given duration, area and LBBB: the best that any method can know.
  package var oracleLogOdds: Double
}

/// How strongly a synthetic patient's response depends on the ECG.
package enum SyntheticArm: String, CaseIterable, Sendable, Codable {
  /// The effect sizes of van Deursen and others, J. Electrocardiol. 48 (2015) 45: the best possible AUC is 0.79.
  case published
  /// Differences of 0.61 times that size: the best possible AUC is 0.69.
  case pessimistic
}

/// A cohort drawn from the published distributions of QRS duration, QRS area and LBBB in CRT patients.
///
/// Nobody's data; what is learnt from it tells of methods, not of patients.
package struct SyntheticCohort: Sendable {
  /// The arm that it was drawn from.
  package let arm: SyntheticArm
  /// The seed that it was drawn with.
  package let seed: UInt64
  /// The patients.
  package let patients: [SyntheticPatient]

  /// The share of responders.
  package static let responseRate = 0.6

  /// Draws patients; each one depends on the seed and on its own number alone.
  package init(patientCount: Int, arm: SyntheticArm, seed: UInt64) {
    (self.arm, self.seed) = (arm, seed)
    let distribution = Distribution(arm)
    let generator = SeededGenerator(seed: seed)
    patients = (0..<patientCount).map { index in
      var generator = generator.split(index)
      return distribution.patient(name: Self.name(index), &generator)
    }
  }

  private static func name(_ index: Int) -> String {
    let digits = String(index + 1)
    return "S" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }

  /// What every file of the cohort says of itself.
  package var notice: String {
    "synthetic CRT cohort, \(arm.rawValue) arm, seed \(seed), computed by QuantInfer \(Release.version): "
      + "no patient's data; no claim about patients follows from it"
  }

  /// A patient's ECG, drawn with the cohort's seed.
  package func record(of index: Int) -> Record {
    let patient = patients[index]
    var generator = SeededGenerator(seed: seed).split(index).split(1)
    var ecg = SyntheticECG()
    ecg.pattern = patient.pattern
    ecg.qrsDurationMs = patient.covariates.qrsDurationMs ?? ecg.qrsDurationMs
    ecg.qrsAreaMicrovoltSeconds = patient.qrsAreaMicrovoltSeconds
    // What follows doesn't depend on the response.
    ecg.heartRate = generator.next(in: 55...90)
    ecg.intervalDeviationMs = generator.next(in: 8...40)
    ecg.respirationHz = generator.next(in: 0.2...0.33)
    ecg.wanderMillivolts = generator.next(in: 0.03...0.15)
    ecg.muscleMicrovolts = generator.next(in: 5...25)
    ecg.mainsMicrovolts = generator.next(in: 2...15)
    var (record, _) = ecg.record(name: patient.name, using: &generator)
    record.comments = [notice, "pattern: \(patient.pattern.rawValue)"]
    return record
  }

  /// Writes `manifest.csv`, `truth.csv` and the records, in `records`.
  ///
  /// The same patients, arm and seed give the same bytes, at any number of threads.
  ///
  /// - Parameters:
  ///   - folder: The folder, made where it is missing.
  ///   - lead: The lead that the manifest names.
  ///   - threads: The number of threads.
  ///   - progress: Told after each patient.
  /// - Throws: `FileError` where a file can't be written.
  package func write(
    to folder: String, lead: String = "V6", threads: Int = 1, progress: @escaping ProgressHandler = { _ in }
  ) throws(FileError) {
    let records = folder + "/records"
    try Files.makeFolder(records)
    _ = try Array(patients.indices).concurrentMap(threads: threads, progress: progress) {
      index throws(FileError) in
      try record(of: index).write(records + "/" + patients[index].name)
    }
    try Files.write(truthText, to: folder + "/truth.csv")
    // The manifest comes last: where it is, the rest is whole.
    try Files.write(manifestText(lead: lead), to: folder + "/manifest.csv")
  }

  private func manifestText(lead: String) -> String {
    let columns = Covariates.Column.all
    let header = ["patient", "record", "lead", "label"] + columns.map(\.name)
    let rows = patients.map { patient in
      [patient.name, "records/" + patient.name, CSVText.field(lead), patient.responds ? "1" : "0"]
        + columns.map { $0.text(patient.covariates) }
    }
    return "# \(notice)\n" + ([header] + rows).map { $0.joined(separator: ",") + "\n" }.joined()
  }

  private var truthText: String {
    let rows = patients.map { patient in
      [
        patient.name, patient.responds ? "1" : "0", patient.pattern.rawValue,
        "\(patient.covariates.qrsDurationMs ?? .nan)", "\(patient.qrsAreaMicrovoltSeconds)",
        "\(patient.oracleLogOdds)",
      ].joined(separator: ",") + "\n"
    }
    return "# \(notice)\npatient,responds,pattern,qrsd_ms,qrs_area_uvs,oracle_log_odds\n" + rows.joined()
  }
}

/// The joint distribution of response, QRS duration, QRS area and conduction.
private struct Distribution {
  /// What a class of patients has.
  private struct Class {
    var durationMs: Double
    var area: Double
    var areaDeviation: Double
    var lbbbShare: Double
  }

  private static let durationDeviationMs = 22.0
  private static let correlation = 0.5
  private static let durationRangeMs = 120.0...230.0
  /// The least area of a heart that can be seen at all.
  private static let leastArea = 20.0

  private let responders: Class
  private let others: Class

  init(_ arm: SyntheticArm) {
    let published = (
      Class(durationMs: 166, area: 140, areaDeviation: 42, lbbbShare: 0.82),
      Class(durationMs: 156.5, area: 100, areaDeviation: 40, lbbbShare: 0.55)
    )
    let share = arm == .published ? 1 : 0.61
    // Both classes move towards their middle; shares do so in log odds.
    func shrunk(_ own: Class, _ other: Class) -> Class {
      func mix(_ a: Double, _ b: Double) -> Double { (a + b) / 2 + share * (a - b) / 2 }
      func logOdds(_ p: Double) -> Double { log(p / (1 - p)) }
      return Class(
        durationMs: mix(own.durationMs, other.durationMs), area: mix(own.area, other.area),
        areaDeviation: mix(own.areaDeviation, other.areaDeviation),
        lbbbShare: 1 / (1 + exp(-mix(logOdds(own.lbbbShare), logOdds(other.lbbbShare)))))
    }
    (responders, others) = (shrunk(published.0, published.1), shrunk(published.1, published.0))
  }

  func patient(name: String, _ generator: inout SeededGenerator) -> SyntheticPatient {
    let responds = generator.nextUniform() < SyntheticCohort.responseRate
    let own = responds ? responders : others
    let first = generator.nextGaussian()
    let second =
      Self.correlation * first
      + (1 - Self.correlation * Self.correlation).squareRoot() * generator.nextGaussian()
    let range = Self.durationRangeMs
    let duration = own.durationMs + Self.durationDeviationMs * first
    // Rounded as a clinic writes it down.
    let durationMs = min(max(duration, range.lowerBound), range.upperBound).rounded()
    let area = max(Self.leastArea, own.area + own.areaDeviation * second)
    let hasLBBB = generator.nextUniform() < own.lbbbShare
    let kind = generator.nextUniform()
    let pattern: ConductionPattern = hasLBBB ? .lbbb : kind < 0.4 ? .rbbb : kind < 0.85 ? .ivcd : .paced

    var covariates = Covariates()
    covariates.qrsDurationMs = durationMs
    covariates.hasLBBB = hasLBBB
    covariates.sex = generator.nextUniform() < 0.28 ? .female : .male
    covariates.ageYears = min(max(66 + 10 * generator.nextGaussian(), 30), 90).rounded()
    covariates.nyhaClass = [2, 3, 3, 3, 4][generator.nextIndex(below: 5)]
    let fraction = min(max(26 + 6 * generator.nextGaussian(), 10), 35)
    let volume = min(max(170 + 55 * generator.nextGaussian(), 60), 450)
    let reduction = responds ? generator.next(in: 0.16...0.5) : generator.next(in: -0.15...0.13)
    func tenths(_ value: Double) -> Double { (value * 10).rounded() / 10 }
    covariates.lvefBeforePercent = tenths(fraction)
    covariates.lvefAfterPercent = tenths(
      min(max(fraction + 30 * reduction + 3 * generator.nextGaussian(), 5), 75))
    covariates.lvesvBeforeMl = tenths(volume)
    covariates.lvesvAfterMl = tenths(volume * (1 - reduction))
    return SyntheticPatient(
      name: name, responds: responds, pattern: pattern, qrsAreaMicrovoltSeconds: area,
      covariates: covariates, oracleLogOdds: logOdds(durationMs, area, hasLBBB))
  }

  /// The log odds to respond, by Bayes's rule; that durations and areas are clipped is left out.
  private func logOdds(_ durationMs: Double, _ area: Double, _ hasLBBB: Bool) -> Double {
    func logDensity(_ own: Class) -> Double {
      let u = (durationMs - own.durationMs) / Self.durationDeviationMs
      let v = (area - own.area) / own.areaDeviation
      let rho = Self.correlation
      return -(u * u - 2 * rho * u * v + v * v) / (2 * (1 - rho * rho)) - log(own.areaDeviation)
        + log(hasLBBB ? own.lbbbShare : 1 - own.lbbbShare)
    }
    let rate = SyntheticCohort.responseRate
    return log(rate / (1 - rate)) + logDensity(responders) - logDensity(others)
  }
}
