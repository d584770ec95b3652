import ModelFiles
import Networks
import QuantInfer
import Support
import Tasks
import Testing
import TestNetworks

@Suite struct RhythmPriorTests {
  private static let options = RhythmPrior.Options(
    classIndex: 1, codesPerOctave: 91, neutralPartLog2Q16: -21_098)

  /// The codes by which each beat moves a logit.
  private func codes(_ beats: [UInt32], _ options: RhythmPrior.Options = options) throws -> [Int] {
    let memory = AlignedMemory(byteCount: RhythmPrior.stateByteCount)
    defer { withExtendedLifetime(memory) {} }
    var prior = try RhythmPrior(options: options, state: memory.bytes)
    return beats.map { beat in
      prior.push(beatAt: beat, place: 3)
      var logits: [Int8] = [5, 0, 5]
      logits.withUnsafeMutableBufferPointer { prior.move($0, place: 3) }
      #expect(logits[0] == 5 && logits[2] == 5)
      return Int(logits[1])
    }
  }

  private func beats(_ intervals: [Int], from first: Int = 0) -> [UInt32] {
    intervals.reduce(into: [first]) { $0.append($0[$0.count - 1] + $1) }
      .map { UInt32(truncatingIfNeeded: $0) }
  }

  @Test func eightIntervalsAreLearntFirst() throws {
    let codes = try codes(beats([Int](repeating: 100, count: 10)))
    // 91 log2(1 / 0.8) = 29.3.
    #expect(codes == [0, 0, 0, 0, 0, 0, 0, 0, 0, 29, 29])
  }

  @Test func anEarlyBeatLowersTheLogitAndALateOneRaisesIt() throws {
    let regular = [Int](repeating: 100, count: 300)
    // 91 (log2(1 / 2) - log2(0.8)) = -61.7, 91 (log2(0.8) - log2(0.8)) = 0, 91 (1 - log2(0.8)) = 120.3.
    #expect(try codes(beats(regular + [50])).last == -62)
    #expect(try codes(beats(regular + [80])).last == 0)
    #expect(try codes(beats(regular + [200])).last == 120)
    #expect(try codes(beats(regular + [4000])).last == 127)
  }

  @Test func sampleNumbersMayWrap() throws {
    let intervals = [Int](repeating: 100, count: 30) + [70, 130, 100]
    #expect(try codes(beats(intervals)) == codes(beats(intervals, from: Int(UInt32.max) - 1500)))
  }

  @Test func randomRhythmsMoveTheLogitAsInDoublePrecision() throws {
    var random = SeededGenerator(seed: 70)
    var largest = 0.0
    for _ in 0..<40 {
      let mean = 60 + random.nextIndex(below: 120)
      let intervals = (0..<700).map { index in
        // Beats that drop out, and a rhythm that changes.
        random.nextIndex(below: 50) == 0
          ? 10 * mean : mean / (index > 400 ? 2 : 1) + random.nextIndex(below: mean)
      }
      let beats = beats(intervals)
      var twin = FloatRhythmPrior()
      for (beat, code) in zip(beats, try codes(beats)) {
        let right = twin.offset(ofBeatAt: Int(beat)) / FloatRhythmPrior.logitsPerOctave * 91
        largest = max(largest, abs(min(max(right, -128), 127) - Double(code)))
      }
    }
    #expect(largest < 0.75, "\(largest) codes")
  }

  @Test func aBeatThatComesBeforeTheLastMovesNothing() throws {
    let beats = beats([Int](repeating: 100, count: 20))
    #expect(try codes(beats + [beats[19] - 10, beats[20]]).suffix(2).first == 0)
  }

  @Test func aMeanThatNoIntervalsGiveIsUnsound() throws {
    let memory = AlignedMemory(byteCount: RhythmPrior.stateByteCount)
    defer { withExtendedLifetime(memory) {} }
    var prior = try RhythmPrior(options: Self.options, state: memory.bytes)
    var random = SeededGenerator(seed: 74)
    var (beat, soundCount) = (UInt32(0), 0)
    for _ in 0..<1000 {
      beat &+= UInt32(1 + random.nextIndex(below: random.nextIndex(below: 2) == 0 ? 2 : 100_000))
      prior.push(beatAt: beat, place: 0)
      soundCount += prior.isStateSound ? 1 : 0
    }
    #expect(soundCount == 1000)
    // The state begins with the mean times its count.
    for sum in [0, UInt32.max] {
      memory.bytes.storeBytes(of: sum, as: UInt32.self)
      let isSound = prior.isStateSound
      #expect(!isSound)
    }
    prior.reset()
    let isSound = prior.isStateSound
    #expect(isSound)
  }

