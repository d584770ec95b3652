/// The logistic function of int16 codes, and TANH as 2 logistic(2x) - 1, between a table's values.
@safe
struct SigmoidTable {
  /// 256 values in Q16: the logistic function of k / 24.
  private let upperHalfQ16: UnsafePointer<UInt16>

  /// The table that the offset at a place leads to.
  @inline(__always)
  init(_ image: ImageBytes, at place: Int) { unsafe upperHalfQ16 = image.pointer(at: place) }

  /// The logistic function in Q15 of an argument in 512ths of the table's steps.
  @inline(__always)
  func logistic(_ argument: Int32) -> Int16 {
    let upper = value(argument.magnitude, stepBits: 9, beyond: 0x7FFF << 10)
    return Int16(truncatingIfNeeded: (argument >= 0 ? upper &+ 512 : (1 << 25) &+ 511 &- upper) &>> 10)
  }

  /// TANH in Q15 of an argument in 256ths of the table's steps, which are half as wide for it.
  @inline(__always)
  func tanh(_ argument: Int32) -> Int16 {
    let difference = value(argument.magnitude, stepBits: 8, beyond: 0xFFFF << 8) &- (1 << 23)
    return Int16(truncatingIfNeeded: (argument >= 0 ? difference &+ 128 : 127 &- difference) &>> 8)
  }

  /// The logistic function's upper half in Q(16 + stepBits).
  @inline(__always)
  private func value(_ magnitude: UInt32, stepBits: UInt32, beyond: Int32) -> Int32 {
    let step = magnitude &>> stepBits
    guard step < 255 else { return beyond }
    let (low, high) = unsafe (
      UInt32(upperHalfQ16[Int(step)]), UInt32(upperHalfQ16[Int(step) &+ 1])
    )
    let fraction = magnitude & ((1 &<< stepBits) &- 1)
    return Int32(truncatingIfNeeded: (low &<< stepBits) &+ fraction &* (high &- low))
  }
}
