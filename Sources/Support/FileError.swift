import Foundation

/// What is wrong with a file, told to a person in one line.
///
/// Its description is the commands' contract: `FILE:WHERE: WHAT; WHAT TO DO`, without the leading
/// `error: ` and with `:WHERE` left out where there is nothing to point at.
package struct FileError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The kind of failure, which decides a command's exit status.
  package enum Kind: Sendable {
    /// An option's value contradicts itself, though files had to be looked at to tell: exit status 64.
    case misused
    /// The content is not what it should be: exit status 65.
    case malformed
    /// The file or folder is not there: exit status 66.
    case missing
    /// The file can't be read, written or renamed: exit status 1.
    case inaccessible
  }

  /// The kind of failure.
  package var kind: Kind
  /// The file's path as the user gave it.
  package var file: String
  /// Where in the file: `line 3`, `byte 512`, `signal 1`; nil for the file as a whole.
  package var location: String?
  /// What is wrong.
  package var problem: String
  /// What the user can do about it.
  package var remedy: String

  /// Creates an error.
  package init(
    _ kind: Kind, file: String, at location: String? = nil, _ problem: String, remedy: String
  ) {
    self.kind = kind
    self.file = file
    self.location = location
    self.problem = problem
    self.remedy = remedy
  }

  /// An error for content that is not what it should be.
  package static func malformed(
    _ file: String, at location: String? = nil, _ problem: String, remedy: String
  ) -> FileError {
    FileError(.malformed, file: file, at: location, problem, remedy: remedy)
  }

  /// An error for a file or folder that is not there.
  package static func missing(
    _ file: String, _ problem: String = "no such file", remedy: String = "check the path"
  ) -> FileError {
    FileError(.missing, file: file, problem, remedy: remedy)
  }

  /// An error for a file that can't be read or written.
  package static func inaccessible(_ file: String, _ problem: String, remedy: String) -> FileError {
    FileError(.inaccessible, file: file, problem, remedy: remedy)
  }

  /// `FILE:WHERE: WHAT; WHAT TO DO` on one line, with nothing in it that steers a terminal.
  package var description: String {
    let name = file.isEmpty ? "''" : file
    let place = location.map { "\(name):\($0)" } ?? name
    return "\(place): \(problem); \(remedy)".onOneLine
  }
}

extension String {
  /// The text for a line of output: each line break and control character as a space.
  package var onOneLine: String {
    let isPlain = unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
    if isPlain && !contains(where: \.isNewline) { return self }
    return String(
      split(whereSeparator: \.isNewline).joined(separator: " ").unicodeScalars.map { scalar in
        scalar.properties.generalCategory == .control ? " " : Character(scalar)
      })
  }
}

extension StringProtocol {
  /// A part of a file in quotation marks, for an error's one line: its start, where it is long.
  package var quotedStart: String { count > 40 ? "'\(prefix(40))...'" : "'\(self)'" }
}
