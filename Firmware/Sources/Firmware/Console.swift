import Board

/// Text out, without strings made on the way.
enum Console {
  static func put(_ text: StaticString) {
    board_put_all(text.utf8Start, text.utf8CodeUnitCount)
  }

  static func put(_ number: Int) {
    if number < 0 { put("-") }
    put(digits: number.magnitude)
  }

  private static func put(digits number: UInt) {
    if number > 9 { put(digits: number / 10) }
    board_put(48 &+ UInt8(truncatingIfNeeded: number % 10))
  }

  /// Eight hexadecimal digits.
  static func put(hex number: UInt32) {
    for place in 0..<8 {
      let digit = UInt8(truncatingIfNeeded: number &>> UInt32(truncatingIfNeeded: 28 &- 4 &* place)) & 15
      board_put(digit < 10 ? 48 &+ digit : 87 &+ digit)
    }
  }

  static func endLine() { board_put(10) }
}
