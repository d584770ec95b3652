import CQuantInfer
import Foundation
import HostDevice
import ModelFiles
import QuantInfer
import QuantInferC
import QuantInferDeviceC
import Support
import Testing
import TestSupport

/// What holds of every call: null pointers, wrong multiples, structures of other versions; and what an image is.
@Suite struct CallTests {
  private let image: AlignedMemory

  init() throws {
    let bytes = Array(try Files.read(ProjectFiles.model))
    image = AlignedMemory(byteCount: bytes.count)
    image.bytes.copyBytes(from: bytes)
  }

  @Test func inspectTellsNamesRateAndTheTrainedDelay() throws {
    var info = quantinfer_info.empty
    #expect(quantinfer_inspect(image.bytes.baseAddress, image.bytes.count, &info) == QUANTINFER_OK)
    let loaded = try LoadedModel(file: ProjectFiles.model)
    let names = UnsafeRawBufferPointer(start: info.class_names, count: Int(info.class_names_byte_count))
    #expect(
      String(decoding: names, as: UTF8.self).split(separator: "\n").map(String.init) == loaded.classNames)
    // 0.7 s at 128 Hz are 89.6 samples.
    #expect(info.delay_samples == 90 && info.sample_rate_millihertz == 128_000 && info.lead_count == 1)
    #expect(info.class_count == 4 && info.checksum == loaded.checksum)
    #expect(quantinfer_abi_version() == UInt32(QUANTINFER_ABI_VERSION))
  }

  @Test(arguments: ["Models/ecg-beats-wide/ecg-beats-wide.qinf", "Models/vtvf/vtvf.qinf"])
  func theDelayIsTheHosts(file: String) throws {
    let bytes = Array(try Files.read(ProjectFiles.path(file)))
    let memory = AlignedMemory(byteCount: bytes.count)
    memory.bytes.copyBytes(from: bytes)
    var info = quantinfer_info.empty
    #expect(quantinfer_inspect(memory.bytes.baseAddress, bytes.count, &info) == QUANTINFER_OK)
    let expected = try LoadedModel(file: ProjectFiles.path(file)).beatWindow?.delaySamples
    #expect(info.delay_samples == Int32(expected ?? -1))
  }

  /// Every pointer of every call is null in turn, all others are right.
  @Test func nullPointersAreRefusedEverywhere() throws {
    let (flash, count) = (image.bytes.baseAddress, image.bytes.count)
    let memory = AlignedMemory(byteCount: 16_384)
    defer { withExtendedLifetime(memory) {} }
    let room = memory.bytes.baseAddress
    var (options, needs, info) = (quantinfer_options.empty, quantinfer_needs.empty, quantinfer_info.empty)
    var (limits, pointer, size) = (quantinfer_limits(), OpaquePointer?.none, 0)
    let null = QUANTINFER_NULL
    #expect(quantinfer_inspect(nil, count, &info) == null && quantinfer_inspect(flash, count, nil) == null)
    #expect(quantinfer_check(nil, count, &limits) == null && quantinfer_check(flash, count, nil) == null)
    #expect(quantinfer_verify(nil, count, { _, _, _, _ in true }, nil, &size) == null)
    #expect(quantinfer_verify(flash, count, nil, nil, &size) == null)
    #expect(quantinfer_verify(flash, count, { _, _, _, _ in true }, nil, nil) == null)
    #expect(quantinfer_pipeline_inspect(nil, count, &needs) == null)
    #expect(quantinfer_pipeline_inspect(flash, count, nil) == null)
    #expect(quantinfer_run_inspect(nil, count, &needs) == null)
    #expect(quantinfer_run_inspect(flash, count, nil) == null)
    #expect(quantinfer_monitor_inspect(nil, count, &options, &needs) == null)
    #expect(quantinfer_monitor_inspect(flash, count, nil, &needs) == null)
    #expect(quantinfer_monitor_inspect(flash, count, &options, nil) == null)
    #expect(quantinfer_pipeline_init(nil, flash, count, room, 16_384) == null)
    #expect(quantinfer_pipeline_init(&pointer, nil, count, room, 16_384) == null)
    #expect(quantinfer_pipeline_init(&pointer, flash, count, nil, 16_384) == null)
    #expect(quantinfer_run_init(nil, flash, count, room, 16_384) == null)
    #expect(quantinfer_run_init(&pointer, nil, count, room, 16_384) == null)
    #expect(quantinfer_run_init(&pointer, flash, count, nil, 16_384) == null)
    #expect(quantinfer_monitor_init(nil, flash, count, &options, room, 16_384) == null)
    #expect(quantinfer_monitor_init(&pointer, nil, count, &options, room, 16_384) == null)
    #expect(quantinfer_monitor_init(&pointer, flash, count, nil, room, 16_384) == null)
    #expect(quantinfer_monitor_init(&pointer, flash, count, &options, nil, 16_384) == null)
    // A handle that is none.
    let unsound = QUANTINFER_NOT_SOUND
    var (decision, report, logits) = (
      quantinfer_decision.empty, quantinfer_report.empty, [Int8](repeating: 0, count: 4)
    )
    var (tensor, progress, queue) = (quantinfer_tensor.empty, quantinfer_progress.empty, quantinfer_queue())
    let slots = quantinfer_patch_slots.empty
    var (frames, number) = ([Int16](repeating: 0, count: 8), UInt32(0))
    #expect(
      frames.withUnsafeMutableBufferPointer { quantinfer_queue_init(&queue, $0.baseAddress, 8, 1) }
        == QUANTINFER_OK)
    for handle in [nil, OpaquePointer(bitPattern: UInt(bitPattern: room) + 4)] {
      #expect(!quantinfer_pipeline_push(handle, 1) && quantinfer_pipeline_decide(handle, &logits, 4) == -1)
      quantinfer_pipeline_reset(handle)
      #expect(!quantinfer_pipeline_is_sound(handle) && quantinfer_pipeline_state_checksum(handle) == 0)
      #expect(quantinfer_pipeline_save(handle, room, 100) == unsound)
      #expect(quantinfer_pipeline_restore(handle, room, 100) == unsound)
      #expect(quantinfer_run_input(handle, 0, &tensor) == unsound)
      #expect(quantinfer_run_output(handle, 0, &tensor) == unsound)
      #expect(quantinfer_run_window(handle) == unsound && quantinfer_run_reset(handle) == unsound)
      #expect(quantinfer_monitor_push(handle, frames, 8, &size) == unsound)
      #expect(quantinfer_monitor_next(handle, &decision, &logits, 4) == unsound)
      #expect(
        quantinfer_monitor_mark(handle, 1, 0) == unsound && quantinfer_monitor_skip(handle, 1) == unsound)
      #expect(quantinfer_monitor_report(handle, &report) == unsound)
      #expect(quantinfer_monitor_save(handle, room, 100) == unsound)
      #expect(quantinfer_monitor_restore(handle, room, 100) == unsound)
      withUnsafePointer(to: slots) {
        #expect(quantinfer_monitor_apply_newest(handle, $0, room, 16_384, &number) == unsound)
      }
      #expect(quantinfer_monitor_work(handle, &queue, &progress) == unsound)
    }
    let device = try MonitorDevice(Monitor.Options())
    #expect(quantinfer_monitor_push(device.monitor, nil, 8, &size) == null)
    #expect(quantinfer_monitor_push(device.monitor, frames, 8, nil) == null)
    #expect(quantinfer_monitor_next(device.monitor, nil, &logits, 4) == null)
    #expect(quantinfer_monitor_next(device.monitor, &decision, nil, 4) == null)
    #expect(quantinfer_monitor_next(device.monitor, &decision, &logits, 3) == QUANTINFER_MEMORY_TOO_SMALL)
    #expect(quantinfer_monitor_report(device.monitor, nil) == null)
    #expect(quantinfer_monitor_save(device.monitor, nil, 8192) == null)
    #expect(quantinfer_monitor_restore(device.monitor, nil, 8192) == null)
    #expect(quantinfer_monitor_work(device.monitor, nil, &progress) == null)
    #expect(quantinfer_monitor_work(device.monitor, &queue, nil) == null)
    #expect(quantinfer_monitor_apply_newest(device.monitor, nil, room, 16_384, &number) == null)
    #expect(
      quantinfer_queue_init(nil, &frames, 8, 1) == null && quantinfer_queue_init(&queue, nil, 8, 1) == null)
    withExtendedLifetime(device) {}
  }

  @Test func memoryAtWrongMultiplesIsRefused() throws {
    let memory = AlignedMemory(byteCount: 16_384)
    defer { withExtendedLifetime(memory) {} }
    let (flash, count) = (image.bytes.baseAddress!, image.bytes.count)
    let room = memory.bytes.baseAddress! + 4
    var (options, pointer, size) = (quantinfer_options.empty, OpaquePointer?.none, 0)
    let misaligned = QUANTINFER_MEMORY_MISALIGNED
    #expect(quantinfer_pipeline_init(&pointer, flash, count, room, 16_000) == misaligned)
    #expect(quantinfer_run_init(&pointer, flash, count, room, 16_000) == misaligned)
    #expect(quantinfer_monitor_init(&pointer, flash, count, &options, room, 16_000) == misaligned)
    #expect(pointer == nil)
    let device = try MonitorDevice(Monitor.Options())
    let odd = UnsafeRawPointer(room + 1)
    #expect(
      quantinfer_monitor_push(device.monitor, odd.assumingMemoryBound(to: Int16.self), 4, &size) == misaligned
    )
    let structure = UnsafeMutableRawPointer(room + 2).assumingMemoryBound(to: quantinfer_report.self)
    #expect(quantinfer_monitor_report(device.monitor, structure) == misaligned)
    // Enough for all but a byte.
    let needed = Int(device.needs.memory_byte_count)
    #expect(
      quantinfer_monitor_init(&pointer, flash, count, &options, memory.bytes.baseAddress, needed - 1)
        == QUANTINFER_MEMORY_TOO_SMALL)
    #expect(
      quantinfer_monitor_init(&pointer, flash, count, &options, memory.bytes.baseAddress, needed)
        == QUANTINFER_OK)
  }

  @Test func structuresOfOtherVersionsAgreeOnWhatBothHave() throws {
    let (flash, count) = (image.bytes.baseAddress!, image.bytes.count)
    // A newer program's: the fields that this library doesn't have are 0 in what it writes, and must be 0 in what it reads.
    let words = AlignedMemory(byteCount: 256)
    defer { withExtendedLifetime(words) {} }
    let word = words.bytes.bindMemory(to: UInt32.self)
    let needs = words.bytes.baseAddress!.assumingMemoryBound(to: quantinfer_needs.self)
    var plain = quantinfer_needs.empty
    #expect(quantinfer_pipeline_inspect(flash, count, &plain) == QUANTINFER_OK)
    for place in word.indices { word[place] = 0xA5A5_A5A5 }
    word[0] = 40
    #expect(quantinfer_pipeline_inspect(flash, count, needs) == QUANTINFER_OK)
    #expect(word[1] == plain.memory_byte_count && word[5] == plain.logit_count)
    #expect(word[7...9].allSatisfy { $0 == 0 } && word[10] == 0xA5A5_A5A5 && word[0] == 40)
    // An older one's.
    for place in word.indices { word[place] = 0xA5A5_A5A5 }
    word[0] = 12
    #expect(quantinfer_pipeline_inspect(flash, count, needs) == QUANTINFER_OK)
    #expect(word[1] == plain.memory_byte_count && word[2] == plain.state_byte_count && word[3] == 0xA5A5_A5A5)
    for size in [0, 4, 13, 2048] as [UInt32] {
      word[0] = size
      #expect(quantinfer_pipeline_inspect(flash, count, needs) == QUANTINFER_STRUCTURE)
    }
    let options = words.bytes.baseAddress!.assumingMemoryBound(to: quantinfer_options.self)
    for place in word.indices { word[place] = 0 }
    word[0] = UInt32(MemoryLayout<quantinfer_options>.size) + 8
    #expect(quantinfer_monitor_inspect(flash, count, options, &plain) == QUANTINFER_OK)
    word[Int(word[0]) / 4 - 1] = 1
    #expect(quantinfer_monitor_inspect(flash, count, options, &plain) == QUANTINFER_STRUCTURE)
    word[0] = 16
    #expect(quantinfer_monitor_inspect(flash, count, options, &plain) == QUANTINFER_OK)
  }
}
