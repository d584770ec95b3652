/// How windows of samples become spectrogram columns, as the exporter planned it; see `StreamingSpectrogram`.
@safe
public struct SpectrogramPlan: Sendable {
  let record: FrontEndRecord

  private typealias Field = ModelFormat.FrontEnd

  /// The samples' rate, in millihertz.
  public var sampleRateMillihertz: UInt32 { record.sampleRateMillihertz }
  /// The transform's length, in samples: a power of two in 16...512.
  public var windowSamples: Int { record.windowSamples }
  /// The distance from one column to the next, in samples.
  public var hopSamples: Int { record.hopSamples }
  /// The first frequency bin of a column.
  public var firstBin: Int { record.firstBin }
  /// The number of frequency bins in a column.
  public var binCount: Int { record.binCount }
  /// See `HighPassFilter`.
  public var highPassShift: Int32 { record.highPassShift }
  /// The transform's exponent never falls below this.
  public var minimumExponent: Int32 {
    Int32(Int8(bitPattern: record.image.byte(at: record.place &+ Field.minimumExponent)))
  }
  /// The code of an amplitude of zero.
  public var zeroLevelCode: Int32 { record.zeroLevelCode }
  /// IEEE 754 bits of the microvolts that one count stands for.
  public var microvoltsPerCountBits: UInt32 { record.microvoltsPerCountBits }
  private var codesAndTransform: UInt16 {
    record.image.half(at: record.place &+ Field.codesPerPowerDoublingQ6)
  }
  /// The codes for a doubling of the power.
  public var codesPerPowerDoublingQ6: Int32 { Int32(codesAndTransform & ~Field.directTransform) }
  /// Whether the transform is the sums of its definition, of a window of 32 or 64 samples, or a fast one in stages.
  public var isDirect: Bool { !Built.fastTransform || isMarkedDirect }
  private var isMarkedDirect: Bool { codesAndTransform & Field.directTransform != 0 }
  /// The power of the floor in squared counts of the unscaled transform: `floorMantissa * 2^floorExponent`.
  public var floorMantissa: UInt32 { record.image.word(at: record.place &+ Field.floorMantissa) }
  /// See `floorMantissa`.
  public var floorExponent: Int32 { record.image.signedWord(at: record.place &+ Field.floorExponent) }
  var floorLog2Q16: Int32 { record.image.signedWord(at: record.place &+ Field.floorLog2Q16) }
  var windowQ31: UnsafePointer<Int32> { unsafe record.image.pointer(at: record.place &+ Field.window) }
  var twiddlesQ14: UnsafePointer<Int16> { unsafe record.image.pointer(at: record.place &+ Field.twiddles) }

  /// The factors of a direct transform; see `qi_folded_bins`.
  var factors: UnsafePointer<Int16> { unsafe twiddlesQ14 }
  /// The bits behind a factor's point: so many that a sum of products has 31.
  var factorBits: Int32 { 18 &- Int32(truncatingIfNeeded: windowSamples.trailingZeroBitCount) }

  /// The scratch that a column's computation needs, in bytes.
  public var scratchByteCount: Int {
    Self.scratchByteCount(windowSamples: windowSamples, binCount: binCount, isDirect: isDirect)
  }

  /// The scratch that a column's computation needs, in bytes: the half-length complex transform in place, then
  /// the spectrum of the bins kept, two `Int32` each.
  ///
  /// Of a direct transform: the folded window, then what is weighed, an `Int32` a sample, and after it the spectrum.
  package static func scratchByteCount(windowSamples: Int, binCount: Int, isDirect: Bool) -> Int {
    2 &* windowSamples &+ max(8 &* binCount, isDirect ? 4 &* windowSamples : 0)
  }

  /// Checks a record that lies in the image.
  func validate(scratchByteCount: Int) throws(ModelError) {
    let (image, place) = (record.image, record.place)
    let (windowSamples, minimumExponent, floorExponent) = (windowSamples, minimumExponent, floorExponent)
    guard (16...512).contains(windowSamples), windowSamples & (windowSamples &- 1) == 0,
      Built.fastTransform || isMarkedDirect,
      !isDirect || windowSamples == 32 || windowSamples == 64,
      (1...windowSamples).contains(hopSamples), binCount > 0,
      firstBin &+ binCount <= windowSamples / 2 &+ 1, (1...12).contains(highPassShift)
    else { throw ModelError(.invalidFrontEnd, at: place) }
    guard (1...1 << 12).contains(codesPerPowerDoublingQ6),
      floorMantissa >= 1 << 31, (-64...32).contains(floorExponent),
      // The floor, brought to the least exponent, stays below 2^31 ...
      2 &* minimumExponent &- floorExponent >= 1, (-11...16).contains(minimumExponent),
      // ... and its logarithm is that of the mantissa and exponent, but for the last places.
      (floorLog2Q16 &- log2Q16(floorMantissa) &- floorExponent &* 65_536).magnitude <= 2,
      (-128...127).contains(zeroLevelCode)
    else { throw ModelError(.invalidFrontEnd, at: place &+ Field.codesPerPowerDoublingQ6) }
    guard scratchByteCount >= self.scratchByteCount else {
      throw ModelError(.invalidFrontEnd, at: place &+ Field.binCount)
    }
    let window = try image.offset(at: place &+ Field.window, count: windowSamples, stride: 4)
    for index in 0..<windowSamples where unsafe windowQ31[index] < 0 {
      throw ModelError(.invalidFrontEnd, at: window &+ 4 &* index)
    }
    if isDirect {
      try validateFactors()
    } else if Built.fastTransform {
      try validateTwiddles()
    }
  }

  private func validateFactors() throws(ModelError) {
    let count = binCount &* (windowSamples / 2)
    let place = try record.image.offset(at: record.place &+ Field.twiddles, count: count / 2, stride: 4)
    let greatest = Int32(1) &<< factorBits
    for index in 0..<count where unsafe Int32(factors[index]).magnitude > greatest.magnitude {
      throw ModelError(.invalidFrontEnd, at: place &+ 2 &* index)
    }
  }

  private func validateTwiddles() throws(ModelError) {
    let twiddles = try record.image.offset(
      at: record.place &+ Field.twiddles, count: windowSamples / 2, stride: 4)
    for index in 0..<windowSamples / 2 {
      let cosine = unsafe Int32(twiddlesQ14[2 &* index])
      let sine = unsafe Int32(twiddlesQ14[2 &* index &+ 1])
      // A rotation must not lengthen: the butterflies' headroom counts on it.
      guard (-16_384...16_384).contains(cosine), (-16_384...16_384).contains(sine),
        cosine &* cosine &+ sine &* sine <= 268_468_224
      else { throw ModelError(.invalidFrontEnd, at: twiddles &+ 4 &* index) }
    }
  }
}
