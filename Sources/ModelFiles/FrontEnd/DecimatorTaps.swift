import Foundation
import Networks
import QuantInfer
import Support

/// The taps of a device's `Decimator`: a sinc in a Kaiser window, in Q15.
///
/// Below 0.32 of the lower rate (41 of 128 Hz) the gain is 1 within 0.05 dB, and at 0.375 (48 Hz) half a decibel less;
/// from 0.69 of it on (88 Hz), what would alias to below 0.32 is 44 to 50 dB down. What lies between aliases onto the
/// upper third of the band, at which a network should not look. The delay is exactly four samples of the lower rate, at
/// any ratio.
package struct DecimatorTaps: Sendable {
  /// The target rate's term of the ratio, which is the number of rows.
  package let numerator: Int
  /// The source rate's term.
  package let denominator: Int
  /// The taps of a row.
  package let tapCount: Int
  /// `[row, tap]`; each row's sum is 1.
  package let tapsQ15: [Int16]

  /// How long after its input an output comes, in samples of the lower rate.
  package static let delaySamples = 4
  /// The frequency up to which the gain is 1, as a part of the lower rate.
  package static let passBand = 0.32
  /// The frequency from which on nothing comes through, as a part of the lower rate.
  package static let stopBand = 0.6875
  private static let decibels = 50.0

  /// Designs the taps for a ratio in lowest terms.
  ///
  /// - Throws: `InvalidNetwork` where the ratio isn't one of a device's decimator: at most 2 to 3, in terms up to 1,000,
  ///   and rows of at most 256 taps.
  package init(numerator: Int, denominator: Int) throws(InvalidNetwork) {
    let inputsPerOutput = Double(denominator) / Double(max(1, numerator))
    let delay = Double(Self.delaySamples) * inputsPerOutput
    guard numerator > 0, 3 * numerator <= 2 * denominator, denominator <= Decimator.greatestTerm,
      2 * delay + 1 <= Double(Decimator.greatestTapCount)
    else {
      throw InvalidNetwork(
        "a device has no decimator of \(numerator) to \(denominator): only from 1.5 to 31 times the rate, in terms up to "
          + "1,000")
    }
    let tapCount = Int(2 * delay) + 1
    let cutoff = (Self.passBand + Self.stopBand) / inputsPerOutput
    let beta = Kaiser.beta(decibels: Self.decibels)
    (self.numerator, self.denominator, self.tapCount) = (numerator, denominator, tapCount)
    tapsQ15 = (0..<numerator).flatMap { row -> [Int16] in
      // An output's time lies `row / numerator` inputs before the newest one.
      let weights = (0..<tapCount).map { tap -> Double in
        let time = Double(tap) - Double(row) / Double(numerator) - delay
        guard abs(time) <= delay else { return 0 }
        let angle = Double.pi * cutoff * time
        return (angle == 0 ? 1 : sin(angle) / angle) * Kaiser.weight(time / delay, beta: beta)
      }
      let sum = weights.reduce(0, +)
      var codes = weights.map { Int(($0 / sum * 32_768).rounded()) }
      // Rounding's remainder goes where it matters least.
      let largest = codes.indices.max { codes[$0] < codes[$1] } ?? 0
      codes[largest] += 32_768 - codes.reduce(0, +)
      return codes.map { Int16(clamping: $0) }
    }
  }
}
