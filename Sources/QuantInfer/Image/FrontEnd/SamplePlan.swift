/// How samples become codes without a spectrogram, as the exporter planned it: a column is one sample.
///
/// Counts in Q12, filtered or not, less an offset, times a factor: with the functions of <doc:NumericContract>,
/// `code = clamp(scale(counts - offset, multiplier) + zeroCode, -128, 127)`.
public struct SamplePlan: Sendable {
  let record: FrontEndRecord

  private typealias Field = ModelFormat.FrontEnd

  /// The samples' rate, in millihertz.
  public var sampleRateMillihertz: UInt32 { record.sampleRateMillihertz }
  /// See `HighPassFilter`; 0 where samples aren't filtered.
  public var highPassShift: Int32 { record.highPassShift }
  /// The factor from counts in Q12 to codes.
  public var multiplier: FixedPointMultiplier {
    record.image.multiplier(at: record.place &+ Field.sampleMultiplier)
  }
  /// The counts in Q12 that become `zeroCode`.
  public var offsetQ12: Int32 { record.image.signedWord(at: record.place &+ Field.sampleOffsetQ12) }
  /// The code that is the network's 0 by the exporter.
  public var zeroCode: Int32 { record.zeroLevelCode }
  /// IEEE 754 bits of the microvolts that one count stands for.
  public var microvoltsPerCountBits: UInt32 { record.microvoltsPerCountBits }

  /// The greatest magnitude of an offset: with a filter's 2^29 at most, differences fit 32 bits.
  public static let greatestOffsetQ12: Int32 = 1 << 29

  /// Checks a record that lies in the image.
  func validate() throws(ModelError) {
    let place = record.place
    guard record.hopSamples == 1, record.firstBin == 0, record.binCount == 1, highPassShift <= 12 else {
      throw ModelError(.invalidFrontEnd, at: place)
    }
    // A factor of 1 and more would shift bits out at the upper end.
    guard try record.image.validMultiplier(at: place &+ Field.sampleMultiplier).leftShift <= 0 else {
      throw ModelError(.invalidMultiplier, at: place &+ Field.sampleMultiplier)
    }
    guard (-Self.greatestOffsetQ12...Self.greatestOffsetQ12).contains(offsetQ12) else {
      throw ModelError(.invalidFrontEnd, at: place &+ Field.sampleOffsetQ12)
    }
    guard (-128...127).contains(zeroCode) else {
      throw ModelError(.invalidFrontEnd, at: place &+ Field.zeroLevelCode)
    }
  }

  /// The code of counts in Q12; any value has one.
  @inline(__always)
  func code(_ countsQ12: Int32) -> Int8 {
    Int8(clamping: multiplier.scale(countsQ12 &- offsetQ12) &+ zeroCode)
  }
}
