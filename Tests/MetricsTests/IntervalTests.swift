import Metrics
import Testing

@Suite struct IntervalTests {
  /// The first four are method 3 of table I in Newcombe, Statistics in Medicine 17 (1998) 857.
  @Test(arguments: [
    (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718),
    (51, 71, 0.605, 0.810),
  ])
  func wilsonMatchesPublishedIntervals(successes: Int, trials: Int, lower: Double, upper: Double) {
    let interval = Interval.wilson(successes: successes, trials: trials)
    #expect(abs(interval.lower - lower) < 0.0005 && abs(interval.upper - upper) < 0.0005)
  }

  @Test func wilsonIsSymmetric() {
    let few = Interval.wilson(successes: 3, trials: 40, confidence: 0.99)
    let many = Interval.wilson(successes: 37, trials: 40, confidence: 0.99)
    #expect(abs(few.lower - (1 - many.upper)) < 1e-12 && abs(few.upper - (1 - many.lower)) < 1e-12)
  }

  @Test func wilsonWithoutTrialsSaysNothing() {
    #expect(Interval.wilson(successes: 0, trials: 0) == Interval(lower: 0, upper: 1))
  }

  /// Of two patients' means 0 and 1, the drawn mean is 0, 1/2 or 1 with probabilities 1/4, 1/2 and 1/4.
  @Test func bootstrapFindsTheDrawsDistribution() {
    func interval(_ confidence: Double) -> Interval? {
      Interval.bootstrap([0.0, 1.0], confidence: confidence, seed: 7) { $0.reduce(0, +) / 2 }
    }
    #expect(interval(0.95) == Interval(lower: 0, upper: 1))
    #expect(interval(0.40) == Interval(lower: 0.5, upper: 0.5))
  }

  /// Of the squares of 0 to 10, by hand: half the way from 0 to 1 and from 81 to 100, from 4 to 9 and from 49 to 64.
  @Test(arguments: [(0.9, 0.5, 90.5), (0.5, 6.5, 56.5)])
  func betweenTwoDrawsAQuantileIsInterpolated(confidence: Double, lower: Double, upper: Double) throws {
    var draw = 0.0
    let interval = try #require(
      Interval.bootstrap([0.0, 1.0], confidence: confidence, replicates: 11, seed: 1) { _ in
        defer { draw += 1 }
        return draw * draw
      })
    #expect(abs(interval.lower - lower) < 1e-9 && abs(interval.upper - upper) < 1e-9, "\(interval)")
  }

  /// The mean of n draws is normal for large n: mean ± 1.96 standard deviations / sqrt(n).
  @Test func bootstrapOfAMeanApproachesTheNormalInterval() throws {
    let units = (0..<400).map { Double($0 % 20) }
    let interval = try #require(Interval.bootstrap(units, seed: 1) { $0.reduce(0, +) / Double($0.count) })
    let halfWidth = 1.96 * (399.0 / 12).squareRoot() / 20
    #expect(abs(interval.lower - (9.5 - halfWidth)) < 0.05 && abs(interval.upper - (9.5 + halfWidth)) < 0.05)
  }

  @Test func bootstrapOfMatricesFollowsItsSeed() throws {
    let matrices = (1...9).map { patient in
      var matrix = ConfusionMatrix(classNames: ["N", "V"])
      matrix.add(reference: 0, prediction: 0, count: 10 * patient)
      matrix.add(reference: 0, prediction: 1, count: 11 - patient)
      return matrix
    }
    func interval(seed: UInt64) -> Interval? {
      Interval.bootstrap(matrices: matrices, replicates: 30, seed: seed) { $0.accuracy }
    }
    let first = try #require(interval(seed: 3))
    #expect(first == interval(seed: 3) && first != interval(seed: 4))
    #expect(first.lower < 450.0 / 504 && 450.0 / 504 < first.upper)
  }

  @Test func drawsThatDefineNothingAreLeftOut() {
    let matrices = ["present", "absent"].map { kind in
      var matrix = ConfusionMatrix(classNames: ["N"])
      if kind == "present" { matrix.add(reference: 0, prediction: 0) }
      return matrix
    }
    #expect(Interval.bootstrap(matrices: matrices, seed: 0) { $0.accuracy } == Interval(lower: 1, upper: 1))
    #expect(Interval.bootstrap(matrices: [matrices[1]], seed: 0) { $0.accuracy } == nil)
  }
}
