import ECG
import Foundation
import HostDevice
import ModelFiles
import Networks
import QuantInfer
import Support
import Tasks

/// What takes bytes from outside, each as one call that returns whatever the bytes are.
///
/// `make fuzz` looks for bytes at which one doesn't, `FuzzTests` replays those that it found worth keeping. Checksums are
/// made right first: behind them is what can go wrong.
package enum Loader: String, CaseIterable, Sendable {
  case image, patch, state, tflite, onnx, safetensors, npy, json, header, annotations, edf, csv

  /// Loads some bytes, and does with what comes of them what a command or a device does next.
  package func load(_ bytes: [UInt8]) {
    let data = Data(bytes)
    switch self {
    case .image: Self.run(image: Sealed.image(bytes))
    case .patch: FuzzDevice.shared?.apply(patch: Sealed.patch(bytes))
    case .state: FuzzDevice.shared?.restore(changedBy: bytes)
    case .tflite: Self.load(tflite: data)
    case .onnx: _ = try? FloatNetwork(decoding: data, file: "x.onnx")
    case .safetensors: _ = try? Checkpoint(decoding: data, file: "x.safetensors")
    case .npy: _ = try? NumPyArray(decoding: data, file: "x.npy")
    case .json:
      _ = try? TaskDefinition(parsing: data, file: "x.json")
      _ = try? DeviceProfile(data, file: "x.json")
    case .header: _ = try? RecordHeader(parsing: data, file: "x.hea")
    case .annotations:
      guard let labels = try? Annotations(parsing: data, file: "x.atr") else { return }
      _ = try? labels.resampled(from: 360, to: 128).encoded(file: "x.atr")
    case .edf: Self.load(edf: data)
    case .csv:
      _ = try? CSVText(parsing: data, file: "x.csv")
      for rate in [nil, 250.0] {
        let options = CSVOptions(sampleRateHz: rate)
        if let record = try? Record(csv: data, name: "x", file: "x.csv", options) { Self.listen(to: record) }
      }
    }
  }

  // MARK: What is done next

  private static func listen(to record: Record) {
    guard let lead = try? record.lead(file: record.name) else { return }
    _ = try? lead.millivolts(atRateHz: 128)
  }

  /// A file of the EDF family is read from its place.
  private static func load(edf data: Data) {
    let path = FileManager.default.temporaryDirectory.appending(
      path: "quantinfer-fuzz-\(ProcessInfo.processInfo.processIdentifier).edf"
    ).path
    defer { try? FileManager.default.removeItem(atPath: path) }
    guard (try? data.write(to: URL(fileURLWithPath: path))) != nil else { return }
    if let record = try? Record.read(path) { listen(to: record) }
    _ = try? Annotations.read(path)
  }

  private static func load(tflite data: Data) {
    _ = try? FloatNetwork(decoding: data, file: "x.tflite")
    guard let model = try? TFLiteModel(decoding: data, file: "x.tflite"),
      let network = try? QuantizedNetwork(importing: model),
      let image = try? ModelImage(network, frontEnd: nil)
    else { return }
    run(image: image.bytes)
  }

  /// Runs an image over a window and some samples, where that takes little memory and time.
  private static func run(image: [UInt8]) {
    guard let loaded = try? LoadedModel(image: image) else { return }
    defer { withExtendedLifetime(loaded) {} }
    let model = loaded.model
    guard model.stepsPerDecision < 1 << 22, model.arenaByteCount < 1 << 20, model.scratchByteCount < 1 << 20
    else { return }
    let steps = (0..<model.operatorCount).reduce(0) {
      min(1 << 22, $0 + model.steps(ofOperator: $1, in: nil))
    }
    let (arena, scratch) = (
      AlignedMemory(byteCount: model.arenaByteCount), AlignedMemory(byteCount: model.scratchByteCount)
    )
    if steps < 1 << 22,
      var engine = try? WholeWindow(model: model, arena: arena.bytes, scratch: scratch.bytes)
    {
      engine.reset()
      engine.run()
    }
    withExtendedLifetime((arena, scratch)) {}
    _ = FuzzDevice(loaded)?.push(300)
  }
}
