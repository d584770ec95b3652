import Foundation
import Support

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Says in the commands' one line that the system's HTTP library has trapped.
///
/// FoundationNetworking converts the length that a server promises to double precision and back: 2^63 - 1 bytes stop the
/// process there, before any limit of ours is asked. That can't be caught. What was downloaded so far lies in `.part`
/// files, so that nothing is lost.
enum TrapNotice {
  private static let signals = [SIGILL, SIGTRAP]
  private static let lock = NSLock()
  /// The line, for a handler that may allocate nothing.
  nonisolated(unsafe) private static var line: UnsafeMutableBufferPointer<UInt8>?
  /// How many do something at a time.
  nonisolated(unsafe) private static var depth = 0
  /// What handled the signals before the first of them.
  nonisolated(unsafe) private static var earlier: [(@convention(c) (Int32) -> Void)?] = []

  /// Does something during which a trap is told as one about a URL.
  static func during<Result, Failure: Error>(
    _ url: URL, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let error = FileError.inaccessible(
      url.absoluteString, "the server's answer stops the system's HTTP library, as an impossible length does",
      remedy: "check the server's address, and that the network asks for no login")
    let text = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: "error: \(error)\n".utf8.count)
    _ = text.initialize(from: "error: \(error)\n".utf8)
    enter(text)
    defer { leave(text) }
    return try body()
  }

  private static func enter(_ text: UnsafeMutableBufferPointer<UInt8>) {
    lock.withLock {
      line = text
      depth += 1
      guard depth == 1 else { return }
      earlier = signals.map { number in
        signal(number) { _ in
          if let line = TrapNotice.line { _ = write(STDERR_FILENO, line.baseAddress, line.count) }
          _exit(1)
        }
      }
    }
  }

  private static func leave(_ text: UnsafeMutableBufferPointer<UInt8>) {
    lock.withLock {
      if line?.baseAddress == text.baseAddress { line = nil }
      depth -= 1
      if depth == 0 { for (number, handler) in zip(signals, earlier) { signal(number, handler) } }
      text.deallocate()
    }
  }
}
