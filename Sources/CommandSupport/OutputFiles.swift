import ArgumentParser
import Foundation
import Support

/// Refuses outputs that would replace one of the inputs or each other, or can't be written: before the work.
///
/// - Parameters:
///   - outputs: The files to be written; nil and `-` are none.
///   - folders: The folders to be filled, which are made where they are missing; nil is none.
///   - inputs: The files to be read, a record by its name without ending.
/// - Throws: `ValidationError`, naming the file; `FileError`, inaccessible, where it can't be written.
package func requireDistinct(
  outputs: [String?], folders: [String?] = [], inputs: [String?]
) throws {
  func places(_ file: String) -> String {
    URL(fileURLWithPath: file).resolvingSymlinksInPath().standardizedFileURL.path
  }
  let read = inputs.compactMap(\.self).flatMap { [$0, $0 + ".hea", $0 + ".dat", $0 + ".atr"] }
  var taken = Set(read.map(places))
  for output in outputs.compactMap(\.self) where output != "-" && !output.hasPrefix("/dev/") {
    guard taken.insert(places(output)).inserted else {
      throw ValidationError("\(output) would replace a file that the command reads or writes; name another")
    }
  }
  for output in outputs.compactMap(\.self) where output != "-" { try Files.requireWritable(output) }
  for folder in folders.compactMap(\.self) { try Files.requireWritableFolder(folder) }
}
