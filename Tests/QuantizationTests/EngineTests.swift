import AllocationCounter
import QuantInfer
import Quantization
import Support
import Testing
import Training

@Suite struct EngineTests {
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

  @Test func streamingEqualsTheWholeWindowAtEveryDecision() throws {
    var networks = RandomNetworks(random: SeededGenerator(seed: 12))
    let tables = try FrontEndTables(SpectrogramSettings(), microvoltsPerCount: 1)
    var decisions = 0
    for round in 0..<40 {
      let network = networks.streamable(bins: tables.settings.binCount, depth: round % 5)
      let loaded = try LoadedModel(image: ModelImage(network, frontEnd: tables).bytes)
      let model = loaded.model
      let arena = AlignedMemory(byteCount: model.arenaByteCount)
      let state = AlignedMemory(byteCount: model.stateByteCount)
      let scratch = AlignedMemory(byteCount: model.scratchByteCount)
      var engine = try WholeWindow(model: model, arena: arena.bytes, scratch: scratch.bytes)
      var pipeline = try StreamingPipeline(model: model, state: state.bytes, scratch: scratch.bytes)
      let logits = UnsafeMutableBufferPointer<Int8>.allocate(capacity: model.output.count)
      defer { logits.deallocate() }
      var columns: [[Int8]] = []
      for _ in 0..<1500 {
        let sample = Int16(truncatingIfNeeded: Int(networks.random.next(in: -3000...3000)))
        guard pipeline.push(sample) else { continue }
        columns.append(Array(pipeline.newestColumn))
        #expect(pipeline.isWindowFull == (columns.count >= network.tensors[0].shape[1]))
        guard pipeline.isWindowFull else { continue }
        pipeline.decide(into: logits)
        let window = columns.suffix(network.tensors[0].shape[1]).flatMap { $0 }
        _ = engine.input.update(fromContentsOf: window)
        engine.run()
        #expect(Array(logits) == Array(engine.output), "network \(round), column \(columns.count)")
        decisions += 1
      }
    }
    #expect(decisions > 5000)
  }

  @Test(.enabled(if: allocationCounterIsAvailable(), "counting allocations needs glibc"))
  func aMillionSamplesMakeNoAllocation() throws {
    var networks = RandomNetworks(random: SeededGenerator(seed: 13))
    let tables = try FrontEndTables(SpectrogramSettings(), microvoltsPerCount: 1)
    let network = networks.streamable(bins: tables.settings.binCount, depth: 3)
    let loaded = try LoadedModel(image: ModelImage(network, frontEnd: tables).bytes)
    let model = loaded.model
    let state = AlignedMemory(byteCount: model.stateByteCount)
    let scratch = AlignedMemory(byteCount: model.scratchByteCount)
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
