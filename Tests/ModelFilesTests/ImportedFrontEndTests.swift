import Foundation
import ModelFiles
import Networks
import QuantInfer
import Support
import Tasks
import Testing
import TestNetworks
import TestSupport

/// Imported networks behind a described front end; whole windows of codes calculated here are the truth.
@Suite struct ImportedFrontEndTests {
  private let folder = FileManager.default.temporaryDirectory.appending(
    path: "quantinfer-\(UUID().uuidString)"
  )
  .path

  /// A folder with a model and a description, for as long as the body runs.
  private func withFiles<Result>(
    _ model: TFLiteModel, _ description: [String: Any], _ body: (_ model: String) throws -> Result
  ) throws -> Result {
    try Files.makeFolder(folder)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Files.write(model.encoded(), to: folder + "/m.tflite")
    try Files.write(
      JSONSerialization.data(withJSONObject: description), to: folder + "/m.frontend.json")
    return try body(folder + "/m.tflite")
  }

  private func importing(_ model: TFLiteModel, _ description: [String: Any]) throws -> LoadedModel {
    try withFiles(model, description) { file in
      let frontEnd = try FrontEndFile(reading: FrontEndFile.path(besideModel: file))
      return try LoadedModel(image: ModelImage(importing: file, frontEnd: frontEnd).bytes)
    }
  }

  private func refusal(_ model: TFLiteModel, _ description: [String: Any]) throws -> String {
    do {
      _ = try importing(model, description)
      return "is imported"
    } catch let error as FileError {
      return error.description
    }
  }

