import HostDevice
import ModelFiles
import Networks
import QuantInfer
import Support
import Tasks
import Testing
import TestNetworks
import TestSupport

/// Networks that pad along time: what padding has no part in streams, the rest is computed at the decision.
///
/// Whole windows are the truth.
@Suite struct PaddedStreamingTests {
  /// A model's memory, whole-window engine and pipeline beside each other.
  private struct Pair: ~Copyable {
    let loaded: LoadedModel
    private let memory: [AlignedMemory]
    var engine: WholeWindow
    var pipeline: StreamingPipeline
    private var columns: [[Int8]] = []
    private var first: Int?
    private(set) var decisions = 0

    init(_ network: QuantizedNetwork, decisionsPerSecond: Double) throws {
      let tables = try FrontEndTables(SpectrogramSettings(), microvoltsPerCount: 1)
      let loaded = try LoadedModel(
        image: ModelImage(
          network, frontEnd: tables, mustStream: true, decisionsPerSecond: decisionsPerSecond
        ).bytes)
      let model = loaded.model
      let memory = [
        model.arenaByteCount, model.scratchByteCount, model.stateByteCount, model.streamingScratchByteCount,
      ].map { AlignedMemory(byteCount: $0) }
      let engine = try WholeWindow(model: model, arena: memory[0].bytes, scratch: memory[1].bytes)
      let pipeline = try StreamingPipeline(
        model: model, state: memory[2].bytes, scratch: memory[3].bytes)
      self.loaded = loaded
      self.memory = memory
      self.engine = engine
      self.pipeline = pipeline
    }

    /// Pushes a sample and compares the decisions that it makes possible, as many as are asked for.
    mutating func push(_ sample: Int16, decisions count: Int) {
      guard pipeline.push(sample) else { return }
      columns.append(Array(pipeline.newestColumn))
      guard pipeline.isWindowFull else { return }
      let due = first ?? columns.count
      first = due
      let window = columns[(columns.count - due)...].prefix(loaded.model.input.timeCount).flatMap { $0 }
      for index in engine.input.indices { engine.input[index] = index < window.count ? window[index] : 77 }
      engine.run()
      var logits = [Int8](repeating: 0, count: loaded.model.output.count)
      for _ in 0..<count {
        logits.withUnsafeMutableBufferPointer { pipeline.decide(into: $0) }
        #expect(logits == Array(engine.output), "column \(columns.count)")
        decisions += 1
      }
    }

    /// Saves the pipeline, forgets, and goes on from what was saved.
    mutating func saveAndRestore() throws {
      let copy = AlignedMemory(byteCount: pipeline.savedByteCount)
      try pipeline.save(into: copy.bytes)
      pipeline.reset()
      try pipeline.restore(from: UnsafeRawBufferPointer(copy.bytes))
    }
  }

  // claim: streaming
  @Test func columnsThatStreamAndEdgesMakeTheBitsOfTheWindow() throws {
    var networks = RandomNetworks(random: SeededGenerator(seed: 301))
    var (decisions, edgedOperators, withStrides) = (0, 0, 0)
    for round in 0..<240 {
      let network = networks.streamableWithStrides(bins: SpectrogramSettings().binCount, pads: true)
      // Where decisions are frequent, as much as possible streams.
      var pair = try Pair(network, decisionsPerSecond: round % 8 == 0 ? 1 : 1000)
      let operators = ModelSummary(pair.loaded).operations.operators
      let edged = operators.count { $0.edgeColumns ?? 0 > 0 }
      edgedOperators += edged
      withStrides += edged > 0 && operators.contains { $0.columnsPerStep ?? 1 > 1 } ? 1 : 0
      for index in 0..<1000 {
        // A decision that nobody asks for, and one that is asked for twice, leave the next ones as they are.
        pair.push(
          Int16(truncatingIfNeeded: Int(networks.random.next(in: -3000...3000))),
          decisions: networks.random.nextIndex(below: 3))
        if index % 331 == 330 { try pair.saveAndRestore() }
      }
      let isSound = pair.pipeline.isStateSound
      #expect(isSound, "network \(round)")
      decisions += pair.decisions
    }
    #expect(decisions > 5000 && edgedOperators > 200 && withStrides > 40)
  }

  /// Two convolutions that pad along time like TensorFlow's SAME, and a dense operator over all of their columns.
  private func network(columns: Int) -> QuantizedNetwork {
    func tensor(_ shape: [Int]) -> QuantizedNetwork.Tensor {
      .init(name: "", shape: shape, scale: 1, zeroPoint: 3)
    }
    func weights(_ inputs: Int, _ outputs: Int) -> QuantizedNetwork.Weights {
      .init(
        codes: (0..<inputs * outputs).map { Int8($0 * 37 % 201 - 100) },
        biases: [Int64](repeating: 7, count: outputs), scales: [Float](repeating: 0.01, count: outputs),
        inputScale: 1, outputScale: 1)
    }
    return QuantizedNetwork(
      tensors: [
        tensor([1, columns, 1, 12]), tensor([1, columns, 1, 4]), tensor([1, columns, 1, 4]), tensor([1, 3]),
      ],
      operators: [
        .convolution(
          from: 0, to: 1, window: .init(time: .init(kernel: 3, paddingBefore: 1, paddingAfter: 1)),
          weights: weights(36, 4)),
        .convolution(
          from: 1, to: 2,
          window: .init(time: .init(kernel: 5, dilation: 2, paddingBefore: 4, paddingAfter: 4)),
          weights: weights(20, 4)),
        .fullyConnected(from: 2, to: 3, weights: weights(4 * columns, 3)),
      ], input: 0, output: 3)
  }

