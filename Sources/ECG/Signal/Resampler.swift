import Foundation
import Support

/// Changes a signal's sampling rate by a ratio of whole numbers.
///
/// A polyphase filter: a sinc in a Kaiser window, in `Float`. Below 0.8 of the lower rate's half the gain is
/// 1 within 0.001 dB; from that half on, what would alias is at least 85 dB down. It has no delay: output
/// sample `m` is the signal at the time of `m / targetRateHz`, so labels move by the ratio of the rates.
package struct Resampler: Sendable {
  /// The rate of what comes in.
  package let sourceRateHz: Double
  /// The rate of what goes out.
  package let targetRateHz: Double
  /// The ratio of the rates in lowest terms is `numerator / denominator`.
  package let numerator: Int
  /// The ratio of the rates in lowest terms is `numerator / denominator`.
  package let denominator: Int
  /// The input samples that an output sample is made of, a multiple of 16.
  package let tapCount: Int
  /// The filter, `[phase, tap]`.
  private let taps: [Float]

  /// The design's attenuation of aliases, with a margin for rounding.
  private static let designDecibels = 90.0
  /// The pass band's share of the lower rate's half.
  private static let passBand = 0.8
  private static let maximumTerm = 1 << 15
  private static let maximumTaps = 1 << 23

  /// Designs the filter.
  ///
  /// Rates that are not whole numbers are brought to a ratio that is right within a millionth.
  ///
  /// - Throws: `FileError`, malformed, where a rate is not positive or no ratio of numbers up to 32,768 is
  ///   close enough.
  package init(from sourceRateHz: Double, to targetRateHz: Double) throws(FileError) {
    let what = "resampling from \(Numbers.shortest(sourceRateHz)) Hz to \(Numbers.shortest(targetRateHz)) Hz"
    guard sourceRateHz > 0, targetRateHz > 0, sourceRateHz.isFinite, targetRateHz.isFinite else {
      throw .malformed(what, "is not possible", remedy: "choose rates above 0")
    }
    guard let ratio = Self.fraction(targetRateHz / sourceRateHz) else {
      throw .malformed(
        what, "needs a ratio of numbers above \(Self.maximumTerm)", remedy: "choose rates of a simpler ratio")
    }
    // The filter on the source's grid: its transition ends at the lower rate's half.
    let lower = min(1, Double(ratio.numerator) / Double(ratio.denominator))
    let transition = Double.pi * lower * (1 - Self.passBand)
    let length = (Self.designDecibels - 8) / (2.285 * transition) + 2
    let tapCount = Int((length / 16).rounded(.up)) * 16
    guard ratio == (1, 1) || tapCount * ratio.numerator <= Self.maximumTaps else {
      throw .malformed(what, "needs too long a filter", remedy: "choose rates closer to each other")
    }
    self.sourceRateHz = sourceRateHz
    self.targetRateHz = targetRateHz
    (numerator, denominator) = ratio
    self.tapCount = tapCount
    taps =
      ratio == (1, 1)
      ? [] : Self.design(phases: numerator, tapCount, cutoff: lower * (1 + Self.passBand) / 2)
  }

  /// Resamples a signal; beyond its ends it is taken to keep its first and last value.
  ///
  /// - Returns: The samples at the target's rate whose times are not beyond the last input sample's.
  package func callAsFunction(_ input: [Float]) -> [Float] {
    guard numerator != denominator, let first = input.first, let last = input.last else { return input }
    let half = tapCount / 2
    var padded = [Float](repeating: first, count: half)
    padded.reserveCapacity(input.count + 2 * half)
    padded += input
    padded += repeatElement(last, count: half)
    let count = (input.count - 1) * numerator / denominator + 1
    return [Float](unsafeUninitializedCapacity: count) { output, initialized in
      padded.withUnsafeBytes { samples in
        taps.withUnsafeBytes { taps in
          var (position, phase) = (1, 0)
          let (step, phaseStep) = denominator.quotientAndRemainder(dividingBy: numerator)
          for index in 0..<count {
            output[index] = product(
              samples.baseAddress! + position * 4, taps.baseAddress! + phase * tapCount * 4, tapCount)
            position += step
            phase += phaseStep
            if phase >= numerator {
              phase -= numerator
              position += 1
            }
          }
        }
      }
      initialized = count
    }
  }

  /// The nearest ratio of small numbers by continued fraction; nil where none is within a millionth.
  private static func fraction(_ value: Double) -> (numerator: Int, denominator: Int)? {
    func error(_ ratio: (Int, Int)) -> Double { abs(Double(ratio.0) / Double(ratio.1) - value) / value }
    var (previous, current) = ((0, 1), (1, 0))
    var rest = value
    while rest < Double(maximumTerm) {
      let term = Int(rest)
      let next = (term * current.0 + previous.0, term * current.1 + previous.1)
      guard next.0 <= maximumTerm, next.1 <= maximumTerm else { break }
      (previous, current) = (current, next)
      if current.0 > 0, error(current) <= 1e-13 { break }
      rest = 1 / (rest - Double(term))
    }
    return current.0 > 0 && current.1 > 0 && error(current) <= 1e-6 ? current : nil
  }

  /// The filter's taps, `[phase, tap]`, each phase with a gain of 1 at 0 Hz; `cutoff` is a share of the
  /// source's half rate.
  private static func design(phases: Int, _ tapCount: Int, cutoff: Double) -> [Float] {
    let half = Double(tapCount / 2)
    let beta = Kaiser.beta(decibels: designDecibels)
    var taps: [Float] = []
    taps.reserveCapacity(phases * tapCount)
    for phase in 0..<phases {
      var row: [Double] = []
      for tap in 0..<tapCount {
        // The time from the output sample to the input sample that the tap weighs.
        let time = Double(tap + 1) - half - Double(phase) / Double(phases)
        let x = Double.pi * cutoff * time
        let sinc = x == 0 ? 1 : sin(x) / x
        row.append(sinc * Kaiser.weight(time / half, beta: beta))
      }
      let sum = row.reduce(0, +)
      taps += row.map { Float($0 / sum) }
    }
    return taps
  }
}

/// The scalar product of `count` floats, a multiple of 16.
@inline(__always)
private func product(_ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ count: Int) -> Float {
  var first = SIMD8<Float>.zero
  var second = SIMD8<Float>.zero
  var offset = 0
  while offset < count &* 4 {
    first +=
      a.loadUnaligned(fromByteOffset: offset, as: SIMD8<Float>.self)
      * b.loadUnaligned(fromByteOffset: offset, as: SIMD8<Float>.self)
    second +=
      a.loadUnaligned(fromByteOffset: offset &+ 32, as: SIMD8<Float>.self)
      * b.loadUnaligned(fromByteOffset: offset &+ 32, as: SIMD8<Float>.self)
    offset &+= 64
  }
  return (first + second).sum()
}

extension Signal {
  /// The samples in millivolts at another rate; invalid ones as in `millivolts()`.
  ///
  /// - Throws: `FileError`, malformed, where the unit is no voltage or the rates have no simple ratio.
  package func millivolts(atRateHz rateHz: Double) throws(FileError) -> [Float] {
    try Resampler(from: sampleRateHz, to: rateHz)(try millivolts())
  }
}
