import Networks
import Tasks
import Testing

/// What an image says of beats, read as a device does.
@Suite struct BeatRecordTests {
  /// Limits that differ from each other by more than their sign, in 65,536ths of an octave.
  @Test func theLimitsOfKnownBeatsComeBack() {
    var beats = BeatSettings.standard
    (beats.leastIntervalOctaves, beats.mostIntervalOctaves, beats.knownDistance) = (-0.625, 0.375, 0.25)
    let settings = SpectrogramSettings(beats: beats)
    let read = BeatRecord(settings, beats, microvoltsPerCount: 5).withPlan { SpectrogramSettings($0) }
    #expect(read.beats?.leastIntervalOctaves == -0.625 && read.beats?.mostIntervalOctaves == 0.375)
    #expect(read.beats?.knownDistance == 0.25 && read.hopSamples == 320 && read.sampleRateHz == 128)
  }
}
