import Foundation

/// Python with packages from PyPI, for comparisons with other programs: made once, under the build folder.
public struct PythonEnvironment: Sendable {
  /// The environment's interpreter.
  public let python: String

  /// What a failed program said.
  public struct Failure: Error {
    /// The end of its standard error.
    public var message: String
  }

  /// An environment; nil where there is no `python3` or no way to the packages.
  ///
  /// - Parameters:
  ///   - name: The environment's folder.
  ///   - requirements: Arguments for `pip install`.
  ///   - modules: The modules that must import.
  public init?(_ name: String, requirements: [String], modules: [String]) {
    let folder = ProjectFiles.path(".build/" + name)
    python = folder + "/bin/python3"
    let check = ["-c", "import " + modules.joined(separator: ", ")]
    if (try? run(check)) != nil { return }
    do {
      try Self.run("/usr/bin/env", ["python3", "-m", "venv", "--clear", folder])
      try run(["-m", "pip", "install", "--quiet"] + requirements)
      try run(check)
    } catch {
      return nil
    }
  }

  /// Runs Python with arguments.
  ///
  /// - Returns: What it printed.
  /// - Throws: `Failure` where its status isn't 0.
  @discardableResult
  public func run(_ arguments: [String]) throws -> String { try Self.run(python, arguments) }

  @discardableResult
  private static func run(_ command: String, _ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: command)
    process.arguments = arguments
    let (output, errors) = (Pipe(), Pipe())
    (process.standardOutput, process.standardError) = (output, errors)
    process.standardInput = FileHandle.nullDevice
    try process.run()
    // The programs print little, so the pipes can be read one after the other.
    let printed = output.fileHandleForReading.readDataToEndOfFile()
    let message = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(message: String(decoding: (printed + message).suffix(2000), as: UTF8.self))
    }
    return String(decoding: printed, as: UTF8.self)
  }
}

extension PythonEnvironment {
  /// TensorFlow Lite Micro; nil where it can't be had.
  public static let tflm = PythonEnvironment(
    "tflm-venv", requirements: ["--pre", "numpy", "tflite-micro"], modules: ["tflite_micro", "numpy"])

  /// PyPI's `wfdb`, with the last generation of pandas that it runs with; nil where it can't be had.
  public static let wfdb = PythonEnvironment(
    "wfdb-venv", requirements: ["wfdb==4.3.0", "pandas<3"], modules: ["wfdb"])

  /// PyPI's `pyedflib`; nil where it can't be had.
  public static let pyedflib = PythonEnvironment(
    "pyedflib-venv", requirements: ["pyedflib==0.1.42"], modules: ["pyedflib"])
}
