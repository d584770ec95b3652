/// How well scores tell two classes apart: the receiver operating characteristic.
package struct ROC: Equatable, Sendable {
  /// A threshold and what it gives: cases with a score of at least the threshold are called positive.
  package struct Point: Equatable, Sendable {
    /// The threshold, a score that occurs.
    package var threshold: Double
    /// The share of the positive cases that are called positive.
    package var sensitivity: Double
    /// The share of the negative cases that are not.
    package var specificity: Double
  }

  /// The points, by falling threshold: sensitivity rises from one to the next or specificity falls.
  package let points: [Point]
  /// The area under the curve: the probability that a positive case scores higher than a negative one, ties
  /// counted by half.
  package let area: Double

  /// Measures scores; nil where one of the classes has no case or a score isn't a number.
  package init?(scores: [Double], labels: [Bool]) {
    precondition(scores.count == labels.count, "a label for each score")
    let positives = Double(labels.count(where: \.self))
    let negatives = Double(labels.count) - positives
    guard positives > 0, negatives > 0, !scores.contains(where: \.isNaN) else { return nil }
    let order = scores.indices.sorted { scores[$0] > scores[$1] }
    var points: [Point] = []
    var (truePositives, falsePositives, area) = (0.0, 0.0, 0.0)
    var place = 0
    while place < order.count {
      let threshold = scores[order[place]]
      var (tiedPositives, tiedNegatives) = (0.0, 0.0)
      while place < order.count, scores[order[place]] == threshold {
        if labels[order[place]] {
          tiedPositives += 1
        } else {
          tiedNegatives += 1
        }
        place += 1
      }
      area += tiedNegatives * (truePositives + tiedPositives / 2)
      truePositives += tiedPositives
      falsePositives += tiedNegatives
      points.append(
        Point(
          threshold: threshold, sensitivity: truePositives / positives,
          specificity: 1 - falsePositives / negatives))
    }
    self.points = points
    self.area = area / (positives * negatives)
  }

  /// The threshold with the largest sum of sensitivity and specificity (Youden's index), halfway to the next lower
  /// score, so that it suits scores that didn't occur; of equal ones the highest.
  ///
  /// - SeeAlso: W. J. Youden, Cancer 3 (1950) 32.
  package var youdenThreshold: Double {
    var best = 0
    for (index, point) in points.enumerated()
    where point.sensitivity + point.specificity
      > points[best].sensitivity + points[best].specificity + 1e-12
    {
      best = index
    }
    guard best + 1 < points.count else { return points[best].threshold }
    let (upper, lower) = (points[best].threshold, points[best + 1].threshold)
    let middle = lower + (upper - lower) / 2
    return middle > lower ? middle : upper
  }
}
