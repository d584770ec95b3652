import Evaluation
import Foundation
import HostDevice
import ModelFiles
import Networks
import Quantization
import QuantInfer
import Support
import Tasks
import Testing
import Training

/// Networks whose input are beats, on made-up hearts: narrow beats in time, wide ones that come early.
@Suite struct BeatNetworkTests {
  static func signal(beats count: Int = 240, seed: UInt64 = 4) -> LabelledSignal {
    var generator = SeededGenerator(seed: seed)
    var (sample, beats) = (300, [LabelledSignal.Beat]())
    for _ in 0..<count {
      let isWide = generator.nextUniform() < 0.15
      sample += isWide ? 62 : 104 + generator.nextIndex(below: 9)
      beats.append(.init(sample: sample, classIndex: isWide ? 1 : 0))
      if isWide { sample += 40 }
    }
    var microvolts = (0..<sample + 400).map { _ in Float(generator.next(in: -15...15)) }
    for beat in beats {
      let (width, height) = beat.classIndex == 0 ? (2.0, 900.0) : (7.0, -1100.0)
      for offset in -30..<30 {
        microvolts[beat.sample + offset] += Float(height * exp(-pow(Double(offset) / width, 2) / 2))
      }
    }
    return LabelledSignal(record: "made-up", lead: "I", microvolts: microvolts, beats: beats)
  }

  private static func untrained(knownDistance: Double) throws -> Checkpoint {
    var beats = BeatSettings.standard
    beats.knownDistance = knownDistance
    var training = TrainingOptions.beats
    (training.epochs, training.windowsPerEpoch, training.batchSize) = (4, 800, 40)
    return try Checkpoint.untrained(
      settings: SpectrogramSettings(beats: beats),
      specification: .beats(beats, hidden: 8, classCount: 2), classNames: ["narrow", "wide"],
      task: "made-up", split: "none", training: training)
  }

  private static func image(_ trained: Checkpoint, _ signal: LabelledSignal) throws -> LoadedModel {
    let image = try ModelImage.quantized(
      trained, calibratedOn: [signal], converter: AnalogConverter(bits: 12, rangeMillivolts: 10),
      windows: 200, seed: 1, options: QuantizationOptions())
    return try LoadedModel(image: image.bytes)
  }

  /// Every beat's logits by the device, and by the network's own integers over the input that training sees.
  @Test func theDeviceDecidesAboutTheVeryInputThatItsNetworkIsTrainedOn() throws {
    let signal = Self.signal()
    let trained = try Trainer(Self.untrained(knownDistance: 0), signals: [signal]).run()
    let loaded = try Self.image(trained, signal)
    let decisions = try FixedPointDecisions(loaded).decisions(about: signal, includesSilent: true)
    let counts = try #require(trained.settings.beats).counts(ofMicrovolts: signal.microvolts)
    let inputs = BeatInputs(counts, beatsAt: signal.beats.map(\.sample), window: trained.window)
    try #require(decisions.count == inputs.beats.count && decisions.count > 230)
    var engine = RunningEngine(loaded)
    for (row, decision) in decisions.enumerated() {
      let codes = inputs.codes[row * inputs.inputCount..<(row + 1) * inputs.inputCount]
      for (place, code) in codes.enumerated() { engine.window.input[place] = code }
      engine.window.run()
      let logits = engine.window.output.map { Float(loaded.logit($0)) }
      #expect(decision.sample == signal.beats[inputs.beats[row].index].sample)
      #expect(decision.logits == logits)
    }
    #expect(decisions.count { $0.predictedClass == $0.classIndex } >= decisions.count - 4)
  }

