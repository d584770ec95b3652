import ArgumentParser
import Foundation

/// The option `--threads`, the same in every command.
package struct ThreadOptions: ParsableArguments {
  /// The number of threads.
  @Option(
    name: .customLong("threads"),
    help: ArgumentHelp("The number of threads; the results are the same with any.", valueName: "n"))
  package var count = ProcessInfo.processInfo.activeProcessorCount

  /// Creates the options, for ArgumentParser to fill in.
  package init() {}

  /// Refuses numbers that no machine has.
  ///
  /// - Throws: `ValidationError`.
  package func validate() throws {
    guard (1...256).contains(count) else { throw ValidationError("\(count) threads are not in 1 ... 256") }
  }
}
