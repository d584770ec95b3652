import Foundation
import Networks
import Support
import Tasks
import Testing
import Training

/// Windows of raw samples by the clock.
@Suite struct ClockWindowTests {
  private static let settings = SpectrogramSettings(
    rawSamplesOfRateHz: 100, highPassShift: 0, microvoltsPerUnit: 100)
  private let window = BeatWindow(settings: settings, columnCount: 200, delaySeconds: 0, isByClock: true)

  private func sampler(_ count: Int, _ change: (inout TrainingOptions) -> Void) throws -> WindowSampler {
    var options = TrainingOptions()
    options.augmentation = Augmentation()
    options.augmentation.gainOctaves = 0
    options.augmentation.noiseMicrovolts = 0
    change(&options)
    let ramp = (0..<count).map { Float($0) }
    let signal = LabelledSignal(
      record: "r", lead: "I", microvolts: ramp, beats: [.init(sample: 199, classIndex: 0)])
    // The classes' names are those that augmentation of beats looks for.
    return try #require(
      WindowSampler([signal], classNames: ["N", "V"], window: window, options: options))
  }

  private func draw(_ sampler: WindowSampler, _ number: Int) -> [Float] {
    var inputs = [Float](repeating: 0, count: 200)
    let scratch = WindowSampler.Scratch(window)
    _ = inputs.withUnsafeMutableBufferPointer {
      sampler.drawWindow(number, with: scratch, into: $0.baseAddress!)
    }
    return inputs
  }

  @Test func aSegmentOfAWindowsLengthIsDrawnWhole() throws {
    let sampler = try sampler(200) { $0.augmentation.shiftSeconds = 0.5 }
    #expect(sampler.leftOutCount == 0)
    // A unit is 100 uV, and beyond 3.96875 units a sample saturates.
    let expected = (0..<200).map { min(Float($0) / 100, 3.968_75) }
    for number in 0..<20 { #expect(draw(sampler, number) == expected) }
  }

  @Test func shiftsStayWithinTheRecord() throws {
    let sampler = try sampler(230) { $0.augmentation.shiftSeconds = 0.5 }
    let starts = Set((0..<300).map { Int((draw(sampler, $0)[0] * 100).rounded()) })
    #expect(starts.min() == 0 && starts.max() == 30 && starts.count > 20)
  }

  @Test func someWindowsAreTurnedUpsideDown() throws {
    let sampler = try sampler(200) {
      $0.augmentation.shiftSeconds = 0
      $0.augmentation.inversion = 0.5
    }
    let signs = (0..<400).map { draw(sampler, $0)[100] > 0 }
    #expect((150...250).contains(signs.count(where: \.self)))
  }

  @Test func stridesMustDivideTheTimeBetweenWindows() throws {
    var task = TaskDefinition(
      name: "t", classNames: ["a", "b"], critical: [], unit: .windows, labels: .manifest("l.csv"),
      division: .column)
    task.frontEnd = Self.settings
    (task.windowSeconds, task.hopSeconds) = (2, 0.5)
    func untrained(stride: Int, kernel: Int = 5) throws -> Checkpoint {
      try .untrained(
        of: task,
        specification: .init(
          inputColumns: 200, inputChannels: 1,
          layers: [
            .convolution(outputChannels: 4, kernelColumns: kernel, strideColumns: stride),
            .dense(outputCount: 2),
          ]), split: .inter, training: TrainingOptions())
    }
    #expect(throws: TrainingError.self) { try untrained(stride: 4) }
    // 200 columns less a kernel of 4 are no multiple of 5: the last column would never be read.
    let error = #expect(throws: TrainingError.self) { try untrained(stride: 5, kernel: 4) }
    #expect(error?.description.hasPrefix("layer 0 leaves the last 1 of its 200 columns unread") == true)
    #expect(error?.description.hasSuffix("choose a kernel of 5") == true)
    let start = try untrained(stride: 5)
    #expect(start.window.isByClock && start.definition == task)
    // A checkpoint keeps its task, key by key.
    #expect(try Checkpoint(decoding: start.encoded(), file: "c") == start)
  }

  @Test func theUsualNetworkOfRawSamplesDecidesAtEveryWindow() throws {
    for (rate, seconds, hop) in [(125.0, 4.0, 1.0), (250, 4, 1), (128, 10, 2), (256, 2, 0.25), (100, 1, 1)] {
      var task = TaskDefinition.vtvf
      task.frontEnd = SpectrogramSettings(rawSamplesOfRateHz: rate, highPassShift: 5)
      (task.windowSeconds, task.hopSeconds) = (seconds, hop)
      let network = NetworkSpecification.usual(for: task)
      #expect(try network.layerShapes().allSatisfy { $0.unreadColumns == 0 })
      #expect((task.hopColumns ?? 0) % network.columnsPerDecision == 0)
    }
  }
}
