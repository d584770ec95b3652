import CKernels

/// How rows of inputs lie.
enum RowOrder {
  /// One after the other, their inputs in order.
  case natural
  /// A single row for the DSP extension: each four in the order 0, 2, 1, 3, as even and odd bytes of a word of weights
  /// meet their inputs.
  case single
  /// Such rows in pairs, whose fours take turns.
  case pairs
}

/// Rows of inputs, widened to 16 bits: what packed weights are multiplied with.
@safe
struct Rows {
  let start: UnsafeMutablePointer<Int16>
  /// The size of a row: a multiple of four.
  let inputCount: Int
  let order: RowOrder

  /// Where a row's first input lies.
  @inline(__always)
  private func row(_ index: Int) -> UnsafeMutablePointer<Int16> {
    order == .pairs
      ? unsafe start + ((index & ~1) &* inputCount &+ (index & 1) &* 4) : unsafe start + index &* inputCount
  }

  /// The distance between fours.
  private var step: Int { order == .pairs ? 8 : 4 }

  /// Puts codes into a row, from its input `first` on.
  @inline(__always)
  func put<Code: FixedWidthInteger & SignedInteger>(
    _ codes: UnsafePointer<Code>, count: Int, row index: Int, at first: Int = 0
  ) {
    let row = unsafe row(index)
    if order == .natural {
      unsafe widen(codes, into: row + first, count: count)
    } else {
      unsafe qi_pair(UnsafeRawPointer(codes).assumingMemoryBound(to: Int8.self), count, row, step, first)
    }
  }

  /// Puts columns into a row, the oldest first, so many apart; not in the natural order.
  @inline(__always)
  func put<Code: FixedWidthInteger & SignedInteger>(
    _ columns: Columns<Code>, from first: Int, distance: Int, taps: Int, row index: Int
  ) {
    let place = columns.start &+ first
    unsafe qi_pair_columns(
      UnsafeRawPointer(columns.base).assumingMemoryBound(to: Int8.self), columns.columnCount,
      columns.capacity, place >= columns.capacity ? place &- columns.capacity : place, distance, taps,
      row(index), step)
  }

  /// Puts one code into a part of a row.
  @inline(__always)
  func fill(with code: Int16, count: Int, row index: Int, at first: Int) {
    let row = unsafe row(index)
    if order == .natural {
      for place in first..<first &+ count { unsafe row[place] = code }
    } else {
      unsafe qi_pair_fill(code, count, row, step, first)
    }
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
