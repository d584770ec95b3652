/// A first-order high-pass filter that takes the offset and the slow baseline from the samples.
///
/// `y[n] = x[n] - x[n-1] + (1 - 2^-shift) y[n-1]` with `y` in Q12 counts; it starts from `y = 0` and
/// `x[-1] = x[0]`. The corner lies at `rate / (2 pi 2^shift)`: 0.64 Hz for 128 Hz and a shift of 5.
struct HighPassFilter {
  /// The last output, in Q12 counts: at most 2^29, as the impulse response's magnitudes add up to 2.
  var outputQ12: Int32 = 0
  /// The last input, in counts.
  var previousSample: Int32

  /// Takes a sample and returns the output in Q12 counts.
  ///
  /// - Complexity: O(1), additions and one shift.
  @inline(__always)
  mutating func filter(_ sample: Int16, shift: Int32) -> Int32 {
    let difference = Int32(sample) &- previousSample
    outputQ12 = outputQ12 &- (outputQ12 &>> shift) &+ (difference &<< 12)
    previousSample = Int32(sample)
    return outputQ12
  }
}
