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

/// The sum of products of two rows of codes.
@inline(__always)
func dotProduct(_ a: UnsafePointer<Int8>, _ b: UnsafePointer<Int8>, count: Int) -> Int32 {
  var sum: Int32 = 0
  for index in 0..<count {
    unsafe sum &+= Int32(a[index]) &* Int32(b[index])
  }
  return sum
}
