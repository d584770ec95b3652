import Foundation
import ModelFiles
import Networks
import QuantInfer
import Support
import Tasks
import Testing
import TestNetworks
import TestSupport

/// Damaged images give a typed error or a clean run; see `Fuzzing`.
@Suite struct ModelFuzzTests {
  // claim: images
  @Test func mutatedImagesOfEveryOperatorAreRefusedOrRun() throws {
    let images = Fuzzing.models.compactMap { data -> [UInt8]? in
      guard let model = try? TFLiteModel(decoding: data, file: ""),
        let network = try? QuantizedNetwork(importing: model)
      else { return nil }
      return try? ModelImage(network, frontEnd: nil).bytes
    }
    try #require(images.count > 100)
    let outcomes = (0..<8).map { share in
      FuzzingOutcome(rounds: 1250 * Fuzzing.factor, seed: 72 + UInt64(share)) { random in
        var bytes = images[random.nextIndex(below: images.count)]
        for _ in 0...random.nextIndex(below: 3) {
          // Most mutations hit the records, which lie in front.
          let limit = random.nextIndex(below: 4) > 0 ? min(900, bytes.count) : bytes.count
          let index = random.nextIndex(below: limit)
          bytes[index] =
            random.nextIndex(below: 2) == 0
            ? bytes[index] ^ (1 << UInt8(random.nextIndex(below: 8)))
            : UInt8(truncatingIfNeeded: random.next())
        }
        return resealed(bytes)
      }
    }
    let (refused, ran) = (outcomes.reduce(0) { $0 + $1.refused }, outcomes.reduce(0) { $0 + $1.ran })
    print("mutated images: \(refused) refused, \(ran) ran")
    #expect(refused > 500 && ran > 500)
  }

  // claim: images
  @Test func mutatedStreamingImagesAreRefusedOrStream() throws {
    let tables = try FrontEndTables(SpectrogramSettings(), microvoltsPerCount: 1)
    var networks = RandomNetworks(random: SeededGenerator(seed: 80))
    let images = try (0..<60).map { _ in
      try ModelImage(
        networks.streamableWithStrides(bins: tables.settings.binCount), frontEnd: tables, mustStream: true
      ).bytes
    }
    var streamed = 0
    let outcomes = (0..<8).map { share in
      FuzzingOutcome(rounds: 500 * Fuzzing.factor, seed: 82 + UInt64(share)) { random in
        var bytes = images[random.nextIndex(below: images.count)]
        let operators = word(bytes, at: networkField(ModelFormat.Network.operators, of: bytes))
        let state = networkField(ModelFormat.Network.stateByteCount, of: bytes)
        for _ in 0...random.nextIndex(below: 3) {
          // Most mutations hit the state's size and the rings.
          let place =
            switch random.nextIndex(below: 4) {
            case 0: random.nextIndex(below: bytes.count)
            case 1: state + random.nextIndex(below: 4)
            default:
              operators + random.nextIndex(below: 4) * ModelFormat.Operator.byteCount
                + ModelFormat.Operator.ring + random.nextIndex(below: 8)
            }
          bytes[place] =
            random.nextIndex(below: 2) == 0
            ? bytes[place] ^ (1 << UInt8(random.nextIndex(below: 8)))
            : UInt8(truncatingIfNeeded: random.next())
        }
        let image = resealed(bytes)
        if stream(image, &random) { streamed += 1 }
        return image
      }
    }
    let refused = outcomes.reduce(0) { $0 + $1.refused }
    print(
      "mutated streaming images: \(refused) refused, \(streamed) streamed, with states of flipped bits too")
    #expect(refused > 500 && streamed > 500)
  }

  /// Streams samples through an image in no more memory than it asks for, flipping bits of the state on the way.
  ///
  /// Returns whether it could stream.
  private func stream(_ image: [UInt8], _ random: inout SeededGenerator) -> Bool {
    guard let loaded = try? LoadedModel(image: image), loaded.model.isStreamable,
      loaded.model.stateByteCount < 1 << 20, loaded.model.streamingScratchByteCount < 1 << 20
    else { return false }
    let model = loaded.model
    let state = AlignedMemory(byteCount: model.stateByteCount)
    let scratch = AlignedMemory(byteCount: model.streamingScratchByteCount)
    let instructions: InstructionSet = random.nextIndex(below: 2) == 0 ? .portable : .best
    guard
      var pipeline = try? StreamingPipeline(
        model: model, state: state.bytes, scratch: scratch.bytes, instructions: instructions)
    else { return false }
    var logits = [Int8](repeating: 0, count: model.output.count)
    for index in 0..<600 {
      if index % 40 == 39 {
        state.bytes[random.nextIndex(below: state.bytes.count)] ^= 1 << UInt8(random.nextIndex(below: 8))
        // What a device does where its memory may lose bits.
        if !pipeline.isStateSound { pipeline.reset() }
      }
      if pipeline.push(Int16(truncatingIfNeeded: random.next())), pipeline.isWindowFull {
        logits.withUnsafeMutableBufferPointer { pipeline.decide(into: $0) }
      }
    }
    withExtendedLifetime((loaded, state, scratch)) {}
    return true
  }

  // claim: images
  @Test func mutatedFrontEndsAreRefusedOrStream() throws {
    var models = TimeSeriesModels(random: SeededGenerator(seed: 63))
    var images: [[UInt8]] = []
    for round in 0..<12 {
      let network = try QuantizedNetwork(importing: models.network(.image).model)
      let input = network.tensors[network.inputs[0].tensor]
      var settings = SampleSettings(sampleRateHz: 360, microvoltsPerUnit: 1000)
      settings.highPassShift = round % 2 == 0 ? 5 : nil
      let samples = FrontEndTables.samples(
        try SampleScaling(settings, microvoltsPerCount: 2.5, input: input))
      images.append(
        try ModelImage(
          network.withTimeInColumns(of: 1), frontEnd: samples, mustStream: true,
          mode: round % 3 == 0 ? .window : .columns
        ).bytes)
      var networks = RandomNetworks(random: models.random)
      let tables = try FrontEndTables(SpectrogramSettings(), microvoltsPerCount: 2.5)
      images.append(
        try ModelImage(
          networks.streamable(bins: tables.settings.binCount, depth: round % 4), frontEnd: tables,
          mustStream: true
        ).bytes)
      models.random = networks.random
    }
    let outcomes = (0..<8).map { share in
      FuzzingOutcome(rounds: 1250 * Fuzzing.factor, seed: 82 + UInt64(share)) { random in
        var bytes = images[random.nextIndex(below: images.count)]
        let record = word(bytes, at: networkField(ModelFormat.Network.frontEnd, of: bytes))
        for _ in 0...random.nextIndex(below: 3) {
          // Half of the mutations hit the front end's record.
          let index =
            random.nextIndex(below: 2) == 0
            ? record + random.nextIndex(below: ModelFormat.FrontEnd.byteCount)
            : random.nextIndex(below: bytes.count)
          bytes[index] =
            random.nextIndex(below: 2) == 0
            ? bytes[index] ^ (1 << UInt8(random.nextIndex(below: 8)))
            : UInt8(truncatingIfNeeded: random.next())
        }
        return resealed(bytes)
      }
    }
    let (refused, streamed) = (
      outcomes.reduce(0) { $0 + $1.refused }, outcomes.reduce(0) { $0 + $1.streamed }
    )
    print("mutated front ends: \(refused) refused, \(streamed) streamed")
    #expect(refused > 500 && streamed > 500)
  }
}
