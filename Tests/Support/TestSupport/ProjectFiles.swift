import Foundation

/// The files that tests use.
public enum ProjectFiles {
  /// The project's folder.
  public static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// The shipped model's image.
  public static let model = path("Models/ecg-beats/ecg-beats.qinf")
  /// The shipped model's float twin.
  public static let checkpoint = path("Models/ecg-beats/ecg-beats.safetensors")
  /// The shipped image of two networks.
  public static let context = path("Models/ecg-beats-context/ecg-beats-context.qinf")
  /// Its float twin.
  public static let contextCheckpoint = path("Models/ecg-beats-context/ecg-beats-context.safetensors")
  /// The shipped ECG, without its endings.
  public static let record = path("Models/records/mitdb-208")

  /// The path of a file of the project.
  public static func path(_ name: String) -> String { root.appending(path: name).path }
}

/// The databases, where the developer has them beside the project.
public enum Databases {
  /// The path of a database's folder.
  public static func path(_ database: String) -> String {
    ProjectFiles.root.deletingLastPathComponent().appending(path: "shared/data").path + "/" + database
  }

  /// Whether a database is there.
  public static func has(_ database: String) -> Bool {
    FileManager.default.fileExists(atPath: path(database))
  }
}
