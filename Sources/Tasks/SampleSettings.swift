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

  /// Settings without offset and filter.
  package init(sampleRateHz: Double, microvoltsPerUnit: Double) {
    (self.sampleRateHz, self.microvoltsPerUnit) = (sampleRateHz, microvoltsPerUnit)
  }
}

extension SpectrogramSettings {
  /// The places of raw samples: a window of one sample and one bin, so that places of columns are places of samples.
  package init(rawSamplesOfRateHz rate: Double, highPassShift shift: Int) {
    self.init()
    (sampleRateHz, highPassShift) = (rate, shift)
    (windowSamples, hopSamples, firstBin, binCount) = (1, 1, 0, 1)
  }

  /// Whether a column is a raw sample rather than a spectrum.
  package var isRawSamples: Bool { windowSamples == 1 }
}