  @Test func twoLeadsAreNotTwiceTheSamplesOfOne() throws {
    var builder = ModelBuilder()
    let (input, output) = (builder.tensor([1, 16, 2]), builder.tensor([1, 16, 2]))
    builder.add(.relu, nil, [input], to: [output])
    let model = builder.finished(inputs: [input], outputs: [output])
    let one = try refusal(model, Self.samples)
    #expect(
      one.contains("leads: is 1, but the network's input [1, 16, 2] is 16 samples of 2 leads"), "\(one)")
    #expect(one.contains("give \"leads\": 2"))
    var description = Self.samples
    description["leads"] = 3
    #expect(try refusal(model, description).contains("leads: is 3, but the network's input [1, 16, 2]"))
    description["leads"] = 5
    #expect(try refusal(model, description).contains("leads"))
    // The remedy works.
    description["leads"] = 2
    let loaded = try importing(model, description)
    #expect(loaded.model.leadCount == 2)
  }

  private static var samples: [String: Any] {
    ["kind": "samples", "sampleRateHz": 360, "microvoltsPerUnit": 1000, "microvoltsPerCount": 5]
  }

  /// What the numeric contract says of a sample, in 64 bits and in floor divisions.
  private struct SampleCodes {
    let multiplier: Int
    let shift: Int
    let offsetQ12: Int
    let zeroPoint: Int
    let highPassShift: Int?
    private var previous: Int?
    private var filtered = 0

    init(_ settings: SampleSettings, microvoltsPerCount: Double, scale: Float, zeroPoint: Int) {
      let factor = microvoltsPerCount / (settings.microvoltsPerUnit * Double(scale)) / 4096
      // factor = f * 2^s with f in 0.5 ..< 1.
      let power = Int(floor(log2(factor))) + 1
      multiplier = Int((factor / exp2(Double(power)) * 0x1p31).rounded())
      shift = -power
      offsetQ12 = Int((settings.offsetMicrovolts / microvoltsPerCount * 4096).rounded())
      (self.zeroPoint, highPassShift) = (zeroPoint, settings.highPassShift)
    }

    private func floored(_ a: Int, _ b: Int) -> Int { a >= 0 ? a / b : -((-a + b - 1) / b) }

    mutating func code(_ sample: Int16) -> Int8 {
      var value = Int(sample) * 4096
      if let highPassShift {
        let step = (Int(sample) - (previous ?? Int(sample))) * 4096
        filtered = filtered - floored(filtered, 1 << highPassShift) + step
        previous = Int(sample)
        value = filtered
      }
      let product = floored((value - offsetQ12) * multiplier + (1 << 30), 1 << 31)
      let half = (1 << shift) / 2
      let rounded = product >= 0 ? (product + half) >> shift : -((-product + half) >> shift)
      return Int8(max(-128, min(127, rounded + zeroPoint)))
    }
  }

  /// Streams frames and compares every decision with the windows of the model without a front end.
  ///
  /// Returns the number of decisions.
  private func compare(
    _ loaded: LoadedModel, with plain: LoadedModel, codes: [[Int8]], frames: [[Int16]], windowSamples: Int
  ) throws -> Int {
    let model = loaded.model
    let streaming = try #require(model.streaming)
    let (state, scratch) = (
      AlignedMemory(byteCount: model.stateByteCount), AlignedMemory(byteCount: streaming.scratchByteCount)
    )
    let (arena, room) = (
      AlignedMemory(byteCount: plain.model.arenaByteCount),
      AlignedMemory(byteCount: plain.model.scratchByteCount)
    )
    var pipeline = try StreamingPipeline(model: model, state: state.bytes, scratch: scratch.bytes)
    var engine = try WholeWindow(model: plain.model, arena: arena.bytes, scratch: room.bytes)
    var logits = [Int8](repeating: 0, count: model.output.count)
    var due: [Int] = []
    for (index, frame) in frames.enumerated() {
      let isColumn = frame.withUnsafeBufferPointer { pipeline.push(frame: $0.baseAddress!) }
      #expect(isColumn && Array(pipeline.newestColumn) == codes[index])
      guard pipeline.isWindowFull else { continue }
      due.append(index + 1)
      logits.withUnsafeMutableBufferPointer { pipeline.decide(into: $0) }
      // Strides may leave the window's last samples unread: any codes will do for them.
      let window = codes[(index + 1 - due[0])...].prefix(windowSamples).flatMap(\.self)
      let codeCount = windowSamples * model.leadCount
      _ = engine.input.update(
        fromContentsOf: window + [Int8](repeating: 55, count: codeCount - window.count))
      engine.run()
      #expect(logits == Array(engine.output), "sample \(index)")
    }
    #expect(due == Array(stride(from: due[0], through: frames.count, by: streaming.columnsPerDecision)))
    #expect(due[0] <= windowSamples && due[0] > windowSamples - streaming.columnsPerDecision)
    return due.count
  }

  @Test func everyShapeOfATimeSeriesStreamsWithTheBitsOfItsWindows() throws {
    var models = TimeSeriesModels(random: SeededGenerator(seed: 81))
    var (decisions, padded) = (0, 0)
    for round in 0..<144 {
      // Beyond the first rounds, two to four leads; a row has no dimension for them.
      let leads = round < 96 ? 1 : 2 + round / 4 % 3
      let shape = TimeSeriesModels.Shape.allCases[leads == 1 ? round % 4 : 1 + round / 3 % 3]
      let isPadded = round % 3 == 2
      let (model, sampleCount, stride) = models.network(shape, leads: leads, isPadded: isPadded)
      var settings = SampleSettings(sampleRateHz: 360, microvoltsPerUnit: 1000)
      var description = Self.samples
      description["windowSamples"] = sampleCount
      if leads > 1 { description["leads"] = leads }
      if round % 2 == 1 {
        settings.highPassShift = 1 + models.random.nextIndex(below: 12)
        settings.offsetMicrovolts = models.random.next(in: -500...500)
        (description["highPassShift"], description["offsetMicrovolts"]) = (
          settings.highPassShift, settings.offsetMicrovolts
        )
      }
      let mode: StreamingMode? = round % 5 == 0 ? .window : round % 5 == 1 ? nil : .columns
      description["mode"] = mode?.rawValue
      // A decision as often as strides allow one: columns that stream are less work then, whatever is padded.
      if isPadded && mode == .columns { description["hopSamples"] = stride }
      let loaded = try importing(model, description)
      #expect(loaded.model.leadCount == leads && loaded.model.input.timeCount == sampleCount)
      let plain = try LoadedModel(image: ModelImage(QuantizedNetwork(importing: model), frontEnd: nil).bytes)
      let streaming = try #require(loaded.model.streaming)
      if mode == nil {
        // Nothing is said of a clock: every sample can be a beat's.
        #expect(streaming.columnsPerDecision == 1)
      } else if mode == .columns {
        let windows = model.graph.operators.count { [3, 17].contains(model.kind(of: $0).rawValue) }
        if isPadded {
          padded += streaming.tailStart > 0 ? 1 : 0
        } else {
          #expect(streaming.tailStart >= windows - 1 && streaming.columnsPerDecision == stride, "\(shape)")
        }
      } else {
        #expect(streaming.tailStart == 0 && streaming.columnsPerDecision == 1)
      }
      let input = plain.model.input
      var coders = [SampleCodes](
        repeating: SampleCodes(
          settings, microvoltsPerCount: 5, scale: Float(bitPattern: input.scaleBits),
          zeroPoint: Int(input.zeroPoint)), count: leads)
      let frames = (0..<300).map { _ in (0..<leads).map { _ in Int16(models.random.next(in: -700...700)) } }
      let codes = frames.map { frame in frame.indices.map { coders[$0].code(frame[$0]) } }
      decisions += try compare(
        loaded, with: plain, codes: codes, frames: frames, windowSamples: sampleCount)
    }
    #expect(decisions > 10_000 && padded > 5)
  }

  @Test func aSamplesCodeIsTheInputsOfItsMicrovolts() throws {
    var models = TimeSeriesModels(random: SeededGenerator(seed: 82))
    let model = models.network(.sequence).model
    var description = Self.samples
    description["offsetMicrovolts"] = 123.4
    let loaded = try importing(model, description)
    let state = AlignedMemory(byteCount: loaded.model.stateByteCount)
    let scratch = AlignedMemory(byteCount: loaded.model.streamingScratchByteCount)
    var pipeline = try StreamingPipeline(model: loaded.model, state: state.bytes, scratch: scratch.bytes)
    let (scale, zero) = (Float(bitPattern: loaded.model.input.scaleBits), loaded.model.input.zeroPoint)
    for sample in Int16.min...Int16.max {
      _ = pipeline.push(sample)
      let real = (Double(sample) * 5 - 123.4) / 1000 / Double(scale) + Double(zero)
      // Rounding twice may pass a tie by a little.
      let code = Double(pipeline.newestColumn[0])
      #expect(abs(code - max(-128, min(127, real))) <= 0.5001, "\(sample)")
    }
  }

  @Test func aNetworkThatPadsAlongTimeIsTakenWhateverIsSaidOfItsMode() throws {
    var models = TimeSeriesModels(random: SeededGenerator(seed: 83))
    for shape in TimeSeriesModels.Shape.allCases {
      let model = models.network(shape, isPadded: true).model
      #expect(try refusal(model, Self.samples) == "is imported")
      #expect(try refusal(model, Self.samples.merging(["mode": "columns"]) { $1 }) == "is imported")
    }
  }

  @Test func withoutAWordAClockThatTheStridesAllowKeepsColumnsAndAnyOtherIsMet() throws {
    var models = TimeSeriesModels(random: SeededGenerator(seed: 88))
    var strided = 0
    while strided < 6 {
      let (model, _, stride) = models.network(.sequence)
      guard stride > 1 else { continue }
      strided += 1
      for (hop, expected) in [(stride * 3, stride), (stride * 3 + 1, 1)] {
        let loaded = try importing(model, Self.samples.merging(["hopSamples": hop]) { $1 })
        #expect(loaded.model.streaming?.columnsPerDecision == expected, "\(hop) over \(stride)")
      }
      let refusal = try refusal(
        model, Self.samples.merging(["hopSamples": stride * 3 + 1, "mode": "columns"]) { $1 })
      #expect(refusal.contains("use \(stride * 4), or leave mode out"), "\(refusal)")
    }
  }

  @Test func anLSTMRunsOverItsWindowAtEachDecision() throws {
    var operators = OperatorModels(random: SeededGenerator(seed: 86))
    for mode in [nil, "columns", "window"] {
      let model = operators.lstm(.int8, round: 0, steps: 16, inputs: 1)
      var description = Self.samples
      description["mode"] = mode
      let loaded = try importing(model, description)
      #expect(loaded.model.streaming?.tailStart == 0)
      let plain = try LoadedModel(image: ModelImage(QuantizedNetwork(importing: model), frontEnd: nil).bytes)
      var coder = SampleCodes(
        SampleSettings(sampleRateHz: 360, microvoltsPerUnit: 1000), microvoltsPerCount: 5,
        scale: Float(bitPattern: plain.model.input.scaleBits), zeroPoint: Int(plain.model.input.zeroPoint))
      let frames = (0..<100).map { _ in [Int16(operators.random.next(in: -700...700))] }
      let codes = frames.map { [coder.code($0[0])] }
      #expect(try compare(loaded, with: plain, codes: codes, frames: frames, windowSamples: 16) == 85)
    }
  }

  @Test func aMemoryOfItsOwnIsRefusedInEitherMode() throws {
    var operators = OperatorModels(random: SeededGenerator(seed: 84))
    let svdf = try #require(operators.all().first { $0.name.hasPrefix("SVDF int8") }).model
    for mode in ["columns", "window"] {
      let refusal = try refusal(svdf, Self.samples.merging(["mode": mode]) { $1 })
      #expect(
        refusal.contains("(SVDF) keeps a state of its own; leave the front end out"), "\(refusal)")
    }
  }

  @Test func everyWrongKeyOfADescriptionIsRefusedByItsName() throws {
    var models = TimeSeriesModels(random: SeededGenerator(seed: 85))
    let (model, sampleCount, _) = models.network(.row)
    let outputs = Int(model.graph.tensors[Int(model.graph.outputs[0])].shape[1])
    let spectrogram: [String: Any] = [
      "kind": "spectrogram", "sampleRateHz": 128, "windowSamples": 32, "hopSamples": 8, "firstBin": 1,
      "binCount": 1, "highPassShift": 5, "floorMicrovolts": 5, "codesPerOctave": 24,
    ]
    #expect(try refusal(model, Self.samples) == "is imported")
    #expect(try refusal(model, spectrogram) == "is imported")
    let wrong: [(base: [String: Any], key: String, value: Any?, problem: String)] = [
      (Self.samples, "kind", "wavelet", "is \"wavelet\"; give \"spectrogram\" or \"samples\""),
      (Self.samples, "kind", nil, "is missing"),
      (Self.samples, "kind", 3, "is not a text"),
      (Self.samples, "sampleRateHz", nil, "is missing"),
      (Self.samples, "sampleRateHz", "360", "is not a number"),
      (Self.samples, "sampleRateHz", true, "is not a number"),
      (Self.samples, "sampleRateHz", 0, "is 0, not in 0.001"),
      (Self.samples, "sampleRateHz", 1e300, "not in 0.001"),
      (Self.samples, "microvoltsPerUnit", nil, "is missing"),
      (Self.samples, "microvoltsPerUnit", -1, "is -1, not in"),
      (Self.samples, "microvoltsPerCount", 0, "is 0, not in"),
      (Self.samples, "windowSamples", sampleCount + 1, "but the network's input [1, \(sampleCount)] has"),
      (Self.samples, "windowSamples", 7.5, "is 7.5, not a whole number"),
      (Self.samples, "hopSamples", 0, "not a whole number in 1 ..."),
      (Self.samples, "highPassShift", 13, "not a whole number in 1 ... 12"),
      (Self.samples, "highPasShift", 5, "means nothing here"),
      (Self.samples, "binCount", 5, "means nothing here"),
      (Self.samples, "mode", "fast", "give \"columns\" or \"everyColumn\" or \"window\""),
      (Self.samples, "classNames", ["one"], "has 1 names, but the network has \(outputs) outputs"),
      (Self.samples, "classNames", ["a", "a"], "is not a list of different lines"),
      (Self.samples, "classNames", ["a\nb"], "is not a list of different lines"),
      (Self.samples, "classNames", "a", "is not a list of different lines"),
      (Self.samples, "decisionDelaySeconds", 61, "not in 0.0 ... 60.0"),
      (Self.samples, "split", "inter", "is inter, and no task is named"),
      (Self.samples, "split", 1, "is not a text"),
      (Self.samples, "task", "aami", "is aami, whose classes aren't those of classNames"),
      (spectrogram, "windowSamples", 33, "is 33, not a power of two"),
      (spectrogram, "windowSamples", 1024, "not a whole number in 16 ... 512"),
      (spectrogram, "hopSamples", 33, "not a whole number in 1 ... 32"),
      (spectrogram, "firstBin", 17, "not a whole number in 0 ... 16"),
      (spectrogram, "binCount", 17, "not a whole number in 1 ... 16"),
      (spectrogram, "codesPerOctave", 0, "not in 0.03125 ... 128"),
      (spectrogram, "centerLevel", 200, "by its zero point the network takes level"),
      (spectrogram, "levelsPerUnit", 9999, "by its scale the network takes"),
      (spectrogram, "microvoltsPerUnit", 1000, "means nothing here"),
    ]
    for (base, key, value, problem) in wrong {
      var description = base
      description[key] = value
      let refusal = try refusal(model, description)
      #expect(refusal.contains("m.frontend.json:\(key): ") && refusal.contains(problem), "\(key): \(refusal)")
    }
    // A whole file, and settings that no integers hold.
    #expect(
      try refusal(model, Self.samples.merging(["microvoltsPerUnit": 1e9]) { $1 }).contains(
        "codes of the network's input, which is not in"))
    #expect(
      try refusal(model, Self.samples.merging(["offsetMicrovolts": 1e9]) { $1 }).contains(
        "is beyond the converter's counts"))
    var columns = spectrogram
    columns["binCount"] = 16
    columns["firstBin"] = 0
    let count = try refusal(model, columns)
    #expect(sampleCount % 16 == 0 || count.contains("isn't a multiple of a column's 16"), "\(count)")
  }

  @Test func anImportedSpectrogramNetworkTakesTheShapesOfKeras() throws {
    // [1, time * bins] -> RESHAPE -> CONV_2D over time and frequency, as TensorFlow's micro_speech has it.
    var random = SeededGenerator(seed: 86)
    var builder = ModelBuilder()
    let input = builder.tensor([1, 20 * 10], scale: 1 / 64, zeroPoint: -60)
    let image = builder.tensor([1, 20, 10, 1], scale: 1 / 64, zeroPoint: -60)
    builder.add(.reshape, options(17), [input], to: [image])
    let weights = builder.constant(
      [3, 4, 5, 1], .int8, (0..<60).map { _ in Int8(random.nextIndex(below: 255) - 127) }, scales: [0.01])
    let biases = builder.constant([3], .int32, [100, -100, 50] as [Int32])
    let maps = builder.tensor([1, 9, 3, 3], scale: 0.1, zeroPoint: -128)
    builder.add(
      .convolution,
      options(1) { ($0.padding, $0.activation, $0.strideHeight, $0.strideWidth) = (.valid, .relu, 2, 2) },
      [image, weights, biases], to: [maps])
    let dense = builder.constant(
      [4, 81], .int8, (0..<324).map { _ in Int8(random.nextIndex(below: 255) - 127) }, scales: [0.004])
    let logits = builder.tensor([1, 4], scale: 0.3, zeroPoint: 5)
    builder.add(.fullyConnected, options(8), [maps, dense], to: [logits])
    let model = builder.finished(inputs: [input], outputs: [logits])
    let loaded = try importing(
      model,
      [
        "kind": "spectrogram", "sampleRateHz": 128, "windowSamples": 32, "hopSamples": 8, "firstBin": 1,
        "binCount": 10, "highPassShift": 5, "floorMicrovolts": 5, "codesPerOctave": 24,
        "centerLevel": 68, "levelsPerUnit": 64, "microvoltsPerCount": 1, "mode": "columns",
      ])
    #expect(loaded.model.streaming?.tailStart == 1 && loaded.model.streaming?.columnsPerDecision == 2)
    let plain = try LoadedModel(image: ModelImage(QuantizedNetwork(importing: model), frontEnd: nil).bytes)
    let (state, scratch) = (
      AlignedMemory(byteCount: loaded.model.stateByteCount),
      AlignedMemory(byteCount: loaded.model.streamingScratchByteCount)
    )
    let (arena, room) = (
      AlignedMemory(byteCount: plain.model.arenaByteCount),
      AlignedMemory(byteCount: plain.model.scratchByteCount)
    )
    var pipeline = try StreamingPipeline(model: loaded.model, state: state.bytes, scratch: scratch.bytes)
    var engine = try WholeWindow(model: plain.model, arena: arena.bytes, scratch: room.bytes)
    var codes: [Int8] = []
    var result = [Int8](repeating: 0, count: 4)
    var decisions = 0
    for _ in 0..<3000 where pipeline.push(Int16(random.next(in: -900...900))) {
      codes += Array(pipeline.newestColumn)
      guard pipeline.isWindowFull else { continue }
      result.withUnsafeMutableBufferPointer { pipeline.decide(into: $0) }
      _ = engine.input.update(fromContentsOf: codes.suffix(200))
      engine.run()
      #expect(result == Array(engine.output))
      decisions += 1
    }
    #expect(decisions > 150)
  }

  @Test func aRestoredRunOfSamplesGoesOnWithTheSameBits() throws {
    var models = TimeSeriesModels(random: SeededGenerator(seed: 87))
    for round in 0..<8 {
      var description = Self.samples
      if round % 2 == 0 { description["highPassShift"] = 5 }
      let network = models.network(.image).model
      let loaded = try importing(network, description)
      let samples = (0..<400).map { _ in Int16(models.random.next(in: -700...700)) }
      let memory = (0..<4).map { _ in AlignedMemory(byteCount: 1 << 14) }
      var whole = try StreamingPipeline(
        model: loaded.model, state: memory[0].bytes, scratch: memory[1].bytes)
      var restored = try StreamingPipeline(
        model: loaded.model, state: memory[2].bytes, scratch: memory[3].bytes)
      let copy = AlignedMemory(byteCount: whole.savedByteCount)
      var (a, b) = (
        [Int8](repeating: 0, count: loaded.model.output.count),
        [Int8](repeating: 1, count: loaded.model.output.count)
      )
      for (index, sample) in samples.enumerated() {
        _ = whole.push(sample)
        if index == 150 {
          try whole.save(into: copy.bytes)
          try restored.restore(from: UnsafeRawBufferPointer(copy.bytes))
          let isSound = restored.isStateSound
          #expect(isSound)
          continue
        }
        _ = restored.push(sample)
        guard index > 150, whole.isWindowFull else { continue }
        a.withUnsafeMutableBufferPointer { whole.decide(into: $0) }
        b.withUnsafeMutableBufferPointer { restored.decide(into: $0) }
        #expect(a == b)
      }
      // The place in a ring of one sample, and the samples until the next column.
      for place in [8, 12] {
        memory[2].bytes[place] = 7
        let isSound = restored.isStateSound
        #expect(!isSound)
        memory[2].bytes[place] = place == 8 ? 0 : 1
      }
    }
  }
}
