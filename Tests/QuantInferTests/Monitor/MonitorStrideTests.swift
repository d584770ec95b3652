import ModelFiles
import QuantInfer
import Support
import Tasks
import Testing
import TestNetworks

/// Strides along time allow a decision every so many columns only; what is due between two of them waits.
@Suite struct MonitorStrideTests {
  /// The columns, counted from 1, at which a monitor decides, with the logits.
  private func decisions(
    _ loaded: LoadedModel, _ options: Monitor.Options, samples: [Int16]
  ) throws -> [(column: Int, logits: [Int8])] {
    let state = AlignedMemory(byteCount: try Monitor.stateByteCount(model: loaded.model, options: options))
    let scratch = AlignedMemory(byteCount: loaded.model.streamingScratchByteCount)
    var monitor = try Monitor(
      model: loaded.model, options: options, state: state.bytes, scratch: scratch.bytes)
    var logits = [Int8](repeating: 0, count: loaded.model.output.count)
    var decided: [(Int, [Int8])] = []
    var column = 0
    for sample in samples where monitor.push(sample) {
      column += 1
      while let decision = logits.withUnsafeMutableBufferPointer({ monitor.nextDecision(into: $0) }) {
        if decision.hasLogits { decided.append((column, logits)) }
      }
    }
    withExtendedLifetime((loaded, state, scratch)) {}
    return decided
  }

  /// The logits at every column that allows a decision.
  private func possible(_ loaded: LoadedModel, samples: [Int16]) throws -> [Int: [Int8]] {
    let state = AlignedMemory(byteCount: loaded.model.stateByteCount)
    let scratch = AlignedMemory(byteCount: loaded.model.streamingScratchByteCount)
    var pipeline = try StreamingPipeline(model: loaded.model, state: state.bytes, scratch: scratch.bytes)
    var logits = [Int8](repeating: 0, count: loaded.model.output.count)
    var possible: [Int: [Int8]] = [:]
    var column = 0
    for sample in samples where pipeline.push(sample) {
      column += 1
      guard pipeline.isWindowFull else { continue }
      logits.withUnsafeMutableBufferPointer { pipeline.decide(into: $0) }
      possible[column] = logits
    }
    withExtendedLifetime((loaded, state, scratch)) {}
    return possible
  }

  @Test func aStrokeOfTheClockBetweenTwoPossibleDecisionsWaitsForTheNext() throws {
    let tables = try FrontEndTables(SpectrogramSettings(), microvoltsPerCount: 1)
    var networks = RandomNetworks(random: SeededGenerator(seed: 90))
    var random = SeededGenerator(seed: 91)
    let samples = (0..<3000).map { _ in Int16(truncatingIfNeeded: random.next()) >> 3 }
    var waited = 0
    for _ in 0..<30 {
      let image = try ModelImage(
        networks.streamableWithStrides(bins: tables.settings.binCount), frontEnd: tables, mustStream: true)
      let loaded = try LoadedModel(image: image.bytes)
      let possible = try possible(loaded, samples: samples)
      let full = possible.keys.sorted()
      let clock = 1 + random.nextIndex(below: 9)
      var options = Monitor.Options()
      options.pace = .everyColumns(clock)
      let decided = try decisions(loaded, options, samples: samples)
      // The first possible decision at or after each stroke, once the window has been full.
      let columnCount = tables.settings.columnCount(sampleCount: samples.count)
      let first = try #require(full.first)
      var expected: [Int] = []
      for stroke in stride(from: clock, through: columnCount, by: clock) where stroke >= first {
        guard let column = full.first(where: { $0 >= stroke }) else { continue }
        if column > stroke { waited += 1 }
        if expected.last != column { expected.append(column) }
      }
      #expect(decided.map(\.column) == expected)
      #expect(decided.allSatisfy { possible[$0.column] == $0.logits })
    }
    #expect(waited > 100)
  }
}
