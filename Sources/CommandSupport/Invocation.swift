import Foundation

/// The command as it was typed, for reports that say how they were made.
package enum Invocation {
  /// This process's command, ready to paste into a shell.
  package static var text: String { text(CommandLine.arguments) }

  /// A command's name without its folder, and its arguments, quoted where a shell would take them apart.
  package static func text(_ arguments: [String]) -> String {
    let name = (arguments.first ?? "") as NSString
    return ([name.lastPathComponent] + arguments.dropFirst()).map(quoted).joined(separator: " ")
  }

  private static func quoted(_ argument: String) -> String {
    let isPlain =
      !argument.isEmpty && argument.allSatisfy { $0.isLetter || $0.isNumber || "-_./:,=+@%".contains($0) }
    return isPlain ? argument : "'" + argument.replacing("'", with: "'\\''") + "'"
  }
}
