import Foundation
import Metrics
import Networks
import Support
import Tasks
import Training

/// How well a way of training does on patients that it has not seen, inside the training records alone: the choice
/// of a network and its options without a look at the test records.
package struct PatientValidation: Encodable {
  /// All classes over all folds and seeds.
  package struct Scores: Encodable {
    /// The mean over the seeds.
    package var macroF1: Double
    package var macroF1BySeed: [Double]
    /// Of all seeds' decisions together, with patients drawn; nil where no draw defines it.
    package var macroF1Interval: Interval?
    package var classes: [ClassScore]
  }

  /// One class over all folds and seeds.
  package struct ClassScore: Encodable {
    package var name: String
    package var beats: Int
    package var sensitivity: Double
    package var positivePredictivity: Double
    /// The mean over the seeds of the F1 of all patients' beats together.
    package var f1: Double
    /// Of all seeds' decisions together, with patients drawn; nil where no draw defines it.
    package var f1Interval: Interval?
    /// The mean over seeds and patients of a patient's F1, of those with at least `leastBeats` beats of the class:
    /// it lets no single patient with many such beats decide.
    package var patientF1: Double
    package var patients: Int
  }

  package static let leastBeats = 15

  package var task: String
  package var folds: Int
  package var seeds: [UInt64]
  /// The networks alone.
  package var network: Scores
  /// With what the beats' RR intervals say (`RhythmPrior`); nil where the classes aren't the AAMI's.
  package var withRhythm: Scores?
  package var perRecord: [Record]
  /// Offsets of the classes' logits, beyond those trained with, that would give the highest macro F1.
  ///
  /// Chosen on the very decisions that they are judged by, in steps of a half, so that three numbers can't fit much.
  package var bestOffsets: [Float]
  /// The macro F1 that they would give.
  package var macroF1WithBestOffsets: Double

  /// Each record's fold, from 0: those of a task with folds are dealt by patient, else record `i` is in fold `i % count`.
  ///
  /// - Throws: `FileError` where there are fewer patients than folds.
  package static func folds(
    _ mainLeads: [LabelledSignal], count: Int, of records: TaskRecords
  ) throws(FileError) -> [String: Int] {
    if case .folds = records.task.division {
      let catalog = try records.catalog()
      return Dictionary(
        uniqueKeysWithValues: zip(catalog.map(\.name), try records.folds(of: catalog).map { $0 - 1 }))
    }
    return Dictionary(uniqueKeysWithValues: mainLeads.enumerated().map { ($1.record, $0 % count) })
  }

  /// One record's decisions, all seeds together.
  package struct Record: Encodable {
    package var record: String
    package var patient: String
    package var float: ConfusionMatrix
    /// The part of the beats that the network was asked about; nil where there is none.
    package var networkShare: Double?
  }

  /// The part of the beats that the network is asked about, over the records.
  package var networkShare: NetworkShare? { NetworkShare(perRecord.compactMap(\.networkShare)) }

  /// What differs from another way of training; nil where none was named.
  package var comparison: ValidationComparison?

  /// Windows by the clock, of the first seed; nil for beats.
  package var windows: WindowValidation?

  /// Decides with each fold's network about the records that it has not seen.
  ///
  /// - Parameters:
  ///   - trained: The networks, seed by seed.
  ///   - plan: What they were trained by.
  /// - Throws: `InvalidNetwork` where a network can't be.
  package init(_ trained: [TrainedFold], by plan: TrainedFold.Plan) throws(InvalidNetwork) {
    let (start, mainLeads) = (trained[0].checkpoint, plan.mainLeads)
    let classNames = start.classNames
    folds = plan.folds
    seeds = plan.seeds
    var bySeed: [[Held]] = []
    for seed in seeds.indices {
      bySeed.append([])
      for fold in trained[seed * folds..<(seed + 1) * folds] {
        bySeed[seed] += zip(fold.held, try fold.decisions()).map { Held(signal: $0, decisions: $1) }
      }
    }
    task = start.task
    network = Scores(bySeed, classNames: classNames)
    let normalClass = start.settings.beats == nil ? FloatRhythmPrior.normalClass(of: classNames) : nil
    withRhythm = normalClass.map { normalClass in
      Scores(bySeed.map { $0.map { $0.withRhythm(normalClass: normalClass) } }, classNames: classNames)
    }
    perRecord = mainLeads.map { signal in
      Record(
        record: signal.record, patient: signal.patient,
        float: bySeed.joined().filter { $0.signal.record == signal.record }
          .reduce(into: ConfusionMatrix(classNames: classNames)) { $0 += $1.matrix(classNames) },
        networkShare: start.settings.beats == nil
          ? nil
          : NetworkShare.part(
            of: bySeed.joined().filter { $0.signal.record == signal.record }.flatMap(\.decisions)))
    }
    (bestOffsets, macroF1WithBestOffsets) = Self.bestOffsets(
      bySeed.map { $0.flatMap(\.decisions) }, classNames: classNames)
  }

  /// A held-out record.
  fileprivate struct Held: Sendable {
    var signal: LabelledSignal
    var decisions: [BeatDecision]

    func matrix(_ classNames: [String]) -> ConfusionMatrix {
      var matrix = ConfusionMatrix(classNames: classNames)
      for decision in decisions {
        matrix.add(reference: decision.classIndex, prediction: decision.predictedClass)
      }
      return matrix
    }

    func withRhythm(normalClass: Int) -> Held {
      Held(
        signal: signal,
        decisions: FloatRhythmPrior.moved(
          decisions, normalClass: normalClass, beats: signal.beats.map(\.sample)))
    }
  }

  /// Climbs from no offsets, one class at a time by a half, for as long as the mean of the seeds' macro F1 rises; the first
  /// class stays as it is, for only differences count.
  private static func bestOffsets(
    _ seeds: [[BeatDecision]], classNames: [String]
  ) -> (offsets: [Float], macroF1: Double) {
    func macroF1(_ offsets: [Float]) -> Double {
      let scores = seeds.map { decisions in
        var matrix = ConfusionMatrix(classNames: classNames)
        for var decision in decisions {
          for index in offsets.indices { decision.logits[index] += offsets[index] }
          matrix.add(reference: decision.classIndex, prediction: decision.predictedClass)
        }
        return matrix.macroF1 ?? 0
      }
      return scores.reduce(0, +) / Double(max(1, scores.count))
    }
    var best = [Float](repeating: 0, count: classNames.count)
    var most = macroF1(best)
    var isRising = true
    while isRising {
      isRising = false
      for index in classNames.indices.dropFirst() {
        for step: Float in [-0.5, 0.5] {
          var offsets = best
          offsets[index] += step
          guard abs(offsets[index]) <= 4 else { continue }
          let score = macroF1(offsets)
          if score > most { (best, most, isRising) = (offsets, score, true) }
        }
      }
    }
    return (best, most)
  }
}

