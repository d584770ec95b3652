/// Brings a converter's samples to a model's lower rate, one at a time: a polyphase filter in integers.
///
/// The rates' ratio is `numerator / denominator` in lowest terms, at most 1. Each output is the scalar product of the
/// newest inputs with one row of taps; which row tells how far the output's time lies before the newest input. The first
/// output comes with the first input. Before it the input is taken to have stood at its first value.
///
/// The taps lie in the caller's flash, `[row, tap]` in Q15, `numerator` rows; the exporter's `DecimatorTaps` designs them
/// and states their response and delay. They are checked once; after that no input traps or overflows. An output is
/// rounded to the nearest count, halves upwards, and saturates. Its bits are the same on every core.
///
/// ```swift
/// var decimator = try Decimator(numerator: 16, denominator: 45, tapsQ15: taps, state: state)
/// for sample in samples {
///   if let slower = decimator.push(sample) { isColumn = monitor.push(slower) }
/// }
/// ```
@safe
public struct Decimator: ~Copyable {
  /// The greatest term of a ratio.
  public static var greatestTerm: Int { 1000 }
  /// The most taps a row.
  public static var greatestTapCount: Int { 256 }

  private let numerator: Int32
  private let denominator: Int32
  private let tapCount: Int
  private let tapsQ15: UnsafePointer<Int16>
  private let words: UnsafeMutablePointer<Words>
  /// The newest inputs, each twice: those that a row weighs are always neighbours.
  private let samples: UnsafeMutablePointer<Int16>

  /// What lasts beside the samples.
  private struct Words {
    /// How far the next output's time lies behind the newest input's, in parts of an input's `numerator`; 0 or less:
    /// it is due.
    var wait: Int32
    /// The next sample's place.
    var next: Int32
    var isFresh: Int32
  }

  /// The bytes that the state takes.
  public static func stateByteCount(tapCount: Int) -> Int {
    MemoryLayout<Words>.size &+ (4 &* min(max(1, tapCount), greatestTapCount) &+ 3) / 4 &* 4
  }

  /// Creates a decimator in the caller's memory, with all samples forgotten.
  ///
  /// - Parameters:
  ///   - numerator: The target rate's term of the ratio.
  ///   - denominator: The source rate's term.
  ///   - tapsQ15: `numerator` rows of as many taps each, the newest input's first; they must outlive the decimator.
  ///   - state: At least `stateByteCount` bytes, at a multiple of 4; it must outlive the decimator.
  /// - Throws: `MemoryError` where the memory doesn't fit, the terms or the taps' number are out of range, or a row of
  ///   taps could overflow 32 bits: then the sum of their magnitudes is above 65,535.
  public init(
    numerator: Int, denominator: Int, tapsQ15: UnsafeBufferPointer<Int16>,
    state: UnsafeMutableRawBufferPointer
  ) throws(MemoryError) {
    guard numerator > 0, numerator <= denominator, denominator <= Self.greatestTerm,
      let taps = tapsQ15.baseAddress, tapsQ15.count % numerator == 0
    else { throw .unsupportedSampleRate }
    let tapCount = tapsQ15.count / numerator
    guard tapCount > 0, tapCount <= Self.greatestTapCount else { throw .unsupportedSampleRate }
    for row in 0..<numerator {
      var magnitudes: Int32 = 0
      for tap in 0..<tapCount { magnitudes &+= unsafe Int32(taps[row &* tapCount &+ tap].magnitude) }
      guard magnitudes <= 65_535 else { throw .unsupportedSampleRate }
    }
    let start = try unsafe checkedStart(of: state, byteCount: Self.stateByteCount(tapCount: tapCount))
    self.numerator = Int32(truncatingIfNeeded: numerator)
    self.denominator = Int32(truncatingIfNeeded: denominator)
    self.tapCount = tapCount
    unsafe self.tapsQ15 = taps
    unsafe words = start.bindMemory(to: Words.self, capacity: 1)
    unsafe samples = (start + MemoryLayout<Words>.size).bindMemory(to: Int16.self, capacity: 2 &* tapCount)
    reset()
  }

  /// Forgets all samples.
  public mutating func reset() {
    unsafe words.initialize(to: Words(wait: 0, next: 0, isFresh: 1))
    unsafe samples.initialize(repeating: 0, count: 2 &* tapCount)
  }

  /// Takes a sample, in counts.
  ///
  /// - Returns: The sample at the lower rate that is due with it; nil where none is.
  /// - Complexity: O(taps) for an output, otherwise O(1).
  public mutating func push(_ sample: Int16) -> Int16? {
    var words = unsafe self.words.pointee
    if words.isFresh != 0 {
      words.isFresh = 0
      words.wait = numerator
      unsafe samples.update(repeating: sample, count: 2 &* tapCount)
    }
    // A damaged state's place and wait are brought back into range, and are right again after a reset.
    let place = words.next >= 0 && Int(words.next) < tapCount ? Int(words.next) : 0
    // The newest sample comes in front of the older ones.
    let newest = place == 0 ? tapCount &- 1 : place &- 1
    unsafe samples[newest] = sample
    unsafe samples[newest &+ tapCount] = sample
    words.next = Int32(truncatingIfNeeded: newest)
    words.wait = min(max(words.wait, 1), denominator) &- numerator
    let isDue = words.wait <= 0
    let row = Int(0 &- words.wait)
    if isDue { words.wait &+= denominator }
    unsafe self.words.pointee = words
    return isDue ? output(row: row, newest: newest) : nil
  }

  private func output(row: Int, newest: Int) -> Int16 {
    var sumQ15: Int32 = 1 &<< 14
    let (taps, inputs) = unsafe (tapsQ15 + row &* tapCount, samples + newest)
    for tap in 0..<tapCount { sumQ15 &+= unsafe Int32(taps[tap]) &* Int32(inputs[tap]) }
    return Int16(clamping: sumQ15 &>> 15)
  }
}
