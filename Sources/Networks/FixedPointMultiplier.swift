import QuantInfer

extension FixedPointMultiplier {
  /// The factor that it stands for.
  package var real: Double {
    Double(multiplierQ31) * Double(sign: .plus, exponent: Int(leftShift) - 31, significand: 1)
  }

  /// The multiplier nearest to a positive real factor, as TensorFlow Lite's QuantizeMultiplier makes it.
  package init(real: Double) {
    guard real > 0, real.isFinite else {
      self.init(multiplierQ31: 0, leftShift: 0)
      return
    }
    // real = mantissa * 2^shift with the mantissa in 0.5 ..< 1.
    var shift = Int(real.exponent) + 1
    var mantissa = Int64((real.significand / 2 * 0x1p31).rounded(.toNearestOrAwayFromZero))
    if mantissa == 1 << 31 {
      mantissa /= 2
      shift += 1
    }
    if shift < -31 {
      self.init(multiplierQ31: 0, leftShift: 0)
    } else {
      self.init(multiplierQ31: Int32(mantissa), leftShift: Int8(clamping: shift))
    }
  }
}
