import Foundation
import ModelFiles
import Networks
import QuantInfer
import Support
import Tasks
import Testing
import TestNetworks

/// The image that was written with a patch's constants in the first place is the truth.
@Suite struct ModelPatchTests {
  /// A model, a patch for its last operator, and the model that the patch should make of it.
  private struct Case {
    let shipped: LoadedModel
    let patch: PatchImage
    let rewritten: LoadedModel

    init(_ networks: inout RandomNetworks, depth: Int) throws {
      let tables = try FrontEndTables(SpectrogramSettings(), microvoltsPerCount: 1)
      var network = networks.streamable(bins: tables.settings.binCount, depth: depth)
      shipped = try LoadedModel(image: ModelImage(network, frontEnd: tables).bytes)
      let last = network.operators.count - 1
      guard case .fullyConnected(var weights) = network.operators[last].computation else {
        throw InvalidNetwork("the random network ends with another operator")
      }
      let input = network.tensors[network.operators[last].inputs[0]]
      let channels = weights.biases.count
      let inputs = weights.codes.count / channels
      let grouping = PatchGrouping(
        inputsPerOutput: inputs, columnCount: 1 + networks.random.nextIndex(below: inputs + 2),
        span: 1 + networks.random.nextIndex(below: 5))
      let changes = PatchChanges(
        grouping: grouping,
        steps: (0..<channels).map { _ in UInt8(networks.random.nextIndex(below: 40)) },
        levels: (0..<channels * grouping.groupsPerOutput).map { _ in
          Int8(networks.random.nextIndex(below: 16) - 8)
        })
      var folded: [Int32] = []
      for channel in 0..<channels {
        var sum = 0
        for input in 0..<inputs {
          // The columns of a span, by their definition.
          let group =
            input / grouping.columnCount / grouping.span * grouping.columnCount
            + input % grouping.columnCount
          let level = Int(changes.levels[channel * grouping.groupsPerOutput + group])
          let place = channel * inputs + input
          let code = Int(weights.codes[place]) + level * Int(changes.steps[channel])
          weights.codes[place] = Int8(max(-127, min(127, code)))
          sum += Int(weights.codes[place])
        }
        weights.biases[channel] += Int64(networks.random.nextIndex(below: 4001) - 2000)
        folded.append(Int32(weights.biases[channel]) - Int32(input.zeroPoint * sum))
      }
      patch = try PatchImage(shipped, operatorIndex: last, changes: changes, biases: folded)
      network.operators[last].computation = .fullyConnected(weights)
      rewritten = try LoadedModel(image: ModelImage(network, frontEnd: tables).bytes)
    }
  }

  private func wholeWindowOutputs(
    _ loaded: LoadedModel, windows: [[Int8]], instructions: InstructionSet = .best
  ) throws -> [[Int8]] {
    let arena = AlignedMemory(byteCount: loaded.model.arenaByteCount)
    let scratch = AlignedMemory(byteCount: loaded.scratchByteCount)
    defer { withExtendedLifetime((loaded, arena, scratch)) {} }
    var engine = try WholeWindow(
      model: loaded.model, arena: arena.bytes, scratch: scratch.bytes, instructions: instructions)
    return windows.map { window in
      _ = engine.input.update(fromContentsOf: window)
      engine.run()
      return Array(engine.output)
    }
  }

  private func streamedOutputs(_ loaded: LoadedModel, _ samples: [Int16]) throws -> [[Int8]] {
    let state = AlignedMemory(byteCount: loaded.model.stateByteCount)
    let scratch = AlignedMemory(byteCount: loaded.model.streamingScratchByteCount)
    defer { withExtendedLifetime((loaded, state, scratch)) {} }
    var pipeline = try StreamingPipeline(model: loaded.model, state: state.bytes, scratch: scratch.bytes)
    var logits = [Int8](repeating: 0, count: loaded.model.output.count)
    var outputs: [[Int8]] = []
    for sample in samples where pipeline.push(sample) && pipeline.isWindowFull {
      logits.withUnsafeMutableBufferPointer { pipeline.decide(into: $0) }
      outputs.append(logits)
    }
    return outputs
  }

