import Foundation
import Metrics
import Support
import Testing
import TestSupport

/// PyPI's scikit-learn; nil where it can't be had.
private let scikitLearn = PythonEnvironment(
  "sklearn-venv", requirements: ["scikit-learn"], modules: ["sklearn"])

/// Outside truth: hand calculations, published tables and scikit-learn.
@Suite struct StatisticsTests {
  /// Scores with many ties, and labels that lean on them.
  private func sample(_ count: Int, seed: UInt64) -> (scores: [Double], labels: [Bool]) {
    var generator = SeededGenerator(seed: seed)
    let scores = (0..<count).map { _ in Double(1 + generator.nextIndex(below: 19)) / 20 }
    return (scores, scores.map { generator.nextUniform() < 0.2 + 0.6 * $0 })
  }

  @Test func theAreaIsTheShareOfPairsInOrder() throws {
    // Scikit-learn's documented example of roc_auc_score: 3 of 4 pairs.
    let roc = try #require(ROC(scores: [0.1, 0.4, 0.35, 0.8], labels: [false, false, true, true]))
    #expect(roc.area == 0.75)
    for seed in UInt64(1)...20 {
      let (scores, labels) = sample(60, seed: seed)
      var (pairs, ordered) = (0.0, 0.0)
      for (a, positive) in zip(scores, labels) where positive {
        for (b, other) in zip(scores, labels) where !other {
          pairs += 1
          ordered += a > b ? 1 : a == b ? 0.5 : 0
        }
      }
      let roc = try #require(ROC(scores: scores, labels: labels))
      #expect(abs(roc.area - ordered / pairs) < 1e-12)
    }
  }

  @Test func constantScoresAreWorthNothingAndOneClassHasNoCurve() {
    #expect(ROC(scores: [1, 1, 1], labels: [true, false, true])?.area == 0.5)
    #expect(ROC(scores: [1, 2], labels: [true, true]) == nil)
    #expect(ROC(scores: [1, .nan], labels: [true, false]) == nil)
  }

