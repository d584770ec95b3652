/// How detected beats meet the reference's: the counts of ANSI/AAMI EC57 for a detector of QRS complexes.
///
/// Both lists are walked in order of time, as WFDB's `bxb` does: a detection and a reference beat within 150 ms of
/// each other match, unless the next one of either list is nearer, and that one isn't another's.
package struct BeatMatching: Equatable, Sendable {
  /// A reference beat and the detection of it, in samples.
  package struct Match: Equatable, Sendable {
    /// The reference beat's sample.
    package var reference: Int
    /// The detection's sample.
    package var detected: Int

    /// Creates a match.
    package init(reference: Int, detected: Int) {
      self.reference = reference
      self.detected = detected
    }
  }

  /// EC57's match window, on each side of the reference beat.
  package static let toleranceSeconds = 0.150

  /// The beats that were found.
  package private(set) var matches: [Match] = []
  /// The reference beats that were not found, in samples.
  package private(set) var missed: [Int] = []
  /// The detections where there is no beat, in samples.
  package private(set) var extra: [Int] = []

  /// Matches one record's beats.
  ///
  /// - Parameters:
  ///   - reference: The reference beats' samples, not negative.
  ///   - detected: The detections' samples, not negative, at the same rate.
  ///   - sampleRateHz: The rate, positive.
  ///   - start: The sample at which the comparison starts, after a learning period: reference beats before it don't
  ///     count, nor do detections before it or within the tolerance after it that match no other beat.
  ///   - excluding: Samples that don't count, such as ventricular flutter: reference beats in them, and detections in
  ///     them that match no other beat.
  package init(
    reference: [Int], detected: [Int], sampleRateHz: Double, startingAt start: Int = 0,
    excluding: [Range<Int>] = []
  ) {
    let (beats, detections) = (reference.sorted(), detected.sorted())
    for pair in Self.pairs(
      of: beats, and: detections, sampleRateHz: sampleRateHz, startingAt: start, excluding: excluding)
    {
      switch pair {
      case .match(let beat, let detection):
        matches.append(Match(reference: beats[beat], detected: detections[detection]))
      case .missed(let beat): missed.append(beats[beat])
      case .extra(let detection): extra.append(detections[detection])
      }
    }
  }

  /// What becomes of a beat or a detection, by their places in the two lists.
  enum Pair: Equatable {
    case match(beat: Int, detection: Int)
    case missed(beat: Int)
    case extra(detection: Int)
  }

  /// Matches two sorted lists; see `init(reference:detected:sampleRateHz:startingAt:excluding:)`.
  static func pairs(
    of reference: [Int], and detections: [Int], sampleRateHz: Double, startingAt start: Int,
    excluding: [Range<Int>]
  ) -> [Pair] {
    precondition(sampleRateHz > 0, "the rate is positive")
    precondition(reference.first ?? 0 >= 0 && detections.first ?? 0 >= 0, "samples are not negative")
    let tolerance = Int(min(toleranceSeconds * sampleRateHz, 0x1p31))
    func isExcluded(_ sample: Int) -> Bool { excluding.contains { $0.contains(sample) } }
    let beats = reference.indices.filter { reference[$0] >= start && !isExcluded(reference[$0]) }
    func place(_ beat: Int) -> Int? { beat < beats.count ? reference[beats[beat]] : nil }
    func detectedPlace(_ detection: Int) -> Int? {
      detection < detections.count ? detections[detection] : nil
    }

    var pairs: [Pair] = []
    var (beat, detection) = (0, 0)
    while let expected = place(beat), let found = detectedPlace(detection) {
      let next =
        found < expected
        ? distance(expected, detectedPlace(detection + 1)) : distance(found, place(beat + 1))
      let nextPair = distance(place(beat + 1), detectedPlace(detection + 1))
      let error = distance(expected, found)
      if error <= tolerance && (error < next || nextPair < next) {
        pairs.append(.match(beat: beats[beat], detection: detection))
        beat += 1
        detection += 1
      } else if found < expected {
        pairs.append(.extra(detection: detection))
        detection += 1
      } else {
        pairs.append(.missed(beat: beats[beat]))
        beat += 1
      }
    }
    pairs += beats[beat...].map { .missed(beat: $0) }
    pairs += (detection..<detections.count).map { .extra(detection: $0) }
    return pairs.filter { pair in
      guard case .extra(let detection) = pair else { return true }
      let isInLearning = start > 0 && detections[detection] - tolerance <= start
      return !isInLearning && !isExcluded(detections[detection])
    }
  }

  private static func distance(_ first: Int?, _ second: Int?) -> Int {
    guard let first, let second else { return .max }
    return abs(first - second)
  }

  /// Adds another record's counts, for gross figures.
  package mutating func add(_ other: BeatMatching) {
    matches += other.matches
    missed += other.missed
    extra += other.extra
  }

  /// The share of the reference beats that were found; nil where there are none.
  package var sensitivity: Double? { Self.share(of: matches.count, and: missed.count) }

  /// The share of the detections that are beats; nil where there are none.
  package var positivePredictivity: Double? { Self.share(of: matches.count, and: extra.count) }

  private static func share(of count: Int, and rest: Int) -> Double? {
    count + rest > 0 ? Double(count) / Double(count + rest) : nil
  }
}
