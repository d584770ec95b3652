import Foundation
import ModelFiles
import QuantInfer
import Support

/// The time of an inference beside LiteRT's, on one thread, in one run.
///
/// Each is measured in turn several times, so that other programs' load meets all of them; the least time counts.
struct LiteRTBenchmark {
  let timer: PythonTimer

  /// Prints a row for each model.
  func run(_ models: [String]) throws {
    print("An inference on one thread, least of five turns, in microseconds (\(InstructionSet.best))")
    print(row("model", ["QuantInfer", "portable", "XNNPACK", "reference", "/XNNPACK", "/reference"]))
    for model in models {
      let name = URL(fileURLWithPath: model).deletingPathExtension().lastPathComponent
      let loaded: LoadedModel
      do {
        loaded = try LoadedModel.read(model)
      } catch {
        print("  " + name.padding(toLength: 26, withPad: " ", startingAt: 0) + "  refused: \(error.problem)")
        continue
      }
      var best = [String: Double]()
      for _ in 0..<5 {
        for kind in ["QuantInfer", "portable", "xnnpack", "reference"] {
          let time =
            switch kind {
            case "QuantInfer": try microseconds(loaded, .best)
            case "portable": try microseconds(loaded, .portable)
            default: try microseconds(kind, model)
            }
          best[kind] = min(best[kind] ?? .infinity, time)
        }
      }
      func text(_ value: Double?) -> String {
        value.map { $0.isFinite ? Numbers.decimal($0, places: $0 < 10 ? 2 : 1) : "failed" } ?? ""
      }
      func ratio(_ kind: String) -> String {
        guard let ours = best["QuantInfer"], let theirs = best[kind], theirs.isFinite else { return "" }
        return Numbers.decimal(ours / theirs, places: 3)
      }
      print(
        row(
          name,
          ["QuantInfer", "portable", "xnnpack", "reference"].map { text(best[$0]) }
            + [ratio("xnnpack"), ratio("reference")]))
    }
    try timer.stop()
  }

  private func row(_ name: String, _ cells: [String]) -> String {
    let padded = cells.map { String(repeating: " ", count: max(0, 11 - $0.count)) + $0 }
    return "  " + name.padding(toLength: 26, withPad: " ", startingAt: 0) + padded.joined()
  }

  /// This project's time: the least mean of ten shares of 0.2 s.
  private func microseconds(_ loaded: LoadedModel, _ instructions: InstructionSet) throws -> Double {
    let arena = AlignedMemory(byteCount: loaded.model.arenaByteCount)
    let scratch = AlignedMemory(byteCount: loaded.scratchByteCount)
    var engine = try WholeWindow(
      model: loaded.model, arena: arena.bytes, scratch: scratch.bytes, instructions: instructions)
    var random = SeededGenerator(seed: 1)
    for index in arena.bytes.indices { arena.bytes[index] = UInt8(truncatingIfNeeded: random.next()) }
    let clock = ContinuousClock()
    var best = Double.infinity
    for _ in 0..<10 {
      var count = 0
      let start = clock.now
      while clock.now - start < .milliseconds(20) {
        for _ in 0..<4 { engine.run() }
        count += 4
      }
      best = min(best, (clock.now - start) / .seconds(1) / Double(count))
    }
    return best * 1e6
  }

  /// LiteRT's time, or infinity where it fails.
  private func microseconds(_ kind: String, _ model: String) throws -> Double {
    try timer.time("\(kind) 0.2 \(model)")
  }
}
