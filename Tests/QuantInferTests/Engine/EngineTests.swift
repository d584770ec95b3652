import AllocationCounter
import HostDevice
import ModelFiles
import Networks
import QuantInfer
import Support
import Tasks
import Testing
import TestNetworks
import TestSupport

@Suite struct EngineTests {
  // claim: kernels
  @Test func everyTensorEqualsThePlainReference() throws {
    var networks = RandomNetworks(random: SeededGenerator(seed: 11))
    var compared = 0
    for round in 0..<300 {
      let network = round % 2 == 0 ? networks.general() : networks.streamable(bins: 7, depth: round % 4)
      let loaded = try LoadedModel(image: ModelImage(network, frontEnd: nil).bytes)
      let arena = AlignedMemory(byteCount: loaded.model.arenaByteCount)
      // A device's scratch and a host's.
      let scratch = AlignedMemory(
        byteCount: round % 3 == 0 ? loaded.scratchByteCount : loaded.model.scratchByteCount)
      var engine = try WholeWindow(model: loaded.model, arena: arena.bytes, scratch: scratch.bytes)
      for _ in 0..<3 {
        let input = networks.codes(network.tensors[0].count)
        let expected = referenceTensors(network, input: input)
        _ = engine.input.update(fromContentsOf: input)
        for index in network.operators.indices {
          engine.runOperator(index)
          let tensor = network.operators[index].output
          let codes: [Int8] = Array(engine.codes(of: loaded.model.tensor(tensor)))
          #expect(codes == expected[tensor], "network \(round), operator \(index)")
          compared += codes.count
        }
      }
    }
    #expect(compared > 200_000)
  }

  // claim: streaming
  @Test func streamingEqualsTheWholeWindowAtEveryDecision() throws {
    var networks = RandomNetworks(random: SeededGenerator(seed: 12))
    let tables = try FrontEndTables(SpectrogramSettings(), microvoltsPerCount: 1)
    var (decisions, decisionsFromSums) = (0, 0)
    for round in 0..<240 {
      let bins = tables.settings.binCount
      let network =
        round % 4 == 0
        ? networks.streamable(bins: bins, depth: round % 5) : networks.streamableWithStrides(bins: bins)
      let loaded = try LoadedModel(
        image: ModelImage(network, frontEnd: tables, mustStream: true).bytes)
      let model = loaded.model
      let streaming = try #require(model.streaming)
      let arena = AlignedMemory(byteCount: model.arenaByteCount)
      let state = AlignedMemory(byteCount: model.stateByteCount)
      // A device's scratch and a host's.
      let scratch = AlignedMemory(
        byteCount: round % 2 == 0 ? streaming.scratchByteCount : loaded.scratchByteCount)
      let room = AlignedMemory(byteCount: model.scratchByteCount)
      var engine = try WholeWindow(model: model, arena: arena.bytes, scratch: room.bytes)
      var pipeline = try StreamingPipeline(model: model, state: state.bytes, scratch: scratch.bytes)
      let logits = UnsafeMutableBufferPointer<Int8>.allocate(capacity: model.output.count)
      defer { logits.deallocate() }
      let windowColumns = network.tensors[0].shape[1]
      var columns: [[Int8]] = []
      var due: [Int] = []
      for _ in 0..<1100 {
        let sample = Int16(truncatingIfNeeded: Int(networks.random.next(in: -3000...3000)))
        guard pipeline.push(sample) else { continue }
        columns.append(Array(pipeline.newestColumn))
        guard pipeline.isWindowFull else { continue }
        due.append(columns.count)
        pipeline.decide(into: logits)
        // Strides may leave the window's last columns unread: any codes will do for them.
        let first = columns.count - due[0]
        let window = columns[first...].prefix(windowColumns).flatMap { $0 }
        for index in engine.input.indices { engine.input[index] = index < window.count ? window[index] : 77 }
        engine.run()
        #expect(Array(logits) == Array(engine.output), "network \(round), column \(columns.count)")
        decisions += 1
        if model.operatorPlan(streaming.tailStart).hasRunningSums { decisionsFromSums += 1 }
      }
      let period = streaming.columnsPerDecision
      #expect(due == Array(stride(from: due[0], through: columns.count, by: period)))
      #expect(due[0] <= windowColumns && due[0] > windowColumns - period)
    }
    #expect(decisions > 8000 && decisionsFromSums > 2000)
  }

