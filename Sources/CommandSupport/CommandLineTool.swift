import ArgumentParser
import Foundation
import Support

/// A command whose failures follow the contract: one line `error: ...` on standard error and a status that
/// tells the kind.
///
/// Only the root command of a tool conforms, and is its `@main`; subcommands are plain `ParsableCommand`s whose
/// `run` throws `FileError`.
///
/// | status | failure |
/// |---|---|
/// | 0 | none, or help was asked for |
/// | 64 | a wrong argument |
/// | 65 | `FileError` of kind malformed |
/// | 66 | `FileError` of kind missing |
/// | 1 | `FileError` of kind inaccessible, and everything else |
///
/// When the reader of standard output goes away, the tool ends quietly.
package protocol CommandLineTool: ParsableCommand {}

extension CommandLineTool {
  /// Parses the process's arguments, runs the command they name and exits with the contract's status.
  package static func main() {
    runAndExit(Array(CommandLine.arguments.dropFirst()))
  }

  /// Parses arguments, runs the command they name and exits with the contract's status.
  package static func runAndExit(_ arguments: [String]) -> Never {
    signal(SIGPIPE, SIG_DFL)
    // A file beyond a limit is told as a full disk is.
    signal(SIGXFSZ, SIG_IGN)
    do {
      var command = try parseAsRoot(arguments)
      try command.run()
      exit(withError: nil)
    } catch let error as FileError {
      fail("\(error)", status: error.exitStatus)
    } catch  where exitCode(for: error) == .validationFailure {
      let message = fullMessage(for: error)
      fail(message.hasPrefix("Error: ") ? String(message.dropFirst(7)) : message, status: EX_USAGE)
    } catch  where error is ExitCode || exitCode(for: error).isSuccess {
      exit(withError: error)
    } catch {
      fail(message(for: error).split(whereSeparator: \.isNewline).joined(separator: " "), status: 1)
    }
  }

  private static func fail(_ message: String, status: Int32) -> Never {
    Terminal.error.write("error: \(message)\n")
    fflush(nil)
    Foundation.exit(status)
  }
}

extension FileError {
  /// The status with which a command exits.
  package var exitStatus: Int32 {
    switch kind {
    case .misused: 64
    case .malformed: 65
    case .missing: 66
    case .inaccessible: 1
    }
  }
}
