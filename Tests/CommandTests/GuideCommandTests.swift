import Foundation
import Support
import Testing
import TestSupport

/// Every command of the README and the guides, run as it stands there.
///
/// A comment in front of a block, `<!-- arguments only: train, report -->`, names those of its commands that take minutes, a
/// download, or data that isn't in the repository; without names it means all. Of these the arguments alone are tested: the command
/// itself takes them, and then misses its files or is stopped. A script that is run as a whole elsewhere says where,
/// `<!-- run by SweepTests -->`.
@Suite struct GuideCommandTests {
  /// A line of a block, with those that belong to it.
  private struct Line {
    var text: String
    var hasArgumentsOnly: Bool

    var words: [String] { text.split(whereSeparator: \.isWhitespace).map(String.init) }
  }

  private static let documents: [String] = {
    let guides = try? FileManager.default.contentsOfDirectory(atPath: ProjectFiles.path("docs/guides"))
    return ["README.md"] + (guides ?? []).filter { $0.hasSuffix(".md") }.sorted().map { "docs/guides/" + $0 }
  }()

  private static func text(_ document: String) throws -> String {
    String(decoding: try Files.read(ProjectFiles.path(document)), as: UTF8.self)
  }

  /// The lines of all blocks that a shell is to read.
  private static func lines(of document: String) throws -> [Line] {
    let parts = try text(document).components(separatedBy: "```")
    return parts.indices.filter {
      $0 % 2 == 1 && parts[$0].prefix(while: { !$0.isNewline }).contains(/^(sh)?$/)
    }
    .flatMap { index -> [Line] in
      guard !parts[index - 1].contains(/<!-- run by [A-Za-z ]+ -->\s*$/) else { return [] }
      let marker = parts[index - 1].firstMatch(of: /<!-- arguments only:? ?([a-z, -]*?) ?-->\s*$/)
      let names = marker.map { $0.output.1.split(separator: ", ").map(String.init) }
      return commands(in: parts[index].drop { !$0.isNewline }).map { text in
        let words = Set(text.split(whereSeparator: \.isWhitespace).dropFirst().prefix(2).map(String.init))
        return Line(
          text: text, hasArgumentsOnly: names.map { $0.isEmpty || !words.isDisjoint(with: $0) } ?? false)
      }
    }
  }

  /// A block's commands: those that end in a backslash with the next line, those with a text up to its mark.
  private static func commands(in block: Substring) -> [String] {
    var commands: [String] = []
    var mark: Substring?
    for line in block.replacing("\\\n", with: " ").split(separator: "\n") {
      if let end = mark {
        commands[commands.count - 1] += "\n" + line
        if line == end { mark = nil }
      } else if !line.hasPrefix("#") {
        commands.append(String(line))
        mark = line.firstMatch(of: /<<'(\w+)'$/)?.output.1
      }
    }
    return commands
  }

  private static let environment = ProcessInfo.processInfo.environment.merging([
    "PATH": (Command("exporter").path as NSString).deletingLastPathComponent + ":"
      + (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"),
    // Nothing is to leave this machine: nobody listens there.
    "http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9",
  ]) { $1 }

  /// Runs a line by a shell; after `seconds` it is stopped, and counts as having gone well.
  private func run(_ line: String, in folder: String, stoppingAfter seconds: Double = 120) throws
    -> Command.Result
  {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/bash")
    process.arguments = ["-c", line]
    process.environment = Self.environment
    process.currentDirectoryURL = URL(filePath: folder)
    let files = try TemporaryFolder()
    for name in ["output", "errors"] { try Files.write("", to: files(name)) }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle(forWritingAtPath: files("output"))
    process.standardError = FileHandle(forWritingAtPath: files("errors"))
    try process.run()
    let end = Date(timeIntervalSinceNow: seconds)
    while process.isRunning, Date() < end { usleep(5_000) }
    let isStopped = process.isRunning
    if isStopped { kill(process.processIdentifier, SIGKILL) }
    process.waitUntilExit()
    return Command.Result(
      status: isStopped ? 0 : process.terminationStatus,
      output: String(decoding: try Files.read(files("output")), as: UTF8.self),
      errors: String(decoding: try Files.read(files("errors")), as: UTF8.self))
  }

  // claim: commands
  @Test(arguments: documents) func theCommandsRunAsTheyStand(document: String) throws {
    let lines = try Self.lines(of: document)
    let sandbox = try GuideSandbox(
      for: lines.filter { !$0.hasArgumentsOnly }.map(\.text).joined(separator: "\n")
    ).folder
    let empty = try TemporaryFolder()
    let targets = String(decoding: try Files.read(ProjectFiles.path("Makefile")), as: UTF8.self)
    for line in lines {
      switch line.words.first {
      case "make": #expect(targets.contains("\n\(line.words[1]):"), "\(document): \(line.text)")
      case "exporter", "device-sim":
        if line.hasArgumentsOnly {
          let result = try run("exec " + line.text, in: empty.path, stoppingAfter: 1)
          #expect(result.status != 64, "\(document): \(line.text): \(result.errors)")
        } else {
          try expectSuccess(of: line, of: document, in: sandbox)
        }
      case "cat": try expectSuccess(of: line, of: document, in: sandbox)
      default: break
      }
    }
  }

  private func expectSuccess(of line: Line, of document: String, in sandbox: TemporaryFolder) throws {
    let result = try run(line.text, in: sandbox.path)
    #expect(result.status == 0, "\(document): \(line.text): \(result.errors)")
    // What it was to write is there, and a float twin decides as good as alike.
    for (option, value) in zip(line.words, line.words.dropFirst())
    where ["--output", "--report", "--json", "--image"].contains(option) && value != "-" {
      #expect(
        // A record's name stands for its files.
        [value, value + ".hea"].contains { FileManager.default.fileExists(atPath: sandbox($0)) },
        "\(document): \(line.text): no \(value)")
    }
    if line.words.starts(with: ["device-sim", "stream"]), line.words.contains("--float") {
      let agreement = try #require(result.output.firstMatch(of: /([0-9.]+) % the same class/), "\(line.text)")
      #expect(Double(agreement.output.1) ?? 0 > 95, "\(line.text)")
    }
  }

  @Test func theGuidesHaveCommandsToRun() throws {
    let all = try Self.documents.flatMap { try Self.lines(of: $0) }
      .filter { ["exporter", "device-sim"].contains($0.words.first) }
    #expect(all.count > 60)
    #expect(all.filter { !$0.hasArgumentsOnly }.count > 35)
  }
}
