import Foundation

/// How a beat becomes a network's input: the samples about it, how they differ from the patient's usual beat, and ten figures
/// of its intervals.
///
/// The runtime's `BeatFrontEnd` computes it from the converter's counts, for the device and for training alike, so that the float
/// network sees the very codes of the integer one.
package struct BeatSettings: Codable, Equatable, Sendable {
  /// The samples of a fine point are two to this power; a coarse point has twice as many.
  package var pointShift = 1
  /// The coarse points in front, the fine ones about the beat, the coarse ones behind.
  package var earlyPoints = 6
  package var finePoints = 16
  package var latePoints = 10
  /// The time from the first point to the beat, in seconds.
  package var leadSeconds = 0.3125
  /// How far from where it was sensed a beat's peak is looked for, in seconds; 0 where the beat stays there.
  package var reachSeconds = 0.047
  /// The interval to the next beat counts as this where that is later or not yet there.
  package var nextLimitSeconds = 0.7
  /// How far a beat moves a point of the template at most, in microvolts.
  package var templateStepMicrovolts = 50.0
  /// The converter's step that it is made for, in microvolts.
  package var microvoltsPerCount: Double
  /// How far a known beat may be from the template, as a part of that; 0 for a network that runs at every beat.
  package var knownDistance = 0.5
  /// The interval of a known beat against the mean of eight, in octaves.
  package var leastIntervalOctaves = -0.1
  package var mostIntervalOctaves = 0.4
  /// The known beats that the network is asked about first.
  package var askCount = 8
  /// The known beats from one that teaches the template to the next.
  package var teachEvery = 8
  /// The figures' means, in octaves; empty before training.
  package var figureMeans: [Double] = []
  /// Their standard deviations: four of them are the input's range.
  package var figureDeviations: [Double] = []

  /// Settings for the converter of `exporter quantize`: 10 mV in 12 bits.
  package init(microvoltsPerCount: Double = 10_000.0 / 4096) {
    self.microvoltsPerCount = microvoltsPerCount
  }

  /// The settings of this project's models.
  package static let standard = BeatSettings()

  /// The figures of the intervals.
  package static let figureCount = 10
  /// The codes of a unit of the network's input.
  package static let codesPerUnit = 32.0

  /// The points of a beat.
  package var pointCount: Int { earlyPoints + finePoints + latePoints }
  /// The network's inputs.
  package var inputCount: Int { 2 * pointCount + Self.figureCount }
  /// The samples that the points cover.
  package var sampleCount: Int { (2 * (earlyPoints + latePoints) + finePoints) << pointShift }

  /// What is wrong with the settings, in a few words; nil where nothing is.
  package var problem: String? {
    if !(0...3).contains(pointShift) { return "a point of 2^\(pointShift) samples is not of 1 ... 8" }
    let counts = [earlyPoints, finePoints, latePoints]
    if !counts.allSatisfy({ (0...60).contains($0) }) || !(1...60).contains(pointCount) || finePoints < 1 {
      return "\(pointCount) points are not in 1 ... 60"
    }
    if !(0...0.25).contains(reachSeconds) { return "a peak within \(reachSeconds) s is not in 0 ... 0.25 s" }
    if !(0...2).contains(leadSeconds) || !(0.05...4).contains(nextLimitSeconds) {
      return
        "the points begin \(leadSeconds) s before the beat, and the next one's limit is \(nextLimitSeconds) s"
    }
    if !(1e-3...1e4).contains(microvoltsPerCount) { return "a count is \(microvoltsPerCount) microvolts" }
    if !(1e-3...1e5).contains(templateStepMicrovolts) {
      return "the template's step is \(templateStepMicrovolts) microvolts"
    }
    if !(0...0.99).contains(knownDistance) {
      return "the known distance \(knownDistance) is not in 0 ... 0.99"
    }
    if !(-4...4).contains(leastIntervalOctaves) || !(-4...4).contains(mostIntervalOctaves)
      || !(0...255).contains(askCount) || !(1...32).contains(teachEvery)
    {
      return "a known beat's limits are impossible"
    }
    let figures = [figureMeans.count, figureDeviations.count]
    if figures != [0, 0] && figures != [Self.figureCount, Self.figureCount] {
      return "there are \(figureMeans.count) means of \(Self.figureCount) figures"
    }
    if !figureMeans.allSatisfy({ (-16...16).contains($0) })
      || !figureDeviations.allSatisfy({ (1e-3...64).contains($0) })
    {
      return "a figure's mean or deviation is impossible"
    }
    return nil
  }
}

extension SpectrogramSettings {
  /// Beats as the network's input: there are no columns, and `hopSamples` is the time from one look at what is due to the next:
  /// 2.5 seconds, as every block costs waking up and some hundred instructions, or that of the columns that the beats are
  /// beside.
  ///
  /// - Parameters:
  ///   - beats: What a beat becomes.
  ///   - rate: The rate of the samples, in hertz.
  ///   - hop: The time in samples; nil for the usual one.
  package init(beats: BeatSettings, sampleRateHz rate: Double = 128, hopSamples hop: Int? = nil) {
    sampleRateHz = rate
    hopSamples = hop ?? max(1, Int((rate * 5 / 2).rounded()))
    (windowSamples, firstBin, binCount) = (hopSamples, 0, beats.inputCount)
    (highPassShift, centerLevel, levelsPerUnit) = (0, 128, BeatSettings.codesPerUnit)
    self.beats = beats
  }

  /// What is wrong with settings of beats.
  var beatProblem: String? {
    guard let beats else { return nil }
    if let problem = beats.problem { return problem }
    if binCount != beats.inputCount { return "\(binCount) inputs are not \(beats.inputCount)" }
    if !(1...2048).contains(hopSamples) || windowSamples != hopSamples {
      return "the hop is \(hopSamples) samples"
    }
    let (lead, limit) = (leadSamples(of: beats), nextLimitSamples(of: beats))
    if beats.sampleCount > 2048 || limit > 2048 || lead > beats.sampleCount
      || lead + limit < beats.sampleCount + reachSamples(of: beats) || reachSamples(of: beats) > 255
    {
      return
        "the points' \(beats.sampleCount) samples end after the limit of the next interval, or begin too early"
    }
    return nil
  }

  /// The samples from a beat's first point to the beat.
  package func leadSamples(of beats: BeatSettings) -> Int {
    Int((beats.leadSeconds * sampleRateHz).rounded())
  }

  /// How far a beat's peak is looked for, in samples.
  package func reachSamples(of beats: BeatSettings) -> Int {
    Int((beats.reachSeconds * sampleRateHz).rounded())
  }

  /// The limit of the next interval, in samples.
  package func nextLimitSamples(of beats: BeatSettings) -> Int {
    max(1, Int((beats.nextLimitSeconds * sampleRateHz).rounded()))
  }
}
