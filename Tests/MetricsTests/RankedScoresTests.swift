import Metrics
import Testing

@Suite struct RankedScoresTests {
  private let ranked = RankedScores(
    scores: [2, 4, 1, 3], labels: [true, true, false, false], groups: [0, 0, 1, 1])

  // claim: statistics
  /// By hand: of the four pairs three are in order; the precision is 1 at the first case found and 2/3 at the second.
  @Test func figuresAreThoseOfHandCalculation() throws {
    let figures = try #require(ranked.figures(weights: [1, 1], atSpecificity: 1))
    #expect(figures.area == 0.75)
    #expect(abs(figures.averagePrecision - (0.5 + 0.5 * 2 / 3)) < 1e-12)
    #expect(figures.sensitivity == 0.5)
    #expect(ranked.figures(weights: [1, 1], atSpecificity: 0.5)?.sensitivity == 1)
  }

  @Test func aPatientDrawnTwiceCountsTwice() throws {
    let one = RankedScores(scores: [3, 2, 1], labels: [true, false, true], groups: [0, 1, 2])
    let twice = RankedScores(scores: [3, 2, 1, 1], labels: [true, false, true, true], groups: [0, 1, 2, 2])
    #expect(
      one.figures(weights: [1, 1, 2], atSpecificity: 0.9)
        == twice.figures(weights: [1, 1, 1], atSpecificity: 0.9))
    // Without the only other case there is nothing to tell apart.
    #expect(one.figures(weights: [1, 0, 1], atSpecificity: 0.9) == nil)
  }

  @Test func tiesCountByHalf() {
    let tied = RankedScores(scores: [1, 1], labels: [true, false], groups: [0, 0])
    #expect(tied.figures(weights: [1], atSpecificity: 0.97)?.area == 0.5)
    #expect(tied.figures(weights: [1], atSpecificity: 0.97)?.sensitivity == 0)
  }

  @Test func theAreaIsTheROCs() throws {
    let scores = (0..<200).map { Double(($0 * 7919) % 101) }
    let labels = (0..<200).map { ($0 * 31) % 7 < 3 }
    let roc = try #require(ROC(scores: scores, labels: labels))
    let ranked = RankedScores(scores: scores, labels: labels, groups: labels.map { _ in 0 })
    let figures = try #require(ranked.figures(weights: [1], atSpecificity: 0.9))
    #expect(abs(figures.area - roc.area) < 1e-12)
    #expect(figures.sensitivity == roc.points.last { $0.specificity >= 0.9 - 1e-12 }?.sensitivity)
  }

  @Test func thresholdsLieBetweenTheScoresThatMeetAnAim() {
    #expect(ranked.threshold(atSpecificity: 1) == 3.5)
    #expect(ranked.threshold(atSpecificity: 0.5) == 1.5)
    #expect(ranked.threshold(atSensitivity: 0.5) == 3.5)
    #expect(ranked.threshold(atSensitivity: 1) == 1.5)
    #expect(RankedScores(scores: [1], labels: [true], groups: [0]).threshold(atSensitivity: 0.5) == nil)
  }
}
