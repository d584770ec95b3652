import Foundation
import Metrics
import Networks
import Support

/// The methods that a study of transfer compares on the same folds.
package struct TransferMethods: Sendable {
  /// The names in reports.
  package enum Name {
    /// The pre-trained network.
    package static let transfer = "transfer, float"
    /// The same in integers.
    package static let transferInt8 = "transfer, int8"
    /// The same structure, all layers learnt from the cohort.
    package static let scratch = "from scratch"
    /// The same structure and recipe as the transfer, its frozen layers random.
    package static let untrained = "random layers"
    /// L2 logistic regression on ECG features.
    package static let logistic = "logistic regression"
    /// A random forest on ECG features.
    package static let forest = "random forest"
  }

  /// The pre-trained network.
  package let transfer: NetworkLearner
  /// The network from scratch.
  package let scratch: NetworkLearner
  /// The random layers under the transfer's recipe; nil where the transfer changes more than the last layer.
  package let untrained: NetworkLearner?
  private let cohort: TransferCohort

  /// The learning rate from random weights, AdamW's usual one.
  package static let scratchLearningRate = 3e-3

  /// Prepares the networks.
  ///
  /// - Parameters:
  ///   - source: The pre-trained network.
  ///   - file: Its file, for errors.
  ///   - cohort: The patients.
  ///   - options: How the transfer learns. From scratch all layers learn, at `scratchLearningRate`, in as many steps
  ///     and batches of the same size.
  ///   - seed: The seed of the random weights.
  ///   - threads: The number of threads.
  /// - Throws: `FileError`, malformed, where the network doesn't suit.
  package init(
    from source: Checkpoint, file: String, cohort: TransferCohort, options: TransferOptions, seed: UInt64,
    threads: Int = 1
  ) throws(FileError) {
    transfer = try NetworkLearner(
      from: source, file: file, cohort: cohort, options: options, fitsHeadFirst: true, threads: threads)
    let random = try source.untrainedTwin(seed: seed, file: file)
    var everything = options
    (everything.frozenLayers, everything.layerRates) = (0, [])
    everything.learningRate = Self.scratchLearningRate
    scratch = try NetworkLearner(
      from: random, file: file, cohort: cohort, options: everything, fitsHeadFirst: false, threads: threads)
    untrained =
      transfer.frozenLayers == transfer.start.layers.count - 1
      ? try NetworkLearner(
        from: random, file: file, cohort: cohort, options: options, fitsHeadFirst: true, threads: threads)
      : nil
    self.cohort = cohort
  }

  /// The networks, the float ones alone or the transfer's int8 twin too.
  package func networks(withInt8: Bool, innerFolds: Int = 5) -> [StudyMethod] {
    [transfer.method(Name.transfer, innerFolds: innerFolds)]
      + (withInt8 ? [transfer.int8Method(Name.transferInt8, innerFolds: innerFolds)] : [])
      + [scratch.method(Name.scratch, innerFolds: innerFolds)]
      + (untrained.map { [$0.method(Name.untrained, innerFolds: innerFolds)] } ?? [])
  }

  /// What learns from ECG features.
  package var baselines: [StudyMethod] {
    let table = cohort.featureTable
    return [
      .logisticRegression(table, labels: cohort.labels, name: Name.logistic),
      .randomForest(table, labels: cohort.labels, name: Name.forest),
    ]
  }

  /// The guidelines' rules, where a patient's conduction is known.
  package var rules: [StudyMethod] {
    guard cohort.covariates.contains(where: { $0.hasLBBB != nil }) else { return [] }
    return GuidelineRule.allCases.map { rule in
      StudyMethod(rule.rawValue, threshold: .fixed(0.5)) { [cohort] _, test, _ in
        test.map { patient in
          rule.selects(
            cohort.covariates[patient], measuredDurationMs: cohort.features[patient].qrsDurationMs
          ).map { $0 ? 1 : 0 }
        }
      }
    }
  }
}

