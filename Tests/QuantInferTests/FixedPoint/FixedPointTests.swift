import Foundation
import QuantInfer
import ReferenceKernels
import Support
import Testing

@Suite struct FixedPointTests {
  @Test func scalingEqualsTheReferenceOnRandomAndExtremeAccumulators() {
    var random = SeededGenerator(seed: 1)
    var accumulators: [Int32] = [0, 1, -1, 2, -2, 1 << 30, -(1 << 30), .max, .min, .max - 1, .min + 1]
    for bits in 1...30 {
      for _ in 0..<200 { accumulators.append(Int32(truncatingIfNeeded: random.next()) >> Int32(bits)) }
    }
    var differing = 0
    for leftShift in -31...30 {
      let multipliers = [0, 1 << 30, Int32.max, Int32(random.nextIndex(below: 1 << 30)) + 1 << 30 - 1]
      for multiplierQ31 in multipliers where multiplierQ31 == 0 || multiplierQ31 >= 1 << 30 {
        let multiplier = FixedPointMultiplier(multiplierQ31: multiplierQ31, leftShift: Int8(leftShift))
        for accumulator in accumulators
        where leftShift <= 0 || accumulator.magnitude <= UInt32(Int32.max) >> UInt32(leftShift) {
          let expected = ReferenceMultiplier(multiplierQ31: Int(multiplierQ31), leftShift: leftShift)
            .scale(Int(accumulator))
          if Int(multiplier.scale(accumulator)) != expected { differing += 1 }
        }
      }
    }
    #expect(differing == 0)
  }

  @Test func scalingRoundsTiesAsTFLMDoes() {
    // 0.5 * 3 = 1.5 rounds up, 0.5 * -3 = -1.5 rounds up too (the nudge), then halves go away from zero.
    let half = FixedPointMultiplier(multiplierQ31: 1 << 30, leftShift: 0)
    #expect(half.scale(3) == 2)
    #expect(half.scale(-3) == -1)
    let quarter = FixedPointMultiplier(multiplierQ31: 1 << 30, leftShift: -1)
    #expect(quarter.scale(2) == 1)
    #expect(quarter.scale(-2) == -1)
  }

  @Test func logarithmIsWithinALastPlaceOfTheRealOne() {
    var random = SeededGenerator(seed: 2)
    var worst = 0.0
    for bit in 0..<32 {
      let power = UInt32(1) << UInt32(bit)
      let offsets = (0..<2000).map { _ in UInt32(random.nextIndex(below: Int(power))) } + [0, power - 1]
      for offset in offsets {
        let exact = log2(Double(power + offset)) * 65_536
        worst = max(worst, abs(Double(log2Q16(power + offset)) - exact))
      }
    }
    #expect(worst < 0.75)
  }

  @Test func logarithmNeverFalls() {
    var previous = log2Q16(1)
    var falls = 0
    for x in UInt32(2)...300_000 {
      let value = log2Q16(x)
      if value < previous { falls += 1 }
      previous = value
    }
    #expect(falls == 0)
  }

  @Test func checksumEqualsThePublishedCheckValue() {
    // CRC-32/ISO-HDLC of "123456789" is 0xCBF43926 in the catalogue of parametrised CRC algorithms.
    let digits = Array("123456789".utf8)
    let whole = digits.withUnsafeBytes { CRC32.checksum($0) }
    #expect(whole == 0xCBF4_3926)
    let inParts = digits.withUnsafeBytes { bytes in
      CRC32.checksum(
        UnsafeRawBufferPointer(rebasing: bytes[4...]),
        continuing: CRC32.checksum(UnsafeRawBufferPointer(rebasing: bytes[..<4])))
    }
    #expect(inParts == whole)
  }
}
