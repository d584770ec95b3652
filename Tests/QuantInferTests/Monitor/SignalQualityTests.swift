import ModelFiles
import QuantInfer
import Support
import Testing

@Suite struct SignalQualityTests {
  /// 2 counts for 10 samples, 4 at the ends within 20, 30 until it is good again.
  private static let limits = SignalQuality.Limits(
    lowestCount: -2048, highestCount: 2047, flatCounts: 2, flatSamples: 10, saturatedSamples: 4,
    saturationSpanSamples: 20, refillSamples: 30)

  private func reasons(_ samples: [Int16], _ limits: SignalQuality.Limits = limits) throws -> [NoResult?] {
    let memory = AlignedMemory(byteCount: SignalQuality.stateByteCount)
    defer { withExtendedLifetime(memory) {} }
    var quality = try SignalQuality(limits, state: memory.bytes)
    return samples.map { quality.push($0) }
  }

  /// Samples that differ enough.
  private func lively(_ count: Int) -> [Int16] { (0..<count).map { Int16($0 % 2 * 100) } }

  // claim: no-result
  @Test func aFlatLineIsFoundAfterItsTimeAndTheWindowHasToRefill() throws {
    let samples = lively(20) + [Int16](repeating: 7, count: 15) + lively(50)
    let reasons = try reasons(samples)
    #expect(reasons[..<29].allSatisfy { $0 == nil })
    #expect(reasons[29..<35].allSatisfy { $0 == .flatLine })
    // 30 good samples, the last of which makes the signal good.
    #expect(reasons[35..<64].allSatisfy { $0 == .refilling } && reasons[64] == nil)
  }

  @Test func nothingShorterIsAFlatLineAndNothingTwiceAsLongEscapes() throws {
    var random = SeededGenerator(seed: 64)
    for _ in 0..<500 {
      let samples = (0..<400).map { _ in
        Int16(random.nextIndex(below: 2) * 50 * random.nextIndex(below: 2) + random.nextIndex(below: 2))
      }
      func isFlat(_ end: Int, _ count: Int) -> Bool {
        guard end + 1 >= count else { return false }
        let part = samples[end + 1 - count...end]
        return part.max()! - part.min()! <= 2
      }
      for (index, reason) in try reasons(samples).enumerated() {
        if reason == .flatLine { #expect(isFlat(index, 10)) }
        if isFlat(index, 19) { #expect(reason == .flatLine) }
      }
    }
  }

  // claim: no-result
  @Test func tooManySamplesAtTheEndsAreSaturation() throws {
    // Three at the ends, again and again but never four within 20 samples.
    let spikes: [Int16] = [2047, 50, -2048, 60, 2047] + lively(20)
    #expect(try reasons(Array(repeatElement(spikes, count: 9).joined())).allSatisfy { $0 == nil })
    let reasons = try reasons(lively(20) + [2047, 0, -2048, 0, 2047, 0, 2047, 0, 2047] + lively(50))
    #expect(reasons[..<26].allSatisfy { $0 == nil })
    #expect(reasons[26] == .saturation && reasons[27] == .refilling && reasons[28] == .saturation)
    #expect(reasons[29..<58].allSatisfy { $0 == .refilling } && reasons[58] == nil)
  }

  @Test func aLeadThatStaysAtTheEndStaysBad() throws {
    let reasons = try reasons(lively(20) + [Int16](repeating: 2047, count: 500))
    #expect(reasons[23...].allSatisfy { $0 == .saturation })
  }

  @Test func aDamagedStateHeals() throws {
    var random = SeededGenerator(seed: 65)
    let memory = AlignedMemory(byteCount: SignalQuality.stateByteCount)
    var quality = try SignalQuality(Self.limits, state: memory.bytes)
    for _ in 0..<500 {
      for index in memory.bytes.indices { memory.bytes[index] = UInt8(truncatingIfNeeded: random.next()) }
      // The good samples that are missing are known again with the next bad one.
      for sample in lively(3) + [Int16](repeating: 7, count: 40) + lively(31) { _ = quality.push(sample) }
      #expect(quality.reason == nil)
    }
    withExtendedLifetime(memory) {}
  }
}
