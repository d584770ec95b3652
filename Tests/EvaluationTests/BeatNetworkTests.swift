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
  private static func signal(beats count: Int = 240, seed: UInt64 = 4) -> LabelledSignal {
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
    let signal = Self.signal()
    let trained = try Trainer(Self.untrained(knownDistance: 0.5), signals: [signal]).run()
    let loaded = try Self.image(trained, signal)
    let int8 = try FixedPointDecisions(loaded).decisions(about: signal, includesSilent: true)
    let float = try EvaluationWindows([signal], window: trained.window).decisions(of: FloatGraph(trained))
    try #require(int8.count == float.count)
    #expect(int8.map(\.isRecalled) == float.map(\.isRecalled))
    let recalled = int8.filter(\.isRecalled)
    // Narrow beats that come in time, and no wide one.
    #expect(recalled.count > 40)
    #expect(recalled.allSatisfy { $0.classIndex == 0 && $0.predictedClass == 0 })
    #expect(zip(int8, float).count { $0.predictedClass == $1.predictedClass } >= int8.count - 2)
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
      let isSlow = (17..<17 + frontEnd.pointCount).contains(place / 32) && (20...21).contains(place % 32)
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
