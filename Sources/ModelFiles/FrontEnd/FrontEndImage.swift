import Networks
import QuantInfer
import Tasks

extension ImageWriter {
  /// A front end's tables and record.
  ///
  /// Returns the record's place.
  mutating func append(_ frontEnd: FrontEndTables) -> Int {
    switch frontEnd {
    case .spectrogram(let tables): append(tables)
    case .samples(let scaling): append(scaling)
    case .beats(let settings, let step): append(settings, microvoltsPerCount: step)
    }
  }

  private mutating func append(_ tables: SpectrogramTables) -> Int {
    typealias Field = ModelFormat.FrontEnd
    let window = append(tables.windowQ31)
    let twiddles = append(tables.twiddles)
    let place = reserve(Field.byteCount)
    let settings = tables.settings
    put(UInt32((settings.sampleRateHz * 1000).rounded()), at: place + Field.sampleRateMillihertz)
    put(UInt16(settings.windowSamples), at: place + Field.windowSamples)
    put(UInt16(settings.hopSamples), at: place + Field.hopSamples)
    put(UInt16(settings.firstBin), at: place + Field.firstBin)
    put(UInt16(settings.binCount), at: place + Field.binCount)
    put(UInt8(settings.highPassShift), at: place + Field.highPassShift)
    put(Int8(tables.minimumExponent), at: place + Field.minimumExponent)
    put(
      UInt16(tables.codesPerPowerDoublingQ6) | (tables.method == .direct ? Field.directTransform : 0),
      at: place + Field.codesPerPowerDoublingQ6)
    put(UInt32(window), at: place + Field.window)
    put(UInt32(twiddles), at: place + Field.twiddles)
    put(tables.floorMantissa, at: place + Field.floorMantissa)
    put(tables.floorExponent, at: place + Field.floorExponent)
    put(tables.floorLog2Q16, at: place + Field.floorLog2Q16)
    put(Int32(SpectrogramSettings.zeroLevelCode), at: place + Field.zeroLevelCode)
    put(tables.microvoltsPerCount.bitPattern, at: place + Field.microvoltsPerCountBits)
    return place
  }

  private mutating func append(_ settings: SpectrogramSettings, microvoltsPerCount: Float) -> Int {
    guard let beats = settings.beats else { return 0 }
    let place = append(BeatRecord(settings, beats, microvoltsPerCount: microvoltsPerCount).bytes)
    put(UInt32(place + ModelFormat.FrontEnd.byteCount), at: place + ModelFormat.FrontEnd.intervalFigures)
    return place
  }

  private mutating func append(_ scaling: SampleScaling) -> Int {
    typealias Field = ModelFormat.FrontEnd
    let place = reserve(Field.byteCount)
    put(UInt32((scaling.settings.sampleRateHz * 1000).rounded()), at: place + Field.sampleRateMillihertz)
    for field in [Field.windowSamples, Field.hopSamples, Field.binCount] {
      put(1 as UInt16, at: place + field)
    }
    put(UInt8(scaling.settings.highPassShift ?? 0), at: place + Field.highPassShift)
    put(scaling.multiplier, at: place + Field.sampleMultiplier)
    put(scaling.offsetQ12, at: place + Field.sampleOffsetQ12)
    put(scaling.zeroCode, at: place + Field.zeroLevelCode)
    put(scaling.microvoltsPerCount.bitPattern, at: place + Field.microvoltsPerCountBits)
    return place
  }
}
