/// How windows of samples become spectrogram columns, as the exporter planned it; see `StreamingSpectrogram`.
@safe
public struct SpectrogramPlan: @unchecked Sendable {
  /// The samples' rate, in millihertz.
  public let sampleRateMillihertz: UInt32
  /// The transform's length, in samples: a power of two in 16...512.
  public let windowSamples: Int
  /// The distance from one column to the next, in samples.
  public let hopSamples: Int
  /// The first frequency bin of a column.
  public let firstBin: Int
  /// The number of frequency bins in a column.
  public let binCount: Int
  /// See `HighPassFilter`.
  public let highPassShift: Int32
  /// The transform's exponent never falls below this.
  public let minimumExponent: Int32
  /// The code of an amplitude of zero.
  public let zeroLevelCode: Int32
  /// IEEE 754 bits of the microvolts that one count stands for.
  public let microvoltsPerCountBits: UInt32
  let codesPerPowerDoublingQ6: Int32
  let floorMantissa: UInt32
  let floorExponent: Int32
  let floorLog2Q16: Int32
  /// Levels above this one all get the greatest code; it keeps the product with the code scale in 32 bits.
  let greatestLevelQ16: Int32
  let windowQ31: UnsafePointer<Int32>
  let twiddlesQ14: UnsafePointer<Int16>

  /// The scratch that a column's computation needs, in bytes: the half-length complex transform in place, then
  /// the spectrum of the bins kept, two `Int32` each.
  public static func scratchByteCount(windowSamples: Int, binCount: Int) -> Int {
    2 * windowSamples + 8 * binCount
  }

  /// Reads a record that lies in the image, and checks it.
  init(
    _ image: ImageBytes, at place: Int, input: Tensor, scratchByteCount: Int
  ) throws(ModelError) {
    typealias Field = ModelFormat.FrontEnd
    sampleRateMillihertz = image.word(at: place + Field.sampleRateMillihertz)
    windowSamples = Int(image.half(at: place + Field.windowSamples))
    hopSamples = Int(image.half(at: place + Field.hopSamples))
    firstBin = Int(image.half(at: place + Field.firstBin))
    binCount = Int(image.half(at: place + Field.binCount))
    highPassShift = Int32(image.byte(at: place + Field.highPassShift))
    minimumExponent = Int32(Int8(bitPattern: image.byte(at: place + Field.minimumExponent)))
    codesPerPowerDoublingQ6 = Int32(image.half(at: place + Field.codesPerPowerDoublingQ6))
    floorMantissa = image.word(at: place + Field.floorMantissa)
    floorExponent = image.signedWord(at: place + Field.floorExponent)
    floorLog2Q16 = image.signedWord(at: place + Field.floorLog2Q16)
    zeroLevelCode = image.signedWord(at: place + Field.zeroLevelCode)
    microvoltsPerCountBits = image.word(at: place + Field.microvoltsPerCountBits)

    guard sampleRateMillihertz > 0, (16...512).contains(windowSamples),
      windowSamples & (windowSamples - 1) == 0, hopSamples > 0, hopSamples <= windowSamples,
      binCount > 0, firstBin + binCount <= windowSamples / 2 + 1, (1...12).contains(highPassShift),
      isPositiveAndFinite(floatBits: microvoltsPerCountBits)
    else { throw ModelError(.invalidFrontEnd, at: place) }
    guard codesPerPowerDoublingQ6 > 0, codesPerPowerDoublingQ6 <= 1 << 12,
      floorMantissa >= 1 << 31, (-64...32).contains(floorExponent),
      // The floor, brought to the least exponent, stays below 2^31 ...
      2 * minimumExponent - floorExponent >= 1, minimumExponent <= 16, minimumExponent >= -11,
      // ... and its logarithm is that of the mantissa and exponent, but for the last places.
      (floorLog2Q16 &- log2Q16(floorMantissa) &- floorExponent &* 65_536).magnitude <= 2,
      (-128...127).contains(zeroLevelCode)
    else { throw ModelError(.invalidFrontEnd, at: place + Field.codesPerPowerDoublingQ6) }
    guard scratchByteCount >= Self.scratchByteCount(windowSamples: windowSamples, binCount: binCount),
      input.columnByteCount == binCount, input.type == .int8
    else { throw ModelError(.invalidFrontEnd, at: place + Field.binCount) }
    let window = try image.offset(at: place + Field.window, count: windowSamples, stride: 4)
    let twiddles = try image.offset(at: place + Field.twiddles, count: windowSamples / 2, stride: 4)
    greatestLevelQ16 = (256 << 22) / codesPerPowerDoublingQ6
    unsafe windowQ31 = (image.base + window).assumingMemoryBound(to: Int32.self)
    unsafe twiddlesQ14 = (image.base + twiddles).assumingMemoryBound(to: Int16.self)
    for index in 0..<windowSamples where unsafe windowQ31[index] < 0 {
      throw ModelError(.invalidFrontEnd, at: window + 4 * index)
    }
    for index in 0..<windowSamples / 2 {
      let cosine = unsafe Int32(twiddlesQ14[2 * index])
      let sine = unsafe Int32(twiddlesQ14[2 * index + 1])
      // A rotation must not lengthen: the butterflies' headroom counts on it.
      guard abs(cosine) <= 16_384, abs(sine) <= 16_384, cosine * cosine + sine * sine <= 268_468_224 else {
        throw ModelError(.invalidFrontEnd, at: twiddles + 4 * index)
      }
    }
  }
}
