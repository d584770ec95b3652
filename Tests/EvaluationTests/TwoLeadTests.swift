import ECG
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
import TestSupport
import Training

/// Pulses in two leads that are of one sign or of two: neither lead tells which, both together do.
@Suite struct TwoLeadTests {
  private static let windowSamples = 20

  private static func task(leads: Int) -> TaskDefinition {
    var task = TaskDefinition(
      name: "signs", classNames: ["alike", "opposed"], critical: [], unit: .windows,
      labels: .manifest("l.csv"),
      division: .column)
    task.frontEnd = SpectrogramSettings(rawSamplesOfRateHz: 100, highPassShift: 0, microvoltsPerUnit: 300)
    if leads > 1 { (task.leads, task.furtherLeads, task.frontEnd.leads) = (["1"], [["2"]], leads) }
    (task.windowSeconds, task.hopSeconds) = (0.2, 0.2)
    return task
  }

  /// A record of windows; `leads` of it are kept.
  private static func signal(_ windows: Int, seed: UInt64, leads kept: [Int]) -> LabelledSignal {
    var random = SeededGenerator(seed: seed)
    var leads = (0..<2).map { _ in
      (0..<windows * windowSamples).map { _ in Float(random.next(in: -15...15)) }
    }
    var beats: [LabelledSignal.Beat] = []
    for window in 0..<windows {
      let signs = (0..<2).map { _ in random.nextIndex(below: 2) == 0 ? 1.0 : -1.0 }
      let place = window * windowSamples + 4 + random.nextIndex(below: 8)
      for lead in 0..<2 {
        let height = random.next(in: 300...900)
        for offset in -3...3 {
          leads[lead][place + offset] += Float(signs[lead] * height * exp(-Double(offset * offset) / 4))
        }
      }
      beats.append(
        .init(sample: (window + 1) * windowSamples - 1, classIndex: signs[0] == signs[1] ? 0 : 1))
    }
    var signal = LabelledSignal(
      record: "made-up-\(seed)", lead: kept.map { "\($0 + 1)" }.joined(separator: ", "),
      microvolts: leads[kept[0]], beats: beats)
    signal.furtherLeads = kept.dropFirst().map { leads[$0] }
    return signal
  }

  private static func trained(on signal: LabelledSignal) throws -> Checkpoint {
    let leads = 1 + signal.furtherLeads.count
    var options = TrainingOptions()
    (options.epochs, options.windowsPerEpoch, options.batchSize) = (8, 4000, 50)
    options.augmentation = Augmentation()
    (options.augmentation.shiftSeconds, options.augmentation.gainOctaves) = (0, 0.3)
    options.augmentation.noiseMicrovolts = 10
    return try Trainer(
      .untrained(
        of: task(leads: leads),
        specification: .init(
          inputColumns: windowSamples, inputChannels: leads,
          layers: [
            .convolution(outputChannels: 12, kernelColumns: 5),
            .convolution(outputChannels: 8, kernelColumns: 3),
            .dense(outputCount: 2),
          ]), split: .inter, training: options),
      signals: [signal]
    ).run()
  }

  private static func image(_ trained: Checkpoint, _ signal: LabelledSignal) throws -> [UInt8] {
    try ModelImage.quantized(
      trained, calibratedOn: [signal], converter: AnalogConverter(bits: 12, rangeMillivolts: 10),
      windows: 400, seed: 1, options: QuantizationOptions()
    ).bytes
  }

  private static func share(_ decisions: [BeatDecision]) -> Double {
    Double(decisions.count { $0.predictedClass == $0.classIndex }) / Double(max(1, decisions.count))
  }

  // claim: leads
  @Test func whatNeitherLeadTellsANetworkOfBothTellsInIntegers() throws {
    for leads in [[0], [1], [0, 1]] {
      let (training, test) = (
        Self.signal(1500, seed: 1, leads: leads), Self.signal(600, seed: 2, leads: leads)
      )
      let trained = try Self.trained(on: training)
      let loaded = try LoadedModel(image: Self.image(trained, training))
      #expect(loaded.model.leadCount == leads.count && loaded.isTwin(of: trained))
      let decisions = try FixedPointDecisions(loaded).decisions(about: test, includesSilent: true)
      try #require(decisions.count > 590)
      let float = try EvaluationWindows([test], window: trained.window).decisions(of: FloatGraph(trained))
      if leads.count == 1 {
        #expect((0.4...0.6).contains(Self.share(decisions)) && (0.4...0.6).contains(Self.share(float)))
      } else {
        #expect(Self.share(decisions) >= 0.99 && Self.share(float) >= 0.99)
      }
    }
  }

