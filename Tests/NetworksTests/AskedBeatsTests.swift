import Networks
import Tasks
import Testing

/// Why a memory of beats asks its network, on beats whose shapes and intervals are made for it.
@Suite struct AskedBeatsTests {
  /// Beats of a second at 128 Hz, some of another shape or early; what is asked about each.
  private func reasons(
    count: Int, inverted: Set<Int> = [], early: Set<Int> = [], askCount: Int = 8
  ) throws -> [AskingReason?] {
    var beats = BeatSettings.standard
    beats.askCount = askCount
    let settings = SpectrogramSettings(beats: beats, sampleRateHz: 128)
    let watch = try #require(
      AskedBeats(settings, microvoltsPerCount: Float(beats.microvoltsPerCount)))
    var places: [Int] = []
    for index in 0..<count { places.append((places.last ?? 60) + (early.contains(index) ? 90 : 128)) }
    var samples = [Int16](repeating: 0, count: (places.last ?? 0) + 128)
    for (index, place) in places.enumerated() {
      for (offset, level) in [60, 180, 400, 160, -80].enumerated() {
        samples[place + offset - 2] = Int16(inverted.contains(index) ? -level : level)
      }
    }
    var (told, next): ([AskingReason?], Int) = ([], 0)
    for (place, sample) in samples.enumerated() {
      watch.push(sample)
      guard next < places.count, place == places[next] + 80 else { continue }
      told.append(watch.reason(ofBeat: 80))
      next += 1
    }
    return told
  }

  /// Nine beats before the ninth interval is known, eight known ones that make the answer, 63 from memory, one again.
  // claim: asked
  @Test func regularBeatsAreLearntAskedAboutAndThenAnswered() throws {
    let told = try reasons(count: 150)
    #expect(told.prefix(9).allSatisfy { $0 == .learning })
    #expect(told[9..<17].allSatisfy { $0 == .first })
    #expect(told[17..<80].allSatisfy { $0 == nil })
    #expect(told[80] == .again)
    #expect(told[81..<144].allSatisfy { $0 == nil } && told[144] == .again)
  }

  @Test func theFirstKnownBeatsAreAsManyAsTheSettingsSay() throws {
    let told = try reasons(count: 40, askCount: 5)
    #expect(told.count { $0 == .first } == 5 && told[14] == nil)
  }

  // claim: asked
  @Test func whatIsUnusualIsNamed() throws {
    let told = try reasons(count: 70, inverted: [30, 50], early: [40, 50])
    let named = told.enumerated().filter { $0.offset > 16 && $0.element != nil }
    #expect(named.map(\.offset) == [30, 40, 50])
    #expect(named.map(\.element) == [.shape, .interval, .shapeAndInterval])
  }

  @Test func withoutAMemoryNothingIsTold() {
    var beats = BeatSettings.standard
    beats.knownDistance = 0
    let settings = SpectrogramSettings(beats: beats, sampleRateHz: 128)
    #expect(AskedBeats(settings, microvoltsPerCount: 2.44) == nil)
  }
}
