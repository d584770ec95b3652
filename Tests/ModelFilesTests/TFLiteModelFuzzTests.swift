import Foundation
import ModelFiles
import Networks
import Support
import Testing
import TestNetworks
import TestSupport

/// Damaged `.tflite` models give a typed error or a clean run; see `Fuzzing`.
@Suite struct TFLiteModelFuzzTests {
  @Test func mutatedModelsAreRefusedOrRun() throws {
    let models = Fuzzing.models
    try #require(models.count > 100)
    let outcomes = (0..<8).map { share in
      FuzzingOutcome(rounds: 1250 * Fuzzing.factor, seed: 62 + UInt64(share)) { random in
        var bytes = models[random.nextIndex(below: models.count)]
        for _ in 0...random.nextIndex(below: 4) {
          let index = bytes.startIndex + random.nextIndex(below: bytes.count)
          // A changed bit of a length or an offset hits more than a random byte.
          bytes[index] =
            random.nextIndex(below: 2) == 0
            ? bytes[index] ^ (1 << UInt8(random.nextIndex(below: 8)))
            : UInt8(truncatingIfNeeded: random.next())
        }
        let model = try TFLiteModel(decoding: bytes, file: "")
        return try ModelImage(QuantizedNetwork(importing: model), frontEnd: nil).bytes
      }
    }
    let (refused, ran) = (outcomes.reduce(0) { $0 + $1.refused }, outcomes.reduce(0) { $0 + $1.ran })
    print("mutated .tflite models: \(refused) refused, \(ran) ran")
    #expect(refused > 500 && ran > 500)
    #expect(outcomes.allSatisfy { $0.refusedOtherwise == 0 }, "a refusal isn't one line")
  }

  @Test func truncatedModelsAreRefused() throws {
    var (truncations, accepted) = (0, 0)
    for data in Fuzzing.models + ConformanceFiles.models.compactMap({ try? Files.read($0) }) {
      // Every length in the long run, and of small files; otherwise some of them.
      let step = Fuzzing.factor > 1 || data.count < 3000 ? 1 : 997
      for count in stride(from: 0, to: data.count, by: step) {
        truncations += 1
        if let model = try? TFLiteModel(decoding: data.prefix(count), file: ""),
          (try? QuantizedNetwork(importing: model)) != nil
        {
          // What is missing at the end may be padding.
          accepted += 1
          #expect(data.count - count < 16, "\(count) of \(data.count) bytes")
        }
      }
    }
    print("truncated .tflite models: \(truncations), \(accepted) of them without padding alone")
    #expect(truncations > 100_000)
  }
}
