/// How samples become the network's columns, as the exporter planned it.
public enum FrontEndPlan: Sendable {
  /// A column is the log magnitudes of a window of samples.
  case spectrogram(SpectrogramPlan)
  /// A column is a sample.
  case samples(SamplePlan)
  /// There are no columns: a beat becomes all of the input.
  case beats(BeatPlan)

  /// A view of a record, which lies in the image.
  init(_ image: ImageBytes, at place: Int) {
    let record = FrontEndRecord(image: image, place: place)
    if Built.sampleFrontEnd, record.windowSamples == 1 {
      self = .samples(SamplePlan(record: record))
    } else if Built.beatFrontEnd, record.windowSamples == 0 {
      self = .beats(BeatPlan(record: record))
    } else {
      self = .spectrogram(SpectrogramPlan(record: record))
    }
  }

  /// Checks what a record says that lies in the image.
  func validate(input: Tensor, leadCount: Int, scratchByteCount: Int) throws(ModelError) {
    guard sampleRateMillihertz > 0, isPositiveAndFinite(floatBits: microvoltsPerCountBits),
      input.columnByteCount == binCount &* leadCount || record.windowSamples == 0, input.type == .int8
    else { throw ModelError(.invalidFrontEnd, at: record.place) }
    guard leadCount == 1 || record.windowSamples != 0 else {
      throw ModelError(.unsupportedLeads, at: record.place)
    }
    switch self {
    case .spectrogram(let plan): try plan.validate(scratchByteCount: scratchByteCount)
    case .samples(let plan): if Built.sampleFrontEnd { try plan.validate() }
    case .beats(let plan): if Built.beatFrontEnd { try plan.validate(input: input) }
    }
  }

  /// Whether columns are spectra by a direct transform.
  public var isDirect: Bool {
    if case .spectrogram(let plan) = self { plan.isDirect } else { false }
  }

  /// How beats become the network's input; nil where columns do.
  public var beats: BeatPlan? {
    if case .beats(let plan) = self { plan } else { nil }
  }

  /// What both kinds have.
  var record: FrontEndRecord {
    switch self {
    case .spectrogram(let plan): plan.record
    case .samples(let plan): plan.record
    case .beats(let plan): plan.record
    }
  }

  /// The samples' rate, in millihertz.
  public var sampleRateMillihertz: UInt32 { record.sampleRateMillihertz }
  /// The number of samples that a column is made of; 1 of raw samples, 0 where beats become the input.
  public var windowSamples: Int { record.windowSamples }
  /// The distance from one column to the next, or from one time for decisions about beats, in samples.
  public var hopSamples: Int { record.hopSamples }
  /// The number of codes in a lead's part of a column, or of a beat.
  public var binCount: Int { record.binCount }
  /// See `HighPassFilter`; 0 where samples aren't filtered.
  public var highPassShift: Int32 { record.highPassShift }
  /// IEEE 754 bits of the microvolts that one count stands for.
  public var microvoltsPerCountBits: UInt32 { record.microvoltsPerCountBits }
}

/// A front end's record in an image, and the fields that both kinds have.
@safe
struct FrontEndRecord: @unchecked Sendable {
  let image: ImageBytes
  let place: Int

  private typealias Field = ModelFormat.FrontEnd

  var sampleRateMillihertz: UInt32 { image.word(at: place &+ Field.sampleRateMillihertz) }
  var windowSamples: Int { Int(image.half(at: place &+ Field.windowSamples)) }
  var hopSamples: Int { Int(image.half(at: place &+ Field.hopSamples)) }
  var firstBin: Int { Int(image.half(at: place &+ Field.firstBin)) }
  var binCount: Int { Int(image.half(at: place &+ Field.binCount)) }
  var highPassShift: Int32 { Int32(image.byte(at: place &+ Field.highPassShift)) }
  var zeroLevelCode: Int32 { image.signedWord(at: place &+ Field.zeroLevelCode) }
  var microvoltsPerCountBits: UInt32 { image.word(at: place &+ Field.microvoltsPerCountBits) }
}
