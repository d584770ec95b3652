/// What was assumed of a file, or left out of it, told to a person in one line: no error, but nothing to keep quiet
/// about.
///
/// Its description is that of a `FileError` without a remedy: `FILE:WHERE: WHAT`. As JSON it is that line.
package struct FileNote: Hashable, Sendable, CustomStringConvertible {
  /// The file's path as the user gave it.
  package var file: String
  /// Where in the file: `line 3`, `signal MLII`; nil for the file as a whole.
  package var location: String?
  /// What was assumed or left out.
  package var text: String

  /// Creates a note.
  package init(_ file: String, at location: String? = nil, _ text: String) {
    (self.file, self.location, self.text) = (file, location, text)
  }

  /// A note that tells of an error which didn't stop the work, and what was done instead.
  package init(_ error: FileError, _ consequence: String) {
    self.init(error.file, at: error.location, "\(error.problem); \(consequence)")
  }

  /// `FILE:WHERE: WHAT` on one line, with nothing in it that steers a terminal.
  package var description: String {
    "\(file.isEmpty ? "''" : file)\(location.map { ":\($0)" } ?? ""): \(text)".onOneLine
  }
}

extension FileNote: Encodable {
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
