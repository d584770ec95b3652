extension RandomAccessCollection where Element: Comparable, Index == Int {
  /// The place of the largest element, the first of equal ones, counted from the start; 0 where there is none.
  package var placeOfLargest: Int {
    indices.reduce(startIndex) { self[$1] > self[$0] ? $1 : $0 } - startIndex
  }
}

extension [Double] {
  /// The median; nil of nothing.
  package var median: Double? {
    guard !isEmpty else { return nil }
    let ordered = sorted()
    let middle = count / 2
    return count % 2 == 1 ? ordered[middle] : (ordered[middle - 1] + ordered[middle]) / 2
  }
}
