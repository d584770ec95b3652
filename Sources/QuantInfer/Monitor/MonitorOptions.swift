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
    /// The lead that the detector of beats listens to, counted from 0.
    public var detectorLead = 0
    /// What the device does while the signal of one of several leads is bad.
    public var lostLead = LostLead.noResult
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
    var sleeps: Bool { Built.sleep && wakePercent > 0 }

    /// Whether the detector runs: at detected beats, and where a network that decides by the clock sleeps.
    public var findsBeats: Bool { pace == .detectedBeats || (sleeps && pace != .givenBeats) }

    /// The columns from one stroke of the clock to the next; 0 without a clock.
    var columnsPerClock: Int32 {
      if case .everyColumns(let columns) = pace { return Int32(clamping: max(1, columns)) }
      return 0
    }
  }
}

extension Monitor.Options {
  /// The numbers that `encoded` has.
  public static var encodedCount: Int { 20 }

  /// The options as numbers, in a fixed order: for a checksum, or to send them to a board.
  public var encoded: InlineArray<20, Int32> {
    var pace = (kind: Int32(0), columns: Int32(0))
    switch self.pace {
    case .detectedBeats: break
    case .givenBeats: pace.kind = 1
    case .everyColumns(let columns): pace = (2, Int32(clamping: columns))
    }
    let policy = self.policy.clamped
    let limits = quality
    let prior = rhythmPrior ?? .init(classIndex: -1, codesPerOctave: 0, neutralPartLog2Q16: 0)
    return [
      pace.kind, pace.columns, Int32(clamping: delaySamples), Int32(clamping: wakePercent),
      Int32(clamping: policy.majorityCount), Int32(clamping: policy.hysteresisCount),
      Int32(clamping: policy.hysteresisMarginCodes), Int32(clamping: policy.minimumMarginCodes),
      Int32(limits.lowestCount), Int32(limits.highestCount),
      limits.flatCounts, limits.flatSamples, limits.saturatedSamples,
      limits.saturationSpanSamples, limits.refillSamples,
      Int32(clamping: prior.classIndex), Int32(clamping: prior.codesPerOctave), prior.neutralPartLog2Q16,
      Int32(clamping: detectorLead), lostLead.rawValue,
    ]
  }

  /// The options of `encoded` numbers.
  ///
  /// - Parameter encoded: The numbers, from whoever; what is out of range is refused by the monitor, or clamped.
  public init(encoded: InlineArray<20, Int32>) {
    self.init()
    switch encoded[0] {
    case 1: pace = .givenBeats
    case 2: pace = .everyColumns(Int(encoded[1]))
    default: pace = .detectedBeats
    }
    delaySamples = Int(encoded[2])
    wakePercent = Int(encoded[3])
    policy.majorityCount = Int(encoded[4])
    policy.hysteresisCount = Int(encoded[5])
    policy.hysteresisMarginCodes = Int(encoded[6])
    policy.minimumMarginCodes = Int(encoded[7])
    quality = .init(
      lowestCount: Int16(truncatingIfNeeded: encoded[8]), highestCount: Int16(truncatingIfNeeded: encoded[9]),
      flatCounts: encoded[10], flatSamples: encoded[11], saturatedSamples: encoded[12],
      saturationSpanSamples: encoded[13], refillSamples: encoded[14])
    (detectorLead, lostLead) = (Int(encoded[18]), Monitor.LostLead(rawValue: encoded[19]) ?? .noResult)
    if encoded[15] >= 0 {
      rhythmPrior = .init(
        classIndex: Int(encoded[15]), codesPerOctave: Int(encoded[16]), neutralPartLog2Q16: encoded[17])
    }
  }

  /// A checksum, continued over the options.
  func checksum(continuing previous: UInt32) -> UInt32 {
    let words = encoded
    return unsafe withUnsafeBytes(of: words) {
      unsafe CRC32.checksum($0, continuing: previous)
    }
  }
}