  @Test func aPatchedModelHasTheBitsOfAnImageWithItsConstantsAndTheShippedOneItsOwn() throws {
    var networks = RandomNetworks(random: SeededGenerator(seed: 90))
    var changed = 0
    for round in 0..<80 {
      let test = try Case(&networks, depth: round % 4)
      let windows = (0..<6).map { _ in networks.codes(test.shipped.model.input.count) }
      let samples = (0..<700).map { _ in Int16(networks.random.next(in: -3000...3000)) }
      let before = try wholeWindowOutputs(test.shipped, windows: windows)
      let streamedBefore = try streamedOutputs(test.shipped, samples)
      let patched = try test.shipped.applying(patch: test.patch.bytes)
      for instructions in availableInstructions {
        #expect(
          try wholeWindowOutputs(patched, windows: windows, instructions: instructions)
            == wholeWindowOutputs(test.rewritten, windows: windows), "network \(round)")
      }
      #expect(
        try streamedOutputs(patched, samples) == streamedOutputs(test.rewritten, samples),
        "network \(round)")
      // The patch is taken off by going on with the model as shipped.
      #expect(try wholeWindowOutputs(test.shipped, windows: windows) == before)
      #expect(try streamedOutputs(test.shipped, samples) == streamedBefore)
      if try wholeWindowOutputs(patched, windows: windows) != before { changed += 1 }
    }
    #expect(changed > 40)
  }

  @Test func aStateSavedWithoutThePatchGoesOnWithIt() throws {
    var networks = RandomNetworks(random: SeededGenerator(seed: 91))
    let test = try Case(&networks, depth: 2)
    let patched = try test.shipped.applying(patch: test.patch.bytes)
    let samples = (0..<900).map { _ in Int16(networks.random.next(in: -3000...3000)) }
    let state = AlignedMemory(byteCount: patched.model.stateByteCount)
    let scratch = AlignedMemory(byteCount: patched.model.streamingScratchByteCount)
    var first = try StreamingPipeline(
      model: test.shipped.model, state: state.bytes, scratch: scratch.bytes)
    for sample in samples[..<500] { _ = first.push(sample) }
    let copy = AlignedMemory(byteCount: first.savedByteCount)
    try first.save(into: copy.bytes)
    var second = try StreamingPipeline(model: patched.model, state: state.bytes, scratch: scratch.bytes)
    try second.restore(from: UnsafeRawBufferPointer(copy.bytes))
    var logits = [Int8](repeating: 0, count: patched.model.output.count)
    var outputs: [[Int8]] = []
    for sample in samples[500...] where second.push(sample) && second.isWindowFull {
      logits.withUnsafeMutableBufferPointer { second.decide(into: $0) }
      outputs.append(logits)
    }
    withExtendedLifetime((patched, state, scratch, copy)) {}
    #expect(outputs.count > 40)
    #expect(try streamedOutputs(test.rewritten, samples).suffix(outputs.count) == outputs[...])
  }

  // claim: patches
  @Test func everyFlippedBitAndEveryTruncationIsRefused() throws {
    var networks = RandomNetworks(random: SeededGenerator(seed: 92))
    let test = try Case(&networks, depth: 1)
    let bytes = test.patch.bytes
    for bit in 0..<8 * bytes.count {
      var damaged = bytes
      damaged[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(throws: PatchError.self) { _ = try test.shipped.applying(patch: damaged) }
    }
    for count in 0..<bytes.count {
      #expect(throws: PatchError.truncated) { _ = try test.shipped.applying(patch: Array(bytes[..<count])) }
    }
    #expect(throws: Never.self) { _ = try test.shipped.applying(patch: bytes + [1, 2, 3]) }
  }

  @Test func whatDoesNotFitIsRefusedWithTheReason() throws {
    var networks = RandomNetworks(random: SeededGenerator(seed: 93))
    let test = try Case(&networks, depth: 2)
    let other = try Case(&networks, depth: 2)
    let bytes = test.patch.bytes
    typealias Header = ModelPatch.Header
    func refusal(_ change: (inout [UInt8]) -> Void) -> PatchError? {
      var changed = bytes
      change(&changed)
      return #expect(throws: PatchError.self) {
        _ = try test.shipped.applying(patch: Self.resealed(changed))
      }
    }
    #expect(throws: PatchError.otherModel) { _ = try other.shipped.applying(patch: bytes) }
    #expect(refusal { $0[0] = 0 } == .notAPatch)
    #expect(refusal { $0[Header.version] = 1 } == .unsupportedVersion)
    #expect(refusal { $0[Header.imageDigest + 31] ^= 1 } == .otherModel)
    #expect(refusal { $0[Header.operatorIndex] = 0 } == .invalidLayer)
    #expect(refusal { $0[Header.operatorIndex] = 200 } == .invalidLayer)
    #expect(refusal { $0[Header.channelCount] += 1 } == .invalidSize)
    #expect(
      refusal {
        $0[Header.span + 1] = 0; $0[Header.span] = 0
      } == .invalidSize)
    #expect(
      refusal {
        $0[Header.columnCount + 1] = 0; $0[Header.columnCount] = 0
      } == .invalidSize)
    #expect(refusal { $0[Header.patchByteCount + 3] = 1 } == .truncated)

    let patch = AlignedMemory(byteCount: bytes.count)
    patch.bytes.copyBytes(from: bytes)
    let view = try ModelPatch(validating: UnsafeRawBufferPointer(patch.bytes))
    let model = test.shipped.model
    let needed = try #require(model.patchBufferByteCount(ofOperator: view.operatorIndex))
    let buffer = AlignedMemory(byteCount: needed + 4)
    #expect(throws: PatchError.bufferTooSmall(requiredByteCount: needed)) {
      _ = try model.applying(
        view, into: UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<(needed - 1)]))
    }
    #expect(throws: PatchError.misaligned) {
      _ = try model.applying(view, into: UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[1...]))
    }
    withExtendedLifetime((patch, test)) {}
  }

  @Test func aPatchWithWhichASumCouldOverflowIsRefused() throws {
    // 4 weights of 127 times 128 leave room for a bias of 2^31 - 1 - 65,024 on either side.
    let weights = QuantizedNetwork.Weights(
      codes: [127, 127, 127, 127], biases: [0], scales: [0.01], inputScale: 1, outputScale: 1)
    let network = QuantizedNetwork(
      tensors: [
        .init(name: "input", shape: [1, 4], scale: 1, zeroPoint: 0),
        .init(name: "output", shape: [1, 1], scale: 1, zeroPoint: 0),
      ], operators: [.fullyConnected(from: 0, to: 1, weights: weights)], input: 0, output: 1)
    let loaded = try LoadedModel(image: ModelImage(network, frontEnd: nil).bytes)
    func patch(bias: Int32) throws(PatchError) {
      _ = try PatchImage(
        loaded, operatorIndex: 0,
        changes: PatchChanges(
          grouping: PatchGrouping(inputsPerOutput: 4, columnCount: 1, span: 1), steps: [0],
          levels: [0, 0, 0, 0]), biases: [bias])
    }
    let greatest = Int32.max - 4 * 127 * 128
    #expect(throws: Never.self) { try patch(bias: greatest) }
    #expect(throws: PatchError.accumulatorOverflow) { try patch(bias: greatest + 1) }
    #expect(throws: PatchError.accumulatorOverflow) { try patch(bias: .min) }
  }

  // claim: patches
  @Test func mutatedPatchesAreRefusedOrRun() throws {
    var networks = RandomNetworks(random: SeededGenerator(seed: 94))
    let cases = try (0..<20).map { try Case(&networks, depth: $0 % 4) }
    let factor = ProcessInfo.processInfo.environment["FUZZ"].flatMap(Int.init) ?? 1
    var (refused, ran) = (0, 0)
    for _ in 0..<8000 * factor {
      let test = cases[networks.random.nextIndex(below: cases.count)]
      var bytes = test.patch.bytes
      for _ in 0...networks.random.nextIndex(below: 3) {
        let limit = networks.random.nextIndex(below: 2) == 0 ? ModelPatch.Header.byteCount + 8 : bytes.count
        let place = networks.random.nextIndex(below: min(limit, bytes.count))
        bytes[place] =
          networks.random.nextIndex(below: 2) == 0
          ? bytes[place] ^ (1 << UInt8(networks.random.nextIndex(below: 8)))
          : UInt8(truncatingIfNeeded: networks.random.next())
      }
      if networks.random.nextIndex(below: 8) == 0 {
        bytes.removeLast(networks.random.nextIndex(below: bytes.count))
      }
      guard let patched = try? test.shipped.applying(patch: Self.resealed(bytes)) else {
        refused += 1
        continue
      }
      _ = try wholeWindowOutputs(patched, windows: [networks.codes(patched.model.input.count)])
      ran += 1
    }
    #expect(refused > 1000 && ran > 1000, "\(refused) refused, \(ran) ran")
  }

  // claim: patches
  /// What a device's flash holds while it writes a patch over what a slot held before.
  @Test func aBrownOutAtAnyByteLeavesTheOlderPatchOrNone() throws {
    var networks = RandomNetworks(random: SeededGenerator(seed: 95))
    let test = try Case(&networks, depth: 0)
    func numbered(_ number: UInt32) -> [UInt8] {
      var bytes = test.patch.bytes
      withUnsafeBytes(of: number.littleEndian) {
        bytes.replaceSubrange(
          ModelPatch.Header.sequenceNumber..<ModelPatch.Header.sequenceNumber + 4, with: $0)
      }
      return Self.resealed(bytes)
    }
    func newest(_ first: [UInt8], _ second: [UInt8]) -> UInt32? {
      first.withUnsafeBytes { first in
        second.withUnsafeBytes { second in
          ModelPatch.newest(of: first, second, for: test.shipped.model)?.sequenceNumber
        }
      }
    }
    let erased = [UInt8](repeating: 0xFF, count: test.patch.bytes.count)
    let (old, current, new) = (numbered(.max - 1), numbered(.max), numbered(0))
    for count in 0..<new.count {
      // Flash is erased first, then written from the start.
      let partly = Array(new[..<count]) + erased[count...]
      #expect(newest(partly, current) == .max && newest(current, partly) == .max)
      #expect(newest(partly, erased) == nil)
    }
    #expect(newest(old, current) == .max)
    // The count may wrap.
    #expect(newest(new, current) == 0 && newest(current, new) == 0)
    #expect(newest([], []) == nil)
  }

  private static func numbered(
    _ patch: [UInt8], _ number: UInt32, _ change: (inout [UInt8]) -> Void = { _ in }
  ) -> [UInt8] {
    var bytes = patch
    let place = ModelPatch.Header.sequenceNumber
    withUnsafeBytes(of: number.littleEndian) { bytes.replaceSubrange(place..<place + 4, with: $0) }
    change(&bytes)
    return resealed(bytes)
  }

  /// The sequence number that a device ends up with; nil for the model as shipped.
  private static func chosen(
    _ model: Model, _ first: [UInt8], _ second: [UInt8], floor: UInt32,
    isThisDevice: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool = { _, _ in false }
  ) -> UInt32? {
    let buffer = AlignedMemory(byteCount: 1 << 16)
    defer { withExtendedLifetime(buffer) {} }
    return first.withUnsafeBytes { first in
      second.withUnsafeBytes { second in
        model.applyingNewest(of: first, second, floor: floor, into: buffer.bytes, isThisDevice: isThisDevice)?
          .sequenceNumber
      }
    }
  }

  // claim: patches
  @Test func whereTheNewerPatchDoesNotFitTheOlderOneIsTakenUnlessItIsBelowTheFloor() throws {
    var networks = RandomNetworks(random: SeededGenerator(seed: 96))
    let test = try Case(&networks, depth: 1)
    let patch = test.patch.bytes
    let model = test.shipped.model
    // Whole, this image's, and for a layer that isn't fully connected.
    let misfit = Self.numbered(patch, 8) { $0[ModelPatch.Header.operatorIndex] = 0 }
    let (older, newer) = (Self.numbered(patch, 7), Self.numbered(patch, 8))
    #expect(Self.chosen(model, older, newer, floor: 0) == 8)
    #expect(
      Self.chosen(model, older, misfit, floor: 0) == 7 && Self.chosen(model, misfit, older, floor: 7) == 7)
    #expect(Self.chosen(model, older, misfit, floor: 8) == nil)
    #expect(
      Self.chosen(model, older, newer, floor: 8) == 8 && Self.chosen(model, older, newer, floor: 9) == nil)
    // The distance to the floor wraps.
    #expect(Self.chosen(model, Self.numbered(patch, 3), older, floor: .max - 1) == 7)
    #expect(Self.chosen(model, Self.numbered(patch, .max - 1), [], floor: 3) == nil)
    withExtendedLifetime(test) {}
  }

  @Test func aPatchForADeviceIsTakenByThatDeviceAlone() throws {
    var networks = RandomNetworks(random: SeededGenerator(seed: 97))
    let test = try Case(&networks, depth: 0)
    let bound = test.patch.bound(toDevice: "serial 4711").bytes
    /// What the maker's firmware does, with a SHA-256 of its own.
    func isDevice(_ identifier: String) -> (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool {
      { salt, digest in SHA256.digest(Array(salt) + Array(identifier.utf8)) == Array(digest) }
    }
    let model = test.shipped.model
    #expect(Self.chosen(model, bound, [], floor: 0, isThisDevice: isDevice("serial 4711")) == 1)
    #expect(Self.chosen(model, bound, [], floor: 0, isThisDevice: isDevice("serial 4712")) == nil)
    #expect(Self.chosen(model, bound, [], floor: 0) == nil)
    #expect(Self.chosen(model, bound, test.patch.bytes, floor: 0, isThisDevice: isDevice("another")) == 1)
    withExtendedLifetime(test) {}
  }

  @Test func aPatchedLayerGivesItsKnownAnswersAndAnotherDoesNot() throws {
    var networks = RandomNetworks(random: SeededGenerator(seed: 98))
    let test = try Case(&networks, depth: 2)
    let device = try test.shipped.applying(patch: test.patch.bytes)
    let patched = device.model
    let memory = AlignedMemory(byteCount: try #require(patched.answerByteCount(ofOperator: 2)) + 64)
    let bytes = AlignedMemory(byteCount: test.patch.bytes.count)
    bytes.bytes.copyBytes(from: test.patch.bytes)
    let patch = try ModelPatch(validating: UnsafeRawBufferPointer(bytes.bytes))
    #expect(try patched.givesAnswers(of: patch, in: memory.bytes))
    #expect(try !test.shipped.model.givesAnswers(of: patch, in: memory.bytes))
    // Those of the image that was written with the patch's constants.
    #expect(
      try test.rewritten.model.answers(
        seed: patch.answerSeed, ofOperator: patch.operatorIndex, in: memory.bytes)
        == patch.answerChecksum)
    #expect(throws: PatchError.self) {
      _ = try patched.givesAnswers(
        of: patch, in: UnsafeMutableRawBufferPointer(rebasing: memory.bytes[..<8]))
    }
    withExtendedLifetime((test, bytes, device)) {}
  }

  /// A patch with a right checksum, where it has room for one.
  private static func resealed(_ patch: [UInt8]) -> [UInt8] {
    typealias Header = ModelPatch.Header
    guard patch.count >= Header.byteCount else { return patch }
    var patch = patch
    let head = patch[..<Header.checksum].withUnsafeBytes { CRC32.checksum($0) }
    let checksum = patch[(Header.checksum + 4)...].withUnsafeBytes {
      CRC32.checksum($0, continuing: head)
    }
    withUnsafeBytes(of: checksum.littleEndian) {
      patch.replaceSubrange(Header.checksum..<Header.checksum + 4, with: $0)
    }
    return patch
  }
}
