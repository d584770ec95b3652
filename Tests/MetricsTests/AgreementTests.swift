import Foundation
import Metrics
import Testing

@Suite struct AgreementTests {
  private var handMade: Agreement {
    var agreement = Agreement()
    agreement.add(reference: [1, 2, 0], measured: [1.25, 2, 0])
    agreement.add(reference: [1, 1.5, 0], measured: [1.5, 1, 0])
    return agreement
  }

  @Test func countsDecisionsAndErrors() {
    #expect(handMade.top1 == 0.5)
    #expect(handMade.maxAbsoluteLogitError == 0.5)
    #expect(handMade.meanAbsoluteLogitError == 1.25 / 6)
  }

  @Test func firstOfEqualLogitsWins() {
    var agreement = Agreement()
    agreement.add(reference: [2, 2], measured: [3, 2])
    agreement.add(reference: [2, 2], measured: [2, 3])
    #expect(agreement.equalDecisions == 1)
  }

  @Test(arguments: [Float.nan, .infinity])
  func logitThatIsNotFiniteDisagrees(value: Float) {
    var agreement = Agreement()
    agreement.add(reference: [value, 0], measured: [value, 0])
    #expect(agreement.top1 == 0 && agreement.maxAbsoluteLogitError == .infinity)
  }

  @Test func sumHoldsTheDecisionsOfBoth() {
    var sum = handMade
    sum += handMade
    #expect(sum.decisions == 4 && sum.top1 == 0.5 && sum.meanAbsoluteLogitError == 1.25 / 6)
  }

  @Test func jsonHasTheContractsKeys() throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    var agreement = Agreement()
    agreement.add(reference: [0, 1], measured: [0, 1.5])
    #expect(
      String(decoding: try encoder.encode(agreement), as: UTF8.self)
        == #"{"decisions":1,"maxAbsoluteLogitError":0.5,"meanAbsoluteLogitError":0.25,"top1":1}"#)
  }
}

@Suite struct SignalToNoiseTests {
  /// A sine of amplitude A rounded to steps of q has about 10 log10((A^2 / 2) / (q^2 / 12)) dB.
  @Test func roundedSineHasTheTextbooksRatio() throws {
    var comparison = SignalToNoise(step: 0.001)
    for index in 0..<100_000 {
      let value = 3.3 * sin(Double(index) * 0.7)
      comparison.add(reference: value, measured: (value / 0.001).rounded() * 0.001)
    }
    let decibels = try #require(comparison.decibels)
    #expect(abs(decibels - 78.15) < 0.05)
    #expect(comparison.withinOneStep == 1)
    #expect(abs(comparison.maxAbsoluteStepError - 0.5) < 0.001)
  }

  @Test func countsValuesBeyondOneStep() {
    var comparison = SignalToNoise()
    for measured in [10.0, 11, 12, 7] { comparison.add(reference: 10, measured: measured) }
    #expect(comparison.withinOneStep == 0.5 && comparison.maxAbsoluteStepError == 3)
    #expect(comparison.decibels == 10 * log10(400.0 / 14))
  }

  @Test func limitsAreSaidNotComputed() {
    var comparison = SignalToNoise()
    #expect(comparison.decibels == nil && comparison.withinOneStep == nil)
    comparison.add(reference: 5, measured: 5)
    #expect(comparison.decibels == .infinity)
    comparison.add(reference: 5, measured: .nan)
    #expect(comparison.decibels == -.infinity && comparison.withinOneStep == 0.5)
  }
}
