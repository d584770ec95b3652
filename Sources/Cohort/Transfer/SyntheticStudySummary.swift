import Foundation
import Metrics

/// The distribution of figures over many cohorts of one arm, by method.
package struct SyntheticStudySummary: Encodable, Sendable {
  /// A figure's distribution over the cohorts.
  package struct Distribution: Encodable, Sendable {
    /// The mean.
    package var mean: Double
    /// The median.
    package var median: Double
    /// The middle half.
    package var quartiles: Interval
    /// The middle 95 %.
    package var range: Interval

    fileprivate init?(_ values: [Double]) {
      guard !values.isEmpty else { return nil }
      let sorted = values.sorted()
      func quantile(_ share: Double) -> Double {
        let place = share * Double(sorted.count - 1)
        let (low, high) = (Int(place), min(Int(place) + 1, sorted.count - 1))
        return sorted[low] + (place - Double(low)) * (sorted[high] - sorted[low])
      }
      mean = values.reduce(0, +) / Double(values.count)
      median = quantile(0.5)
      quartiles = Interval(lower: quantile(0.25), upper: quantile(0.75))
      range = Interval(lower: quantile(0.025), upper: quantile(0.975))
    }
  }

  /// A method.
  package struct Method: Encodable, Sendable {
    /// Its name.
    package var name: String
    /// The share of right decisions.
    package var accuracy: Distribution?
    /// The share of responders found.
    package var sensitivity: Distribution?
    /// The share of others found.
    package var specificity: Distribution?
    /// The area under the ROC curve.
    package var auc: Distribution?
    /// The share of cohorts with a sensitivity of 0.78 and a specificity of 0.79 or more, at once, with its interval.
    package var reachesPaper: Double
    /// That share's 95 % interval (Wilson).
    package var reachesPaperInterval: Interval
    /// The share of cohorts with an accuracy of 72 % or more.
    package var reachesPaperAccuracy: Double
    /// The transfer's AUC less this method's, the mean over the cohorts.
    package var differenceFromTransfer: Double?
    /// That mean's 95 % interval, as the cohorts are independent.
    package var differenceInterval: Interval?
  }

  /// The arm.
  package let arm: SyntheticArm
  /// The AUC that no method can exceed but by chance.
  package let bestPossibleAUC: Double
  /// The number of cohorts.
  package let cohorts: Int
  /// The methods.
  package let methods: [Method]

  /// Counts the results of one arm.
  package init(_ results: [SyntheticStudy.Result], arm: SyntheticArm) {
    let results = results.filter { $0.arm == arm }
    self.arm = arm
    bestPossibleAUC = arm == .published ? 0.79 : 0.69
    cohorts = results.count
    func areas(_ name: String) -> [Double?] {
      results.map { result in result.methods.first { $0.method == name }?.auc }
    }
    let own = areas(TransferMethods.Name.transfer)
    methods = (results.first?.methods.map(\.method) ?? []).map { name in
      let figures = results.compactMap { result in result.methods.first { $0.method == name } }
      func distribution(_ value: (SyntheticStudy.Figures) -> Double?) -> Distribution? {
        Distribution(figures.compactMap(value))
      }
      let hits = figures.count { ($0.sensitivity ?? 0) >= 0.78 && ($0.specificity ?? 0) >= 0.79 }
      let differences = zip(own, areas(name)).compactMap { own, other in
        own.flatMap { own in other.map { own - $0 } }
      }
      let mean = MeanInterval(differences)
      return Method(
        name: name, accuracy: distribution(\.accuracy), sensitivity: distribution(\.sensitivity),
        specificity: distribution(\.specificity), auc: distribution(\.auc),
        reachesPaper: Double(hits) / Double(max(figures.count, 1)),
        reachesPaperInterval: .wilson(successes: hits, trials: figures.count),
        reachesPaperAccuracy: Double(figures.count { ($0.accuracy ?? 0) >= 0.72 })
          / Double(max(figures.count, 1)),
        differenceFromTransfer: name == TransferMethods.Name.transfer ? nil : mean?.mean,
        differenceInterval: name == TransferMethods.Name.transfer ? nil : mean?.interval)
    }
  }
}

/// A mean over repeats and its 95 % interval by Student's distribution.
package struct MeanInterval {
  /// The mean.
  package let mean: Double
  /// Its interval; nil of one value.
  package let interval: Interval?

  /// A mean; nil of nothing.
  ///
  /// - Parameters:
  ///   - values: A value a repeat.
  ///   - overlap: The share of patients tested in a repeat over the share learnt from, where repeats divide the same
  ///     patients: their results resemble each other, and the variance is that much larger (C. Nadeau and Y. Bengio,
  ///     Machine Learning 52 (2003) 239). 0 where repeats are independent.
  package init?(_ values: [Double], overlap: Double = 0) {
    guard !values.isEmpty else { return nil }
    let count = Double(values.count)
    let mean = values.reduce(0, +) / count
    self.mean = mean
    guard values.count > 1 else {
      interval = nil
      return
    }
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)
    let half = Self.studentQuantile(freedom: count - 1) * (variance * (1 / count + overlap)).squareRoot()
    interval = Interval(lower: mean - half, upper: mean + half)
  }

  /// The 97.5 % quantile, exactly for 1 and 2 degrees of freedom, else by Cornish and Fisher's expansion.
  static func studentQuantile(freedom: Double) -> Double {
    if freedom < 2 { return 12.7062 }
    if freedom < 3 { return 4.30265 }
    let z = 1.959964
    let (z3, z5, z7) = (pow(z, 3), pow(z, 5), pow(z, 7))
    return z + (z3 + z) / (4 * freedom) + (5 * z5 + 16 * z3 + 3 * z) / (96 * pow(freedom, 2))
      + (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * pow(freedom, 3))
  }
}
