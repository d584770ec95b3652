import Foundation
import Support
import Testing
import TestSupport

/// Logs of results that work goes on from.
@Suite struct ResultLogTests {
  private static let kind = ResultLog.Kind("count", version: 3)
  private let folder: TemporaryFolder
  private let path: String

  init() throws {
    folder = try TemporaryFolder()
    path = folder("log.jsonl")
  }

  private func text(_ path: String) throws -> String { String(decoding: try Files.read(path), as: UTF8.self) }

  /// Squares, each a result of its number; counts those that are worked out.
  @discardableResult
  private func squares(_ numbers: [Int], _ path: String, threads: Int = 1) throws -> (all: [Int], new: Int) {
    let (all, new) = try ResultLog(path, kind: Self.kind).results(
      of: numbers, key: Self.kind.key, threads: threads, progress: { _ in }
    ) { number throws(FileError) in number * number }
    return (all, new.count)
  }

  @Test func firstLineSaysWhatTheLogHolds() throws {
    try squares([3], path)
    let lines = try text(path).split(separator: "\n")
    #expect(lines[0] == #"{"kind":"count","program":"\#(Release.version)","version":3}"#)
    #expect(lines[1] == #"{"key":"\#(Self.kind.key(3))","result":9}"#)
    #expect(lines.count == 2)
  }

  @Test func whatIsThereIsNotWorkedOutAgain() throws {
    #expect(try squares([1, 2], path) == ([1, 4], 2))
    #expect(try squares([3, 2, 1], path) == ([9, 4, 1], 1))
  }

  @Test func keysTellContentsKindsAndVersionsApart() {
    let keys = [
      Self.kind.key(1), Self.kind.key(2), Self.kind.key("1"), ResultLog.Kind("count", version: 4).key(1),
      ResultLog.Kind("sum", version: 3).key(1),
    ]
    #expect(Set(keys).count == 5 && keys.allSatisfy { $0.count == 64 })
  }

  @Test func numbersThatJSONCannotWriteComeBack() throws {
    let values = [Double.infinity, -.infinity, 0.1, -0.0, .leastNonzeroMagnitude]
    try ResultLog(path, kind: Self.kind).keep(values, Self.kind.key(1))
    let log = try ResultLog(path, kind: Self.kind)
    #expect(try log.value([Double].self, Self.kind.key(1)) == values)
    try log.keep(Double.nan, Self.kind.key(2))
    #expect(try log.value(Double.self, Self.kind.key(2))?.isNaN == true)
  }

  @Test func linesAreTheSameWithAnyThreadsAndInterruptions() throws {
    let numbers = Array(0..<200)
    try squares(numbers, path)
    try squares(numbers, folder("threads.jsonl"), threads: 8)
    #expect(try text(folder("threads.jsonl")) == text(path))
    // Stopped in the middle of a line, after others were done first.
    try squares([120, 7, 61], folder("part.jsonl"))
    try Files.write(String(text(folder("part.jsonl")).dropLast(20)), to: folder("part.jsonl"))
    #expect(try squares(numbers, folder("part.jsonl"), threads: 3).new == 198)
    #expect(try text(folder("part.jsonl")) == text(path))
  }

  @Test(arguments: ["{\"key\":\"00", "{\"key\":\"00\n", "\n", "{"])
  func tornLastLineIsCutAway(torn: String) throws {
    try squares([1, 2], path)
    let whole = try text(path)
    try Files.write(whole + torn, to: path)
    #expect(try squares([1, 2], path) == ([1, 4], 0))
    #expect(try text(path) == whole)
  }

  @Test(arguments: [
    "a line of text", "a line of text\n", "{", "{\"settings\":{}}\n", "\n",
    #"{"kind":"sum","program":"1","version":3}"# + "\n", #"{"kind":"count"}"# + "\n",
    #"{"kind":"count","program":"1","version":3}"#,
  ])
  func otherFilesAreRefusedAndLeftAlone(content: String) throws {
    try Files.write(content, to: path)
    let error = failure { try squares([1], path) }
    #expect(error?.kind == .malformed && error?.location == "line 1")
    #expect(try text(path) == content)
  }

  @Test func logOfAnotherFormatIsRefusedWithTheProgramThatWroteIt() throws {
    try Files.write(#"{"kind":"count","program":"0.7","version":2}"# + "\n", to: path)
    let error = failure { try squares([1], path) }
    #expect(error?.problem.contains("of format 2, not 3") == true)
    #expect(error?.remedy.contains("0.7") == true)
  }

  @Test func damagedLineBeforeTheLastIsNamed() throws {
    try squares([1, 2], path)
    let lines = try text(path).split(separator: "\n")
    try Files.write(lines[0] + "\nnothing\n" + lines[1] + "\n", to: path)
    #expect(failure { try squares([1], path) }?.location == "line 2")
    // A line that looks whole, but holds something else.
    try Files.write(lines[0] + "\n" + lines[1].replacing("\":1}", with: "\":x}") + "\n", to: path)
    #expect(failure { try squares([1], path) }?.location == "line 2")
  }

  @Test func oneRunWritesAtATime() throws {
    do {
      let log = try ResultLog(path, kind: Self.kind)
      let error = failure { try squares([1], path) }
      #expect(error?.problem == "is being written by another run" && error?.kind == .inaccessible)
      // The order of its lines doesn't let others in.
      _ = try log.results(of: [2, 1], key: Self.kind.key, threads: 1, progress: { _ in }) { $0 }
      _ = try log.results(of: [1, 2], key: Self.kind.key, threads: 1, progress: { _ in }) { $0 }
      #expect(failure { try squares([1], path) }?.problem == "is being written by another run")
      try log.keep(9, Self.kind.key(3))
    }
    #expect(try squares([1, 2, 3], path) == ([1, 2, 9], 0))
  }

  @Test func placesThatLinesCannotBeAddedToAreRefused() throws {
    for place in ["/dev/null", "/dev/full", folder.path] {
      #expect(failure { try squares([1], place) }?.problem == "is no ordinary file")
    }
    #expect(failure { try squares([1], folder("none/log.jsonl")) }?.kind == .inaccessible)
  }

  @Test func failedItemLeavesTheOthersResults() throws {
    let error = failure {
      _ = try ResultLog(path, kind: Self.kind).results(
        of: [1, 2, 3], key: Self.kind.key, threads: 1, progress: { _ in }
      ) { number throws(FileError) in
        if number == 2 { throw .malformed("two", "is even", remedy: "leave it out") }
        return number
      }
    }
    #expect(error?.file == "two")
    #expect(try squares([1, 3], path).new == 0)
  }

  @Test func brokenOffLogIsNotRead() throws {
    try squares([1, 2], path)
    let read = try ResultLog.read(path, kind: Self.kind, as: Int.self)
    #expect(read.map(\.value) == [1, 4] && read.map(\.line) == [2, 3])
    #expect(ResultLog.text(read.map { ($0.key, $0.value) }, kind: Self.kind) == (try Files.read(path)))
    try Files.write(String(text(path).dropLast()), to: path)
    #expect(failure { _ = try ResultLog.read(path, kind: Self.kind, as: Int.self) }?.problem == "breaks off")
  }
}
