/// The front end's high-pass filter, one sample at a time.
///
/// `y[n] = x[n] - x[n-1] + (1 - 2^-shift) y[n-1]`, starting from `y = 0` and `x[-1] = x[0]`; with a shift of 0 there is no
/// filter.
package struct FloatHighPassFilter<Scalar: BinaryFloatingPoint & Sendable>: Sendable {
  private let decay: Scalar
  private let isOff: Bool
  private var lastInput: Scalar?
  private var lastOutput: Scalar = 0

  /// Creates a filter at rest whose decay is `1 - 2^-shift` a sample.
  package init(shift: Int) {
    isOff = shift == 0
    decay = 1 - Scalar(sign: .plus, exponent: Scalar.Exponent(-shift), significand: 1)
  }

  /// Filters the next sample.
  package mutating func filter(_ sample: Scalar) -> Scalar {
    guard !isOff else { return sample }
    lastOutput = sample - (lastInput ?? sample) + decay * lastOutput
    lastInput = sample
    return lastOutput
  }

  /// Filters a whole signal from its first sample.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  package static func filter(_ signal: [Scalar], shift: Int) -> [Scalar] {
    var filter = FloatHighPassFilter(shift: shift)
    return signal.map { filter.filter($0) }
  }
}
