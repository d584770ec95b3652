import Foundation
import Tasks

/// What a beat's interval says of its class, in double precision: the twin of the runtime's `RhythmPrior`, and what is right.
///
/// Chosen by `exporter validate`, on patients of DS1 that the network had not seen.
package struct FloatRhythmPrior: Sendable {
  /// How far the normal class's logit rises for an interval twice as long.
  package static let logitsPerOctave = 4.0
  /// The interval's part of the mean at which the logit stays.
  package static let neutralPart = 0.8
  private static let intervalCount = 256.0
  private static let leastIntervalCount = 8.0

  /// The class whose logit moves: the AAMI's N; nil where the classes are others, which needn't be early or in time.
  package static func normalClass(of classNames: [String]) -> Int? {
    classNames == TaskDefinition.aami.classNames ? classNames.firstIndex(of: "N") : nil
  }

  private var lastBeat: Int?
  private var mean = 0.0
  private var count = 0.0

  /// Creates a prior that has seen no beat.
  package init() {}

  /// Takes a beat, at a sample of any rate.
  ///
  /// - Returns: By how much the normal class's logit rises in the decision about it.
  package mutating func offset(ofBeatAt sample: Int) -> Double {
    defer { lastBeat = sample }
    guard let lastBeat, sample > lastBeat else { return 0 }
    var interval = Double(sample - lastBeat)
    var offset = 0.0
    if count >= Self.leastIntervalCount {
      offset = Self.logitsPerOctave * log2(interval / (Self.neutralPart * mean))
      interval = min(max(interval, mean / 2), mean * 2)
    }
    count = min(count + 1, Self.intervalCount)
    mean += (interval - mean) / count
    return offset
  }

  /// The decisions about a signal's beats with the logits moved; `beats` are all of them, in order of time.
  ///
  /// A moved logit stays within `range`, such as that of an integer twin's codes.
  package static func moved(
    _ decisions: [BeatDecision], normalClass: Int, beats: some Sequence<Int>,
    within range: ClosedRange<Float> = -.infinity ... .infinity
  ) -> [BeatDecision] {
    var prior = FloatRhythmPrior()
    var offsets: [Int: Double] = [:]
    for beat in beats { offsets[beat] = prior.offset(ofBeatAt: beat) }
    return decisions.map { decision in
      var decision = decision
      guard let offset = offsets[decision.sample], offset != 0 else { return decision }
      let moved = decision.logits[normalClass] + Float(offset)
      decision.logits[normalClass] = min(max(moved, range.lowerBound), range.upperBound)
      return decision
    }
  }
}
