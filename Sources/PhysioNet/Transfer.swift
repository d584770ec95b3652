import Foundation
import Support

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// Requests, one at a time over one connection, that append a URL's remaining bytes to a `.part` file.
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
    /// Another try may help.
    case interrupted(String)
  }

  private var file = FileHandle.nullDevice
  private var startOffset: UInt64 = 0
  private var ending: Ending?
  private var failure: (any Error)?
  private let done = DispatchSemaphore(value: 0)
  private lazy var session = URLSession(configuration: .ephemeral, delegate: self, delegateQueue: nil)

  /// Closes the connection; the session keeps its delegate alive until then.
  func close() {
    session.finishTasksAndInvalidate()
  }

  /// Runs a request to its end.
  ///
  /// - Throws: `FileError`, inaccessible, where the `.part` file can't be written.
  func run(_ url: URL, toPart part: String) throws(FileError) -> Ending {
    if !FileManager.default.fileExists(atPath: part) { try Files.write(Data(), to: part) }
    guard let file = FileHandle(forUpdatingAtPath: part), let size = try? file.seekToEnd() else {
      throw .inaccessible(part, "can't be written", remedy: "choose a writable place")
    }
    defer { try? file.close() }
    (self.file, startOffset, ending, failure) = (file, size, nil, nil)
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

  /// Makes the file ready for the answer's bytes; false where there are none to take.
  private func accept(_ response: URLResponse) -> Bool {
    guard let response = response as? HTTPURLResponse else { return false }
    do {
      switch response.statusCode {
      case 200:
        // The whole file, from its start.
        try file.truncate(atOffset: 0)
        return true
      case 206:
        let range = response.value(forHTTPHeaderField: "Content-Range") ?? ""
        if range.hasPrefix("bytes \(startOffset)-") { return true }
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
    } catch {
      failure = error
      dataTask.cancel()
    }
  }

  func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
    if ending == nil, failure == nil {
      ending = error.map { .interrupted($0.localizedDescription) } ?? .complete
    }
    done.signal()
  }
}