  /// A network of one convolution of stride 2, a mean over time and frequency, and a dense operator.
  private func networkWithMean() -> QuantizedNetwork {
    func tensor(_ shape: [Int]) -> QuantizedNetwork.Tensor {
      .init(name: "", shape: shape, scale: 1, zeroPoint: 3)
    }
    func weights(_ inputs: Int, _ outputs: Int) -> QuantizedNetwork.Weights {
      .init(
        codes: (0..<inputs * outputs).map { Int8($0 * 37 % 201 - 100) },
        biases: [Int64](repeating: 7, count: outputs), scales: [Float](repeating: 0.01, count: outputs),
        inputScale: 1, outputScale: 1)
    }
    let mean = QuantizedNetwork.Mean(
      shape: [5], strides: [1], reducedShape: [10, 2], reducedStrides: [10, 5],
      multiplier: .init(real: 1.7 / 20))
    return QuantizedNetwork(
      tensors: [tensor([1, 21, 2, 6]), tensor([1, 10, 2, 5]), tensor([1, 5]), tensor([1, 3])],
      operators: [
        .convolution(
          from: 0, to: 1, window: .init(time: .init(kernel: 3, stride: 2)), weights: weights(18, 5)),
        .init(
          kind: .mean, inputs: [1], output: 2, activation: -128...127, computation: .mean(mean)),
        .fullyConnected(from: 2, to: 3, weights: weights(5, 3)),
      ], input: 0, output: 3)
  }

  @Test func workOfAColumnIsAsCountedByHand() throws {
    let tables = try FrontEndTables(SpectrogramSettings(), microvoltsPerCount: 1)
    let image = try ModelImage(networkWithMean(), frontEnd: tables, mustStream: true).bytes
    let operations = ModelSummary(try LoadedModel(image: image)).operations
    // Two rows of 3 x 6 inputs to 5 channels, every second column; the kernel has 20 inputs to 8 channels.
    #expect(operations.operators[0].stepMACs == .init(needed: 2 * 18 * 5, executed: 2 * 20 * 8))
    #expect(operations.neededMACsPerColumn == 90 && operations.executedMACsPerColumn == 160)
    #expect(operations.columnWorkRatio == 160.0 / 90)
    // 5 inputs to 3 channels, with what fills them up 8 to 4.
    #expect(operations.decisionMACs == .init(needed: 15, executed: 32))
    // Two rows of 5 channels: added to both sums, the oldest taken off the window's; a window has ten such columns.
    let sums = try #require(operations.operators[1].runningSums)
    #expect(sums.count == 5 && sums.columnsPerUpdate == 2)
    #expect(sums.additionsPerUpdate == 30 && sums.additionsPerDecisionWithout == 100)
  }

  @Test func paddingAlongFrequencyIsExecutedButNotNeeded() throws {
    var network = networkWithMean()
    network.tensors[1].shape = [1, 21, 2, 4]
    network.tensors[2].shape = [1, 2]
    network.operators[0] = .convolution(
      from: 0, to: 1,
      window: .init(frequency: .init(kernel: 3, paddingBefore: 1, paddingAfter: 1)),
      weights: .init(
        codes: [Int8](repeating: 1, count: 72), biases: [Int64](repeating: 0, count: 4),
        scales: [Float](repeating: 0.01, count: 4), inputScale: 1, outputScale: 1))
    network.operators[1] = .fullyConnected(
      from: 1, to: 2,
      weights: .init(
        codes: [Int8](repeating: 1, count: 336), biases: [0, 0], scales: [0.01, 0.01], inputScale: 1,
        outputScale: 1))
    network.operators.removeLast()
    network.tensors.removeLast()
    network.outputs = [.init(2)]
    let tables = try FrontEndTables(SpectrogramSettings(), microvoltsPerCount: 1)
    let image = try ModelImage(network, frontEnd: tables, mustStream: true).bytes
    let operations = ModelSummary(try LoadedModel(image: image)).operations
    // Each of the two rows has two taps on rows and one beside them: 4 of 6 are needed, of 6 channels to 4.
    #expect(operations.operators[0].stepMACs == .init(needed: 4 * 6 * 4, executed: 2 * 20 * 4))
  }

  @Test(arguments: ["ecg-beats", "ecg-beats-intra"])
  func shippedModelsWorkAtMostATenthMoreAColumnThanNeeded(name: String) throws {
    let loaded = try LoadedModel(file: ProjectFiles.path("Models/\(name)/\(name).qinf"))
    let ratio = try #require(ModelSummary(loaded).operations.columnWorkRatio)
    #expect(ratio >= 1 && ratio <= 1.1)
  }

