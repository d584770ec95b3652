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

  init(_ descriptor: Int32, _ faults: HostBoard.Faults, _ memory: UnsafeMutableRawBufferPointer) {
    (self.descriptor, self.faults, self.memory) = (descriptor, faults, memory)
  }

  mutating func receive() -> UInt8? {
    flush()
    var byte: UInt8 = 0
    guard taken != faults.bytesUntilClosed, read(descriptor, &byte, 1) == 1 else { return nil }
    taken += 1
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
      let end = answer.count - 4
      let checksum = answer[1..<end].withUnsafeBytes { CRC32.checksum($0) }
      for shift in 0..<4 { answer[end + shift] = UInt8(truncatingIfNeeded: checksum >> UInt32(8 * shift)) }
    }
    _ = answer.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    answer = []
  }

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
