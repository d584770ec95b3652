import Metrics
import Networks

/// What every threshold of a class's score gives: sensitivity, specificity and +P.
package struct WindowCurve: Encodable, Sendable {
  /// The class.
  package var className: String
  /// From the highest threshold to the lowest.
  package var points: [RankedScores.CurvePoint]

  /// The most points of a curve, so that a page stays small.
  private static let pointCount = 200

  /// Ranks decisions by how far each is for the class.
  package init(_ decisions: [BeatDecision], classIndex: Int, className: String) {
    self.className = className
    points = RankedScores(
      scores: decisions.map { $0.score(ofClass: classIndex) },
      labels: decisions.map { $0.classIndex == classIndex }, groups: decisions.map { _ in 0 }
    ).curve(pointCount: Self.pointCount)
  }
}
