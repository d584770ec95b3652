import Foundation
import Support
import Training

/// How well a way of training does on patients that it has not seen, inside the training records alone: the choice
/// of a network and its options without a look at the test records.
package struct PatientValidation: Encodable {
  /// One class over all folds and seeds.
  package struct ClassScore: Encodable {
    package var name: String
    package var beats: Int
    package var sensitivity: Double
    package var positivePredictivity: Double
    /// The mean over the seeds of the F1 of all patients' beats together.
    package var f1: Double
    /// The mean over seeds and patients of a patient's F1, of those with at least `leastBeats` beats of the class:
    /// it lets no single patient with many such beats decide.
    package var patientF1: Double
    package var patients: Int
  }

  package static let leastBeats = 15

  package var task: String
  package var folds: Int
  package var seeds: [UInt64]
  package var macroF1: Double
  package var macroF1BySeed: [Double]
  package var classes: [ClassScore]
  package var perRecord: [Record]

  /// One record's decisions, all seeds together.
  package struct Record: Encodable {
    package var record: String
    package var float: ConfusionMatrix
  }

  /// Trains on all folds but one, and decides about the beats of that one; all folds, for every seed.
  ///
  /// - Parameters:
  ///   - signals: The training signals, other leads included.
  ///   - mainLeads: The records' leads to decide about, one a record.
  ///   - noises: Recorded noise for augmentation.
  ///   - folds: The number of folds; record `i` is in fold `i % folds`.
  ///   - seeds: The seeds.
  ///   - untrained: Makes the network before its first step for a seed.
  ///   - threads: The number of trainings side by side.
  ///   - progress: Told of each training.
  /// - Throws: `TrainingError` where a training can't be.
  package init(
    signals: [LabelledSignal], mainLeads: [LabelledSignal], noises: [[Float]], folds: Int, seeds: [UInt64],
    untrained: @escaping @Sendable (UInt64) throws -> Checkpoint, threads: Int,
    progress: @escaping ProgressHandler
  ) throws {
    let start = try untrained(seeds[0])
    let classNames = start.classNames
    let jobs = seeds.flatMap { seed in (0..<folds).map { (seed: seed, fold: $0) } }
    let foldOfRecord = Dictionary(
      uniqueKeysWithValues: mainLeads.enumerated().map { ($1.record, $0 % folds) })
    let results = try jobs.concurrentMap(threads: threads, progress: progress) { job in
      let training = signals.filter { foldOfRecord[$0.record] != job.fold }
      let trainer = try Trainer(untrained(job.seed), signals: training, noises: noises)
      let network = try trainer.run().network
      return try mainLeads.filter { foldOfRecord[$0.record] == job.fold }.map { signal in
        let decisions = try EvaluationWindows([signal], window: start.window).decisions(of: network)
        return RecordEvaluation(signal, classNames: classNames, float: decisions, int8: nil)
      }
    }
    let none = ConfusionMatrix(classNames: classNames)
    func sum(_ evaluations: some Sequence<RecordEvaluation>) -> ConfusionMatrix {
      evaluations.compactMap(\.float).reduce(into: none) { $0 += $1 }
    }
    let bySeed = seeds.indices.map { index in
      Array(results[index * folds..<(index + 1) * folds].joined())
    }
    let matrices = bySeed.map { sum($0) }
    func mean(_ values: [Double]) -> Double {
      values.isEmpty ? .nan : values.reduce(0, +) / Double(values.count)
    }
    task = start.task
    self.folds = folds
    self.seeds = seeds
    macroF1BySeed = matrices.map { $0.macroF1 ?? .nan }
    macroF1 = mean(macroF1BySeed)
    classes = classNames.indices.map { index in
      let patients = bySeed.joined().compactMap(\.float)
        .filter { $0.referenceCount(ofClass: index) >= Self.leastBeats }
      return ClassScore(
        name: classNames[index], beats: matrices[0].referenceCount(ofClass: index),
        sensitivity: mean(matrices.compactMap { $0.sensitivity(ofClass: index) }),
        positivePredictivity: mean(matrices.compactMap { $0.positivePredictivity(ofClass: index) }),
        f1: mean(matrices.compactMap { $0.f1(ofClass: index) }),
        patientF1: mean(patients.compactMap { $0.f1(ofClass: index) }), patients: patients.count / seeds.count
      )
    }
    perRecord = mainLeads.map { signal in
      Record(record: signal.record, float: sum(bySeed.joined().filter { $0.record == signal.record }))
    }
  }
}
