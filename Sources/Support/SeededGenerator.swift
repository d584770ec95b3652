import Foundation

/// A small random generator whose every bit follows from its seed, on every machine.
///
/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014, doi:10.1145/2660193.2660195).
package struct SeededGenerator: RandomNumberGenerator, Sendable, Codable {
  private var state: UInt64

  /// Creates a generator; equal seeds give equal sequences.
  package init(seed: UInt64) {
    state = seed
  }

  /// An independent generator for a numbered part of a task, so that parts may run in any order.
  package func split(_ index: Int) -> SeededGenerator {
    var mixer = SeededGenerator(seed: state ^ (UInt64(bitPattern: Int64(index)) &* 0xD1B5_4A32_D192_ED03))
    return SeededGenerator(seed: mixer.next())
  }

  /// The next 64 random bits.
  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// The next number in 0 ..< 1, with 53 random bits.
  package mutating func nextUniform() -> Double {
    Double(next() >> 11) * 0x1p-53
  }

  /// The next number in `range`.
  package mutating func next(in range: ClosedRange<Double>) -> Double {
    range.lowerBound + (range.upperBound - range.lowerBound) * nextUniform()
  }

  /// The next index in `0 ..< count`; `count` must be positive.
  package mutating func nextIndex(below count: Int) -> Int {
    Int(next().multipliedFullWidth(by: UInt64(count)).high)
  }

  /// The next number of the standard normal distribution.
  ///
  /// - SeeAlso: G. E. P. Box and M. E. Muller, Ann. Math. Stat. 29 (1958) 610.
  package mutating func nextGaussian() -> Double {
    // 1 less the uniform number is never 0, so its logarithm is finite.
    let radius = (-2 * log(1 - nextUniform())).squareRoot()
    return radius * cos(2 * .pi * nextUniform())
  }
}