  // MARK: The network that the boards run

  private static let boards = ProjectFiles.path("Firmware/Leads/signs")
  private static func boardsSignal() -> LabelledSignal { signal(200, seed: 5, leads: [0, 1]) }

  /// Makes it and its record anew: `REMAKE=1 swift test -c release --filter TwoLeadTests`.
  @Test(.enabled(if: ProcessInfo.processInfo.environment["REMAKE"] != nil, "only where REMAKE asks for it"))
  func makesTheNetworkThatTheBoardsRun() throws {
    let training = Self.signal(1500, seed: 1, leads: [0, 1])
    try Files.write(
      Data(Self.image(Self.trained(on: training), training)), to: Self.boards + ".qinf")
    let signal = Self.boardsSignal()
    let leads = ([signal.microvolts] + signal.furtherLeads).enumerated().map { place, lead in
      var specification = SignalSpecification()
      (specification.name, specification.gain) = ("\(place + 1)", 1000)
      return Signal(specification, sampleRateHz: 100, samples: lead.map { Int32($0.rounded()) })
    }
    try Record(
      name: "signs", sampleRateHz: 100, sampleCount: signal.microvolts.count, signals: leads,
      comments: ["Made up: pulses of one sign or of two"]
    ).write(Self.boards)
  }

  // claim: leads
  @Test func theBoardsNetworkTellsWhatItsTwoLeadsSayTogether() throws {
    let loaded = try LoadedModel(file: Self.boards + ".qinf")
    var signal = Self.boardsSignal()
    let record = try Record.read(Self.boards)
    let heard = try record.signals.map { try $0.millivolts(atRateHz: 100).map { 1000 * $0 } }
    for (recorded, made) in zip(heard, [signal.microvolts] + signal.furtherLeads) {
      #expect(zip(recorded, made).allSatisfy { abs($0 - $1) <= 0.51 } && recorded.count == made.count)
    }
    (signal.microvolts, signal.furtherLeads) = (heard[0], [heard[1]])
    let decisions = try FixedPointDecisions(loaded).decisions(about: signal, includesSilent: true)
    #expect(decisions.count >= 199 && Self.share(decisions) >= 0.99)
    // Without the other lead's samples it tells nothing.
    for lost in 0..<2 {
      var one = signal
      let line = [Float](repeating: 0, count: signal.microvolts.count)
      if lost == 0 { one.microvolts = line } else { one.furtherLeads = [line] }
      let alone = try FixedPointDecisions(loaded).decisions(about: one, includesSilent: true)
      #expect((0.3...0.7).contains(Self.share(alone)), "lead \(lost + 1) lost: \(Self.share(alone))")
    }
  }

  // claim: leads
  @Test func aStreamOverSavedStatesDecidesAsWholeWindowsDo() throws {
    let loaded = try LoadedModel(file: Self.boards + ".qinf")
    let counts = loaded.converter(bits: 12).frames(of: Self.boardsSignal())
    let options = try #require(loaded.shippedOptions(converterBits: 12))
    var device = try RunningDevice(loaded, options, .everyColumns(Self.windowSamples))
    var engine = RunningEngine(loaded)
    var decided = 0
    for frame in 0..<counts.count / 2 {
      if frame % 37 == 36 {
        let saved = device.snapshot()
        device.loseMemory { 0x5A }
        try device.restore(saved)
      }
      let isColumn = counts[2 * frame..<2 * frame + 2].withUnsafeBufferPointer {
        device.push(frame: $0.baseAddress!)
      }
      guard isColumn, let decision = device.nextDecision(), decision.hasLogits else { continue }
      var pipeline = try RunningPipeline(loaded)
      let columns = pipeline.columns(of: counts[..<(2 * frame + 2)])
      _ = engine.window.input.update(fromContentsOf: columns.suffix(2 * Self.windowSamples))
      engine.window.run()
      #expect(engine.window.output.elementsEqual(device.logits), "frame \(frame)")
      decided += 1
    }
    #expect(decided >= 199)
  }

