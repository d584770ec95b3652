import CKernels
import Foundation
import Testing

/// Shares of exponentials, against real arithmetic; the bits of the plain loop are held by random networks, on every set.
@Suite struct SoftmaxTests {
  @Test(arguments: availableSets)
  func sharesAreThoseOfRealExponentialsWithinACode(_ set: qi_instruction_set) {
    var cases = Cases(seed: 10)
    var farthest = 0.0
    for _ in 0..<300 {
      let (rows, count) = (cases.integer(in: 1...5), cases.integer(in: 1...(cases.chance(3) ? 300 : 12)))
      let input: [Int8] = cases.values(rows * count)
      // A step between codes is a 2^-shift-th, for Q5.26 2^26 times that.
      let shift = cases.integer(in: 2...6)
      let step = exp2(-Double(shift))
      let codes = GuardedArray(input, guarding: cases.chance(2) ? .start : .end)
      let output = GuardedArray(
        [Int8](repeating: 0, count: rows * count), guarding: cases.chance(2) ? .start : .end)
      var softmax = qi_softmax(
        input: codes.pointer, rows: rows, count: count,
        factor: qi_factor(multiplier: 1 << 30, shift: Int32(27 - shift)),
        leastDifference: -((31 << 26) >> Int32(27 - shift)))
      let isDone = withExtendedLifetime(codes) { qi_softmax_int8(set, &softmax, output.pointer) }
      // In the input's place, too.
      let isDoneInPlace = qi_softmax_int8(set, &softmax, codes.pointer)
      #expect(isDone && isDoneInPlace && codes.array == output.array)
      for row in 0..<rows {
        let exponentials = input[row * count..<(row + 1) * count].map { exp(Double($0) * step) }
        let sum = exponentials.reduce(0, +)
        for (index, exponential) in exponentials.enumerated() {
          let share = min(256 * exponential / sum - 128, 127)
          farthest = max(farthest, abs(Double(output.array[row * count + index]) - share))
        }
      }
    }
    // Half a code of rounding, and what gemmlowp's arithmetic is off beside it.
    #expect(farthest <= 0.6, "\(farthest)")
  }
}
