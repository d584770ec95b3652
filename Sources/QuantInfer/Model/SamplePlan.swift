/// How samples become codes without a spectrogram, as the exporter planned it: a column is one sample.
///
/// Counts in Q12, filtered or not, less an offset, times a factor: with the functions of <doc:NumericContract>,
/// `code = clamp(scale(counts - offset, multiplier) + zeroCode, -128, 127)`.
public struct SamplePlan: Sendable {
  /// The samples' rate, in millihertz.
  public let sampleRateMillihertz: UInt32
  /// See `HighPassFilter`; 0 where samples aren't filtered.
  public let highPassShift: Int32
  /// The factor from counts in Q12 to codes.
  public let multiplier: FixedPointMultiplier
  /// The counts in Q12 that become `zeroCode`.
  public let offsetQ12: Int32
  /// The code that is the network's 0 by the exporter.
  public let zeroCode: Int32
  /// IEEE 754 bits of the microvolts that one count stands for.
  public let microvoltsPerCountBits: UInt32

  /// The greatest magnitude of an offset: with a filter's 2^29 at most, differences fit 32 bits.
  public static let greatestOffsetQ12: Int32 = 1 << 29

  /// Reads a record that lies in the image, and checks it.
  init(_ image: ImageBytes, at place: Int, input: Tensor) throws(ModelError) {
    typealias Field = ModelFormat.FrontEnd
    sampleRateMillihertz = image.word(at: place + Field.sampleRateMillihertz)
    highPassShift = Int32(image.byte(at: place + Field.highPassShift))
    offsetQ12 = image.signedWord(at: place + Field.sampleOffsetQ12)
    zeroCode = image.signedWord(at: place + Field.zeroLevelCode)
    microvoltsPerCountBits = image.word(at: place + Field.microvoltsPerCountBits)
    guard sampleRateMillihertz > 0, image.half(at: place + Field.hopSamples) == 1,
      image.half(at: place + Field.firstBin) == 0, image.half(at: place + Field.binCount) == 1,
      (0...12).contains(highPassShift), isPositiveAndFinite(floatBits: microvoltsPerCountBits)
    else { throw ModelError(.invalidFrontEnd, at: place) }
    guard input.columnByteCount == 1, input.type == .int8 else {
      throw ModelError(.invalidFrontEnd, at: place + Field.binCount)
    }
    let leftShift = image.signedWord(at: place + Field.sampleMultiplier + 4)
    // A factor of 1 and more would shift bits out at the upper end.
    guard (-31...0).contains(leftShift) else {
      throw ModelError(.invalidMultiplier, at: place + Field.sampleMultiplier)
    }
    multiplier = FixedPointMultiplier(
      multiplierQ31: image.signedWord(at: place + Field.sampleMultiplier),
      leftShift: Int8(truncatingIfNeeded: leftShift))
    guard multiplier.isValid else { throw ModelError(.invalidMultiplier, at: place + Field.sampleMultiplier) }
    guard (-Self.greatestOffsetQ12...Self.greatestOffsetQ12).contains(offsetQ12) else {
      throw ModelError(.invalidFrontEnd, at: place + Field.sampleOffsetQ12)
    }
    guard (-128...127).contains(zeroCode) else {
      throw ModelError(.invalidFrontEnd, at: place + Field.zeroLevelCode)
    }
  }

  /// The code of counts in Q12; any value has one.
  @inline(__always)
  func code(_ countsQ12: Int32) -> Int8 {
    Int8(clamping: multiplier.scale(countsQ12 &- offsetQ12) &+ zeroCode)
  }
}