extension TransferCohort {
  /// The ECG features as a table, with those columns that nine patients of ten have; what else isn't known is filled in.
  package var featureTable: FeatureTable {
    let rows = features.map(\.values)
    let known = ECGFeatures.names.indices.filter { column in
      10 * rows.count { $0[column] != nil } >= 9 * rows.count
    }
    return FeatureTable(
      names: known.map { ECGFeatures.names[$0] }, rows: rows.map { row in known.map { row[$0] } },
      fillsIn: true)
  }
}

/// A study's figures: methods on the same folds, and how they differ from the transfer.
package struct TransferStudy: Encodable, Sendable {
  /// What is said of the data.
  package struct Data: Encodable, Sendable {
    /// The manifest, or what a cohort computed in memory says of itself.
    package var name: String
    /// Whether any of it is synthetic.
    package var isSynthetic: Bool
    /// What counts as a response.
    package var response: ResponseDefinition
    /// The number of patients.
    package var patients: Int
    /// The number of those who responded.
    package var responders: Int
    /// The beats with whole windows that networks were given.
    package var beats: Int
    /// The patients who have no such beat.
    package var patientsWithoutBeats: Int
  }

  /// How well the int8 twin says what the float network says.
  package struct Agreement: Encodable, Sendable {
    /// The decisions compared: patients, in each repeat.
    package var decisions: Int
    /// The share that are the same; each network has its own threshold.
    package var sameDecision: Double
    /// The largest difference of a patient's probabilities.
    package var largestDifference: Double
  }

  /// A ROC curve of the patients' mean probabilities over the repeats.
  package struct Curve: Encodable, Sendable {
    /// The method's name.
    package var method: String
    /// 1 less the specificity, rising.
    package var falsePositiveShare: [Double]
    /// The sensitivities.
    package var sensitivity: [Double]
  }

  /// A patient: what is true, in which fold it was tested, and what each method said.
  package struct Case: Encodable, Sendable {
    /// The name in the manifest.
    package var patient: String
    /// Whether the patient responded.
    package var responds: Bool
    /// The fold in which the patient was tested, counted from 0, one a repeat; null where it wasn't.
    package var folds: [Int?]
    /// The probabilities of a response, one a repeat, by method; null where the method couldn't score the patient.
    package var probabilities: [String: [Double?]]
  }

  /// The data.
  package let data: Data
  /// The options of the transfer.
  package let options: TransferOptions
  /// The layers that kept the weights that they came with.
  package let frozenLayers: Int
  /// The layers in all.
  package let layerCount: Int
  /// The folds of a repeat.
  package let folds: Int
  /// The repeats.
  package let repeats: Int
  /// The seed.
  package let seed: UInt64
  /// The methods' figures.
  package let methods: [CohortStudy.Summary]
  /// The transfer against each other method.
  package let comparisons: [CohortStudy.Comparison]
  /// The twins' agreement; nil without an int8 twin.
  package let agreement: Agreement?
  /// The ROC curves of methods that give more than yes and no.
  package let curves: [Curve]
  /// The patients, in the cohort's order.
  package let cases: [Case]
  /// Youden's threshold of all patients' probabilities, each the mean over the repeats: the final model's.
  package let threshold: Double

  /// Cross-validates all methods.
  ///
  /// - Parameters:
  ///   - methods: The methods.
  ///   - cohort: The patients.
  ///   - response: What counts as a response.
  ///   - options: The transfer's options.
  ///   - folds: The folds of a repeat.
  ///   - repeats: The repeats.
  ///   - seed: The seed of the folds, and of what methods draw.
  ///   - withInt8: Whether each fold's network is quantized and run too.
  ///   - threads: The folds to work on at a time.
  ///   - progress: Told after each fold of each method.
  /// - Returns: The figures.
  /// - Throws: `FileError`, where a class has fewer patients than there are folds, or learning diverges.
  package static func crossValidated(
    _ methods: TransferMethods, cohort: TransferCohort, response: ResponseDefinition,
    options: TransferOptions, folds: Int, repeats: Int, seed: UInt64, withInt8: Bool, threads: Int = 1,
    progress: @escaping ProgressHandler = { _ in }
  ) throws(FileError) -> TransferStudy {
    let division = try Folds.crossValidation(
      cohort.labels, count: folds, repeats: repeats, seed: seed, of: cohort.name)
    let study = CohortStudy(labels: cohort.labels, folds: division, seed: seed)
    let all = methods.networks(withInt8: withInt8) + methods.baselines + methods.rules
    var outcomes: [CohortStudy.Outcome] = []
    for (index, method) in all.enumerated() {
      outcomes.append(
        try study.run(method, threads: threads) { step in
          progress(
            TaskProgress(
              completed: index * step.total + step.completed, total: all.count * step.total,
              detail: method.name))
        })
    }
    let means = outcomes.map(meanProbabilities)
    let scored = means[0].indices.filter { means[0][$0] != nil }
    let roc = ROC(scores: scored.compactMap { means[0][$0] }, labels: scored.map { cohort.labels[$0] })
    return TransferStudy(
      data: Data(
        name: cohort.name, isSynthetic: cohort.isSynthetic, response: response, patients: cohort.count,
        responders: cohort.labels.count(where: \.self), beats: cohort.beatCounts.reduce(0, +),
        patientsWithoutBeats: cohort.beatCounts.count { $0 == 0 }),
      options: options, frozenLayers: methods.transfer.frozenLayers,
      layerCount: methods.transfer.start.layers.count, folds: folds, repeats: repeats, seed: seed,
      methods: outcomes.map(study.summary),
      comparisons: outcomes.dropFirst().map { study.compare(outcomes[0], $0) },
      agreement: outcomes.first { $0.method == TransferMethods.Name.transferInt8 }.map {
        Agreement(outcomes[0], $0)
      },
      curves: zip(outcomes, means).compactMap { outcome, means in
        Curve(outcome.method, means, labels: cohort.labels)
      }, cases: cases(of: cohort, division: division, outcomes: outcomes),
      threshold: min(max(roc?.youdenThreshold ?? 0.5, 0.001), 0.999))
  }

  private static func cases(
    of cohort: TransferCohort, division: [[Fold]], outcomes: [CohortStudy.Outcome]
  ) -> [Case] {
    cohort.labels.indices.map { patient in
      Case(
        patient: cohort.patients[patient], responds: cohort.labels[patient],
        folds: division.map { folds in folds.firstIndex { $0.test.contains(patient) } },
        probabilities: Dictionary(
          uniqueKeysWithValues: outcomes.map { ($0.method, $0.probabilities.map { $0[patient] }) }))
    }
  }

  /// Each patient's mean probability over the repeats; nil where one lacks.
  private static func meanProbabilities(_ outcome: CohortStudy.Outcome) -> [Double?] {
    (outcome.probabilities.first ?? []).indices.map { patient in
      let values = outcome.probabilities.compactMap { $0[patient] }
      return values.count == outcome.probabilities.count && !values.isEmpty
        ? values.reduce(0, +) / Double(values.count) : nil
    }
  }
}

extension TransferStudy.Agreement {
  fileprivate init(_ float: CohortStudy.Outcome, _ int8: CohortStudy.Outcome) {
    let decisions = zip(float.decisions.joined(), int8.decisions.joined()).filter { $0 != nil && $1 != nil }
    self.decisions = decisions.count
    sameDecision =
      decisions.isEmpty ? .nan : Double(decisions.count { $0 == $1 }) / Double(decisions.count)
    largestDifference =
      zip(float.probabilities.joined(), int8.probabilities.joined()).compactMap { float, int8 in
        float.flatMap { float in int8.map { abs(float - $0) } }
      }.max() ?? 0
  }
}

extension TransferStudy.Curve {
  fileprivate init?(_ method: String, _ probabilities: [Double?], labels: [Bool]) {
    let scored = probabilities.indices.filter { probabilities[$0] != nil }
    let scores = scored.compactMap { probabilities[$0] }
    guard Set(scores).count > 2, let roc = ROC(scores: scores, labels: scored.map { labels[$0] }) else {
      return nil
    }
    self.method = method
    falsePositiveShare = [0] + roc.points.map { 1 - $0.specificity }
    sensitivity = [0] + roc.points.map(\.sensitivity)
  }
}
