import Foundation
import Support

/// A confidence interval.
package struct Interval: Codable, Equatable, Sendable {
  /// The lower limit.
  package var lower: Double
  /// The upper limit.
  package var upper: Double

  /// Creates an interval.
  package init(lower: Double, upper: Double) {
    self.lower = lower
    self.upper = upper
  }

  /// The limits as text, each as a function writes it: `0.75 to 0.86`.
  package func text(_ limit: (Double) -> String) -> String { "\(limit(lower)) to \(limit(upper))" }

  /// The limits as text: `0.75 to 0.86`.
  package func text(places: Int) -> String { text { Numbers.decimal($0, places: places) } }

  /// The limits of a share as percentages: `40.1 to 46.3`.
  package func percentages(places: Int) -> String { text { Numbers.decimal(100 * $0, places: places) } }

  /// Wilson's score interval of a proportion, without continuity correction.
  ///
  /// - Parameters:
  ///   - successes: The number of successes, in `0...trials`.
  ///   - trials: The number of trials.
  ///   - confidence: The level, between 0 and 1.
  /// - Returns: The interval; 0 to 1 where there was no trial.
  /// - SeeAlso: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209.
  package static func wilson(successes: Int, trials: Int, confidence: Double = 0.95) -> Interval {
    precondition((0...max(trials, 0)).contains(successes), "successes are among the trials")
    guard trials > 0 else { return Interval(lower: 0, upper: 1) }
    let n = Double(trials)
    let proportion = Double(successes) / n
    let z = normalQuantile(0.5 + confidence / 2)
    let center = (proportion + z * z / (2 * n)) / (1 + z * z / n)
    let halfWidth =
      z / (1 + z * z / n) * (proportion * (1 - proportion) / n + z * z / (4 * n * n)).squareRoot()
    return Interval(
      lower: successes == 0 ? 0 : max(0, center - halfWidth),
      upper: successes == trials ? 1 : min(1, center + halfWidth))
  }

  /// The percentile bootstrap interval of a statistic, from whole patients drawn with replacement.
  ///
  /// Beats of one patient resemble each other, so patients are drawn, not beats: `units` holds one value a
  /// patient, with all records of a patient in it.
  ///
  /// - Parameters:
  ///   - units: What is drawn from, one a patient.
  ///   - confidence: The level, between 0 and 1.
  ///   - replicates: The number of draws.
  ///   - seed: The seed of the draws.
  ///   - statistic: The statistic of the units drawn; nil where they don't define it: such a draw is left out.
  /// - Returns: The interval; nil where no draw defined the statistic, or there are fewer than two units.
  /// - SeeAlso: B. Efron, Ann. Stat. 7 (1979) 1.
  package static func bootstrap<Unit>(
    _ units: [Unit], confidence: Double = 0.95, replicates: Int = 2000, seed: UInt64,
    statistic: ([Unit]) -> Double?
  ) -> Interval? {
    // One unit alone says nothing of the spread between units.
    guard units.count > 1 else { return nil }
    var generator = SeededGenerator(seed: seed)
    let values = (0..<replicates).compactMap { _ in
      statistic(units.map { _ in units[generator.nextIndex(below: units.count)] })
    }.filter { !$0.isNaN }.sorted()
    guard !values.isEmpty else { return nil }
    let tail = (1 - confidence) / 2
    return Interval(lower: quantile(tail, of: values), upper: quantile(1 - tail, of: values))
  }

  /// The bootstrap interval of a statistic of the sum of confusion matrices, one a patient.
  ///
  /// The matrices are of the same classes; see `bootstrap(_:confidence:replicates:seed:statistic:)`.
  package static func bootstrap(
    matrices: [ConfusionMatrix], confidence: Double = 0.95, replicates: Int = 2000, seed: UInt64,
    statistic: (ConfusionMatrix) -> Double?
  ) -> Interval? {
    bootstrap(matrices, confidence: confidence, replicates: replicates, seed: seed) { drawn in
      var sum = ConfusionMatrix(classNames: matrices[0].classNames)
      for matrix in drawn { sum += matrix }
      return statistic(sum)
    }
  }
}

/// The quantile of sorted values, interpolated linearly (Hyndman and Fan's type 7).
private func quantile(_ probability: Double, of sorted: [Double]) -> Double {
  let position = probability * Double(sorted.count - 1)
  let index = min(max(Int(position), 0), sorted.count - 1)
  let next = min(index + 1, sorted.count - 1)
  let fraction = position - Double(index)
  return fraction == 0 ? sorted[index] : sorted[index] + fraction * (sorted[next] - sorted[index])
}

/// The standard normal distribution's quantile, by bisection.
private func normalQuantile(_ probability: Double) -> Double {
  var low = -40.0
  var high = 40.0
  for _ in 0..<100 {
    let middle = (low + high) / 2
    if 0.5 * erfc(-middle / 2.0.squareRoot()) < probability { low = middle } else { high = middle }
  }
  return (low + high) / 2
}