  @Test func youdensThresholdLiesBetweenTheScoresItParts() throws {
    // At 0.6: Se 2/3, Sp 1. At 0.3: Se 1, Sp 1/2. At 0.5: Se 2/3, Sp 1/2.
    let roc = try #require(
      ROC(scores: [0.9, 0.6, 0.5, 0.3, 0.1], labels: [true, true, false, true, false]))
    #expect(abs(roc.youdenThreshold - 0.55) < 1e-12)
    #expect(ROC(scores: [1, 0], labels: [true, false])?.youdenThreshold == 0.5)
  }

  @Test func brierAndBinsAreThoseOfTheHandCalculation() {
    let calibration = ProbabilityCalibration(
      probabilities: [0.1, 0.9, 0.8, 0.3], labels: [false, true, true, false], binCount: 2)
    #expect(abs(calibration.brierScore - (0.01 + 0.01 + 0.04 + 0.09) / 4) < 1e-12)
    #expect(calibration.bins.map(\.count) == [2, 2])
    #expect(abs(calibration.bins[0].predicted - 0.2) < 1e-12 && calibration.bins[0].observed == 0)
    #expect(abs(calibration.bins[1].predicted - 0.85) < 1e-12 && calibration.bins[1].observed == 1)
    // The classes are separable, so no finite slope is the best.
    #expect(calibration.slope == nil)
  }

  @Test func calibrationTellsWhoIsTooSureAndWhoIsTooLow() throws {
    var generator = SeededGenerator(seed: 1)
    let logOdds = (0..<40_000).map { _ in generator.next(in: -2...2) }
    func expit(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
    let labels = logOdds.map { generator.nextUniform() < expit($0) }
    // The truth has half of the claimed log odds; then a third of a unit less than the claim.
    let sure = ProbabilityCalibration(probabilities: logOdds.map { expit(2 * $0) }, labels: labels)
    #expect(abs(try #require(sure.slope) - 0.5) < 0.02)
    let high = ProbabilityCalibration(probabilities: logOdds.map { expit($0 + 0.33) }, labels: labels)
    #expect(abs(try #require(high.slope) - 1) < 0.03)
    #expect(abs(try #require(high.intercept) + 0.33) < 0.04)
    let right = ProbabilityCalibration(probabilities: logOdds.map(expit), labels: labels)
    #expect(right.bins.allSatisfy { abs($0.predicted - $0.observed) < 0.025 })
  }

  @Test func netBenefitIsThatOfTheHandCalculation() {
    // At 0.25: 2 true and 1 false positive of 4, odds 1/3. Treat all: (2 - 2/3) / 4.
    let curve = NetBenefit.curve(
      probabilities: [0.9, 0.3, 0.6, 0.1], labels: [true, true, false, false], thresholds: [0.25])
    #expect(abs(curve[0].netBenefit - (2 - 1.0 / 3) / 4) < 1e-12)
    #expect(abs(curve[0].treatAll - (2 - 2.0 / 3) / 4) < 1e-12)
  }

  @Test(arguments: [
    // Twice the binomial tail at one half: 2 (1 + 10 + 45) / 1024; and by symmetry.
    (2, 8, 0.109375), (8, 2, 0.109375), (0, 5, 0.0625), (5, 5, 1), (0, 0, 1), (1, 9, 0.021484375),
  ])
  func mcNemarIsTheBinomialTail(first: Int, second: Int, p: Double) {
    #expect(abs(McNemarTest(onlyFirstRight: first, onlySecondRight: second).pValue - p) < 1e-9)
  }

  @Test func mcNemarCountsDisagreementsAlone() {
    let test = McNemarTest(first: [true, true, false, true], second: [true, false, true, false])
    #expect(test.onlyFirstRight == 2 && test.onlySecondRight == 1)
  }

  // claim: statistics
  /// Under a normal model the AUC's error is that of DeLong; the bootstrap must agree with Hanley and McNeil's
  /// formula for one AUC, and a method doesn't differ from itself.
  @Test func bootstrapIntervalsHaveTheWidthOfTheory() throws {
    let (scores, labels) = sample(300, seed: 3)
    let none = try #require(PairedDifference.area(first: scores, second: scores, labels: labels, seed: 1))
    #expect(none.difference == 0 && none.interval == Interval(lower: 0, upper: 0))

    let constant = [Double](repeating: 0.5, count: labels.count)
    let gain = try #require(PairedDifference.area(first: scores, second: constant, labels: labels, seed: 1))
    let area = try #require(ROC(scores: scores, labels: labels)).area
    #expect(abs(gain.difference - (area - 0.5)) < 1e-12)
    let (positives, negatives) = (Double(labels.count(where: \.self)), Double(labels.count { !$0 }))
    let (q1, q2) = (area / (2 - area), 2 * area * area / (1 + area))
    let variance =
      (area * (1 - area) + (positives - 1) * (q1 - area * area) + (negatives - 1) * (q2 - area * area))
      / (positives * negatives)
    let interval = try #require(gain.interval)
    #expect(abs((interval.upper - interval.lower) / (2 * 1.96 * variance.squareRoot()) - 1) < 0.15)
  }

  // claim: statistics
  @Test(.enabled("needs python3 and scikit-learn from PyPI") { scikitLearn != nil })
  func areaAndBrierAreThoseOfScikitLearn() throws {
    let (scores, labels) = sample(200, seed: 9)
    let script = """
      import sys, json
      from sklearn.metrics import roc_auc_score, brier_score_loss
      s, y = json.loads(sys.argv[1])
      print(json.dumps([roc_auc_score(y, s), brier_score_loss(y, s)]))
      """
    let input = "[\(scores), \(labels.map { $0 ? 1 : 0 })]"
    let output = try #require(scikitLearn).run(["-c", script, input])
    let expected = try JSONDecoder().decode([Double].self, from: Data(output.utf8))
    #expect(abs(try #require(ROC(scores: scores, labels: labels)).area - expected[0]) < 1e-12)
    let calibration = ProbabilityCalibration(probabilities: scores, labels: labels)
    #expect(abs(calibration.brierScore - expected[1]) < 1e-12)
  }
}
