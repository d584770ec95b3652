import ECG

/// A record's reference labels, as EC57 compares an algorithm's with them.
package struct BeatReference: Sendable {
  /// A beat with its class.
  package struct Beat: Equatable, Sendable {
    /// The place, in samples at the record's rate.
    package var sample: Int
    /// The class.
    package var beatClass: AAMIClass

    /// Creates a beat.
    package init(sample: Int, beatClass: AAMIClass) {
      self.sample = sample
      self.beatClass = beatClass
    }
  }

  /// The beats, in order of time.
  package let beats: [Beat]
  /// The record's rate.
  package let sampleRateHz: Double
  /// The sample at which the comparison starts.
  package let start: Int
  /// The segments of ventricular flutter or fibrillation, which don't count.
  package let flutter: [Range<Int>]
  /// The segments in which both signals are unreadable.
  package let unreadable: [Range<Int>]
  /// Whether some beats are paced: EC57 leaves such records out.
  package let isPaced: Bool

  /// Prepares a record's labels.
  ///
  /// Beats that can't be classified, learning beats among them, are of class `Q`.
  ///
  /// - Parameters:
  ///   - labels: The reference.
  ///   - sampleRateHz: The record's rate, positive.
  ///   - learningSeconds: The length of the learning period at the record's start, which doesn't count.
  package init(_ labels: Annotations, sampleRateHz: Double, learningSeconds: Double) {
    self.sampleRateHz = sampleRateHz
    start = Int(min(max(0, learningSeconds * sampleRateHz), 0x1p52).rounded())
    let all = labels.all.sorted { $0.sample < $1.sample }
    beats = all.filter(\.code.isBeat).map {
      Beat(sample: $0.sample, beatClass: $0.code.aamiClass ?? .unknown)
    }
    isPaced = all.contains { $0.code == .paced }
    flutter = Self.segments(in: all) { label in
      switch label.code.mnemonic {
      case "[": true
      case "]": false
      default: nil
      }
    }
    // The two signals' bits of a note on the signals' quality that says "unreadable".
    unreadable = Self.segments(in: all) { label in
      label.code == .signalQuality ? label.subtype & 0x30 == 0x30 : nil
    }
  }

  /// The segments from each label that starts one to the next that ends it, both included; or to the end of time.
  private static func segments(
    in labels: [Annotation], starts: (Annotation) -> Bool?
  ) -> [Range<Int>] {
    var segments: [Range<Int>] = []
    var first: Int?
    for label in labels {
      switch starts(label) {
      case true?: first = first ?? label.sample
      case false?:
        if let start = first { segments.append(start..<label.sample + 1) }
        first = nil
      case nil: break
      }
    }
    if let first { segments.append(first..<Int.max) }
    return segments
  }

  /// Compares an algorithm's beats with the reference, beat by beat.
  ///
  /// - Parameter decided: Its beats, in samples at the record's rate, not negative.
  /// - Returns: The counts.
  package func comparison(with decided: [Beat]) -> BeatByBeat {
    let decided = decided.sorted { $0.sample < $1.sample }
    var comparison = BeatByBeat()
    for pair in BeatMatching.pairs(
      of: beats.map(\.sample), and: decided.map(\.sample), sampleRateHz: sampleRateHz, startingAt: start,
      excluding: flutter)
    {
      switch pair {
      case .match(let beat, let detection):
        comparison.add(beats[beat].beatClass, decided: decided[detection].beatClass)
      case .missed(let beat): comparison.addMissed(beats[beat].beatClass)
      case .extra(let detection):
        let beat = decided[detection]
        comparison.addExtra(
          beat.beatClass, isReadable: !unreadable.contains { $0.contains(beat.sample) })
      }
    }
    return comparison
  }
}
