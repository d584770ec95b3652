/// Finds a converter's low bits that don't change for a period.
struct StuckBitCheck {
  /// The bits that noise always moves.
  static let watchedBits: Int16 = 0b1111

  private let periodSamples: Int
  private var count: Int
  private var isWhole: Bool
  private var ones: Int16 = -1
  private var zeros: Int16 = -1

  /// Starts after a number of samples; the first period is judged where it is whole.
  init(periodSamples: Int, count: Int) {
    (self.periodSamples, self.count) = (periodSamples, count)
    isWhole = count % periodSamples == 0
  }

  /// Takes a count; returns whether a period ends in which a watched bit was the same all the time.
  mutating func push(_ sample: Int16) -> Bool {
    ones &= sample
    zeros &= ~sample
    count += 1
    guard count % periodSamples == 0 else { return false }
    let isStuck = isWhole && (ones | zeros) & Self.watchedBits != 0
    (ones, zeros, isWhole) = (-1, -1, true)
    return isStuck
  }

  /// The periods of a lead in which a watched bit doesn't change.
  static func alarms(in samples: [Int16], periodSamples: Int) -> Int {
    var check = StuckBitCheck(periodSamples: periodSamples, count: 0)
    return samples.count { check.push($0) }
  }
}
