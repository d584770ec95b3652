import Networks
import Quantization
import Support
import Tasks
import Testing
import TestNetworks
import Training

/// Training for integers: the forward pass is the runtime's, and training makes the integers better.
@Suite struct QuantizationAwareTests {
  private static let specification = NetworkSpecification(
    inputColumns: 15, inputChannels: 12,
    layers: [
      .convolution(outputChannels: 10, kernelColumns: 3, dilationColumns: 2),
      .convolution(outputChannels: 9, kernelColumns: 2, strideColumns: 2),
      .dense(outputCount: 7), .dense(outputCount: 3),
    ])

  /// One with every other kind of layer.
  private static let branched = NetworkSpecification(
    inputColumns: 15, inputChannels: 12,
    layers: [
      .convolution(outputChannels: 8, kernelColumns: 3), .depthwise(kernelColumns: 3), .sum(layerCount: 1),
      .pool(.maximum, kernelColumns: 2, strideColumns: 2),
      .pool(.average, kernelColumns: 2, strideColumns: 1),
      .globalPool(.average), .dense(outputCount: 3),
    ])

  /// A network that gives noise and windows of levels with it.
  private func untrained(seed: UInt64, _ specification: NetworkSpecification = specification) throws -> (
    checkpoint: Checkpoint, windows: [[Float]]
  ) {
    var options = TrainingOptions()
    options.seed = seed
    options.batchSize = 64
    options.peakLearningRate = 3e-3
    let checkpoint = try Checkpoint.untrained(
      settings: SpectrogramSettings(), specification: specification, classNames: ["a", "b", "c"],
      task: "t",
      split: "s", training: options)
    var generator = SeededGenerator(seed: seed)
    let windows = (0..<64).map { window in
      (0..<15 * 12).map { place in
        // A class is a band of frequencies.
        let isBand = place % 12 / 4 == window % 3
        let level = Double(generator.nextIndex(below: 160)) + (isBand ? 60 : 0)
        return Float((level - 68) / 64)
      }
    }
    return (checkpoint, windows)
  }

  private func prepared(
    _ checkpoint: Checkpoint, _ windows: [[Float]], scaledBy factor: Float = 1
  ) throws -> Checkpoint {
    let quantized = try QuantizedNetwork.quantized(
      FloatGraph(checkpoint), settings: checkpoint.settings, calibrationWindows: windows)
    var awareness = try QuantizationAwareness(of: quantized, layerCount: checkpoint.layers.count)
    for layer in awareness.outputs.indices { awareness.outputs[layer].scale *= factor }
    return checkpoint.prepared(for: awareness, training: checkpoint.training)
  }

  private func network(_ checkpoint: Checkpoint, _ windows: [[Float]], threads: Int = 1) throws
    -> TrainableNetwork
  {
    let network = try TrainableNetwork(
      specification: checkpoint.specification, layers: checkpoint.layers, codes: checkpoint.codes,
      batchSize: 64,
      labelSmoothing: 0, threads: threads)
    fill(network, windows)
    return network
  }

  private func fill(_ network: TrainableNetwork, _ windows: [[Float]]) {
    _ = network.inputs.update(fromContentsOf: windows.joined())
    for window in windows.indices { network.labels[window] = window % 3 }
  }

  // claim: qat
  @Test(arguments: [1, 2, 3])
  func theForwardPassIsTheRuntimes(seed: UInt64) throws {
    let (untrained, windows) = try untrained(seed: seed)
    let checkpoint = try prepared(untrained, windows)
    let network = try network(checkpoint, windows)
    _ = network.computeGradient()
    let quantized = try QuantizedNetwork.quantized(
      FloatGraph(checkpoint), settings: checkpoint.settings, calibrationWindows: windows,
      awareness: checkpoint.awareness)
    let input = quantized.tensors[0]
    let engine = try engineOutputs(
      quantized, runs: windows.map { [$0.map { input.code($0) }] }, hasRoom: true, instructions: .portable)
    let zeroPoint = quantized.tensors[quantized.outputs[0].tensor].zeroPoint
    #expect(network.logitCodes == engine.map { $0.map { $0 - zeroPoint } })
    #expect(Set(engine.joined()).count > 10)
  }

  /// Means and sums are rounded by fixed-point factors in the runtime, by real ones in training: within two codes behind
  /// several of them, where weights alone are exact.
  @Test(arguments: [1, 2, 3])
  func poolsAndSumsAreTheRuntimesWithinTwoCodes(seed: UInt64) throws {
    let (untrained, windows) = try untrained(seed: seed, Self.branched)
    let checkpoint = try prepared(untrained, windows)
    let network = try network(checkpoint, windows)
    _ = network.computeGradient()
    let quantized = try QuantizedNetwork.quantized(
      FloatGraph(checkpoint), settings: checkpoint.settings, calibrationWindows: windows,
      awareness: checkpoint.awareness)
    let input = quantized.tensors[0]
    let engine = try engineOutputs(
      quantized, runs: windows.map { [$0.map { input.code($0) }] }, hasRoom: true, instructions: .portable)
    let zeroPoint = quantized.tensors[quantized.outputs[0].tensor].zeroPoint
    let differences = zip(network.logitCodes.joined(), engine.joined()).map { abs($0 - ($1 - zeroPoint)) }
    #expect(differences.max()! <= 2)
    #expect(differences.count { $0 > 0 } <= differences.count / 2)
    #expect(Set(engine.joined()).count > 10)
  }

  @Test func trainingForCoarseCodesRegainsWhatTheyLose() throws {
    let (untrained, windows) = try untrained(seed: 5)
    func trained(_ start: Checkpoint, steps: Int) throws -> (losses: [Double], gradient: [Float]) {
      let network = try network(start, windows, threads: 2)
      var optimizer = AdamW(network)
      let losses = try (0..<steps).map { _ in
        try optimizer.step(network, learningRate: 3e-3) {
          fill(network, windows)
          return network.computeGradient()
        }
      }
      return (losses, network.gradient)
    }
    // Eight times coarser codes than the activations need.
    let start = try prepared(untrained, windows, scaledBy: 8)
    let (losses, gradient) = try trained(start, steps: 150)
    #expect(losses[149] < 0.3 * losses[0], "\(losses[0]) to \(losses[149])")
    #expect(gradient.allSatisfy { $0.isFinite })
  }

  @Test func theScalesOfTheFoldedNormalizationStandStill() throws {
    let (untrained, windows) = try untrained(seed: 6)
    let start = try prepared(untrained, windows)
    let network = try network(start, windows)
    _ = network.computeGradient()
    #expect(try FloatGraph(start) == FloatGraph(untrained))
    let first = 10 * 3 * 12
    #expect(network.gradient[first..<first + 10].allSatisfy { $0 == 0 })
    #expect(network.gradient[first + 10..<first + 20].contains { $0 != 0 })
    #expect(network.states == start.layers)
  }

  @Test func aCheckpointKeepsItsPlan() throws {
    let (untrained, windows) = try untrained(seed: 7)
    let checkpoint = try prepared(untrained, windows)
    #expect(try Checkpoint(decoding: checkpoint.encoded(), file: "c") == checkpoint)
    var broken = checkpoint
    broken.awareness?.outputs.removeLast()
    #expect(throws: FileError.self) { try Checkpoint(decoding: broken.encoded(), file: "c") }
    broken.awareness = checkpoint.awareness
    broken.awareness?.outputs[0].scale = -1
    #expect(throws: FileError.self) { try Checkpoint(decoding: broken.encoded(), file: "c") }
  }
}
