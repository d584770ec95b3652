import CQuantInfer
import Foundation
import HostDevice
import ModelFiles
import QuantInfer
import QuantInferDeviceC
import Support
import Testing
import TestSupport

/// Patches and whole windows through the C interface.
@Suite struct PatchAndRunTests {
  /// A patch of the shipped model's last layer that moves weights and biases; `isWrong` where its answers are others.
  private func patch(number: UInt32, isWrong: Bool = false) throws -> [UInt8] {
    let loaded = try LoadedModel(file: ProjectFiles.model)
    let last = loaded.model.operatorCount - 1
    let constants = try #require(loaded.denseConstants(ofOperator: last))
    let channels = constants.biases.count
    let grouping = PatchGrouping(
      inputsPerOutput: constants.codes.count / channels, columnCount: 16, span: 4)
    let changes = PatchChanges(
      grouping: grouping, steps: [UInt8](repeating: 3, count: channels),
      levels: (0..<channels * grouping.groupsPerOutput).map { Int8($0 * 7 % 16 - 8) })
    // The biases with the input's zero point folded in belong to other codes: any will do.
    var bytes = try PatchImage(
      loaded, operatorIndex: last, changes: changes, biases: constants.biases.map { $0 + 500 },
      sequenceNumber: number
    ).bytes
    if isWrong {
      bytes[ModelPatch.Header.answerChecksum] ^= 1
      let place = ModelPatch.Header.checksum
      let checksum = bytes.withUnsafeBytes {
        CRC32.checksum(
          UnsafeRawBufferPointer(rebasing: $0[(place + 4)...]),
          continuing: CRC32.checksum(UnsafeRawBufferPointer(rebasing: $0[..<place])))
      }
      withUnsafeBytes(of: checksum.littleEndian) { bytes.replaceSubrange(place..<place + 4, with: $0) }
    }
    return bytes
  }

  private func apply(
    _ first: [UInt8], _ second: [UInt8], floor: UInt32 = 0, to device: MonitorDevice, _ buffer: AlignedMemory
  ) -> (status: Int, number: UInt32) {
    first.withUnsafeBytes { first in
      second.withUnsafeBytes { second in
        var (slots, number) = (quantinfer_patch_slots.empty, UInt32(0))
        slots.slots = (first.count > 0 ? first.baseAddress : nil, second.count > 0 ? second.baseAddress : nil)
        slots.slot_byte_counts = (first.count, second.count)
        slots.floor = floor
        let status = quantinfer_monitor_apply_newest(
          device.monitor, &slots, buffer.bytes.baseAddress, buffer.bytes.count, &number)
        return (Int(status), number)
      }
    }
  }

  @Test func aPatchThatIsAppliedWhileItRunsGivesThePatchedModelsDecisions() throws {
    let options = try MonitorDevice.shipped()
    let samples = MonitorInterfaceTests.samples
    let shipped = try LoadedModel(file: ProjectFiles.model)
    let patched = try shipped.applying(patch: try patch(number: 7))
    var told: [[Told]] = [[], []]
    for (index, loaded) in [shipped, patched].enumerated() {
      var device = try RunningDevice(loaded, options, .detectedBeats)
      device.run(samples) { told[index].append(Told($0, $1, $2)) }
    }
    let (plain, changed) = (told[0], told[1])
    #expect(plain.map(\.sample) == changed.map(\.sample) && plain != changed)
    let device = try MonitorDevice(options)
    let (first, second) = (
      AlignedMemory(byteCount: Int(device.needs.patch_byte_count)),
      AlignedMemory(byteCount: Int(device.needs.patch_byte_count))
    )
    let middle = 6000
    var decisions = try device.decisions(samples[..<middle], blockCount: 20)
    let (older, newer) = (try patch(number: 6), try patch(number: 7))
    #expect(apply(older, newer, to: device, first) == (QUANTINFER_OK, 7) && device.report.is_patched == 1)
    // A patch that runs is not written over; a state goes from one to the other.
    #expect(apply(older, newer, to: device, first).status == QUANTINFER_PATCH_IN_USE)
    #expect(apply(newer, [], to: device, second) == (QUANTINFER_OK, 7))
    let copy = device.saved()
    let end = 12_000
    decisions += try device.decisions(samples[middle..<end], blockCount: 20)
    #expect(quantinfer_monitor_remove_patch(device.monitor) == QUANTINFER_OK && device.report.is_patched == 0)
    decisions += try device.decisions(samples[end...], blockCount: 20)
    let expected =
      plain.filter { $0.sample < middle } + changed.filter { $0.sample >= middle && $0.sample < end }
      + plain.filter { $0.sample >= end }
    #expect(decisions.map(\.logits) == expected.map(\.logits))
    #expect(quantinfer_monitor_restore(device.monitor, copy, copy.count) == QUANTINFER_OK)
    withExtendedLifetime((first, second, patched)) {}
  }

