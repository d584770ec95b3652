/// What is remembered of peaks and beats, and Hamilton's rules on it; all plain words, for it lies in the state.
struct BeatRules {
  /// The rings' newest place, before it is wrapped.
  var position: Int32 = 0
  var learningSamplesLeft: Int32
  /// The largest curve length of late, and its age.
  var peakHeight: Int32 = 0
  var peakAge: Int32 = 0
  /// The largest peak since the last beat that was not high enough; a height of 0 where there is none.
  var missedHeight: Int32 = 0
  var missedSlope: Int32 = 0
  var missedAge: Int32 = 0
  /// The running means of the curve lengths of beats and of what was none.
  var beatLevel: Int32 = 0
  var noiseLevel: Int32 = 0
  /// The last beat's steepest slope, its age, and the running mean of the intervals between beats.
  var beatSlope: Int32 = 0
  var beatAge: Int32 = 0
  var interval: Int32

  init(_ lengths: BeatDetector.Lengths) {
    learningSamplesLeft = lengths.learning
    interval = lengths.learning
  }

  /// Whether no sample has come yet.
  func isFresh(_ lengths: BeatDetector.Lengths) -> Bool { learningSamplesLeft == lengths.learning }

  /// The curve length above which a peak is a beat.
  func threshold(_ lengths: BeatDetector.Lengths) -> Int32 {
    max(lengths.quietHeight, noiseLevel &+ ((beatLevel &- noiseLevel) &>> 4) &* 5)
  }

  /// Takes a curve length.
  ///
  /// - Returns: The height of a peak a refractory period ago, with no larger one since.
  mutating func findPeak(in curveLength: Int32, _ lengths: BeatDetector.Lengths) -> Int32? {
    age(lengths)
    learn(from: curveLength, lengths)
    if curveLength > peakHeight {
      peakHeight = curveLength
      peakAge = 0
    }
    guard peakAge >= lengths.refractory else { return nil }
    let height = peakHeight
    peakHeight = 0
    peakAge = 0
    return height
  }

  /// Makes all that is remembered a sample older, and forgets what is too old.
  private mutating func age(_ lengths: BeatDetector.Lengths) {
    peakAge = max(0, peakAge &+ 1)
    missedAge = max(0, missedAge &+ 1)
    if missedAge > lengths.searchBack { missedHeight = 0 }
    beatAge = max(0, beatAge &+ 1)
    if beatAge >= lengths.silence &+ (lengths.silence &>> 2) {
      beatAge = lengths.silence
      beatLevel = beatLevel &- (beatLevel &>> 2)
      noiseLevel = noiseLevel &- (noiseLevel &>> 2)
    }
  }

  /// Takes the first second's largest curve length for a beat's.
  private mutating func learn(from curveLength: Int32, _ lengths: BeatDetector.Lengths) {
    guard learningSamplesLeft != 0 else { return }
    learningSamplesLeft = min(max(1, learningSamplesLeft), lengths.learning) &- 1
    beatLevel = max(beatLevel, curveLength)
    if learningSamplesLeft == 0 {
      noiseLevel = beatLevel &>> 3
      beatLevel = beatLevel &- (beatLevel &>> 2)
    }
  }

  /// Tells beats from noise, T waves and steps.
  ///
  /// - Returns: A beat's age.
  mutating func judge(_ peak: Peak, _ lengths: BeatDetector.Lengths) -> Int32? {
    guard learningSamplesLeft == 0, !peak.isStep else { return nil }
    let interval = beatAge &- peak.age
    let isTWave = interval < lengths.tWave && peak.slope < beatSlope / 2
    if peak.height > threshold(lengths), !isTWave { return accept(peak, lengths) }
    noiseLevel =
      noiseLevel &+ ((min(peak.height, 2 &* max(noiseLevel, lengths.quietHeight)) &- noiseLevel) &>> 3)
    if interval > lengths.tWave, peak.height > missedHeight, !isTWave {
      missedHeight = peak.height
      missedSlope = peak.slope
      missedAge = peak.age
    }
    return nil
  }

  /// Takes a lower peak for a beat where none has come for one and a half intervals.
  ///
  /// - Returns: Its age.
  mutating func searchBack(_ lengths: BeatDetector.Lengths) -> Int32? {
    guard learningSamplesLeft == 0, beatAge > interval &+ interval / 2,
      missedHeight > max(lengths.quietHeight, threshold(lengths) &>> 1)
    else { return nil }
    return accept(Peak(height: missedHeight, slope: missedSlope, age: missedAge), lengths)
  }

  /// Learns from a beat.
  ///
  /// - Returns: Its age, or nil where it would be too close to the last one.
  private mutating func accept(_ peak: Peak, _ lengths: BeatDetector.Lengths) -> Int32? {
    let newInterval = beatAge &- peak.age
    guard newInterval >= lengths.refractory else { return nil }
    // A silence has let the level fall: the first beat after it sets it anew.
    if beatAge >= lengths.silence || beatLevel < lengths.quietHeight {
      beatLevel = max(beatLevel, peak.height / 2)
    }
    let height = min(peak.height, 2 &* max(beatLevel, lengths.quietHeight))
    beatLevel = beatLevel &+ ((height &- beatLevel) &>> 3)
    beatSlope = peak.slope
    interval = interval &+ ((min(newInterval, lengths.learning &* 3 / 2) &- interval) &>> 3)
    beatAge = peak.age
    missedHeight = 0
    return peak.age
  }
}

extension BeatRules {
  /// A peak of the curve length, and the complex behind it.
  struct Peak {
    /// The curve length.
    var height: Int32 = 0
    /// The steepest slope of the low-passed samples.
    var slope: Int32 = 0
    /// Whether the samples went only one way.
    var isStep = false
    /// How many samples ago the largest deflection was.
    var age: Int32 = 0
  }
}
