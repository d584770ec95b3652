import Foundation
import Support

/// A folder of a test's own, gone when the test ends.
package final class TemporaryFolder {
  package let path = FileManager.default.temporaryDirectory.appending(
    path: "quantinfer-tests-\(UUID().uuidString)"
  ).path

  package init() throws {
    try Files.makeFolder(path)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  /// The path of a file in the folder.
  package func callAsFunction(_ name: String) -> String { file(name) }

  /// The same.
  package func file(_ name: String) -> String { path + "/" + name }

  /// Writes a file and gives its path.
  @discardableResult
  package func put(_ name: String, _ bytes: some Sequence<UInt8>) throws -> String {
    try Files.write(Data(bytes), to: file(name))
    return file(name)
  }

  @discardableResult
  package func put(_ name: String, _ text: String) throws -> String {
    try put(name, Array(text.utf8))
  }
}

/// The error that an action throws, for a look at its one line.
package func failure(_ action: () throws -> Void) -> FileError? {
  do {
    try action()
    return nil
  } catch {
    return error as? FileError
  }
}
