import Foundation
import Support

/// What can be said for the project in front of those who ask how one knows: claims with their tests' last results, longer checks, shipped
/// models from data to verdict, the device's measured needs, the software that it is built from, and where each may serve.
///
/// All of it is read from the project's folder; nothing is stated that a file there, or the run of the tests, doesn't hold.
package struct Dossier: Encodable, Sendable {
  /// The tests' run as a whole.
  package struct Tests: Encodable, Sendable {
    /// The file's SHA-256.
    var sha256: String
    /// Tests that passed.
    var passed: Int
    /// Those that failed, by name.
    var failed: [String]
    /// Those that were left out, as what they need isn't there.
    var skipped: Int
  }

  /// A row of docs/Checks.md.
  package struct Check: Encodable, Sendable {
    /// The check's name.
    var name: String
    /// What it shows.
    var shows: String
    /// The day of its last run; null where it never ran.
    var day: String?
    /// The commit that it ran at; `+` behind it where files had changed.
    var commit: String
    /// `passed` or `FAILED`; empty where it never ran.
    var result: String
    /// What it found.
    var figures: String
  }

  /// What a board needs with the shipped model: measured on the emulated one.
  package struct Board: Codable, Sendable {
    /// The code that firmware links, and its stack.
    struct Example: Codable, Sendable {
      var codeBytes: Int
      var stackBytes: Int
    }
    var board: String
    var stateBytes: Int
    var streamingScratchBytes: Int
    var sampleInstructions: Int
    var decisionInstructions: Int
    var example: Example
  }

  /// A file that the dossier was made from.
  package struct Source: Encodable, Sendable {
    /// Its path in the project.
    var path: String
    /// Its SHA-256.
    var sha256: String
    /// The last commit that changed it; null without git.
    var lastChange: ProjectHistory.Change?
  }

  /// The program's version.
  package let version = Release.version
  /// The project's commit; null without git.
  package var commit: ProjectHistory.Change?
  /// Whether files differ from that commit.
  package var hasUncommittedChanges: Bool
  /// The day on which the dossier was made.
  package var day: String
  /// What the program is not.
  package let disclaimer = Release.disclaimer
  /// The claims.
  package var claims: [Claim]
  /// The run of the tests; null where there was none.
  package var tests: Tests?
  /// The longer checks.
  package var checks: [Check]
  /// The boards.
  package var boards: [Board]
  /// The shipped models.
  package var models: [DossierModel]
  /// What the runtime doesn't promise, as SECURITY.md has it.
  package var notPromised: [String]
  /// The rows of docs/reference/Standards.md, as its tables have them.
  package var standards: [[String: String]]
  /// The software that the project is built from, in SPDX.
  package var software: SoftwareBill
  /// The files that all this is from.
  package var sources: [Source]

  /// Reads a project.
  ///
  /// - Parameters:
  ///   - project: The project's folder.
  ///   - testEvents: The event stream of a run of the tests; nil where there was none.
  ///   - date: The day that the dossier states.
  /// - Throws: `FileError` where a file is missing or can't be read, or a claim and the tests' sources differ.
  package init(project: String, testEvents: String?, date: Date = Date()) throws(FileError) {
    let history = ProjectHistory(of: project)
    commit = history.lastChange()
    hasUncommittedChanges = history.hasUncommittedChanges
    day = date.ISO8601Format(.iso8601.year().month().day())
    let run = try testEvents.map { file throws(FileError) in try TestRun(reading: file) }
    claims = try Claim.all(of: project, run: run)
    tests = try zip(run, testEvents).map { run, file throws(FileError) in
      Tests(
        sha256: SHA256.hexadecimal(try Files.read(file)), passed: run.count(.passed),
        failed: run.outcomes.filter { $0.value == .failed }.map(\.key).sorted(), skipped: run.count(.skipped))
    }
    checks = try MarkdownFile(reading: project + "/docs/Checks.md").rows(ofTableWith: "step").map { row in
      let hasRun = row["day"] != "never"
      return Check(
        name: row["step"] ?? "", shows: row["what it shows"] ?? "", day: hasRun ? row["day"] : nil,
        commit: row["commit"] ?? "", result: row["result"] ?? "", figures: row["figures"] ?? "")
    }
    boards = try Self.boards(project + "/Firmware/results.json")
    let names = try Self.modelNames(project)
    models = try names.map { name throws(FileError) in
      try DossierModel(folder: "\(project)/Models/\(name)", name: name)
    }
    notPromised = try MarkdownFile(reading: project + "/SECURITY.md").section("What it doesn't promise")
    let clauses = try MarkdownFile(reading: project + "/docs/reference/Standards.md")
    standards =
      try clauses.rows(ofTableWith: "IEC 62304 clause")
      + clauses.rows(ofTableWith: "FDA cybersecurity section")
    software = try SoftwareBill(project: project, commit: commit?.commit ?? "unknown", date: date)
    sources = try Self.sourcePaths(names).map { path throws(FileError) in
      Source(
        path: path, sha256: SHA256.hexadecimal(try Files.read(project + "/" + path)),
        lastChange: history.lastChange(of: path))
    }
  }

  /// Claims that a failed test contradicts.
  package var failingClaims: [Claim] { claims.filter { $0.state == .fails } }

  /// Refuses a dossier whose tests or checks failed.
  ///
  /// - Parameter file: Where the dossier was written, for the error.
  /// - Throws: `FileError`, malformed, which names what failed.
  package func requireThatNothingFailed(_ file: String) throws(FileError) {
    if let claim = failingClaims.first {
      let test = claim.tests.first { $0.outcome == .failed }?.name ?? ""
      throw .malformed(
        file, at: "claim \(claim.id)",
        "fails by \(test)"
          + (failingClaims.count > 1 ? ", and \(failingClaims.count - 1) other claims fail" : ""),
        remedy: "mend what the test shows: swift test -c release --filter \(test.prefix { $0 != "/" })")
    }
    if let test = tests?.failed.first {
      throw .malformed(
        file, "\(tests?.failed.count ?? 0) tests failed, among them \(test)",
        remedy: "mend what the test shows: swift test -c release --filter \(test.prefix { $0 != "/" })")
    }
    if let check = checks.first(where: { $0.result == "FAILED" }) {
      throw .malformed(
        file, at: "check \(check.name)", "failed at its last run",
        remedy: "mend what it shows, and run it again: make check-all STEPS=\(check.name)")
    }
  }

  private static func boards(_ file: String) throws(FileError) -> [Board] {
    struct Results: Decodable { var boards: [Board] }
    do {
      return try JSONDecoder().decode(Results.self, from: Files.read(file)).boards
    } catch let error as FileError {
      throw error
    } catch {
      throw .malformed(file, "isn't what make firmware-report writes", remedy: "run make firmware-report")
    }
  }

  /// The folders of Models that hold an image of their name.
  private static func modelNames(_ project: String) throws(FileError) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: project + "/Models")) ?? []
    let models = names.filter { FileManager.default.fileExists(atPath: "\(project)/Models/\($0)/\($0).qinf") }
    guard !models.isEmpty else {
      throw .missing(
        project + "/Models", "holds no model",
        remedy: "name the folder of a checkout of QuantInfer by --project")
    }
    return models.sorted()
  }

  private static func sourcePaths(_ models: [String]) -> [String] {
    [
      "docs/reference/Claims.md", "docs/reference/Software.md", "docs/reference/Standards.md",
      "docs/Checks.md",
      "SECURITY.md", "Firmware/results.json",
    ]
      + models.flatMap { name in
        [".qinf", ".safetensors"].map { "Models/\(name)/\(name)\($0)" }
          + ["Models/\(name)/results.json", "Models/\(name)/README.md"]
      }
  }
}

/// Both values, where both are there.
private func zip<First, Second>(_ first: First?, _ second: Second?) -> (First, Second)? {
  guard let first, let second else { return nil }
  return (first, second)
}
