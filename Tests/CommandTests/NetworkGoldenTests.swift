import Foundation
import Support
import Testing
import TestSupport

/// `exporter run` on whole networks that TensorFlow Lite Micro ran: typical ECG networks as Keras writes them, and small
/// ones that were refused once.
@Suite struct NetworkGoldenTests {
  private static let shared = ProjectFiles.root.deletingLastPathComponent().appending(path: "shared").path
  private static let folders = ["conformance/keras", "cases/import"].map { shared + "/" + $0 }
  private static let goldens = folders.flatMap { folder in
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
      .filter { $0.hasSuffix(".golden.npz") }.map { folder + "/" + $0 }
  }
  private static let python = ["/usr/bin/python3", "/usr/local/bin/python3"]
    .first { FileManager.default.isExecutableFile(atPath: $0) }

  /// A dilated network with an open batch, whose file says 1 where a batch of 1 becomes 2 and 4 on the way.
  ///
  /// TensorFlow Lite Micro takes the file's word, and reads memory that no operator wrote.
  private static let ofOpenBatch = "tcn_causal_dilated.int8"

  /// Those whose recorded outputs hang on what was in TensorFlow Lite Micro's memory before.
  ///
  /// Its SPACE_TO_BATCH_ND never sets the code that it pads with: another run of the file gives other outputs.
  private static let withoutGolden: Set = [ofOpenBatch, "05_space_to_batch_min"]

  private let exporter = Command("exporter")

  // claim: networks
  @Test(.enabled(if: !goldens.isEmpty && python != nil, "needs ../shared/conformance/keras and python3"))
  func everyNetworkThatTFLMRunsGivesItsOutputs() throws {
    var (equal, different, refused) = (0, [String](), [String: [String]]())
    for golden in Self.goldens {
      let name = URL(filePath: golden).lastPathComponent.replacing(".golden.npz", with: "")
      let folder = try TemporaryFolder()
      let run = try run(golden, in: folder)
      if run.status != 0 {
        let reason = run.errors.components(separatedBy: ".tflite:").last ?? run.errors
        refused[reason, default: []].append(name)
      } else if try Self.outputs(of: golden, in: folder) {
        equal += 1
      } else {
        different.append(name)
      }
    }
    print("networks: \(Self.goldens.count) run, \(equal) equal, different \(different), refused \(refused)")
    #expect(Set(different) == Self.withoutGolden)
    #expect(refused.isEmpty)
  }

  /// The outputs are those of TensorFlow Lite Micro for the same file with the shapes of a batch of 1 written in.
  @Test(.enabled(if: !goldens.isEmpty && python != nil, "needs ../shared/conformance/keras and python3"))
  func aDilatedNetworkOfOpenBatchRunsWithTheShapesOfOneBatch() throws {
    let golden = try #require(Self.goldens.first { $0.contains(Self.ofOpenBatch) })
    let folder = try TemporaryFolder()
    let run = try run(golden, in: folder)
    #expect(run.status == 0, "\(run.errors)")
    guard case .int8(let codes) = try NumPyArray.read(folder("output0.ours.npy")).values else {
      Issue.record("the outputs are int8")
      return
    }
    #expect(codes.prefix(15) == [-60, -81, -86, -78, -79, -65, -74, -86, -81, -79, -61, -78, -86, -78, -81])
  }

  /// Runs a golden's model on its inputs; what it gives for `output0` is `output0.ours.npy`.
  private func run(_ golden: String, in folder: TemporaryFolder) throws -> Command.Result {
    let unpack = Process()
    unpack.executableURL = URL(filePath: try #require(Self.python))
    unpack.arguments = ["-m", "zipfile", "-e", golden, folder("")]
    try unpack.run()
    unpack.waitUntilExit()
    let arrays = try FileManager.default.contentsOfDirectory(atPath: folder("")).sorted()
    var arguments = ["run", golden.replacing(".golden.npz", with: ".tflite"), "--quiet"]
    for array in arrays where array.hasPrefix("input") { arguments += ["--input", folder(array)] }
    for array in arrays where array.hasPrefix("output") {
      arguments += ["--output", folder(array.replacing(".npy", with: ".ours.npy"))]
    }
    return try exporter.run(arguments)
  }

  /// Whether all outputs are a golden's.
  private static func outputs(of golden: String, in folder: TemporaryFolder) throws -> Bool {
    let arrays = try FileManager.default.contentsOfDirectory(atPath: folder("")).sorted()
    let outputs = arrays.filter { $0.hasPrefix("output") && !$0.hasSuffix(".ours.npy") }
    #expect(!outputs.isEmpty)
    return try outputs.allSatisfy { output in
      let ours = try NumPyArray.read(folder(output.replacing(".npy", with: ".ours.npy")))
      return try NumPyArray.read(folder(output)).values == ours.values
    }
  }
}
