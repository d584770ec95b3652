import Foundation
import Metrics
import Networks
import Support
import Tasks

/// The same study of a small cohort, many times: each seed gives a synthetic cohort of its own, and all methods are
/// cross-validated in it.
///
/// A single cohort of 71 patients shows a method's accuracy with some luck; many of them show the luck.
package struct SyntheticStudy: Sendable {
  /// What decides the results, seed by seed.
  package struct Settings: Codable, Equatable, Sendable {
    /// The patients of a cohort.
    package var patients: Int
    /// The folds of the cross-validation, which each cohort has once.
    package var folds: Int
    /// The folds within the training patients that choose a network's threshold.
    package var innerFolds: Int
    /// The lead.
    package var lead: String
    /// Whether the baselines' features are of all leads.
    package var usesAllLeads: Bool
    /// Whether the int8 twin is run too.
    package var withInt8: Bool
    /// How networks learn.
    package var options: TransferOptions
    /// The first half of the pre-trained checkpoint's SHA-256, which is enough to tell networks apart.
    package var network: String

    /// Creates settings.
    package init(
      patients: Int, folds: Int, innerFolds: Int, lead: String, usesAllLeads: Bool, withInt8: Bool,
      options: TransferOptions, source: Checkpoint
    ) {
      (self.patients, self.folds, self.innerFolds, self.lead) = (patients, folds, innerFolds, lead)
      (self.usesAllLeads, self.withInt8, self.options) = (usesAllLeads, withInt8, options)
      network = String(SHA256.hexadecimal(source.encoded()).prefix(32))
    }
  }

  /// A method's figures in one cohort; nil where they aren't defined.
  package struct Figures: Codable, Equatable, Sendable {
    /// The method's name.
    package var method: String
    /// The share of right decisions.
    package var accuracy: Double?
    /// The share of responders found.
    package var sensitivity: Double?
    /// The share of others found.
    package var specificity: Double?
    /// The area under the ROC curve.
    package var auc: Double?
    /// Brier's score.
    package var brier: Double?
  }

  /// One cohort's results.
  package struct Result: Codable, Equatable, Sendable {
    /// The arm.
    package var arm: SyntheticArm
    /// The seed.
    package var seed: UInt64
    /// The responders.
    package var responders: Int
    /// The methods' figures.
    package var methods: [Figures]
  }

  /// The name of what knows the odds by which the response was drawn.
  package static let oracle = "the generator's own odds"

  /// What decides the results.
  package let settings: Settings
  private let source: Checkpoint
  private let file: String
  private let converter: AnalogConverter

  /// Prepares a study.
  ///
  /// - Parameters:
  ///   - settings: What decides the results.
  ///   - source: The pre-trained network.
  ///   - file: Its file, for errors.
  ///   - converter: The device's converter.
  package init(_ settings: Settings, source: Checkpoint, file: String, converter: AnalogConverter) {
    (self.settings, self.source, self.file, self.converter) = (settings, source, file, converter)
  }

  /// One seed's cohort, cross-validated; the result depends on the settings, the arm and the seed alone.
  ///
  /// - Throws: `FileError`, where the cohort has too few patients of a class, or learning diverges.
  package func result(arm: SyntheticArm, seed: UInt64) throws(FileError) -> Result {
    let synthetic = SyntheticCohort(patientCount: settings.patients, arm: arm, seed: seed)
    let view = TransferCohort.View(
      window: source.window, converter: converter, beatsPerPatient: settings.options.beatsPerPatient,
      usesAllLeads: settings.usesAllLeads)
    let cohort = try TransferCohort.synthesized(synthetic, lead: settings.lead, view: view)
    let methods = try TransferMethods(
      from: source, file: file, cohort: cohort, options: settings.options, seed: seed)
    let odds = synthetic.patients.map(\.oracleLogOdds)
    let oracle = StudyMethod(Self.oracle) { _, test, _ in
      test.map { LogisticFit.probability(odds[$0]) }
    }
    let study = CohortStudy(
      labels: cohort.labels,
      folds: try Folds.crossValidation(
        cohort.labels, count: settings.folds, repeats: 1, seed: seed, of: cohort.name),
      seed: seed
    )
    let all =
      methods.networks(withInt8: settings.withInt8, innerFolds: settings.innerFolds) + methods.baselines
      + methods.rules + [oracle]
    var figures: [Figures] = []
    for method in all {
      let summary = study.summary(of: try study.run(method))
      figures.append(
        Figures(
          method: method.name, accuracy: summary.accuracy?.value, sensitivity: summary.sensitivity?.value,
          specificity: summary.specificity?.value, auc: summary.auc?.value, brier: summary.brier?.value))
    }
    return Result(arm: arm, seed: seed, responders: cohort.labels.count(where: \.self), methods: figures)
  }

  /// All seeds' results, each kept in a log as soon as it is there, from which an interrupted run goes on.
  ///
  /// - Parameters:
  ///   - arms: The arms.
  ///   - seeds: The seeds.
  ///   - log: The file.
  ///   - threads: The cohorts to work on at a time.
  ///   - progress: Told after each cohort.
  /// - Returns: The results in order of arms and seeds.
  /// - Throws: `FileError`, where the file is no study's, another run writes it or it can't be written, or a cohort has
  ///   too few patients.
  package func run(
    arms: [SyntheticArm], seeds: ClosedRange<UInt64>, log: String, threads: Int = 1,
    progress: @escaping ProgressHandler = { _ in }
  ) throws(FileError) -> [Result] {
    // Seed by seed, so that an interrupted study has as many of each arm.
    let cohorts = seeds.flatMap { seed in
      arms.map {
        Content(
          settings: settings, converterBits: converter.bits, microvoltsPerCount: converter.microvoltsPerCount,
          arm: $0, seed: seed)
      }
    }
    let (all, _) = try ResultLog(log, kind: Self.log).results(
      of: cohorts, key: Self.log.key, threads: threads, progress: progress
    ) { cohort throws(FileError) in
      Line(content: cohort, result: try result(arm: cohort.arm, seed: cohort.seed))
    }
    return arms.flatMap { arm in all.map(\.result).filter { $0.arm == arm } }
  }

  /// All that decides a result.
  private struct Content: Codable {
    var settings: Settings
    var converterBits: Int
    var microvoltsPerCount: Float
    var arm: SyntheticArm
    var seed: UInt64
  }

  /// A result in a log, with what decided it.
  private struct Line: Codable {
    var content: Content
    var result: Result
  }

  private static let log = ResultLog.Kind("study", version: 1)
}
