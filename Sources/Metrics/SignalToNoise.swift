import Foundation

/// How far measured values lie from their reference, in decibels and in quantization steps.
///
/// Its JSON has `values`, `snrDecibels`, `maxAbsoluteStepError` and `withinOneStep` (a fraction).
package struct SignalToNoise: Equatable, Sendable {
  /// One quantization step, in the values' unit.
  package let step: Double
  /// The number of values.
  package private(set) var values = 0
  /// The largest difference in steps; 0 where there is no value.
  package private(set) var maxAbsoluteStepError = 0.0
  private var valuesWithinOneStep = 0
  private var signalEnergy = 0.0
  private var noiseEnergy = 0.0

  /// Creates a comparison of no values.
  ///
  /// - Parameter step: One quantization step in the values' unit, positive.
  package init(step: Double = 1) {
    precondition(step > 0, "a step is positive")
    self.step = step
  }

  /// Adds a value.
  ///
  /// No mean is taken off. A difference that isn't finite counts as infinite.
  package mutating func add(reference: Double, measured: Double) {
    let difference = measured - reference
    let error = difference.isFinite ? abs(difference) : .infinity
    values += 1
    signalEnergy += reference * reference
    noiseEnergy += error * error
    maxAbsoluteStepError = max(maxAbsoluteStepError, error / step)
    if error <= step { valuesWithinOneStep += 1 }
  }

  /// Adds the values of another comparison with the same step.
  package static func += (sum: inout SignalToNoise, other: SignalToNoise) {
    precondition(sum.step == other.step, "comparisons with different steps can't be added")
    sum.values += other.values
    sum.valuesWithinOneStep += other.valuesWithinOneStep
    sum.maxAbsoluteStepError = max(sum.maxAbsoluteStepError, other.maxAbsoluteStepError)
    sum.signalEnergy += other.signalEnergy
    sum.noiseEnergy += other.noiseEnergy
  }

  /// 10 log10 of the reference's energy over the difference's; infinite where nothing differs, nil where
  /// there is no value, or neither a signal nor a difference.
  package var decibels: Double? {
    if signalEnergy == 0 && noiseEnergy == 0 { return nil }
    if noiseEnergy == .infinity { return -.infinity }
    return 10 * log10(signalEnergy / noiseEnergy)
  }

  /// The fraction of values that lie at most one step from their reference; nil where there is none.
  package var withinOneStep: Double? { values == 0 ? nil : Double(valuesWithinOneStep) / Double(values) }
}

extension SignalToNoise: Encodable {
  private enum CodingKeys: String, CodingKey {
    case values, snrDecibels, maxAbsoluteStepError, withinOneStep
  }

  /// Writes the comparison; what no value defines is null.
  ///
  /// - Throws: `EncodingError`, where the encoder does.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(values, forKey: .values)
    try container.encode(decibels, forKey: .snrDecibels)
    try container.encode(maxAbsoluteStepError, forKey: .maxAbsoluteStepError)
    try container.encode(withinOneStep, forKey: .withinOneStep)
  }
}
