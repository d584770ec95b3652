import Foundation

/// McNemar's test of two methods' decisions on the same cases, exact.
///
/// - SeeAlso: Q. McNemar, Psychometrika 12 (1947) 153.
package struct McNemarTest: Codable, Equatable, Sendable {
  /// The cases that only the first method got right.
  package let onlyFirstRight: Int
  /// The cases that only the second method got right.
  package let onlySecondRight: Int
  /// The probability of a difference as large or larger where the methods are equally good, two-sided.
  package let pValue: Double

  /// Compares two methods by whether each case was right.
  package init(first: [Bool], second: [Bool]) {
    precondition(first.count == second.count, "both methods have the same cases")
    self.init(
      onlyFirstRight: zip(first, second).count { $0 && !$1 },
      onlySecondRight: zip(first, second).count { !$0 && $1 })
  }

  /// Compares two methods by the counts of the cases that only one of them got right.
  package init(onlyFirstRight: Int, onlySecondRight: Int) {
    self.onlyFirstRight = onlyFirstRight
    self.onlySecondRight = onlySecondRight
    let count = onlyFirstRight + onlySecondRight
    let logHalves = Double(count) * log(0.5)
    let tail = (0...min(onlyFirstRight, onlySecondRight)).reduce(0.0) { sum, k in
      let logWays = lgamma(Double(count + 1)) - lgamma(Double(k + 1)) - lgamma(Double(count - k + 1))
      return sum + exp(logWays + logHalves)
    }
    pValue = min(1, 2 * tail)
  }
}

/// A difference of two methods and its interval, from patients drawn for both at once.
package struct PairedDifference: Codable, Equatable, Sendable {
  /// The first method's value less the second's.
  package var difference: Double
  /// The difference's interval; nil where no draw defines it.
  package var interval: Interval?

  /// The difference of two methods' areas under the ROC curve, with a percentile bootstrap interval.
  ///
  /// - Parameters:
  ///   - first: The first method's scores.
  ///   - second: The second method's scores of the same patients.
  ///   - labels: The patients' classes.
  ///   - confidence: The interval's level.
  ///   - replicates: The number of draws.
  ///   - seed: The seed of the draws.
  /// - Returns: The difference; nil where a class has no patient.
  package static func area(
    first: [Double], second: [Double], labels: [Bool], confidence: Double = 0.95, replicates: Int = 2000,
    seed: UInt64
  ) -> PairedDifference? {
    area(
      first: [first], second: [second], labels: labels, confidence: confidence, replicates: replicates,
      seed: seed)
  }

  /// The same of methods with several scores a patient, `[repeat][patient]`: the mean over the repeats.
  package static func area(
    first: [[Double]], second: [[Double]], labels: [Bool], confidence: Double = 0.95,
    replicates: Int = 2000, seed: UInt64
  ) -> PairedDifference? {
    let (firstArea, secondArea) = (RepeatedArea(first, labels), RepeatedArea(second, labels))
    let ones = [Double](repeating: 1, count: labels.count)
    guard let a = firstArea.value(weights: ones), let b = secondArea.value(weights: ones) else { return nil }
    let interval = Interval.patientBootstrap(
      count: labels.count, confidence: confidence, replicates: replicates, seed: seed
    ) { weights in
      guard let a = firstArea.value(weights: weights), let b = secondArea.value(weights: weights) else {
        return nil
      }
      return a - b
    }
    return PairedDifference(difference: a - b, interval: interval)
  }
}

/// The mean area under the ROC curve of several scores a patient, for many draws of patients.
package struct RepeatedArea {
  private let scores: [[Double]]
  private let labels: [Bool]
  /// For each repeat the patients by falling score.
  private let orders: [[Int]]

  package init(_ scores: [[Double]], _ labels: [Bool]) {
    self.scores = scores
    self.labels = labels
    orders = scores.map { scores in scores.indices.sorted { scores[$0] > scores[$1] } }
  }

  /// The mean area where each patient counts as often as the weight says; nil where a class has no patient.
  package func value(weights: [Double]) -> Double? {
    var (positives, negatives) = (0.0, 0.0)
    for (index, label) in labels.enumerated() {
      if label { positives += weights[index] } else { negatives += weights[index] }
    }
    guard positives > 0, negatives > 0, !scores.isEmpty else { return nil }
    var sum = 0.0
    for (scores, order) in zip(scores, orders) {
      // Pairs of a negative case and a positive one above it, those of the same score by half.
      var (positivesAbove, tiedPositives, tiedNegatives, last) = (0.0, 0.0, 0.0, Double.infinity)
      for index in order {
        if scores[index] < last {
          sum += tiedNegatives * (positivesAbove + tiedPositives / 2)
          positivesAbove += tiedPositives
          (tiedPositives, tiedNegatives, last) = (0, 0, scores[index])
        }
        if labels[index] { tiedPositives += weights[index] } else { tiedNegatives += weights[index] }
      }
      sum += tiedNegatives * (positivesAbove + tiedPositives / 2)
    }
    return sum / (positives * negatives * Double(scores.count))
  }
}

extension Interval {
  /// The percentile bootstrap interval of a statistic that takes how often each patient was drawn.
  ///
  /// - Parameters:
  ///   - count: The number of patients.
  ///   - confidence: The level, between 0 and 1.
  ///   - replicates: The number of draws.
  ///   - seed: The seed of the draws.
  ///   - statistic: The statistic of the draws of each patient; nil where they don't define it.
  /// - Returns: The interval; nil where no draw defined the statistic, or there are fewer than two patients.
  package static func patientBootstrap(
    count: Int, confidence: Double = 0.95, replicates: Int = 2000, seed: UInt64,
    statistic: ([Double]) -> Double?
  ) -> Interval? {
    bootstrap(Array(0..<count), confidence: confidence, replicates: replicates, seed: seed) { drawn in
      var weights = [Double](repeating: 0, count: count)
      for patient in drawn { weights[patient] += 1 }
      return statistic(weights)
    }
  }
}
