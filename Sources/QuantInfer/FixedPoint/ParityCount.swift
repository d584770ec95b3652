/// A count in 15 bits with their parity above them: what counts down by itself in a state, and so would stay wrong for ever.
///
/// A new count takes over whether the old one had the right parity, so that a lost bit is found at any later time.
enum ParityCount {
  /// The greatest count.
  static let greatest = 0x7FFF

  /// The count in a word.
  @inline(__always)
  static func count(of word: UInt16) -> Int { Int(word & 0x7FFF) }

  /// The word of a count, up to `greatest`, that follows another word's; 0 is the word of a count of 0.
  @inline(never)
  static func word(_ count: Int, after old: UInt16) -> UInt16 {
    let bits = UInt16(truncatingIfNeeded: count) & 0x7FFF
    return bits | parity(bits ^ old) &<< 15
  }

  /// Whether no bit was lost, or an even number of them.
  @inline(__always)
  static func isWhole(_ word: UInt16) -> Bool { parity(word) == 0 }

  /// 1 for an odd number of ones.
  @inline(__always)
  private static func parity(_ word: UInt16) -> UInt16 {
    var bits = UInt32(word)
    bits ^= bits &>> 8
    bits ^= bits &>> 4
    // The parities of all numbers of four bits.
    return UInt16(truncatingIfNeeded: 0x6996 &>> (bits & 15)) & 1
  }
}
