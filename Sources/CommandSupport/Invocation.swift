import Foundation
import Support

/// The command as it was typed, for reports that say how they were made.
package enum Invocation {
  /// This process's command, ready to paste into a shell.
  package static var text: String { text(CommandLine.arguments) }

  /// A command's name without its folder, and its arguments, quoted where a shell would take them apart.
  package static func text(_ arguments: [String]) -> String {
    let name = (arguments.first ?? "") as NSString
    return ([name.lastPathComponent] + arguments.dropFirst()).map(\.quotedForShell).joined(separator: " ")
  }
}