  @Test func aPatchThatIsBrokenBelowTheFloorOrGivesOtherAnswersIsNotTaken() throws {
    let device = try MonitorDevice(MonitorDevice.shipped())
    let buffer = AlignedMemory(byteCount: Int(device.needs.patch_byte_count))
    let (good, wrong) = (try patch(number: 3), try patch(number: 4, isWrong: true))
    var flipped = good
    flipped[200] ^= 8
    #expect(apply([], [], to: device, buffer).status == QUANTINFER_NO_PATCH)
    #expect(apply(flipped, [], to: device, buffer).status == QUANTINFER_NO_PATCH)
    #expect(apply(good, [], floor: 4, to: device, buffer).status == QUANTINFER_NO_PATCH)
    #expect(apply(wrong, [], to: device, buffer).status == QUANTINFER_PATCH_ANSWERS)
    #expect(device.report.is_patched == 0)
    // The older one is there to fall back to.
    #expect(apply(good, wrong, to: device, buffer) == (QUANTINFER_OK, 3))
    let small = AlignedMemory(byteCount: Int(device.needs.patch_byte_count) - 1)
    #expect(apply(good, [], to: device, small).status == QUANTINFER_MEMORY_TOO_SMALL)
    withExtendedLifetime((buffer, small)) {}
  }

  @Test func aWholeWindowGivesTheHostsCodes() throws {
    let loaded = try LoadedModel(file: ProjectFiles.model)
    let bytes = Array(try Files.read(ProjectFiles.model))
    let image = AlignedMemory(byteCount: bytes.count)
    image.bytes.copyBytes(from: bytes)
    var (needs, run) = (quantinfer_needs.empty, OpaquePointer?.none)
    #expect(quantinfer_run_inspect(image.bytes.baseAddress, bytes.count, &needs) == QUANTINFER_OK)
    #expect(needs.saved_byte_count == 0 && needs.logit_count == 4)
    let memory = AlignedMemory(byteCount: Int(needs.memory_byte_count))
    #expect(
      quantinfer_run_init(
        &run, image.bytes.baseAddress, bytes.count, memory.bytes.baseAddress, memory.bytes.count)
        == QUANTINFER_OK)
    let arena = AlignedMemory(byteCount: loaded.model.arenaByteCount)
    let scratch = AlignedMemory(byteCount: loaded.model.scratchByteCount)
    var engine = try WholeWindow(model: loaded.model, arena: arena.bytes, scratch: scratch.bytes)
    var random = SeededGenerator(seed: 5)
    for _ in 0..<5 {
      var (input, output) = (quantinfer_tensor.empty, quantinfer_tensor.empty)
      #expect(quantinfer_run_input(run, 0, &input) == QUANTINFER_OK)
      #expect(input.count == UInt32(engine.input.count) && input.code_byte_count == 1)
      for index in 0..<engine.input.count {
        engine.input[index] = Int8(random.nextIndex(below: 256) - 128)
        input.codes.storeBytes(of: engine.input[index], toByteOffset: index, as: Int8.self)
      }
      engine.run()
      #expect(quantinfer_run_window(run) == QUANTINFER_OK)
      #expect(quantinfer_run_output(run, 0, &output) == QUANTINFER_OK)
      let codes = UnsafeRawBufferPointer(start: output.codes, count: 4).map { Int8(bitPattern: $0) }
      #expect(
        codes == Array(engine.output) && output.scale == Float(bitPattern: loaded.model.output.scaleBits))
      #expect(quantinfer_run_output(run, 1, &output) == QUANTINFER_OPTIONS)
      #expect(quantinfer_run_input(run, 1, &input) == QUANTINFER_OPTIONS)
    }
    withExtendedLifetime((image, memory, arena, scratch, loaded)) {}
  }
}
