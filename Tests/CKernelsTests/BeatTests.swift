import CKernels
import Support
import Testing

/// What beats need in few instructions, against the definitions in CKernels.h as they stand.
///
/// A board's own instructions meet these on the emulator, where the same run must give the same bits (`Firmware/boards.sh test`).
@Suite struct BeatTests {
  @Test func aPeakIsTheFirstOfThoseFurthestFromTheLevel() {
    var cases = Cases(seed: 31)
    var differing: [[Int16]] = []
    for reach in 0...16 {
      for round in 0..<60 {
        let samples: [Int16] =
          round % 2 == 0 ? cases.values(33) : (0..<33).map { _ in Int16(cases.integer(in: -3...3)) }
        let memory = GuardedArray(samples, guarding: round % 4 < 2 ? .start : .end)
        let level = stride(from: 0, to: 32, by: 4).reduce(0) { $0 + Int(samples[$1]) } >> 3
        let heights = (16 - reach...16 + reach).map { abs(Int(samples[$0]) - level) }
        let expected = heights.firstIndex(of: heights.max() ?? 0)! - reach
        if qi_peak(memory.pointer + 16, reach) != expected { differing.append(samples) }
      }
    }
    #expect(differing.isEmpty, "\(differing.count) differ, the first: \(differing.first ?? [])")
  }

  @Test func sumsOfPairsAreThoseOfTheirSamples() {
    var cases = Cases(seed: 32)
    for pairs in [1, 2, 3, 4] {
      for count in [1, 2, 7, 16] {
        for halving: Int32 in [0, 1] {
          let samples: [Int16] = cases.values(2 * pairs * count)
          let memory = GuardedArray(samples, guarding: .end)
          let points = GuardedArray([Int32](repeating: 0, count: count), guarding: .end)
          let expected = (0..<count).map { point in
            Int32(samples[2 * pairs * point..<2 * pairs * (point + 1)].reduce(0) { $0 + Int($1) }) >> halving
          }
          let sum = qi_sums(memory.pointer, count, pairs, halving, points.pointer)
          #expect(points.array == expected && sum == expected.reduce(0, &+))
        }
      }
    }
  }

  @Test func aDistanceIsTheSumOfDifferencesButForTheMeanOne() {
    var cases = Cases(seed: 33)
    for count in 1...20 {
      for _ in 0..<20 {
        let samples: [Int16] = cases.values(2 * count)
        let usualQ4: [Int32] = cases.values(count).map { $0 >> 8 }
        let (memory, levels) = (GuardedArray(samples, guarding: .end), GuardedArray(usualQ4, guarding: .end))
        let usualSum = usualQ4.reduce(0) { $0 + Int($1 >> 4) }
        let points = (0..<count).map { Int(samples[2 * $0]) + Int(samples[2 * $0 + 1]) }
        // Towards zero, as both languages divide.
        let mean = (points.reduce(0, +) - usualSum) / count
        let expected = zip(points, usualQ4).reduce(0) { $0 + abs($1.0 - Int($1.1 >> 4) - mean) }
        let distance = qi_pairs_distance(memory.pointer, levels.pointer, count, Int32(usualSum))
        #expect(Int(distance) == expected)
      }
    }
  }

  @Test func codesAreRoundedAndLimited() {
    var cases = Cases(seed: 34)
    for count in [1, 3, 4, 9, 64] {
      let numbers: [Int32] = cases.values(count).map { $0 >> 11 }
      let memory = GuardedArray(numbers, guarding: .end)
      for factor: Int32 in [1, 1 << 20, 3 << 22, 1 << 30, .max] {
        let codes = GuardedArray([Int8](repeating: 0, count: count), guarding: .end)
        qi_scaled_codes(memory.pointer, count, factor, codes.pointer)
        let expected = numbers.map { number in
          Int8(clamping: (Int(number) * Int(factor) + (1 << 21)) >> 22)
        }
        #expect(codes.array == expected, "\(factor)")
      }
    }
  }
}
