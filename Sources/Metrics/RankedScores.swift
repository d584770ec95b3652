/// Scores of cases in falling order, for what many draws of patients make of them: each draw is one pass.
package struct RankedScores: Sendable {
  /// What scores tell of two classes.
  package struct Figures: Equatable, Sendable {
    /// The area under the ROC, ties counted by half.
    package var area: Double
    /// The average precision: the area under the steps of precision over recall.
    package var averagePrecision: Double
    /// The greatest sensitivity of a threshold whose specificity is at least the one asked for.
    package var sensitivity: Double
  }

  private let scores: [Double]
  private let labels: [Bool]
  private let groups: [Int]

  /// Ranks scores; `groups` holds each case's patient, from 0.
  package init(scores: [Double], labels: [Bool], groups: [Int]) {
    precondition(
      scores.count == labels.count && scores.count == groups.count, "a label and a patient a score")
    let order = scores.indices.sorted { scores[$0] > scores[$1] }
    self.scores = order.map { scores[$0] }
    self.labels = order.map { labels[$0] }
    self.groups = order.map { groups[$0] }
  }

  /// The figures where a patient's cases count so many times; nil where a class has no case then.
  package func figures(weights: [Double], atSpecificity specificity: Double) -> Figures? {
    var (positives, negatives) = (0.0, 0.0)
    for index in scores.indices {
      if labels[index] { positives += weights[groups[index]] } else { negatives += weights[groups[index]] }
    }
    guard positives > 0, negatives > 0 else { return nil }
    var (hits, alarms, area, precision, sensitivity) = (0.0, 0.0, 0.0, 0.0, 0.0)
    let allowed = (1 - specificity) * negatives * (1 + 1e-12)
    var place = 0
    while place < scores.count {
      let threshold = scores[place]
      var (tiedHits, tiedAlarms) = (0.0, 0.0)
      while place < scores.count, scores[place] == threshold {
        let weight = weights[groups[place]]
        if labels[place] { tiedHits += weight } else { tiedAlarms += weight }
        place += 1
      }
      area += tiedAlarms * (hits + tiedHits / 2)
      hits += tiedHits
      alarms += tiedAlarms
      if tiedHits > 0 { precision += tiedHits * hits / (hits + alarms) }
      if alarms <= allowed { sensitivity = hits / positives }
    }
    return Figures(
      area: area / (positives * negatives), averagePrecision: precision / positives, sensitivity: sensitivity)
  }

  /// The threshold of the greatest sensitivity at a specificity; nil where a class has no case.
  package func threshold(atSpecificity specificity: Double) -> Double? {
    let (points, negatives) = (points, Double(labels.count { !$0 }))
    guard negatives > 0, negatives < Double(labels.count) else { return nil }
    let place = points.lastIndex { Double($0.alarms) <= (1 - specificity) * negatives }
    return place.map { threshold($0, points) } ?? points[0].score.nextUp
  }

  /// The highest threshold of at least a sensitivity; nil where a class has no case.
  package func threshold(atSensitivity sensitivity: Double) -> Double? {
    let (points, positives) = (points, Double(labels.count(where: \.self)))
    guard positives > 0, positives < Double(labels.count) else { return nil }
    return points.firstIndex { Double($0.hits) >= sensitivity * positives }.map { threshold($0, points) }
  }

  /// What a threshold gives.
  package struct CurvePoint: Encodable, Equatable, Sendable {
    /// The score from which on a case counts as the class.
    package var threshold: Double
    /// The parts of the class found, of the rest left alone, and of what was found that is right.
    package var sensitivity, specificity, positivePredictivity: Double
  }

  /// Thresholds from the highest score to the lowest, so many at most, evenly spread over the cases of the class and over
  /// the others; empty where a class has no case.
  package func curve(pointCount: Int) -> [CurvePoint] {
    let (points, positives) = (points, labels.count(where: \.self))
    let negatives = labels.count - positives
    guard positives > 0, negatives > 0 else { return [] }
    var curve: [CurvePoint] = []
    var latest = (hits: 0, alarms: 0)
    let (hitStep, alarmStep) = (2 * positives / pointCount, 2 * negatives / pointCount)
    for place in points.indices {
      let point = points[place]
      let isStep = point.hits - latest.hits > hitStep || point.alarms - latest.alarms > alarmStep
      guard curve.isEmpty || isStep || place == points.count - 1 else { continue }
      latest = (point.hits, point.alarms)
      curve.append(
        CurvePoint(
          threshold: threshold(place, points), sensitivity: Double(point.hits) / Double(positives),
          specificity: 1 - Double(point.alarms) / Double(negatives),
          positivePredictivity: Double(point.hits) / Double(point.hits + point.alarms)))
    }
    return curve
  }

  /// The scores that occur, from the highest on, and the cases of at least each.
  private var points: [(score: Double, hits: Int, alarms: Int)] {
    var points: [(score: Double, hits: Int, alarms: Int)] = []
    var (hits, alarms) = (0, 0)
    for (index, score) in scores.enumerated() {
      if labels[index] { hits += 1 } else { alarms += 1 }
      if index + 1 == scores.count || scores[index + 1] < score { points.append((score, hits, alarms)) }
    }
    return points
  }

  /// Halfway from a point's score to the next lower one, so that it suits scores that didn't occur.
  private func threshold(_ place: Int, _ points: [(score: Double, hits: Int, alarms: Int)]) -> Double {
    guard place + 1 < points.count else { return points[place].score }
    return (points[place].score + points[place + 1].score) / 2
  }
}
