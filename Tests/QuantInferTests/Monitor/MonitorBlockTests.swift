import ECG
import HostDevice
import ModelFiles
import QuantInfer
import Simulation
import Support
import TestNetworks
import TestSupport
import Testing

/// A device that takes its samples one by one is the truth.
@Suite struct MonitorBlockTests {
  /// What a run leaves behind: announcements with their samples and logits, and the whole state from time to time.
  private struct Trace: Equatable {
    var decisions: [[Int]] = []
    var states: [UInt32] = []
    var columns = 0
  }

  private func trace(
    _ loaded: LoadedModel, _ options: Monitor.Options, beats: [Int] = [], samples: [Int16],
    lostBits: [(sample: Int, bit: Int)] = [], blocks: (Int) -> Int
  ) throws -> Trace {
    let state = AlignedMemory(byteCount: try Monitor.stateByteCount(model: loaded.model, options: options))
    let scratch = AlignedMemory(byteCount: loaded.model.streamingScratchByteCount)
    var monitor = try Monitor(
      model: loaded.model, options: options, state: state.bytes, scratch: scratch.bytes)
    var logits = [Int8](repeating: 0, count: loaded.model.output.count)
    var trace = Trace()
    var (taken, nextBeat, nextBit, block) = (0, 0, 0, 0)
    samples.withUnsafeBufferPointer { all in
      while taken < samples.count {
        if nextBit < lostBits.count, lostBits[nextBit].sample == taken {
          let bit = lostBits[nextBit].bit % (8 * state.bytes.count)
          state.bytes[bit / 8] ^= 1 << UInt8(bit % 8)
          nextBit += 1
        }
        // A given beat ends a block, as a lost bit does: it is told of between two samples.
        let wanted = max(1, blocks(block))
        var limit = nextBeat < beats.count ? min(wanted, beats[nextBeat] - taken + 1) : wanted
        if nextBit < lostBits.count { limit = min(limit, lostBits[nextBit].sample - taken) }
        let part = UnsafeBufferPointer(rebasing: all[taken..<min(samples.count, taken + limit)])
        var endsColumn: Bool
        if wanted == 1 {
          endsColumn = monitor.push(part[0])
          taken += 1
        } else {
          let fed = monitor.feed(part)
          #expect(fed.count > 0 && fed.count <= part.count && (fed.endsColumn || fed.count == part.count))
          (taken, endsColumn) = (taken + fed.count, fed.endsColumn)
        }
        while nextBeat < beats.count, beats[nextBeat] < taken {
          monitor.addBeat(samplesAgo: taken - 1 - beats[nextBeat])
          nextBeat += 1
        }
        if endsColumn {
          trace.columns += 1
          while let decision = logits.withUnsafeMutableBufferPointer({ monitor.nextDecision(into: $0) }) {
            let said: [Int] =
              switch decision.announcement {
              case .result(let classIndex, let margin): [classIndex, margin]
              case .noResult(let reason): [-1, Int(reason.rawValue)]
              case .asleep: [-2]
              }
            trace.decisions.append([taken, decision.beatAge ?? -1] + said + logits.map(Int.init))
          }
          // Blocks end anywhere, columns at the same samples.
          if trace.columns % 16 == 0 {
            trace.states.append(CRC32.checksum(UnsafeRawBufferPointer(state.bytes)))
          }
        }
        block += 1
      }
    }
    withExtendedLifetime((loaded, state, scratch)) {}
    return trace
  }

  @Test(arguments: [DecisionTiming.detectedBeats, .everyColumns(5), .givenBeats((1...60).map { 250 * $0 })])
  func blocksOfAnyLengthGiveTheBitsOfSamples(timing: DecisionTiming) throws {
    let loaded = try LoadedModel(file: ProjectFiles.model)
    var disturbances = Disturbances()
    disturbances.leadOff = [Stretch(startSeconds: 40, seconds: 5)]
    let acquisition = try Acquisition(
      Record.read(ProjectFiles.record), lead: nil, sampleRateHz: 128, profile: .reference,
      file: "mitdb-208", disturbances: disturbances)
    let samples = Array(acquisition.samples.prefix(16_000))
    let beats: [Int] = if case .givenBeats(let beats) = timing { beats } else { [] }
    for wakePercent in [0, 10] {
      var announcing = Announcing()
      (announcing.wakePercent, announcing.majority) = (wakePercent, 3)
      let options = Monitor.Options(
        timing, announcing: announcing, of: loaded, converter: DeviceProfile.reference.converter)
      let single = try trace(loaded, options, beats: beats, samples: samples) { _ in 1 }
      #expect(single.decisions.count > 50 && single.states.count > 100)
      for length in [2, 7, 8, 16, 33, 64, 500] {
        let blocks = try trace(loaded, options, beats: beats, samples: samples) { _ in length }
        #expect(blocks == single, "\(length)")
      }
      var random = SeededGenerator(seed: 95)
      let lengths = (0..<20_000).map { _ in 1 + random.nextIndex(below: 70) }
      let mixed = try trace(loaded, options, beats: beats, samples: samples) { lengths[$0] }
      #expect(mixed == single)
    }
  }

