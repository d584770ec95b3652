import Evaluation
import Foundation
import HostDevice
import ModelFiles
import Networks
import Quantization
import QuantInfer
import Support
import Tasks
import TestNetworks
import Testing
import Training

/// A network of beats beside one of columns, on the made-up hearts of `BeatNetworkTests`.
@Suite struct JoinedNetworkTests {
  private static let signal = BeatNetworkTests.signal()
  private static let converter = AnalogConverter(bits: 12, rangeMillivolts: 10)
  /// Those about which all of a window's columns come, as the network of columns needs.
  private static let beats = signal.beats.map(\.sample).filter { $0 > 600 }

  private static func trained(
    _ settings: SpectrogramSettings, _ specification: NetworkSpecification
  ) throws -> Checkpoint {
    var training = settings.beats == nil ? TrainingOptions(split: .intra) : TrainingOptions.beats
    // The network of columns learns less, and is wrong about some beats.
    (training.epochs, training.windowsPerEpoch, training.batchSize) =
      settings.beats == nil ? (1, 120, 40) : (2, 400, 40)
    return try Trainer(
      .untrained(
        settings: settings, specification: specification, classNames: ["narrow", "wide"], task: "made-up",
        split: "none", training: training), signals: [signal]
    ).run()
  }

  private static func columns() throws -> Checkpoint {
    try trained(
      SpectrogramSettings(),
      NetworkSpecification(
        inputColumns: 43, inputChannels: 12,
        layers: [.convolution(outputChannels: 6, kernelColumns: 3), .dense(outputCount: 2)]))
  }

  private static func ofBeats(knownDistance: Double = 0, hopSamples: Int = 8) throws -> Checkpoint {
    var beats = BeatSettings.standard
    beats.knownDistance = knownDistance
    return try trained(
      SpectrogramSettings(beats: beats, hopSamples: hopSamples), .beats(beats, hidden: 6, classCount: 2))
  }

  private static let joined = Result { try columns().joined(with: ofBeats()) }

  private static func image(_ trained: Checkpoint, windows: Int = 100) throws -> [UInt8] {
    try ModelImage.quantized(
      trained, calibratedOn: [signal], converter: converter, windows: windows, seed: 1,
      options: QuantizationOptions()
    ).bytes
  }

  private static let bytes = Result { try image(joined.get()) }

  private static func word(_ image: [UInt8], _ place: Int) -> Int {
    (0..<4).reduce(0) { $0 | Int(image[place + $1]) << (8 * $1) }
  }

  /// The second network's section in an image of two.
  private static func section(_ image: [UInt8]) -> Int {
    word(image, ModelFormat.Header.sections) + 4 * ModelFormat.Section.byteCount
  }

  /// The same image without its second network.
  private static func alone(_ image: [UInt8]) throws -> LoadedModel {
    var image = image
    let place = section(image) + ModelFormat.Section.contentByteCount
    image.replaceSubrange(place..<place + 4, with: [0, 0, 0, 0])
    return try LoadedModel(image: resealed(image))
  }

  private static func options(_ loaded: LoadedModel, wakePercent: Int = 0) -> Monitor.Options {
    var announcing = Announcing()
    announcing.wakePercent = wakePercent
    return Monitor.Options(.givenBeats(beats), announcing: announcing, of: loaded, converter: converter)
  }

  /// Each decision's beat, and its logits' codes where it has any.
  private static func decisions(
    _ model: Model, _ options: Monitor.Options, counts: [Int16] = counts,
    beats: [Int] = beats
  ) throws -> [Int: [Int8]?] {
    var device = try RunningDevice(model, options, givenBeats: beats, scratchByteCount: 1 << 16)
    var decisions: [Int: [Int8]?] = [:]
    device.run(counts) { sample, decision, logits in
      decisions[sample - (decision.beatAge ?? 0)] = decision.hasLogits ? Array(logits) : .some(nil)
    }
    return decisions
  }

  private static let counts = signal.microvolts.map(converter.count(ofMicrovolts:))

