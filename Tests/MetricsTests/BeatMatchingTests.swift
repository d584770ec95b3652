import Metrics
import Testing

/// At 1000 Hz the match window is 150 samples.
@Suite struct BeatMatchingTests {
  @Test func theWindowIs150MillisecondsOnBothSides() {
    let matching = BeatMatching(
      reference: [1000, 2000, 3000, 4000], detected: [850, 2150, 2849, 4151], sampleRateHz: 1000)
    #expect(matching.matches.map(\.reference) == [1000, 2000])
    #expect(matching.missed == [3000, 4000])
    #expect(matching.extra == [2849, 4151])
  }

  @Test func theNearerOfTwoCounts() {
    let twice = BeatMatching(reference: [1000], detected: [900, 1010, 1100], sampleRateHz: 1000)
    #expect(twice.matches == [.init(reference: 1000, detected: 1010)])
    #expect(twice.extra == [900, 1100])
    let once = BeatMatching(reference: [900, 1010, 1100], detected: [1000], sampleRateHz: 1000)
    #expect(once.matches == [.init(reference: 1010, detected: 1000)])
    #expect(once.missed == [900, 1100])
  }

  /// The example in WFDB's bxb.c, where its match window is 37 samples.
  @Test func aNearerOneThatIsAnothersDoesNotCount() {
    let matching = BeatMatching(reference: [96, 160], detected: [128, 185], sampleRateHz: 37 / 0.150)
    #expect(
      matching.matches == [.init(reference: 96, detected: 128), .init(reference: 160, detected: 185)])
  }

  @Test func whatIsExcludedDoesNotCount() {
    let matching = BeatMatching(
      reference: [500, 1990, 2500, 3500], detected: [600, 1200, 2010, 2400, 3100, 3200], sampleRateHz: 1000,
      excluding: [0..<1000, 2000..<3000])
    #expect(matching.matches == [.init(reference: 1990, detected: 2010)])
    #expect(matching.missed == [3500])
    #expect(matching.extra == [1200, 3100, 3200])
  }

  @Test func aLearningPeriodDoesNotCount() {
    let matching = BeatMatching(
      reference: [500, 1010, 2000], detected: [400, 990, 1150, 1151, 2000], sampleRateHz: 1000,
      startingAt: 1000)
    #expect(matching.matches.map(\.detected) == [990, 2000])
    #expect(matching.missed.isEmpty)
    #expect(matching.extra == [1151])
  }

  @Test func grossFiguresCountBeatsNotRecords() {
    var gross = BeatMatching(reference: [1, 1001, 2001], detected: [1, 1001], sampleRateHz: 1000)
    gross.add(BeatMatching(reference: [1], detected: [1, 501], sampleRateHz: 1000))
    #expect(gross.sensitivity == 0.75)
    #expect(gross.positivePredictivity == 0.75)
  }

  @Test func withoutBeatsThereAreNoFigures() {
    let matching = BeatMatching(reference: [], detected: [], sampleRateHz: 1000)
    #expect(matching.sensitivity == nil && matching.positivePredictivity == nil)
  }
}
