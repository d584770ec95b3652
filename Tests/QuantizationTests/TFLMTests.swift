import ECG
import Foundation
import QuantInfer
import Quantization
import Support
import TestSupport
import Testing

/// The shipped network against TensorFlow Lite Micro's reference kernels, run by a script of the tests.
@Suite struct TFLMTests {
  /// TensorFlow Lite Micro; nil where it can't be had.
  static let packages = PythonEnvironment(
    "tflm-venv", requirements: ["--pre", "numpy", "ai-edge-litert", "tflite-micro"],
    modules: ["tflite_micro", "ai_edge_litert", "numpy"])

  @Test(.enabled(if: packages != nil, "needs Python with tflite-micro and ai-edge-litert from PyPI"))
  func theShippedNetworkGivesTFLMsBits() throws {
    let loaded = try LoadedModel(file: ProjectFiles.model)
    let windows = try Self.windows(loaded)
    var outputs: [[Int8]] = []
    let arena = AlignedMemory(byteCount: loaded.model.arenaByteCount)
    var engine = try WholeWindow(model: loaded.model, arena: arena.bytes)
    for window in windows {
      _ = engine.input.update(fromContentsOf: window)
      engine.run()
      outputs.append(Array(engine.output))
    }
    let folder = FileManager.default.temporaryDirectory.appending(path: "tflm-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try Self.npy(windows).write(to: folder.appending(path: "inputs.npy"))
    try Self.npy(outputs).write(to: folder.appending(path: "outputs.npy"))
    print(
      try #require(Self.packages).run([
        ProjectFiles.path("Tests/Oracle/check_tflm.py"), ProjectFiles.model,
        folder.appending(path: "inputs.npy").path, folder.appending(path: "outputs.npy").path,
      ]), terminator: "")
  }

  /// All windows of the ECG that ships, as the device computes them, and as many random ones.
  private static func windows(_ loaded: LoadedModel) throws -> [[Int8]] {
    let model = loaded.model
    let frontEnd = try #require(model.frontEnd)
    let record = try Record.read(ProjectFiles.record)
    let millivolts = try record.signals[0].millivolts(atRateHz: Double(frontEnd.sampleRateMillihertz) / 1000)
    let countsPerMillivolt = 1000 / Float(bitPattern: frontEnd.microvoltsPerCountBits)
    let state = AlignedMemory(byteCount: model.stateByteCount)
    let scratch = AlignedMemory(byteCount: model.scratchByteCount)
    var pipeline = try StreamingPipeline(model: model, state: state.bytes, scratch: scratch.bytes)
    var codes: [Int8] = []
    for value in millivolts where pipeline.push(Int16((value * countsPerMillivolt).rounded())) {
      codes += Array(pipeline.newestColumn)
    }
    var windows: [[Int8]] = []
    let bins = model.input.columnByteCount
    for end in stride(from: model.input.byteCount, through: codes.count, by: bins) {
      windows.append(Array(codes[end - model.input.byteCount..<end]))
    }
    var random = SeededGenerator(seed: 31)
    return windows
      + windows.map { window in window.map { _ in Int8(truncatingIfNeeded: random.next()) } }
  }

  /// Rows of int8 in NumPy's format, version 1.0.
  private static func npy(_ rows: [[Int8]]) -> Data {
    var header = "{'descr': '|i1', 'fortran_order': False, 'shape': (\(rows.count), \(rows[0].count)), }"
    header += String(repeating: " ", count: 63 - (10 + header.utf8.count) % 64) + "\n"
    var data = Data([0x93]) + Data("NUMPY".utf8) + Data([1, 0])
    data.append(contentsOf: [UInt8(header.utf8.count & 0xFF), UInt8(header.utf8.count >> 8)])
    data += Data(header.utf8)
    for row in rows { row.withUnsafeBytes { data.append(contentsOf: $0) } }
    return data
  }
}