  @Test func knownBeatsAreAnsweredWithoutTheNetworkAsItWouldAnswer() throws {
    let signal = Self.signal(beats: 500)
    let trained = try Trainer(Self.untrained(knownDistance: 0.5), signals: [signal]).run()
    let loaded = try Self.image(trained, signal)
    let int8 = try FixedPointDecisions(loaded).decisions(about: signal, includesSilent: true)
    let float = try EvaluationWindows([signal], window: trained.window).decisions(of: FloatGraph(trained))
    try #require(int8.count == float.count)
    #expect(int8.map(\.isRecalled) == float.map(\.isRecalled))
    // The network is asked about the first eight known beats, and then about each 64th; the others get the mean of its answers.
    let beats = EvaluationWindows([signal], window: trained.window).records[0].beats
    let (scale, zero) = (
      Double(Float(bitPattern: loaded.model.output.scaleBits)), Double(loaded.model.output.zeroPoint)
    )
    var (asked, since, meansQ8) = (0, 0, [Int]())
    for (beat, decision) in zip(beats, int8) where beat.isKnown {
      let isAnswered = asked >= 8 && since < 63
      #expect(beat.isAnswered == isAnswered)
      let codes = decision.logits.map { Int((Double($0) / scale + zero).rounded()) }
      if isAnswered {
        since += 1
        #expect(codes == meansQ8.map { ($0 + 128) >> 8 })
      } else {
        meansQ8 =
          meansQ8.isEmpty ? codes.map { $0 << 8 } : zip(meansQ8, codes).map { $0 + ($1 << 8 - $0) >> 3 }
        (asked, since) = (asked + 1, 0)
      }
    }
    #expect(asked > 8)
    let recalled = int8.filter(\.isRecalled)
    // Narrow beats that come in time, and no wide one.
    #expect(recalled.count > 40)
    #expect(recalled.allSatisfy { $0.classIndex == 0 && $0.predictedClass == 0 })
    #expect(zip(int8, float).count { $0.predictedClass == $1.predictedClass } >= int8.count - 2)
  }

  /// The definitions in docs/guides/Beats.md in floating point, without the runtime's code.
  private struct Reference {
    var count = 0.0
    var (mean8, mean128, median, tenth, ninetieth, last, secondLast) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    var (change1, change2) = (0.1, 0.1)
    var template: [Double] = []
    var beats = 0

    /// The ten figures of an interval in octaves, and then the estimates that follow it.
    mutating func figures(_ interval: Double, next: Double) -> [Double] {
      let (l, usual) = (log2(interval), log2(0.8))
      if count == 0 { (mean8, mean128, median, tenth, ninetieth, last, secondLast) = (l, l, l, l, l, l, l) }
      let figures = [
        l - median, l - mean8, l - mean128, last - mean128, log2(min(next, 90.0 / 128)) - mean128,
        mean128 - usual,
        4 * change1 - 0.4, 4 * min(change1, change2) - 0.4, l - tenth, l - ninetieth,
      ]
      func part(_ slowest: Double, of known: Double) -> Double {
        exp2(-min(slowest, log2(known).rounded(.down)))
      }
      mean8 += (l - mean8) * part(3, of: count + 1)
      mean128 += min(max(l - mean128, -1), 1) * part(7, of: count + 1)
      let toMedian = (l - median) * part(2, of: count + 1)
      median += count > 4 ? min(max(toMedian, -0.03), 0.03) : toMedian
      if count < 8 {
        (tenth, ninetieth) = (min(tenth, l), max(ninetieth, l))
      } else {
        let (far, near) = count > 16 ? (0.018, 0.002) : (0.054, 0.006)
        tenth += l < tenth ? -far : near
        ninetieth += l > ninetieth ? far : -near
      }
      change1 += (min(abs(l - last), 0.5) - change1) * part(5, of: count + 2)
      change2 += (min(abs(l - secondLast), 0.5) - change2) * part(5, of: count + 2)
      (secondLast, last) = (last, l)
      count = min(255, count + 1)
      return figures
    }

    /// The points less their mean and those less the template, in units of the template's mean magnitude; then the template follows.
    mutating func shape(_ counts: [Int16], at sample: Int, step: Double) -> [Double] {
      var (place, points) = (sample - 40, [Double]())
      for index in 0..<32 {
        let length = index < 6 || index >= 22 ? 4 : 2
        let sum = counts[place..<place + length].reduce(0) { $0 + Double($1) }
        points.append(length == 4 ? sum / 2 : sum)
        place += length
      }
      let mean = points.reduce(0, +) / 32
      points = points.map { $0 - mean }
      if beats == 0 { template = points }
      let magnitude = max(64, template.reduce(0) { $0 + abs($1) }) / 32
      let shape = (points + zip(points, template).map { $0 - $1 }).map { $0 / magnitude / 4 }
      let part = [0.5, 0.5, 0.25, 0.25, 0.125, 0.125, 0.125, 0.125][safe: beats] ?? 1.0 / 16
      for index in 0..<32 {
        let move = (points[index] - template[index]) * part
        template[index] += beats < 8 ? move : min(max(move, -step), step)
      }
      beats += 1
      return shape
    }
  }

