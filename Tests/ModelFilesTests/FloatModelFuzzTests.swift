import Foundation
import ModelFiles
import Networks
import Support
import Testing
import TestSupport

/// Damaged float models are refused in one line, or run; the variable `FUZZ` multiplies the rounds.
@Suite struct FloatModelFuzzTests {
  private static let factor = ProcessInfo.processInfo.environment["FUZZ"].flatMap(Int.init) ?? 1

  /// The project's own models of a kind, by their ending, and public ones where they are; small ones that are quickly read.
  private static func models(_ ending: String) throws -> [Data] {
    let folders = ["Tests/Oracle/onnx", "Tests/Oracle/beats"].map(ProjectFiles.path)
    let own = folders.flatMap { folder in
      ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
        .map { "\(folder)/\($0)" }
    }
    let keras = KerasNetworks.names.map { "\(KerasNetworks.folder)/\($0).float.tflite" }
    return try (own + keras).filter { $0.hasSuffix(ending) }.map { try Files.read($0) }.filter {
      $0.count < 40_000
    }
  }

  /// Models that would need more values than these are read, not run.
  private static let mostValues = 1 << 18

  @Test(arguments: [".onnx", ".tflite"]) func mutatedModelsAreRefusedOrRun(ending: String) throws {
    let models = try Self.models(ending)
    var random = SeededGenerator(seed: 21)
    var (refused, ran, large) = (0, 0, 0)
    var slowest = Duration.zero
    for _ in 0..<400 * Self.factor {
      var data = models[random.nextIndex(below: models.count)]
      for _ in 0...random.nextIndex(below: 4) {
        let place = random.nextIndex(below: data.count)
        // A changed bit of a length or an offset hits more than a random byte.
        data[place] =
          random.nextIndex(below: 2) == 0
          ? data[place] ^ (1 << UInt8(random.nextIndex(below: 8))) : UInt8(truncatingIfNeeded: random.next())
      }
      let time = ContinuousClock().measure {
        do {
          let network = try FloatNetwork(decoding: data, file: "m" + ending)
          guard network.graph.tensors.reduce(0, { $0 + $1.count }) < Self.mostValues else {
            large += 1
            return
          }
          _ = try FloatExecution(network.graph).logits(
            ofWindow: [Float](repeating: 0.5, count: network.graph.windowCount))
          ran += 1
        } catch {
          #expect(!"\(error)".contains("\n"), "\(error)")
          refused += 1
        }
      }
      slowest = max(slowest, time)
    }
    print("mutated \(ending) models: \(refused) refused, \(ran) ran, \(large) too large, slowest \(slowest)")
    #expect(refused > 50 && ran > 50)
    #expect(slowest < .seconds(1))
  }

  @Test(arguments: [".onnx", ".tflite"]) func truncatedModelsAreRefusedInOneLine(ending: String) throws {
    for data in try Self.models(ending) {
      for count in stride(from: 0, to: data.count, by: Self.factor > 1 ? 1 : data.count > 4000 ? 61 : 7) {
        do {
          _ = try FloatNetwork(decoding: data.prefix(count), file: "m" + ending)
          // What is missing at a .tflite file's end may be padding. The quantized .onnx files have 33 bytes of metadata behind
          // all that counts.
          let missing = data.count - count
          #expect(ending == ".tflite" ? missing < 16 : missing == 33, "\(count) of \(data.count) bytes")
        } catch { #expect(!"\(error)".contains("\n"), "\(error)") }
      }
    }
  }
}