  @Test func noStateNoOptionAndNoBeatTraps() throws {
    var random = SeededGenerator(seed: 71)
    let memory = AlignedMemory(byteCount: RhythmPrior.stateByteCount)
    let extremes = [Int.min, -1, 0, 1, 2, 511, 512, .max]
    for _ in 0..<2000 {
      let options = RhythmPrior.Options(
        classIndex: extremes[random.nextIndex(below: 8)],
        codesPerOctave: extremes[random.nextIndex(below: 8)],
        neutralPartLog2Q16: Int32(truncatingIfNeeded: random.next()))
      var prior = try RhythmPrior(options: options, state: memory.bytes)
      for index in memory.bytes.indices { memory.bytes[index] = UInt8(truncatingIfNeeded: random.next()) }
      var logits: [Int8] = [-128, 0, 127]
      for _ in 0..<20 {
        let place = extremes[random.nextIndex(below: 8)]
        prior.push(beatAt: UInt32(truncatingIfNeeded: random.next()), place: place)
        logits.withUnsafeMutableBufferPointer { prior.move($0, place: place) }
      }
    }
    withExtendedLifetime(memory) {}
  }

  /// A monitor's decisions about given beats: the beat's number and the logits.
  private func decisions(
    _ loaded: LoadedModel, _ options: Monitor.Options, samples: [Int16], beats: Set<Int>
  ) throws -> [(beat: Int, logits: [Int8])] {
    let state = AlignedMemory(byteCount: try Monitor.stateByteCount(model: loaded.model, options: options))
    let scratch = AlignedMemory(byteCount: loaded.model.streamingScratchByteCount)
    defer { withExtendedLifetime((loaded, state, scratch)) {} }
    var monitor = try Monitor(
      model: loaded.model, options: options, state: state.bytes, scratch: scratch.bytes)
    var logits = [Int8](repeating: 0, count: loaded.model.output.count)
    var decided: [(Int, [Int8])] = []
    for (index, sample) in samples.enumerated() {
      let isColumn = monitor.push(sample)
      if beats.contains(index) { monitor.addBeat(samplesAgo: 0) }
      guard isColumn else { continue }
      while let decision = logits.withUnsafeMutableBufferPointer({ monitor.nextDecision(into: $0) }) {
        if decision.hasLogits, let age = decision.beatAge { decided.append((index - age, logits)) }
      }
    }
    return decided
  }

  @Test func aMonitorMovesEachBeatsOwnDecision() throws {
    let tables = try FrontEndTables(SpectrogramSettings(), microvoltsPerCount: 1)
    var networks = RandomNetworks(random: SeededGenerator(seed: 72))
    var random = SeededGenerator(seed: 73)
    let samples = (0..<9000).map { _ in Int16(truncatingIfNeeded: random.next()) >> 3 }
    var moved = 0
    for _ in 0..<10 {
      let image = try ModelImage(
        networks.streamable(bins: tables.settings.binCount, depth: 2), frontEnd: tables, mustStream: true)
      let loaded = try LoadedModel(image: image.bytes)
      var beats: [Int] = [30]
      while let last = beats.last, last < 8900 { beats.append(last + 40 + random.nextIndex(below: 80)) }
      var options = Monitor.Options()
      options.pace = .givenBeats
      // Longer than two intervals, so that several beats wait at a time.
      options.delaySamples = 170
      let plain = try decisions(loaded, options, samples: samples, beats: Set(beats))
      let classIndex = random.nextIndex(below: loaded.model.output.count)
      options.rhythmPrior = .init(classIndex: classIndex, codesPerOctave: 91, neutralPartLog2Q16: -21_098)
      let withPrior = try decisions(loaded, options, samples: samples, beats: Set(beats))
      var prior = Self.options
      prior.classIndex = 1
      let offsets = Dictionary(
        uniqueKeysWithValues: zip(beats, try codes(beats.map { UInt32($0) }, prior)))
      #expect(plain.map(\.beat) == withPrior.map(\.beat) && plain.count > 20)
      for (plain, withPrior) in zip(plain, withPrior) {
        var logits = plain.logits
        let offset = try #require(offsets[plain.beat])
        logits[classIndex] = Int8(clamping: Int(logits[classIndex]) + offset)
        #expect(logits == withPrior.logits)
        if logits != plain.logits { moved += 1 }
      }
    }
    #expect(moved > 200, "\(moved)")
  }
}
