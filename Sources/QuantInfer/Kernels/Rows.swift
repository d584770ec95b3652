/// Rows of inputs, widened to 16 bits: what packed weights are multiplied with.
@safe
struct Rows {
  let start: UnsafeMutablePointer<Int16>
  /// The size of a row: a multiple of four.
  let inputCount: Int

  /// Puts codes into a row, from its input `first` on.
  @inline(__always)
  func put<Code: FixedWidthInteger & SignedInteger>(
    _ codes: UnsafePointer<Code>, count: Int, row index: Int, at first: Int = 0
  ) {
    unsafe widen(codes, into: start + (index &* inputCount &+ first), count: count)
  }

  /// Puts one code into a part of a row.
  @inline(__always)
  func fill(with code: Int16, count: Int, row index: Int, at first: Int) {
    let row = unsafe start + index &* inputCount
    var places = Indices(from: first, to: first &+ count)
    while let place = places.next() { unsafe row[place] = code }
  }
}

/// Copies codes into 16 bits each.
@inline(__always)
private func widen<Code: FixedWidthInteger & SignedInteger>(
  _ source: UnsafePointer<Code>, into target: UnsafeMutablePointer<Int16>, count: Int
) {
  var index = 0
  if Code.self == Int8.self {
    while index &+ 16 <= count {
      let codes = unsafe UnsafeRawPointer(source + index).loadUnaligned(as: SIMD16<Int8>.self)
      unsafe UnsafeMutableRawPointer(target + index).storeBytes(
        of: SIMD16<Int16>(truncatingIfNeeded: codes), as: SIMD16<Int16>.self)
      index &+= 16
    }
    if index &+ 8 <= count {
      let codes = unsafe UnsafeRawPointer(source + index).loadUnaligned(as: SIMD8<Int8>.self)
      unsafe UnsafeMutableRawPointer(target + index).storeBytes(
        of: SIMD8<Int16>(truncatingIfNeeded: codes), as: SIMD8<Int16>.self)
      index &+= 8
    }
    if index &+ 4 <= count {
      let codes = unsafe UnsafeRawPointer(source + index).loadUnaligned(as: SIMD4<Int8>.self)
      unsafe UnsafeMutableRawPointer(target + index).storeBytes(
        of: SIMD4<Int16>(truncatingIfNeeded: codes), as: SIMD4<Int16>.self)
      index &+= 4
    }
  }
  while index < count {
    unsafe target[index] = Int16(truncatingIfNeeded: source[index])
    index &+= 1
  }
}
