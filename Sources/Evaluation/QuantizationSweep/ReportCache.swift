import Foundation
import Support

/// What was worked out before, by the content that it follows from: a folder with a file a result.
///
/// A file is written whole or not at all, so that a run that was stopped goes on where it was.
struct ReportCache: Sendable {
  /// Results of other versions are worked out again: raise it when a figure's meaning, or how it is made, changes.
  private static let version = 1

  let folder: String

  init(_ folder: String) throws(FileError) {
    self.folder = folder
    try Files.makeFolder(folder)
  }

  /// The name of a result that follows from some content.
  func key(_ kind: String, _ content: some Encodable) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    // Settings and digests can always be encoded.
    let text = (try? encoder.encode([content])) ?? Data()
    let digest = SHA256.hexadecimal(Data("\(Self.version) \(Release.version) \(kind) ".utf8) + text)
    return "\(kind)-\(digest.prefix(32))"
  }

  /// The place of a result's file.
  func path(_ key: String, ending: String = "json") -> String { "\(folder)/\(key).\(ending)" }

  /// A result; nil where it isn't there, or its file is damaged.
  func value<Value: Decodable>(_ type: Value.Type, _ key: String) -> Value? {
    guard let data = try? Files.read(path(key)) else { return nil }
    return try? JSONDecoder().decode(type, from: data)
  }

  /// Keeps a result.
  ///
  /// - Throws: `FileError` where it can't be written.
  func keep(_ value: some Encodable, _ key: String) throws(FileError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    do {
      try Files.write(try encoder.encode(value), to: path(key))
    } catch let error as FileError {
      throw error
    } catch {
      preconditionFailure("a result has no number that JSON can't hold: \(error)")
    }
  }
}

extension ReportCache {
  /// Whether a result is there.
  func has(_ key: String, ending: String = "json") -> Bool {
    FileManager.default.fileExists(atPath: path(key, ending: ending))
  }
}
