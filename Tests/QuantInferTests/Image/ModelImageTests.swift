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

  // claim: images
  @Test func everyTruncationIsRefused() throws {
    let image = try Self.image()
    for count in 0..<image.count {
      #expect(throws: ModelError.self) { _ = try LoadedModel(image: Array(image[..<count])) }
    }
  }

  // claim: images
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
    (ModelFormat.Network.arenaByteCount, 0x7fff_fffc), (ModelFormat.Network.scratchByteCount, 0x7fff_fffc),
    (ModelFormat.Network.stateByteCount, 0x7fff_fff0), (ModelFormat.Network.scratchByteCount, 0x1000_0004),
  ])
  func memoryBeyondA32BitCoresSizesIsRefusedAtLoad(field: Int, bytes: Int) throws {
    let image = try Self.image()
    let place = networkField(field, of: image)
    #expect(throws: ModelError(.beyondLimits, at: place)) {
      _ = try LoadedModel(image: Self.mended(image, setting: place, to: UInt32(bytes)))
    }
  }

  @Test func theGreatestMemoryIsTaken() throws {
    let image = try Self.image()
    let mended = Self.mended(
      image, setting: networkField(ModelFormat.Network.scratchByteCount, of: image), to: 0x1000_0000)
    let loaded = try LoadedModel(image: mended)
    #expect(loaded.model.scratchByteCount == 1 << 28)
    withExtendedLifetime(loaded) {}
  }

  /// An image with a word changed and its checksum right again.
  private static func mended(_ image: [UInt8], setting place: Int, to word: UInt32) -> [UInt8] {
    var image = image
    withUnsafeBytes(of: word.littleEndian) { image.replaceSubrange(place..<place + 4, with: $0) }
    return resealed(image)
  }

  /// An operator's parameters are moved to the image's end, so that the last of them lie behind it: once the memory there goes on
  /// with them, and once it doesn't.
  @Test func whatLiesBehindAnImageChangesNothing() throws {
    var models = OperatorModels(random: SeededGenerator(seed: 172))
    var (accepted, refused) = (0, 0)
    for (name, model) in models.all() {
      let image = try ModelImage(QuantizedNetwork(importing: model), frontEnd: nil).bytes
      let records = word(image, at: networkField(ModelFormat.Network.operators, of: image))
      let parameters = records + ModelFormat.Operator.parameters
      let copied = Array((image[word(image, at: parameters)...] + Array(repeating: 0, count: 96)).prefix(96))
      for inside in stride(from: 0, to: 96, by: 4) {
        let whole = image + copied.prefix(inside)
        let size = Self.mended(whole, setting: ModelFormat.Header.imageByteCount, to: UInt32(whole.count))
        let moved = Self.mended(size, setting: parameters, to: UInt32(image.count))
        let verdicts = [Array(copied.dropFirst(inside)), Array(repeating: 0xFF, count: 96)].map { behind in
          let memory = AlignedMemory(byteCount: moved.count + behind.count)
          memory.bytes.copyBytes(from: moved + behind)
          defer { withExtendedLifetime(memory) {} }
          let bytes = UnsafeRawBufferPointer(rebasing: memory.bytes[..<moved.count])
          return (try? Model(validating: bytes)) != nil
        }
        #expect(verdicts[0] == verdicts[1], "\(name), \(inside) bytes inside")
        (accepted, refused) = (accepted + (verdicts[0] ? 1 : 0), refused + (verdicts[0] ? 0 : 1))
      }
    }
    #expect(accepted > 1000 && refused > 500, "\(accepted) accepted, \(refused) refused")
  }

  /// The header too: the checksum leaves out nothing but itself.
  @Test func theDigestIsTheSHA256OfAllButItselfAndTheChecksum() throws {
    var image = try Self.image()
    typealias Header = ModelFormat.Header
    let digest = Array(image[Header.digest..<Header.digest + Header.digestByteCount])
    for place in Array(Header.checksum..<Header.checksum + 4) + Array(Header.digest..<Header.digest + 32) {
      image[place] = 0
    }
    #expect(digest.map { Numbers.hexadecimal($0) }.joined() == SHA256.hexadecimal(Data(image)))
  }

  @Test func aSectionOfAnUnknownKindIsSkippedUnlessItIsRequired() throws {
    let image = try Self.image()
    let last = word(image, at: ModelFormat.Header.sections) + 3 * ModelFormat.Section.byteCount
    var changed = image
    changed[last] = 99
    _ = try LoadedModel(image: resealed(changed))
    changed[last + ModelFormat.Section.isRequired] = 1
    #expect(throws: ModelError(.unsupportedSection, at: last)) {
      _ = try LoadedModel(image: resealed(changed))
    }
    // Nor are sections taken whose number no image has room for.
    for count: UInt32 in [0, 0x7fff_ffff, 0xffff_ffff] {
      #expect(throws: ModelError.self) {
        _ = try LoadedModel(image: Self.mended(image, setting: ModelFormat.Header.sectionCount, to: count))
      }
    }
  }

  /// The section of the task becomes a second network's: the same record, so the same network.
  @Test func aSecondNetworkIsReadBesideTheFirst() throws {
    var image = try Self.image()
    let sections = word(image, at: ModelFormat.Header.sections)
    let record = ModelFormat.Section.byteCount
    #expect(throws: ModelError(.truncated, at: ModelFormat.Header.sections)) {
      try Self.withModel(image, network: 1) { _ in }
    }
    image.replaceSubrange(
      sections + 3 * record..<sections + 4 * record, with: image[sections..<sections + record])
    image[sections + 3 * record + ModelFormat.Section.network] = 1
    let first = try LoadedModel(image: resealed(image))
    try Self.withModel(image, network: 1) { second in
      #expect(second.operatorCount == first.model.operatorCount && second.isStreamable)
    }
    withExtendedLifetime(first) {}
  }

  private static func withModel(_ image: [UInt8], network: Int, _ body: (Model) -> Void) throws {
    let memory = AlignedMemory(byteCount: image.count)
    memory.bytes.copyBytes(from: resealed(image))
    defer { withExtendedLifetime(memory) {} }
    body(try Model(validating: UnsafeRawBufferPointer(memory.bytes), network: network))
  }

  @Test func aTensorMustNameWhoFillsIt() throws {
    let image = try Self.image()
    let tensors = word(image, at: networkField(ModelFormat.Network.tensors, of: image))
    let count = word(image, at: networkField(ModelFormat.Network.tensorCount, of: image))
    for tensor in 0..<count {
      let place = tensors + tensor * ModelFormat.Tensor.byteCount + ModelFormat.Tensor.writer
      for writer: UInt16 in [0, 1, 2, 3, 0x7fff, 0x8000, 0x8001, 0xffff] {
        var changed = image
        withUnsafeBytes(of: writer.littleEndian) { changed.replaceSubrange(place..<place + 2, with: $0) }
        guard changed != image else { continue }
        #expect(throws: ModelError.self, "tensor \(tensor), \(writer)") {
          _ = try LoadedModel(image: resealed(changed))
        }
      }
    }
  }

  @Test func anotherVersionIsRefusedBeforeItsContent() throws {
    var image = try Self.image()
    image[ModelFormat.Header.version] = 2
    #expect(throws: ModelError(.unsupportedVersion, at: ModelFormat.Header.version)) {
      _ = try LoadedModel(image: image)
    }
  }

  /// The sums of a direct transform fit 32 bits with factors up to one, of windows of 32 and 64 samples.
  @Test func aDirectTransformIsOfShortWindowsAndOfFactorsUpToOne() throws {
    let image = try Self.image()
    let record = word(image, at: networkField(ModelFormat.Network.frontEnd, of: image))
    let factors = word(image, at: record + ModelFormat.FrontEnd.twiddles)
    func error(_ half: UInt16, at place: Int) -> ModelError? {
      var image = image
      (image[place], image[place + 1]) = (UInt8(half & 255), UInt8(half >> 8))
      do throws(ModelError) {
        _ = try LoadedModel(image: resealed(image))
        return nil
      } catch {
        return error
      }
    }
    #expect(image[record + ModelFormat.FrontEnd.codesPerPowerDoublingQ6 + 1] & 0x80 != 0)
    // The last bin's last sine too.
    for place in [factors, factors + 2 * (12 * 16 - 1)] {
      for greatest: Int16 in [8192, -8192] {
        #expect(error(UInt16(bitPattern: greatest), at: place) == nil)
        let beyond = error(UInt16(bitPattern: greatest + greatest.signum()), at: place)
        #expect(beyond?.kind == .invalidFrontEnd && beyond?.byteOffset == place)
      }
    }
    for window: UInt16 in [16, 128] {
      let wrong = error(window, at: record + ModelFormat.FrontEnd.windowSamples)
      #expect(wrong?.kind == .invalidFrontEnd && wrong?.byteOffset == record)
    }
  }

  @Test(arguments: [Float.nan, .infinity, 0, -1])
  func aScaleThatIsNoneIsRefused(value: Float) throws {
    func record(_ field: Int) throws -> Int {
      let image = try Self.image()
      return word(image, at: networkField(field, of: image))
    }
    let places = [
      (try record(ModelFormat.Network.tensors) + ModelFormat.Tensor.scaleBits, ModelError.Kind.invalidTensor),
      (
        try record(ModelFormat.Network.frontEnd) + ModelFormat.FrontEnd.microvoltsPerCountBits,
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
      let operators = word(image, at: networkField(ModelFormat.Network.operators, of: image))
      return word(image, at: operators + ModelFormat.Operator.parameters) + ModelFormat.Weights.mayWrap
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

  // claim: images
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
