import Foundation
import Support

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// Requests, one at a time over one connection, that append a URL's remaining bytes to a `.part` file.
///
/// What comes too slowly is broken off, to be asked for anew; what is beyond a limit is broken off for good.
///
/// The session calls it from one queue of its own; the caller waits for a request's end before it looks at
/// the result.
final class Transfer: NSObject, URLSessionDataDelegate, @unchecked Sendable {
  /// How a request ended.
  enum Ending {
    /// The file is whole.
    case complete
    /// The server does not have the file, and another try would not help.
    case refused(status: Int)
    /// The file is beyond the limit, or all files together are.
    case tooLarge
    /// The server sends the request on to another one, which wasn't asked.
    case elsewhere(String)
    /// Another try may help.
    case interrupted(String)
  }

  private let limits: PhysioNet.Limits
  /// The bytes that came in all requests.
  private var totalBytes = 0
  private var url: URL?
  private var byteLimit = 0
  private var pace = Pace()

  /// What came since when.
  private struct Pace {
    var start = DispatchTime.now()
    var bytes = 0
  }

  private var file = FileHandle.nullDevice
  private var startOffset: UInt64 = 0
  private var ending: Ending?
  private var failure: (any Error)?
  private let done = DispatchSemaphore(value: 0)
  private lazy var session = URLSession(configuration: .ephemeral, delegate: self, delegateQueue: nil)

  init(_ limits: PhysioNet.Limits) { self.limits = limits }

  /// Closes the connection; the session keeps its delegate alive until then.
  func close() {
    session.finishTasksAndInvalidate()
  }

  /// Runs a request to its end.
  ///
  /// - Parameters:
  ///   - url: What to ask for.
  ///   - part: The file that grows.
  ///   - byteLimit: The bytes that it may have.
  /// - Returns: How it ended.
  /// - Throws: `FileError`, inaccessible, where the `.part` file can't be written, or another run writes it.
  func run(_ url: URL, toPart part: String, byteLimit: Int) throws(FileError) -> Ending {
    let file = try Files.openLocked(part)
    defer { try? file.close() }
    guard let size = try? file.seekToEnd() else {
      throw .inaccessible(part, "can't be written", remedy: "choose a writable place")
    }
    (self.file, startOffset, ending, failure) = (file, size, nil, nil)
    (self.url, self.byteLimit, pace) = (url, byteLimit, Pace())
    var request = URLRequest(url: url, cachePolicy: .reloadIgnoringLocalCacheData, timeoutInterval: 60)
    // A compressed answer has other offsets than the file.
    request.setValue("identity", forHTTPHeaderField: "Accept-Encoding")
    if size > 0 { request.setValue("bytes=\(size)-", forHTTPHeaderField: "Range") }
    session.dataTask(with: request).resume()
    done.wait()
    if let failure {
      throw .inaccessible(
        part, "can't be written: \(failure.localizedDescription)",
        remedy: "free some space or choose another disk")
    }
    return ending ?? .interrupted("the connection was lost")
  }

  func urlSession(
    _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
    completionHandler: @escaping @Sendable (URLSession.ResponseDisposition) -> Void
  ) {
    completionHandler(accept(response) ? .allow : .cancel)
  }

  func urlSession(
    _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
    newRequest request: URLRequest, completionHandler: @escaping @Sendable (URLRequest?) -> Void
  ) {
    let isSafe = request.url?.scheme == "https" || url?.scheme == "http"
    guard isSafe, let host = request.url?.host, host == url?.host else {
      ending = .elsewhere(request.url.map { "\($0.scheme ?? "")://\($0.host ?? "")" } ?? "nowhere")
      return completionHandler(nil)
    }
    completionHandler(request)
  }

  /// Makes the file ready for the answer's bytes; false where there are none to take.
  private func accept(_ response: URLResponse) -> Bool {
    guard ending == nil, let response = response as? HTTPURLResponse else { return false }
    do {
      switch response.statusCode {
      case 200:
        // The whole file, from its start: or a page that a network shows before it lets anybody through.
        guard isFile(response) else { return false }
        try file.truncate(atOffset: 0)
        return isWithinLimit(response.expectedContentLength)
      case 206:
        let range = response.value(forHTTPHeaderField: "Content-Range") ?? ""
        if range.hasPrefix("bytes \(startOffset)-") {
          return isWithinLimit(response.expectedContentLength, after: Int64(clamping: startOffset))
        }
        ending = .interrupted("the server sent another range than it was asked for")
        try file.truncate(atOffset: 0)
      case 416:
        // Nothing is left after the bytes that are there: either they are all, or they are wrong.
        let range = response.value(forHTTPHeaderField: "Content-Range") ?? ""
        if range.hasSuffix("/\(startOffset)") {
          ending = .complete
        } else {
          ending = .interrupted("the server has a shorter file")
          try file.truncate(atOffset: 0)
        }
      case 408, 425, 429, 500...599:
        ending = .interrupted("the server answers with status \(response.statusCode)")
      default:
        ending = .refused(status: response.statusCode)
      }
    } catch {
      failure = error
    }
    return false
  }

  func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
    guard ending == nil, failure == nil else { return }
    do {
      try file.write(contentsOf: data)
      totalBytes += data.count
      guard isWithinLimit(0, after: Int64(clamping: try file.offset())), isFastEnough(data.count) else {
        return dataTask.cancel()
      }
    } catch {
      failure = error
      dataTask.cancel()
    }
  }

  /// Whether an answer is the file that was asked for, not a page about something else.
  private func isFile(_ response: HTTPURLResponse) -> Bool {
    guard response.mimeType == "text/html", let url, !url.hasDirectoryPath,
      !["htm", "html"].contains(url.pathExtension.lowercased())
    else { return true }
    ending = .interrupted("a web page came instead of the file; the network may ask for a login")
    return false
  }

  /// Whether a file of `byteCount` bytes after those that are there, and all files together, aren't too large; a count
  /// that isn't known is negative.
  private func isWithinLimit(_ byteCount: Int64, after present: Int64 = 0) -> Bool {
    guard byteCount > Int64(byteLimit) - present || present > byteLimit || totalBytes > limits.totalBytes
    else {
      return true
    }
    ending = .tooLarge
    return false
  }

  /// Whether the bytes come fast enough, counted over stretches of `paceSeconds`.
  private func isFastEnough(_ byteCount: Int) -> Bool {
    pace.bytes += byteCount
    let seconds = Double(DispatchTime.now().uptimeNanoseconds - pace.start.uptimeNanoseconds) / 1e9
    guard seconds >= limits.paceSeconds else { return true }
    guard Double(pace.bytes) >= limits.leastBytesPerSecond * seconds else {
      ending = .interrupted("it came at less than \(Numbers.bytes(Int(limits.leastBytesPerSecond))) a second")
      return false
    }
    pace = Pace()
    return true
  }

  func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
    if ending == nil, failure == nil {
      ending = error.map { .interrupted($0.localizedDescription) } ?? .complete
    }
    done.signal()
  }
}