  @Test func aFlippedBitOfASumIsForgottenAfterTwoRoundsOfItsRing() throws {
    let tables = try FrontEndTables(SpectrogramSettings(), microvoltsPerCount: 1)
    let loaded = try LoadedModel(
      image: ModelImage(networkWithMean(), frontEnd: tables, mustStream: true).bytes)
    let model = loaded.model
    let plan = model.operatorPlan(1)
    #expect(plan.hasRunningSums && plan.ringColumnCount == 10)
    let sums = (plan.ringOffset + 10 * 10 + 3) / 4 * 4
    // Two sets of five sums.
    #expect(model.stateByteCount == sums + 40)
    var random = SeededGenerator(seed: 17)
    for bit in 0..<320 {
      let states = (0..<2).map { _ in AlignedMemory(byteCount: model.stateByteCount) }
      let scratch = AlignedMemory(byteCount: model.streamingScratchByteCount)
      var healthy = try StreamingPipeline(model: model, state: states[0].bytes, scratch: scratch.bytes)
      var broken = try StreamingPipeline(model: model, state: states[1].bytes, scratch: scratch.bytes)
      var columns = 0
      let flipAt = 30 + random.nextIndex(below: 20)
      while columns < flipAt + 2 * 2 * 10 {
        let sample = Int16(random.next(in: -3000...3000))
        guard healthy.push(sample) else {
          _ = broken.push(sample)
          continue
        }
        _ = broken.push(sample)
        columns += 1
        if columns == flipAt { states[1].bytes[sums + bit / 8] ^= 1 << UInt8(bit % 8) }
      }
      #expect(Array(states[0].bytes) == Array(states[1].bytes), "bit \(bit)")
    }
  }

  @Test func sumsThatNoOperatorCanUseAreRefused() throws {
    let tables = try FrontEndTables(SpectrogramSettings(), microvoltsPerCount: 1)
    let image = try ModelImage(networkWithMean(), frontEnd: tables, mustStream: true).bytes
    typealias Field = ModelFormat.Operator
    let operators = word(image, at: networkField(ModelFormat.Network.operators, of: image))
    let state = networkField(ModelFormat.Network.stateByteCount, of: image)
    func refused(_ change: (inout [UInt8]) -> Void) -> Bool {
      var changed = image
      change(&changed)
      return (try? LoadedModel(image: resealed(changed))) == nil
    }
    #expect(!refused { _ in })
    // On the convolution, on the dense operator, which has no ring, and as a number that isn't 0 or 1.
    #expect(refused { $0[operators + Field.hasRunningSums] = 1 })
    #expect(refused { $0[operators + 2 * Field.byteCount + Field.hasRunningSums] = 1 })
    #expect(refused { $0[operators + Field.byteCount + Field.hasRunningSums] = 2 })
    // A state that ends within the sums.
    #expect(refused { $0[state] -= 1 })
    // A mean of the same codes for all outputs: a valid one, but not of every so many codes.
    let mean = (0..<4).reduce(0) {
      $0 | Int(image[operators + Field.byteCount + Field.parameters + $1]) << (8 * $1)
    }
    #expect(refused { $0[mean + ModelFormat.Mean.strides + 20] = 0 })
  }

