import Foundation
import Networks
import Support
import Tasks
import Testing
import Training

@Suite struct TrainerTests {
  private static let settings = SpectrogramSettings()

  /// Two classes of "beats" on noise: a short burst at 8 Hz and one at 24 Hz, three seconds apart.
  private static func signals(beatCount: Int = 40) -> [LabelledSignal] {
    var generator = SeededGenerator(seed: 21)
    var microvolts = (0..<beatCount * 384 + 768).map { _ in Float(generator.next(in: -20...20)) }
    let beats = (0..<beatCount).map { index in
      LabelledSignal.Beat(sample: 400 + index * 384, classIndex: generator.nextIndex(below: 2))
    }
    for beat in beats {
      let frequency = beat.classIndex == 0 ? 8.0 : 24.0
      for offset in -16..<16 {
        let envelope = 0.5 + 0.5 * cos(Double.pi * Double(offset) / 16)
        let phase = 2 * Double.pi * frequency * Double(offset) / settings.sampleRateHz
        microvolts[beat.sample + offset] += Float(800 * envelope * sin(phase))
      }
    }
    return [LabelledSignal(record: "bursts", lead: "I", microvolts: microvolts, beats: beats)]
  }

  private static func untrained(
    _ change: (inout TrainingOptions) -> Void = { _ in }
  ) throws -> Checkpoint {
    var options = TrainingOptions()
    options.epochs = 3
    options.windowsPerEpoch = 200
    options.batchSize = 40
    change(&options)
    return try Checkpoint.untrained(
      settings: settings, specification: .ecgBeats(classCount: 2), classNames: ["slow", "fast"],
      task: "bursts", split: "none", training: options)
  }

  @Test func lossFallsAndTheBurstsAreToldApart() throws {
    let signals = Self.signals()
    let trainer = try Trainer(Self.untrained { $0.epochs = 6 }, signals: signals)
    let first = try trainer.step()
    let trained = try trainer.run()
    let windows = EvaluationWindows(signals, window: trained.window)
    let decisions = try windows.decisions(of: FloatGraph(trained))
    #expect(decisions.count == 40)
    #expect(decisions.allSatisfy { $0.predictedClass == $0.classIndex })
    #expect(first > 0.4)
    let logitGaps = decisions.map { $0.logits[$0.classIndex] - $0.logits[1 - $0.classIndex] }
    #expect(logitGaps.allSatisfy { $0 > 0.5 })
  }

