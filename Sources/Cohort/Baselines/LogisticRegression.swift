import Foundation
import Metrics

/// A logistic regression with an L2 penalty, on columns that were standardized by the cases it was fitted to.
package struct LogisticRegression: Sendable {
  /// The columns' means over the training cases.
  package let means: [Double]
  /// The columns' standard deviations over the training cases; 1 for a column that doesn't vary.
  package let deviations: [Double]
  /// The log odds of a case of mean features.
  package let intercept: Double
  /// The change of the log odds a standard deviation, one a column.
  package let coefficients: [Double]

  /// Fits a model; nil where a class has no case, or without a penalty no best coefficients exist.
  ///
  /// Minimizes the sum of the log losses and `penalty / 2` times the sum of the squared coefficients, the intercept
  /// left out: scikit-learn's `C` is 1 / penalty.
  ///
  /// - Parameters:
  ///   - rows: The cases, `[case][column]`.
  ///   - labels: Their classes.
  ///   - penalty: The penalty, not negative.
  package init?(rows: [[Double]], labels: [Bool], penalty: Double) {
    precondition(rows.count == labels.count && penalty >= 0, "a label for each row, a penalty not below 0")
    guard let width = rows.first?.count else { return nil }
    let count = Double(rows.count)
    let means = (0..<width).map { column in rows.reduce(0) { $0 + $1[column] } / count }
    let deviations = (0..<width).map { column in
      let variance =
        rows.reduce(0) { $0 + ($1[column] - means[column]) * ($1[column] - means[column]) } / count
      return variance > 1e-18 * max(1, means[column] * means[column]) ? variance.squareRoot() : 1
    }
    let standardized = rows.map { row in
      [1] + row.indices.map { (row[$0] - means[$0]) / deviations[$0] }
    }
    let penalties = [0] + Array(repeating: penalty, count: width)
    guard let fitted = LogisticFit(rows: standardized, labels: labels).coefficients(penalties: penalties)
    else {
      return nil
    }
    (self.means, self.deviations) = (means, deviations)
    intercept = fitted[0]
    coefficients = Array(fitted.dropFirst())
  }

  /// A case's probability.
  package func probability(_ row: [Double]) -> Double {
    var logOdds = intercept
    for index in row.indices {
      logOdds += coefficients[index] * (row[index] - means[index]) / deviations[index]
    }
    return LogisticFit.probability(logOdds)
  }

  /// The penalties that cross-validation chooses from.
  package static let penalties = [0.01, 0.1, 1, 3, 10, 30, 100, 1000]

  /// The penalty of the least log loss in a cross-validation within the training cases; of equal ones the largest.
  ///
  /// - Parameters:
  ///   - rows: The training cases.
  ///   - labels: Their classes.
  ///   - seed: The seed of the folds.
  /// - Returns: The penalty; 1 where a class has fewer than two cases.
  package static func chosenPenalty(rows: [[Double]], labels: [Bool], seed: UInt64) -> Double {
    Folds.chosenPenalty(of: penalties, labels: labels, seed: seed) { fold in
      var losses: [Double] = []
      for penalty in penalties {
        let model = LogisticRegression(
          rows: fold.training.map { rows[$0] }, labels: fold.training.map { labels[$0] }, penalty: penalty)
        guard let model else { return nil }
        losses.append(
          fold.test.reduce(0) { loss, index in
            let probability = min(max(model.probability(rows[index]), 1e-12), 1 - 1e-12)
            return loss - log(labels[index] ? probability : 1 - probability)
          })
      }
      return losses
    }
  }
}
