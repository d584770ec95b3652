import FlyingFox
import FlyingSocks
import Foundation
import Simulation
import Support
import Synchronization

/// Serves a run's page on this machine alone.
///
/// It listens on 127.0.0.1. A request must name that host: a page from elsewhere whose name leads here is refused, and so is
/// one from elsewhere that asks for a pause.
package struct LiveServer: Sendable {
  private let server: HTTPServer
  private let task: Task<Void, Never>
  /// The port.
  package let port: UInt16

  /// The page's address.
  package var address: String { "http://127.0.0.1:\(port)/" }

  /// Starts to serve.
  ///
  /// - Parameters:
  ///   - run: The run.
  ///   - port: The port; 0 for any that is free.
  /// - Returns: The server.
  /// - Throws: `FileError` where the port can't be had.
  package static func start(_ run: LiveRun, port: UInt16) throws(FileError) -> LiveServer {
    guard let address = try? sockaddr_in.inet(ip4: "127.0.0.1", port: port) else {
      throw .inaccessible("--serve \(port)", "has no address", remedy: "leave the port out")
    }
    let server = HTTPServer(address: address, logger: .disabled)
    let start = Start()
    let task = Task.detached {
      await server.appendRoute("*") { request in response(to: request, run) }
      do { try await server.run() } catch { start.tell(.failure(error)) }
    }
    Task.detached {
      do {
        try await server.waitUntilListening()
        guard case .ip4(_, let port)? = await server.listeningAddress else {
          throw SocketError.unsupportedAddress
        }
        start.tell(.success(port))
      } catch { start.tell(.failure(error)) }
    }
    switch start.result() {
    case .success(let port): return LiveServer(server: server, task: task, port: port)
    case .failure:
      task.cancel()
      throw .inaccessible(
        "--serve \(port)", "can't be listened on: another program may have this port",
        remedy: "choose another one, or leave it out for any that is free")
    }
  }

  /// Stops, after at most a second.
  package func stop() {
    let isStopped = DispatchSemaphore(value: 0)
    Task.detached { [server] in
      await server.stop(timeout: 1)
      isStopped.signal()
    }
    _ = isStopped.wait(timeout: .now() + 2)
    task.cancel()
  }

  /// What a request gets.
  static func response(to request: HTTPRequest, _ run: LiveRun) -> HTTPResponse {
    guard isFromHere(host: request.headers[.host], origin: request.headers[HTTPHeader("Origin")]) else {
      return text(.forbidden, "open this page as http://127.0.0.1 with its port")
    }
    switch (request.method, request.path) {
    case (.GET, "/"):
      guard let facts = run.facts else { return text(.serviceUnavailable, "the run has not begun") }
      return answer(.ok, "text/html; charset=utf-8", Data(LivePage(facts).render().utf8))
    case (.GET, "/state"):
      let from = request.query.first { $0.name == "from" }.flatMap { Int($0.value) } ?? 0
      guard let snapshot = run.snapshot(from: from), let data = try? JSON.data(snapshot) else {
        return text(.serviceUnavailable, "the run has not begun")
      }
      return answer(.ok, "application/json", data)
    case (.POST, "/pause"), (.POST, "/resume"):
      run.pause(request.path == "/pause")
      return text(.ok, "")
    case (_, "/"), (_, "/state"), (_, "/pause"), (_, "/resume"):
      return text(.methodNotAllowed, "")
    default: return text(.notFound, "")
    }
  }

  /// Whether a request names this machine as its host, and comes from no page but this one.
  static func isFromHere(host: String?, origin: String?) -> Bool {
    guard let host, host.wholeMatch(of: /(127\.0\.0\.1|localhost)(:[0-9]+)?/) != nil else { return false }
    return origin == nil || origin == "http://\(host)"
  }

  private static func text(_ status: HTTPStatusCode, _ text: String) -> HTTPResponse {
    answer(status, "text/plain; charset=utf-8", Data(text.utf8))
  }

  /// The page may run the script in it and ask this server, and nothing else.
  private static func answer(_ status: HTTPStatusCode, _ type: String, _ body: Data) -> HTTPResponse {
    HTTPResponse(
      statusCode: status,
      headers: [
        .contentType: type, .cacheControl: "no-store", HTTPHeader("X-Content-Type-Options"): "nosniff",
        HTTPHeader("Content-Security-Policy"):
          "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; "
          + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      ], body: body)
  }
}

/// How a server's start went: the first word counts.
private final class Start: Sendable {
  private let outcome = Mutex<Result<UInt16, any Error>?>(nil)
  private let isTold = DispatchSemaphore(value: 0)

  func tell(_ result: Result<UInt16, any Error>) {
    let isFirst = outcome.withLock { outcome in
      defer { outcome = outcome ?? result }
      return outcome == nil
    }
    if isFirst { isTold.signal() }
  }

  /// Waits for it.
  func result() -> Result<UInt16, any Error> {
    isTold.wait()
    return outcome.withLock { $0 } ?? .failure(CancellationError())
  }
}
