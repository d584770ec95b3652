import Foundation
import Testing

/// One of the executables that were built beside the tests.
struct Command {
  /// What a run left behind.
  struct Result {
    var status: Int32
    var output: String
    var errors: String

    /// Whether the errors are exactly one line, `error: ` and something.
    var hasOneErrorLine: Bool {
      errors.hasPrefix("error: ") && errors.hasSuffix("\n") && errors.filter(\.isNewline).count == 1
    }
  }

  let path: String

  /// The command of a name.
  init(_ name: String) {
    path = Self.productsFolder.appending(path: name).path
  }

  /// Runs the command to its end.
  @discardableResult
  func callAsFunction(_ arguments: String...) throws -> Result {
    try run(arguments)
  }

  /// Runs the command to its end.
  func run(_ arguments: [String], input: Data = Data()) throws -> Result {
    let process = process(arguments)
    let (output, errors, source) = (Pipe(), Pipe(), Pipe())
    (process.standardOutput, process.standardError, process.standardInput) = (output, errors, source)
    try process.run()
    try source.fileHandleForWriting.write(contentsOf: input)
    try source.fileHandleForWriting.close()
    // Both pipes are emptied at once, so that neither fills up and stops the command.
    let errorReader = Reader(errors.fileHandleForReading)
    let outputText = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let errorText = errorReader.text()
    process.waitUntilExit()
    return Result(status: process.terminationStatus, output: outputText, errors: errorText)
  }

  /// The command as a process that is yet to run.
  func process(_ arguments: [String]) -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    return process
  }

  /// The folder of the test bundle, where the executables are too.
  private static var productsFolder: URL {
    #if os(macOS)
      for bundle in Bundle.allBundles where bundle.bundlePath.hasSuffix(".xctest") {
        return bundle.bundleURL.deletingLastPathComponent()
      }
    #endif
    return URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
      .deletingLastPathComponent()
  }
}

/// Reads a pipe to its end on a thread of its own.
private final class Reader: @unchecked Sendable {
  private let done = DispatchSemaphore(value: 0)
  private var data = Data()

  init(_ handle: FileHandle) {
    Thread.detachNewThread { [self] in
      data = handle.readDataToEndOfFile()
      done.signal()
    }
  }

  func text() -> String {
    done.wait()
    return String(decoding: data, as: UTF8.self)
  }
}

/// Expects one error line with a text, an exit status, and nothing on standard output.
func expectError(
  _ result: Command.Result, status: Int32, containing text: String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(result.status == status, "\(result.errors)", sourceLocation: sourceLocation)
  let lines = result.errors.split(separator: "\n").filter { $0.hasPrefix("error: ") }
  #expect(lines.count == 1, "\(result.errors)", sourceLocation: sourceLocation)
  #expect(result.errors.contains(text), "\(result.errors)", sourceLocation: sourceLocation)
  #expect(result.output.isEmpty, sourceLocation: sourceLocation)
}

// MARK: JSON

/// A text's JSON object.
func jsonObject(_ text: some StringProtocol) throws -> [String: Any] {
  try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
}

extension Command.Result {
  /// The JSON on standard output of a run that is expected to succeed.
  func json<Value>(
    as type: Value.Type = [String: Any].self, sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Value {
    #expect(status == 0, "\(errors)", sourceLocation: sourceLocation)
    return try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? Value)
  }

  /// The decisions of a stream with `--json -`, for comparisons.
  func decisionList() throws -> Data {
    let list = try #require(try json()["decisionList"] as? [[String: Any]])
    // What the annotations say is not the device's doing.
    return try JSONSerialization.data(
      withJSONObject: list.map { $0.filter { $0.key != "annotated" } }, options: .sortedKeys)
  }
}
