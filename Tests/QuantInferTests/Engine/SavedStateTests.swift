import ModelFiles
import Networks
import QuantInfer
import Support
import Tasks
import Testing
import TestNetworks

/// The run that was never interrupted is the truth.
@Suite struct SavedStateTests {
  /// A pipeline in memory of its own.
  private final class Device {
    let loaded: LoadedModel
    let state: AlignedMemory
    private let scratch: AlignedMemory
    private var pipeline: StreamingPipeline

    /// Runs a random network.
    convenience init(_ networks: inout RandomNetworks, depth: Int) throws {
      let tables = try FrontEndTables(SpectrogramSettings(), microvoltsPerCount: 1)
      let network = networks.streamable(bins: tables.settings.binCount, depth: depth)
      try self.init(LoadedModel(image: ModelImage(network, frontEnd: tables).bytes))
    }

    init(_ loaded: LoadedModel) throws {
      self.loaded = loaded
      state = AlignedMemory(byteCount: loaded.model.stateByteCount)
      scratch = AlignedMemory(byteCount: loaded.model.streamingScratchByteCount)
      pipeline = try StreamingPipeline(model: loaded.model, state: state.bytes, scratch: scratch.bytes)
    }

    /// The codes of all columns and decisions of some samples.
    func outputs(_ samples: ArraySlice<Int16>) -> [[Int8]] {
      var outputs: [[Int8]] = []
      var logits = [Int8](repeating: 0, count: loaded.model.output.count)
      for sample in samples {
        guard pipeline.push(sample) else { continue }
        outputs.append(Array(pipeline.newestColumn))
        guard pipeline.isWindowFull else { continue }
        logits.withUnsafeMutableBufferPointer { pipeline.decide(into: $0) }
        outputs.append(logits)
      }
      return outputs
    }

    func saved(missing: Int = 0) throws -> [UInt8] {
      let copy = AlignedMemory(byteCount: pipeline.savedByteCount - missing)
      try pipeline.save(into: copy.bytes)
      return Array(copy.bytes)
    }

    func restore(_ copy: [UInt8]) throws {
      try copy.withUnsafeBytes { try pipeline.restore(from: $0) }
    }
  }

  private func samples(_ count: Int, _ random: inout SeededGenerator) -> ArraySlice<Int16> {
    (0..<count).map { _ in Int16(random.next(in: -3000...3000)) }[...]
  }

  // claim: state
  @Test func aRestoredRunGoesOnWithTheSameBits() throws {
    var networks = RandomNetworks(random: SeededGenerator(seed: 41))
    var compared = 0
    for round in 0..<60 {
      let whole = try Device(&networks, depth: round % 5)
      let all = samples(900, &networks.random)
      // The first samples too: the filter starts at the first one.
      let place = round < 4 ? round : networks.random.nextIndex(below: 600)
      _ = whole.outputs(all[..<place])
      let copy = try whole.saved()
      let expected = whole.outputs(all[place...])
      let restored = try Device(whole.loaded)
      _ = restored.outputs(samples(networks.random.nextIndex(below: 300), &networks.random))
      try restored.restore(copy)
      #expect(restored.outputs(all[place...]) == expected, "network \(round), sample \(place)")
      compared += expected.count
    }
    #expect(compared > 2000)
  }