  @Test func networksThatCantStreamAreRefusedWithTheReason() throws {
    let tables = try FrontEndTables(SpectrogramSettings(), microvoltsPerCount: 1)
    let weights = QuantizedNetwork.Weights(
      codes: [Int8](repeating: 1, count: 3 * 12 * 12), biases: [Int64](repeating: 0, count: 12),
      scales: [Float](repeating: 0.01, count: 12), inputScale: 1, outputScale: 1)
    func tensor(_ columns: Int) -> QuantizedNetwork.Tensor {
      .init(name: "", shape: [1, columns, 1, 12], scale: 1, zeroPoint: 0)
    }
    var padded = QuantizedNetwork(
      tensors: [tensor(20), tensor(20)],
      operators: [
        .convolution(
          from: 0, to: 1,
          window: .init(time: .init(kernel: 3, paddingBefore: 1, paddingAfter: 1)), weights: weights)
      ], input: 0, output: 1)
    padded.operators[0].sourceIndex = 7
    let error = #expect(throws: InvalidNetwork.self) {
      _ = try ModelImage(padded, frontEnd: tables, mustStream: true)
    }
    #expect(error?.description == "operator 7 (CONV_2D) gives a result with time in it")
    let whole = try LoadedModel(image: ModelImage(padded, frontEnd: tables).bytes)
    withExtendedLifetime(whole) { #expect(whole.model.streaming == nil) }

    let sum = QuantizedNetwork.Operator(
      kind: .maximum, inputs: [1, 0], output: 2, activation: -128...127,
      computation: .elementwise(.init(shape: [240], firstStrides: [1], secondStrides: [1])))
    let relu = QuantizedNetwork.Operator(
      kind: .relu, inputs: [0], output: 1, activation: -128...127,
      computation: .lookup((-128...127).map { Int16($0) }))
    var branched = QuantizedNetwork(
      tensors: [tensor(20), tensor(20), tensor(20), tensor(18)], operators: [relu, sum], input: 0, output: 3)
    branched.operators.append(
      .convolution(from: 2, to: 3, window: .init(time: .init(kernel: 3)), weights: weights))
    #expect(throws: InvalidNetwork.self) {
      _ = try ModelImage(branched, frontEnd: tables, mustStream: true)
    }
  }

  // claim: heap
  @Test(.enabled(if: allocationCounterIsAvailable(), "counting allocations needs glibc"))
  func aMillionSamplesMakeNoAllocation() throws {
    var networks = RandomNetworks(random: SeededGenerator(seed: 13))
    let tables = try FrontEndTables(SpectrogramSettings(), microvoltsPerCount: 1)
    let network = networks.streamable(bins: tables.settings.binCount, depth: 3)
    let loaded = try LoadedModel(image: ModelImage(network, frontEnd: tables).bytes)
    let model = loaded.model
    let state = AlignedMemory(byteCount: model.stateByteCount)
    let scratch = AlignedMemory(byteCount: loaded.scratchByteCount)
    var pipeline = try StreamingPipeline(model: model, state: state.bytes, scratch: scratch.bytes)
    let logits = UnsafeMutableBufferPointer<Int8>.allocate(capacity: model.output.count)
    let copy = AlignedMemory(byteCount: pipeline.savedByteCount)
    defer { logits.deallocate() }
    let before = allocationCount()
    var random = SeededGenerator(seed: 14)
    for index in 0..<1_000_000 {
      let sample = Int16(truncatingIfNeeded: random.next())
      if pipeline.push(sample), pipeline.isWindowFull { pipeline.decide(into: logits) }
      if index % 1000 == 0 {
        try pipeline.save(into: copy.bytes)
        pipeline.reset()
        try pipeline.restore(from: UnsafeRawBufferPointer(copy.bytes))
      }
    }
    #expect(allocationCount() == before)
    let isSound = pipeline.isStateSound
    #expect(isSound)
    #expect([UInt8](repeating: 0, count: 64).count == 64 && allocationCount() > before, "the counter counts")
  }

  @Test func memoryThatIsTooSmallOrMisalignedIsRefused() throws {
    var networks = RandomNetworks(random: SeededGenerator(seed: 15))
    let tables = try FrontEndTables(SpectrogramSettings(), microvoltsPerCount: 1)
    let network = networks.streamable(bins: tables.settings.binCount, depth: 2)
    let model = try LoadedModel(image: ModelImage(network, frontEnd: tables).bytes)
    let memory = AlignedMemory(byteCount: 1 << 16)
    func part(_ first: Int, _ count: Int) -> UnsafeMutableRawBufferPointer {
      UnsafeMutableRawBufferPointer(rebasing: memory.bytes[first..<first + count])
    }
    #expect(throws: MemoryError.tooSmall(requiredByteCount: model.model.arenaByteCount)) {
      _ = try WholeWindow(
        model: model.model, arena: part(0, model.model.arenaByteCount - 1), scratch: part(8192, 4096))
    }
    #expect(throws: MemoryError.misaligned) {
      _ = try WholeWindow(
        model: model.model, arena: part(1, model.model.arenaByteCount), scratch: part(8192, 4096))
    }
    #expect(throws: MemoryError.tooSmall(requiredByteCount: model.model.stateByteCount)) {
      _ = try StreamingPipeline(
        model: model.model, state: part(0, model.model.stateByteCount - 1), scratch: part(4096, 4096))
    }
    let plain = try LoadedModel(image: ModelImage(network, frontEnd: nil).bytes)
    #expect(throws: MemoryError.notStreamable) {
      _ = try StreamingPipeline(model: plain.model, state: part(0, 4096), scratch: part(4096, 4096))
    }
  }
}
