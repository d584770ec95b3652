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
    /// The first half of the pre-trained checkpoint's SHA-256.
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

  /// All seeds' results, each kept in a file as soon as it is there, from which an interrupted run goes on.
  ///
  /// The file has the settings in its first line and a result a line after it; at the end they stand in order, the same
  /// bytes at any number of threads.
  ///
  /// - Parameters:
  ///   - arms: The arms.
  ///   - seeds: The seeds.
  ///   - log: The file.
  ///   - threads: The cohorts to work on at a time.
  ///   - progress: Told after each cohort.
  /// - Returns: The results in order of arms and seeds.
  /// - Throws: `FileError`, where the file is another study's or can't be written, or a cohort has too few patients.
  package func run(
    arms: [SyntheticArm], seeds: ClosedRange<UInt64>, log: String, threads: Int = 1,
    progress: @escaping ProgressHandler = { _ in }
  ) throws(FileError) -> [Result] {
    let known = try StudyLog.read(log, settings: settings)
    let wanted = arms.flatMap { arm in seeds.map { Task(arm: arm, seed: $0) } }
    // Seed by seed, so that an interrupted study has as many of each arm.
    let open = seeds.flatMap { seed in arms.map { Task(arm: $0, seed: seed) } }.filter { known[$0] == nil }
    // Seeds of an earlier run stay.
    let writer = try StudyLog(log, settings: settings, results: Array(known.values))
    let new = try open.concurrentMap(threads: threads, progress: progress) { task throws(FileError) in
      let result = try result(arm: task.arm, seed: task.seed)
      try writer.append(result)
      return result
    }
    var all = known
    for result in new { all[Task(arm: result.arm, seed: result.seed)] = result }
    try writer.finish(Array(all.values))
    return wanted.compactMap { all[$0] }
  }

  fileprivate struct Task: Hashable {
    var arm: SyntheticArm
    var seed: UInt64
  }
}

/// The file in which a study keeps what it has.
private final class StudyLog: @unchecked Sendable {
  private let path: String
  private let header: String
  private let handle: FileHandle
  private let lock = NSLock()

  /// The results that a file keeps, without a last line that was cut short; none where there is no file.
  static func read(
    _ path: String, settings: SyntheticStudy.Settings
  ) throws(FileError) -> [SyntheticStudy.Task: SyntheticStudy.Result] {
    guard FileManager.default.fileExists(atPath: path) else { return [:] }
    let text = String(decoding: try Files.read(path), as: UTF8.self)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard let first = lines.first, first == line(of: settings) else {
      throw .malformed(
        path, at: "line 1", "keeps a study of other settings or another network",
        remedy: "repeat that study's command, or name another file")
    }
    var results: [SyntheticStudy.Task: SyntheticStudy.Result] = [:]
    for (index, line) in lines.enumerated().dropFirst() where !line.isEmpty {
      guard let result = try? JSONDecoder().decode(SyntheticStudy.Result.self, from: Data(line.utf8)) else {
        if index == lines.count - 1 { break }
        throw .malformed(path, at: "line \(index + 1)", "is no result", remedy: "remove the line")
      }
      results[.init(arm: result.arm, seed: result.seed)] = result
    }
    return results
  }

  init(
    _ path: String, settings: SyntheticStudy.Settings, results: [SyntheticStudy.Result]
  ) throws(FileError) {
    self.path = path
    header = Self.line(of: settings)
    try Files.write(Self.text(header, results), to: path)
    guard let handle = FileHandle(forUpdatingAtPath: path) else {
      throw .inaccessible(path, "can't be written", remedy: "choose a place that you may write to")
    }
    self.handle = handle
  }

  deinit { try? handle.close() }

  func append(_ result: SyntheticStudy.Result) throws(FileError) {
    let written = lock.withLock {
      Result { () throws in
        try handle.seekToEnd()
        try handle.write(contentsOf: Data((Self.line(of: result) + "\n").utf8))
      }
    }
    if case .failure = written {
      throw .inaccessible(path, "can't be written", remedy: "free some space or choose another disk")
    }
  }

  func finish(_ results: [SyntheticStudy.Result]) throws(FileError) {
    try Files.write(Self.text(header, results), to: path)
  }

  private static func text(_ header: String, _ results: [SyntheticStudy.Result]) -> String {
    let ordered = results.sorted { ($0.arm.rawValue, $0.seed) < ($1.arm.rawValue, $1.seed) }
    return ([header] + ordered.map(line)).map { $0 + "\n" }.joined()
  }

  private static func line(of value: some Encodable) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(value) else { preconditionFailure("figures are finite") }
    return String(decoding: data, as: UTF8.self)
  }
}
