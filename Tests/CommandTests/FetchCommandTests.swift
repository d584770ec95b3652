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

  @Test func theLimitIsInGigabytes() throws {
    let header = Data(repeating: 0x61, count: 2_500_000)
    let name = "/files/mitdb/1.0.0/"
    let sums = "\(SHA256.hexadecimal(Data("a\n".utf8)))  RECORDS\n\(SHA256.hexadecimal(header))  a.hea\n"
    let server = try LoopbackServer(files: [
      name + "SHA256SUMS.txt": Data(sums.utf8), name + "RECORDS": Data("a\n".utf8), name + "a.hea": header,
    ])
    let folder = try TemporaryFolder()
    let result = try Command("exporter")(
      "records", "fetch", "mitdb", "--server", server.url.absoluteString, "--into", folder.path, "--quiet",
      "--limit", "0.002")
    #expect(result.status == 65 && result.hasOneErrorLine)
    #expect(result.errors.contains("is beyond the limit of 2.0 MB for a download"), "\(result.errors)")
  }
}
