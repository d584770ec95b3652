import Foundation
import Metrics
import Networks
import Support

/// How well a network tells one class of windows from all others, with intervals by patient.
package struct WindowScore: Encodable, Sendable {
  /// A figure and its 95 % interval by draws of patients.
  package struct Figure: Encodable, Sendable {
    /// The figure; not a number where nothing defines it.
    package var value: Double
    /// Its interval; nil for fewer than two patients.
    package var interval: Interval?
  }

  /// What sensitivity counts in `fBeta` where nobody says otherwise.
  package static let usualBeta = 2.0

  /// The class.
  package var className: String
  /// The windows of the class, all others, and the patients.
  package var windows, others, patients: Int
  /// As the network decides: by the largest logit.
  package var sensitivity, specificity, positivePredictivity, f1: Figure
  /// The same as F1 with sensitivity counting `beta` times as much as +P.
  package var fBeta: Figure
  /// How much sensitivity counts in `fBeta`.
  package var beta: Double
  /// Whatever the threshold: the areas under the ROC and the precision-recall curve.
  package var area, averagePrecision: Figure
  /// The greatest sensitivity at a specificity of `fixedSpecificity`, whose threshold is chosen on these very windows.
  package var sensitivityAtSpecificity: Figure
  /// The specificity that is asked for.
  package var fixedSpecificity: Double

  /// Scores decisions.
  ///
  /// - Parameters:
  ///   - decisions: For each patient its decisions.
  ///   - classIndex: The class.
  ///   - className: Its name.
  ///   - specificity: The specificity at which the sensitivity is told.
  ///   - beta: How many times as much as +P sensitivity counts in `fBeta`.
  ///   - seed: The seed of the draws of patients.
  package init(
    _ decisions: [[BeatDecision]], classIndex: Int, className: String, atSpecificity specificity: Double,
    beta: Double = usualBeta, seed: UInt64
  ) {
    (self.className, self.beta) = (className, beta)
    fixedSpecificity = specificity
    patients = decisions.count
    let all = decisions.enumerated().flatMap { patient, own in own.map { (patient: patient, decision: $0) } }
    windows = all.count { $0.decision.classIndex == classIndex }
    others = all.count - windows
    let counts = decisions.map { own in
      own.reduce(into: Counts()) { counts, decision in
        counts.add(decision.classIndex == classIndex, decision.predictedClass == classIndex)
      }
    }
    func figure(_ statistic: (Counts) -> Double?) -> Figure {
      Figure(
        value: statistic(counts.reduce(Counts(), +)) ?? .nan,
        interval: Interval.bootstrap(counts, seed: seed) { statistic($0.reduce(Counts(), +)) })
    }
    sensitivity = figure { $0.share($0.hits, of: $0.hits + $0.misses) }
    self.specificity = figure { $0.share($0.rests, of: $0.rests + $0.alarms) }
    positivePredictivity = figure { $0.share($0.hits, of: $0.hits + $0.alarms) }
    f1 = figure { $0.share(2 * $0.hits, of: 2 * $0.hits + $0.misses + $0.alarms) }
    fBeta = figure { $0.fScore(beta) }
    let ranked = RankedScores(
      scores: all.map { $0.decision.score(ofClass: classIndex) },
      labels: all.map { $0.decision.classIndex == classIndex }, groups: all.map(\.patient))
    let count = decisions.count
    func ranks(_ place: KeyPath<RankedScores.Figures, Double>) -> Figure {
      func value(_ weights: [Double]) -> Double? {
        ranked.figures(weights: weights, atSpecificity: specificity)?[keyPath: place]
      }
      return Figure(
        value: value([Double](repeating: 1, count: count)) ?? .nan,
        interval: Interval.bootstrap(Array(0..<count), replicates: 500, seed: seed) { drawn in
          var weights = [Double](repeating: 0, count: count)
          for patient in drawn { weights[patient] += 1 }
          return value(weights)
        })
    }
    area = ranks(\.area)
    averagePrecision = ranks(\.averagePrecision)
    sensitivityAtSpecificity = ranks(\.sensitivity)
  }

  /// The windows by what they are and what was decided.
  private struct Counts {
    var (hits, misses, alarms, rests) = (0, 0, 0, 0)

    mutating func add(_ isClass: Bool, _ isDecided: Bool) {
      switch (isClass, isDecided) {
      case (true, true): hits += 1
      case (true, false): misses += 1
      case (false, true): alarms += 1
      case (false, false): rests += 1
      }
    }

    func share(_ part: Int, of whole: Int) -> Double? { whole == 0 ? nil : Double(part) / Double(whole) }

    /// `(1 + b^2) P R / (b^2 P + R)`.
    func fScore(_ beta: Double) -> Double? {
      let weighted = (1 + beta * beta) * Double(hits)
      let all = weighted + beta * beta * Double(misses) + Double(alarms)
      return all == 0 ? nil : weighted / all
    }

    static func + (a: Counts, b: Counts) -> Counts {
      var sum = Counts()
      (sum.hits, sum.misses) = (a.hits + b.hits, a.misses + b.misses)
      (sum.alarms, sum.rests) = (a.alarms + b.alarms, a.rests + b.rests)
      return sum
    }
  }
}

extension BeatDecision {
  /// How far a class's logit lies above what all others have together: the logarithm of its odds.
  package func score(ofClass index: Int) -> Double {
    let others = logits.indices.filter { $0 != index }.map { Double(logits[$0]) }
    let largest = others.max() ?? 0
    let sum = others.reduce(0) { $0 + exp($1 - largest) }
    return Double(logits[index]) - largest - log(max(sum, .leastNormalMagnitude))
  }
}
