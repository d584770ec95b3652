extension Monitor {
  /// What starts a decision.
  public enum Pace: Equatable, Sendable {
    /// A beat that the runtime's detector finds.
    case detectedBeats
    /// A beat that the caller names by `addBeat`.
    case givenBeats
    /// So many columns since the last one.
    case everyColumns(Int)
  }

  /// How a monitor works.
  public struct Options: Equatable, Sendable {
    /// What starts a decision.
    public var pace = Pace.detectedBeats
    /// How long after a beat its decision waits, in samples.
    public var delaySamples = 0
    /// How raw decisions become results.
    public var policy = AnnouncementPolicy()
    /// What signal is bad.
    public var quality = SignalQuality.Limits.none
    /// The deviation of a beat's interval that wakes the network, in percent; 0 for a network that never sleeps.
    public var wakePercent = 0
    /// What beats' intervals say of their classes; nil for decisions of the network alone, as the clock's are.
    public var rhythmPrior: RhythmPrior.Options?

    /// A decision without delay after each detected beat, announced as it comes.
    public init() {}

    /// Whether the network sleeps between irregular beats.
    var sleeps: Bool { wakePercent > 0 }

    var findsBeats: Bool { pace == .detectedBeats || sleeps }

    /// The columns from one stroke of the clock to the next; 0 without a clock.
    var columnsPerClock: Int32 {
      if case .everyColumns(let columns) = pace { return Int32(clamping: max(1, columns)) }
      return 0
    }
  }
}

extension Monitor.Options {
  /// A checksum, continued over the options.
  func checksum(continuing previous: UInt32) -> UInt32 {
    var pace = (kind: Int32(0), columns: Int32(0))
    switch self.pace {
    case .detectedBeats: break
    case .givenBeats: pace.kind = 1
    case .everyColumns(let columns): pace = (2, Int32(clamping: columns))
    }
    let policy = self.policy.clamped
    let limits = quality
    let prior = rhythmPrior ?? .init(classIndex: -1, codesPerOctave: 0, neutralPartLog2Q16: 0)
    let words: InlineArray<18, Int32> = [
      pace.kind, pace.columns, Int32(clamping: delaySamples), Int32(clamping: wakePercent),
      Int32(clamping: policy.majorityCount), Int32(clamping: policy.hysteresisCount),
      Int32(clamping: policy.hysteresisMarginCodes), Int32(clamping: policy.minimumMarginCodes),
      Int32(limits.lowestCount), Int32(limits.highestCount),
      limits.flatCounts, limits.flatSamples, limits.saturatedSamples,
      limits.saturationSpanSamples, limits.refillSamples,
      Int32(clamping: prior.classIndex), Int32(clamping: prior.codesPerOctave), prior.neutralPartLog2Q16,
    ]
    return unsafe withUnsafeBytes(of: words) {
      unsafe CRC32.checksum($0, continuing: previous)
    }
  }
}
