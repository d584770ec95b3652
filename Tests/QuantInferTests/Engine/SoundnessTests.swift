import ECG
import HostDevice
import ModelFiles
import Networks
import QuantInfer
import Simulation
import Support
import Tasks
import Testing
import TestNetworks
import TestSupport

/// States that lose bits, where strides keep a pace of their own and in a device's whole loop; the run that lost none is the
/// truth.
@Suite struct SoundnessTests {
  private func samples(_ count: Int, seed: UInt64) -> [Int16] {
    var random = SeededGenerator(seed: seed)
    return (0..<count).map { _ in Int16(random.next(in: -3000...3000)) }
  }

  /// Between two fences of zeros.
  private struct Fenced {
    private let memory: AlignedMemory
    let bytes: UnsafeMutableRawBufferPointer

    init(_ byteCount: Int) {
      memory = AlignedMemory(byteCount: byteCount + 128)
      bytes = UnsafeMutableRawBufferPointer(rebasing: memory.bytes[64..<64 + byteCount])
    }

    var isWhole: Bool { (memory.bytes.prefix(64) + memory.bytes.suffix(64)).allSatisfy { $0 == 0 } }

    func flip(_ bit: Int) { bytes[bit / 8] ^= 1 << UInt8(bit % 8) }
  }

  @Test func aLostPaceIsFoundAtAnyLaterTime() throws {
    var networks = RandomNetworks(random: SeededGenerator(seed: 91))
    let tables = try FrontEndTables(SpectrogramSettings(), microvoltsPerCount: 1)
    var (found, healed) = (0, 0)
    for round in 0..<12 {
      let loaded = try LoadedModel(
        image: ModelImage(
          networks.streamableWithStrides(bins: tables.settings.binCount, pads: round % 2 == 1),
          frontEnd: tables, mustStream: true, decisionsPerSecond: 1000
        ).bytes)
      let model = loaded.model
      let (state, scratch) = (Fenced(model.stateByteCount), Fenced(model.streamingScratchByteCount))
      var pipeline = try StreamingPipeline(model: model, state: state.bytes, scratch: scratch.bytes)
      let all = samples(2600, seed: UInt64(round))
      func run(_ range: Range<Int>) -> [Int: [Int8]] {
        var decisions: [Int: [Int8]] = [:]
        var logits = [Int8](repeating: 0, count: model.output.count)
        for index in range where pipeline.push(all[index]) {
          let isFull = logits.withUnsafeMutableBufferPointer { pipeline.decideIfFull(into: $0) }
          if isFull { decisions[index] = logits }
        }
        return decisions
      }
      let begin = 900 + round
      _ = run(0..<begin)
      let before = Array(state.bytes)
      let last = run(begin..<all.count).filter { $0.key >= all.count - 400 }
      // The words that keep the pace: the samples until the next column, and the operators' cursors.
      let cursors = ModelFormat.State.frontEndByteCount(windowSamples: 32)
      let layout = try #require(model.streaming)
      let places = Array(12..<16) + Array(cursors..<cursors + 4 * (layout.tailStart + 1))
      for bit in places.flatMap({ 8 * $0..<8 * $0 + 8 }) {
        state.bytes.copyBytes(from: before)
        state.flip(bit)
        let decisions = run(begin..<all.count)
        #expect(state.isWhole && scratch.isWhole, "network \(round), bit \(bit)")
        // Asked long after it was lost.
        if pipeline.isStateSound {
          healed += 1
          #expect(last.allSatisfy { decisions[$0.key] == $0.value }, "network \(round), bit \(bit)")
        } else {
          found += 1
        }
      }
      withExtendedLifetime(loaded) {}
    }
    print("\(found) lost bits found, \(healed) healed")
    #expect(found > 300 && healed > 300)
  }

  // claim: lost-bits
  @Test(arguments: [(0, Monitor.Pace.detectedBeats), (10, .detectedBeats), (0, .everyColumns(5))])
  func aMonitorThatLosesAnyBitOfItsStateStaysInItAndDecidesAgain(
    wakePercent: Int, pace: Monitor.Pace
  ) throws {
    let loaded = try LoadedModel(file: ProjectFiles.model)
    defer { withExtendedLifetime(loaded) {} }
    let model = loaded.model
    var options = Monitor.Options()
    (options.delaySamples, options.wakePercent) = (90, wakePercent)
    options.rhythmPrior = .init(classIndex: 0, codesPerOctave: 100, neutralPartLog2Q16: -21_098)
    (options.policy.majorityCount, options.policy.hysteresisCount) = (3, 2)
    options.pace = pace
    let places = try Monitor.StateLayout(model, options)
    let (state, scratch) = (Fenced(places.byteCount), Fenced(model.streamingScratchByteCount))
    var monitor = try Monitor(model: model, options: options, state: state.bytes, scratch: scratch.bytes)
    let all = try Acquisition(
      Record.read(ProjectFiles.record), lead: nil, sampleRateHz: 128, profile: .reference, file: "mitdb-208"
    ).samples
    var logits = [Int8](repeating: 0, count: model.output.count)
    func decisions(_ range: Range<Int>) -> Int {
      var count = 0
      for index in range where monitor.push(all[index]) {
        while logits.withUnsafeMutableBufferPointer({ monitor.nextDecision(into: $0) }) != nil { count += 1 }
      }
      return count
    }
    let begin = 12 * 128 + 5
    _ = decisions(0..<begin)
    let before = Array(state.bytes)
    // The last ten of forty seconds, in which the detector has healed.
    let (heal, end) = (begin + 38 * 128, begin + 48 * 128)
    _ = decisions(begin..<heal)
    let expected = decisions(heal..<end)
    try #require(expected > 5)
    let words: Range<Int> = places.words
    let wordBits = stride(from: 8 * words.lowerBound, to: 8 * words.upperBound, by: 9)
    let otherBits = stride(from: 0, to: 8 * places.byteCount, by: 331)
    let bits: [Int] = Array(wordBits) + Array(otherBits)
    for bit in bits {
      state.bytes.copyBytes(from: before)
      state.flip(bit)
      _ = decisions(begin..<heal)
      let count = decisions(heal..<end)
      #expect(state.isWhole && scratch.isWhole && monitor.isStateSound, "bit \(bit)")
      // A clock may strike at another column than it did; a beat near the end's edge may come earlier or later.
      #expect(abs(count - expected) <= 1, "bit \(bit): \(count) decisions for \(expected)")
    }
  }
}
