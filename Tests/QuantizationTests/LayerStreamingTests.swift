import ModelFiles
import Networks
import Quantization
import QuantInfer
import Support
import Tasks
import Testing
import TestNetworks
import Training

/// Every kind of layer that is trained, streaming sample by sample beside the whole window.
@Suite struct LayerStreamingTests {
  private static let settings = SpectrogramSettings(
    rawSamplesOfRateHz: 100, highPassShift: 0, microvoltsPerUnit: 500)

  /// A chain whose strides multiply to 4, and a network with two sums behind a stride.
  private static let specifications = [
    NetworkSpecification(
      inputColumns: 61, inputChannels: 1,
      layers: [
        .convolution(outputChannels: 6, kernelColumns: 5, strideColumns: 2),
        .depthwise(kernelColumns: 3, dilationColumns: 2), .pool(.maximum, kernelColumns: 3, strideColumns: 2),
        .pool(.average, kernelColumns: 2, strideColumns: 1), .globalPool(.average), .dense(outputCount: 3),
      ]),
    NetworkSpecification(
      inputColumns: 61, inputChannels: 1,
      layers: [
        .convolution(outputChannels: 6, kernelColumns: 5, strideColumns: 2),
        .convolution(outputChannels: 5, kernelColumns: 3), .depthwise(kernelColumns: 3),
        .convolution(outputChannels: 5, kernelColumns: 1), .sum(layerCount: 2),
        .convolution(outputChannels: 5, kernelColumns: 1), .sum(layerCount: 1), .globalPool(.maximum),
        .dense(outputCount: 3),
      ]),
  ]

  private func quantized(_ specification: NetworkSpecification) throws -> QuantizedNetwork {
    var random = SeededGenerator(seed: 3)
    let checkpoint = try Checkpoint.untrained(
      settings: Self.settings, specification: specification, classNames: ["a", "b", "c"], task: "t",
      split: "s", training: TrainingOptions())
    let windows = (0..<64).map { _ in
      (0..<specification.inputColumns).map { _ in Float(random.next(in: -3...3)) }
    }
    return try QuantizedNetwork.quantized(
      FloatGraph(checkpoint), settings: Self.settings, calibrationWindows: windows)
  }

  @Test(arguments: specifications.indices)
  func aStreamHasTheBitsOfItsWindows(index: Int) throws {
    let specification = Self.specifications[index]
    let network = try quantized(specification)
    let tables = try FrontEndTables(
      Self.settings, microvoltsPerCount: 5, input: network.tensors[network.inputs[0].tensor])
    let hasSum = specification.firstSum != nil
    let loaded = try LoadedModel(
      image: ModelImage(network, frontEnd: tables, mustStream: true, tailMoves: hasSum).bytes)
    let plain = try LoadedModel(image: ModelImage(network, frontEnd: nil).bytes)
    let model = loaded.model
    let streaming = try #require(model.streaming)
    #expect(streaming.columnsPerDecision == (hasSum ? 2 : 4))
    // Up to the branch, or up to what takes all of time.
    #expect(streaming.tailStart == (hasSum ? 2 : 4))
    let (state, scratch) = (
      AlignedMemory(byteCount: model.stateByteCount), AlignedMemory(byteCount: streaming.scratchByteCount)
    )
    let (arena, room) = (
      AlignedMemory(byteCount: plain.model.arenaByteCount),
      AlignedMemory(byteCount: plain.model.scratchByteCount)
    )
    var pipeline = try StreamingPipeline(model: model, state: state.bytes, scratch: scratch.bytes)
    var engine = try WholeWindow(model: plain.model, arena: arena.bytes, scratch: room.bytes)
    var random = SeededGenerator(seed: 5)
    var (logits, codes, decisions) = ([Int8](repeating: 0, count: 3), [Int8](), Set<[Int8]>())
    for _ in 0..<400 {
      _ = pipeline.push(Int16(random.next(in: -300...300)))
      codes += Array(pipeline.newestColumn)
      guard pipeline.isWindowFull else { continue }
      logits.withUnsafeMutableBufferPointer { pipeline.decide(into: $0) }
      _ = engine.input.update(fromContentsOf: codes.suffix(specification.inputColumns))
      engine.run()
      #expect(logits == Array(engine.output), "sample \(codes.count)")
      decisions.insert(logits)
    }
    #expect(decisions.count > 20)
  }

  @Test func whatComesBehindABranchIsRefusedUnlessItMayMove() throws {
    let network = try quantized(Self.specifications[1])
    let tables = try FrontEndTables(
      Self.settings, microvoltsPerCount: 5, input: network.tensors[network.inputs[0].tensor])
    #expect(throws: InvalidNetwork.self) {
      try ModelImage(network, frontEnd: tables, mustStream: true)
    }
  }
}
