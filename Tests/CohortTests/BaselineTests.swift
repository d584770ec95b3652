import Cohort
import Foundation
import Metrics
import Support
import Testing
import TestSupport

/// PyPI's scikit-learn; nil where it can't be had.
private let scikitLearn = PythonEnvironment(
  "sklearn-venv", requirements: ["scikit-learn"], modules: ["sklearn"])

/// Outside truth: the guideline's table, hand calculations and scikit-learn.
@Suite struct BaselineTests {
  /// Two informative columns of different size and one of noise.
  private func sample(_ count: Int, seed: UInt64) -> (rows: [[Double]], labels: [Bool]) {
    var generator = SeededGenerator(seed: seed)
    let labels = (0..<count).map { _ in generator.nextUniform() < 0.6 }
    let rows = labels.map { label in
      [
        (label ? 166 : 156) + 22 * generator.nextGaussian(), (label ? 0.6 : -0.6) + generator.nextGaussian(),
        1000 * generator.nextGaussian(),
      ]
    }
    return (rows, labels)
  }

  @Test(arguments: [
    (150.0, true, true, true, true), (149, true, false, false, true), (130, true, false, false, true),
    (129, true, false, false, false), (150, false, false, false, true), (149, false, false, false, false),
  ])
  func theRulesFollowTheGuidelinesTable(
    durationMs: Double, lbbb: Bool, simple: Bool, classI: Bool, classIIa: Bool
  ) {
    var covariates = Covariates()
    covariates.qrsDurationMs = durationMs
    covariates.hasLBBB = lbbb
    #expect(GuidelineRule.lbbb150.selects(covariates) == simple)
    #expect(GuidelineRule.esc2021ClassI.selects(covariates) == classI)
    #expect(GuidelineRule.esc2021ClassIOrIIa.selects(covariates) == classIIa)
    // Without symptoms, or with an ejection fraction above 35 %, the guideline doesn't apply.
    covariates.lvefBeforePercent = 36
    #expect(GuidelineRule.esc2021ClassIOrIIa.selects(covariates) == false)
    covariates.lvefBeforePercent = 35
    covariates.nyhaClass = 1
    #expect(GuidelineRule.esc2021ClassI.selects(covariates) == false)
    covariates.qrsDurationMs = nil
    #expect(GuidelineRule.lbbb150.selects(covariates) == nil)
    #expect(GuidelineRule.lbbb150.selects(covariates, measuredDurationMs: 151) == lbbb)
    covariates.hasLBBB = nil
    #expect(GuidelineRule.lbbb150.selects(covariates, measuredDurationMs: 151) == nil)
  }

