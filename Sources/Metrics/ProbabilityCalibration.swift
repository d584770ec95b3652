import Foundation

/// How far predicted probabilities can be taken at their word.
package struct ProbabilityCalibration: Codable, Equatable, Sendable {
  /// A part of the cases with similar probabilities.
  package struct Bin: Codable, Equatable, Sendable {
    /// The mean probability.
    package var predicted: Double
    /// The share of positive cases.
    package var observed: Double
    /// The share's 95 % interval (Wilson).
    package var interval: Interval
    /// The number of cases.
    package var count: Int
  }

  /// The mean squared difference of probability and outcome (Brier's score): 0 is perfect.
  package let brierScore: Double
  /// The slope of the outcome's log odds over the prediction's: 1 is right, less is too sure of itself; nil where no
  /// such line exists, as the probabilities separate the classes or are all one.
  package let slope: Double?
  /// The log odds to add to the prediction's, slope 1 kept, to be right on average: 0 is right; nil where one class
  /// is absent.
  package let intercept: Double?
  /// Parts of equal size by rising probability.
  package let bins: [Bin]

  /// Measures probabilities, each from 0 to 1; there is at least one.
  ///
  /// For slope and intercept a probability of 0 or 1 counts as 10^-6 from it.
  ///
  /// - SeeAlso: D. R. Cox, Biometrika 45 (1958) 562.
  package init(probabilities: [Double], labels: [Bool], binCount: Int = 10) {
    precondition(probabilities.count == labels.count && !labels.isEmpty, "a label for each probability")
    let count = probabilities.count
    let squares = zip(probabilities, labels).map { ($0 - ($1 ? 1 : 0)) * ($0 - ($1 ? 1 : 0)) }
    brierScore = squares.reduce(0, +) / Double(count)

    let logOdds = probabilities.map { probability in
      let inner = min(max(probability, 1e-6), 1 - 1e-6)
      return log(inner / (1 - inner))
    }
    slope =
      LogisticFit(rows: logOdds.map { [1, $0] }, labels: labels, penalties: [0, 0])?.coefficients[1]
    intercept =
      LogisticFit(
        rows: logOdds.map { _ in [1] }, labels: labels, penalties: [0], offsets: logOdds)?.coefficients[0]

    let order = probabilities.indices.sorted { (probabilities[$0], $0) < (probabilities[$1], $1) }
    let parts = min(max(binCount, 1), count)
    bins = (0..<parts).map { part in
      let members = order[part * count / parts..<(part + 1) * count / parts]
      let positives = members.count { labels[$0] }
      return Bin(
        predicted: members.reduce(0) { $0 + probabilities[$1] } / Double(members.count),
        observed: Double(positives) / Double(members.count),
        interval: .wilson(successes: positives, trials: members.count), count: members.count)
    }
  }
}

/// What decisions by a predicted probability are worth at a threshold.
package struct NetBenefit: Codable, Equatable, Sendable {
  /// The probability from which on one treats.
  package var threshold: Double
  /// TP / n - FP / n * threshold / (1 - threshold).
  package var netBenefit: Double
  /// The same of treating everybody; treating nobody is worth 0.
  package var treatAll: Double

  /// The decision curve over thresholds between 0 and 1, exclusive.
  ///
  /// - SeeAlso: A. J. Vickers and E. B. Elkin, Med. Decis. Making 26 (2006) 565.
  package static func curve(
    probabilities: [Double], labels: [Bool],
    thresholds: [Double] = (1..<20).map { Double($0) / 20 }
  ) -> [NetBenefit] {
    precondition(probabilities.count == labels.count && !labels.isEmpty, "a label for each probability")
    let n = Double(labels.count)
    let positives = Double(labels.count(where: \.self))
    return thresholds.map { threshold in
      var (truePositives, falsePositives) = (0.0, 0.0)
      for (probability, label) in zip(probabilities, labels) where probability >= threshold {
        if label { truePositives += 1 } else { falsePositives += 1 }
      }
      let odds = threshold / (1 - threshold)
      return NetBenefit(
        threshold: threshold, netBenefit: (truePositives - falsePositives * odds) / n,
        treatAll: (positives - (n - positives) * odds) / n)
    }
  }
}