extension PatientValidation.Scores {
  /// The scores of the held-out records' decisions, for every seed.
  fileprivate init(_ seeds: [[PatientValidation.Held]], classNames: [String]) {
    self.init(
      bySeed: seeds.map { $0.map { ($0.signal.patient, $0.matrix(classNames)) } }, classNames: classNames)
  }

  /// The scores of the held-out records, each of a patient, for every seed.
  init(bySeed seeds: [[(patient: String, decisions: ConfusionMatrix)]], classNames: [String]) {
    func mean(_ values: [Double]) -> Double {
      values.isEmpty ? .nan : values.reduce(0, +) / Double(values.count)
    }
    let records = seeds.map { $0.map(\.decisions) }
    let sums = records.map { $0.reduce(into: ConfusionMatrix(classNames: classNames)) { $0 += $1 } }
    macroF1BySeed = sums.map { $0.macroF1 ?? .nan }
    macroF1 = mean(macroF1BySeed)
    var byPatient: [String: ConfusionMatrix] = [:]
    for held in seeds.joined() {
      byPatient[held.patient, default: ConfusionMatrix(classNames: classNames)] += held.decisions
    }
    let patients = byPatient.sorted { $0.key < $1.key }.map(\.value)
    macroF1Interval = Interval.bootstrap(matrices: patients, seed: 1) { $0.macroF1 }
    classes = classNames.indices.map { index in
      let told = records.joined()
        .filter { $0.referenceCount(ofClass: index) >= PatientValidation.leastBeats }
      return PatientValidation.ClassScore(
        name: classNames[index], beats: sums[0].referenceCount(ofClass: index),
        sensitivity: mean(sums.compactMap { $0.sensitivity(ofClass: index) }),
        positivePredictivity: mean(sums.compactMap { $0.positivePredictivity(ofClass: index) }),
        f1: mean(sums.compactMap { $0.f1(ofClass: index) }),
        f1Interval: Interval.bootstrap(matrices: patients, seed: 1) {
          $0.f1(ofClass: index)
        },
        patientF1: mean(told.compactMap { $0.f1(ofClass: index) }), patients: told.count / seeds.count
      )
    }
  }
}
