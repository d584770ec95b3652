import CQuantInfer
import Foundation
import ModelFiles
import QuantInfer
import QuantInferC
import Support
import Testing
import TestSupport

/// A device whose memory loses bits, through the C interface; the one that lost none is the truth.
@Suite struct SoundnessTests {
  /// The shipped model in memory between two fences.
  private final class Device {
    private static let fence = 64
    private let image: AlignedMemory
    private let fenced: AlignedMemory
    let device: OpaquePointer
    let memory: UnsafeMutableRawBufferPointer
    let needs: quantinfer_needs

    init() throws {
      let bytes = Array(try Files.read(ProjectFiles.model))
      image = AlignedMemory(byteCount: bytes.count)
      image.bytes.copyBytes(from: bytes)
      var needs = quantinfer_needs.empty
      try #require(
        quantinfer_pipeline_inspect(image.bytes.baseAddress!, bytes.count, &needs) == QUANTINFER_OK)
      self.needs = needs
      let byteCount = Int(needs.memory_byte_count)
      fenced = AlignedMemory(byteCount: byteCount + 2 * Self.fence)
      memory = UnsafeMutableRawBufferPointer(rebasing: fenced.bytes[Self.fence..<Self.fence + byteCount])
      var device: OpaquePointer?
      let status = quantinfer_pipeline_init(
        &device, image.bytes.baseAddress!, bytes.count, memory.baseAddress!, byteCount)
      try #require(status == QUANTINFER_OK)
      self.device = try #require(device)
    }

    /// The device's own record, and its state.
    var record: Range<Int> { 0..<memory.count - Int(needs.state_byte_count + 7) / 8 * 8 - scratchByteCount }
    var state: Range<Int> { record.upperBound..<record.upperBound + Int(needs.state_byte_count) }
    private var scratchByteCount: Int { Int(needs.scratch_byte_count + 7) / 8 * 8 }

    var isFenceWhole: Bool {
      (fenced.bytes.prefix(Self.fence) + fenced.bytes.suffix(Self.fence)).allSatisfy { $0 == 0 }
    }

    func flip(_ bit: Int) { memory[bit / 8] ^= 1 << UInt8(bit % 8) }

    /// The logits of each decision by its sample.
    func decisions(_ samples: ArraySlice<Int16>) -> [Int: [Int8]] {
      var decisions: [Int: [Int8]] = [:]
      var logits = [Int8](repeating: 0, count: 4)
      for index in samples.indices where quantinfer_pipeline_push(device, samples[index]) {
        _ = quantinfer_pipeline_decide(device, &logits, 4)
        decisions[index] = logits
      }
      return decisions
    }
  }

  private static let samples = (0..<3000).map {
    Int16(truncatingIfNeeded: ($0 * $0 * 37 + $0 * 11) % 1500 - 700)
  }

  // claim: lost-bits
  @Test func everyLostBitOfTheRecordIsFoundAndNothingFollowsIt() throws {
    let device = try Device()
    _ = device.decisions(Self.samples[..<500])
    let before = Array(device.memory)
    var copy = [UInt8](repeating: 0, count: Int(device.needs.saved_byte_count))
    #expect(quantinfer_pipeline_save(device.device, &copy, copy.count) == QUANTINFER_OK)
    #expect(device.record.count == 16 * MemoryLayout<Int>.size)
    let checksum = quantinfer_pipeline_state_checksum(device.device)
    for bit in 0..<8 * device.record.count {
      device.flip(bit)
      var logits: [Int8] = [1, 2, 3, 4]
      let isRefused =
        !quantinfer_pipeline_is_sound(device.device) && !quantinfer_pipeline_push(device.device, 100)
        && quantinfer_pipeline_decide(device.device, &logits, 4) == -1 && logits == [1, 2, 3, 4]
        && quantinfer_pipeline_save(device.device, &copy, copy.count) == QUANTINFER_NOT_SOUND
        && quantinfer_pipeline_restore(device.device, copy, copy.count) == QUANTINFER_NOT_SOUND
        && quantinfer_pipeline_state_checksum(device.device) == 0
      quantinfer_pipeline_reset(device.device)
      #expect(isRefused, "bit \(bit)")
      device.flip(bit)
    }
    #expect(Array(device.memory) == before && quantinfer_pipeline_is_sound(device.device))
    #expect(quantinfer_pipeline_state_checksum(device.device) == checksum)
  }

  @Test func everyLostBitOfTheStateChangesItsChecksum() throws {
    let device = try Device()
    _ = device.decisions(Self.samples[..<500])
    let checksum = quantinfer_pipeline_state_checksum(device.device)
    for bit in 8 * device.state.lowerBound..<8 * device.state.upperBound {
      device.flip(bit)
      #expect(quantinfer_pipeline_state_checksum(device.device) != checksum)
      device.flip(bit)
    }
    #expect(quantinfer_pipeline_state_checksum(device.device) == checksum)
  }

  // claim: lost-bits
  @Test func whateverBitOfTheStateIsLostNothingLeavesItAndTheDecisionsHealOrItIsFound() throws {
    let device = try Device()
    let begin = 700
    _ = device.decisions(Self.samples[..<begin])
    let before = Array(device.memory)
    let expected = device.decisions(Self.samples[begin...])
    // The window of 368 samples, and until then the filter's greatest error of 2^19 counts has gone down 2^-5 a sample.
    let healed = expected.filter { $0.key >= begin + 368 + 32 * 19 }
    try #require(healed.count > 100)
    let record = Array(device.memory[device.record])
    var (found, changed) = (0, 0)
    // All bits of the words before the rings, and every eleventh of what samples and columns there are.
    let first = device.state.lowerBound
    let cursors = first + 16 + 4 * 32
    let words: [Int] = Array(8 * first..<8 * (first + 16)) + Array(8 * cursors..<8 * (cursors + 16))
    let bits: [Int] = words + Array(stride(from: 8 * first, to: 8 * device.state.upperBound, by: 11))
    for bit in bits {
      device.memory.copyBytes(from: before)
      device.flip(bit)
      let isSound = quantinfer_pipeline_is_sound(device.device)
      let decisions = device.decisions(Self.samples[begin...])
      #expect(device.isFenceWhole && Array(device.memory[device.record]) == record, "bit \(bit)")
      if decisions != expected { changed += 1 }
      if isSound {
        #expect(
          healed.allSatisfy { decisions[$0.key] == $0.value }, "bit \(bit - 8 * device.state.lowerBound)")
      } else {
        found += 1
      }
    }
    print("\(bits.count) bits of the state: \(found) found, \(changed) changed a decision")
    #expect(found > 40 && changed > 100)
  }
}
