import Payload
import QuantInfer

/// What a run over the samples decided: a checksum over all decisions, and how many there were.
struct Decisions {
  private(set) var count = 0
  private(set) var checksum: UInt32 = 0
  /// The same of every sixteenth decision, which the whole-window run makes too.
  private var sampledChecksum: UInt32 = 0

  /// Every so many decisions, one is also made from the whole window.
  static let sampling = 16

  mutating func add(_ logits: UnsafeMutableBufferPointer<Int8>) {
    checksum = CRC32.checksum(UnsafeRawBufferPointer(logits), continuing: checksum)
    if count % Self.sampling == 0 { addSampled(UnsafeBufferPointer(logits)) }
    count &+= 1
  }

  mutating func addSampled(_ logits: UnsafeBufferPointer<Int8>) {
    sampledChecksum = CRC32.checksum(UnsafeRawBufferPointer(logits), continuing: sampledChecksum)
  }

  func isSame(as other: Decisions) -> Bool { sampledChecksum == other.sampledChecksum }
}

/// Prints a checksum under its name.
func printChecksum(_ what: StaticString, _ number: Int, _ checksum: UInt32) {
  Console.put(what)
  Console.put(number)
  Console.put(", CRC ")
  Console.put(hex: checksum)
  Console.endLine()
}

/// The samples that the firmware carries.
var payloadSamples: UnsafeBufferPointer<Int16> {
  UnsafeBufferPointer(start: payload_samples(), count: payload_sample_count())
}

/// Sample in, decision out.
struct StreamingRun {
  private let model: Model

  init(_ model: Model) { self.model = model }

  /// Runs over all samples.
  ///
  /// - Parameter interrupted: Whether half-way the state is saved, all else lost, and the state restored.
  /// - Returns: The decisions.
  func run(interrupted: Bool = false) -> Decisions {
    var memory = Memory()
    let state = memory.take(model.stateByteCount)
    let scratch = memory.take(model.streamingScratchByteCount)
    let logits = memory.take(model.output.count).bindMemory(to: Int8.self)
    var decisions = Decisions()
    guard var pipeline = try? StreamingPipeline(model: model, state: state, scratch: scratch) else {
      return decisions
    }
    let copy = memory.take(interrupted ? pipeline.savedByteCount : 0)
    var columns = (count: 0, checksum: UInt32(0))
    for index in 0..<payloadSamples.count {
      let sample = payloadSamples[index]
      if interrupted, index == payloadSamples.count / 2, (try? pipeline.save(into: copy)) != nil {
        for place in 0..<state.count { state[place] = 0xA5 }
        pipeline.reset()
        guard (try? pipeline.restore(from: UnsafeRawBufferPointer(copy))) != nil else { return decisions }
      }
      guard pipeline.push(sample) else { continue }
      columns.count &+= 1
      columns.checksum = CRC32.checksum(
        UnsafeRawBufferPointer(pipeline.newestColumn), continuing: columns.checksum)
      guard pipeline.isWindowFull else { continue }
      pipeline.decide(into: logits)
      if !interrupted, decisions.count % (2 &* Decisions.sampling) == 0 { print(logits, at: index) }
      decisions.add(logits)
    }
    if interrupted { Console.put("resumed ") } else { Console.put("streaming ") }
    printChecksum("columns ", columns.count, columns.checksum)
    if interrupted { Console.put("resumed ") } else { Console.put("streaming ") }
    printChecksum("decisions ", decisions.count, decisions.checksum)
    return decisions
  }

  private func print(_ logits: UnsafeMutableBufferPointer<Int8>, at sample: Int) {
    Console.put("decision at sample ")
    Console.put(sample)
    Console.put(":")
    for index in 0..<min(8, logits.count) {
      Console.put(" ")
      Console.put(Int(truncatingIfNeeded: logits[index]))
    }
    Console.endLine()
  }
}

