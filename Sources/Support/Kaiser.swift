/// The Kaiser window, by which finite filters are cut from infinite ones.
package enum Kaiser {
  /// The window's shape for an attenuation of at least 50 dB.
  package static func beta(decibels: Double) -> Double { 0.1102 * (decibels - 8.7) }

  /// The window's weight, not normalized, at a place from -1 to 1; 1 beyond its ends.
  package static func weight(_ place: Double, beta: Double) -> Double {
    besselI0(beta * max(0, 1 - place * place).squareRoot())
  }

  /// The modified Bessel function of the first kind and order 0.
  private static func besselI0(_ x: Double) -> Double {
    var (sum, term, k) = (1.0, 1.0, 1.0)
    while term > sum * 1e-17 {
      term *= (x / (2 * k)) * (x / (2 * k))
      sum += term
      k += 1
    }
    return sum
  }
}
