import Foundation
import PhysioNet
import Support
import Testing
import TestSupport

/// Outside truth: SHA-256 sums made by `sha256sum`, and a server that misbehaves as told.
@Suite struct PhysioNetTests {
  // By sha256sum of the same bytes.
  private static let records = Data("a\ndata/b\n".utf8)
  private static let recordsSum = "f8752bd87daec7dc2c599b34c5e243cb9339470c1583b39e25590b31fc002f78"
  private static let header = Data("a 0 360\n".utf8)
  private static let headerSum = "e6f992954fd4d9d57f42cf8679964f53552ab449b06433fb556c22886cd2e230"
  /// The bytes 0 to 250 over and over.
  private static let signal = Data((0..<100_000).map { UInt8($0 % 251) })
  private static let signalSum = "cd2df694e424bc7968cc37f47751019e5ca0cd1bdf2e479ea537c3a1c32ee1aa"

  private static let sums = Data(
    """
    \(recordsSum)  RECORDS
    \(headerSum) *a.hea
    \(signalSum)  data/b.dat
    \(headerSum)  docs/page.htm

    """.utf8)

  private func makeServer() throws -> LoopbackServer {
    try LoopbackServer(files: [
      "/files/mitdb/1.0.0/SHA256SUMS.txt": Self.sums, "/files/mitdb/1.0.0/RECORDS": Self.records,
      "/files/mitdb/1.0.0/a.hea": Self.header, "/files/mitdb/1.0.0/data/b.dat": Self.signal,
    ])
  }

  private func client(_ server: LoopbackServer) -> PhysioNet {
    PhysioNet(baseURL: server.url, attempts: 3, firstDelaySeconds: 0.01)
  }

  private static let signalPath = "/files/mitdb/1.0.0/data/b.dat"

  @Test func fetchesTheFilesOfTheRecords() throws {
    let (server, folder) = (try makeServer(), try TemporaryFolder())
    var reports: [TaskProgress] = []
    let outcome = try client(server).fetch(database: "mitdb", into: folder.path) { reports.append($0) }
    #expect(outcome.downloaded == ["RECORDS", "a.hea", "data/b.dat"])
    #expect(try Files.read(folder.file("data/b.dat")) == Self.signal)
    #expect(reports.map(\.completed) == [0, 1, 2])
    #expect(try leftovers(folder).isEmpty)
  }

  @Test func keepsWhatIsRightAndReplacesWhatIsWrong() throws {
    let (server, folder) = (try makeServer(), try TemporaryFolder())
    _ = try client(server).fetch(database: "mitdb", into: folder.path)
    try folder.put("data/b.dat", "damaged")
    let outcome = try client(server).fetch(database: "mitdb", into: folder.path)
    #expect(outcome.downloaded == ["data/b.dat"] && outcome.kept == ["RECORDS", "a.hea"])
    #expect(try Files.read(folder.file("data/b.dat")) == Self.signal)
  }

  @Test func continuesABrokenDownload() throws {
    let (server, folder) = (try makeServer(), try TemporaryFolder())
    server.misbehave(Self.signalPath, [.breakAfter(40_000), .status(503)])
    _ = try client(server).fetch(database: "mitdb", into: folder.path)
    #expect(try Files.read(folder.file("data/b.dat")) == Self.signal)
    let requests = server.requests.filter { $0.hasPrefix(Self.signalPath) }
    #expect(requests.count == 3 && requests[0] == Self.signalPath)
    // How many of the bytes arrived before the break is the network's affair.
    #expect(requests[1].hasPrefix(Self.signalPath + " from ") && requests[2] == requests[1])
  }

  @Test func continuesWhatAnEarlierRunLeft() throws {
    let (server, folder) = (try makeServer(), try TemporaryFolder())
    try Files.makeFolder(folder.file("data"))
    try folder.put("data/b.dat.part", Self.signal.prefix(70_000))
    _ = try client(server).fetch(database: "mitdb", into: folder.path)
    #expect(try Files.read(folder.file("data/b.dat")) == Self.signal)
    #expect(server.requests.contains(Self.signalPath + " from 70000"))
  }

