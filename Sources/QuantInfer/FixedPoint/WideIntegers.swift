/// A sum's type: 32 or 64 bits that wrap.
protocol Sum: FixedWidthInteger {
  /// The same value as one of 32 bits.
  init(extending value: Int32)
}

extension Int32: Sum {
  @inline(__always)
  init(extending value: Int32) { self = value }
}

extension Int64: Sum {
  /// On a machine of 32 bits the standard initializers would need the heap.
  @inline(__always)
  init(extending value: Int32) {
    self = unsafe unsafeBitCast(SIMD2<Int32>(value, value &>> 31), to: Int64.self)
  }
}
