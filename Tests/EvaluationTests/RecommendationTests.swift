import Evaluation
import Metrics
import Testing

/// What a report recommends, on tables made by hand.
@Suite struct RecommendationTests {
  private let rule = Recommendation.Rule(criticalClasses: ["S", "V"])

  /// A point; losses are F1 less float's in points, with the interval's ends.
  private func candidate(
    _ name: String, _ departures: [String] = [], s: (Double, Double, Double) = (0, -0.3, 0.3),
    v: (Double, Double, Double) = (0, -0.2, 0.2), agreement: Double = 0.995, flash: Int = 12_000,
    ram: Int = 2_000, charge: Double? = nil, passes: Bool = true
  ) -> Recommendation.Candidate {
    func difference(_ points: (Double, Double, Double)) -> DifferenceFigures {
      .init(
        value: points.0 / 100, interval: Interval(lower: points.1 / 100, upper: points.2 / 100), pValue: nil)
    }
    return .init(
      name: name, departures: departures, criticalLosses: [difference(s), difference(v)],
      agreement: agreement,
      cost: CostFigures(
        flashBytes: flash, weightBytes: flash / 2, ramBytes: ram, macs: 50_000,
        devices: [
          .init(profile: "made up", mode: "streaming", passes: passes, chargePerDecisionMicrocoulombs: charge)
        ]))
  }

  // claim: recommendation
  @Test func aGainInAClassThatNobodyCallsCriticalIsNoReason() {
    // int4 gains 2.46 points of macro F1 by the rare class F alone, which the rule doesn't see, while 3.3 % of the decisions
    // change and V falls a point.
    let chosen = Recommendation(
      among: [
        candidate("int8"),
        candidate("int4", ["int4 weights"], v: (-1.0, -1.9, -0.2), agreement: 0.967, flash: 8_000),
      ], by: rule)
    #expect(chosen.point == "int8" && chosen.runnerUp == nil)
    #expect(rule.reasons(against: chosen.candidates[0]).isEmpty)
    #expect(
      rule.reasons(against: chosen.candidates[1]) == [
        "V may lose 1.90 points of F1, beyond the margin of 1.00",
        "it decides as float on 96.70 % of the beats, below the floor of 98.00 %",
      ])
    #expect(
      chosen.alternatives.contains { $0.hasPrefix("Of the smaller ones") && $0.contains("\"int4\": V") })
  }

  @Test func whatFitsCostsNothing() {
    // Four kilobytes less are no reason where the device has room for both.
    let points = [
      candidate("smaller", ["int4 weights"], flash: 8_000, charge: 1),
      candidate("usual", flash: 12_000, charge: 2),
    ]
    let roomy = Recommendation(among: points, by: rule)
    #expect(roomy.point == "usual" && roomy.runnerUp == "smaller")
    #expect(
      roomy.alternatives.contains {
        $0 == "With a budget of less than 12.0 kB of flash it would be \"smaller\", with 8.0 kB."
      }, "\(roomy.alternatives)")
    var tight = rule
    tight.budget.flashBytes = 9_000
    let short = Recommendation(among: points, by: tight)
    #expect(short.point == "smaller" && short.runnerUp == nil)
    #expect(
      tight.reasons(against: points[1]) == ["it takes 12.0 kB of flash, beyond the budget of 9.0 kB"])
  }

  // claim: recommendation
  @Test func aCriticalClassThatIsWorseRulesOut() {
    let points = [
      candidate("usual", s: (-0.4, -1.01, 0.2)), candidate("trained", ["training for the integers"]),
    ]
    #expect(Recommendation(among: points, by: rule).point == "trained")
    var wide = rule
    wide.margin = 0.02
    #expect(Recommendation(among: points, by: wide).point == "usual")
    var other = rule
    other.criticalClasses = []
    #expect(Recommendation(among: points, by: other).point == "usual")
  }

  // claim: recommendation
  @Test func ofHarmlessOnesTheSimplestIsShipped() {
    let points = [
      candidate("both", ["int4 weights", "equalized layers"], agreement: 0.999),
      candidate("better than float", ["adaptive rounding"], s: (3, 1, 5), v: (2, 1, 3), agreement: 0.999),
      candidate("usual", agreement: 0.985),
      candidate("as simple", agreement: 0.991),
    ]
    let chosen = Recommendation(among: points, by: rule)
    #expect(chosen.point == "as simple" && chosen.runnerUp == "usual")
    #expect(
      chosen.alternatives.first
        == "The runner-up is \"usual\": it is as simple, and decides as float on 98.50 % of the beats, not 99.10 %."
    )
  }

  @Test func whatMoreProfilesCarryComesBeforeWhatIsSimpler() {
    let chosen = Recommendation(
      among: [candidate("usual", passes: false), candidate("small", ["int4 weights"], passes: true)], by: rule
    )
    #expect(chosen.point == "small" && chosen.runnerUp == "usual")
    #expect(chosen.alternatives.first?.contains("0 of 1 profiles carry it, not 1") == true)
  }

  @Test func whereNothingHoldsTheRuleTheNearestIsNamed() {
    let chosen = Recommendation(
      among: [
        candidate("far", s: (-4, -6, -2), v: (-4, -6, -2), agreement: 0.9),
        candidate("near", s: (-1, -1.5, 0)),
      ], by: rule)
    #expect(chosen.point == nil && chosen.runnerUp == nil)
    #expect(
      chosen.alternatives == ["Nearest is \"near\": S may lose 1.50 points of F1, beyond the margin of 1.00."]
    )
  }
}
