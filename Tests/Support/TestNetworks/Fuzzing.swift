import Foundation
import ModelFiles
import QuantInfer
import Support
import TestSupport

/// What fuzzing starts from.
///
/// The variable `FUZZ` multiplies the rounds; `make fuzz-models` sets it, under AddressSanitizer.
package enum Fuzzing {
  /// What multiplies the rounds.
  package static let factor = ProcessInfo.processInfo.environment["FUZZ"].flatMap(Int.init) ?? 1

  /// Small models of every operator and type, and the public ones where they are.
  package static let models: [Data] = {
    var operators = OperatorModels(random: SeededGenerator(seed: 61))
    let small = operators.all().compactMap { try? $0.model.encoded() }
    return small + ConformanceFiles.models.compactMap { try? Files.read($0) }.filter { $0.count < 60_000 }
  }()
}

/// What became of some damaged files.
package struct FuzzingOutcome {
  /// Those that were refused.
  package var refused = 0
  /// Those of them whose refusal isn't one line.
  package var refusedOtherwise = 0
  /// Those that ran.
  package var ran = 0
  /// Those of the runs that also took samples.
  package var streamed = 0

  /// Damages files at random, loads them and runs what is taken.
  package init(rounds: Int, seed: UInt64, damaged: (inout SeededGenerator) throws -> [UInt8]) {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<rounds {
      let image: [UInt8]
      do {
        image = try damaged(&random)
      } catch {
        let line = "\(error)"
        if line.isEmpty || line.contains(where: \.isNewline) { refusedOtherwise += 1 }
        refused += 1
        continue
      }
      guard let loaded = try? LoadedModel(image: image),
        loaded.model.arenaByteCount < 1 << 20, loaded.model.scratchByteCount < 1 << 20
      else {
        refused += 1
        continue
      }
      run(loaded, &random)
      ran += 1
      if stream(loaded, &random) { streamed += 1 }
    }
  }

  private func run(_ loaded: LoadedModel, _ random: inout SeededGenerator) {
    let model = loaded.model
    let arena = AlignedMemory(byteCount: model.arenaByteCount)
    // No more memory than the image asks for, so that a sanitizer sees what goes beyond it.
    let scratch = AlignedMemory(byteCount: model.scratchByteCount)
    let instructions: InstructionSet = random.nextIndex(below: 2) == 0 ? .portable : .best
    guard
      var engine = try? WholeWindow(
        model: model, arena: arena.bytes, scratch: scratch.bytes, instructions: instructions)
    else { return }
    for index in arena.bytes.indices { arena.bytes[index] = UInt8(truncatingIfNeeded: random.next()) }
    engine.reset()
    engine.run()
    withExtendedLifetime((loaded, arena, scratch)) {}
  }

  /// Streams some samples; false where the model can't.
  private func stream(_ loaded: LoadedModel, _ random: inout SeededGenerator) -> Bool {
    let model = loaded.model
    guard let streaming = model.streaming, model.stateByteCount < 1 << 20, model.output.count < 1 << 16
    else { return false }
    let state = AlignedMemory(byteCount: model.stateByteCount)
    let scratch = AlignedMemory(byteCount: streaming.scratchByteCount)
    guard var pipeline = try? StreamingPipeline(model: model, state: state.bytes, scratch: scratch.bytes)
    else { return false }
    var logits = [Int8](repeating: 0, count: model.output.count)
    for _ in 0..<500 where pipeline.push(Int16(truncatingIfNeeded: random.next())) {
      if pipeline.isWindowFull { logits.withUnsafeMutableBufferPointer { pipeline.decide(into: $0) } }
    }
    withExtendedLifetime((loaded, state, scratch)) {}
    return true
  }
}