  @Test func leadsAreDrawnTogetherWhateverIsChanged() throws {
    // The second lead is the first one, doubled: time is changed for both alike.
    var signal = Self.signal(200, seed: 3, leads: [0, 1])
    signal.furtherLeads = [signal.microvolts.map { 2 * $0 }]
    var options = TrainingOptions()
    options.augmentation = Augmentation()
    (options.augmentation.gainOctaves, options.augmentation.noiseMicrovolts) = (0, 0)
    (options.augmentation.shiftSeconds, options.augmentation.stretch) = (0.05, 0.3)
    var task = Self.task(leads: 2)
    task.frontEnd.levelsPerUnit = 3000
    let window = BeatWindow(
      settings: task.frontEnd, columnCount: Self.windowSamples, delaySeconds: 0, isByClock: true)
    let sampler = try #require(
      WindowSampler([signal], classNames: task.classNames, window: window, options: options))
    let scratch = WindowSampler.Scratch(window)
    var inputs = [Float](repeating: 0, count: 2 * Self.windowSamples)
    for number in 0..<200 {
      _ = inputs.withUnsafeMutableBufferPointer {
        sampler.drawWindow(number, with: scratch, into: $0.baseAddress!)
      }
      for time in 0..<Self.windowSamples {
        #expect(abs(inputs[2 * time + 1] - 2 * inputs[2 * time]) < 1e-5, "window \(number), sample \(time)")
      }
    }
  }

  @Test func oneLeadOfAWindowIsLostAsOftenAsTheOptionSays() throws {
    let signal = Self.signal(200, seed: 6, leads: [0, 1])
    var options = TrainingOptions()
    options.augmentation = Augmentation()
    options.augmentation.shiftSeconds = 0
    let task = Self.task(leads: 2)
    let window = BeatWindow(
      settings: task.frontEnd, columnCount: Self.windowSamples, delaySeconds: 0, isByClock: true)
    func drawn(_ share: Double?) throws -> [(leads: [[Float]], classIndex: Int)] {
      options.augmentation.leadLoss = share
      let sampler = try #require(
        WindowSampler([signal], classNames: task.classNames, window: window, options: options))
      let scratch = WindowSampler.Scratch(window)
      var inputs = [Float](repeating: 0, count: 2 * Self.windowSamples)
      return (0..<2000).map { number in
        let classIndex = inputs.withUnsafeMutableBufferPointer {
          sampler.drawWindow(number, with: scratch, into: $0.baseAddress!)
        }
        return (
          (0..<2).map { lead in stride(from: lead, to: inputs.count, by: 2).map { inputs[$0] } }, classIndex
        )
      }
    }
    func isLine(_ lead: [Float]) -> Bool { Set(lead).count == 1 }
    #expect(try drawn(nil).allSatisfy { !$0.leads.contains(where: isLine) })
    let lost = try drawn(0.3)
    for lead in 0..<2 {
      // A binomial of 2,000 by 0.15 deviates by 0.8 %.
      let share = Double(lost.count { isLine($0.leads[lead]) }) / 2000
      #expect(abs(share - 0.15) < 0.032, "lead \(lead): \(share)")
    }
    #expect(!lost.contains { isLine($0.leads[0]) && isLine($0.leads[1]) })
    // Where a line stands: in the middle, or at the input's first or last code, four units away.
    let places = Set(lost.flatMap { window in window.leads.filter(isLine).map { $0[0] } })
    #expect(places == [-4, 0, 127.0 / 32])
  }

  @Test func onlyATaskThatGoesOnTakesLeadsAwayByItself() throws {
    var task = Self.task(leads: 2)
    #expect(TrainingOptions(task: task, split: .inter).augmentation.leadLoss == nil)
    task.lostLead = .goOn
    #expect(TrainingOptions(task: task, split: .inter).augmentation.leadLoss == 0.3)
    let again = try TaskDefinition(parsing: Data(task.json.utf8), file: "t")
    #expect(again.lostLead == .goOn)
    let one =
      #"{"name": "t", "classes": ["a", "b"], "unit": "windows", "windowSeconds": 1, "hopSeconds": 1,"#
      + #" "labels": {"kind": "manifest", "file": "l.csv"}, "lostLead": "go on", "split": {"kind": "column"}}"#
    let error = #expect(throws: FileError.self) { try TaskDefinition(parsing: Data(one.utf8), file: "t") }
    #expect(error?.problem == "is of a task of several leads, and this one has one")
  }

  @Test func aRecordOfOneLeadTrainsNoNetworkOfTwo() throws {
    let start = try Checkpoint.untrained(
      of: Self.task(leads: 2),
      specification: .init(
        inputColumns: Self.windowSamples, inputChannels: 2,
        layers: [.convolution(outputChannels: 4, kernelColumns: 5), .dense(outputCount: 2)]),
      split: .inter, training: TrainingOptions())
    let error = #expect(throws: TrainingError.self) {
      _ = try Trainer(start, signals: [Self.signal(20, seed: 4, leads: [0])])
    }
    #expect(error?.description == "the network takes 2 leads, and the record made-up-4 has 1")
    // A checkpoint keeps its leads, and its task's lists.
    #expect(try Checkpoint(decoding: start.encoded(), file: "c") == start)
  }
}