  /// Two devices, one of each network of the image, are the truth: their codes are added, and lowered alike where one leaves
  /// int8.
  // claim: joined
  @Test func theDeviceAddsTheCodesOfBothNetworks() throws {
    // Ranges of two windows, which others leave.
    let bytes = try Self.image(Self.joined.get(), windows: 2)
    let loaded = try LoadedModel(image: bytes)
    let alone = try Self.alone(bytes)
    let memory = AlignedMemory(byteCount: bytes.count)
    memory.bytes.copyBytes(from: bytes)
    let second = try Model(validating: UnsafeRawBufferPointer(memory.bytes), network: 1)
    #expect(second.beatNetwork == nil && alone.model.beatNetwork == nil)
    let both = try Self.decisions(loaded.model, Self.options(loaded))
    let ofColumns = try Self.decisions(alone.model, Self.options(alone))
    let ofBeats = try Self.decisions(second, Self.options(loaded))
    try #require(both.count > 220 && Set(both.keys) == Set(ofColumns.keys))
    let zero = Int(second.output.zeroPoint)
    var (moved, lowered) = (0, 0)
    for (beat, logits) in both {
      let (a, b) = (try #require(ofColumns[beat] ?? nil), try #require(ofBeats[beat] ?? nil))
      let sums = zip(a, b).map { Int($0) + Int($1) - zero }
      let excess = max(0, sums.max()! - 127)
      #expect(logits == sums.map { Int8(clamping: $0 - excess) })
      if excess > 0 { lowered += 1 }
      if Int(a[0]) - Int(a[1]) != sums[0] - sums[1] { moved += 1 }
    }
    #expect(moved > 200 && lowered > 10 && lowered < both.count, "\(moved) \(lowered)")
    withExtendedLifetime(memory) {}
  }

  /// The float networks decide one by one; a device's logits are their sum but for its codes.
  @Test func theFloatTwinAddsTheLogitsOfBothNetworks() throws {
    let joined = try Self.joined.get()
    var columns = joined
    columns.beatNetwork = nil
    let beats = try #require(joined.beatNetwork)
    func decisions(_ checkpoint: Checkpoint, _ graph: Checkpoint) throws -> [Int: [Float]] {
      Dictionary(
        uniqueKeysWithValues: try EvaluationWindows(
          [Self.signal], window: checkpoint.window, beside: FloatBeatNetwork(beside: checkpoint)
        ).decisions(of: FloatGraph(graph)).map { ($0.sample, $0.logits) })
    }
    let (both, a, b) = (
      try decisions(joined, joined), try decisions(columns, columns), try decisions(beats, beats)
    )
    let late = both.filter { $0.key > 3000 }
    #expect(late.count > 190)
    for (beat, logits) in late {
      let (a, b) = (try #require(a[beat]), try #require(b[beat]))
      // The templates began at other beats, and have followed the patient for 20 beats.
      #expect(zip(logits, zip(a, b)).allSatisfy { abs($0 - $1.0 - $1.1) < 0.5 }, "\(logits) \(a) \(b)")
    }
    let loaded = try LoadedModel(image: Self.bytes.get())
    #expect(loaded.isTwin(of: joined) && !loaded.isTwin(of: columns))
    let int8 = try FixedPointDecisions(loaded).decisions(about: Self.signal, includesSilent: true)
    let (step, range) = (Float(bitPattern: loaded.model.output.scaleBits), loaded.logitRange)
    #expect(int8.count == both.count)
    for decision in int8 {
      // Windows that ranges weren't measured on may leave them: the device lowers both, and keeps the lesser one within its codes.
      let sums = try #require(both[decision.sample])
      let float = sums.map { max($0 - max(0, sums.max()! - range.upperBound), range.lowerBound) }
      let difference = (decision.logits[0] - decision.logits[1]) - (float[0] - float[1])
      #expect(abs(difference) < 6 * step, "\(decision.logits) \(float)")
    }
  }

  // claim: joined
  @Test func aSleepingDeviceHasTheLogitsOfOneThatNeverSleeps() throws {
    let loaded = try LoadedModel(image: Self.bytes.get())
    let awake = try Self.decisions(loaded.model, Self.options(loaded))
    let sleeping = try Self.decisions(loaded.model, Self.options(loaded, wakePercent: 12))
    let decided = sleeping.filter { $0.value != nil }
    #expect(decided.count > 20 && decided.count < awake.count - 60, "\(decided.count)")
    for (beat, logits) in decided { #expect(awake[beat] == logits) }
  }

  // claim: joined
  @Test(arguments: [3, 8, 50, 400]) func blocksGiveTheBitsOfSamples(length: Int) throws {
    let loaded = try LoadedModel(image: Self.bytes.get())
    func run(_ length: Int) throws -> (decisions: [[Int8]], state: [UInt8]) {
      let options = Self.options(loaded)
      let state = AlignedMemory(
        byteCount: try Monitor.stateByteCount(model: loaded.model, options: options))
      let scratch = AlignedMemory(byteCount: loaded.model.streamingScratchByteCount)
      var monitor = try Monitor(
        model: loaded.model, options: options, state: state.bytes, scratch: scratch.bytes)
      var (logits, decisions) = ([Int8](repeating: 0, count: 2), [[Int8]]())
      var (taken, next) = (0, 0)
      Self.counts.withUnsafeBufferPointer { counts in
        while taken < counts.count {
          // A beat is told of at its sample, which ends a block.
          let end = next < Self.beats.count ? min(taken + length, Self.beats[next] + 1) : taken + length
          let block = UnsafeBufferPointer(rebasing: counts[taken..<min(end, counts.count)])
          let fed = length == 1 ? (count: 1, endsColumn: monitor.push(block[0])) : monitor.feed(block)
          taken += fed.count
          while next < Self.beats.count, Self.beats[next] < taken {
            monitor.addBeat(samplesAgo: taken - 1 - Self.beats[next])
            next += 1
          }
          guard fed.endsColumn else { continue }
          while let decision = logits.withUnsafeMutableBufferPointer({ monitor.nextDecision(into: $0) }) {
            if decision.hasLogits { decisions.append(logits) }
          }
        }
      }
      withExtendedLifetime((loaded, state, scratch)) {}
      return (decisions, Array(state.bytes))
    }
    let (single, blocks) = (try run(1), try run(length))
    #expect(single.decisions.count > 200)
    #expect(single.decisions == blocks.decisions && single.state == blocks.state)
  }

  // claim: joined
  @Test func aSavedDeviceGoesOnAsIfNothingHadHappened() throws {
    let loaded = try LoadedModel(image: Self.bytes.get())
    let options = Self.options(loaded)
    func device() throws -> RunningDevice {
      try RunningDevice(loaded.model, options, givenBeats: Self.beats, scratchByteCount: 1 << 16)
    }
    var first = try device()
    var second = try device()
    let middle = Self.counts.count / 2
    for count in Self.counts[..<middle] where first.push(count) { while first.nextDecision() != nil {} }
    try second.restore(first.snapshot())
    var decided = 0
    for count in Self.counts[middle...] {
      guard first.push(count) else {
        _ = second.push(count)
        continue
      }
      let isColumn = second.push(count)
      #expect(isColumn)
      while let decision = first.nextDecision() {
        let (other, isSame) = (second.nextDecision(), second.hasLogits(of: first))
        #expect(other == decision && isSame)
        decided += 1
      }
    }
    #expect(decided > 100)
  }

  /// Bits of what the network of beats keeps: nothing traps, and decisions go on.
  @Test func lostBitsOfTheNetworkOfBeatsEndNothing() throws {
    let loaded = try LoadedModel(image: Self.bytes.get())
    let options = Self.options(loaded)
    let part = try Monitor.StateLayout(loaded.model, options).beats
    #expect(part.count == loaded.model.beatNetwork?.stateByteCount)
    let whole = try Self.decisions(loaded.model, options)
    var differing = 0
    for bit in stride(from: 8 * part.lowerBound, to: 8 * part.upperBound, by: 41) {
      var device = try RunningDevice(
        loaded.model, options, givenBeats: Self.beats, scratchByteCount: 1 << 16)
      var late: [Int: [Int8]] = [:]
      for (index, count) in Self.counts.enumerated() {
        if index == Self.beats[60] { device.state[bit / 8] ^= 1 << UInt8(bit % 8) }
        guard device.push(count) else { continue }
        while let decision = device.nextDecision() {
          if decision.hasLogits { late[index - (decision.beatAge ?? 0)] = Array(device.logits) }
        }
      }
      let last = Self.beats.suffix(40).filter { late[$0] != nil }
      #expect(last.count > 35)
      if last.contains(where: { beat in (late[beat] ?? []) != (whole[beat] ?? []) }) { differing += 1 }
    }
    // Of some bits the intervals' slow estimates have not healed by then.
    #expect(differing < 60, "\(differing)")
  }

  /// A second network that can't decide with the first one: other logits, known beats, another hop, or none that is sound.
  @Test func anImageOfTwoThatDontFitIsRefused() throws {
    let bytes = try Self.bytes.get()
    let network = Self.word(bytes, Self.section(bytes) + ModelFormat.Section.content)
    let frontEnd = Self.word(bytes, network + ModelFormat.Network.frontEnd)
    let port = Self.word(bytes, network + ModelFormat.Network.ports) + ModelFormat.Port.byteCount
    let output = Int(bytes[port]) | Int(bytes[port + 1]) << 8
    let tensor =
      Self.word(bytes, network + ModelFormat.Network.tensors) + output * ModelFormat.Tensor.byteCount
    func refusal(_ place: Int, _ value: UInt8) -> ModelError? {
      var changed = bytes
      changed[place] = value
      do throws(ModelError) { _ = try LoadedModel(image: resealed(changed)) } catch { return error }
      return nil
    }
    let pair = ModelError(.invalidStreamingPlan, at: network)
    #expect(refusal(tensor + ModelFormat.Tensor.scaleBits, 1) == pair)
    #expect(refusal(frontEnd + ModelFormat.FrontEnd.knownDistanceQ8, 9) == pair)
    #expect(refusal(frontEnd + ModelFormat.FrontEnd.hopSamples, 9) == pair)
    #expect(refusal(frontEnd + ModelFormat.FrontEnd.sampleRateMillihertz, 9) == pair)
    #expect(refusal(network + ModelFormat.Network.operatorCount, 0)?.kind == .invalidOperator)
  }

  @Test func limitsCountBothNetworks() throws {
    let bytes = try Self.bytes.get()
    let loaded = try LoadedModel(image: bytes)
    let alone = try Self.alone(bytes)
    let beats = try #require(loaded.model.beatNetwork)
    #expect(loaded.model.stepsPerDecision == alone.model.stepsPerDecision + beats.stepsPerDecision)
    #expect(loaded.model.runByteCount >= alone.model.runByteCount + beats.stateByteCount)
    let memory = AlignedMemory(byteCount: bytes.count)
    memory.bytes.copyBytes(from: bytes)
    var limits = Model.Limits()
    limits.stepsPerDecision = loaded.model.stepsPerDecision
    limits.memoryByteCount = loaded.model.runByteCount
    _ = try Model(validating: UnsafeRawBufferPointer(memory.bytes), limits: limits)
    limits.stepsPerDecision -= 1
    #expect(throws: ModelError.self) {
      _ = try Model(validating: UnsafeRawBufferPointer(memory.bytes), limits: limits)
    }
    (limits.stepsPerDecision, limits.memoryByteCount) = (.max, loaded.model.runByteCount - 1)
    #expect(throws: ModelError.self) {
      _ = try Model(validating: UnsafeRawBufferPointer(memory.bytes), limits: limits)
    }
  }

  @Test func aClockAndAPipelineAloneAreRefused() throws {
    let loaded = try LoadedModel(image: Self.bytes.get())
    var options = Self.options(loaded)
    options.pace = .everyColumns(4)
    #expect(throws: MemoryError.decidesAtBeatsAlone) {
      _ = try Monitor.stateByteCount(model: loaded.model, options: options)
    }
  }