  /// A training's name in its file may have fewer digits than another's.
  @Test func aKeptTrainingIsToldFromAnotherWhateverTheirNames() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("part-\(UUID())").path
    try Files.makeFolder(folder)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let signals = Self.signals(beatCount: 10)
    func part(seed: UInt64) throws -> TrainingPart {
      try TrainingPart(of: Self.untrained { $0.seed = seed }, signals: signals, output: folder + "/a")
    }
    for seed in 1...40 as ClosedRange<UInt64> {
      _ = try part(seed: seed).trainer(threads: 1)
      let error = #expect(throws: FileError.self) { _ = try part(seed: 99).trainer(threads: 1) }
      #expect(error?.problem == "keeps a training with seed \(seed), not 99")
      try part(seed: seed).remove()
    }
  }

  @Test func logitsBeginAtTheirOffsets() throws {
    let usual = try Self.untrained()
    let raised = try Self.untrained { $0.logitOffsets = ["fast": 0.75, "unknown": 3] }
    #expect(zip(raised.layers.last!.biases, usual.layers.last!.biases).map { $0 - $1 } == [0, 0.75])
    #expect(try Checkpoint(decoding: raised.encoded(), file: "raised") == raised)
  }

  @Test func oneAndTwoThreadsGiveTheSameBits() throws {
    let one = try Trainer(Self.untrained(), signals: Self.signals(), threads: 1).run()
    let two = try Trainer(Self.untrained(), signals: Self.signals(), threads: 2).run()
    #expect(one == two)
    #expect(one.encoded() == two.encoded())
  }

  @Test func anotherSeedGivesOtherWeights() throws {
    let one = try Trainer(Self.untrained(), signals: Self.signals()).run()
    let other = try Trainer(Self.untrained { $0.seed = 2 }, signals: Self.signals()).run()
    #expect(one.layers != other.layers)
  }

  @Test func resumedTrainingEndsInTheSameBits() throws {
    let whole = try Trainer(Self.untrained(), signals: Self.signals()).run()
    let interrupted = try Trainer(Self.untrained(), signals: Self.signals())
    for _ in 0..<7 { _ = try interrupted.step() }
    let file = interrupted.checkpoint.encoded()
    let read = try Checkpoint(decoding: file, file: "interrupted")
    #expect(read.completedSteps == 7)
    let resumed = try Trainer(read, signals: Self.signals(), threads: 2).run()
    #expect(resumed == whole)
    #expect(resumed.encoded() == whole.encoded())
  }

  @Test func everyEpochButTheLastIsSaved() throws {
    var saved: [Int] = []
    var reported: [Int] = []
    let trained = try Trainer(Self.untrained(), signals: Self.signals()).run(
      progress: { reported.append($0.completed) }, save: { saved.append($0.completedSteps) })
    #expect(saved == [5, 10])
    #expect(reported == Array(1...15))
    #expect(trained.completedSteps == 15 && trained.optimizer == nil)
  }

  @Test func finishedTrainingHasNoMoreToDo() throws {
    let trained = try Trainer(Self.untrained(), signals: Self.signals()).run()
    #expect(throws: TrainingError.self) { try Trainer(trained, signals: Self.signals()) }
  }

  @Test func trainingWithoutBeatsIsRefused() throws {
    var signals = Self.signals()
    signals[0].beats = [.init(sample: 10, classIndex: 0), .init(sample: .max, classIndex: 1)]
    #expect(throws: TrainingError.self) { try Trainer(Self.untrained(), signals: signals) }
    signals[0].beats = [.init(sample: 1_000, classIndex: 2)]
    #expect(throws: TrainingError.self) { try Trainer(Self.untrained(), signals: signals) }
    #expect(throws: TrainingError.self) { try Trainer(Self.untrained(), signals: []) }
  }

  @Test func batchBeyondMemoryIsRefused() throws {
    #expect(throws: TrainingError.self) {
      try Trainer(Self.untrained { $0.batchSize = 65_536 }, signals: Self.signals())
    }
  }

  @Test func divergenceIsReported() throws {
    var signals = Self.signals()
    for index in signals[0].microvolts.indices { signals[0].microvolts[index] = .nan }
    #expect(throws: TrainingError.self) { try Trainer(Self.untrained(), signals: signals).run() }
  }

  @Test func impossibleOptionsAreRefused() {
    #expect(throws: TrainingError.self) { try Self.untrained { $0.epochs = 0 } }
    #expect(throws: TrainingError.self) { try Self.untrained { $0.batchSize = 1 } }
    #expect(throws: TrainingError.self) { try Self.untrained { $0.windowsPerEpoch = .max } }
    #expect(throws: TrainingError.self) { try Self.untrained { $0.peakLearningRate = .nan } }
    #expect(throws: TrainingError.self) { try Self.untrained { $0.augmentation.gainOctaves = -1 } }
    #expect(throws: TrainingError.self) {
      try Checkpoint.untrained(
        settings: Self.settings, specification: .ecgBeats(classCount: 3), classNames: ["a", "b"], task: "t",
        split: "s", training: TrainingOptions())
    }
  }

  @Test func foldedNormalizationEqualsTheFormula() throws {
    let trained = try Trainer(Self.untrained(), signals: Self.signals()).run()
    let layer = trained.layers[1]
    let normalization = try #require(layer.normalization)
    #expect(normalization.mean.contains { abs($0) > 0.01 })
    // One output of the convolution for an input of ones, before and after folding.
    for channel in 0..<24 {
      let product = layer.weights[channel * 72..<(channel + 1) * 72].reduce(0, +)
      let deviation = (normalization.variance[channel] + 1e-5).squareRoot()
      let expected =
        normalization.scale[channel] * (product - normalization.mean[channel]) / deviation
        + normalization.shift[channel]
      let folded = layer.folded
      let value = folded.values[channel * 72..<(channel + 1) * 72].reduce(0, +) + folded.biases[channel]
      #expect(abs(value - expected) < 1e-4 * max(1, abs(expected)))
    }
  }

  @Test func learningRateMakesOneCycle() {
    var options = TrainingOptions()
    options.epochs = 1
    options.windowsPerEpoch = 256_000
    let rates = (0..<1_000).map { options.learningRate(atStep: $0) }
    let peak = rates.indices.max { rates[$0] < rates[$1] } ?? 0
    #expect((298...301).contains(peak))
    #expect(abs(rates[peak] - 3e-3) < 1e-7)
    #expect(abs(rates[0] - 3e-3 / 25) < 1e-7)
    #expect(rates[999] < 1e-7)
  }
}
