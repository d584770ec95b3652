import CQuantInfer
import Foundation
import HostDevice
import ModelFiles
import QuantInfer
import QuantInferDeviceC
import Support
import Testing
import TestSupport

/// Frames through the queue; the monitor that gets them by itself is the truth.
@Suite struct QueueTests {
  /// A queue over memory of its own.
  private final class Queue {
    private let frames: UnsafeMutablePointer<Int16>
    let queue = UnsafeMutablePointer<quantinfer_queue>.allocate(capacity: 1)

    init(_ capacity: Int) {
      frames = .allocate(capacity: capacity)
      #expect(quantinfer_queue_init(queue, frames, capacity, 1) == QUANTINFER_OK)
    }

    deinit {
      frames.deallocate()
      queue.deallocate()
    }

    func feed(_ samples: ArraySlice<Int16>) {
      samples.withUnsafeBufferPointer { quantinfer_monitor_feed(queue, $0.baseAddress, $0.count) }
    }

    /// All work that there is: the decisions, the frames taken and those lost.
    func work(_ device: MonitorDevice) -> (told: [Told], taken: Int, lost: Int) {
      var (told, taken, lost) = ([Told](), 0, 0)
      var progress = quantinfer_progress.empty
      repeat {
        #expect(quantinfer_monitor_work(device.monitor, queue, &progress) == QUANTINFER_OK)
        told += device.decisions()
        taken += Int(progress.frame_count)
        lost += Int(progress.lost_count)
      } while progress.frame_count > 0 || progress.lost_count > 0
      return (told, taken, lost)
    }
  }

  private let samples = MonitorInterfaceTests.samples

  @Test func decisionsAreThoseWithoutAQueueWhereWorkIsInTime() throws {
    let options = try MonitorDevice.shipped()
    let expected = try MonitorDevice(options).decisions(samples[...], blockCount: 1)
    let (device, queue) = (try MonitorDevice(options), Queue(64))
    var (told, taken, place, step) = ([Told](), 0, 0, 0)
    while place < samples.count {
      // Blocks of 1 to 8, and work that comes when as many as 64 wait.
      let count = min([1, 8, 3, 5][step % 4], samples.count - place)
      queue.feed(samples[place..<place + count])
      place += count
      step += 1
      if step % 13 == 0 || place == samples.count {
        let done = queue.work(device)
        #expect(done.lost == 0)
        taken += done.taken
        told += done.told
      }
    }
    #expect(taken == samples.count && told == expected)
  }

  @Test func workThatComesTooLateFindsAGapOfTheRightLength() throws {
    let options = try MonitorDevice.shipped()
    let (device, queue) = (try MonitorDevice(options), Queue(64))
    queue.feed(samples[..<64])
    #expect(queue.work(device).lost == 0)
    // Just in time, and one too many: then the newer half is there, and all before it is told as lost.
    queue.feed(samples[64..<128])
    #expect(queue.work(device) == ([], 64, 0))
    queue.feed(samples[128..<193])
    let done = queue.work(device)
    #expect(done.lost == 33 && done.taken == 32 && device.report.sample_number == 193)
    // From there on the decisions are those of a monitor that skipped as many.
    let other = try MonitorDevice(options)
    _ = try other.decisions(samples[..<128], blockCount: 64)
    #expect(quantinfer_monitor_skip(other.monitor, 33) == QUANTINFER_OK)
    var told: [Told] = []
    let expected = try other.decisions(samples[161...], blockCount: 64)
    for place in stride(from: 193, to: samples.count, by: 16) {
      queue.feed(samples[place..<min(place + 16, samples.count)])
      told += queue.work(device).told
    }
    #expect(told == expected && told.count > 100)
    #expect(
      quantinfer_monitor_state_checksum(device.monitor) == quantinfer_monitor_state_checksum(other.monitor))
  }

  @Test func aLostBitOfTheQueueIsFoundAndNothingIsWritten() throws {
    let device = try MonitorDevice(MonitorDevice.shipped())
    for bit in 0..<8 * MemoryLayout<quantinfer_queue>.size {
      let queue = Queue(8)
      queue.feed(samples[..<3])
      let bytes = UnsafeMutableRawPointer(queue.queue)
      bytes.storeBytes(
        of: bytes.load(fromByteOffset: bit / 8, as: UInt8.self) ^ 1 << UInt8(bit % 8), toByteOffset: bit / 8,
        as: UInt8.self)
      queue.feed(samples[3..<4])
      var progress = quantinfer_progress.empty
      let status = quantinfer_monitor_work(device.monitor, queue.queue, &progress)
      // The bytes behind the last field are nobody's.
      #expect(status == QUANTINFER_NOT_SOUND || bit / 8 >= 36, "bit \(bit)")
    }
  }

  @Test func aCapacityThatIsNoPowerOfTwoIsRefused() {
    var (queue, frames) = (quantinfer_queue(), [Int16](repeating: 0, count: 16))
    for (capacity, leads) in [(7, 1), (12, 1), (4, 1), (0, 1), (1 << 21, 1), (16, 5)] as [(Int, UInt32)] {
      #expect(quantinfer_queue_init(&queue, &frames, capacity, leads) == QUANTINFER_OPTIONS)
    }
  }

  /// A producer on another thread, which is more than an interrupt can do.
  @Test func aProducerAtTheSameTimeLosesNothingThatIsNotTold() throws {
    let (device, queue) = (try MonitorDevice(Monitor.Options()), Queue(32))
    let total = 200_000
    let pointer = UInt(bitPattern: queue.queue)
    let thread = Thread {
      let queue = UnsafeMutablePointer<quantinfer_queue>(bitPattern: pointer)
      for frame in 0..<total {
        var sample = Int16(truncatingIfNeeded: frame % 700)
        quantinfer_monitor_feed(queue, &sample, 1)
        if frame % 16 == 0 { usleep(1) }
      }
    }
    thread.start()
    var (taken, lost) = (0, 0)
    while taken + lost < total {
      let done = queue.work(device)
      (taken, lost) = (taken + done.taken, lost + done.lost)
    }
    #expect(taken + lost == total && device.report.sample_number == UInt32(total) && taken > 0)
  }
}
