import Foundation
import Support

/// A statement about the project that somebody may rely on, and the tests that hold it.
package struct Claim: Encodable, Sendable {
  /// How a claim stands after a run of the tests.
  package enum State: String, Encodable, Sendable {
    /// All of its tests passed.
    case holds
    /// Some of its tests passed; the others were left out, as what they need isn't there.
    case holdsInPart
    /// A test of it failed.
    case fails
    /// Its tests didn't run.
    case notRun
    /// It has no test of its own in the run, but a longer check.
    case byCheckAlone
    /// It has no test.
    case untested

    /// The state for people.
    package var words: String {
      switch self {
      case .holds: "holds"
      case .holdsInPart: "holds, some tests left out"
      case .fails: "FAILS"
      case .notRun: "not run"
      case .byCheckAlone: "by a longer check"
      case .untested: "no test"
      }
    }
  }

  /// A test of the claim, and what became of it; null where it didn't run.
  package struct Test: Encodable, Sendable {
    /// The test, as `Suite/function`.
    package var name: String
    /// What became of it.
    package var outcome: TestRun.Outcome?
  }

  /// The claim's name.
  package var id: String
  /// What is claimed.
  package var statement: String
  /// What it is held against.
  package var by: String
  /// Its tests.
  package var tests: [Test]
  /// Its longer checks, by their names in docs/Checks.md.
  package var checks: [String]
  /// How it stands.
  package var state: State

  /// Reads a project's claims, and compares both ways: each test that a claim names is in the sources and carries the claim's id,
  /// and each id in the tests' sources is a claim that names the test.
  ///
  /// - Parameters:
  ///   - project: The project's folder.
  ///   - run: What a run of the tests gave; nil where there was none.
  /// - Returns: The claims, in the table's order.
  /// - Throws: `FileError`, malformed, where the two differ or a row can't be read.
  package static func all(of project: String, run: TestRun?) throws(FileError) -> [Claim] {
    let file = try MarkdownFile(reading: project + "/docs/reference/Claims.md")
    let checks = Set(
      try MarkdownFile(reading: project + "/docs/Checks.md").rows(ofTableWith: "step").compactMap {
        $0["step"]
      })
    var marks = try marks(in: project)
    var claims: [Claim] = []
    for row in try file.rows(ofTableWith: "id") {
      let id = row["id"] ?? ""
      guard !id.isEmpty, !claims.contains(where: { $0.id == id }) else {
        throw .malformed(
          file.file, at: "claim \(id)", "is there twice or has no id", remedy: "give each claim its own id")
      }
      let names = (row["tests"] ?? "").split(separator: ", ").map(String.init)
      let (tests, longer) = (names.filter { $0.contains("/") }, names.filter { $0.hasPrefix("check ") })
      guard names == ["none"] || !names.isEmpty && tests.count + longer.count == names.count else {
        throw .malformed(
          file.file, at: "claim \(id)", "names tests that can't be read",
          remedy: "write Suite/test and check NAME, separated by commas, or none")
      }
      let marked = marks.removeValue(forKey: id) ?? []
      if let test = tests.first(where: { !marked.contains($0) }) {
        throw .malformed(
          file.file, at: "claim \(id)", "names \(test), which no source has with this id",
          remedy: "put // claim: \(id) in front of the test, or name another one")
      }
      if let test = marked.first(where: { !tests.contains($0) }) {
        throw .malformed(
          file.file, at: "claim \(id)", "doesn't name \(test), which has its id",
          remedy: "add it to the claim's tests, or take the id off")
      }
      let checked = longer.map { String($0.dropFirst("check ".count)) }
      if let name = checked.first(where: { !checks.contains($0) }) {
        throw .malformed(
          file.file, at: "claim \(id)", "names the check \(name), which docs/Checks.md doesn't have",
          remedy: "name one of: \(checks.sorted().joined(separator: ", "))")
      }
      claims.append(
        Claim(
          id: id, statement: row["claim"] ?? "", by: row["by"] ?? "",
          tests: tests.map { Test(name: $0, outcome: run?.outcome(of: $0)) }, checks: checked))
    }
    if let (id, tests) = marks.min(by: { $0.key < $1.key }) {
      throw .malformed(
        file.file, at: "claim \(id)", "isn't there, but \(tests.first ?? "") has its id",
        remedy: "add the claim, or take the id off")
    }
    return claims
  }

  private init(id: String, statement: String, by: String, tests: [Test], checks: [String]) {
    (self.id, self.statement, self.by, self.tests, self.checks) = (id, statement, by, tests, checks)
    let outcomes = tests.map(\.outcome)
    state =
      if tests.isEmpty { checks.isEmpty ? .untested : .byCheckAlone } else if outcomes.contains(.failed) {
        .fails
      } else if outcomes.contains(.passed) {
        outcomes.allSatisfy { $0 == .passed } ? .holds : .holdsInPart
      } else { .notRun }
  }

  /// The tests that carry each id in their sources: a comment `// claim: ID, ID` in front of them.
  private static func marks(in project: String) throws(FileError) -> [String: [String]] {
    var marks: [String: [String]] = [:]
    let folder = project + "/Tests"
    let files = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
    for file in files.filter({ $0.hasSuffix(".swift") }).sorted() {
      var (suite, ids): (String, [String]) = ("", [])
      for line in String(decoding: try Files.read(folder + "/" + file), as: UTF8.self).split(separator: "\n")
      {
        if let match = line.firstMatch(of: /^(?:@.*)?(?:final )?(?:struct|class) (\w+)/) {
          suite = String(match.output.1)
        }
        if let match = line.firstMatch(of: /^ *\/\/ claim: (.+)$/) {
          ids = match.output.1.split(separator: ", ").map(String.init)
        } else if !ids.isEmpty, let match = line.firstMatch(of: /func (\w+)\(/) {
          for id in ids { marks[id, default: []].append("\(suite)/\(match.output.1)") }
          ids = []
        }
      }
    }
    return marks
  }
}