  @Test func aCheckpointOfTwoIsReadAsItWasWritten() throws {
    let joined = try Self.joined.get()
    let read = try Checkpoint(decoding: joined.encoded(), file: "joined")
    #expect(read == joined && read.beatNetwork?.layers == joined.beatNetwork?.layers)
    // Twice the share, twice the logits: the last layer alone.
    let (columns, beats) = (try Self.columns(), try Self.ofBeats())
    let double = try #require(try columns.joined(with: beats, share: 2).beatNetwork)
    #expect(double.layers[0] == beats.layers[0])
    #expect(double.layers[1].weights == beats.layers[1].weights.map { 2 * $0 })
    #expect(double.layers[1].biases == beats.layers[1].biases.map { 2 * $0 })
  }

  @Test func networksThatCantDecideTogetherAreNotJoined() throws {
    let (columns, beats) = (try Self.columns(), try Self.ofBeats())
    func problem(_ other: Checkpoint) -> String? {
      do throws(InvalidNetwork) { _ = try columns.joined(with: other) } catch { return error.description }
      return nil
    }
    #expect(problem(beats) == nil)
    #expect(problem(columns)?.contains("is of columns itself") == true)
    #expect(problem(try Self.ofBeats(knownDistance: 0.3))?.contains("--known-distance 0") == true)
    #expect(problem(try Self.ofBeats(hopSamples: 320))?.contains("other times") == true)
    var other = beats
    other.classNames = ["wide", "narrow"]
    #expect(problem(other)?.contains("other classes") == true)
    other = beats
    other.decisionDelaySeconds = 0.8
    #expect(problem(other)?.contains("another time") == true)
    other = beats
    other.settings.couplingHz = 0.5
    #expect(problem(other)?.contains("another signal") == true)
    var damaged = try Self.joined.get()
    damaged.beatNetwork?.classNames = ["wide", "narrow"]
    #expect(throws: FileError.self) { try Checkpoint(decoding: damaged.encoded(), file: "damaged") }
  }
}