  @Test(arguments: [0, 70_000, 100_000, 100_001]) func recoversFromAWrongPart(length: Int) throws {
    let (server, folder) = (try makeServer(), try TemporaryFolder())
    try Files.makeFolder(folder.file("data"))
    try folder.put("data/b.dat.part", [UInt8](repeating: 7, count: length))
    _ = try client(server).fetch(database: "mitdb", into: folder.path)
    #expect(try Files.read(folder.file("data/b.dat")) == Self.signal)
  }

  @Test func startsAgainWhereTheServerIgnoresTheRange() throws {
    let (server, folder) = (try makeServer(), try TemporaryFolder())
    server.misbehave(Self.signalPath, [.ignoreRange])
    try Files.makeFolder(folder.file("data"))
    try folder.put("data/b.dat.part", Self.signal.prefix(70_000))
    _ = try client(server).fetch(database: "mitdb", into: folder.path)
    #expect(try Files.read(folder.file("data/b.dat")) == Self.signal)
  }

  @Test func refusesACorruptedFile() throws {
    let (server, folder) = (try makeServer(), try TemporaryFolder())
    server.serve(Self.signalPath, Self.signal + [0])
    let error = failure { _ = try client(server).fetch(database: "mitdb", into: folder.path) }
    #expect(error?.kind == .malformed && error?.problem.contains("SHA-256") == true)
    #expect(!FileManager.default.fileExists(atPath: folder.file("data/b.dat")))
    #expect(try leftovers(folder).isEmpty)
  }

  @Test func tellsThatTheServerLacksAFile() throws {
    let (server, folder) = (try makeServer(), try TemporaryFolder())
    server.serve(Self.signalPath, nil)
    let error = failure { _ = try client(server).fetch(database: "mitdb", into: folder.path) }
    #expect(error?.kind == .missing && error?.problem == "the server answers with status 404")
    #expect(server.requests.count { $0.hasPrefix(Self.signalPath) } == 1)
    let unknown = failure { _ = try client(server).fetch(database: "nodb", version: "1", into: folder.path) }
    #expect(unknown?.kind == .missing)
    #expect(failure { _ = try client(server).fetch(database: "nodb", into: folder.path) }?.kind == .missing)
  }

  @Test func givesUpAfterABoundedNumberOfTriesAndKeepsThePart() throws {
    let (server, folder) = (try makeServer(), try TemporaryFolder())
    server.misbehave(Self.signalPath, [.breakAfter(50_000), .status(503), .status(500), .status(500)])
    let error = failure { _ = try client(server).fetch(database: "mitdb", into: folder.path) }
    #expect(error?.kind == .inaccessible && error?.problem.contains("after 3 tries") == true)
    #expect(server.requests.count { $0.hasPrefix(Self.signalPath) } == 3)
    #expect(try leftovers(folder) == ["data/b.dat.part"])
  }

  @Test func tellsThatNobodyAnswers() throws {
    let folder = try TemporaryFolder()
    let port = try LoopbackServer(files: [:]).port
    let client = PhysioNet(
      baseURL: URL(string: "http://127.0.0.1:\(port)")!, attempts: 2, firstDelaySeconds: 0.01)
    #expect(failure { _ = try client.fetch(database: "mitdb", into: folder.path) }?.kind == .inaccessible)
  }

  @Test(arguments: ["<html>", "../x", "/x", "a//b"]) func refusesAListThatIsNone(name: String) throws {
    let (server, folder) = (try makeServer(), try TemporaryFolder())
    let line = name.hasPrefix("<") ? name : "\(Self.headerSum)  \(name)"
    server.serve("/files/mitdb/1.0.0/SHA256SUMS.txt", Data(line.utf8))
    let error = failure { _ = try client(server).fetch(database: "mitdb", into: folder.path) }
    #expect(error?.kind == .malformed && error?.location == "line 1")
  }

  /// The `.part` files in a folder.
  private func leftovers(_ folder: TemporaryFolder) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".part") }
  }
}
