import Metrics
import Support

extension CohortStudy {
  /// A method's figures, with 95 % intervals.
  ///
  /// Each figure is the mean over the repeats. The intervals are those of the patients, not of the repeats: Wilson's
  /// for shares, of the mean count; 2,000 draws of patients for the AUC and Brier's score.
  package struct Summary: Codable, Equatable, Sendable {
    /// A figure and its interval.
    package struct Figure: Codable, Equatable, Sendable {
      /// The figure.
      package var value: Double
      /// The interval; nil where the draws don't define it.
      package var interval: Interval?
    }

    /// The method's name.
    package var method: String
    /// The patients that it scored in every repeat: all figures are of these.
    package var scoredPatients: Int
    /// The patients that it could not score, for want of what it needs.
    package var unscoredPatients: Int
    /// The share of right decisions.
    package var accuracy: Figure?
    /// The share of responders that were found.
    package var sensitivity: Figure?
    /// The share of others that were found.
    package var specificity: Figure?
    /// The area under the ROC curve.
    package var auc: Figure?
    /// Brier's score.
    package var brier: Figure?
    /// The calibration of each patient's mean probability over the repeats; nil for a rule, which has no
    /// probabilities.
    package var calibration: ProbabilityCalibration?
    /// The decision curve of the same.
    package var decisionCurve: [NetBenefit]?
  }

  /// A method's figures.
  package func summary(of outcome: Outcome) -> Summary {
    let scored = scoredPatients(outcome)
    let classes = scored.map { labels[$0] }
    let probabilities = outcome.probabilities.map { values in scored.compactMap { values[$0] } }
    let repeats = Double(outcome.probabilities.count)

    func share(_ members: [Int], _ isRight: (Int, Bool) -> Bool) -> Summary.Figure? {
      guard !members.isEmpty, repeats > 0 else { return nil }
      let right = outcome.decisions.reduce(0.0) { sum, decisions in
        sum + Double(members.count { isRight($0, decisions[$0] ?? false) })
      }
      let mean = right / repeats
      return Summary.Figure(
        value: mean / Double(members.count),
        interval: .wilson(successes: Int(mean.rounded()), trials: members.count))
    }
    func figure(_ statistic: ([Double]) -> Double?) -> Summary.Figure? {
      statistic(scored.map { _ in 1 }).map { value in
        Summary.Figure(
          value: value, interval: .patientBootstrap(count: scored.count, seed: seed, statistic: statistic))
      }
    }
    let area = RepeatedArea(probabilities, classes)
    let losses = classes.indices.map { patient in
      probabilities.reduce(0.0) { sum, values in
        let error = values[patient] - (classes[patient] ? 1 : 0)
        return sum + error * error
      } / max(repeats, 1)
    }
    let means = classes.indices.map { patient in
      probabilities.reduce(0) { $0 + $1[patient] } / max(repeats, 1)
    }
    let isRule = probabilities.joined().allSatisfy { $0 == 0 || $0 == 1 }
    let areProbabilities = !classes.isEmpty && !isRule && means.allSatisfy { (0...1).contains($0) }
    return Summary(
      method: outcome.method, scoredPatients: scored.count, unscoredPatients: labels.count - scored.count,
      accuracy: share(scored) { labels[$0] == $1 },
      sensitivity: share(scored.filter { labels[$0] }) { $1 },
      specificity: share(scored.filter { !labels[$0] }) { !$1 },
      auc: figure(area.value),
      brier: figure { weights in
        let count = weights.reduce(0, +)
        return count > 0 ? zip(weights, losses).reduce(0) { $0 + $1.0 * $1.1 } / count : nil
      },
      calibration: areProbabilities ? ProbabilityCalibration(probabilities: means, labels: classes) : nil,
      decisionCurve: areProbabilities ? NetBenefit.curve(probabilities: means, labels: classes) : nil)
  }

  /// Two methods on the patients that both scored.
  package struct Comparison: Codable, Equatable, Sendable {
    /// The first method's name.
    package var first: String
    /// The second method's name.
    package var second: String
    /// The patients that both scored.
    package var patients: Int
    /// The first method's AUC less the second's, with an interval of 2,000 draws of patients.
    package var areaDifference: PairedDifference?
    /// McNemar's test of the first repeat's decisions, for it supposes one decision a patient.
    package var mcNemar: McNemarTest
  }

  /// Compares two methods on the same patients.
  package func compare(_ first: Outcome, _ second: Outcome) -> Comparison {
    let others = Set(scoredPatients(second))
    let scored = scoredPatients(first).filter(others.contains)
    func scores(_ outcome: Outcome) -> [[Double]] {
      outcome.probabilities.map { values in scored.compactMap { values[$0] } }
    }
    func isRight(_ outcome: Outcome) -> [Bool] {
      scored.map { outcome.decisions.first?[$0] == labels[$0] }
    }
    return Comparison(
      first: first.method, second: second.method, patients: scored.count,
      areaDifference: .area(
        first: scores(first), second: scores(second), labels: scored.map { labels[$0] }, seed: seed),
      mcNemar: McNemarTest(first: isRight(first), second: isRight(second)))
  }

  private func scoredPatients(_ outcome: Outcome) -> [Int] {
    labels.indices.filter { patient in
      !outcome.probabilities.isEmpty && outcome.probabilities.allSatisfy { $0[patient] != nil }
    }
  }
}
