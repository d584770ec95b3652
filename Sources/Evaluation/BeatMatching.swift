/// How detected beats meet the reference's: the counts of ANSI/AAMI EC57 for a detector of QRS complexes.
///
/// Both lists are walked in order of time, as WFDB's `bxb` does: a detection and a reference beat within 150 ms
/// of each other match, unless the next one of either list is nearer.
public struct BeatMatching: Equatable, Sendable {
  /// A reference beat and the detection of it, in samples.
  public struct Match: Equatable, Sendable {
    /// The reference beat's sample.
    public var reference: Int
    /// The detection's sample.
    public var detected: Int

    /// Creates a match.
    public init(reference: Int, detected: Int) {
      self.reference = reference
      self.detected = detected
    }
  }

  /// EC57's match window, on each side of the reference beat.
  public static let toleranceSeconds = 0.150

  /// The beats that were found.
  public private(set) var matches: [Match] = []
  /// The reference beats that were not found, in samples.
  public private(set) var missed: [Int] = []
  /// The detections where there is no beat, in samples.
  public private(set) var extra: [Int] = []

  /// Matches one record's beats.
  ///
  /// - Parameters:
  ///   - reference: The reference beats' samples, not negative.
  ///   - detected: The detections' samples, not negative, at the same rate.
  ///   - sampleRateHz: The rate, positive.
  ///   - excluding: Samples that don't count, such as a learning period or ventricular flutter: reference beats
  ///     in them, and detections in them or within the tolerance of them that match no other beat.
  public init(reference: [Int], detected: [Int], sampleRateHz: Double, excluding: [Range<Int>] = []) {
    precondition(sampleRateHz > 0, "the rate is positive")
    let tolerance = Int(min(Self.toleranceSeconds * sampleRateHz, 0x1p31))
    let beats = reference.filter { beat in !excluding.contains { $0.contains(beat) } }.sorted()
    let detections = detected.sorted()
    precondition(beats.first ?? 0 >= 0 && detections.first ?? 0 >= 0, "samples are not negative")

    var (beat, detection) = (0, 0)
    while beat < beats.count, detection < detections.count {
      let error = detections[detection] - beats[beat]
      if error < -tolerance {
        extra.append(detections[detection])
        detection += 1
      } else if error > tolerance {
        missed.append(beats[beat])
        beat += 1
      } else if detection + 1 < detections.count, abs(detections[detection + 1] - beats[beat]) < abs(error) {
        extra.append(detections[detection])
        detection += 1
      } else if beat + 1 < beats.count, abs(detections[detection] - beats[beat + 1]) < abs(error) {
        missed.append(beats[beat])
        beat += 1
      } else {
        matches.append(Match(reference: beats[beat], detected: detections[detection]))
        beat += 1
        detection += 1
      }
    }
    missed += beats[beat...]
    extra += detections[detection...]
    extra.removeAll { sample in
      excluding.contains { sample + tolerance >= $0.lowerBound && sample - tolerance < $0.upperBound }
    }
  }

  /// Adds another record's counts, for gross figures.
  public mutating func add(_ other: BeatMatching) {
    matches += other.matches
    missed += other.missed
    extra += other.extra
  }

  /// The share of the reference beats that were found; nil where there are none.
  public var sensitivity: Double? { Self.share(of: matches.count, and: missed.count) }

  /// The share of the detections that are beats; nil where there are none.
  public var positivePredictivity: Double? { Self.share(of: matches.count, and: extra.count) }

  private static func share(of count: Int, and rest: Int) -> Double? {
    count + rest > 0 ? Double(count) / Double(count + rest) : nil
  }
}
