import HostDevice
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

  /// A decision, with the column after which it came and the age of the beat.
  private struct AboutBeat {
    let column: Int
    let beat: Int
    let logits: [Int8]
  }

  /// A monitor's columns, and its decisions about given beats.
  private func decisions(
    _ loaded: LoadedModel, delaySamples: Int, beats: [Int], samples: [Int16]
  ) throws -> (columns: [[Int8]], decisions: [AboutBeat]) {
    var options = Monitor.Options()
    (options.pace, options.delaySamples) = (.givenBeats, delaySamples)
    let state = AlignedMemory(byteCount: try Monitor.stateByteCount(model: loaded.model, options: options))
    let scratch = AlignedMemory(byteCount: loaded.model.streamingScratchByteCount)
    var monitor = try Monitor(
      model: loaded.model, options: options, state: state.bytes, scratch: scratch.bytes)
    var logits = [Int8](repeating: 0, count: loaded.model.output.count)
    var (columns, decided): ([[Int8]], [AboutBeat]) = ([], [])
    for (index, sample) in samples.enumerated() {
      let isColumn = monitor.push(sample)
      if beats.contains(index) { monitor.addBeat(samplesAgo: 0) }
      guard isColumn else { continue }
      columns.append(Array(monitor.newestColumn))
      while let decision = logits.withUnsafeMutableBufferPointer({ monitor.nextDecision(into: $0) }) {
        guard decision.hasLogits, let age = decision.beatAge else { continue }
        decided.append(AboutBeat(column: columns.count - 1, beat: index - age, logits: logits))
      }
    }
    withExtendedLifetime((loaded, state, scratch)) {}
    return (columns, decided)
  }

  @Test func aStridedNetworkDecidesAboutABeatAtItsDelayWithTheWholeWindowsBits() throws {
    let settings = SpectrogramSettings()
    let tables = try FrontEndTables(settings, microvoltsPerCount: 1)
    var networks = RandomNetworks(random: SeededGenerator(seed: 92))
    var random = SeededGenerator(seed: 93)
    var decisionCount = 0
    var (takingColumns, taking) = (0, Set<Int>())
    var phases: [Int: Set<Int>] = [:]
    for _ in 0..<40 {
      let network = networks.streamableWithStrides(bins: settings.binCount)
      let strides = try StreamingPlan(network, frontEnd: tables).columnsPerDecision
      // At many decisions a second columns pay, at few the whole window.
      let decisionsPerSecond = [0.01, 70.0 / 60, 100][random.nextIndex(below: 3)]
      let loaded = try LoadedModel(
        image: ModelImage(
          network, frontEnd: tables, mustStream: true, mode: .everyColumn,
          decisionsPerSecond: decisionsPerSecond
        ).bytes)
      let layout = try #require(loaded.model.streaming)
      #expect(layout.columnsPerDecision == 1)
      if strides > 1 {
        taking.insert(layout.tailStart)
        if layout.tailStart > 0 { takingColumns += 1 }
      }
      let whole = try LoadedModel(image: ModelImage(network, frontEnd: nil).bytes)
      let arena = AlignedMemory(byteCount: whole.model.arenaByteCount)
      let room = AlignedMemory(byteCount: whole.scratchByteCount)
      var engine = try WholeWindow(model: whole.model, arena: arena.bytes, scratch: room.bytes)

      let samples = (0..<2400).map { _ in Int16(truncatingIfNeeded: random.next()) >> 3 }
      var beats: [Int] = []
      while (beats.last ?? 0) < 2300 { beats.append((beats.last ?? 500) + 20 + random.nextIndex(below: 60)) }
      let delay = random.nextIndex(below: 90)
      let run = try decisions(loaded, delaySamples: delay, beats: beats, samples: samples)
      let windowColumns = network.tensors[0].shape[1]
      for decision in run.decisions {
        // The first column whose last sample lies the delay or more after the beat.
        #expect(decision.column == settings.firstColumn(reaching: decision.beat + delay))
        let window = run.columns[(decision.column + 1 - windowColumns)...decision.column].flatMap { $0 }
        _ = engine.input.update(fromContentsOf: window)
        engine.run()
        #expect(decision.logits == Array(engine.output))
        phases[strides, default: []].insert(decision.column % strides)
      }
      let decidable = beats.filter {
        let column = settings.firstColumn(reaching: $0 + delay)
        return column >= windowColumns - 1 && column < run.columns.count
      }
      #expect(run.decisions.map(\.beat) == decidable)
      decisionCount += run.decisions.count
      withExtendedLifetime((whole, arena, room)) {}
    }
    #expect(decisionCount > 800 && takingColumns > 3 && taking.count > 1)
    #expect(phases.keys.contains { $0 > 3 })
    for (strides, seen) in phases where strides <= 9 { #expect(seen.count == strides, "\(strides)") }
  }

  @Test func aMonitorRefusesBeatsWhereStridesWouldMakeDecisionsLate() throws {
    let tables = try FrontEndTables(SpectrogramSettings(), microvoltsPerCount: 1)
    var networks = RandomNetworks(random: SeededGenerator(seed: 94))
    var strided = 0
    for _ in 0..<20 {
      let image = try ModelImage(
        networks.streamableWithStrides(bins: tables.settings.binCount), frontEnd: tables, mustStream: true)
      let loaded = try LoadedModel(image: image.bytes)
      var options = Monitor.Options()
      options.pace = .everyColumns(4)
      _ = try Monitor.stateByteCount(model: loaded.model, options: options)
      for pace in [Monitor.Pace.givenBeats, .detectedBeats] where loaded.obstacleToBeats != nil {
        options.pace = pace
        strided += 1
        #expect(throws: MemoryError.decidesByClockAlone) {
          _ = try Monitor.stateByteCount(model: loaded.model, options: options)
        }
      }
    }
    #expect(strided > 10)
  }
}
