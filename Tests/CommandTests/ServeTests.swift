import Foundation
import Support
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// `device-sim stream --serve`: a run that a browser watches.
@Suite struct ServeTests {
  private static let stream = [
    "stream", "--model", ProjectFiles.model, "--float",
    ProjectFiles.path("Models/ecg-beats/ecg-beats.safetensors"),
    "--record", ProjectFiles.path("Models/records/mitdb-208"), "--quiet",
  ]

  // claim: live
  @Test func aWatchedRunEndsAsOneThatNobodyWatches() throws {
    let folder = try TemporaryFolder()
    let run = try Served(Self.stream + ["--pace", "150", "--json", folder("watched.json")])
    var next = 0
    var last: [String: Any] = [:]
    while last["phase"] as? String != "finished" {
      last = try run.state(from: next)
      let first = try #require(last["firstSample"] as? Int)
      let samples = try #require((last["microvolts"] as? [[Int]])?.first)
      // Nothing twice, and gaps only where a reader was away for longer than is kept.
      #expect(first >= next && samples.count <= 12 * 128)
      next = first + samples.count
      usleep(20_000)
    }
    #expect(run.wait() == 0)
    let alone = try Command("device-sim").run(Self.stream + ["--json", folder("alone.json")])
    #expect(alone.status == 0)
    var results = try ["watched", "alone"].map { try parsed(folder("\($0).json")) }
    for index in results.indices { results[index]["realTimeFactor"] = nil }
    #expect(NSDictionary(dictionary: results[0]).isEqual(to: results[1]))
    #expect(last["decisionCount"] as? Int == results[1]["decisions"] as? Int)
    #expect(last["seconds"] as? Double == results[1]["durationSeconds"] as? Double)
    let agreement = try #require(results[1]["agreement"] as? [String: Any])
    let (same, compared) = (try #require(last["agreeing"] as? Int), try #require(last["compared"] as? Int))
    let share = try #require(agreement["top1"] as? Double)
    #expect(
      abs(Double(same) / Double(compared) - share) < 1e-9 && same < compared,
      "\(same) of \(compared): \(share)")
    let decisions = try #require(last["decisions"] as? [[String: Any]])
    #expect(decisions.count > 10 && decisions.allSatisfy { $0["device"] is String && $0["float"] is String })
    #expect((last["microamps"] as? [String: Any])?["value"] is Double)
  }

