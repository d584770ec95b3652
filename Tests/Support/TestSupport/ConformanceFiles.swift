import Foundation

/// Outside test cases, where the developer has them beside the project.
public enum ConformanceFiles {
  /// The paths of CMSIS-NN's unit tests' cases, by name; none where they are absent.
  public static let kernels = files(in: "kernels", suffix: ".json")

  /// The paths of public .tflite models, by name; none where they are absent.
  public static let models = files(in: "models", suffix: ".tflite")

  /// Where a case is, or would be.
  public static func path(_ name: String) -> String {
    ProjectFiles.root.deletingLastPathComponent().appending(path: "shared/conformance/" + name).path
  }

  private static func files(in folder: String, suffix: String) -> [String] {
    let path = path(folder)
    return ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [])
      .filter { $0.hasSuffix(suffix) }.sorted().map { path + "/" + $0 }
  }
}
