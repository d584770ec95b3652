import Foundation
import Support

/// The arrays of a NumPy archive, which Python unpacks: such archives are compressed.
package struct NumPyArchive {
  /// The arrays by their names.
  package private(set) var arrays: [String: NumPyArray] = [:]

  private static let python = ["/usr/bin/python3", "/usr/local/bin/python3"]
    .first { FileManager.default.isExecutableFile(atPath: $0) }

  /// Whether archives can be read here.
  package static let canRead = python != nil

  /// Reads an archive.
  ///
  /// - Throws: `FileError` where an array of it can't be read.
  package init(_ file: String) throws {
    let folder = try TemporaryFolder()
    let unpack = Process()
    unpack.executableURL = URL(filePath: Self.python ?? "")
    unpack.arguments = ["-m", "zipfile", "-e", file, folder("")]
    try unpack.run()
    unpack.waitUntilExit()
    for name in try FileManager.default.contentsOfDirectory(atPath: folder("")) {
      arrays[name.replacing(".npy", with: "")] = try NumPyArray.read(folder(name))
    }
  }

  /// The real numbers of an array; nil where there is none such.
  package subscript(name: String) -> [Float]? {
    guard case .float32(let values)? = arrays[name]?.values else { return nil }
    return values
  }
}

/// The networks of ../shared/conformance/keras, by their names; none where it is absent, or no Python unpacks their arrays.
package enum KerasNetworks {
  /// Its folder.
  package static let folder = ProjectFiles.root.deletingLastPathComponent()
    .appending(path: "shared/conformance/keras").path

  /// Those of a float network with outputs of TensorFlow Lite's.
  package static let names =
    NumPyArchive.canRead
    ? ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
      .filter { $0.hasSuffix(".float.tflite") }.map { String($0.dropLast(13)) }
      .filter { FileManager.default.fileExists(atPath: "\(folder)/\($0).npz") }.sorted()
    : []
}