  // claim: state
  @Test func everyFlippedBitOfACopyIsFoundAndLeavesThePipelineAsItWas() throws {
    var networks = RandomNetworks(random: SeededGenerator(seed: 42))
    let device = try Device(&networks, depth: 2)
    _ = device.outputs(samples(500, &networks.random))
    let copy = try device.saved()
    _ = device.outputs(samples(77, &networks.random))
    let before = Array(device.state.bytes)
    for bit in 0..<8 * copy.count {
      var damaged = copy
      damaged[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(throws: SavedStateError.self) { try device.restore(damaged) }
    }
    #expect(Array(device.state.bytes) == before)
    try device.restore(copy)
    #expect(Array(device.state.bytes) == Array(copy[SavedState.Header.byteCount...]))
  }

  @Test func whatIsNoSavedStateIsRefusedWithTheReason() throws {
    var networks = RandomNetworks(random: SeededGenerator(seed: 43))
    let device = try Device(&networks, depth: 2)
    let other = try Device(&networks, depth: 2)
    _ = device.outputs(samples(500, &networks.random))
    let copy = try device.saved()
    typealias Header = SavedState.Header
    func changed(_ place: Int, to value: UInt8) -> [UInt8] {
      var copy = copy
      copy[place] = value
      return resealed(savedState: copy)
    }
    for count in [0, 1, Header.byteCount - 1, Header.byteCount, copy.count - 1] {
      #expect(throws: SavedStateError.truncated) { try device.restore(Array(copy[..<count])) }
    }
    #expect(throws: SavedStateError.notASavedState) { try device.restore(changed(0, to: 0)) }
    #expect(throws: SavedStateError.notASavedState) { try device.restore(changed(Header.kind, to: 2)) }
    #expect(throws: SavedStateError.unsupportedVersion) {
      try device.restore(changed(Header.version, to: 1))
    }
    #expect(throws: SavedStateError.otherOwner) { try device.restore(other.saved()) }
    #expect(throws: SavedStateError.checksumMismatch) {
      try device.restore(copy.dropLast() + [copy[copy.count - 1] ^ 0x80])
    }
    // The sample ring's place, the samples until the next column, the first column ring's place.
    let frontEnd = try #require(device.loaded.model.frontEnd)
    let cursors = ModelFormat.State.frontEndByteCount(windowSamples: frontEnd.windowSamples)
    // And the columns until the first operator's next output, and until the window is full.
    for place in [8 + 3, 12 + 3, cursors + 1, cursors + 3, cursors + 4 * 2 + 3] {
      #expect(throws: SavedStateError.impossibleState) {
        try device.restore(changed(Header.byteCount + place, to: copy[Header.byteCount + place] ^ 0x80))
      }
    }
    // An operator that takes columns never waits for none.
    #expect(throws: SavedStateError.impossibleState) {
      try device.restore(changed(Header.byteCount + cursors + 2, to: 0))
    }
    #expect(throws: MemoryError.tooSmall(requiredByteCount: copy.count)) {
      _ = try device.saved(missing: 1)
    }
  }

  @Test func everyWeightOfAnImageIsAmongItsWeightBytes() throws {
    var networks = RandomNetworks(random: SeededGenerator(seed: 44))
    for round in 0..<40 {
      let network = round % 2 == 0 ? networks.general() : networks.streamable(bins: 7, depth: round % 4)
      let image = try ModelImage(network, frontEnd: nil).bytes
      let loaded = try LoadedModel(image: image)
      for (index, step) in network.operators.enumerated() {
        let bytes = try #require(loaded.model.weightBytes(ofOperator: index))
        let packed = image[bytes].map { Int(Int8(bitPattern: $0)) }
        let weights: QuantizedNetwork.Weights
        switch step.computation {
        case .convolution(_, let own), .depthwiseConvolution(_, let own), .fullyConnected(let own):
          weights = own
        default: continue
        }
        let (found, expected) = (packed.filter { $0 != 0 }, weights.codes.filter { $0 != 0 }.map { Int($0) })
        #expect(found.sorted() == expected.sorted(), "network \(round), operator \(index)")
      }
    }
  }

  @Test func aFlippedBitMakesTheRunningImagesChecksumWrong() throws {
    var networks = RandomNetworks(random: SeededGenerator(seed: 45))
    let image = try ModelImage(networks.streamable(bins: 7, depth: 1), frontEnd: nil).bytes
    let memory = AlignedMemory(byteCount: image.count)
    memory.bytes.copyBytes(from: image)
    let model = try Model(validating: UnsafeRawBufferPointer(memory.bytes))
    #expect(model.isChecksumValid)
    for byte in 0..<image.count {
      memory.bytes[byte] ^= 1 << UInt8(byte % 8)
      #expect(!model.isChecksumValid, "byte \(byte)")
      memory.bytes[byte] ^= 1 << UInt8(byte % 8)
    }
    #expect(model.isChecksumValid)
  }
}
