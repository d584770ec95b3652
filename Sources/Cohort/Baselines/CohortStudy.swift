import Metrics
import Support

/// A way to predict which patients respond, as a study compares it with others.
package struct StudyMethod: Sendable {
  /// Which probability means yes.
  package enum Threshold: Equatable, Sendable {
    /// From this one on, whatever the training patients are; a rule that gives 0 and 1 has 0.5.
    case fixed(Double)
    /// From Youden's threshold on, of probabilities in a cross-validation of so many folds within the training
    /// patients: the method learns as many times more.
    case youden(innerFolds: Int)
  }

  /// Learns from some patients and gives others' probabilities, in their order: nil where it can't score one.
  ///
  /// Patients are indices into the cohort. The seed differs from fold to fold; results depend on nothing else.
  package typealias Prediction =
    @Sendable (_ training: [Int], _ test: [Int], _ seed: UInt64) throws(FileError) -> [Double?]

  /// The name in reports.
  package let name: String
  /// Which probability means yes.
  package let threshold: Threshold
  /// The method.
  package let predict: Prediction

  /// Creates a method.
  package init(_ name: String, threshold: Threshold = .youden(innerFolds: 5), predict: @escaping Prediction) {
    (self.name, self.threshold, self.predict) = (name, threshold, predict)
  }
}

extension StudyMethod {
  /// A guideline's rule, which learns nothing.
  package static func guideline(
    _ rule: GuidelineRule, _ cohort: PatientCohort, features: [ECGFeatures]? = nil
  ) -> StudyMethod {
    StudyMethod(rule.rawValue, threshold: .fixed(0.5)) { _, test, _ in
      test.map { patient in
        rule.selects(
          cohort.patients[patient].covariates, measuredDurationMs: features?[patient].qrsDurationMs
        ).map { $0 ? 1 : 0 }
      }
    }
  }

  /// L2 logistic regression: standardized, and its penalty chosen, within the training patients.
  package static func logisticRegression(
    _ table: FeatureTable, labels: [Bool], name: String = "logistic regression"
  ) -> StudyMethod {
    StudyMethod(name) { training, test, seed in
      let table = table.filled(from: training)
      let known = training.filter { table.complete($0) != nil }
      let (rows, classes) = (known.compactMap(table.complete), known.map { labels[$0] })
      let penalty = LogisticRegression.chosenPenalty(rows: rows, labels: classes, seed: seed)
      let model = LogisticRegression(rows: rows, labels: classes, penalty: penalty)
      return test.map { patient in
        guard let model, let row = table.complete(patient) else { return nil }
        return model.probability(row)
      }
    }
  }

  /// A random forest.
  package static func randomForest(
    _ table: FeatureTable, labels: [Bool], options: RandomForest.Options = .init(),
    name: String = "random forest"
  ) -> StudyMethod {
    StudyMethod(name) { training, test, seed in
      let table = table.filled(from: training)
      let known = training.filter { table.complete($0) != nil }
      guard !known.isEmpty else { return test.map { _ in nil } }
      let forest = RandomForest.grown(
        rows: known.compactMap(table.complete), labels: known.map { labels[$0] }, options: options, seed: seed
      )
      return test.map { patient in table.complete(patient).map(forest.probability) }
    }
  }
}

