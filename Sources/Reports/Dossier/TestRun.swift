import Foundation
import Support

/// What a run of the tests gave, from the event stream that `swift test --event-stream-output-path` writes.
package struct TestRun: Sendable {
  /// What became of a test.
  package enum Outcome: String, Encodable, Sendable {
    /// It ran, and all that it expects holds.
    case passed
    /// Something that it expects doesn't hold.
    case failed
    /// It didn't run: what it needs, such as data, isn't there.
    case skipped
  }

  /// The outcome of each test, by `Suite/function`.
  package private(set) var outcomes: [String: Outcome] = [:]
  private var skippedSuites: Set<String> = []

  private struct Line: Decodable {
    struct Payload: Decodable {
      struct Issue: Decodable {
        var isKnown: Bool?
        var isFailure: Bool?
        var severity: String?

        var counts: Bool { isFailure ?? (isKnown != true && severity != "warning") }
      }
      var kind: String
      var testID: String?
      var issue: Issue?
    }
    var kind: String
    var payload: Payload?
  }

  /// Reads a stream of events.
  ///
  /// - Throws: `FileError` where the file isn't there, is no such stream, or the run broke off.
  package init(reading file: String) throws(FileError) {
    var (failed, isEnded): (Set<String>, Bool) = ([], false)
    for line in String(decoding: try Files.read(file), as: UTF8.self).split(separator: "\n") {
      guard let event = try? JSONDecoder().decode(Line.self, from: Data(line.utf8)) else {
        throw .malformed(
          file, "is not a stream of test events",
          remedy: "write it by `swift test --event-stream-output-path`")
      }
      guard event.kind == "event", let payload = event.payload else { continue }
      if payload.kind == "runEnded" { isEnded = true }
      guard let (suite, name) = payload.testID.flatMap(Self.name) else { continue }
      guard let name else {
        if payload.kind == "testSkipped" { skippedSuites.insert(suite) }
        continue
      }
      let test = suite + "/" + name
      switch payload.kind {
      case "issueRecorded": if payload.issue?.counts ?? true { failed.insert(test) }
      case "testEnded": outcomes[test] = failed.contains(test) ? .failed : outcomes[test] ?? .passed
      case "testSkipped": outcomes[test] = .skipped
      default: break
      }
    }
    guard isEnded else {
      throw .malformed(
        file, "breaks off before the end of the run", remedy: "look at the run's log, and run it again")
    }
  }

  /// How many tests had an outcome.
  package func count(_ outcome: Outcome) -> Int { outcomes.values.count(where: { $0 == outcome }) }

  /// What became of a test; nil where the run doesn't know it.
  package func outcome(of test: String) -> Outcome? {
    outcomes[test] ?? (skippedSuites.contains(test.prefix { $0 != "/" }.description) ? .skipped : nil)
  }

  /// A suite and a function from an identifier such as `Module.Suite/function(argument:)/File.swift:12:4`.
  private static func name(of identifier: String) -> (suite: String, function: String?)? {
    let parts = identifier.split(separator: "/").map(String.init)
    guard let first = parts.first, let dot = first.firstIndex(of: ".") else { return nil }
    let names = [String(first[first.index(after: dot)...])] + parts.dropFirst()
    guard let place = names.firstIndex(where: { $0.contains("(") }) else { return (names[0], nil) }
    guard place > 0 else { return nil }
    return (names[place - 1], String(names[place].prefix { $0 != "(" }))
  }
}
