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

  /// Copies columns to one place, the oldest first; all of them where nothing else is said.
  @inline(__always)
  func copy(_ range: Range<Int>? = nil, into target: UnsafeMutablePointer<Code>) {
    let (first, count) = range.map { ($0.lowerBound, $0.upperBound &- $0.lowerBound) } ?? (0, capacity)
    let place = start &+ first >= capacity ? start &+ first &- capacity : start &+ first
    let untilEnd = min(count, capacity &- place) &* columnCount
    unsafe target.update(from: base + (place &* columnCount), count: untilEnd)
    unsafe (target + untilEnd).update(from: base, count: count &* columnCount &- untilEnd)
  }

  /// Whether some columns lie one behind the other.
  @inline(__always)
  func isContiguous(_ first: Int, count: Int) -> Bool {
    start &+ first &+ count <= capacity || start &+ first >= capacity
  }
}
