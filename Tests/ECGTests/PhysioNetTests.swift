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

  private static let sumsPath = "/files/mitdb/1.0.0/SHA256SUMS.txt"
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

  // claim: downloads
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

  // claim: downloads
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
    #expect(try leftovers(folder).isEmpty)
  }

  // claim: downloads
  @Test(arguments: ["<html>log in</html>", ""]) func aPageOfTheNetworkReplacesNothing(page: String) throws {
    let (server, folder) = (try makeServer(), try TemporaryFolder())
    _ = try client(server).fetch(database: "mitdb", into: folder.path)
    // Each as a page that says what it is, and as bytes that claim to be the file.
    for path in [Self.sumsPath, Self.signalPath] {
      try folder.put("data/b.dat", "damaged")
      try folder.put("data/b.dat.part", Self.signal.prefix(70_000))
      server.misbehave(path, [.page(page), .page(page), .page(page)])
      let error = failure { _ = try client(server).fetch(database: "mitdb", into: folder.path) }
      #expect(error?.problem.contains("a web page came instead of the file") == true)
      #expect(try Files.read(folder.file("SHA256SUMS.txt")) == Self.sums)
      #expect(try Files.read(folder.file("data/b.dat.part")) == Self.signal.prefix(70_000))
    }
    server.serve(Self.sumsPath, Data(page.utf8))
    #expect(
      failure { _ = try client(server).fetch(database: "mitdb", into: folder.path) }?.kind == .malformed)
    #expect(try Files.read(folder.file("SHA256SUMS.txt")) == Self.sums)
    server.serve(Self.sumsPath, Self.sums)
    _ = try client(server).fetch(database: "mitdb", into: folder.path)
    #expect(try Files.read(folder.file("data/b.dat")) == Self.signal)
  }

  // claim: downloads
  @Test func sizesAreBounded() throws {
    let (server, folder) = (try makeServer(), try TemporaryFolder())
    var client = client(server)
    client.limits.totalBytes = 90_000
    let error = failure { _ = try client.fetch(database: "mitdb", into: folder.path) }
    #expect(error?.problem == "is beyond the limit of 90.0 kB for a download")
    #expect(try leftovers(folder).isEmpty)
    client.limits.totalBytes = 200_000
    client.limits.listBytes = 100
    #expect(failure { _ = try client.fetch(database: "mitdb", into: folder.path) }?.kind == .malformed)
    client.limits.listBytes = 1000
    server.misbehave(Self.sumsPath, [.promise(1 << 50), .promise(1001)])
    for _ in 0..<2 {
      #expect(failure { _ = try client.fetch(database: "mitdb", into: folder.path) }?.kind == .malformed)
    }
    _ = try client.fetch(database: "mitdb", into: folder.path)
  }

  /// 70,000 bytes are there, and 30,000 more are promised: together more than may be, which is known before they come.
  @Test func whatIsThereCountsAgainstTheLimit() throws {
    let (server, folder) = (try makeServer(), try TemporaryFolder())
    var client = client(server)
    client.limits.totalBytes = 90_000
    try Files.makeFolder(folder.file("data"))
    try folder.put("data/b.dat.part", Self.signal.prefix(70_000))
    let head = "HTTP/1.1 206 Partial Content\r\nConnection: close\r\n"
    let rest = "Content-Range: bytes 70000-99999/100000\r\nContent-Length: 30000\r\n\r\nbroken off"
    server.misbehave(Self.signalPath, Array(repeating: .raw(Data((head + rest).utf8)), count: 3))
    let error = failure { _ = try client.fetch(database: "mitdb", into: folder.path) }
    #expect(error?.problem == "is beyond the limit of 90.0 kB for a download")
    #expect(server.requests.count { $0.hasPrefix(Self.signalPath) } == 1)
  }

  @Test func slownessIsBounded() throws {
    let (server, folder) = (try makeServer(), try TemporaryFolder())
    var client = client(server)
    client.limits.paceSeconds = 0.2
    client.limits.leastBytesPerSecond = 100_000
    let slow = LoopbackServer.Mischief.trickle(bytes: 500, seconds: 0.05)
    server.misbehave(Self.signalPath, [slow, slow, slow])
    let error = failure { _ = try client.fetch(database: "mitdb", into: folder.path) }
    #expect(error?.problem.hasSuffix("it came at less than 100.0 kB a second") == true)
    // What came is kept, and each try goes on behind it.
    #expect(server.requests.filter { $0.hasPrefix(Self.signalPath + " from ") }.count == 2)
    #expect(try leftovers(folder) == ["data/b.dat.part"])
  }

  @Test func writesWhereTheRecordsAreFrom() throws {
    let (server, folder) = (try makeServer(), try TemporaryFolder())
    #expect(
      try client(server).fetch(database: "mitdb", into: folder.path).title.hasSuffix(
        "Database, version 1.0.0"))
    let text = String(decoding: try Files.read(folder.file("SOURCE.txt")), as: UTF8.self)
    for part in [
      "https://physionet.org/content/mitdb/1.0.0/", "https://doi.org/10.13026/C2F305", "Goldberger",
    ] {
      #expect(text.contains(part))
    }
    #expect(text.contains("Open Data Commons Attribution License v1.0"))
    // Each known database has as much to say; what isn't sure is left to its page.
    #expect(Database.all.allSatisfy { $0.licence != nil && $0.doi?.hasPrefix("10.13026/") == true })
    #expect(Set(Database.all.map(\.doi)).count == Database.all.count)
    #expect(Database.all.filter { $0.citation == nil }.map(\.name) == ["incartdb", "ltdb", "nsrdb"])
    #expect(
      Set(Database.all.map(\.name)).isSuperset(of: [
        "svdb", "vfdb", "cudb", "afdb", "incartdb", "ltafdb", "edb",
      ]))
  }

  @Test func findsTheVersionOfADatabaseThatItDoesntKnow() throws {
    let (server, folder) = (try makeServer(), try TemporaryFolder())
    for (path, data) in [("SHA256SUMS.txt", Self.sums), ("RECORDS", Self.records), ("a.hea", Self.header)] {
      server.serve("/files/newdb/2.1.0/" + path, data)
    }
    server.serve("/files/newdb/2.1.0/data/b.dat", Self.signal)
    #expect(failure { _ = try client(server).fetch(database: "newdb", into: folder.path) }?.kind == .missing)
    server.serve("/content/newdb/", Data("<title>New ECGs v2.1.0</title> <p>Version: <b>2.1.0</b></p>".utf8))
    let outcome = try client(server).fetch(database: "newdb", into: folder.path)
    #expect(outcome.title == "New ECGs, version 2.1.0" && outcome.downloaded.count == 3)
    let text = String(decoding: try Files.read(folder.file("SOURCE.txt")), as: UTF8.self)
    #expect(text.contains("https://physionet.org/content/newdb/2.1.0/") && text.contains("see LICENSE.txt"))
    server.serve("/content/newdb/", Data("<html>".utf8))
    let error = failure { _ = try client(server).fetch(database: "newdb", into: folder.path) }
    #expect(error?.problem == "no version of this database is known, and its page doesn't tell one")
  }

  @Test func aLinkInTheWayIsNotFollowed() throws {
    let (server, folder) = (try makeServer(), try TemporaryFolder())
    try folder.put("precious", "mine")
    try FileManager.default.createSymbolicLink(
      atPath: folder.file("RECORDS.part"), withDestinationPath: folder.file("precious"))
    let error = failure { _ = try client(server).fetch(database: "mitdb", into: folder.path) }
    #expect(error?.kind == .inaccessible)
    #expect(try Files.read(folder.file("precious")) == Data("mine".utf8))
  }

  @Test func bringsWholeFoldersOfRecords() throws {
    let (server, folder) = (try makeServer(), try TemporaryFolder())
    // A segment of data/b, which RECORDS doesn't list.
    server.serve(Self.sumsPath, Self.sums + Data("\(Self.headerSum)  data/b_0001.hea\n".utf8))
    server.serve("/files/mitdb/1.0.0/data/b_0001.hea", Self.header)
    let outcome = try client(server).fetch(database: "mitdb", into: folder.path)
    #expect(outcome.downloaded == ["RECORDS", "a.hea", "data/b.dat", "data/b_0001.hea"])
  }

  /// The `.part` files in a folder.
  private func leftovers(_ folder: TemporaryFolder) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".part") }
  }
}
