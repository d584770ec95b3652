import Foundation
import Networks
import Support
import Tasks
import Testing
import Training

@Suite struct AugmentationTests {
  private let window = BeatWindow(settings: SpectrogramSettings(), columnCount: 43, delaySeconds: 0.7)

  /// A pulse at every beat: what a complex's place and shape show.
  private func pulses(every interval: Int, count: Int) -> LabelledSignal {
    let beats = (1...count).map { LabelledSignal.Beat(sample: $0 * interval, classIndex: 0) }
    var microvolts = [Float](repeating: 0, count: (count + 2) * interval)
    for beat in beats {
      for offset in -3...3 { microvolts[beat.sample + offset] = 1_000 - 200 * Float(abs(offset)) }
    }
    return LabelledSignal(record: "r", lead: "MLII", microvolts: microvolts, beats: beats)
  }

  private var unchanged: TrainingOptions {
    var options = TrainingOptions()
    options.augmentation.gainOctaves = 0
    options.augmentation.shiftSeconds = 0
    options.augmentation.noiseMicrovolts = 0
    return options
  }

  private func draw(
    _ signals: [LabelledSignal], _ options: TrainingOptions, noises: [[Float]] = [], count: Int
  ) throws -> [(classIndex: Int, inputs: [Float])] {
    let sampler = try #require(
      WindowSampler(
        signals, noises: noises, classNames: ["N", "S", "V", "F"], window: window, options: options))
    let scratch = WindowSampler.Scratch(window)
    return (0..<count).map { number in
      var classIndex = 0
      let inputs = [Float](unsafeUninitializedCapacity: 43 * 12) { buffer, count in
        classIndex = sampler.drawWindow(number, with: scratch, into: buffer.baseAddress!)
        count = 43 * 12
      }
      return (classIndex, inputs)
    }
  }

  @Test func everyComplexKeepsItsShapeInAnotherRhythm() throws {
    var augmentation = Augmentation()
    (augmentation.premature, augmentation.irregular, augmentation.ectopy) = (0.5, 0.5, 0.5)
    var generator = SeededGenerator(seed: 1)
    var premature = 0
    for _ in 0..<400 {
      let interval = 90 + generator.nextIndex(below: 60)
      let intervals = [Int](repeating: interval, count: RhythmWarp.beatsBefore)
      guard
        var warp = RhythmWarp(
          intervals: intervals[...], sampleRateHz: 128, augmentation: augmentation, using: &generator)
      else { continue }
      let sources = (-1_200...90).map { warp.source(of: Double($0)) }
      #expect(zip(sources, sources.dropFirst()).allSatisfy { $0 < $1 })
      // From 0.08 s before a beat to 0.3 s after it, time runs as it did, by whole samples.
      var beats: [Int] = []
      for beat in (0...3).map({ -$0 * interval }) {
        let place = try #require(sources.firstIndex(of: Double(beat)))
        beats.append(place)
        for offset in -10...38 where place + offset < sources.count {
          #expect(sources[place + offset] == Double(beat + offset))
        }
      }
      if warp.isPremature {
        premature += 1
        let shortened = 1 - Double(beats[0] - beats[1]) / Double(interval)
        #expect(shortened >= 0.15 && shortened <= 0.51)
      }
    }
    #expect((100...260).contains(premature))
  }

  @Test func aRhythmThatIsNotRegularStays() {
    var augmentation = Augmentation()
    augmentation.premature = 1
    var generator = SeededGenerator(seed: 2)
    for intervals in [[128, 128, 90, 128, 128], [60, 60, 60, 60, 60], [250, 250, 250, 250, 250]] {
      #expect(
        RhythmWarp(
          intervals: intervals[...], sampleRateHz: 128, augmentation: augmentation, using: &generator)
          == nil)
    }
  }

  @Test func withoutAugmentationWindowsAreTheRecords() throws {
    let signal = pulses(every: 110, count: 30)
    let evaluated = EvaluationWindows([signal], window: window)
    let record = evaluated.records[0]
    let known = Set(
      record.beats.flatMap { beat in
        // A window may begin at any sample, so that columns differ from the record's own.
        evaluated.levels(of: beat, in: record).map { window.settings.networkInput(ofLevel: $0) }
      })
    let drawn = try draw([signal], unchanged, count: 40)
    #expect(drawn.allSatisfy { $0.classIndex == 0 })
    let shared = drawn.flatMap(\.inputs).filter(known.contains)
    #expect(shared.count > 40 * 43)
  }

  @Test func prematureBeatsAreSupraventricular() throws {
    var options = unchanged
    options.augmentation.premature = 0.4
    let classes = try draw([pulses(every: 110, count: 60)], options, count: 1_000).map(\.classIndex)
    let share = Double(classes.count { $0 == 1 }) / 1_000
    #expect(abs(share - 0.4) < 0.08)
    #expect(classes.allSatisfy { $0 < 2 })
  }

  @Test func blendedBeatsAreFusionBeats() throws {
    var signal = pulses(every: 110, count: 60)
    for index in stride(from: 5, to: 60, by: 6) { signal.beats[index].classIndex = 2 }
    var options = unchanged
    options.augmentation.fusion = 0.5
    let classes = try draw([signal], options, count: 1_000).map(\.classIndex)
    let normal = classes.count { $0 == 0 }
    let fusion = classes.count { $0 == 3 }
    #expect(abs(Double(fusion) / Double(normal + fusion) - 0.5) < 0.06)
  }

  /// A lead that isn't mixed in draws no number either: one seed trains alike with and without it in the record.
  @Test func leadsThatAreNotMixedChangeNothing() throws {
    let signal = pulses(every: 110, count: 30)
    var second = LabelledSignal(
      record: "r", lead: "V1", microvolts: signal.microvolts.map { 2 * $0 }, beats: [])
    let beside = try draw([signal, second], TrainingOptions(), count: 20).map(\.inputs)
    second.record = "other"
    #expect(try draw([signal, second], TrainingOptions(), count: 20).map(\.inputs) == beside)
  }

  /// Two leads are mixed with weights cos a and sin a, so that of two equal ones there is at most the root of two times each.
  @Test func mixedLeadsAreTurnedNotLouder() throws {
    var options = unchanged
    options.augmentation.leadMixing = 1
    let signal = pulses(every: 110, count: 30)
    let second = LabelledSignal(record: "r", lead: "V1", microvolts: signal.microvolts, beats: [])
    func greatest(_ signals: [LabelledSignal], _ options: TrainingOptions) throws -> Double {
      // A level is 12 log2 of a power.
      let inputs = try draw(signals, options, count: 400).flatMap(\.inputs)
      return exp2(Double(try #require(inputs.max())) * 64 / 12)
    }
    let ratio = try greatest([signal, second], options) / greatest([signal], unchanged)
    #expect(ratio > 1.8 && ratio < 2.2, "\(ratio)")
  }

  @Test func noiseHasTheSizeAndFrequencyItIsGiven() throws {
    let silent = LabelledSignal(
      record: "r", lead: "II", microvolts: [Float](repeating: 0, count: 4_000),
      beats: (5...25).map { .init(sample: 110 * $0, classIndex: 0) })
    func meanAmplitude(_ change: (inout Augmentation) -> Void, bin: Int) throws -> Double {
      var options = unchanged
      change(&options.augmentation)
      // A level is 24 log2(sqrt(A^2 + 25) / 5).
      let inputs = try draw(
        [silent], options, noises: [(0..<4_000).map { Float(sin(Double($0) * 0.785398)) }], count: 300)
      let powers = inputs.flatMap { drawn in
        (0..<43).map { column in
          let level = Double(drawn.inputs[column * 12 + bin - 1]) * 64 + 68
          return 25 * (exp2(level / 12) - 1)
        }
      }
      return (powers.reduce(0, +) / Double(powers.count)).squareRoot()
    }
    // Deviations d u^2 of even u have a mean square of d^2 / 5; a sine's amplitude is sqrt 2 of its deviation.
    // Half of the sines are of 50 Hz, half a bin from bin 12 (48 Hz), where Hann's window passes 0.849; those of
    // 60 Hz lie three bins away.
    let mains = try meanAmplitude({ $0.mainsMicrovolts = 200 }, bin: 12)
    #expect(abs(mains / (200 * (2.0 / 5 / 2).squareRoot() * 0.849) - 1) < 0.15)
    #expect(try meanAmplitude({ $0.mainsMicrovolts = 200 }, bin: 4) < 2)
    // The recording is a sine of 16 Hz, which is bin 4.
    let recorded = try meanAmplitude({ $0.recordedMicrovolts = 200 }, bin: 4)
    #expect(abs(recorded / (200 * (2.0 / 5).squareRoot()) - 1) < 0.15)
    let (low, high) = (
      try meanAmplitude({ $0.muscleMicrovolts = 200 }, bin: 1),
      try meanAmplitude({ $0.muscleMicrovolts = 200 }, bin: 10)
    )
    #expect(high > 4 * low)
    #expect(try meanAmplitude({ $0.wanderMicrovolts = 500 }, bin: 1) > 5)
    #expect(try meanAmplitude({ $0.wanderMicrovolts = 500 }, bin: 4) < 2)
  }

  @Test func theSpectrogramDoesNotSeeTheSign() {
    var generator = SeededGenerator(seed: 4)
    let signal = (0..<1_500).map { _ in Float(generator.next(in: -500...500)) }
    let spectrogram = FloatSpectrogram(window.settings)
    #expect(spectrogram.levels(ofMicrovolts: signal) == spectrogram.levels(ofMicrovolts: signal.map { -$0 }))
  }

  @Test func optionsFromBeforeAugmentationStayReadable() throws {
    let text = """
      {"batchSize":256,"epochs":10,"gainOctaves":0.5,"labelSmoothing":0.05,"leads":"all","noiseMicrovolts":30,
      "peakLearningRate":0.003,"samplingExponent":0.7,"seed":3,"shiftSeconds":0.01,"weightDecay":0.01,
      "windowsPerEpoch":20480}
      """
    let options = try JSONDecoder().decode(TrainingOptions.self, from: Data(text.utf8))
    var expected = TrainingOptions()
    expected.seed = 3
    expected.augmentation.gainOctaves = 0.5
    expected.augmentation.shiftSeconds = 0.01
    expected.augmentation.noiseMicrovolts = 30
    #expect(options == expected)
    #expect(try JSONDecoder().decode(TrainingOptions.self, from: JSONEncoder().encode(options)) == options)
  }
}
