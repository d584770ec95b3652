import Foundation
import HostDevice
import ModelFiles
import Networks
import QuantInfer
import Support
import Testing
import TestNetworks
import TestSupport

/// An image may claim what it likes: to check it takes time by its own size, and what it would take is known before it runs.
@Suite struct BoundedWorkTests {
  private static let cases = ProjectFiles.root.deletingLastPathComponent().appending(
    path: "shared/cases/images"
  ).path

  /// A case, which is of format version 2, in today's format.
  private static func caseImage(_ name: String) throws -> [UInt8] {
    try ImageConversion.converted(Array(try Files.read(cases + "/" + name + ".qinf")))
  }

  // claim: work
  @Test(
    .enabled(if: FileManager.default.fileExists(atPath: cases), "needs ../shared/cases/images"),
    arguments: ["img32-scratch", "img32-state", "lead1"])
  func forgedImagesAreRefusedAtOnce(name: String) throws {
    let image = try Self.caseImage(name)
    let time = ContinuousClock().measure {
      let error = #expect(throws: ModelError.self) { _ = try LoadedModel(image: image) }
      #expect(error?.kind == .beyondLimits)
    }
    #expect(time < .milliseconds(200))
  }

  /// 150 concatenations of the same 45 blocks of 1,024 codes, each a run of its own: few bytes that copy 6.9 million codes.
  @Test(.enabled(if: FileManager.default.fileExists(atPath: cases), "needs ../shared/cases/images"))
  func copiesAreWorkThatAVerdictCountsAndACallerBounds() throws {
    let image = try Self.caseImage("work8k")
    let loaded = try LoadedModel(image: image)
    let steps = 150 * (45 * (1024 * (1 + 8) + 8) + 256)
    #expect(loaded.model.stepsPerDecision == steps)
    let profile = try DeviceProfile.load("pacemaker")
    let verdict = try #require(Feasibility(loaded, on: profile, schedule: .every(seconds: 60)))
    let judgement = try #require(verdict.modes.first)
    let figure = try #require(profile.processor?.cyclesPerElement.estimate)
    #expect(judgement.worstCase.operatorName == "CONCATENATION")
    #expect(judgement.worstCase.cycles >= Double(steps) * figure.high)
    let decision = try #require(judgement.tasks.last)
    #expect(decision.cycles.value >= Double(steps) * figure.value)
    let memory = AlignedMemory(byteCount: image.count)
    memory.bytes.copyBytes(from: image)
    defer { withExtendedLifetime(memory) {} }
    var limits = Model.Limits()
    limits.stepsPerDecision = 1_000_000
    #expect(throws: ModelError.self) {
      _ = try Model(validating: UnsafeRawBufferPointer(memory.bytes), limits: limits)
    }
  }

  /// A pool in place over as many codes as there may be.
  @Test func aClaimOfTheLargestTensorsIsCheckedAtOnce() throws {
    func tensor() -> QuantizedNetwork.Tensor {
      .init(name: "", shape: [1, 1 << 14, 1 << 13, 1], scale: 1, zeroPoint: 0)
    }
    let network = QuantizedNetwork(
      tensors: [tensor(), tensor()],
      operators: [
        .init(
          kind: .maximumPool, inputs: [0], output: 1, activation: -128...127,
          computation: .maximumPool(.init(time: .init(kernel: 3, paddingBefore: 1, paddingAfter: 1))))
      ], input: 0, output: 1)
    let image = try ModelImage(network, frontEnd: nil).bytes
    let time = try ContinuousClock().measure {
      let loaded = try LoadedModel(image: image)
      defer { withExtendedLifetime(loaded) {} }
      let model = loaded.model
      // A column of 2^13 codes is needed until the next one is written, and a cell before its own.
      #expect(model.lead(model.operatorPlan(0), input: 0) == 1 << 13 + 1)
      // Sixteen lanes and four steps to reach them for each of three taps, and twice the lanes more.
      #expect(model.stepsPerDecision == 256 + (1 << 27) * (20 * 3 + 16 * 2))
    }
    #expect(time < .milliseconds(200))
  }

  /// As many products as there may be are no fault by themselves; that the image is too small to hold their weights is.
  @Test(arguments: [
    (1 << 14, 1, "constants of operator 0"), ((1 << 14) + 1, 1, "operator 0, SVDF"),
    (1, 1 << 15, "constants of operator 0"),
  ])
  func theMostProductsOfAnSVDFAreThoseOfTheLargestTensor(inputs: Int, rank: Int, place: String) throws {
    func tensor(_ count: Int) -> QuantizedNetwork.Tensor {
      .init(name: "", shape: [1, count], scale: 1, zeroPoint: 0)
    }
    var state = tensor(1 << 14)
    state.isVariable = true
    let multiplier = FixedPointMultiplier(real: 0.01)
    let network = QuantizedNetwork(
      .svdf, inputs: [tensor(inputs)], state: state, output: tensor(1 << 14),
      computation: .svdf(
        .init(
          featureWeights: [1], timeWeights: [1], biases: [1], rank: rank, featureMultiplier: multiplier,
          outputMultiplier: multiplier)))
    let error = #expect(throws: InvalidNetwork.self) { _ = try ModelImage(network, frontEnd: nil) }
    #expect(error?.description.hasSuffix("(\(place))") == true, "\(String(describing: error))")
  }

  /// 24 cells of 6 channels, each 48 products, or 24 in each of two groups.
  @Test(arguments: [
    (1, 256 + 24 * (16 * 12 * 2 + 4 * 12 + 32 * 3)), (2, 256 + 24 * 2 * (16 * 6 * 1 + 4 * 6 + 32 * 6)),
  ])
  func aConvolutionsWorkIsThatOfTheHandCalculation(groups: Int, steps: Int) throws {
    // Blocks of four inputs for four channels, filled up; what gathers them; and a run a column, or a tap where there are groups.
    let network = QuantizedNetwork(
      tensors: [[1, 10, 4, 8], [1, 8, 3, 6]].map { .init(name: "", shape: $0, scale: 1, zeroPoint: 0) },
      operators: [
        .convolution(
          from: 0, to: 1, window: .init(time: .init(kernel: 3), frequency: .init(kernel: 2)),
          weights: .init(
            codes: Array(repeating: 1, count: 6 * 3 * 2 * 8 / groups), biases: Array(repeating: 0, count: 6),
            multipliers: Array(repeating: FixedPointMultiplier(real: 0.01), count: 6)))
      ], input: 0, output: 1)
    let loaded = try LoadedModel(image: ModelImage(network, frontEnd: nil).bytes)
    #expect(loaded.model.stepsPerDecision == steps)
    #expect(steps > 24 * 6 * 48 / groups)
  }

  @Test func theLeadIsThatOfTheDefinition() throws {
    var random = SeededGenerator(seed: 171)
    for round in 0..<400 {
      func step() -> QuantizedNetwork.Step {
        let kernel = 1 + random.nextIndex(below: 5)
        return .init(
          kernel: kernel, stride: 1 + random.nextIndex(below: 4),
          paddingBefore: random.nextIndex(below: kernel),
          paddingAfter: random.nextIndex(below: kernel))
      }
      let window = QuantizedNetwork.Window(time: step(), frequency: step())
      func outputs(_ step: QuantizedNetwork.Step, _ inputs: Int) -> Int {
        (inputs + step.paddingBefore + step.paddingAfter - step.kernel) / step.stride + 1
      }
      let (batches, channels) = (1 + random.nextIndex(below: 3), 1 + random.nextIndex(below: 3))
      let (columns, rows) = (5 + random.nextIndex(below: 9), 5 + random.nextIndex(below: 9))
      let shapes = [
        [batches, columns, rows, channels],
        [batches, outputs(window.time, columns), outputs(window.frequency, rows), channels],
      ]
      let network = QuantizedNetwork(
        tensors: shapes.map { .init(name: "", shape: $0, scale: 1, zeroPoint: 0) },
        operators: [
          .init(
            kind: .maximumPool, inputs: [0], output: 1, activation: -128...127,
            computation: .maximumPool(window))
        ], input: 0, output: 1)
      let loaded = try LoadedModel(image: ModelImage(network, frontEnd: nil).bytes)
      defer { withExtendedLifetime(loaded) {} }
      let model = loaded.model
      #expect(
        model.lead(model.operatorPlan(0), input: 0)
          == Self.lead(from: shapes[0], to: shapes[1], window, isGathered: false), "round \(round)")
    }
  }

  /// Convolutions that gather, of the models that tests have anyway.
  @Test func theLeadOfImportedOperatorsIsThatOfTheDefinition() throws {
    var gathered = 0
    for data in Fuzzing.models {
      guard let source = try? TFLiteModel(decoding: data, file: ""),
        let network = try? QuantizedNetwork(importing: source),
        let image = try? ModelImage(network, frontEnd: nil).bytes
      else { continue }
      let loaded = try LoadedModel(image: image)
      defer { withExtendedLifetime(loaded) {} }
      let model = loaded.model
      for index in 0..<model.operatorCount {
        let plan = model.operatorPlan(index)
        let (input, output) = (model.tensor(plan.inputIndex(0)), model.tensor(plan.outputIndex))
        guard let window = plan.window, plan.weights?.layout == .blocks, input.type == .int8,
          let lead = model.lead(plan, input: 0), output.count < 100_000
        else { continue }
        func shape(_ tensor: Tensor) -> [Int] {
          [tensor.batchCount, tensor.timeCount, tensor.frequencyCount, tensor.channelCount]
        }
        func step(_ step: WindowStep) -> QuantizedNetwork.Step {
          .init(
            kernel: step.kernel, stride: step.stride, dilation: step.dilation,
            paddingBefore: step.paddingBefore)
        }
        #expect(
          lead
            == Self.lead(
              from: shape(input), to: shape(output),
              .init(time: step(window.time), frequency: step(window.frequency)), isGathered: true))
        gathered += 1
      }
    }
    #expect(gathered > 10)
  }

  /// The definition of the model format's documentation, cell by cell; all codes are bytes.
  private static func lead(
    from input: [Int], to output: [Int], _ window: QuantizedNetwork.Window, isGathered: Bool
  ) -> Int {
    func clamp(_ value: Int, _ count: Int) -> Int { max(0, min(value, count - 1)) }
    func place(_ column: Int, _ row: Int) -> Int {
      (clamp(column * window.time.stride - window.time.paddingBefore, input[1]) * input[2]
        + clamp(row * window.frequency.stride - window.frequency.paddingBefore, input[2])) * input[3]
    }
    let batch = input[1] * input[2] * input[3]
    var lead = Int.min
    for column in 0..<output[1] {
      let next = column + 1 < output[1] ? place(column + 1, 0) : batch
      for row in 0..<output[2] {
        let written = (column * output[2] + row + 1) * output[3]
        let after = row + (isGathered ? 1 : 0)
        lead = max(lead, written - (after < output[2] ? min(place(column, after), next) : next))
      }
    }
    return lead + max(0, (output[1] * output[2] * output[3] - batch) * (output[0] - 1))
  }

  private static func dense(_ count: Int) throws -> [UInt8] {
    let weights = QuantizedNetwork.Weights(
      codes: [Int8](repeating: 1, count: 16), biases: [0, 0, 0, 0], scales: [0.01, 0.01, 0.01, 0.01],
      inputScale: 1,
      outputScale: 1)
    return try ModelImage(
      QuantizedNetwork(
        tensors: (0...count).map { _ in .init(name: "", shape: [1, 4], scale: 1, zeroPoint: 0) },
        operators: (0..<count).map { .fullyConnected(from: $0, to: $0 + 1, weights: weights) }, input: 0,
        output: count), frontEnd: nil
    ).bytes
  }

  @Test func operatorsThatShareWeightsAreRefused() throws {
    let image = try Self.dense(2)
    let loaded = try LoadedModel(image: image)
    defer { withExtendedLifetime(loaded) {} }
    let model = loaded.model
    let first = try #require(model.weightBytes(ofOperator: 0))
    let second = try #require(model.weightBytes(ofOperator: 1))
    func refusal(replacing old: Int, by new: Int) -> ModelError.Kind? {
      var image = image
      let (from, to) = (UInt32(old).littleEndian, UInt32(new).littleEndian)
      for place in stride(from: 0, to: image.count - 3, by: 4) {
        let word = image[place..<place + 4].withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) }
        guard word == from else { continue }
        withUnsafeBytes(of: to) { image.replaceSubrange(place..<place + 4, with: $0) }
      }
      let error = #expect(throws: ModelError.self) { _ = try LoadedModel(image: resealed(image)) }
      return error?.kind
    }
    #expect(refusal(replacing: second.lowerBound, by: first.lowerBound) == .offsetOutOfRange)
    // Nor may the first's reach into the second's.
    #expect(refusal(replacing: first.lowerBound, by: second.lowerBound) == .offsetOutOfRange)
  }

  // claim: work
  @Test func stepsAreAsReckonedByHand() throws {
    // A quad of inputs to a block of channels: 16 products, 4 codes gathered, a row and a call begun; twice.
    let dense = try LoadedModel(image: Self.dense(2))
    #expect(dense.model.stepsPerDecision == 2 * (16 + 4 + 32 + 256))
    withExtendedLifetime(dense) {}
    // Two inputs of 3 x 5 side by side: 30 codes in six rows, and two records read; and the call.
    func tensor(_ channels: Int) -> QuantizedNetwork.Tensor {
      .init(name: "", shape: [1, 3, channels], scale: 1, zeroPoint: 0)
    }
    func block(_ input: Int) -> QuantizedNetwork.Block {
      .init(
        input: input, shape: [3, 5], inputStart: 0, inputStrides: [5, 1], outputStart: 5 * input,
        outputStrides: [10, 1])
    }
    let network = QuantizedNetwork(
      tensors: [tensor(5), tensor(10)],
      operators: [
        .init(
          kind: .concatenation, inputs: [0, 0], output: 1, activation: -128...127,
          computation: .rearrangement([block(0), block(1)], fill: nil))
      ], input: 0, output: 1)
    let loaded = try LoadedModel(image: ModelImage(network, frontEnd: nil).bytes)
    #expect(loaded.model.stepsPerDecision == 30 + 8 * 6 + 8 * 2 + 256)
    // A mean and a greatest code of three columns: twenty for each tap, and sixteen lanes twice for an end and eight times for a division.
    for (kind, ending) in [(OperatorKind.averagePool, 10), (.maximumPool, 2)] {
      let window = QuantizedNetwork.Window(time: .init(kernel: 3, paddingBefore: 1, paddingAfter: 1))
      let pooled = try LoadedModel(
        image: ModelImage(
          QuantizedNetwork(
            tensors: [tensor(5), tensor(5)],
            operators: [
              .init(
                kind: kind, inputs: [0], output: 1, activation: -128...127,
                computation: kind == .averagePool ? .averagePool(window) : .maximumPool(window))
            ], input: 0, output: 1), frontEnd: nil
        ).bytes)
      #expect(pooled.model.stepsPerDecision == 3 * (20 * 3 + 16 * ending) + 256)
      withExtendedLifetime(pooled) {}
    }
    // The verdict's elements are these.
    let operation = try #require(ModelSummary(loaded).operations.operators.first)
    #expect(operation.workPerWindow == loaded.model.stepsPerDecision)
  }

  // claim: work
  @Test func limitsAreTheCallers() throws {
    let loaded = try LoadedModel(file: ProjectFiles.model)
    let memory = AlignedMemory(byteCount: loaded.model.byteCount)
    memory.bytes.copyBytes(from: try Files.read(ProjectFiles.model))
    defer { withExtendedLifetime(memory) {} }
    let fields: [WritableKeyPath<Model.Limits, Int>] = [
      \.memoryByteCount, \.operatorCount, \.inputCount, \.stepsPerDecision,
    ]
    // What `exporter inspect` says: a state of 1,228 bytes and a scratch of 292, a chain of four operators.
    let taken = [1228 + 292, 4, 4, loaded.model.stepsPerDecision]
    for (field, value) in zip(fields, taken) {
      var limits = Model.Limits()
      limits[keyPath: field] = value
      _ = try Model(validating: UnsafeRawBufferPointer(memory.bytes), limits: limits)
      limits[keyPath: field] = value - 1
      let error = #expect(throws: ModelError.self) {
        _ = try Model(validating: UnsafeRawBufferPointer(memory.bytes), limits: limits)
      }
      #expect(error?.kind == .beyondLimits)
    }
  }

  // claim: work
  /// Each image against the clock: what a step took at most, and on the shipped model.
  ///
  /// `WORK=10000 swift test --filter stepsBoundTheTime`; times are of this thread alone, the least of several.
  @Test(
    .enabled(if: ProcessInfo.processInfo.environment["WORK"] != nil, "measures time; WORK=IMAGES asks for it")
  )
  func stepsBoundTheTimeOfRandomAndMutatedImages() throws {
    let rounds = Int(ProcessInfo.processInfo.environment["WORK"] ?? "") ?? 1000
    func nanosecondsPerStep(_ image: [UInt8], instructions: InstructionSet) -> Double? {
      guard let loaded = try? LoadedModel(image: image), loaded.model.arenaByteCount < 1 << 20,
        loaded.model.scratchByteCount < 1 << 20
      else { return nil }
      let model = loaded.model
      let steps = (0..<model.operatorCount).reduce(0) { $0 + model.steps(ofOperator: $1, in: nil) }
      guard steps < 1 << 28 else { return nil }
      let (arena, scratch) = (
        AlignedMemory(byteCount: model.arenaByteCount), AlignedMemory(byteCount: model.scratchByteCount)
      )
      guard
        var engine = try? WholeWindow(
          model: model, arena: arena.bytes, scratch: scratch.bytes, instructions: instructions)
      else { return nil }
      func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
      }
      // As often as takes a tenth of a millisecond or so, so that the clock itself is nothing.
      let repeats = max(1, 100_000 / steps)
      var least = Double.infinity
      for _ in 0..<5 {
        let start = now()
        for _ in 0..<repeats { engine.run() }
        least = min(least, now() - start)
      }
      withExtendedLifetime((loaded, arena, scratch)) {}
      return least / Double(repeats * steps)
    }
    let shipped = try #require(
      nanosecondsPerStep(Array(try Files.read(ProjectFiles.model)), instructions: .portable))
    let images = Fuzzing.models.compactMap { data -> [UInt8]? in
      guard let model = try? TFLiteModel(decoding: data, file: ""),
        let network = try? QuantizedNetwork(importing: model)
      else { return nil }
      return try? ModelImage(network, frontEnd: nil).bytes
    }
    var random = SeededGenerator(seed: 172)
    var slowest: [(Double, [UInt8])] = []
    var measured = 0
    while measured < rounds {
      var image = images[random.nextIndex(below: images.count)]
      for _ in 0..<random.nextIndex(below: 4) {
        image[random.nextIndex(below: min(900, image.count))] = UInt8(truncatingIfNeeded: random.next())
      }
      image = resealed(image)
      guard let time = nanosecondsPerStep(image, instructions: .portable) else { continue }
      measured += 1
      slowest = ((slowest + [(time, image)]).sorted { $0.0 > $1.0 }).prefix(8).map(\.self)
    }
    print("ns a step: shipped model \(shipped); most of \(measured) images:")
    for (time, image) in slowest {
      let loaded = try LoadedModel(image: image)
      defer { withExtendedLifetime(loaded) {} }
      let model = loaded.model
      let kinds = (0..<model.operatorCount).map { "\(model.operatorPlan($0).kind!)" }
      print("  \(time) \(kinds.prefix(6)) of \(model.stepsPerDecision)")
    }
    // The shipped model does products, of which a profile's core does several in the time of another operator's step.
    #expect(slowest[0].0 < 4 * shipped)
  }
}
