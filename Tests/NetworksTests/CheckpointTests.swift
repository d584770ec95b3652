import Foundation
import Networks
import Support
import Tasks
import Testing
import Training

@Suite struct CheckpointTests {
  private func checkpoint() throws -> Checkpoint {
    var options = TrainingOptions()
    options.epochs = 2
    var checkpoint = try Checkpoint.untrained(
      settings: SpectrogramSettings(),
      specification: NetworkSpecification(
        inputColumns: 5, inputChannels: 12,
        layers: [
          .convolution(outputChannels: 3, kernelColumns: 2, dilationColumns: 2), .dense(outputCount: 2),
        ]),
      classNames: ["N", "paced \"/\""], task: "types", split: "intra", training: options)
    checkpoint.completedSteps = 7
    return checkpoint
  }

  @Test func fileHoldsEverything() throws {
    let checkpoint = try checkpoint()
    let read = try Checkpoint(decoding: checkpoint.encoded(), file: "c")
    #expect(read == checkpoint)
    #expect(read.encoded() == checkpoint.encoded())
    let path = NSTemporaryDirectory() + "checkpoint-\(UUID().uuidString).safetensors"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try checkpoint.write(to: path)
    #expect(try Checkpoint.read(path) == checkpoint)
  }

  @Test func layoutIsSafetensors() throws {
    let bytes = try checkpoint().encoded()
    let headerLength = (0..<8).reduce(0) { $0 | Int(bytes[$1]) << (8 * $1) }
    let header = try #require(
      try JSONSerialization.jsonObject(with: bytes[8..<8 + headerLength]) as? [String: Any])
    let tensor = try #require(header["layers.0.weights"] as? [String: Any])
    #expect(tensor["dtype"] as? String == "F32")
    #expect(tensor["shape"] as? [Int] == [3, 2, 12])
    let offsets = try #require(tensor["data_offsets"] as? [Int])
    let first = 8 + headerLength + offsets[0]
    let bits = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[first + $1]) << (8 * $1) }
    #expect(try Float(bitPattern: bits) == checkpoint().layers[0].weights[0])
    #expect((header["__metadata__"] as? [String: String])?["task"] == "types")
  }

  @Test func finishedCheckpointIsSmall() throws {
    var checkpoint = try checkpoint()
    let growing = checkpoint.encoded().count
    checkpoint.completedSteps = checkpoint.training.totalSteps
    checkpoint.optimizer = nil
    let parameterCount = 3 * 2 * 12 + 2 * 3 + 2 * 3 * 3 + 2
    #expect(growing - checkpoint.encoded().count > 2 * 4 * parameterCount)
    #expect(try Checkpoint(decoding: checkpoint.encoded(), file: "c") == checkpoint)
  }

  @Test func missingFileIsMissing() {
    #expect { try Checkpoint.read("/nonexistent/c.safetensors") } throws: {
      ($0 as? FileError)?.kind == .missing
    }
  }

  @Test func everyTruncationIsMalformed() throws {
    let bytes = try checkpoint().encoded()
    for count in 0..<bytes.count {
      #expect { try Checkpoint(decoding: bytes.prefix(count), file: "c") } throws: {
        ($0 as? FileError)?.kind == .malformed
      }
    }
    #expect(throws: FileError.self) { try Checkpoint(decoding: bytes + [0], file: "c") }
  }

  @Test func mutationsNeverTrap() throws {
    let bytes = try checkpoint().encoded()
    var generator = SeededGenerator(seed: 99)
    var rejected = 0
    for _ in 0..<4_000 {
      var mutated = bytes
      for _ in 0...generator.nextIndex(below: 3) {
        // Most of the damage goes to the header, where the structure is.
        let end = generator.nextIndex(below: 4) == 0 ? bytes.count : 2_600
        mutated[generator.nextIndex(below: min(end, bytes.count))] = UInt8(generator.nextIndex(below: 256))
      }
      do {
        let read = try Checkpoint(decoding: mutated, file: "c")
        // What is accepted can be used.
        _ = try FloatExecution(FloatGraph(read)).logits(
          ofWindow: [Float](repeating: 0, count: read.window.columnCount * read.window.settings.binCount))
      } catch let error as FileError {
        #expect(error.kind == .malformed)
        rejected += 1
      }
    }
    #expect(rejected > 2_000)
  }

  @Test func impossibleContentsAreNamed() throws {
    let original = try checkpoint().encoded()
    let originalLength = Int(original[0]) | Int(original[1]) << 8
    let text = String(decoding: original[8..<8 + originalLength], as: UTF8.self)
    func error(_ old: String, _ new: String) -> FileError? {
      precondition(text.contains(old), old)
      let changed = Data(text.replacing(old, with: new).utf8)
      let length = withUnsafeBytes(of: UInt64(changed.count).littleEndian) { Data($0) }
      let bytes = length + changed + original[(8 + originalLength)...]
      do {
        _ = try Checkpoint(decoding: bytes, file: "c")
        return nil
      } catch {
        return error
      }
    }
    #expect(error("types", "beats") == nil)
    #expect(error("quantinfer-checkpoint-1", "quantinfer-checkpoint-9")?.location == "format")
    #expect(error(#"\"hopSamples\":8"#, #"\"hopSamples\":0"#)?.location == "spectrogram")
    #expect(error(#"\"kernelColumns\":2"#, #"\"kernelColumns\":9223372036854775807"#)?.location == "network")
    #expect(error(#"\"kernelColumns\":2"#, #"\"kernelColumns\":3"#)?.location == "tensor layers.0.weights")
    #expect(error(#"\"inputColumns\":5"#, #"\"inputColumns\":6"#)?.location == "tensor layers.1.weights")
    #expect(error(#"\"epochs\":2"#, #"\"epochs\":-2"#)?.location == "training")
    #expect(error(#""completedSteps":"7""#, #""completedSteps":"7000""#)?.location == "completedSteps")
    #expect(error(#""task""#, #""tusk""#)?.location == "task")
    #expect(error("[3,2,12]", "[3,2,9223372036854775807]")?.location == "tensor layers.0.weights")
    #expect(error(#""layers.0.mean""#, #""layers.0.meal""#)?.location == "tensor layers.0.mean")
    #expect(error(#""F32""#, #""F16""#) != nil)
  }
}
