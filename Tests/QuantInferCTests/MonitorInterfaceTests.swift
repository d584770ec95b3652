import CQuantInfer
import ECG
import Foundation
import HostDevice
import ModelFiles
import QuantInfer
import QuantInferDeviceC
import Support
import Testing
import TestSupport

/// The monitor through the C interface; the host's own device is the truth.
@Suite struct MonitorInterfaceTests {
  /// Two minutes of the shipped record as the shipped device counts them.
  static let samples: [Int16] = {
    do {
      let loaded = try LoadedModel(file: ProjectFiles.model)
      let lead = try Record.load(ProjectFiles.record).lead(nil, file: ProjectFiles.record)
      let converter = loaded.converter(bits: 12)
      let millivolts = try lead.millivolts(atRateHz: 128)
      return millivolts.prefix(120 * 128).map { converter.count(ofMicrovolts: $0 * 1000) }
    } catch {
      preconditionFailure("the shipped record: \(error)")
    }
  }()

  private func host(
    _ options: Monitor.Options, beats: [Int] = [], _ samples: [Int16] = samples,
    file: String = ProjectFiles.model
  ) throws -> [Told] {
    let loaded = try LoadedModel(file: file)
    var device = try RunningDevice(
      loaded.model, options, givenBeats: beats, scratchByteCount: loaded.scratchByteCount)
    var told: [Told] = []
    device.run(samples) { told.append(Told($0, $1, $2)) }
    withExtendedLifetime(loaded) {}
    return told
  }

  private static let beats = (1...140).map { 100 * $0 + $0 % 7 }

  private static let implant = ProjectFiles.path("Models/ecg-beats-implant/ecg-beats-implant.qinf")

  static func cases() throws -> [(Monitor.Options, beats: [Int], file: String)] {
    var voting = try MonitorDevice.shipped()
    voting.policy.majorityCount = 3
    voting.policy.hysteresisCount = 2
    voting.policy.hysteresisMarginCodes = 90
    voting.policy.minimumMarginCodes = 4
    var asleep = voting
    asleep.wakePercent = 10
    let model = ProjectFiles.model
    return try [
      (MonitorDevice.shipped(), [], model), (voting, [], model), (asleep, [], model),
      (Monitor.Options(), [], model), (MonitorDevice.shipped(.everyColumns(5)), [], model),
      (MonitorDevice.shipped(.givenBeats([])), beats, model),
      // A network of beats: some of them are answered from the memory.
      (
        Monitor.Options(
          .givenBeats([]), announcing: Announcing(), of: LoadedModel(file: implant),
          converter: LoadedModel(file: implant).converter(bits: 12)), beats, implant
      ),
      // A network of beats beside one of columns.
      (MonitorDevice.shipped(.givenBeats([])), beats, ProjectFiles.context),
    ]
  }

  @Test(arguments: 0..<8) func decisionsAreTheHostsInBlocksOfAnyLength(index: Int) throws {
    let (options, beats, file) = try Self.cases()[index]
    let expected = try host(options, beats: beats, file: file)
    #expect(expected.count > 80)
    for blockCount in [1, 7, 64, 5000] {
      let device = try MonitorDevice(options, file: file)
      // A block that reaches over a beat's decision would have it named too late.
      let told = try device.decisions(
        Self.samples[...], blockCount: beats.isEmpty ? blockCount : min(blockCount, 64), beats: beats)
      #expect(told == expected, "blocks of \(blockCount)")
      #expect(device.report.sample_number == UInt32(Self.samples.count))
    }
  }

  @Test(arguments: 0..<8) func aRestoredMonitorGoesOnWithTheSameNumbers(index: Int) throws {
    let (options, beats, file) = try Self.cases()[index]
    let expected = try host(options, beats: beats, file: file)
    let middle = 7001
    let device = try MonitorDevice(options, file: file)
    var told = try device.decisions(
      Self.samples[..<middle], blockCount: 33, beats: beats.filter { $0 < middle })
    let copy = device.saved()
    let checksum = quantinfer_monitor_state_checksum(device.monitor)
    let other = try MonitorDevice(options, file: file)
    var damaged = copy
    damaged[50] ^= 4
    #expect(quantinfer_monitor_restore(other.monitor, damaged, damaged.count) == QUANTINFER_SAVED_CHECKSUM)
    #expect(quantinfer_monitor_restore(other.monitor, copy, copy.count) == QUANTINFER_OK)
    #expect(quantinfer_monitor_state_checksum(other.monitor) == checksum)
    #expect(quantinfer_monitor_is_sound(other.monitor))
    told += try other.decisions(
      Self.samples[middle...], blockCount: 8, beats: beats.filter { $0 >= middle })
    #expect(told == expected)
  }

  @Test func aSavedStateOfOtherOptionsIsRefused() throws {
    let device = try MonitorDevice(MonitorDevice.shipped())
    var options = try MonitorDevice.shipped()
    options.policy.minimumMarginCodes = 1
    let other = try MonitorDevice(options)
    let copy = device.saved()
    #expect(quantinfer_monitor_restore(other.monitor, copy, copy.count) == QUANTINFER_SAVED_OWNER)
  }

  @Test func whatIsSkippedIsTimeAndNothingElse() throws {
    let options = try MonitorDevice.shipped()
    let device = try MonitorDevice(options)
    _ = try device.decisions(Self.samples[..<4000], blockCount: 16)
    #expect(device.report.reason == 0)
    #expect(quantinfer_monitor_skip(device.monitor, 500) == QUANTINFER_OK)
    #expect(device.report.sample_number == 4500 && device.report.reason == QUANTINFER_WINDOW_NOT_FULL)
    // As a device that begins there, with the numbers of one that doesn't.
    let later = Array(Self.samples[4500...])
    let expected = try host(options, later).map { told in
      var told = told
      told.sample += 4500
      told.beat = told.beat.map { $0 + 4500 }
      return told
    }
    #expect(try device.decisions(Self.samples[4500...], blockCount: 16) == expected)
  }