  @Test func logisticRegressionOfTwoGroupsHasTheirLogOdds() throws {
    // 3 of 4 positive at 1, 1 of 4 at -1: without a penalty the log odds are ln 3 and -ln 3.
    let rows = [[1.0], [1], [1], [1], [-1], [-1], [-1], [-1]]
    let labels = [true, true, true, false, true, false, false, false]
    let model = try #require(LogisticRegression(rows: rows, labels: labels, penalty: 0))
    #expect(abs(model.coefficients[0] - log(3)) < 1e-9 && abs(model.intercept) < 1e-9)
    #expect(abs(model.probability([1]) - 0.75) < 1e-9)
    // With a penalty p the gradient is zero where p b = 4 (0.75 - q) + 4 (q - 0.25 ... ) by symmetry: p b = 8 (0.75 - q).
    let penalized = try #require(LogisticRegression(rows: rows, labels: labels, penalty: 2))
    let q = penalized.probability([1])
    #expect(abs(2 * penalized.coefficients[0] - 8 * (0.75 - q)) < 1e-8)
    // Separable classes have no best coefficients without a penalty, and have with one.
    #expect(LogisticRegression(rows: [[0.0], [1]], labels: [false, true], penalty: 0) == nil)
    #expect(LogisticRegression(rows: [[0.0], [1]], labels: [false, true], penalty: 1) != nil)
    #expect(LogisticRegression(rows: [[0.0], [1]], labels: [true, true], penalty: 1) == nil)
    // A column that never varies does nothing.
    let constant = try #require(
      LogisticRegression(rows: rows.map { $0 + [7] }, labels: labels, penalty: 1))
    #expect(abs(constant.coefficients[1]) < 1e-12)
  }

  @Test(.enabled("needs python3 and scikit-learn from PyPI") { scikitLearn != nil })
  func coefficientsAreThoseOfScikitLearn() throws {
    let (rows, labels) = sample(150, seed: 4)
    let script = """
      import sys, json, numpy as np
      from sklearn.linear_model import LogisticRegression
      from sklearn.preprocessing import StandardScaler
      x, y = json.loads(sys.argv[1]); c = float(sys.argv[2])
      m = LogisticRegression(C=c, tol=1e-12, max_iter=100000).fit(StandardScaler().fit_transform(np.array(x)), y)
      print(json.dumps([m.intercept_[0]] + list(m.coef_[0])))
      """
    for penalty in [0.01, 1, 30] {
      let output = try #require(scikitLearn).run(
        ["-c", script, "[\(rows), \(labels.map { $0 ? 1 : 0 })]", "\(1 / penalty)"])
      let expected = try JSONDecoder().decode([Double].self, from: Data(output.utf8))
      let model = try #require(LogisticRegression(rows: rows, labels: labels, penalty: penalty))
      // L-BFGS stops within about 1e-6 of the optimum.
      for (ours, theirs) in zip([model.intercept] + model.coefficients, expected) {
        #expect(abs(ours - theirs) < 1e-5)
      }
    }
  }

  @Test func aPureNoiseColumnGetsTheLargestPenalty() {
    var generator = SeededGenerator(seed: 1)
    let rows = (0..<100).map { _ in (0..<20).map { _ in generator.nextGaussian() } }
    let labels = rows.map { _ in generator.nextUniform() < 0.5 }
    #expect(LogisticRegression.chosenPenalty(rows: rows, labels: labels, seed: 1) >= 30)
    let (signal, classes) = sample(400, seed: 2)
    #expect(LogisticRegression.chosenPenalty(rows: signal, labels: classes, seed: 1) <= 30)
  }

  @Test func aForestLearnsWhatNoLineCanAndIsTheSameOnAnyThreads() throws {
    // The classes of an exclusive or: logistic regression is blind to them.
    var generator = SeededGenerator(seed: 7)
    func draw(_ count: Int) -> (rows: [[Double]], labels: [Bool]) {
      let rows = (0..<count).map { _ in (0..<3).map { _ in generator.next(in: -1...1) } }
      return (rows, rows.map { ($0[0] > 0) != ($0[1] > 0) })
    }
    let (rows, labels) = draw(400)
    let (testRows, testLabels) = draw(400)
    let one = RandomForest.grown(rows: rows, labels: labels, seed: 1, threads: 1)
    let three = RandomForest.grown(rows: rows, labels: labels, seed: 1, threads: 3)
    let scores = testRows.map(one.probability)
    #expect(scores == testRows.map(three.probability))
    #expect(scores != testRows.map(RandomForest.grown(rows: rows, labels: labels, seed: 2).probability))
    #expect(try #require(ROC(scores: scores, labels: testLabels)).area > 0.95)
    let line = try #require(LogisticRegression(rows: rows, labels: labels, penalty: 1))
    #expect(try #require(ROC(scores: testRows.map(line.probability), labels: testLabels)).area < 0.65)
  }

  @Test func aTreeSeesTheCasesThatItsBootstrapDrew() {
    // One case among 200 is labelled otherwise than its neighbours. A tree of pure leaves has it wherever the draw with
    // replacement has it: in 1 - (1 - 1/200)^200 = 63.3 % of the trees; without a bootstrap in all of them.
    let rows = (0..<200).map { [Double($0)] }
    let labels = rows.map { $0[0] >= 100 || $0[0] == 50 }
    var options = RandomForest.Options()
    (options.treeCount, options.leafCount) = (2000, 1)
    let forest = RandomForest.grown(rows: rows, labels: labels, options: options, seed: 3)
    #expect(abs(forest.probability([50]) - 0.633) < 3 * (0.633 * 0.367 / 2000).squareRoot())
    #expect(forest.probability([0]) == 0 && forest.probability([199]) == 1)
  }

  // MARK: The study

  private func study(_ labels: [Bool], seed: UInt64 = 1) -> CohortStudy {
    CohortStudy(labels: labels, folds: Folds.stratified(labels, count: 5, repeats: 3, seed: seed), seed: seed)
  }

  @Test func aMethodNeverSeesTheTestPatients() throws {
    let labels = (0..<60).map { $0 % 3 != 0 }
    let method = StudyMethod("memory") { training, test, _ in
      // What remembers every training patient and no other is worth nothing in a fair test.
      test.map { training.contains($0) ? (labels[$0] ? 1 : 0) : 0.5 }
    }
    let study = study(labels)
    let summary = study.summary(of: try study.run(method))
    #expect(summary.auc?.value == 0.5)
  }

  /// Two independent shifts of 10/22 and 1.2 deviations, and noise.
  private func tables() -> (all: FeatureTable, noise: FeatureTable, labels: [Bool]) {
    let (rows, labels) = sample(300, seed: 11)
    return (
      FeatureTable(names: ["duration", "shift", "noise"], rows: rows.map { $0.map { $0 } }),
      FeatureTable(names: ["noise"], rows: rows.map { [$0[2]] }), labels
    )
  }

  @Test func noiseIsWorthNothingAndAKnownScoreWhatItIsWorth() throws {
    let (all, noise, labels) = tables()
    let study = study(labels)
    let blindOutcome = try study.run(.logisticRegression(noise, labels: labels), threads: 2)
    let blind = study.summary(of: blindOutcome)
    let outcome = try study.run(.logisticRegression(all, labels: labels), threads: 2)
    let seeing = study.summary(of: outcome)
    #expect(abs(try #require(blind.auc).value - 0.5) < 0.1)
    // The normal model's AUC is 0.818.
    #expect(abs(try #require(seeing.auc).value - 0.818) < 0.05)
    #expect(try #require(seeing.auc?.interval).lower > 0.7)
    #expect(abs(try #require(seeing.calibration?.slope) - 1) < 0.3)
    let comparison = study.compare(outcome, blindOutcome)
    #expect(try #require(comparison.areaDifference?.interval).lower > 0.1)
    #expect(comparison.mcNemar.pValue < 0.01)
  }

  @Test func aForestSeesAKnownScoreToo() throws {
    let (all, _, labels) = tables()
    let study = study(labels)
    var options = RandomForest.Options()
    options.treeCount = 50
    let forest = study.summary(
      of: try study.run(.randomForest(all, labels: labels, options: options), threads: 2))
    #expect(try #require(forest.auc).value > 0.7)
  }

  @Test func aStudyIsTheSameOnAnyThreads() throws {
    let (all, _, labels) = tables()
    let study = CohortStudy(
      labels: labels, folds: Folds.stratified(labels, count: 5, repeats: 1, seed: 1), seed: 1)
    let one = try study.run(.logisticRegression(all, labels: labels))
    #expect(one == (try study.run(.logisticRegression(all, labels: labels), threads: 2)))
  }

  @Test func patientsThatAreNotScoredAreCounted() throws {
    let (rows, labels) = sample(80, seed: 3)
    let table = FeatureTable(
      names: ["x"], rows: rows.enumerated().map { $0 < 10 ? [nil] : [$1[1]] })
    let study = study(labels)
    let summary = study.summary(of: try study.run(.logisticRegression(table, labels: labels)))
    #expect(summary.scoredPatients == 70 && summary.unscoredPatients == 10)
    #expect(summary.accuracy != nil)
  }

  /// Were the gaps filled from all patients, the median would be one of the test patients' two values and tell who they are.
  @Test func whatIsFilledInIsTheTrainingPatientsMedian() throws {
    let fold = Fold(training: Array(0..<40), test: Array(40..<60))
    let labels = (0..<60).map { $0 % 2 == 0 }
    func probability(ofUnknownBeside others: Double) throws -> Double? {
      let rows: [[Double?]] = (0..<60).map { patient in
        [patient < 40 ? (labels[patient] ? 1 : -1) + Double(patient % 7) / 4 : patient == 40 ? nil : others]
      }
      let study = CohortStudy(labels: labels, folds: [[fold]], seed: 1)
      let table = FeatureTable(names: ["x"], rows: rows, fillsIn: true)
      return try study.run(.logisticRegression(table, labels: labels)).probabilities[0][40]
    }
    let beside = try #require(try probability(ofUnknownBeside: 100))
    #expect(beside == (try probability(ofUnknownBeside: -100)))
    #expect((0.05...0.95).contains(beside))
  }

  /// The abstract's contradiction: with a sensitivity of 0.78 and a specificity of 0.79 the accuracy lies between.
  @Test func accuracyIsThePrevalenceWeightedMeanOfSensitivityAndSpecificity() throws {
    let (rows, labels) = sample(71, seed: 5)
    let table = FeatureTable(names: ["x"], rows: rows.map { [$0[1]] })
    let study = study(labels)
    let summary = study.summary(of: try study.run(.logisticRegression(table, labels: labels)))
    let rate = Double(labels.count(where: \.self)) / 71
    let (se, sp) = (try #require(summary.sensitivity).value, try #require(summary.specificity).value)
    #expect(abs(try #require(summary.accuracy).value - rate * se - (1 - rate) * sp) < 1e-12)
  }
}