/// Runs whole windows, and adds up each layer's checksum.
struct LayerRun: ~Copyable {
  private let model: Model
  private let checksums: UnsafeMutableBufferPointer<UInt32>
  private var engine: WholeWindow
  private(set) var count = 0

  init?(_ model: Model, in memory: inout Memory) {
    self.model = model
    let arena = memory.take(model.arenaByteCount)
    let scratch = memory.take(model.scratchByteCount)
    checksums = memory.take(4 &* model.operatorCount).bindMemory(to: UInt32.self)
    checksums.update(repeating: 0)
    guard let engine = try? WholeWindow(model: model, arena: arena, scratch: scratch) else { return nil }
    self.engine = engine
  }

  var input: UnsafeMutableBufferPointer<Int8> { engine.input }
  var output: UnsafeBufferPointer<Int8> { engine.output }

  mutating func run() {
    for index in 0..<model.operatorCount {
      engine.runOperator(index)
      let tensor = model.tensor(model.operatorPlan(index).outputIndex)
      checksums[index] =
        tensor.type == .int8
        ? CRC32.checksum(
          UnsafeRawBufferPointer(engine.codes(of: tensor) as UnsafeMutableBufferPointer<Int8>),
          continuing: checksums[index])
        : CRC32.checksum(
          UnsafeRawBufferPointer(engine.codes(of: tensor) as UnsafeMutableBufferPointer<Int16>),
          continuing: checksums[index])
    }
    count &+= 1
  }

  func print() {
    Console.put("windows ")
    Console.put(count)
    Console.endLine()
    for index in 0..<model.operatorCount { printChecksum("layer ", index, checksums[index]) }
  }
}

/// Whole windows of spectrogram columns.
struct SpectrogramRun {
  private let model: Model

  init(_ model: Model) { self.model = model }

  /// Runs over all samples, and decides where the streaming run's every sixteenth decision is.
  func run() -> Decisions {
    var memory = Memory()
    var decisions = Decisions()
    guard case .spectrogram(let plan) = model.frontEnd, let layout = model.streaming,
      var layers = LayerRun(model, in: &memory)
    else { return decisions }
    let state = memory.take(ModelFormat.State.frontEndByteCount(windowSamples: plan.windowSamples))
    let scratch = memory.take(plan.scratchByteCount)
    guard var spectrogram = try? StreamingSpectrogram(plan: plan, state: state, scratch: scratch) else {
      return decisions
    }
    let (window, bins) = (model.input.timeCount, plan.binCount)
    let columns = memory.take(window &* bins).bindMemory(to: Int8.self)
    guard columns.count == window &* bins, let start = columns.baseAddress else { return decisions }
    var (next, seen) = (0, 0)
    for sampleIndex in 0..<payloadSamples.count where spectrogram.push(payloadSamples[sampleIndex]) {
      spectrogram.computeColumn(into: start + next &* bins)
      next = next &+ 1 == window ? 0 : next &+ 1
      seen &+= 1
      let extra = seen &- window
      guard extra >= 0, extra % (Decisions.sampling &* layout.columnsPerDecision) == 0 else { continue }
      for index in 0..<columns.count {
        layers.input[index] = columns[(next &* bins &+ index) % columns.count]
      }
      layers.run()
      decisions.addSampled(layers.output)
    }
    layers.print()
    return decisions
  }
}

/// Whole windows of noise, for a model that takes finished input.
struct NoiseRun {
  private let model: Model

  init(_ model: Model) { self.model = model }

  /// Runs four windows; returns whether they fit the memory.
  func run() -> Bool {
    var memory = Memory()
    guard var layers = LayerRun(model, in: &memory) else { return false }
    var noise: UInt32 = 1
    let input = layers.input
    for _ in 0..<4 {
      for index in 0..<input.count {
        noise = noise &* 1_664_525 &+ 1_013_904_223
        input[index] = Int8(truncatingIfNeeded: noise &>> 24)
      }
      layers.run()
    }
    layers.print()
    return true
  }
}