  @Test func numbersWrap() throws {
    let device = try MonitorDevice(MonitorDevice.shipped(.givenBeats([])))
    #expect(quantinfer_monitor_skip(device.monitor, .max - 999) == QUANTINFER_OK)
    var taken = 0
    var (told, place) = ([Told](), 0)
    while place < 2000 {
      #expect(
        Self.samples.withUnsafeBufferPointer {
          quantinfer_monitor_push(device.monitor, $0.baseAddress! + place, 100, &taken)
        } == QUANTINFER_OK)
      place += taken
      // The frame with the number 0.
      if place > 1000, place - taken <= 1000 {
        #expect(quantinfer_monitor_mark(device.monitor, Int32(QUANTINFER_MARK_BEAT), 0) == QUANTINFER_OK)
      }
      told += device.decisions()
    }
    #expect(device.report.sample_number == 1000 && told.map(\.beat) == [0] && told[0].sample < 100)
  }

  @Test func aBeatThatHasNotComeOrThatNobodyAskedForIsRefused() throws {
    let given = try MonitorDevice(MonitorDevice.shipped(.givenBeats([])))
    let mark = Int32(QUANTINFER_MARK_BEAT)
    #expect(quantinfer_monitor_mark(given.monitor, mark, 0) == QUANTINFER_NOT_YET)
    _ = try given.decisions(Self.samples[..<100], blockCount: 10)
    #expect(quantinfer_monitor_mark(given.monitor, mark, 100) == QUANTINFER_NOT_YET)
    #expect(quantinfer_monitor_mark(given.monitor, mark, 99) == QUANTINFER_OK)
    #expect(quantinfer_monitor_mark(given.monitor, mark + 1, 99) == QUANTINFER_OPTIONS)
    #expect(given.report.pending_beat_count == 1)
    let found = try MonitorDevice(MonitorDevice.shipped())
    _ = try found.decisions(Self.samples[..<100], blockCount: 10)
    #expect(quantinfer_monitor_mark(found.monitor, mark, 99) == QUANTINFER_OPTIONS)
  }

  @Test func everyLostBitOfTheRecordIsFoundAndNothingFollowsIt() throws {
    let device = try MonitorDevice(MonitorDevice.shipped())
    _ = try device.decisions(Self.samples[..<1000], blockCount: 50)
    let before = Array(device.memory.bytes)
    var (decision, logits, taken) = (quantinfer_decision.empty, [Int8](repeating: 0, count: 4), 9)
    var copy = [UInt8](repeating: 0, count: Int(device.needs.saved_byte_count))
    let used = (MemoryLayout<Monitor>.size + 3) / 4 * 4 + 4
    for bit in 0..<8 * used {
      device.memory.bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      let isRefused =
        quantinfer_monitor_push(device.monitor, Self.samples, 10, &taken) == QUANTINFER_NOT_SOUND
        && taken == 0
        && quantinfer_monitor_next(device.monitor, &decision, &logits, 4) == QUANTINFER_NOT_SOUND
        && quantinfer_monitor_save(device.monitor, &copy, copy.count) == QUANTINFER_NOT_SOUND
        && quantinfer_monitor_restore(device.monitor, copy, copy.count) == QUANTINFER_NOT_SOUND
        && quantinfer_monitor_skip(device.monitor, 1) == QUANTINFER_NOT_SOUND
        && quantinfer_monitor_reset(device.monitor) == QUANTINFER_NOT_SOUND
        && quantinfer_monitor_remove_patch(device.monitor) == QUANTINFER_NOT_SOUND
        && !quantinfer_monitor_is_sound(device.monitor)
        && quantinfer_monitor_state_checksum(device.monitor) == 0
      #expect(isRefused, "bit \(bit)")
      device.memory.bytes[bit / 8] ^= 1 << UInt8(bit % 8)
    }
    #expect(Array(device.memory.bytes) == before)
  }

  @Test func optionsOutOfRangeAreRefused() throws {
    let bytes = Array(try Files.read(ProjectFiles.model))
    let image = AlignedMemory(byteCount: bytes.count)
    image.bytes.copyBytes(from: bytes)
    defer { withExtendedLifetime(image) {} }
    func status(_ change: (inout quantinfer_options) -> Void) -> Int {
      var (options, needs) = (quantinfer_options.empty, quantinfer_needs.empty)
      change(&options)
      return Int(quantinfer_monitor_inspect(image.bytes.baseAddress, bytes.count, &options, &needs))
    }
    #expect(status { _ in } == QUANTINFER_OK)
    for change: (inout quantinfer_options) -> Void in [
      { $0.lead_count = 2 }, { $0.pace = 3 }, { $0.pace = -1 }, { $0.pace = 2 }, { $0.delay_samples = -1 },
      { $0.majority_count = 32 }, { $0.hysteresis_count = 256 }, { $0.hysteresis_margin_codes = -1 },
      { $0.minimum_margin_codes = 256 }, { $0.lowest_count = -32_769 }, { $0.highest_count = 32_768 },
      { $0.flat_samples = -1 }, { $0.wake_percent = 1001 }, { $0.rhythm_codes_per_octave = 513 },
      { ($0.rhythm_codes_per_octave, $0.rhythm_class) = (1, -1) },
    ] {
      #expect(status(change) == QUANTINFER_OPTIONS)
    }
  }
}