  /// The detector's lengths follow the rate, and so do the stretches that it takes at once.
  @Test(arguments: [100.0, 250, 360, 1000]) func blocksGiveTheBitsOfSamplesAtOtherRates(rateHz: Double) throws
  {
    var image = try [UInt8](Files.read(ProjectFiles.model))
    // The front end's record begins with its rate, window and hop.
    func rate(_ millihertz: UInt32) -> [UInt8] { withUnsafeBytes(of: millihertz.littleEndian, Array.init) }
    let place = try #require(image.firstRange(of: rate(128_000) + [32, 0, 8, 0]))
    image.replaceSubrange(place.prefix(4), with: rate(UInt32(rateHz * 1000)))
    let loaded = try LoadedModel(image: resealed(image))
    let acquisition = try Acquisition(
      Record.read(ProjectFiles.record), lead: nil, sampleRateHz: rateHz, profile: .reference,
      file: "mitdb-208")
    let options = Monitor.Options(
      .detectedBeats, of: loaded, converter: DeviceProfile.reference.converter)
    let samples = Array(acquisition.samples.prefix(Int(60 * rateHz)))
    let single = try trace(loaded, options, samples: samples) { _ in 1 }
    #expect(single.decisions.count > 50)
    for length in [5, 16, 64] {
      let blocks = try trace(loaded, options, samples: samples) { _ in length }
      #expect(blocks == single, "\(length)")
    }
  }

  /// Whatever a lost bit makes of ages, levels, sums and counts: blocks go the way of samples.
  @Test(arguments: [0, 1, 2, 3]) func blocksHealAsSamplesDo(seed: Int) throws {
    let loaded = try LoadedModel(file: ProjectFiles.model)
    let acquisition = try Acquisition(
      Record.read(ProjectFiles.record), lead: nil, sampleRateHz: 128, profile: .reference, file: "mitdb-208")
    let samples = Array(acquisition.samples.prefix(12_000))
    var random = SeededGenerator(seed: UInt64(200 + seed))
    var announcing = Announcing()
    announcing.wakePercent = seed % 2 * 10
    let options = Monitor.Options(
      .detectedBeats, announcing: announcing, of: loaded, converter: DeviceProfile.reference.converter)
    let lostBits = (1...150).map { (sample: 77 * $0, bit: random.nextIndex(below: 1 << 20)) }
    let single = try trace(loaded, options, samples: samples, lostBits: lostBits) { _ in 1 }
    #expect(single.decisions.contains { $0[2] == -1 } && single.decisions.contains { $0[2] >= 0 })
    for length in [3, 16, 40] {
      let blocks = try trace(loaded, options, samples: samples, lostBits: lostBits) { _ in length }
      #expect(blocks == single, "\(length)")
    }
  }

  /// Awake between beats for its samples alone, it takes a column's at once.
  @Test(arguments: [false, true]) func blocksOfANetworkOfBeatsGiveTheBitsOfSamples(isWatched: Bool) throws {
    let loaded = try LoadedModel(
      file: ProjectFiles.path("Models/ecg-beats-implant/ecg-beats-implant.qinf"))
    let acquisition = try Acquisition(
      Record.read(ProjectFiles.record), lead: nil, sampleRateHz: 128, profile: .reference, file: "mitdb-208")
    let samples = Array(acquisition.samples.prefix(16_000))
    let beats = (1...190).map { 83 * $0 + $0 % 7 }
    var options = Monitor.Options(
      .givenBeats(beats), of: loaded, converter: DeviceProfile.reference.converter)
    if !isWatched { options.quality = .none }
    let single = try trace(loaded, options, beats: beats, samples: samples) { _ in 1 }
    #expect(single.decisions.count > 150 && single.states.count >= 3)
    for length in [2, 33, 160, 320, 321, 700] {
      let blocks = try trace(loaded, options, beats: beats, samples: samples) { _ in length }
      #expect(blocks == single, "\(length)")
    }
  }

  @Test func anEmptyBlockIsNothing() throws {
    let loaded = try LoadedModel(file: ProjectFiles.model)
    let options = Monitor.Options()
    let state = AlignedMemory(byteCount: try Monitor.stateByteCount(model: loaded.model, options: options))
    let scratch = AlignedMemory(byteCount: loaded.model.streamingScratchByteCount)
    var monitor = try Monitor(
      model: loaded.model, options: options, state: state.bytes, scratch: scratch.bytes)
    let before = Array(state.bytes)
    let fed = monitor.feed(UnsafeBufferPointer(start: nil, count: 0))
    let isUntouched = Array(state.bytes) == before
    #expect(fed.count == 0 && !fed.endsColumn && isUntouched)
  }
}
