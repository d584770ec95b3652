import Foundation

/// The kernels' cases of CMSIS-NN's unit tests, where the developer has them beside the project.
public enum ConformanceFiles {
  private static let folder = ProjectFiles.root.deletingLastPathComponent()
    .appending(path: "shared/conformance/kernels").path

  /// The paths of the cases, by name; none where they are absent.
  public static let kernels: [String] =
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
    .filter { $0.hasSuffix(".json") }.sorted().map { folder + "/" + $0 }
}
