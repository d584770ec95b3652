import CKernels
import Support
import Testing

/// A column's steps in C, against the definitions in spectrum.h as they stand, in numbers that can't overflow.
@Suite struct SpectrumTests {
  @Test func weighedSamplesAreUpperHalvesOfProducts() {
    var cases = Cases(seed: 41)
    for count in 0...33 {
      let samples: [Int32] = cases.values(count)
      let weights: [Int32] = (cases.values(count) as [Int32]).map { $0 & .max }
      let memory = GuardedArray(samples, guarding: .end)
      let result = GuardedArray([Int32](repeating: 0, count: count), guarding: .end)
      let window = GuardedArray(weights, guarding: .end)
      let bits = qi_weighed(memory.pointer, window.pointer, count, result.pointer)
      let expected = zip(samples, weights).map { Int32((Int64($0) * Int64($1)) >> 32) }
      #expect(result.array == expected)
      #expect(bits == expected.reduce(0) { $0 | UInt32($1 < 0 ? -Int64($1) - 1 : Int64($1)) })
    }
  }

  @Test(arguments: [32, 64]) func aWindowIsFoldedAsDefined(count: Int) {
    var cases = Cases(seed: 42)
    for round in 0..<400 {
      let shift = cases.integer(in: 2...(round % 3 == 0 ? 4 : 18))
      let limit = 1 << (13 + shift)
      // The greatest that fit, so that sums of four leave 16 bits, or anything.
      let weighed = (0..<count).map { _ in
        Int32(round % 2 == 0 ? (cases.chance(2) ? limit - 1 : -limit) : cases.integer(in: -limit...limit - 1))
      }
      let result = GuardedArray([Int16](repeating: 0, count: count), guarding: .end)
      let memory = GuardedArray(weighed, guarding: .end)
      qi_folded(memory.pointer, count, Int32(shift), result.pointer)
      let x = weighed.map { (Int($0) + 1 << (shift - 1)) >> shift }
      let (half, row) = (count / 2, count / 4)
      let folds: [(Int, Int, Int, Int) -> Int] = [
        { ($0 + $1) + ($2 + $3) }, { ($0 - $1) - ($2 - $3) }, { ($0 + $1) - ($2 + $3) },
        { ($0 - $1) + ($2 - $3) },
      ]
      let expected = folds.flatMap { fold in
        (0..<row).map { m in
          Int16(clamping: fold(x[half + m], x[half - 1 - m], x[count - 1 - m], x[m]))
        }
      }
      #expect(result.array == expected)
    }
  }

  @Test(arguments: [32, 64]) func binsAreTheProductsOfTheirRows(count: Int) {
    var cases = Cases(seed: 43)
    for firstBin in [0, 1, 2, 5] {
      for binCount in [1, 2, 3, 12, count / 2 + 1 - firstBin] {
        let folded: [Int16] = cases.values(count)
        let factors: [Int16] = cases.values(binCount * count / 2)
        let parts = GuardedArray([Int32](repeating: 0, count: 2 * binCount), guarding: .end)
        let (rows, table) = (GuardedArray(folded, guarding: .end), GuardedArray(factors, guarding: .end))
        let bits = qi_folded_bins(
          rows.pointer, count, table.pointer, firstBin, binCount, parts.pointer)
        let row = count / 4
        let expected = (0..<2 * binCount).map { part in
          let numbers = folded[((firstBin + part / 2) % 2 * 2 + part % 2) * row..<count].prefix(row)
          return zip(numbers, factors[part * row..<(part + 1) * row]).reduce(0 as Int32) {
            $0 &+ Int32($1.0) * Int32($1.1)
          }
        }
        #expect(parts.array == expected)
        #expect(bits == expected.reduce(0) { $0 | UInt32($1 < 0 ? -Int64($1) - 1 : Int64($1)) })
      }
    }
  }

  @Test func codesAreThoseOfLogMagnitudes() {
    var cases = Cases(seed: 44)
    for round in 0..<200 {
      let binCount = cases.integer(in: 1...40)
      // Of every size, none of them so large that the power leaves 32 bits.
      let parts = (0..<2 * binCount).map { _ in
        round % 5 == 0 ? 0 : (cases.values(1) as [Int32])[0] >> Int32(cases.integer(in: 1...31))
      }
      let shift = cases.integer(in: 0...Int(parts.map { $0.magnitude | 1 }.max()!.leadingZeroBitCount - 1))
      var levels = qi_levels(
        shift: Int32(shift), floorPower: round % 3 == 0 ? 0 : UInt32(1) << UInt32(cases.integer(in: 0...30)),
        offsetLog2Q16: Int32(cases.integer(in: -(40 << 16)...4 << 16)),
        codesPerPowerDoublingQ6: Int32(cases.integer(in: 1...4096)),
        zeroLevelCode: Int32(cases.integer(in: -128...127)))
      let codes = GuardedArray([Int8](repeating: 0, count: binCount), guarding: .end)
      let memory = GuardedArray(parts, guarding: .end)
      qi_level_codes(memory.pointer, binCount, &levels, codes.pointer)
      let expected = (0..<binCount).map { bin in
        let (real, imaginary) = (Int(parts[2 * bin]) << shift, Int(parts[2 * bin + 1]) << shift)
        let power = max(1, (real * real) >> 32 + (imaginary * imaginary) >> 32 + Int(levels.floorPower))
        let level = max(0, Int(qi_log2_q16(UInt32(power))) + Int(levels.offsetLog2Q16))
        return Int8(
          clamping: (level * Int(levels.codesPerPowerDoublingQ6) + 1 << 21) >> 22 + Int(levels.zeroLevelCode))
      }
      #expect(codes.array == expected)
    }
  }
}
