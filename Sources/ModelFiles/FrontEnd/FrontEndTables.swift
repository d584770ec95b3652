import Networks
import QuantInfer
import Tasks

/// A front end's constants, as an image holds them.
package enum FrontEndTables: Equatable, Sendable {
  /// A column is the log magnitudes of a window of samples.
  case spectrogram(SpectrogramTables)
  /// A column is a sample.
  case samples(SampleScaling)
  /// A beat is all of the input, for a converter of so many microvolts a count.
  case beats(SpectrogramSettings, microvoltsPerCount: Float)

  /// A spectrogram's tables for a converter.
  ///
  /// - Throws: `InvalidNetwork` where the fixed-point front end can't hold the settings.
  package init(
    _ settings: SpectrogramSettings, microvoltsPerCount: Float, window: WindowFunction = .hann,
    fixedScalingBits: Int? = nil, method: TransformMethod? = nil
  ) throws(InvalidNetwork) {
    self = .spectrogram(
      try SpectrogramTables(
        settings, microvoltsPerCount: microvoltsPerCount, window: window, fixedScalingBits: fixedScalingBits,
        method: method))
  }

  /// The tables of a trained network's front end, spectrogram or raw samples, for a converter.
  ///
  /// - Throws: `InvalidNetwork` where the fixed-point front end can't hold the settings.
  package init(
    _ settings: SpectrogramSettings, microvoltsPerCount: Float, input: QuantizedNetwork.Tensor
  ) throws(InvalidNetwork) {
    if settings.beats != nil {
      guard input.scale == Float(1 / BeatSettings.codesPerUnit), input.zeroPoint == 0 else {
        throw InvalidNetwork("the network doesn't take beats in 32nds of its units")
      }
      if let problem = settings.problem { throw InvalidNetwork(problem) }
      self = .beats(settings, microvoltsPerCount: microvoltsPerCount)
      return
    }
    guard settings.isRawSamples else {
      try self.init(settings, microvoltsPerCount: microvoltsPerCount)
      return
    }
    var samples = SampleSettings(
      sampleRateHz: settings.sampleRateHz, microvoltsPerUnit: settings.levelsPerUnit)
    samples.highPassShift = settings.highPassShift > 0 ? settings.highPassShift : nil
    samples.leads = settings.leads
    self = .samples(try SampleScaling(samples, microvoltsPerCount: microvoltsPerCount, input: input))
  }

  /// The settings; those of raw samples are a window of one sample and one bin.
  package var settings: SpectrogramSettings {
    switch self {
    case .spectrogram(let tables): tables.settings
    case .beats(let settings, _): settings
    case .samples(let scaling):
      SpectrogramSettings(
        rawSamplesOfRateHz: scaling.settings.sampleRateHz, highPassShift: scaling.settings.highPassShift ?? 0,
        leads: scaling.settings.leads)
    }
  }

  /// What a device keeps between samples where beats are the input, in bytes; nil otherwise.
  func beatStateByteCount(classCount: Int) -> Int? {
    guard case .beats(let settings, let step) = self, let beats = settings.beats else { return nil }
    return BeatRecord(settings, beats, microvoltsPerCount: step).withPlan {
      $0.stateByteCount(classCount: classCount)
    }
  }

  /// The scratch that a column needs, in bytes.
  var scratchByteCount: Int {
    switch self {
    case .spectrogram(let tables):
      SpectrogramPlan.scratchByteCount(
        windowSamples: tables.settings.windowSamples, binCount: tables.settings.binCount,
        isDirect: tables.method == .direct)
    case .samples, .beats: 0
    }
  }
}

extension SpectrogramSettings {
  /// The settings that an image's front end tells: all but the float network's scaling of levels.
  ///
  /// Those of raw samples are a window of one sample and one bin, so that places of columns are places of samples.
  ///
  /// - Parameters:
  ///   - plan: The front end.
  ///   - leadCount: The number of its leads.
  package init(_ plan: FrontEndPlan, leadCount: Int) {
    let sampleRateHz = Double(plan.sampleRateMillihertz) / 1000
    switch plan {
    case .spectrogram(let plan):
      self.init()
      self.sampleRateHz = sampleRateHz
      windowSamples = plan.windowSamples
      hopSamples = plan.hopSamples
      firstBin = plan.firstBin
      binCount = plan.binCount
      highPassShift = Int(plan.highPassShift)
    case .samples(let plan):
      self.init(rawSamplesOfRateHz: sampleRateHz, highPassShift: Int(plan.highPassShift))
    case .beats(let plan): self.init(plan)
    }
    leads = leadCount > 1 ? leadCount : nil
  }
}
