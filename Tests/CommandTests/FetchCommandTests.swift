import Foundation
import Support
import Testing
import TestSupport

/// Downloads by the command, where the answer would end the process that asks.
@Suite struct FetchCommandTests {
  // claim: downloads
  @Test(arguments: ["9223372036854775807", "9223372036854775800"])
  func aLengthNearTheGreatestNumberIsOneLine(length: String) throws {
    let (server, folder) = (try LoopbackServer(files: [:]), try TemporaryFolder())
    let list = "/files/mitdb/1.0.0/SHA256SUMS.txt"
    let answer = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: \(length)\r\n\r\nx"
    server.misbehave(list, Array(repeating: .raw(Data(answer.utf8)), count: 8))
    try folder.put("SHA256SUMS.txt", "precious")
    let result = try Command("exporter")(
      "records", "fetch", "mitdb", "--server", server.url.absoluteString, "--into", folder.path, "--quiet")
    #expect(result.status == 1 || result.status == 65, "\(result.status)")
    #expect(result.hasOneErrorLine && result.errors.contains(list), "\(result.errors)")
    #expect(result.errors.contains("; check the server's address"))
    #expect(try Files.read(folder("SHA256SUMS.txt")) == Data("precious".utf8))
  }
}
