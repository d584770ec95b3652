import Foundation
import Support

/// A folder of a test's own, gone when the test ends.
final class TemporaryFolder {
  let path = FileManager.default.temporaryDirectory.appending(path: "cohort-tests-\(UUID().uuidString)").path

  init() throws { try Files.makeFolder(path) }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a text file and gives its path.
  @discardableResult
  func put(_ name: String, _ text: String) throws -> String {
    try Files.write(text, to: path + "/" + name)
    return path + "/" + name
  }
}

/// The error that an action throws, for a look at its one line.
func failure(_ action: () throws -> Void) -> FileError? {
  do {
    try action()
    return nil
  } catch {
    return error as? FileError
  }
}
