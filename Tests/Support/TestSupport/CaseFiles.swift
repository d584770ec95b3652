import Foundation

/// Small inputs that once went wrong, where the developer has them beside the project.
public enum CaseFiles {
  /// The path of a case.
  public static func path(_ name: String) -> String {
    ProjectFiles.root.deletingLastPathComponent().appending(path: "shared/cases/" + name).path
  }

  /// Whether the cases are there.
  public static func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }
}
