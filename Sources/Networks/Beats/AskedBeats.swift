import Tasks

/// Why a device asks its network about a beat.
package enum AskingReason: String, CaseIterable, Codable, Sendable {
  /// Too few beats have come: neither the usual beat nor the usual interval is known.
  case learning
  /// The beat is not as the patient's usual one, and comes in time.
  case shape
  /// The beat comes early or late; where the memory knows shapes, it is as the usual one.
  case interval
  /// The beat is not as the usual one, and comes early or late.
  case shapeAndInterval
  /// The beat is known, and one of the first that the memory's answer is made of.
  case first
  /// The beat is known, and so many were answered from memory that the network is asked again.
  case again
  /// There was no result before it: the signal was bad, or the window not yet full.
  case silence

  /// The reason in words.
  package var words: String {
    switch self {
    case .learning: "too few beats so far to know what is usual"
    case .shape: "an unknown shape"
    case .interval: "an unusual interval"
    case .shapeAndInterval: "an unknown shape at an unusual interval"
    case .first: "one of the first known beats, of which the answer is made"
    case .again: "a known beat, asked about again after 63 that were answered from memory"
    case .silence: "no result before it"
    }
  }

  /// The reason in at most ten letters.
  package var shortWords: String {
    switch self {
    case .learning: "learning"
    case .shape: "shape"
    case .interval: "interval"
    case .shapeAndInterval: "both"
    case .first: "first"
    case .again: "again"
    case .silence: "silence"
    }
  }
}

/// Tells of each beat whether the memory of beats answers, and if not why: the runtime's own front end beside the device.
///
/// The runtime says of a beat only whether it was answered. So each beat is shown to three more front ends in the same state, of
/// which one takes every interval for usual, one every shape, and one both: what would then be known tells what wasn't.
package final class AskedBeats {
  private let encoder: BeatEncoder
  private let anyInterval: BeatEncoder
  private let anyShape: BeatEncoder
  private let anyBeat: BeatEncoder
  private let askCount: Int
  private let codes: UnsafeMutableBufferPointer<Int8>
  /// The known beats that the network was asked about.
  private var answerCount = 0
  /// Whether a beat was ever one that could be known.
  private var hasLearnt = false

  /// Starts beside a device.
  ///
  /// - Parameters:
  ///   - settings: The front end; nil results where it isn't one of beats, or has no memory of them.
  ///   - microvoltsPerCount: The converter's step.
  package init?(_ settings: SpectrogramSettings, microvoltsPerCount: Float) {
    func encoder(_ change: (inout BeatSettings) -> Void = { _ in }) -> BeatEncoder? {
      var own = settings
      if var beats = own.beats {
        change(&beats)
        own.beats = beats
      }
      return BeatEncoder(own, microvoltsPerCount: microvoltsPerCount)
    }
    // Sixteen times the template is beyond every beat, and four bits keep the runtime's products within 32.
    func takeAnyShape(_ beats: inout BeatSettings) { beats.knownDistance = 16 }
    func takeAnyInterval(_ beats: inout BeatSettings) {
      (beats.leastIntervalOctaves, beats.mostIntervalOctaves) = (-100, 100)
    }
    guard let beats = settings.beats, beats.knownDistance > 0, let usual = encoder(),
      let anyInterval = encoder(takeAnyInterval), let anyShape = encoder(takeAnyShape),
      let anyBeat = encoder({
        takeAnyShape(&$0)
        takeAnyInterval(&$0)
      })
    else { return nil }
    (self.encoder, self.anyInterval, self.anyShape, self.anyBeat) = (usual, anyInterval, anyShape, anyBeat)
    askCount = beats.askCount
    codes = .allocate(capacity: usual.inputCount)
    codes.initialize(repeating: 0)
  }

  deinit { codes.deallocate() }

  /// Takes a sample, in counts.
  package func push(_ sample: Int16) { encoder.push(sample) }

  /// Passes a beat over, as the device did.
  package func skip(beat age: Int) { encoder.skip(beatAt: encoder.count - 1 - age) }

  /// Takes a beat that the device decides about.
  ///
  /// - Parameter age: How many samples ago it was.
  /// - Returns: Why the network is asked; nil where the memory answers.
  package func reason(ofBeat age: Int) -> AskingReason? {
    let sample = encoder.count - 1 - age
    func isKnown(by probe: BeatEncoder) -> Bool {
      probe.goOn(from: encoder)
      return probe.encode(beatAt: sample, next: nil, into: codes).isKnown
    }
    let (isUsualShape, isInTime, isAny) = (
      isKnown(by: anyInterval), isKnown(by: anyShape), isKnown(by: anyBeat)
    )
    hasLearnt = hasLearnt || isAny
    let beat = encoder.encode(beatAt: sample, next: nil, into: codes)
    if beat.isAnswered { return nil }
    if beat.isKnown {
      answerCount += 1
      return answerCount <= askCount ? .first : .again
    }
    guard hasLearnt else { return .learning }
    return isUsualShape ? .interval : isInTime ? .shape : .shapeAndInterval
  }
}
