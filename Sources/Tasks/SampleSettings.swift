/// How raw samples become a network's input.
package struct SampleSettings: Equatable, Sendable {
  /// The rate of the samples, in hertz.
  package var sampleRateHz: Double
  /// The microvolts that are 1 to the network.
  package var microvoltsPerUnit: Double
  /// The microvolts that are 0 to the network.
  package var offsetMicrovolts = 0.0
  /// The high-pass filter's corner is at `sampleRateHz / (2 pi 2^highPassShift)` hertz; nil for no filter.
  package var highPassShift: Int?
  /// The leads that are sampled together, where there are several.
  package var leads: Int?

  /// Settings without offset and filter.
  package init(sampleRateHz: Double, microvoltsPerUnit: Double) {
    (self.sampleRateHz, self.microvoltsPerUnit) = (sampleRateHz, microvoltsPerUnit)
  }
}