  // claim: live
  @Test func everyLeadOfAWatchedRunIsShown() throws {
    let record = ProjectFiles.path("Firmware/Leads/signs")
    let run = try Served([
      "stream", "--model", record + ".qinf", "--record", record, "--pace", "5", "--quiet",
    ])
    defer { run.stop() }
    let page = try run.ask("GET", "/")
    #expect(
      page.contains("Live: signs, 1, 2<") && page.contains("on a scale of its own. Under them stands"))
    #expect(page.contains(#/data-leads="[^"]*&quot;1&quot;[^"]*&quot;2&quot;/#))
    // Sixteen bits a sample, a lead after the other, in microvolts; a converter's count is 2.4 of them.
    let bytes = [UInt8](try Files.read(record + ".dat"))
    for seconds in [2.0, 13] {
      var state: [String: Any] = [:]
      while state["seconds"] as? Double ?? 0 < seconds {
        state = try run.state(from: 0)
        usleep(20_000)
      }
      let first = try #require(state["firstSample"] as? Int)
      let leads = try #require(state["microvolts"] as? [[Int]])
      let end = Int((try #require(state["seconds"] as? Double) * 100).rounded())
      #expect(leads.count == 2 && (first == 0) == (seconds < 12))
      for (lead, samples) in leads.enumerated() {
        #expect(first + samples.count == end && samples.count <= 12 * 100 && samples.count > 150)
        for (index, sample) in samples.enumerated() {
          let place = 4 * (first + index) + 2 * lead
          let made = Int16(bitPattern: UInt16(bytes[place]) | UInt16(bytes[place + 1]) << 8)
          #expect(abs(sample - Int(made)) <= 2, "lead \(lead + 1), sample \(first + index)")
        }
      }
    }
  }

  // claim: live
  /// A reader that asks and never listens, and one that stops in the middle of its question.
  @Test func readersThatVanishDontHoldTheDeviceUp() throws {
    let run = try Served(Self.stream + ["--pace", "300"])
    let sockets = try ["GET /state?from=0 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", "GET /st"].map {
      try run.connect(sending: $0)
    }
    defer { close(sockets[1]) }
    // Gone while its answer comes.
    close(sockets[0])
    #expect(run.wait() == 0)
  }

  @Test func aPausedRunStandsStillUntilItIsToGoOn() throws {
    let run = try Served(Self.stream + ["--pace", "20"])
    #expect(try run.ask("POST", "/pause").hasPrefix("HTTP/1.1 200"))
    // A busy machine takes its time until the device hears of it; a twentieth of a second is a second of the record.
    var first = try run.state(from: 0)
    for _ in 0..<100 {
      usleep(50_000)
      let next = try run.state(from: 0)
      if next["seconds"] as? Double == first["seconds"] as? Double { break }
      first = next
    }
    usleep(300_000)
    let second = try run.state(from: 0)
    #expect(first["phase"] as? String == "paused" && second["phase"] as? String == "paused")
    #expect(first["seconds"] as? Double == second["seconds"] as? Double)
    #expect(try run.ask("POST", "/resume").hasPrefix("HTTP/1.1 200"))
    usleep(300_000)
    let third = try run.state(from: 0)
    #expect(third["phase"] as? String == "running")
    #expect(try #require(third["seconds"] as? Double) > #require(second["seconds"] as? Double))
    run.stop()
  }

  // claim: live
  @Test func onlyThisMachinesPageIsServed() throws {
    let run = try Served(Self.stream + ["--pace", "1"])
    defer { run.stop() }
    let cases: [(String, String, [String], String)] = [
      ("GET", "/", [], "200"), ("GET", "/", ["Host: localhost:\(run.port)"], "200"),
      ("GET", "/", ["Host: example.org"], "403"), ("GET", "/state", ["Host: 127.0.0.1.example.org"], "403"),
      ("POST", "/pause", ["Origin: http://example.org"], "403"),
      ("POST", "/pause", ["Origin: http://127.0.0.1:\(run.port)"], "200"),
      ("GET", "/pause", [], "405"), ("GET", "/etc/passwd", [], "404"),
      ("GET", "/state?from=99999999999999999999", [], "200"), ("GET", "/state?from=-5", [], "200"),
    ]
    for (method, path, headers, status) in cases {
      let answer = try run.ask(method, path, headers)
      #expect(answer.hasPrefix("HTTP/1.1 \(status)"), "\(method) \(path) \(headers): \(answer.prefix(40))")
    }
    let page = try run.ask("GET", "/")
    #expect(page.contains("default-src 'none'") && page.contains("not a medical device"))
    #expect(!page.contains(/(src|href)=/))
  }

  @Test func aTakenPortIsToldBeforeTheRun() throws {
    let other = try LoopbackServer(files: [:])
    let result = try Command("device-sim").run(Self.stream + ["--serve", "\(other.port)"])
    expectError(result, status: 1, containing: "--serve \(other.port): can't be listened on")
    expectError(
      try Command("device-sim").run(Self.stream + ["--pace", "2"]), status: 64,
      containing: "--pace needs --serve")
    expectError(
      try Command("device-sim").run(Self.stream + ["--serve", "--pace", "0"]), status: 64,
      containing: "--pace needs 0.01 to 1,000,000 times")
    withExtendedLifetime(other) {}
  }

  private static let browser = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
    .first {
      FileManager.default.isExecutableFile(atPath: $0)
    }

  @Test(.enabled(if: browser != nil, "needs Chromium")) func aBrowserShowsTheRun() throws {
    let run = try Served(Self.stream + ["--pace", "10"])
    defer { run.stop() }
    let folder = try TemporaryFolder()
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try #require(Self.browser))
    process.arguments = [
      "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir=\(folder("profile"))",
      "--virtual-time-budget=3000", "--dump-dom", "http://127.0.0.1:\(run.port)/",
    ]
    let output = Pipe()
    (process.standardOutput, process.standardError) = (output, FileHandle.nullDevice)
    try process.run()
    let page = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(page.contains(#/<span id="phase" role="status">Running</span>/#), "\(page.suffix(300))")
    #expect(page.contains(#/<dd id="agreement">[0-9.]+ % of [0-9]+</dd>/#))
    #expect(page.contains(#/<dd id="current">[0-9.]+ uA/#) && page.contains(#/Announced: [NSVF]</#))
  }

  private func parsed(_ file: String) throws -> [String: Any] {
    try #require(JSONSerialization.jsonObject(with: Files.read(file)) as? [String: Any])
  }
}

/// A run that is served, until it ends or the test does.
private final class Served {
  let port: UInt16
  private let process: Process

  /// Starts a run; any free port.
  init(_ arguments: [String]) throws {
    process = Command("device-sim").process(arguments + ["--serve"])
    let errors = Pipe()
    (process.standardError, process.standardOutput) = (errors, FileHandle.nullDevice)
    try process.run()
    var text = ""
    while !text.contains("\n") {
      let data = errors.fileHandleForReading.availableData
      guard !data.isEmpty else { break }
      text += String(decoding: data, as: UTF8.self)
    }
    let match = try #require(text.firstMatch(of: #/Open http://127\.0\.0\.1:([0-9]+)//#), "\(text)")
    port = try #require(UInt16(match.output.1))
    // It listens before the record is read.
    for _ in 0..<200 {
      if try ask("GET", "/state").hasPrefix("HTTP/1.1 200") { break }
      usleep(20_000)
    }
  }

  deinit { stop() }

  func wait() -> Int32 {
    process.waitUntilExit()
    return process.terminationStatus
  }

  func stop() {
    guard process.isRunning else { return }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }

  func state(from: Int) throws -> [String: Any] {
    let answer = try ask("GET", "/state?from=\(from)")
    let body = try #require(answer.range(of: "\r\n\r\n")).upperBound
    return try #require(
      JSONSerialization.jsonObject(with: Data(answer[body...].utf8)) as? [String: Any])
  }

  /// A request, and all that comes back.
  func ask(_ method: String, _ path: String, _ headers: [String] = []) throws -> String {
    let host = headers.contains { $0.hasPrefix("Host:") } ? [] : ["Host: 127.0.0.1:\(port)"]
    let lines = ["\(method) \(path) HTTP/1.1"] + host + headers + ["Content-Length: 0", "Connection: close"]
    let socket = try connect(sending: lines.joined(separator: "\r\n") + "\r\n\r\n")
    return String(
      decoding: try FileHandle(fileDescriptor: socket, closeOnDealloc: true).readToEnd() ?? Data(),
      as: UTF8.self)
  }

  /// A connection over which a text was sent.
  func connect(sending text: String) throws -> Int32 {
    #if canImport(Glibc)
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    #else
      let descriptor = socket(AF_INET, SOCK_STREAM, 0)
    #endif
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let isConnected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
    guard isConnected else {
      close(descriptor)
      throw POSIXError(.ECONNREFUSED)
    }
    _ = text.withCString { send(descriptor, $0, strlen($0), 0) }
    return descriptor
  }
}
