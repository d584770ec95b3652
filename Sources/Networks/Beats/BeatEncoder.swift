import QuantInfer
import Tasks

/// The runtime's front end of beats at work on the host, in memory of its own: samples in, a network's input out.
package final class BeatEncoder {
  /// The inputs of a beat.
  package let inputCount: Int
  /// The points of the beat that was taken last, and behind them the points less the template.
  package var points: UnsafeBufferPointer<Int32> {
    UnsafeBufferPointer(start: frontEnd.points, count: 2 * pointCount)
  }
  /// How many samples ago a beat may have been, so that what is about it is still there.
  package let greatestAge: Int
  private let pointCount: Int
  private let memory: UnsafeMutableRawBufferPointer
  private let state: UnsafeMutableRawBufferPointer
  private var frontEnd: BeatFrontEnd
  private var sampleCount = 0

  /// Starts a front end; nil where the settings aren't those of beats.
  ///
  /// - Parameters:
  ///   - settings: The settings.
  ///   - microvoltsPerCount: The converter's step; nil for that of the settings.
  package init?(_ settings: SpectrogramSettings, microvoltsPerCount: Float? = nil) {
    guard let beats = settings.beats else { return nil }
    let record = BeatRecord(
      settings, beats, microvoltsPerCount: microvoltsPerCount ?? Float(beats.microvoltsPerCount))
    inputCount = beats.inputCount
    pointCount = beats.pointCount
    // The record is read in place, and lies in front of the state and the points.
    let recordByteCount = (record.bytes.count + 7) / 8 * 8
    let sizes = record.withPlan { (state: $0.frontEndByteCount, points: $0.pointByteCount) }
    greatestAge = record.withPlan(\.greatestAge)
    memory = .allocate(byteCount: recordByteCount + sizes.state + sizes.points, alignment: 8)
    memory.initializeMemory(as: UInt8.self, repeating: 0)
    memory.copyBytes(from: record.bytes)
    let start = memory.baseAddress!
    state = UnsafeMutableRawBufferPointer(rebasing: memory[recordByteCount..<recordByteCount + sizes.state])
    frontEnd = BeatFrontEnd(
      BeatPlan(record: UnsafeRawPointer(start)), state: start + recordByteCount,
      points: start + recordByteCount + sizes.state)
    frontEnd.reset()
  }

  deinit { memory.deallocate() }

  /// Takes a sample, in counts.
  package func push(_ sample: Int16) {
    frontEnd.push(sample, number: UInt32(truncatingIfNeeded: sampleCount))
    sampleCount += 1
  }

  /// The samples so far.
  package var count: Int { sampleCount }

  /// Goes on from where another front end is, whose settings differ in the limits of known beats alone.
  ///
  /// - Precondition: Its state has the same size.
  func goOn(from other: BeatEncoder) {
    precondition(state.count == other.state.count)
    state.copyMemory(from: UnsafeRawBufferPointer(other.state))
    sampleCount = other.sampleCount
  }

  /// Passes a beat over about which nothing can be told.
  package func skip(beatAt sample: Int) { frontEnd.skip(beatAt: UInt32(truncatingIfNeeded: sample)) }

  /// Takes a beat about which all samples have come.
  ///
  /// - Parameters:
  ///   - sample: Its sample.
  ///   - next: The next beat's sample; nil where it hasn't come.
  ///   - codes: Receives `inputCount` codes.
  /// - Returns: Whether it is known, and answered without the network: then there are no codes.
  package func encode(
    beatAt sample: Int, next: Int?, into codes: UnsafeMutableBufferPointer<Int8>
  ) -> BeatFrontEnd.Beat {
    let samplesToNext = next.map { UInt32(truncatingIfNeeded: $0 - sample) } ?? .max
    let start = codes.baseAddress!
    let beat = frontEnd.take(
      UInt32(truncatingIfNeeded: sample), next: samplesToNext, figures: start + 2 * pointCount)
    if !beat.isAnswered { frontEnd.encode(beat, into: start) }
    return beat
  }
}
