import ModelFiles
import QuantInfer

/// The device on the host: the runtime's monitor in memory of its own, sample in, decisions out.
///
/// This is the one loop that pushes samples through a monitor. `stream` and `sweep`, a fault campaign, and every
/// evaluation run it, so that what is measured is what ships.
package struct RunningDevice: ~Copyable {
  /// The runtime's loop.
  package private(set) var monitor: Monitor
  /// All that it keeps between samples, as `Monitor.StateLayout` divides it.
  package let state: UnsafeMutableRawBufferPointer
  /// Receives the logits of a decision.
  package let logits: UnsafeMutableBufferPointer<Int8>
  /// The samples that it has counted.
  package private(set) var sampleCount = 0
  /// The beats that are named to it when their sample has come, in order.
  private let givenBeats: [Int]
  private var nextBeat = 0
  private let memory: AlignedMemory

  /// Starts a device.
  ///
  /// - Parameters:
  ///   - model: The model; its image must outlive the device.
  ///   - options: How the monitor works.
  ///   - givenBeats: The beats' samples, where the pace is that of given beats.
  ///   - scratchByteCount: The scratch, at least what the model asks for; with more, convolutions go faster.
  /// - Throws: `MemoryError` where the model can't stream or the detector can't run at its rate.
  package init(
    _ model: Model, _ options: Monitor.Options, givenBeats: [Int] = [], scratchByteCount: Int
  ) throws(MemoryError) {
    let stateByteCount = try Monitor.stateByteCount(model: model, options: options)
    let scratchStart = (stateByteCount + 15) / 16 * 16
    let logitStart = scratchStart + scratchByteCount
    let memory = AlignedMemory(byteCount: logitStart + model.output.count)
    let state = UnsafeMutableRawBufferPointer(rebasing: memory.bytes[..<stateByteCount])
    monitor = try Monitor(
      model: model, options: options, state: state,
      scratch: UnsafeMutableRawBufferPointer(rebasing: memory.bytes[scratchStart..<logitStart]))
    logits = UnsafeMutableRawBufferPointer(rebasing: memory.bytes[logitStart...]).bindMemory(to: Int8.self)
    (self.memory, self.state) = (memory, state)
    self.givenBeats = givenBeats
  }

  /// Starts the device that ships, with a host's scratch.
  ///
  /// - Throws: `MemoryError` where the model can't stream or the detector can't run at its rate.
  package init(
    _ loaded: LoadedModel, _ options: Monitor.Options, _ timing: DecisionTiming
  ) throws(MemoryError) {
    try self.init(
      loaded.model, options, givenBeats: timing.givenBeats, scratchByteCount: loaded.scratchByteCount)
  }

  /// Takes a sample of a model of one lead, in counts, and the given beats whose sample has come.
  ///
  /// Returns whether a column ends with it: then decisions may be due.
  package mutating func push(_ sample: Int16) -> Bool {
    let isColumn = monitor.push(sample)
    countFrame()
    return isColumn
  }

  /// Takes a frame, a sample of each of the model's leads, as `push(_:)` does a sample.
  package mutating func push(frame: UnsafePointer<Int16>) -> Bool {
    let isColumn = monitor.push(frame: frame)
    countFrame()
    return isColumn
  }

  private mutating func countFrame() {
    while nextBeat < givenBeats.count, givenBeats[nextBeat] <= sampleCount {
      monitor.addBeat(samplesAgo: sampleCount - givenBeats[nextBeat])
      nextBeat += 1
    }
    sampleCount += 1
  }

  /// Makes the next decision that is due after a column, into `logits`; nil where no more are.
  package mutating func nextDecision() -> Monitor.Decision? { monitor.nextDecision(into: logits) }

  /// Takes all frames, whose samples follow one another, and hands over each decision with its sample and logits, which are valid during the call.
  package mutating func run(
    _ samples: some Sequence<Int16>,
    each body: (_ sample: Int, _ decision: Monitor.Decision, _ logits: UnsafeMutableBufferPointer<Int8>) ->
      Void
  ) {
    let leadCount = monitor.model.leadCount
    var frame: [Int16] = []
    for sample in samples {
      frame.append(sample)
      guard frame.count == leadCount else { continue }
      let isColumn = frame.withUnsafeBufferPointer { push(frame: $0.baseAddress!) }
      frame.removeAll(keepingCapacity: true)
      guard isColumn else { continue }
      while let decision = nextDecision() { body(sampleCount - 1, decision, logits) }
    }
  }

  /// The beats without a decision so far: those that wait, those that gave way, and those that have not come.
  package var undecidedBeatCount: Int {
    monitor.pendingBeatCount + monitor.droppedBeatCount + givenBeats.count - nextBeat
  }

  /// Whether its logits are another device's, bit for bit.
  package func hasLogits(of other: borrowing RunningDevice) -> Bool { logits.elementsEqual(other.logits) }
}

extension RunningDevice {
  /// All that a device needs to go on from here.
  package struct Snapshot: Sendable {
    /// The monitor's saved state.
    package var saved: [UInt8]
    /// The samples that it had counted.
    package var sampleCount: Int
    fileprivate var nextBeat: Int
  }

  /// Saves the device.
  package func snapshot() -> Snapshot {
    var saved = [UInt8](repeating: 0, count: monitor.savedByteCount)
    saved.withUnsafeMutableBytes { bytes in
      do throws(MemoryError) {
        try monitor.save(into: bytes)
      } catch {
        preconditionFailure("the copy is as large as the monitor asks")
      }
    }
    return Snapshot(saved: saved, sampleCount: sampleCount, nextBeat: nextBeat)
  }

  /// Goes on from a snapshot of the same model and options.
  ///
  /// - Throws: `SavedStateError` where it is damaged or another's.
  package mutating func restore(_ snapshot: Snapshot) throws(SavedStateError) {
    var refusal: SavedStateError?
    snapshot.saved.withUnsafeBytes { bytes in
      do throws(SavedStateError) {
        try monitor.restore(from: bytes)
      } catch {
        refusal = error
      }
    }
    if let refusal { throw refusal }
    (sampleCount, nextBeat) = (snapshot.sampleCount, snapshot.nextBeat)
  }

  /// Fills all that the device keeps, as memory may after a brown-out.
  package func loseMemory(_ byte: () -> UInt8) {
    for index in state.indices { state[index] = byte() }
  }
}
