import Foundation
import QuantInfer
import QuantInferTarget
import Support

/// A board that this process plays: the target's firmware on a thread, at the far end of a socket or a terminal.
final class HostBoard: @unchecked Sendable {
  /// What is wrong with it.
  struct Faults: Sendable {
    /// The bytes that it takes before it closes its end; nil for a board that stays.
    var bytesUntilClosed: Int?
    /// The bytes that it sends before it spoils one; nil for a clean wire.
    var bytesUntilNoise: Int?
    /// Once it has taken so many bytes, a bit of its memory is flipped at this place.
    var flip: (afterBytes: Int, place: Int)?
    /// What it says instead of its protocol's version.
    var version: UInt8?
    /// Whether it reads and never says a word.
    var isSilent = false
    /// A kind of request that it refuses, and why.
    var refusal: (of: UInt8, for: TargetFrame.Refusal)?
    /// The board's own samples, a sample of each of so many leads a frame; none for a board without.
    var source: (samples: [Int16], leadCount: Int) = ([], 1)
    /// The frames of its own that it says it lost.
    var lostFrames: UInt32 = 0
  }

  /// Where it is listening.
  let port: Int
  private let listener: Int32

  /// Plays a board over TCP, for one connection.
  init(_ faults: Faults = Faults(), flash: [UInt8] = [], memoryByteCount: Int = 1 << 18) {
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let listener = listener
    withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        _ = bind(listener, $0, size)
        _ = listen(listener, 1)
        _ = getsockname(listener, $0, &size)
      }
    }
    port = Int(UInt16(bigEndian: address.sin_port))
    Thread.detachNewThread {
      let descriptor = accept(listener, nil, nil)
      Self.play(descriptor, faults, flash: flash, memoryByteCount: memoryByteCount)
      close(descriptor)
    }
  }

  deinit { close(listener) }

  /// Plays a board at one end of a wire until it is closed.
  static func play(_ descriptor: Int32, _ faults: Faults, flash: [UInt8], memoryByteCount: Int) {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: memoryByteCount, alignment: 16)
    // A board's memory holds anything.
    memory.initializeMemory(as: UInt8.self, repeating: 0x5A)
    let image = UnsafeMutableRawBufferPointer.allocate(byteCount: max(4, flash.count), alignment: 16)
    image.copyBytes(from: flash)
    defer {
      memory.deallocate()
      image.deallocate()
    }
    var board = TargetBoard(
      SocketPort(descriptor, faults, memory), flash: UnsafeRawBufferPointer(rebasing: image[..<flash.count]),
      memory: memory)
    board?.run()
  }
}

/// A wire by a descriptor, with a fault where one is asked for.
private struct SocketPort: TargetPort {
  private let descriptor: Int32
  private let faults: HostBoard.Faults
  private let memory: UnsafeMutableRawBufferPointer
  private var taken = 0
  private var sent = 0
  private var answer: [UInt8] = []
  /// The kind of the request to which `answer` belongs, behind the frame's first byte.
  private var requestKind: UInt8?
  private var bytesOfRequest = 0
  private var nextSample = 0

  init(_ descriptor: Int32, _ faults: HostBoard.Faults, _ memory: UnsafeMutableRawBufferPointer) {
    (self.descriptor, self.faults, self.memory) = (descriptor, faults, memory)
  }

  mutating func receive() -> UInt8? {
    flush()
    var byte: UInt8 = 0
    guard taken != faults.bytesUntilClosed, read(descriptor, &byte, 1) == 1 else { return nil }
    taken += 1
    if bytesOfRequest == 1 { requestKind = byte }
    bytesOfRequest += 1
    if let flip = faults.flip, taken == flip.afterBytes { memory[flip.place] ^= 1 }
    return byte
  }

  mutating func send(_ byte: UInt8) {
    guard !faults.isSilent else { return }
    // The version is the first answer's fifth byte, and its checksum's the last four: a wrong one is noise.
    answer.append(sent == faults.bytesUntilNoise ? byte ^ 0x10 : byte)
    sent += 1
  }

  private mutating func flush() {
    guard !answer.isEmpty else { return }
    if let version = faults.version, sent == answer.count {
      answer[4] = version
      seal()
    }
    if let refusal = faults.refusal, requestKind == refusal.of {
      answer =
        [TargetFrame.start, TargetFrame.Answer.refusal, 9, 0, refusal.for.rawValue]
        + [UInt8](repeating: 0, count: 12)
      seal()
    }
    bytesOfRequest = 0
    _ = answer.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    answer = []
  }

  /// Gives an answer that was changed the checksum of what it is now.
  private mutating func seal() {
    let end = answer.count - 4
    let checksum = answer[1..<end].withUnsafeBytes { CRC32.checksum($0) }
    for shift in 0..<4 { answer[end + shift] = UInt8(truncatingIfNeeded: checksum >> UInt32(8 * shift)) }
  }

  mutating func startSource(sampleRateMillihertz: UInt32, leadCount: Int) -> Bool {
    nextSample = 0
    return !faults.source.samples.isEmpty && leadCount == faults.source.leadCount
  }

  mutating func nextFrame(_ frame: inout InlineArray<4, Int16>) -> Bool {
    let (samples, leadCount) = faults.source
    guard nextSample + leadCount <= samples.count else { return false }
    for lead in 0..<leadCount { frame[lead] = samples[nextSample + lead] }
    nextSample += leadCount
    return true
  }

  var lostFrameCount: UInt32 { faults.lostFrames }

  var counter: TargetFrame.Counter { .cycles }
  var ticksPerSecond: UInt32 { 1_000_000 }
  func ticks() -> UInt32 { UInt32(truncatingIfNeeded: DispatchTime.now().uptimeNanoseconds / 1000) }
  var tickMask: UInt32 { .max }
  var stackByteCount: Int { 0 }
  var name: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: Self.text.utf8Start, count: Self.text.utf8CodeUnitCount)
  }
  private static let text: StaticString = "a board on this host"
}