/// Methods tested on the same folds of the same patients.
package struct CohortStudy: Sendable {
  /// What a method said of each patient, in each repeat.
  package struct Outcome: Equatable, Sendable {
    /// The method's name.
    package let method: String
    /// The probabilities, `[repeat][patient]`; nil where the method couldn't score one.
    package let probabilities: [[Double?]]
    /// The decisions by the thresholds of the training folds, `[repeat][patient]`.
    package let decisions: [[Bool?]]
    /// The thresholds, `[repeat][fold]`.
    package let thresholds: [[Double]]
  }

  /// Whether each patient responded.
  package let labels: [Bool]
  /// The folds, `[repeat][fold]`.
  package let folds: [[Fold]]
  /// The seed.
  package let seed: UInt64

  /// A study of a cohort by repeated stratified cross-validation of its patients.
  ///
  /// - Throws: `FileError`, malformed, where a class has fewer patients than there are folds.
  package init(_ cohort: PatientCohort, folds: Int, repeats: Int, seed: UInt64) throws(FileError) {
    self.init(
      labels: cohort.labels,
      folds: try Folds.crossValidation(
        cohort.labels, count: folds, repeats: repeats, seed: seed, of: cohort.file), seed: seed)
  }

  /// A study of patients by given folds, in each repeat of which every patient is tested at most once.
  package init(labels: [Bool], folds: [[Fold]], seed: UInt64) {
    (self.labels, self.folds, self.seed) = (labels, folds, seed)
  }

  /// Trains and tests a method on each fold.
  ///
  /// - Parameters:
  ///   - method: The method.
  ///   - threads: The folds to work on at a time.
  ///   - progress: Told after each fold.
  /// - Returns: What it said.
  /// - Throws: What the method throws.
  package func run(
    _ method: StudyMethod, threads: Int = 1, progress: @escaping ProgressHandler = { _ in }
  ) throws(FileError) -> Outcome {
    let tasks = folds.enumerated().flatMap { index, folds in folds.map { (repeat: index, fold: $0) } }
    let seeds = SeededGenerator(seed: seed)
    let results = try Array(tasks.indices).concurrentMap(threads: max(1, threads), progress: progress) {
      index throws(FileError) in
      var generator = seeds.split(index)
      return try test(method, tasks[index].fold, seed: generator.next())
    }
    let unknown = [Double?](repeating: nil, count: labels.count)
    var probabilities = folds.map { _ in unknown }
    var decisions = folds.map { _ in labels.map { _ in Bool?.none } }
    var thresholds = folds.map { _ in [Double]() }
    for (task, result) in zip(tasks, results) {
      thresholds[task.repeat].append(result.threshold)
      for (patient, probability) in zip(task.fold.test, result.probabilities) {
        probabilities[task.repeat][patient] = probability
        decisions[task.repeat][patient] = probability.map { $0 >= result.threshold }
      }
    }
    return Outcome(
      method: method.name, probabilities: probabilities, decisions: decisions, thresholds: thresholds)
  }

  private func test(
    _ method: StudyMethod, _ fold: Fold, seed: UInt64
  ) throws(FileError) -> (threshold: Double, probabilities: [Double?]) {
    let threshold =
      switch method.threshold {
      case .fixed(let threshold): threshold
      case .youden(let count): try youdenThreshold(method, fold.training, folds: count, seed: seed)
      }
    let probabilities = try method.predict(fold.training, fold.test, seed)
    precondition(probabilities.count == fold.test.count, "\(method.name) gives a probability a patient")
    // What isn't a number is no score.
    return (threshold, probabilities.map { $0.flatMap { $0.isNaN ? nil : $0 } })
  }

  /// Youden's threshold of a cross-validation within the training patients; 0.5 where they are too few.
  private func youdenThreshold(
    _ method: StudyMethod, _ training: [Int], folds count: Int, seed: UInt64
  ) throws(FileError) -> Double {
    let classes = training.map { labels[$0] }
    let positives = classes.count(where: \.self)
    let count = min(count, positives, classes.count - positives)
    guard count >= 2 else { return 0.5 }
    var (scores, scored): ([Double], [Bool]) = ([], [])
    for inner in Folds.stratified(classes, count: count, seed: seed)[0] {
      let test = inner.test.map { training[$0] }
      let probabilities = try method.predict(inner.training.map { training[$0] }, test, seed)
      for (patient, probability) in zip(test, probabilities) {
        guard let probability, !probability.isNaN else { continue }
        scores.append(probability)
        scored.append(labels[patient])
      }
    }
    return ROC(scores: scores, labels: scored)?.youdenThreshold ?? 0.5
  }
}
