import Foundation
import PhysioNet
import Support
import Testing
import TestSupport

/// Whatever a server sends, a file has its name only where its sum is right, and all else is one line.
///
/// Outside truth: HTTP/1.1 by the byte, as no well-meaning server sends it, and sums by `sha256sum`.
@Suite struct DownloadFaultTests {
  // By sha256sum of the same bytes.
  private static let records = Data("a\n".utf8)
  private static let header = Data("a 0 360\n".utf8)
  private static let sums = Data(
    """
    87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7  RECORDS
    e6f992954fd4d9d57f42cf8679964f53552ab449b06433fb556c22886cd2e230  a.hea

    """.utf8)
  private static let path = "/files/mitdb/1.0.0/a.hea"

  private func makeServer() throws -> LoopbackServer {
    try LoopbackServer(files: [
      "/files/mitdb/1.0.0/SHA256SUMS.txt": Self.sums, "/files/mitdb/1.0.0/RECORDS": Self.records,
      Self.path: Self.header,
    ])
  }

  private func fetch(_ server: LoopbackServer, _ folder: TemporaryFolder) -> FileError? {
    var client = PhysioNet(baseURL: server.url, attempts: 2, firstDelaySeconds: 0.01)
    client.limits.totalBytes = 1 << 20
    return failure { _ = try client.fetch(database: "mitdb", into: folder.path) }
  }

  private static func answer(_ head: String, _ body: String) -> LoopbackServer.Mischief {
    .raw(Data("HTTP/1.1 200 OK\r\nConnection: close\r\n\(head)\r\n\r\n\(body)".utf8))
  }

  // claim: downloads
  /// What is said in place of the file's length, and the body after it; nil where no error is right too.
  @Test(
    arguments: [
      ("Content-Length: 9223372036854774000", "a 0 360\n", "is beyond the limit"),
      ("Content-Length: 18446744073709551616", "a 0 360\n", nil), ("Content-Length: -1", "a 0 360\n", nil),
      ("Content-Length: many", "a 0 360\n", nil), ("Content-Length: 3", "a 0 360\n", "SHA-256"),
      ("Content-Length: 8", "a 0 360\nand much more than was told", nil),
      ("Content-Length: 80", "a 0 360\n", "after 2 tries"),
      ("Transfer-Encoding: chunked", "zz\r\na 0 360\n\r\n0\r\n\r\n", nil),
      ("Transfer-Encoding: chunked", "7fffffffffffffff\r\na 0 360\n", nil),
      ("Transfer-Encoding: chunked", "-8\r\na 0 360\n\r\n0\r\n\r\n", nil),
    ] as [(String, String, String?)])
  func lengthsThatAreNotThoseOfTheBody(head: String, body: String, problem: String?) throws {
    let (server, folder) = (try makeServer(), try TemporaryFolder())
    server.misbehave(Self.path, Array(repeating: Self.answer(head, body), count: 4))
    let error = fetch(server, folder)
    if let problem { #expect(error?.problem.contains(problem) == true, "\(String(describing: error))") }
    let isThere = FileManager.default.fileExists(atPath: folder.file("a.hea"))
    #expect(isThere == (error == nil))
    if isThere { #expect(try Files.read(folder.file("a.hea")) == Self.header) }
    // A server that has come to its senses is enough.
    server.misbehave(Self.path, [])
    #expect(fetch(server, folder) == nil)
    #expect(try Files.read(folder.file("a.hea")) == Self.header)
  }

  @Test func aBodyInChunksIsTheFile() throws {
    let (server, folder) = (try makeServer(), try TemporaryFolder())
    server.misbehave(
      Self.path, [Self.answer("Transfer-Encoding: chunked", "3\r\na 0\r\n5\r\n 360\n\r\n0\r\n\r\n")])
    #expect(fetch(server, folder) == nil)
    #expect(try Files.read(folder.file("a.hea")) == Self.header)
    #expect(server.requests.count { $0.hasPrefix(Self.path) } == 1)
  }

  // claim: downloads
  @Test func aRequestIsNotSentOnToAnotherHost() throws {
    let (server, folder) = (try makeServer(), try TemporaryFolder())
    func redirect(to place: String) -> LoopbackServer.Mischief {
      .raw(
        Data(
          "HTTP/1.1 302 Found\r\nLocation: \(place)\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".utf8))
    }
    let list = "/files/mitdb/1.0.0/SHA256SUMS.txt"
    let elsewhere = "http://localhost:\(server.port)/files/mitdb/1.0.0/"
    for (path, name) in [(list, "SHA256SUMS.txt"), (Self.path, "a.hea")] {
      server.misbehave(path, [redirect(to: elsewhere + name)])
      let error = fetch(server, folder)
      #expect(error?.kind == .inaccessible)
      #expect(error?.problem == "the server sends the request on to http://localhost")
    }
    // On the same host a file may have moved.
    server.serve("/moved/a.hea", Self.header)
    server.misbehave(Self.path, [redirect(to: "/moved/a.hea")])
    #expect(fetch(server, folder) == nil)
    #expect(server.requests.contains("/moved/a.hea"))
  }
}
