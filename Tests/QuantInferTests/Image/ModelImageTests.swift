import Foundation
import ModelFiles
import Networks
import QuantInfer
import Support
import Tasks
import Testing
import TestNetworks

@Suite struct ModelImageTests {
  static func image() throws -> [UInt8] {
    var networks = RandomNetworks(random: SeededGenerator(seed: 21))
    let tables = try FrontEndTables(SpectrogramSettings(), microvoltsPerCount: 2.5)
    let network = networks.streamable(bins: tables.settings.binCount, depth: 2)
    return try ModelImage(
      network, frontEnd: tables, classNames: ["N", "V"], provenance: [.seed: "21", .split: "none"]
    ).bytes
  }

  @Test func anImageIsReadBackAsItWasWritten() throws {
    let loaded = try LoadedModel(image: Self.image())
    #expect(loaded.provenance.lines.map(\.key) == ["seed", "split"])
    #expect(loaded.provenance.lines.map(\.value) == ["21", "none"])
    #expect(loaded.model.frontEnd?.sampleRateMillihertz == 128_000)
    #expect(loaded.model.isStreamable)
  }

  @Test func everyTruncationIsRefused() throws {
    let image = try Self.image()
    for count in 0..<image.count {
      #expect(throws: ModelError.self) { _ = try LoadedModel(image: Array(image[..<count])) }
    }
  }

  @Test func everyFlippedBitIsRefused() throws {
    let image = try Self.image()
    for bit in 0..<image.count * 8 {
      var flipped = image
      flipped[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(throws: ModelError.self) { _ = try LoadedModel(image: flipped) }
    }
  }

  /// Sums of such sizes wrap on a 32-bit core: a device would take less memory than it writes.
  @Test(arguments: [
    (ModelFormat.Header.arenaByteCount, 0x7fff_fffc), (ModelFormat.Header.scratchByteCount, 0x7fff_fffc),
    (ModelFormat.Header.stateByteCount, 0x7fff_fff0), (ModelFormat.Header.scratchByteCount, 0x1000_0004),
  ])
  func memoryBeyondA32BitCoresSizesIsRefusedAtLoad(field: Int, bytes: Int) throws {
    let image = Self.mended(try Self.image(), setting: field, to: UInt32(bytes))
    #expect(throws: ModelError(.invalidTensor, at: field)) { _ = try LoadedModel(image: image) }
  }

  @Test func theGreatestMemoryIsTaken() throws {
    let image = Self.mended(
      try Self.image(), setting: ModelFormat.Header.scratchByteCount, to: 0x1000_0000)
    let loaded = try LoadedModel(image: image)
    #expect(loaded.model.scratchByteCount == 1 << 28)
  }

  /// An image with a word changed and its checksum right again.
  private static func mended(_ image: [UInt8], setting field: Int, to word: UInt32) -> [UInt8] {
    var image = image
    func put(_ word: UInt32, at place: Int) {
      withUnsafeBytes(of: word.littleEndian) { image.replaceSubrange(place..<place + 4, with: $0) }
    }
    put(word, at: field)
    put(
      image.withUnsafeBytes {
        CRC32.checksum(UnsafeRawBufferPointer(rebasing: $0[ModelFormat.checksumStart...]))
      }, at: ModelFormat.Header.checksum)
    return image
  }

  @Test func anotherVersionIsRefusedBeforeItsContent() throws {
    var image = try Self.image()
    image[ModelFormat.Header.version] = 1
    #expect(throws: ModelError(.unsupportedVersion, at: ModelFormat.Header.version)) {
      _ = try LoadedModel(image: image)
    }
  }

  @Test(arguments: [Float.nan, .infinity, 0, -1])
  func aScaleThatIsNoneIsRefused(value: Float) throws {
    func word(_ field: Int) throws -> Int {
      let image = try Self.image()
      return (0..<4).reduce(0) { $0 | Int(image[field + $1]) << (8 * $1) }
    }
    let places = [
      (try word(ModelFormat.Header.tensors) + ModelFormat.Tensor.scaleBits, ModelError.Kind.invalidTensor),
      (
        try word(ModelFormat.Header.frontEnd) + ModelFormat.FrontEnd.microvoltsPerCountBits,
        .invalidFrontEnd
      ),
    ]
    for (place, kind) in places {
      var image = try Self.image()
      for index in 0..<4 {
        image[place + index] = UInt8(truncatingIfNeeded: value.bitPattern >> (8 * UInt32(index)))
      }
      let error = #expect(throws: ModelError.self) { _ = try LoadedModel(image: resealed(image)) }
      #expect(error?.kind == kind)
    }
  }

