import Networks
import Support

/// Another rhythm for a beat of a regular one: time before the beat is squeezed or spread in diastole, between the
/// T wave of one beat and the P wave of the next, so that every complex keeps its shape.
///
/// A premature beat is mostly a normal complex that comes early. The patients of a training set show few of
/// them; this makes them of any patient's normal beats.
package struct RhythmWarp {
  /// Whether the beat itself became premature.
  package let isPremature: Bool

  /// Where the warped time's pieces begin, in samples from the beat, oldest first, and what they show there.
  private var knots: [(time: Int, source: Int)] = []
  private var place = 0

  /// How many beats before a beat must be normal and regular.
  package static let beatsBefore = 5

  /// Draws a rhythm; nil where the intervals aren't regular, leave no room, or no other rhythm was drawn.
  ///
  /// - Parameters:
  ///   - intervals: The intervals before the beat, in samples, latest first.
  ///   - sampleRateHz: The samples' rate.
  ///   - augmentation: The shares of the rhythms.
  ///   - generator: Draws all that is random.
  package init?(
    intervals: ArraySlice<Int>, sampleRateHz: Double, augmentation: Augmentation,
    using generator: inout SeededGenerator
  ) {
    guard let shortest = intervals.min(), let longest = intervals.max(),
      Double(shortest) >= 0.58 * sampleRateHz, Double(longest) <= 1.6 * sampleRateHz,
      Double(longest) <= 1.35 * Double(shortest)
    else { return nil }

    // The part of each interval that is taken away; what is negative is added.
    var removed = [Double](repeating: 0, count: intervals.count)
    var prematurity = generator.next(in: 0.2...0.5)
    let chance = generator.nextUniform()
    let isIrregular = chance < augmentation.irregular
    isPremature = !isIrregular && chance < augmentation.irregular + augmentation.premature
    let hasEctopy = !isIrregular && generator.nextUniform() < augmentation.ectopy
    guard isIrregular || isPremature || hasEctopy else { return nil }
    let jitter = isIrregular ? 0.4 : generator.nextUniform() < 0.3 ? 0.1 : 0.04
    for index in removed.indices { removed[index] = generator.next(in: -jitter...jitter) }
    if hasEctopy {
      let isPaired = generator.nextUniform() < 0.3
      for index in removed.indices.dropFirst() {
        guard isPaired ? index % 2 == 0 : generator.nextUniform() < 0.3 else { continue }
        removed[index] = prematurity
        removed[index - 1] = -prematurity * generator.nextUniform()
      }
    }
    if isPremature {
      let run = generator.nextUniform() < 0.3 ? 2 + generator.nextIndex(below: intervals.count - 1) : 1
      for index in 0..<min(run, intervals.count) {
        removed[index] = prematurity
        prematurity += generator.next(in: -0.03...0.03)
      }
    }
    // Without its P wave an early beat is nodal, and the beats of fibrillation have none.
    let hidesPWave = (isPremature || isIrregular) && generator.nextUniform() < (isIrregular ? 0.7 : 0.4)

    let (afterBeat, beforeBeat) = (Int(0.33 * sampleRateHz), Int(0.22 * sampleRateHz))
    let beforeNodalBeat = Int(0.1 * sampleRateHz)
    let shortestDiastole = Int(0.03 * sampleRateHz)
    var (beat, shift) = (0, 0)
    var knots: [(time: Int, source: Int)] = []
    for (index, interval) in intervals.enumerated() {
      let end = beat - (index == 0 && hidesPWave ? beforeNodalBeat : beforeBeat)
      let start = beat - interval + afterBeat
      let length = max(end - start, shortestDiastole)
      let wanted = Int((removed[index] * Double(interval)).rounded())
      let newLength = max(length - wanted, shortestDiastole)
      if index == 0, isPremature, Double(length - newLength) < 0.15 * Double(interval) { return nil }
      knots.append((end + shift, end))
      shift += length - newLength
      knots.append((end - length + shift, end - length))
      beat -= interval
    }
    self.knots = knots.reversed()
  }

  /// The earliest sample that a window of time from `first` on shows, both counted from the beat.
  package func earliestSource(from first: Int) -> Int {
    min(first, first + knots[0].source - knots[0].time)
  }

  /// What a time shows, both in samples from the beat; times must come in their order.
  package mutating func source(of time: Double) -> Double {
    while place < knots.count, Double(knots[place].time) <= time { place += 1 }
    guard place < knots.count else { return time }
    let next = knots[place]
    guard place > 0 else { return time + Double(next.source - next.time) }
    let last = knots[place - 1]
    return Double(last.source)
      + (time - Double(last.time)) * Double(next.source - last.source) / Double(next.time - last.time)
  }
}
