/// A sum's type: 32 or 64 bits that wrap.
protocol Sum: FixedWidthInteger {
  /// The same value as one of 32 bits.
  init(extending value: Int32)

  /// One of those that lie in a row, at a multiple of 4.
  static func load(_ start: UnsafeRawPointer, at index: Int) -> Self

  /// The sum times a factor: of 32 bits rounded twice, of 64 bits once.
  func scaled(by multiplier: FixedPointMultiplier) -> Int32
}

extension Int32: Sum {
  @inline(__always)
  init(extending value: Int32) { self = value }

  @inline(__always)
  static func load(_ start: UnsafeRawPointer, at index: Int) -> Int32 {
    unsafe start.assumingMemoryBound(to: Int32.self)[index]
  }

  @inline(__always)
  func scaled(by multiplier: FixedPointMultiplier) -> Int32 { multiplier.scale(self) }
}

extension Int64: Sum {
  /// On a machine of 32 bits the standard initializers would need the heap.
  @inline(__always)
  init(extending value: Int32) {
    self = unsafe unsafeBitCast(SIMD2<Int32>(value, value &>> 31), to: Int64.self)
  }

  @inline(__always)
  static func load(_ start: UnsafeRawPointer, at index: Int) -> Int64 {
    unsafe start.loadUnaligned(fromByteOffset: 8 &* index, as: Int64.self)
  }

  @inline(__always)
  func scaled(by multiplier: FixedPointMultiplier) -> Int32 { multiplier.scaleWide(self) }
}
