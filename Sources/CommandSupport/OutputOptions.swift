import ArgumentParser
import Foundation
import Support

/// Where a command's results go: the options that every command has.
///
/// A summary for people goes to standard output, progress to standard error. With `--json -` standard output
/// holds JSON alone, and the summary goes to standard error.
package struct OutputOptions: ParsableArguments {
  /// The file that receives the results, `-` for standard output.
  @Option(
    name: .customLong("json"),
    help: ArgumentHelp("Write the results as JSON; - is standard output.", valueName: "file"))
  package var jsonFile: String?

  /// Whether progress is left out.
  @Flag(help: "Show no progress, and with --json - no summary.")
  package var quiet = false

  /// Creates the options, for ArgumentParser to fill in.
  package init() {}

  /// Refuses a file for the results that can't be written, before the work.
  ///
  /// - Throws: `FileError`, inaccessible; `ValidationError` where a file of another kind is there.
  package func validate() throws {
    if let jsonFile, jsonFile != "-" {
      try requireReplaceable(jsonFile, by: .json)
      try Files.requireWritable(jsonFile)
    }
  }

  /// Runs a task whose progress a bar shows, unless `--quiet` was given.
  ///
  /// - Throws: What the task throws.
  package func withProgress<Result, Failure: Error>(
    _ title: String, _ task: (@escaping ProgressHandler) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    guard !quiet else { return try task { _ in } }
    let bar = ProgressBar(title)
    defer { bar.finish() }
    return try task(bar.update)
  }

  /// Shows a table to people.
  ///
  /// - Throws: `FileError`, inaccessible, where standard output can't be written.
  package func show(_ table: SummaryTable) throws(FileError) {
    try show(table.render(hasColor: summaryStream.hasColor))
  }

  /// Shows text to people, as it is.
  ///
  /// - Throws: `FileError`, inaccessible, where standard output can't be written.
  package func show(_ text: String) throws(FileError) {
    if jsonFile == "-" {
      if !quiet { Terminal.error.write(text) }
    } else {
      try Files.writeToStandardOutput(Data(text.utf8))
    }
  }

  /// Tells notes of files on standard error, a line each, the same one once.
  package func tell(_ notes: [some CustomStringConvertible]) {
    var told: Set<String> = []
    for note in notes.map(\.description) where told.insert(note).inserted {
      Terminal.error.write("note: \(note)\n")
    }
  }

  /// Writes the results as JSON, where `--json` asks for it.
  ///
  /// Keys are sorted; a number that is NaN or infinite becomes null.
  ///
  /// - Throws: `FileError`, inaccessible, where it can't be written; `EncodingError`, where `results` refuses.
  package func writeJSON(_ results: some Encodable) throws {
    guard let jsonFile else { return }
    let data = try JSON.data(results)
    try jsonFile == "-" ? Files.writeToStandardOutput(data) : Files.write(data, to: jsonFile)
  }

  private var summaryStream: Terminal { jsonFile == "-" ? .error : .output }
}