  @Test func aSumThatCouldOverflowIsMarkedAndRefusedWithoutTheMark() throws {
    func image(bias: Int64) throws -> [UInt8] {
      let weights = QuantizedNetwork.Weights(
        codes: [127, 127, 127, 127], biases: [bias], scales: [0.01], inputScale: 1, outputScale: 1)
      return try ModelImage(
        QuantizedNetwork(
          tensors: [
            .init(name: "input", shape: [1, 4], scale: 1, zeroPoint: 0),
            .init(name: "output", shape: [1, 1], scale: 1, zeroPoint: 0),
          ],
          operators: [.fullyConnected(from: 0, to: 1, weights: weights)], input: 0, output: 1), frontEnd: nil
      ).bytes
    }
    func mark(_ image: [UInt8]) -> Int {
      func word(_ place: Int) -> Int { (0..<4).reduce(0) { $0 | Int(image[place + $1]) << (8 * $1) } }
      return word(word(ModelFormat.Header.operators) + ModelFormat.Operator.parameters)
        + ModelFormat.Weights.mayWrap
    }
    let greatest = Int64(Int32.max) - 4 * 127 * 128
    let proven = try image(bias: greatest)
    #expect(proven[mark(proven)] == 0)
    _ = try LoadedModel(image: proven)
    var wrapping = try image(bias: greatest + 1)
    #expect(wrapping[mark(wrapping)] == 1)
    _ = try LoadedModel(image: wrapping)
    wrapping[mark(wrapping)] = 0
    let error = #expect(throws: ModelError.self) { _ = try LoadedModel(image: resealed(wrapping)) }
    #expect(error?.kind == .accumulatorOverflow)
  }

  @Test func aStepBeyondTheImagesLimitIsRefused() {
    let network = QuantizedNetwork(
      tensors: [
        .init(name: "input", shape: [1, 70_000, 1, 1], scale: 1, zeroPoint: 0),
        .init(name: "output", shape: [1, 1, 1, 1], scale: 1, zeroPoint: 0),
      ],
      operators: [
        .init(
          kind: .averagePool, inputs: [0], output: 1, activation: -128...127,
          computation: .averagePool(.init(time: .init(kernel: 70_000))))
      ], input: 0, output: 1)
    #expect(throws: InvalidNetwork.self) { _ = try ModelImage(network, frontEnd: nil) }
  }

  @Test func mutatedImagesAreRefusedOrRunWithoutATrap() throws {
    let image = try Self.image()
    var random = SeededGenerator(seed: 22)
    var refused = 0
    var ran = 0
    for _ in 0..<20_000 {
      var mutated = image
      for _ in 0...random.nextIndex(below: 3) {
        // Half of the mutations hit the header and the records, where they matter most.
        let limit = random.nextIndex(below: 2) == 0 ? min(600, image.count) : image.count
        mutated[random.nextIndex(below: limit)] = UInt8(truncatingIfNeeded: random.next())
      }
      guard let loaded = try? LoadedModel(image: resealed(mutated)),
        loaded.model.arenaByteCount < 1 << 20, loaded.model.scratchByteCount < 1 << 20,
        loaded.model.stateByteCount < 1 << 20
      else {
        refused += 1
        continue
      }
      try Self.run(loaded.model, random: &random)
      ran += 1
    }
    #expect(refused > 1000 && ran > 1000, "both outcomes were tried: \(refused) refused, \(ran) ran")
  }

  private static func run(_ model: Model, random: inout SeededGenerator) throws {
    let arena = AlignedMemory(byteCount: model.arenaByteCount)
    let scratch = AlignedMemory(byteCount: model.scratchByteCount)
    var engine = try WholeWindow(model: model, arena: arena.bytes, scratch: scratch.bytes)
    for index in arena.bytes.indices { arena.bytes[index] = UInt8(truncatingIfNeeded: random.next()) }
    engine.run()
    guard model.isStreamable else { return }
    let state = AlignedMemory(byteCount: model.stateByteCount)
    let streamingScratch = AlignedMemory(byteCount: model.streamingScratchByteCount)
    var pipeline = try StreamingPipeline(
      model: model, state: state.bytes, scratch: streamingScratch.bytes)
    let logits = UnsafeMutableBufferPointer<Int8>.allocate(capacity: model.output.count)
    defer { logits.deallocate() }
    for _ in 0..<400 {
      if pipeline.push(Int16(truncatingIfNeeded: random.next())), pipeline.isWindowFull {
        pipeline.decide(into: logits)
      }
    }
  }

  @Test func multipliersFollowTheirDefinition() {
    var random = SeededGenerator(seed: 23)
    for _ in 0..<10_000 {
      let real = exp2(random.next(in: -28...8))
      let multiplier = FixedPointMultiplier(real: real)
      let value = Double(multiplier.multiplierQ31) * exp2(Double(multiplier.leftShift) - 31)
      #expect(abs(value / real - 1) <= 0x1p-31)
      #expect(multiplier.multiplierQ31 >= 1 << 30)
    }
    #expect(FixedPointMultiplier(real: 0).multiplierQ31 == 0)
    #expect(
      FixedPointMultiplier(real: 1 - 0x1p-40) == FixedPointMultiplier(multiplierQ31: 1 << 30, leftShift: 1))
    #expect(FixedPointMultiplier(real: 0x1p-40).multiplierQ31 == 0)
  }
}
