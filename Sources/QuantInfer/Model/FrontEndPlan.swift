/// How samples become the network's columns, as the exporter planned it.
public enum FrontEndPlan: Sendable {
  /// A column is the log magnitudes of a window of samples.
  case spectrogram(SpectrogramPlan)
  /// A column is a sample.
  case samples(SamplePlan)

  /// Reads a record and checks it.
  init(
    _ image: ImageBytes, at place: Int, input: Tensor, scratchByteCount: Int
  ) throws(ModelError) {
    typealias Field = ModelFormat.FrontEnd
    guard place % ModelFormat.alignment == 0, place >= ModelFormat.Header.byteCount,
      place <= image.count - Field.byteCount
    else { throw ModelError(.offsetOutOfRange, at: ModelFormat.Header.frontEnd) }
    if image.half(at: place + Field.windowSamples) == 1 {
      self = .samples(try SamplePlan(image, at: place, input: input))
    } else {
      self = .spectrogram(
        try SpectrogramPlan(image, at: place, input: input, scratchByteCount: scratchByteCount))
    }
  }

  /// The samples' rate, in millihertz.
  public var sampleRateMillihertz: UInt32 {
    switch self {
    case .spectrogram(let plan): plan.sampleRateMillihertz
    case .samples(let plan): plan.sampleRateMillihertz
    }
  }

  /// The number of samples that a column is made of.
  public var windowSamples: Int {
    switch self {
    case .spectrogram(let plan): plan.windowSamples
    case .samples: 1
    }
  }

  /// The distance from one column to the next, in samples.
  public var hopSamples: Int {
    switch self {
    case .spectrogram(let plan): plan.hopSamples
    case .samples: 1
    }
  }

  /// The number of codes in a column.
  public var binCount: Int {
    switch self {
    case .spectrogram(let plan): plan.binCount
    case .samples: 1
    }
  }

  /// See `HighPassFilter`; 0 where samples aren't filtered.
  public var highPassShift: Int32 {
    switch self {
    case .spectrogram(let plan): plan.highPassShift
    case .samples(let plan): plan.highPassShift
    }
  }

  /// IEEE 754 bits of the microvolts that one count stands for.
  public var microvoltsPerCountBits: UInt32 {
    switch self {
    case .spectrogram(let plan): plan.microvoltsPerCountBits
    case .samples(let plan): plan.microvoltsPerCountBits
    }
  }
}
