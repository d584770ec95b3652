import HostDevice
import ModelFiles
import QuantInfer

/// A decision as a fault campaign remembers it.
struct FaultDecision: Equatable, Sendable {
  /// The true sample after which the device decided.
  var sample: Int
  /// The true sample of the beat that it decided about, or of the decision where there is no beat.
  var subject: Int
  /// The class that was announced; nil where there was no result or the network slept.
  var announced: Int?
  /// The class of the largest logit; nil where the network didn't run.
  var raw: Int?
  /// The columns that had come.
  var columnCount: Int
}

/// A record as a device takes it: frames of a sample of each lead.
struct FaultFrames: Sendable {
  let samples: [Int16]
  let leadCount: Int

  /// The number of frames.
  var count: Int { samples.count / leadCount }

  /// A frame's samples.
  subscript(frame: Int) -> ArraySlice<Int16> { samples[frame * leadCount..<(frame + 1) * leadCount] }

  /// A lead's samples.
  func samples(ofLead lead: Int) -> [Int16] {
    stride(from: lead, to: samples.count, by: leadCount).map { samples[$0] }
  }
}

/// Why a device doesn't start.
enum FaultRefusal: Error {
  /// Validation refused the image.
  case image(ModelError.Kind)
  /// The image can't stream, or asks for more memory than the device has.
  case memory
}

/// The device that ships, in memory whose bits can be flipped: its image, and all that its monitor keeps.
final class FaultDevice {
  /// What a device is made of.
  struct Plan: Sendable {
    var image: [UInt8]
    var options: Monitor.Options
    /// The memory that the device has for state and scratch.
    var memoryByteCount = Int.max
  }

  /// All that a device saves.
  struct Snapshot: Sendable {
    var device: RunningDevice.Snapshot
    fileprivate var columnCount: Int
    var sampleCount: Int { device.sampleCount }
  }

  let image: AlignedMemory
  let model: Model
  private var device: RunningDevice
  private var columnCount = 0
  private(set) var decisions: [FaultDecision] = []
  /// The first sample after which the device itself said that something is wrong, and what.
  private(set) var alarm: FaultTrial.Detection?
  /// Where alarms are no fault's: what the healthy device says.
  private let silences: Silences
  /// From which of its samples on the device's count differs from the true one, and by how much.
  private var jump = (at: Int.max, by: 0)

  /// Starts a device.
  ///
  /// - Parameters:
  ///   - plan: What it is made of.
  ///   - silences: When the healthy device has no result.
  /// - Throws: `FaultRefusal` where validation refuses the image or the memory doesn't do.
  init(_ plan: Plan, silences: Silences = Silences()) throws(FaultRefusal) {
    image = AlignedMemory(byteCount: plan.image.count)
    image.bytes.copyBytes(from: plan.image)
    do throws(ModelError) {
      model = try Model(validating: UnsafeRawBufferPointer(image.bytes))
    } catch {
      throw .image(error.kind)
    }
    guard model.output.type == .int8,
      let stateByteCount = try? Monitor.stateByteCount(model: model, options: plan.options),
      stateByteCount + model.streamingScratchByteCount <= plan.memoryByteCount
    else { throw .memory }
    do throws(MemoryError) {
      device = try RunningDevice(
        model, plan.options, scratchByteCount: model.streamingScratchByteCount)
    } catch {
      throw .memory
    }
    self.silences = silences
  }

  /// All that the device keeps between samples.
  var state: UnsafeMutableRawBufferPointer { device.state }
  /// The samples that the device has counted.
  var sampleCount: Int { device.sampleCount }
  /// Why there is no result at present; nil where there is one.
  var noResult: NoResult? { device.monitor.noResult }

  /// Takes some of a record's frames.
  func push(_ range: Range<Int>, of frames: FaultFrames) {
    frames.samples.withUnsafeBufferPointer { samples in
      guard let start = samples.baseAddress else { return }
      for frame in range { push(frame: start + frame * frames.leadCount) }
    }
  }

