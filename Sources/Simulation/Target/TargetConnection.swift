import Foundation
import QuantInfer
import QuantInferTarget
import Support

/// The host's end of a wire to a board: bytes by a file descriptor, with a limit on how long to wait for them.
package final class TargetConnection {
  /// A frame from the board.
  package struct Frame: Equatable, Sendable {
    /// One of `TargetFrame.Answer`.
    package var kind: UInt8
    /// The payload.
    package var payload: [UInt8]

    /// A number of the payload; 0 beyond its end.
    func word(at offset: Int) -> UInt32 { UInt32(half(at: offset)) | UInt32(half(at: offset + 2)) << 16 }
    /// The same of 16 bits.
    func half(at offset: Int) -> UInt16 { UInt16(byte(at: offset)) | UInt16(byte(at: offset + 1)) << 8 }
    /// The same of 8 bits.
    func byte(at offset: Int) -> UInt8 { payload.indices.contains(offset) ? payload[offset] : 0 }
  }

  /// What goes wrong on a wire.
  package enum Failure: Error, Equatable {
    /// Nothing came in time.
    case noAnswer(seconds: Double)
    /// The other end was closed, or the device is gone.
    case closed
    /// A frame's checksum is wrong.
    case noise
  }

  /// The target, for errors.
  package let name: String
  /// How long to wait for an answer, in seconds.
  package var patienceSeconds = 10.0
  private let descriptor: Int32
  /// What has to last as long as the connection: an emulator.
  private let owner: AnyObject?
  private var received: [UInt8] = []
  private var next = 0

  /// Takes a descriptor that is read and written; it is closed with the connection.
  package init(_ descriptor: Int32, name: String, owner: AnyObject? = nil) {
    (self.descriptor, self.name, self.owner) = (descriptor, name, owner)
  }

  deinit { close(descriptor) }

  /// Sends a frame.
  package func send(_ kind: UInt8, _ payload: [UInt8]) throws(Failure) {
    let body = [kind, UInt8(payload.count & 0xFF), UInt8(payload.count >> 8)] + payload
    let checksum = body.withUnsafeBytes { CRC32.checksum($0) }
    let bytes = [TargetFrame.start] + body + (0..<4).map { UInt8(truncatingIfNeeded: checksum >> (8 * $0)) }
    var sent = 0
    while sent < bytes.count {
      try wait(for: Int16(POLLOUT), until: Self.now + patienceSeconds)
      let count = bytes.withUnsafeBytes {
        Self.put(descriptor, UnsafeRawBufferPointer(rebasing: $0[sent...]))
      }
      if count < 0 {
        guard errno == EAGAIN || errno == EINTR else { throw .closed }
      } else {
        sent += count
      }
    }
  }

  /// Waits for a frame; bytes before it are left out.
  package func receive() throws(Failure) -> Frame {
    let deadline = Self.now + patienceSeconds
    while try byte(until: deadline) != TargetFrame.start {}
    var body: [UInt8] = []
    for _ in 0..<TargetFrame.headerByteCount { body.append(try byte(until: deadline)) }
    let length = Int(body[1]) | Int(body[2]) << 8
    for _ in 0..<length { body.append(try byte(until: deadline)) }
    var checksum: UInt32 = 0
    for shift in 0..<4 { checksum |= UInt32(try byte(until: deadline)) << UInt32(8 * shift) }
    guard checksum == body.withUnsafeBytes({ CRC32.checksum($0) }) else { throw .noise }
    return Frame(kind: body[0], payload: Array(body.dropFirst(TargetFrame.headerByteCount)))
  }

  /// Writes without a signal where a socket is closed.
  private static func put(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    #if os(Linux)
      let count = Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
      if count >= 0 || errno != ENOTSOCK { return count }
    #endif
    return write(descriptor, bytes.baseAddress, bytes.count)
  }

  private func byte(until deadline: Double) throws(Failure) -> UInt8 {
    if next == received.count {
      received = [UInt8](repeating: 0, count: 4096)
      next = 0
      var count = -1
      while count < 0 {
        do throws(Failure) {
          try wait(for: Int16(POLLIN), until: deadline)
        } catch {
          received = []
          throw error
        }
        count = received.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
        if count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR) {
          received = []
          throw .closed
        }
      }
      received.removeLast(received.count - count)
    }
    defer { next += 1 }
    return received[next]
  }

  private func wait(for events: Int16, until deadline: Double) throws(Failure) {
    while true {
      let rest = deadline - Self.now
      guard rest > 0 else { throw .noAnswer(seconds: patienceSeconds) }
      var state = pollfd(fd: descriptor, events: events, revents: 0)
      let count = poll(&state, 1, Int32(min(rest * 1000 + 1, 1_000_000)))
      if count > 0 { return }
      guard count == 0 || errno == EINTR else { throw .closed }
    }
  }

  private static var now: Double { ProcessInfo.processInfo.systemUptime }
}
