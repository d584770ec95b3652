import ECG
import Foundation
import Testing
import TestSupport

/// Outside truth: a tone's amplitude and phase before and after.
@Suite struct ResamplerTests {
  private func tone(_ frequencyHz: Double, rateHz: Double, count: Int) -> [Float] {
    (0..<count).map { Float(sin(2 * Double.pi * frequencyHz * Double($0) / rateHz)) }
  }

  /// The amplitude of the tone `frequencyHz` that is in phase, by projection over the middle of the signal.
  private func gain(_ signal: [Float], _ frequencyHz: Double, rateHz: Double) -> (
    inPhase: Double, quadrature: Double
  ) {
    var (sine, cosine, energy) = (0.0, 0.0, 0.0)
    for index in signal.count / 4..<signal.count * 3 / 4 {
      let angle = 2 * Double.pi * frequencyHz * Double(index) / rateHz
      let window = 1 - cos(2 * Double.pi * Double(index - signal.count / 4) / Double(signal.count / 2))
      sine += window * Double(signal[index]) * sin(angle)
      cosine += window * Double(signal[index]) * cos(angle)
      energy += window / 2
    }
    return (sine / energy, cosine / energy)
  }

  private func decibels(_ amplitude: Double) -> Double { 20 * log10(amplitude) }

  private static let pairs = [(360.0, 128.0), (500, 128), (128, 360), (257.3, 128), (1000, 250), (360, 359)]

  @Test(arguments: pairs) func passesWhatLiesBelowFourFifthsOfTheLowerHalf(source: Double, target: Double)
    throws
  {
    let resample = try Resampler(from: source, to: target)
    for share in [0.01, 0.1, 0.3, 0.5, 0.7, 0.8] {
      let frequency = share * min(source, target) / 2
      let output = resample(tone(frequency, rateHz: source, count: 20_000))
      let (inPhase, quadrature) = gain(output, frequency, rateHz: target)
      #expect(abs(decibels(inPhase)) < 0.001, "\(frequency) Hz: \(decibels(inPhase)) dB")
      // No delay: nothing of the tone is out of phase.
      #expect(abs(quadrature) < 1e-4, "\(frequency) Hz: \(quadrature)")
    }
  }

  @Test(arguments: pairs.filter { $0.0 > $0.1 && $0.1 / $0.0 < 0.9 })
  func suppressesAliasesBy80Decibels(source: Double, target: Double) throws {
    let resample = try Resampler(from: source, to: target)
    for frequency in stride(from: target / 2, to: source / 2, by: (source - target) / 40) {
      let output = resample(tone(frequency, rateHz: source, count: 20_000))
      let middle = output[output.count / 4..<output.count * 3 / 4]
      let power = middle.reduce(0) { $0 + Double($1) * Double($1) } / Double(middle.count)
      #expect(decibels((2 * power).squareRoot()) < -80, "\(frequency) Hz")
    }
  }

  @Test func suppressesImagesBy80Decibels() throws {
    let output = try Resampler(from: 128, to: 360)(tone(40, rateHz: 128, count: 8000))
    #expect(decibels(abs(gain(output, 88, rateHz: 360).inPhase)) < -80)
    #expect(decibels(abs(gain(output, 168, rateHz: 360).quadrature)) < -80)
  }

  @Test func keepsAPulseAtItsTime() throws {
    let pulse = (0..<3600).map { Float(exp(-pow((Double($0) - 1800) / 12, 2))) }
    let output = try Resampler(from: 360, to: 128)(pulse)
    #expect(output.indices.max { output[$0] < output[$1] } == 640)
    #expect(abs(output[640] - 1) < 1e-3)
    #expect(abs(output[636] - output[644]) < 1e-5)
  }

  @Test func keepsAConstantUpToItsEnds() throws {
    let output = try Resampler(from: 360, to: 128)([Float](repeating: 1.5, count: 1000))
    #expect(output.count == 356)
    #expect(output.allSatisfy { abs($0 - 1.5) < 1e-5 })
  }

  @Test func reducesTheRatio() throws {
    let resample = try Resampler(from: 360, to: 128)
    #expect(resample.numerator == 16 && resample.denominator == 45)
    let odd = try Resampler(from: 257.3, to: 128)
    #expect(abs(Double(odd.numerator) / Double(odd.denominator) / (128 / 257.3) - 1) <= 1e-6)
    #expect(try Resampler(from: 128, to: 128)([1, 2, 3]) == [1, 2, 3])
    #expect(try Resampler(from: 360, to: 128)([]) == [])
    #expect(try Resampler(from: 360, to: 128)([2]) == [2])
  }

  @Test(arguments: [
    (0.0, 128.0), (360, 0), (-360, 128), (.nan, 128), (360, .infinity), (1e6, 1), (1, 1e9), (1, 1e-300),
  ])
  func refusesRatesItCantServe(source: Double, target: Double) {
    #expect(failure { _ = try Resampler(from: source, to: target) }?.kind == .malformed)
  }
}
