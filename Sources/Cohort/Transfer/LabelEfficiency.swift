import Foundation
import Metrics
import Networks
import Support

/// How well methods do by the number of patients that they learn from: what pre-training saves in labels, or doesn't.
///
/// In each repeat some patients are set aside to test on, and each method learns from growing parts of the others: the
/// first 10 are among the first 20, and so on, with the cohort's share of responders. So methods are paired by repeat.
package struct LabelEfficiency: Encodable, Sendable {
  /// A mean over the repeats with its interval.
  package struct Mean: Encodable, Sendable {
    /// The method's name.
    package var method: String
    /// The mean.
    package var mean: Double
    /// The mean's 95 % interval.
    package var interval: Interval?
  }

  /// All methods at one number of patients.
  package struct Point: Encodable, Sendable {
    /// The patients learnt from.
    package var patients: Int
    /// The AUC by method.
    package var auc: [Mean]
    /// The transfer's AUC less each other method's.
    package var transferLess: [Mean]
    /// What the difference from learning from scratch says, by its interval.
    package var transfer: String
  }

  /// The data in words.
  package let data: String
  /// Whether it is synthetic.
  package let isSynthetic: Bool
  /// The repeats.
  package let repeats: Int
  /// The patients of a repeat to test on.
  package let testPatients: Int
  /// Whether each repeat has patients of its own.
  package let isIndependent: Bool
  /// The points.
  package let points: [Point]
  /// The options of the transfer.
  package let options: TransferOptions

  /// What one repeat measures: AUC `[size][method]`, nil where it isn't defined.
  private typealias Areas = [[Double?]]

  /// Measures a cohort, divided anew in each repeat.
  ///
  /// - Parameters:
  ///   - cohort: The patients; there are more than the largest size.
  ///   - methods: The networks, prepared for the cohort.
  ///   - options: The transfer's options, for the report.
  ///   - sizes: The numbers of patients to learn from, rising.
  ///   - repeats: The repeats.
  ///   - seed: The seed.
  ///   - threads: The repeats to work on at a time.
  ///   - progress: Told after each repeat.
  /// - Returns: The curve.
  /// - Throws: `FileError`, where there are too few patients, or learning diverges.
  package static func measured(
    _ cohort: TransferCohort, methods: TransferMethods, options: TransferOptions, sizes: [Int], repeats: Int,
    seed: UInt64, threads: Int = 1, progress: @escaping ProgressHandler = { _ in }
  ) throws(FileError) -> LabelEfficiency {
    let pool = sizes.max() ?? 0
    let test = cohort.count - pool
    let all = methods.networks(withInt8: false) + methods.baselines
    let rarer = min(cohort.labels.count(where: \.self), cohort.labels.count { !$0 })
    guard test >= 10, rarer >= 4 else {
      throw .malformed(
        cohort.name,
        "has \(cohort.count) patients, \(rarer) of the rarer class: too few to learn from \(pool) and test",
        remedy: "give at least \(pool + 10), 4 of each class, or smaller --sizes")
    }
    let generator = SeededGenerator(seed: seed)
    let measured = try Array(0..<repeats).concurrentMap(threads: threads, progress: progress) {
      index throws(FileError) in
      var generator = generator.split(index)
      let share = Double(test) / Double(cohort.count)
      let fold = Folds.split(
        Array(0..<cohort.count), labels: cohort.labels, testShare: share, seed: generator.next())
      return try areas(
        all, cohort.labels, training: fold.training, test: fold.test, sizes: sizes, generator: &generator)
    }
    return LabelEfficiency(
      measured, methods: all.map(\.name), sizes: sizes, overlap: Double(test) / Double(pool),
      testPatients: test, data: cohort.name, isSynthetic: cohort.isSynthetic, options: options)
  }

  /// Measures synthetic cohorts, one of its own in each repeat.
  ///
  /// - Parameters:
  ///   - arm: The arm.
  ///   - lead: The lead.
  ///   - testPatients: The patients of a repeat to test on.
  ///   - source: The pre-trained network.
  ///   - file: Its file, for errors.
  ///   - view: How records are looked at.
  ///   - options: The transfer's options.
  ///   - sizes: The numbers of patients to learn from, rising.
  ///   - repeats: The repeats.
  ///   - seed: The first repeat's seed; the others follow.
  ///   - threads: The repeats to work on at a time.
  ///   - progress: Told after each repeat.
  /// - Returns: The curve.
  /// - Throws: `FileError`, where learning diverges.
  package static func measured(
    arm: SyntheticArm, lead: String, testPatients: Int, source: Checkpoint, file: String,
    view: TransferCohort.View, options: TransferOptions, sizes: [Int], repeats: Int, seed: UInt64,
    threads: Int = 1, progress: @escaping ProgressHandler = { _ in }
  ) throws(FileError) -> LabelEfficiency {
    let pool = sizes.max() ?? 0
    let measured = try Array(0..<repeats).concurrentMap(threads: threads, progress: progress) {
      index throws(FileError) in
      let own = seed &+ UInt64(index)
      let cohort = try TransferCohort.synthesized(
        SyntheticCohort(patientCount: pool + testPatients, arm: arm, seed: own), lead: lead, view: view)
      let methods = try TransferMethods(from: source, file: file, cohort: cohort, options: options, seed: own)
      let all = methods.networks(withInt8: false) + methods.baselines
      var generator = SeededGenerator(seed: own).split(2)
      let areas = try areas(
        all, cohort.labels, training: Array(0..<pool), test: Array(pool..<pool + testPatients), sizes: sizes,
        generator: &generator)
      return (areas: areas, names: all.map(\.name))
    }
    return LabelEfficiency(
      measured.map(\.areas), methods: measured.first?.names ?? [], sizes: sizes, overlap: 0,
      testPatients: testPatients,
      data:
        "synthetic CRT cohorts, \(arm.rawValue) arm, lead \(lead), seeds \(seed) to \(seed &+ UInt64(max(repeats, 1) - 1))",
      isSynthetic: true, options: options)
  }

  /// The areas of all methods that have learnt from growing parts of some patients.
  private static func areas(
    _ methods: [StudyMethod], _ labels: [Bool], training: [Int], test: [Int], sizes: [Int],
    generator: inout SeededGenerator
  ) throws(FileError) -> Areas {
    let groups = [true, false].map { label in
      training.filter { labels[$0] == label }.shuffled(using: &generator)
    }
    let share = Double(groups[0].count) / Double(training.count)
    let seed = generator.next()
    var areas: Areas = []
    for size in sizes {
      let wanted = max(2, Int((share * Double(size)).rounded()))
      let positives = min(wanted, groups[0].count, max(size - 2, 1))
      let patients = (groups[0].prefix(positives) + groups[1].prefix(size - positives)).sorted()
      var row: [Double?] = []
      for method in methods {
        let scores = try method.predict(patients, test, seed)
        let scored = test.indices.filter { scores[$0] != nil }
        row.append(
          ROC(scores: scored.compactMap { scores[$0] }, labels: scored.map { labels[test[$0]] })?.area)
      }
      areas.append(row)
    }
    return areas
  }

  private init(
    _ measured: [Areas], methods: [String], sizes: [Int], overlap: Double, testPatients: Int, data: String,
    isSynthetic: Bool, options: TransferOptions
  ) {
    (self.data, self.isSynthetic, self.options) = (data, isSynthetic, options)
    (repeats, self.testPatients, isIndependent) = (measured.count, testPatients, overlap == 0)
    points = sizes.enumerated().map { place, size in
      func mean(_ name: String, _ value: ([Double?]) -> Double?) -> Mean? {
        MeanInterval(measured.compactMap { value($0[place]) }, overlap: overlap).map {
          Mean(method: name, mean: $0.mean, interval: $0.interval)
        }
      }
      let differences = methods.indices.dropFirst().compactMap { index in
        mean(methods[index]) { row in row[0].flatMap { own in row[index].map { own - $0 } } }
      }
      let scratch = differences.first { $0.method == TransferMethods.Name.scratch }
      return Point(
        patients: size, auc: methods.indices.compactMap { index in mean(methods[index]) { $0[index] } },
        transferLess: differences,
        transfer: scratch.map { Wording.transfer($0.mean, $0.interval, against: "'\($0.method)'") } ?? "")
    }
  }
}
