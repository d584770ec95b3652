// Arithmetic on counts and sizes that validation has found to be right. Swift's own checks would be instructions that stop a
// device, and none of them can be reached: these have none, and an answer for every number.

/// The numbers from one up to another, without that; none where there are none.
///
/// A `Range` checks its ends, and again at each step.
///
/// ```swift
/// var indices = Indices(to: count)
/// while let index = indices.next() { ... }
/// ```
struct Indices {
  private var place: Int
  private let end: Int

  @inline(__always)
  init(from start: Int = 0, to end: Int) { (place, self.end) = (start, end) }

  @inline(__always)
  mutating func next() -> Int? {
    guard place < end else { return nil }
    place &+= 1
    return place &- 1
  }
}

/// Sets some bytes to 0.
@inline(__always)
func clear(_ memory: UnsafeMutableRawPointer, byteCount: Int) {
  var places = Indices(to: byteCount)
  while let place = places.next() {
    unsafe memory.storeBytes(of: 0, toByteOffset: place, as: UInt8.self)
  }
}

/// A count divided by one above 0; a divisor of 0 counts as 1.
@inline(__always)
func quotient(_ dividend: Int, _ divisor: Int) -> Int {
  Int(bitPattern: UInt(bitPattern: dividend) / max(1, UInt(bitPattern: divisor)))
}

/// What is left of a count divided by one above 0; a divisor of 0 counts as 1.
@inline(__always)
func remainder(_ dividend: Int, _ divisor: Int) -> Int {
  Int(bitPattern: UInt(bitPattern: dividend) % max(1, UInt(bitPattern: divisor)))
}
