import Foundation

/// What git knows of a project's folder; nothing where there is no git or no repository.
package struct ProjectHistory {
  /// A commit and its day.
  package struct Change: Encodable, Sendable {
    /// The commit's first twelve digits.
    package var commit: String
    /// Its day, as 2026-11-30.
    package var day: String
  }

  private let folder: String

  /// The history of a folder.
  init(of folder: String) { self.folder = folder }

  /// The last commit that changed a file, or any where none is named.
  func lastChange(of file: String? = nil) -> Change? {
    let words = git(["log", "-1", "--abbrev=12", "--format=%h %cs"] + (file.map { ["--", $0] } ?? []))?
      .split(separator: " ").map(String.init)
    guard let words, words.count == 2 else { return nil }
    return Change(commit: words[0], day: words[1])
  }

  /// Whether files differ from the last commit.
  var hasUncommittedChanges: Bool { git(["status", "--porcelain"]).map { !$0.isEmpty } ?? false }

  private func git(_ arguments: [String]) -> String? {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["git", "-C", folder] + arguments
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return nil }
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return process.terminationStatus == 0 ? text.trimmingCharacters(in: .whitespacesAndNewlines) : nil
  }
}
