import ECG
import Foundation
import ModelFiles
import Networks
import QuantInfer
import Support
import Testing
import TestSupport

/// What `exporter export` writes, in TensorFlow Lite Micro's reference kernels, against `exporter run`.
@Suite struct TFLMTests {
  private let exporter = Command("exporter")

  @Test(.enabled(if: PythonEnvironment.tflm != nil, "needs Python with tflite-micro from PyPI"))
  func theExportedModelGivesTheImagesBitsInTFLM() throws {
    let folder = try TemporaryFolder()
    let real = try Self.windows(of: ProjectFiles.record)
    var random = SeededGenerator(seed: 31)
    let noise = real.map { window in window.map { _ in Int8(truncatingIfNeeded: random.next()) } }
    try compare(windows: real + noise, in: folder)
  }

  @Test(
    .enabled(
      if: PythonEnvironment.tflm != nil && Databases.has("mitdb"),
      "needs Python with tflite-micro from PyPI, and ../shared/data/mitdb"))
  func tenThousandRealWindowsGiveTheImagesBitsInTFLM() throws {
    let windows = try Self.windows(of: Databases.path("mitdb") + "/200")
    #expect(windows.count >= 10_000)
    try compare(windows: Array(windows.prefix(10_000)), in: TemporaryFolder())
  }

  @Test(.enabled(if: PythonEnvironment.tflm != nil, "needs Python with tflite-micro from PyPI"))
  func stridesDilationsAndPaddingsGiveTheImagesBitsInTFLM() throws {
    let folder = try TemporaryFolder()
    var random = SeededGenerator(seed: 32)
    for (index, network) in Self.networks.enumerated() {
      let image = folder("\(index).qinf")
      try Files.write(Data(ModelImage(network, frontEnd: nil).bytes), to: image)
      let count = network.tensors[0].count
      let codes = (0..<200 * count).map { _ in Int8(truncatingIfNeeded: random.next()) }
      let inputs = NumPyArray(shape: [200] + network.tensors[0].shape, values: .int8(codes))
      try Files.write(inputs.encoded(), to: folder("x.npy"))
      try compare(image: image, inputs: folder("x.npy"), in: folder)
    }
  }

  /// Compares the shipped model over windows.
  private func compare(windows: [[Int8]], in folder: TemporaryFolder) throws {
    let inputs = NumPyArray(shape: [windows.count, windows[0].count], values: .int8(windows.flatMap { $0 }))
    try Files.write(inputs.encoded(), to: folder("x.npy"))
    try compare(image: ProjectFiles.model, inputs: folder("x.npy"), in: folder)
  }

  /// Exports and runs an image, runs the export in TensorFlow Lite Micro, and compares.
  private func compare(image: String, inputs: String, in folder: TemporaryFolder) throws {
    let exported = try exporter("export", image, "--format", "tflite", "--output", folder("m.tflite"))
    #expect(exported.status == 0, "\(exported.errors)")
    let run = try exporter("run", image, "--input", inputs, "--output", folder("y.npy"))
    #expect(run.status == 0, "\(run.errors)")
    let script = ProjectFiles.path("Tests/Oracle/check_tflm.py")
    let told = try #require(PythonEnvironment.tflm).run([script, folder("m.tflite"), inputs, folder("y.npy")])
    #expect(told.hasSuffix(" 0 differ\n"))
    print(told, terminator: "")
  }

  /// A convolution over `[11, 8, 3]` and a fully connected operator of four to one outputs: VALID, SAME and
  /// other paddings.
  private static var networks: [QuantizedNetwork] {
    typealias Step = QuantizedNetwork.Step
    let steps: [(time: Step, frequency: Step)] = [
      (Step(kernel: 3, dilation: 2), Step(kernel: 2, stride: 3)),
      (
        Step(kernel: 4, paddingBefore: 1, paddingAfter: 2), Step(kernel: 3, paddingBefore: 1, paddingAfter: 1)
      ),
      (Step(kernel: 3, stride: 2, paddingBefore: 1, paddingAfter: 1), Step()),
      (Step(kernel: 3, paddingBefore: 2), Step(kernel: 2, paddingAfter: 1)),
    ]
    return steps.enumerated().map { index, step in
      func outputs(_ inputs: Int, _ step: Step) -> Int {
        (inputs + step.paddingBefore + step.paddingAfter - step.reach) / step.stride + 1
      }
      var random = SeededGenerator(seed: UInt64(33 + index))
      func weights(_ count: Int) -> [Int8] {
        (0..<count).map { _ in Int8(random.nextIndex(below: 255) - 127) }
      }
      let shape = [1, outputs(11, step.time), outputs(8, step.frequency), 5]
      let convolution = QuantizedNetwork.Operator.convolution(
        from: 0, to: 1, window: .init(time: step.time, frequency: step.frequency),
        weights: .init(
          codes: weights(5 * step.time.kernel * step.frequency.kernel * 3), biases: [-9000, 900, 0, 90, 9],
          scales: [0.001, 0.002, 0.003, 0.004, 0.005], inputScale: 0.05, outputScale: 0.06),
        activation: index % 2 == 0 ? -128...127 : -20...127)
      let dense = QuantizedNetwork.Operator.fullyConnected(
        from: 1, to: 2,
        weights: .init(
          codes: weights((4 - index) * shape.reduce(1, *)),
          biases: Array([1, -1, 1000, -1000].dropFirst(index)),
          scales: Array([0.0007, 0.0011, 0.0013, 0.0017].dropFirst(index)), inputScale: 0.06,
          outputScale: 0.07))
      return QuantizedNetwork(
        tensors: [
          .init(name: "input", shape: [1, 11, 8, 3], scale: 0.05, zeroPoint: -7),
          .init(name: "hidden", shape: shape, scale: 0.06, zeroPoint: -20),
          .init(name: "output", shape: [1, 4 - index], scale: 0.07, zeroPoint: 11),
        ], operators: [convolution, dense], input: 0, output: 2)
    }
  }

  /// All windows of a record's first signal, as the device computes them for the shipped model.
  private static func windows(of path: String) throws -> [[Int8]] {
    let loaded = try LoadedModel(file: ProjectFiles.model)
    defer { withExtendedLifetime(loaded) {} }
    let model = loaded.model
    let record = try Record.read(path)
    let frontEnd = try #require(model.frontEnd)
    let millivolts = try record.signals[0].millivolts(atRateHz: Double(frontEnd.sampleRateMillihertz) / 1000)
    let countsPerMillivolt = 1000 / Float(bitPattern: frontEnd.microvoltsPerCountBits)
    let state = AlignedMemory(byteCount: model.stateByteCount)
    let scratch = AlignedMemory(byteCount: loaded.scratchByteCount)
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
    return windows
  }
}
