/// SOFTMAX of int8 codes, to int8 or int16 codes, by gemmlowp's fixed point.
///
/// - Parameters:
///   - input: Rows of `depth` codes.
///   - depth: The number of codes that share a sum.
///   - multiplier: From differences of codes to 5 integer bits; it shifts left.
///   - leastDifference: Differences to the row's largest code below this one count as 0.
///   - outputBits: 8 or 16; the output's codes start at the least one, which stands for 0.
/// - Returns: The output's codes.
public func referenceSoftmax(
  _ input: [Int], depth: Int, multiplier: ReferenceMultiplier, leastDifference: Int, outputBits: Int
) -> [Int] {
  let least = -(1 << (outputBits - 1))
  return rows(of: input, depth: depth).flatMap { row in
    let largest = row.reduce(Int.min, max)
    let exponentials: [Int?] = row.map { code in
      let difference = code - largest
      if difference < leastDifference { return nil }
      return ReferenceExponential.exponential(multiplier.scale(difference), integerBits: 5)
    }
    let sum = exponentials.reduce(0) {
      $0 + ($1.map { ReferenceArithmetic.roundingDivide($0, byPowerOfTwo: 12) } ?? 0)
    }
    let headroom = UInt32(sum).leadingZeroBitCount
    let reciprocal = ReferenceExponential.reciprocalOfOnePlus((sum << headroom) - (1 << 31))
    return exponentials.map { exponential in
      guard let exponential else { return least }
      let share = ReferenceArithmetic.roundingDivide(
        ReferenceArithmetic.doublingHighMultiply(reciprocal, exponential),
        byPowerOfTwo: 12 - headroom + 31 - outputBits)
      return ReferenceArithmetic.clamped(share + least, to: least...(-least - 1))
    }
  }
}

/// SOFTMAX of int16 codes, to int16 codes of 0 ..< 1 in Q15, by interpolation in tables.
///
/// - Parameters:
///   - input: Rows of `depth` codes.
///   - depth: The number of codes that share a sum.
///   - multiplier: From differences of codes to 65535 steps a difference of 10.
///   - exponentialsQ15: exp(x) for x in -10...0, 513 values.
///   - reciprocalsQ15: 1 / (1 + x) for x in 0...1, 513 values.
/// - Returns: The output's codes.
public func referenceSoftmax16(
  _ input: [Int], depth: Int, multiplier: ReferenceMultiplier, exponentialsQ15: [Int], reciprocalsQ15: [Int]
) -> [Int] {
  rows(of: input, depth: depth).flatMap { row in
    let largest = row.reduce(Int.min, max)
    let exponentials = row.map { code in
      let position = multiplier.scale(code - largest) + 32767
      return interpolate(ReferenceArithmetic.clamped(position, to: -32768...32767), in: exponentialsQ15)
    }
    let sum = exponentials.reduce(0, +)
    let headroom = UInt32(sum).leadingZeroBitCount
    // The sum as 1 + x with 16 fraction bits, x shifted into the table's range.
    let normalized = ((sum << (headroom - 1)) + (1 << 13)) >> 14
    let position = ReferenceArithmetic.clamped(normalized - (1 << 16) - (1 << 15), to: -32768...32767)
    let reciprocal = interpolate(position, in: reciprocalsQ15)
    let shift = 31 - headroom
    return exponentials.map {
      ReferenceArithmetic.clamped(($0 * reciprocal + (1 << (shift - 1))) >> shift, to: 0...32767)
    }
  }
}

/// A table of 513 values at every 128th position in -32768...32767, straight lines between them.
private func interpolate(_ position: Int, in table: [Int]) -> Int {
  let index = 256 + (position >> 7)
  let slope = table[index + 1] - table[index]
  return table[index] + ((slope * (position & 127) + 64) >> 7)
}

private func rows(of codes: [Int], depth: Int) -> [[Int]] {
  stride(from: 0, to: codes.count, by: depth).map { Array(codes[$0..<$0 + depth]) }
}