  /// Takes a frame.
  ///
  /// - Parameters:
  ///   - frame: A sample of each lead, in counts.
  ///   - isLate: Whether a column that it completes is skipped: the network's work was not done in time.
  /// - Returns: Whether it completed a column.
  @discardableResult
  func push(_ frame: ArraySlice<Int16>, isLate: Bool = false) -> Bool {
    precondition(frame.count == model.leadCount, "a frame has a sample of each lead")
    return frame.withUnsafeBufferPointer { push(frame: $0.baseAddress!, isLate: isLate) }
  }

  @discardableResult
  private func push(frame: UnsafePointer<Int16>, isLate: Bool = false) -> Bool {
    let index = device.sampleCount
    let isColumn = isLate ? pushLate(frame) : device.push(frame: frame)
    watch(index)
    guard isColumn else { return false }
    columnCount += 1
    guard !isLate else { return true }
    while let decision = device.nextDecision() {
      // Before the first window is full there is nothing to decide.
      if case .noResult(.windowNotFull) = decision.announcement { continue }
      note(decision, at: index)
    }
    // A damaged announcer is found when it shall announce.
    watch(index)
    return true
  }

  private func note(_ decision: Monitor.Decision, at index: Int) {
    var announced: Int?
    if case .result(let classIndex, _) = decision.announcement { announced = classIndex }
    let noted = FaultDecision(
      sample: trueSample(index), subject: trueSample(max(0, index - (decision.beatAge ?? 0))),
      announced: announced, raw: decision.hasLogits ? device.logits.placeOfLargest : nil,
      columnCount: columnCount)
    // After a brown-out a beat may come up again; its first answer was given.
    let isRepeated = jump.at < Int.max && decisions.contains { $0.subject == noted.subject }
    if !isRepeated { decisions.append(noted) }
  }

  /// Notes when the device says by itself that its signal or its state is bad, and a healthy one doesn't.
  private func watch(_ index: Int) {
    guard alarm == nil, let reason = device.monitor.noResult else { return }
    let means: String
    switch reason {
    case .unsoundState: means = "fail-safe: unsound state"
    case .flatLine: means = "signal watch: flat line"
    case .saturation: means = "signal watch: saturation"
    case .windowNotFull, .refilling, .lowMargin: return
    }
    let sample = trueSample(index)
    if !silences.contains(sample) { alarm = .init(sample: sample, means: means) }
  }

  /// The front end takes the frame; the network's part of the state stays as it is.
  private func pushLate(_ frame: UnsafePointer<Int16>) -> Bool {
    let first = ModelFormat.State.frontEndByteCount(
      windowSamples: model.frontEnd?.windowSamples ?? 0, leadCount: model.leadCount)
    let network = UnsafeMutableRawBufferPointer(rebasing: state[first..<model.stateByteCount])
    let before = Array(network)
    guard device.push(frame: frame) else { return false }
    network.copyBytes(from: before)
    return true
  }

  /// Whether the next sample can be pushed without leaving the state.
  var isStateSound: Bool { device.monitor.isStateSound }

  /// All that the device needs to go on from here.
  func snapshot() -> Snapshot { Snapshot(device: device.snapshot(), columnCount: columnCount) }

  /// Goes on from a snapshot.
  ///
  /// - Throws: `SavedStateError` where its state is damaged or another's.
  func restore(_ snapshot: Snapshot) throws(SavedStateError) {
    try device.restore(snapshot.device)
    columnCount = snapshot.columnCount
  }

  /// Fills all that the device keeps, as memory may after a brown-out.
  func loseMemory(_ byte: () -> UInt8) { device.loseMemory(byte) }

  /// Says that the device's count is off by some samples from here on.
  func missSamples(_ count: Int) { jump = (sampleCount, count) }

  private func trueSample(_ counted: Int) -> Int { counted >= jump.at ? max(0, counted + jump.by) : counted }
}

/// The samples after which a device had no result, for its signal's sake.
struct Silences: Sendable {
  private var ranges: [Range<Int>] = []

  /// Takes the next sample.
  mutating func count(_ sample: Int, isSilent: Bool) {
    guard isSilent else { return }
    if let last = ranges.last, last.upperBound == sample {
      ranges[ranges.count - 1] = last.lowerBound..<sample + 1
    } else {
      ranges.append(sample..<sample + 1)
    }
  }

  func contains(_ sample: Int) -> Bool { ranges.contains { $0.contains(sample) } }
}