  /// The sample within 6 of a sensed one that is furthest from the mean of eight about it, in whole counts.
  private static func peak(_ counts: [Int16], near sensed: Int) -> Int {
    let about = stride(from: -16, to: 16, by: 4).map { Double(counts[sensed + $0]) }
    let level = (about.reduce(0, +) / 8).rounded(.down)
    let heights = (-6...6).map { abs(Double(counts[sensed + $0]) - level) }
    return sensed - 6 + heights.firstIndex(of: heights.max()!)!
  }

  /// An amplifier's jitter moves no point: the beat is where its peak is.
  ///
  /// The figure of the next interval alone has the next sense's.
  @Test func aSensesJitterMovesNoPoint() throws {
    let signal = Self.signal()
    var settings = SpectrogramSettings(beats: .standard)
    settings.beats?.knownDistance = 0
    let beats = try #require(settings.beats)
    let counts = beats.counts(ofMicrovolts: signal.microvolts)
    let window = BeatWindow(settings: settings, columnCount: 1, delaySeconds: 0.7)
    let peaks = signal.beats.map { Self.peak(counts, near: $0.sample) }
    func points(_ places: [Int]) -> [[Int8]] {
      let inputs = BeatInputs(counts, beatsAt: places, window: window)
      return (0..<inputs.beats.count).map {
        var row = Array(inputs.codes[$0 * inputs.inputCount..<($0 + 1) * inputs.inputCount])
        row.remove(at: 68)
        return row
      }
    }
    var random = SeededGenerator(seed: 5)
    let jittered = peaks.map { $0 + Int(random.next(in: -3...3).rounded()) }
    #expect(points(jittered) == points(peaks) && points(peaks).count > 200)
    settings.beats?.reachSeconds = 0
    let still = BeatWindow(settings: settings, columnCount: 1, delaySeconds: 0.7)
    #expect(
      BeatInputs(counts, beatsAt: jittered, window: still).codes
        != BeatInputs(counts, beatsAt: peaks, window: still).codes)
  }

  @Test func theInputIsWhatItsDefinitionSaysInFloatingPoint() throws {
    let signal = Self.signal()
    var settings = SpectrogramSettings(beats: .standard)
    settings.beats?.knownDistance = 0
    let beats = try #require(settings.beats)
    let counts = beats.counts(ofMicrovolts: signal.microvolts)
    let window = BeatWindow(settings: settings, columnCount: 1, delaySeconds: 0.7)
    let inputs = BeatInputs(counts, beatsAt: signal.beats.map(\.sample), window: window)
    var reference = Reference()
    var previous: Int?
    var (worst, sum) = ((shape: 0.0, figures: 0.0), 0.0)
    for (row, beat) in inputs.beats.enumerated() {
      let sample = Self.peak(counts, near: signal.beats[beat.index].sample)
      let next = beat.index + 1 < signal.beats.count ? signal.beats[beat.index + 1].sample - sample : 10_000
      let figures = reference.figures(
        previous.map { Double(sample - $0) / 128 } ?? 0.8, next: Double(next) / 128)
      let shape = reference.shape(counts, at: sample, step: 50 / beats.microvoltsPerCount * 2)
      for (index, value) in (shape + figures).enumerated() {
        let code = min(max(32 * value, -128), 127)
        let error = abs(Double(inputs.codes[row * inputs.inputCount + index]) - code)
        guard index < 64 else {
          worst.figures = max(worst.figures, error)
          continue
        }
        worst.shape = max(worst.shape, error)
        sum += error
      }
      previous = sample
    }
    // Half a code of rounding. A point's sums lose up to two units, of which a code here is some five.
    let mean = sum / Double(64 * inputs.beats.count)
    #expect(worst.shape < 1.5 && mean < 0.4 && worst.figures < 0.6, "\(worst), mean \(mean)")
  }

  /// Beats of a lead that came off teach nothing, and the interval of the first one after them isn't known.
  @Test func beatsOfBadSignalArePassedOver() throws {
    var signal = Self.signal()
    let trained = try Trainer(Self.untrained(knownDistance: 0), signals: [signal]).run()
    let loaded = try Self.image(trained, signal)
    let off = signal.beats[100].sample..<signal.beats[110].sample
    for index in off { signal.microvolts[index] = 0 }
    let converter = AnalogConverter(bits: 12, rangeMillivolts: 10)
    let timing = DecisionTiming.givenBeats(signal.beats.map(\.sample))
    var device = try RunningDevice(loaded, Monitor.Options(timing, of: loaded, converter: converter), timing)
    let encoder = try #require(BeatEncoder(trained.settings))
    var engine = RunningEngine(loaded)
    var codes = [Int8](repeating: 0, count: encoder.inputCount)
    var (silent, decided) = (0, 0)
    for (index, microvolts) in signal.microvolts.enumerated() {
      let count = converter.count(ofMicrovolts: microvolts)
      encoder.push(count)
      guard device.push(count) else { continue }
      while let decision = device.nextDecision() {
        let sample = index - (decision.beatAge ?? 0)
        guard decision.hasLogits else {
          silent += 1
          encoder.skip(beatAt: sample)
          continue
        }
        let next = device.monitor.oldestPendingBeatAge.map { index - $0 }
        _ = codes.withUnsafeMutableBufferPointer { encoder.encode(beatAt: sample, next: next, into: $0) }
        for (place, code) in codes.enumerated() { engine.window.input[place] = code }
        engine.window.run()
        #expect(Array(device.logits) == Array(engine.window.output))
        decided += 1
      }
    }
    #expect(silent >= 8 && decided > 200)
  }

  @Test func aTrainingThatWasStoppedGoesOnToTheSameBits() throws {
    let signal = Self.signal(beats: 80)
    let whole = try Trainer(Self.untrained(knownDistance: 0), signals: [signal], threads: 2).run()
    let first = try Trainer(Self.untrained(knownDistance: 0), signals: [signal])
    for _ in 0..<30 { _ = try first.step() }
    let kept = try Checkpoint(decoding: first.checkpoint.encoded(), file: "kept")
    #expect(try Trainer(kept, signals: [signal]).run() == whole)
  }

  @Test func anImageTellsTheSettingsThatItWasMadeWith() throws {
    let signal = Self.signal(beats: 80)
    let trained = try Trainer(Self.untrained(knownDistance: 0.5), signals: [signal]).run()
    let loaded = try Self.image(trained, signal)
    #expect(loaded.isTwin(of: trained))
    let told = try #require(loaded.beatWindow?.settings.beats)
    let given = try #require(trained.settings.beats)
    #expect(told.pointCount == 32 && told.inputCount == 74 && told.leadSeconds == given.leadSeconds)
    let step = Float(bitPattern: try #require(loaded.model.frontEnd).microvoltsPerCountBits)
    #expect(
      BeatRecord(SpectrogramSettings(beats: told), told, microvoltsPerCount: step).bytes
        == BeatRecord(trained.settings, given, microvoltsPerCount: step).bytes)
  }

  /// A bit that template, memory, intervals or answers lose: nothing traps, and 3,000 beats later the device decides as a whole one,
  /// but for two bits of a template's points, which docs/guides/Beats.md names.
  @Test func aLostBitIsFoundOrForgotten() throws {
    let signal = Self.signal(beats: 3_300)
    var short = signal
    short.beats = Array(signal.beats.prefix(400))
    let trained = try Trainer(Self.untrained(knownDistance: 0.5), signals: [short]).run()
    let loaded = try Self.image(trained, short)
    let converter = AnalogConverter(bits: 12, rangeMillivolts: 10)
    let counts = signal.microvolts.map(converter.count(ofMicrovolts:))
    let timing = DecisionTiming.givenBeats(signal.beats.map(\.sample))
    let options = Monitor.Options(timing, of: loaded, converter: converter)
    func run(flipping bit: Int?) throws -> (classes: [Int: Int], unsound: Bool) {
      var device = try RunningDevice(loaded, options, timing)
      var (classes, unsound) = ([Int: Int](), false)
      for (index, count) in counts.enumerated() {
        if let bit, index == signal.beats[100].sample { device.state[bit / 8] ^= 1 << UInt8(bit % 8) }
        guard device.push(count) else { continue }
        while let decision = device.nextDecision() {
          if decision.announcement == .noResult(.unsoundState) { unsound = true }
          guard case .result(let classIndex, _) = decision.announcement, let age = decision.beatAge else {
            continue
          }
          classes[index - age] = classIndex
        }
      }
      return (classes, unsound)
    }
    let whole = try run(flipping: nil).classes
    let frontEnd = try #require(loaded.model.frontEnd?.beats)
    let ring = 2 * frontEnd.ringSampleCount
    let bits = 8 * (loaded.model.stateByteCount - ring)
    var found = 0
    for bit in stride(from: 0, to: bits, by: 13) {
      // The answers lie behind the ring.
      let place = bit < 8 * (frontEnd.frontEndByteCount - ring) ? bit : bit + 8 * ring
      let lost = try run(flipping: place)
      if lost.unsound { found += 1 }
      let late = signal.beats[3_100...].filter {
        whole[$0.sample] != nil && lost.classes[$0.sample] != whole[$0.sample]
      }
      // The two highest bits that a point's value may have: the template's steps are small beside them.
      let isSlow = (18..<18 + frontEnd.pointCount).contains(place / 32) && (20...21).contains(place % 32)
      #expect(late.isEmpty || isSlow, "bit \(place % 32) of word \(place / 32)")
    }
    #expect(found > bits / 13 / 10)
  }

  @Test func aForgedFrontEndOfBeatsIsRefusedOrRuns() throws {
    let signal = Self.signal(beats: 60)
    let trained = try Trainer(Self.untrained(knownDistance: 0.5), signals: [signal]).run()
    let image = try ModelImage.quantized(
      trained, calibratedOn: [signal], converter: AnalogConverter(bits: 12, rangeMillivolts: 10), windows: 60,
      seed: 1, options: QuantizationOptions()
    ).bytes
    var generator = SeededGenerator(seed: 3)
    var taken = 0
    for _ in 0..<400 {
      var forged = image
      let place = 72 + generator.nextIndex(below: image.count - 72)
      forged[place] = UInt8(generator.nextIndex(below: 256))
      forged.replaceSubrange(12..<16, with: [0, 0, 0, 0])
      let sum = forged.withUnsafeBytes { ModelFormat.checksum(of: $0) }
      withUnsafeBytes(of: sum.littleEndian) { forged.replaceSubrange(12..<16, with: $0) }
      guard let loaded = try? LoadedModel(image: forged) else { continue }
      let timing = DecisionTiming.givenBeats(signal.beats.map(\.sample))
      let options = Monitor.Options(
        timing, of: loaded, converter: AnalogConverter(bits: 12, rangeMillivolts: 10))
      guard loaded.model.runByteCount < 1 << 20, var device = try? RunningDevice(loaded, options, timing)
      else { continue }
      device.run(signal.microvolts.lazy.map { Int16(clamping: Int($0)) }) { _, _, _ in }
      taken += 1
    }
    #expect(taken > 100)
  }

  @Test func theNetworksShareIsThatOfTheMiddleRecordAndOfTheOneThatFewExceed() throws {
    func decision(_ isRecalled: Bool) -> BeatDecision {
      BeatDecision(record: "r", sample: 0, classIndex: 0, logits: [0], isRecalled: isRecalled)
    }
    #expect(NetworkShare.part(of: [decision(true), decision(false), decision(true), decision(true)]) == 0.25)
    #expect(NetworkShare.part(of: []) == nil)
    // A record whose beats are all unknown counts too.
    let share = try #require(NetworkShare([0.1, 1, 0.3, 0.2, 0.4]))
    #expect(share.median == 0.3 && share.most == 1)
    #expect(NetworkShare([1, 1]) == nil)
  }

  @Test func aNetworkIsMadeForAConverterOfAnotherStepToo() throws {
    let signal = Self.signal()
    let trained = try Trainer(Self.untrained(knownDistance: 0), signals: [signal]).run()
    let image = try ModelImage.quantized(
      trained, calibratedOn: [signal], converter: AnalogConverter(bits: 10, rangeMillivolts: 10),
      windows: 200,
      seed: 1, options: QuantizationOptions())
    let decisions = try FixedPointDecisions(LoadedModel(image: image.bytes)).decisions(about: signal)
    #expect(decisions.count { $0.predictedClass == $0.classIndex } >= decisions.count - 6)
  }
}

extension Array {
  fileprivate subscript(safe index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
