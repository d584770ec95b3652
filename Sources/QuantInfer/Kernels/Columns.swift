/// Columns of a tensor in time order, whether they lie in a row (a whole window) or in a ring (streaming).
@safe
struct Columns {
  let base: UnsafePointer<Int8>
  /// The size of a column, in bytes.
  let columnByteCount: Int
  /// The number of columns in the row or ring.
  let capacity: Int
  /// The place of column 0.
  let start: Int

  /// The codes of a column; `index` in `0 ..< capacity`.
  @inline(__always)
  func column(_ index: Int) -> UnsafePointer<Int8> {
    let place = start &+ index
    let wrapped = place >= capacity ? place &- capacity : place
    return unsafe base + (wrapped &* columnByteCount)
  }
}

/// The sum of products of two rows of codes, eight at a time.
@inline(__always)
func dotProduct(_ a: UnsafePointer<Int8>, _ b: UnsafePointer<Int8>, count: Int) -> Int32 {
  var sums = SIMD8<Int32>.zero
  var index = 0
  while index &+ 8 <= count {
    // A product of two codes fits 16 bits.
    let products = unsafe widened(a + index) &* widened(b + index)
    sums &+= SIMD8<Int32>(truncatingIfNeeded: products)
    index &+= 8
  }
  var sum = sums.wrappedSum()
  while index < count {
    unsafe sum &+= Int32(a[index]) &* Int32(b[index])
    index &+= 1
  }
  return sum
}

/// Eight codes in 16 bits each.
@inline(__always)
private func widened(_ codes: UnsafePointer<Int8>) -> SIMD8<Int16> {
  let codes = unsafe UnsafeRawPointer(codes).loadUnaligned(as: SIMD8<Int8>.self)
  return SIMD8<Int16>(truncatingIfNeeded: codes)
}
