import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A small HTTP server on the loopback that serves files from memory until it is released.
///
/// It knows `GET` with `Range: bytes=N-` and can be told to misbehave.
package final class LoopbackServer: @unchecked Sendable {
  /// What a request gets instead of the file.
  package enum Mischief {
    /// The connection breaks after so many bytes of the body.
    case breakAfter(Int)
    /// The answer is this status without a body.
    case status(Int)
    /// The whole file comes although a part was asked for.
    case ignoreRange
    /// A page comes instead, as from a network that asks for a login.
    case page(String)
    /// The body comes so many bytes at a time, every so many seconds.
    case trickle(bytes: Int, seconds: Double)
    /// The header promises so many bytes.
    case promise(Int)
    /// These bytes come, header and all.
    case raw(Data)
  }

  private let lock = NSLock()
  private let listener: Int32
  private var files: [String: Data]
  private var mischief: [String: [Mischief]] = [:]
  private var seen: [String] = []
  /// The port that the system chose.
  package let port: UInt16

  /// Starts the server.
  package init(files: [String: Data]) throws {
    self.files = files
    #if canImport(Glibc)
      listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    #else
      listener = socket(AF_INET, SOCK_STREAM, 0)
    #endif
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let listener = listener
    let isReady = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && listen(listener, 8) == 0 && getsockname(listener, $0, &length) == 0
      }
    }
    port = UInt16(bigEndian: address.sin_port)
    guard isReady else { throw POSIXError(.EADDRNOTAVAIL) }
    Thread.detachNewThread { [weak self] in
      while true {
        let connection = accept(listener, nil, nil)
        guard connection >= 0, let server = self else { break }
        server.answer(connection)
        close(connection)
      }
      close(listener)
    }
  }

  deinit {
    // Ends the thread's wait; the thread closes the socket, so that its number is not given away before.
    shutdown(listener, Int32(SHUT_RDWR))
  }

  /// The folder of databases.
  package var url: URL { URL(string: "http://127.0.0.1:\(port)/files")! }

  /// The requests that came: the path, and the range where one was asked for.
  package var requests: [String] { lock.withLock { seen } }

  /// Makes the next requests for a path go wrong, one after the other.
  package func misbehave(_ path: String, _ list: [Mischief]) { lock.withLock { mischief[path] = list } }

  /// Changes what is served.
  package func serve(_ path: String, _ data: Data?) { lock.withLock { files[path] = data } }

  private func answer(_ connection: Int32) {
    var request: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while !request.contains(subsequence: [13, 10, 13, 10]) {
      let count = read(connection, &buffer, buffer.count)
      guard count > 0 else { return }
      request += buffer[..<count]
    }
    let lines = String(decoding: request, as: UTF8.self).split(separator: "\r\n")
    let path = String(lines[0].split(separator: " ")[1])
    let range = lines.first { $0.lowercased().hasPrefix("range: bytes=") }
    let start = range.flatMap { Int($0.dropFirst(13).dropLast()) }
    let (file, trouble) = lock.withLock {
      seen.append(path + (start.map { " from \($0)" } ?? ""))
      let trouble = mischief[path]?.first
      if trouble != nil { mischief[path]?.removeFirst() }
      return (files[path], trouble)
    }
    let reply = reply(file, from: start, trouble)
    guard case .trickle(let bytes, let seconds) = trouble else {
      send(reply, to: connection)
      return
    }
    for place in stride(from: 0, to: reply.count, by: bytes) {
      guard send(reply[place..<min(place + bytes, reply.count)], to: connection) else { return }
      Thread.sleep(forTimeInterval: seconds)
    }
  }

  private func reply(_ file: Data?, from start: Int?, _ trouble: Mischief?) -> Data {
    func head(_ status: Int, _ length: Int, _ more: String = "") -> Data {
      Data("HTTP/1.1 \(status) X\r\nContent-Length: \(length)\r\nConnection: close\r\n\(more)\r\n".utf8)
    }
    if case .status(let status) = trouble { return head(status, 0) }
    if case .raw(let bytes) = trouble { return bytes }
    if case .page(let text) = trouble {
      return head(200, text.utf8.count, "Content-Type: text/html; charset=utf-8\r\n") + Data(text.utf8)
    }
    if case .promise(let length) = trouble { return head(200, length) + Data("x".utf8) }
    guard let file else { return head(404, 0) }
    var (status, body, more) = (200, file, "")
    if let start, !isIgnoringRange(trouble) {
      guard start < file.count else { return head(416, 0, "Content-Range: bytes */\(file.count)\r\n") }
      (status, body) = (206, Data(file[start...]))
      more = "Content-Range: bytes \(start)-\(file.count - 1)/\(file.count)\r\n"
    }
    let header = head(status, body.count, more)
    if case .breakAfter(let count) = trouble { return header + body.prefix(count) }
    return header + body
  }

  private func isIgnoringRange(_ trouble: Mischief?) -> Bool {
    if case .ignoreRange = trouble { true } else { false }
  }

  /// Sends bytes; returns whether the other side took them.
  @discardableResult
  private func send(_ data: Data, to connection: Int32) -> Bool {
    data.withUnsafeBytes { bytes in
      var done = 0
      while done < bytes.count {
        #if canImport(Darwin)
          let flags: Int32 = 0
        #else
          let flags = Int32(MSG_NOSIGNAL)
        #endif
        let count = Foundation.send(connection, bytes.baseAddress! + done, bytes.count - done, flags)
        guard count > 0 else { return false }
        done += count
      }
      return true
    }
  }
}

extension [UInt8] {
  fileprivate func contains(subsequence: [UInt8]) -> Bool {
    count >= subsequence.count
      && (0...(count - subsequence.count)).contains { self[$0...].starts(with: subsequence) }
  }
}
