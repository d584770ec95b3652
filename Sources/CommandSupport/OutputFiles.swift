import ArgumentParser
import Foundation
import Support

/// Refuses outputs that would replace one of the inputs, or each other.
///
/// - Parameters:
///   - outputs: The files to be written; nil and `-` are none.
///   - inputs: The files to be read, a record by its name without ending.
/// - Throws: `ValidationError`, naming the file.
package func requireDistinct(outputs: [String?], inputs: [String?]) throws {
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
}

/// Refuses outputs in folders that aren't there, before a long run.
///
/// - Throws: `FileError`, inaccessible.
package func requireFolders(of outputs: [String?]) throws(FileError) {
  for output in outputs.compactMap(\.self) where output != "-" {
    let folder = URL(fileURLWithPath: output).deletingLastPathComponent().path
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
      throw .inaccessible(
        output, "can't be written: there is no folder \(folder)", remedy: "make it first or choose another")
    }
  }
}
