/// Columns of a tensor in time order, whether they lie in a row (a whole window) or in a ring (streaming).
@safe
struct Columns<Code: FixedWidthInteger & SignedInteger> {
  let base: UnsafePointer<Code>
  /// The number of codes in a column.
  let columnCount: Int
  /// The number of columns in the row or ring.
  let capacity: Int
  /// The place of column 0.
  let start: Int

  /// The codes of a column; `index` in `0 ..< capacity`.
  @inline(__always)
  func column(_ index: Int) -> UnsafePointer<Code> {
    let place = start &+ index
    let wrapped = place >= capacity ? place &- capacity : place
    return unsafe base + (wrapped &* columnCount)
  }

  /// Copies all columns to one place, the oldest first.
  func copy(into target: UnsafeMutablePointer<Code>) {
    let first = (capacity &- start) &* columnCount
    unsafe target.update(from: base + (start &* columnCount), count: first)
    unsafe (target + first).update(from: base, count: start &* columnCount)
  }

  /// Whether some columns lie one behind the other.
  @inline(__always)
  func isContiguous(_ first: Int, count: Int) -> Bool {
    start &+ first &+ count <= capacity || start &+ first >= capacity
  }
}
