import Tasks

/// How a signal becomes a float network's input, column by column.
package enum FloatFrontEnd: Equatable, Sendable {
  /// A column is the levels of a window of samples, less the centre, in units.
  case spectrogram(SpectrogramSettings)
  /// A column is a sample, in units.
  case samples(SampleSettings)

  /// The columns' places; those of raw samples are places of samples, whose levels are the network's input itself.
  package var settings: SpectrogramSettings {
    switch self {
    case .spectrogram(let settings): return settings
    case .samples(let samples):
      var settings = SpectrogramSettings(
        rawSamplesOfRateHz: samples.sampleRateHz, highPassShift: samples.highPassShift ?? 0,
        leads: samples.leads)
      (settings.centerLevel, settings.levelsPerUnit) = (0, 1)
      return settings
    }
  }

  /// The columns of all leads of a signal, `[column, bin, lead]`: levels before rounding, or units of samples.
  package func levels(of signal: LabelledSignal) -> [Float] {
    let first = levels(ofMicrovolts: signal.microvolts)
    guard !signal.furtherLeads.isEmpty else { return first }
    let leads = [first] + signal.furtherLeads.map { levels(ofMicrovolts: $0) }
    return first.indices.flatMap { place in leads.map { $0[place] } }
  }

  /// A lead's columns, `[column, bin]`: levels before rounding, or units of samples.
  package func levels<Scalar: FourierScalar>(ofMicrovolts signal: [Scalar]) -> [Scalar] {
    switch self {
    case .spectrogram(let settings): return Spectrogram<Scalar>(settings).levels(ofMicrovolts: signal)
    case .samples(let settings):
      var samples = FloatSamples(settings)
      return signal.map { Scalar(samples.push(Double($0))) }
    }
  }
}

/// Raw samples as a float network takes them, one at a time.
package struct FloatSamples: Sendable {
  private let settings: SampleSettings
  private var filter: FloatHighPassFilter<Double>?

  /// Begins at rest.
  package init(_ settings: SampleSettings) {
    self.settings = settings
    filter = settings.highPassShift.map { FloatHighPassFilter(shift: $0) }
  }

  /// The next sample in the network's units.
  package mutating func push(_ microvolts: Double) -> Double {
    let filtered = filter?.filter(microvolts) ?? microvolts
    return (filtered - settings.offsetMicrovolts) / settings.microvoltsPerUnit
  }
}