  private func loaded(_ network: QuantizedNetwork, decisionsPerSecond: Double) throws -> LoadedModel {
    let tables = try FrontEndTables(SpectrogramSettings(), microvoltsPerCount: 1)
    return try LoadedModel(
      image: ModelImage(
        network, frontEnd: tables, mustStream: true, decisionsPerSecond: decisionsPerSecond
      ).bytes)
  }

  @Test func edgesAndTheirWorkAreAsCountedByHand() throws {
    let loaded = try loaded(network(columns: 20), decisionsPerSecond: 1000)
    let operations = ModelSummary(loaded).operations
    // One column at each end, then one and four more.
    #expect(operations.operators.map(\.edgeColumns) == [2, 10, nil])
    #expect(operations.operators.map(\.ringBytes) == [20 * 12, 20 * 4, 20 * 4])
    // Between them 36 inputs to 4 channels, then 20 to 4.
    #expect(operations.operators[0].stepMACs == .init(needed: 144, executed: 144))
    #expect(operations.operators[1].stepMACs == .init(needed: 80, executed: 80))
    // At each end two of three taps on columns; then 3, 3, 4, 4 and 5 of five. The dense operator's 80 to 3 channels.
    #expect(
      operations.decisionMACs
        == .init(
          needed: 2 * 2 * 12 * 4 + 2 * (3 + 3 + 4 + 4 + 5) * 4 * 4 + 240,
          executed: 2 * 144 + 10 * 80 + 320))
    #expect(operations.macsPerDecision == 2 * 144 + 10 * 80 + 240)
    // A decision's columns are in the greatest work from one sample to the next.
    let model = loaded.model
    let steps = (0..<3).map { model.steps(ofOperator: $0, in: model.streaming) }
    let column = try #require(model.frontEnd).stepsPerColumn
    #expect(model.stepsPerDecision == column + 3 * steps[0] + 11 * steps[1] + steps[2])
    #expect(model.buildConditions.contains("QUANTINFER_EDGES"))
  }

  @Test func streamsWhereThatIsLessWorkAndRunsWholeWindowsElsewhere() throws {
    // Sixteen columns come a second. Of each 80 columns 12 are edges: it pays from a decision in 80 columns on.
    for (perSecond, streams) in [(16.0, true), (1, true), (0.05, false)] {
      let image = try loaded(network(columns: 80), decisionsPerSecond: perSecond)
      #expect((image.model.streaming?.tailStart ?? 0 > 0) == streams, "\(perSecond) a second")
    }
    // Every column is an edge: nothing is left to stream behind the first convolution.
    let short = try loaded(network(columns: 10), decisionsPerSecond: 1000)
    #expect(short.model.streaming?.tailStart ?? 2 < 2)
  }

  @Test func ringsThatEdgesDontFitAreRefused() throws {
    let tables = try FrontEndTables(SpectrogramSettings(), microvoltsPerCount: 1)
    let image = try ModelImage(
      network(columns: 20), frontEnd: tables, mustStream: true, decisionsPerSecond: 1000
    ).bytes
    typealias Field = ModelFormat.Operator
    let operators = word(image, at: networkField(ModelFormat.Network.operators, of: image))
    func refused(_ change: (inout [UInt8]) -> Void) -> Bool {
      var changed = image
      change(&changed)
      return (try? LoadedModel(image: resealed(changed))) == nil
    }
    #expect(!refused { _ in })
    // A ring as long as the window, of the operator that pads; and sums behind the last ring.
    #expect(refused { $0[operators + Field.ringColumnCount] = 3 })
    #expect(refused { $0[operators + Field.byteCount + Field.ringColumnCount] = 9 })
    #expect(refused { $0[operators + 2 * Field.byteCount + Field.hasRunningSums] = 1 })
    // Padding of one column more or less leads to a tensor of another length.
    for operation in 0..<2 {
      let constants = word(image, at: operators + operation * Field.byteCount + Field.parameters)
      for field in [12, 16] { #expect(refused { $0[constants + field] += 1 }) }
    }
  }

  @Test func aFlippedBitOfAnInnerColumnIsForgottenWithItsWindow() throws {
    let loaded = try loaded(network(columns: 20), decisionsPerSecond: 1000)
    let model = loaded.model
    var random = SeededGenerator(seed: 303)
    let rings = model.operatorPlan(0).ringOffset..<model.operatorPlan(2).ringOffset + 80
    for _ in 0..<200 {
      let states = (0..<2).map { _ in AlignedMemory(byteCount: model.stateByteCount) }
      let scratch = AlignedMemory(byteCount: model.streamingScratchByteCount)
      var healthy = try StreamingPipeline(model: model, state: states[0].bytes, scratch: scratch.bytes)
      var broken = try StreamingPipeline(model: model, state: states[1].bytes, scratch: scratch.bytes)
      var columns = 0
      var logits = [[Int8]](repeating: [0, 0, 0], count: 2)
      // From input to decision a column is looked at for as long as a window lasts, through all rings.
      let flipAt = 25 + random.nextIndex(below: 20)
      while columns < flipAt + 3 * 20 {
        let sample = Int16(random.next(in: -3000...3000))
        let isColumn = healthy.push(sample)
        #expect(broken.push(sample) == isColumn)
        guard isColumn else { continue }
        columns += 1
        if columns == flipAt {
          states[1].bytes[rings.lowerBound + random.nextIndex(below: rings.count)] ^= 0x40
        }
        _ = logits[0].withUnsafeMutableBufferPointer { healthy.decideIfFull(into: $0) }
        _ = logits[1].withUnsafeMutableBufferPointer { broken.decideIfFull(into: $0) }
      }
      #expect(logits[0] == logits[1] && Array(states[0].bytes) == Array(states[1].bytes))
    }
    withExtendedLifetime(loaded) {}
  }
}
