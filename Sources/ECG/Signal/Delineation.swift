import Foundation

/// Where a QRS complex begins and ends, in samples.
package struct QRSBoundaries: Equatable, Sendable {
  /// The first sample of the complex.
  package var onset: Int
  /// The first sample after it, the J point.
  package var offset: Int

  /// Creates boundaries.
  package init(onset: Int, offset: Int) {
    (self.onset, self.offset) = (onset, offset)
  }
}

/// Finds where QRS complexes begin and end, in one lead or in several at once.
///
/// A complex is where the leads move fast. Their slopes, low-passed and put together over the leads as the length of
/// a vector, are averaged over a short window; from the steepest place near the beat one walks outwards until the
/// average has stayed for a while below a share of its peak, or below a multiple of what it is in the quiet before
/// or after. The boundaries lie some milliseconds further out, where experts put them. With several leads that gives
/// the first onset and the last offset, as a clinician measures the duration.
///
/// A complex in the middle of which all leads stand still for 28 ms is taken to end there.
///
/// The constants are those of the least mean error over the odd records of LUDB, lead II.
package struct QRSDelineator: Sendable {
  private let sampleRateHz: Double
  /// A low-pass of two means of this many samples, and the window of the averaged slope.
  private let window: Int
  private let hold: Int

  private static let windowMs = 14.0
  private static let holdMs = 28.0
  private static let peakShare = 0.15
  private static let noiseFactor = 2.5
  private static let noiseQuantile = 0.3
  /// How far from the beat the steepest place may be, and how far the boundaries.
  private static let peakReachMs = 120.0
  private static let reachMs = 220.0
  /// What lies between the walk's end and the experts' boundary.
  private static let onsetCorrectionMs = 11.0
  private static let offsetCorrectionMs = 8.0

  /// Creates a delineator for signals of a rate, positive.
  package init(sampleRateHz: Double) {
    precondition(sampleRateHz > 0 && sampleRateHz < 1e6, "a rate of an ECG")
    self.sampleRateHz = sampleRateHz
    window = max(1, Int((Self.windowMs / 1000 * sampleRateHz).rounded()))
    hold = max(1, Int((Self.holdMs / 1000 * sampleRateHz).rounded()))
  }

  /// The boundaries of each beat's complex; nil where it isn't within the signal, or nothing moves.
  ///
  /// - Parameters:
  ///   - leads: The leads' samples, in any one unit, all of one length: `[lead][sample]`.
  ///   - beats: The beats' samples, each within the complex or next to it.
  /// - Returns: The boundaries, one a beat.
  package func delineate(_ leads: [[Float]], beats: [Int]) -> [QRSBoundaries?] {
    let count = leads.first?.count ?? 0
    precondition(leads.allSatisfy { $0.count == count }, "leads of one length")
    guard count > 2 * window else { return beats.map { _ in nil } }
    let speed = speed(leads)
    return beats.map { boundaries(around: $0, speed) }
  }

  /// The averaged speed of the leads' vector at each sample.
  private func speed(_ leads: [[Float]]) -> [Double] {
    var squares = [Double](repeating: 0, count: leads[0].count)
    for lead in leads {
      let smooth = Self.mean(Self.mean(lead.map(Double.init), window), window)
      for index in squares.indices.dropFirst().dropLast() {
        let slope = smooth[index + 1] - smooth[index - 1]
        squares[index] += slope * slope
      }
    }
    return Self.mean(squares.map { $0.squareRoot() }, window)
  }

  /// The mean over `length` samples around each one; the ends stand for what is beyond them.
  private static func mean(_ values: [Double], _ length: Int) -> [Double] {
    let (before, last) = ((length - 1) / 2, values.count - 1)
    var sum = (0..<length).reduce(0) { $0 + values[min(max($1 - before, 0), last)] }
    return values.indices.map { index in
      defer {
        sum += values[min(index + length - before, last)] - values[max(index - before, 0)]
      }
      return sum / Double(length)
    }
  }

  private func boundaries(around beat: Int, _ speed: [Double]) -> QRSBoundaries? {
    func samples(_ milliseconds: Double) -> Int { Int((milliseconds / 1000 * sampleRateHz).rounded()) }
    func clamped(_ from: Int, _ to: Int) -> Range<Int> {
      let lower = min(max(from, 0), speed.count)
      return lower..<max(lower, min(to, speed.count))
    }
    guard speed.indices.contains(beat),
      let peak = clamped(beat - samples(Self.peakReachMs), beat + samples(Self.peakReachMs)).max(by: {
        speed[$0] < speed[$1]
      }), speed[peak] > 0
    else { return nil }
    let quietBefore = quantile(speed[clamped(beat - samples(200), beat - samples(70))])
    let quietAfter = quantile(speed[clamped(beat + samples(70), beat + samples(220))])
    let reach = samples(Self.reachMs)
    guard
      let first = walk(from: peak, by: -1, reach, speed, threshold(speed[peak], quietBefore)),
      let last = walk(from: peak, by: 1, reach, speed, threshold(speed[peak], quietAfter))
    else { return nil }
    let onset = max(0, first - samples(Self.onsetCorrectionMs))
    let offset = min(speed.count - 1, last + samples(Self.offsetCorrectionMs))
    return QRSBoundaries(onset: onset, offset: offset)
  }

  private func threshold(_ peak: Double, _ quiet: Double?) -> Double {
    // Where noise is half as fast as the complex, half of its peak must do.
    min(max(Self.peakShare * peak, Self.noiseFactor * (quiet ?? 0)), 0.5 * peak)
  }

  private func quantile(_ values: ArraySlice<Double>) -> Double? {
    guard !values.isEmpty else { return nil }
    let sorted = values.sorted()
    return sorted[Int(Self.noiseQuantile * Double(sorted.count - 1))]
  }

  /// The first sample in a direction from which on the speed stays below a threshold; nil where the signal or the
  /// reach ends before.
  private func walk(
    from start: Int, by step: Int, _ reach: Int, _ speed: [Double], _ threshold: Double
  ) -> Int? {
    var quiet = 0
    var place = start
    while abs(place - start) < reach + hold {
      place += step
      guard speed.indices.contains(place) else { return nil }
      quiet = speed[place] < threshold ? quiet + 1 : 0
      if quiet == hold { return place - step * (hold - 1) }
    }
    return nil
  }
}
