import Foundation
import Networks
import QuantInfer

extension QuantizedNetwork.Weights {
  /// Chooses scales and biases with which sums that are rounded twice become, mostly, the codes of sums rounded once.
  ///
  /// TensorFlow Lite Micro rounds a product to a 2^r-th of a code, then to a code: half of a 2^r-th is enough less to reach
  /// the next code, away from zero. That is a half to a whole unit of the sum. A unit less in the bias, or a factor smaller
  /// by some millionths, which takes as much where codes are some 32 steps from zero, or both, undo most of it: of all such
  /// pairs each channel gets the one with which the fewest sums become another code.
  ///
  /// - Parameters:
  ///   - source: The input.
  ///   - target: The output.
  ///   - limits: The codes that the output can have.
  mutating func undoRoundingTwice(
    from source: QuantizedNetwork.Tensor, to target: QuantizedNetwork.Tensor, limits: ClosedRange<Int>
  ) {
    guard accumulatorBits == 32, let wanted = scales else { return }
    let steps = CodeSteps(limits, zeroPoint: target.zeroPoint)
    var (scales, corrections) = (wanted, [Int64](repeating: 0, count: biases.count))
    for channel in wanted.indices where multipliers[channel].leftShift < 0 {
      let factor = Double(source.scale) * Double(wanted[channel]) / Double(target.scale)
      let half = 0.5 * pow(2, Double(multipliers[channel].leftShift))
      var least = Double.infinity
      for correction in [0, -1] as [Int64] {
        // In 40ths of a sum's unit, at the usual distance from zero.
        for part in -40...40 {
          let change = Double(part) / 40 * factor / CodeSteps.usualDistance
          let scale = Float(Double(wanted[channel]) * (1 + change))
          let other = Double(source.scale) * Double(scale) / Double(target.scale)
          let others = steps.sumsOfOtherCodes(
            factor, other, half: half, bias: Double(correction), below: least)
          guard others < least else { continue }
          (least, scales[channel], corrections[channel]) = (others, scale, correction)
        }
      }
    }
    let chosen = Self(
      codes: codes, biases: zip(biases, corrections).map(+), scales: scales, inputScale: source.scale,
      outputScale: target.scale)
    (biases, self.scales, multipliers) = (chosen.biases, chosen.scales, chosen.multipliers)
  }
}

/// The places between a tensor's codes where a sum becomes the next one.
private struct CodeSteps {
  /// What codes' distance from zero is usually, in the root mean square: the range that a calibration gives a tensor, 255
  /// steps, is some eight deviations of it.
  static let usualDistance = 32.0

  /// Half a code before a code, away from zero.
  private var magnitudes: [Double] = []
  /// The side of zero.
  private var signs: [Double] = []
  /// How often a sum lies there.
  private var weights: [Double] = []

  init(_ codes: ClosedRange<Int>, zeroPoint: Int) {
    for code in codes where code != zeroPoint {
      let distance = Double(abs(code - zeroPoint)) / Self.usualDistance
      magnitudes.append(Double(abs(code - zeroPoint)) - 0.5)
      signs.append(code > zeroPoint ? 1 : -1)
      weights.append(exp(-distance * distance / 2))
    }
  }

  /// How many sums become another code by a factor, a bias and rounding twice than by the right factor and rounding once;
  /// anything from `limit` on where there are more than that.
  func sumsOfOtherCodes(
    _ right: Double, _ factor: Double, half: Double, bias: Double, below limit: Double
  ) -> Double {
    var count = 0.0
    for index in magnitudes.indices {
      let first = (magnitudes[index] / right).rounded(.up)
      let other = ((magnitudes[index] - half) / factor - signs[index] * bias).rounded(.up)
      count += weights[index] * abs(first - other)
      if count >= limit { break }
    }
    return count
  }
}
