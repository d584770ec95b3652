import Foundation

/// A Python program that times another library on request: a line for each question, a line for each answer.
struct PythonTimer {
  private let python: Process
  private let requests: FileHandle
  private let answers: FileHandle

  /// Starts the program.
  init(python interpreter: String, script: String) throws {
    let (input, output) = (Pipe(), Pipe())
    python = Process()
    python.executableURL = URL(fileURLWithPath: interpreter)
    python.arguments = [script]
    (python.standardInput, python.standardOutput) = (input, output)
    python.standardError = FileHandle.nullDevice
    try python.run()
    (requests, answers) = (input.fileHandleForWriting, output.fileHandleForReading)
  }

  /// The answer to a question; infinity where it is no number.
  func time(_ question: String) throws -> Double {
    try requests.write(contentsOf: Data("\(question)\n".utf8))
    var line = Data()
    while let byte = try answers.read(upToCount: 1), byte != Data("\n".utf8) {
      if byte.isEmpty { break }
      line += byte
    }
    return Double(String(decoding: line, as: UTF8.self)) ?? .infinity
  }

  /// Ends the program.
  func stop() throws {
    try requests.close()
    python.waitUntilExit()
  }
}
