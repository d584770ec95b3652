import HostDevice
import Metrics
import ModelFiles
import QuantInfer

/// The run without faults: what every other run is held against, and where it starts from.
struct HealthyRun: Sendable {
  let decisions: [FaultDecision]
  /// Faults strike before this sample, so that what they change can still be seen.
  let faultSamples: Int
  /// The bytes that the device keeps between samples.
  let stateByteCount: Int
  private let plan: FaultDevice.Plan
  private let frames: FaultFrames
  private let sampleRateHz: Double
  private let silences: Silences
  private let snapshots: [FaultDevice.Snapshot]
  private let columns: [Int8]
  private let snapshotSamples = 1024

  /// Decisions about the last seconds aren't compared: a fault that shifts time would push them over the end.
  private let comparedSamples: Int

  init(
    _ loaded: LoadedModel, image: [UInt8], options: Monitor.Options, frames: FaultFrames, sampleRateHz: Double
  ) throws(FaultRefusal) {
    var plan = FaultDevice.Plan(image: image, options: options)
    let device = try FaultDevice(plan)
    var snapshots: [FaultDevice.Snapshot] = []
    var silences = Silences()
    for index in 0..<frames.count {
      if index % snapshotSamples == 0 { snapshots.append(device.snapshot()) }
      device.push(index..<index + 1, of: frames)
      silences.count(index, isSilent: device.noResult.map { $0 == .flatLine || $0 == .saturation } ?? false)
    }
    stateByteCount = device.state.count
    plan.memoryByteCount = stateByteCount + device.model.streamingScratchByteCount
    (self.plan, self.frames, self.sampleRateHz) = (plan, frames, sampleRateHz)
    (self.silences, self.snapshots, decisions) = (silences, snapshots, device.decisions)
    do throws(MemoryError) {
      var pipeline = try RunningPipeline(loaded)
      columns = pipeline.columns(of: frames.samples)
    } catch {
      throw .memory
    }
    comparedSamples = max(0, frames.count - options.delaySamples - Int(2 * sampleRateHz))
    faultSamples = comparedSamples
  }

  /// A healthy device that has taken a number of samples, and the sample from which on it has noted decisions.
  func device(at sample: Int) -> (device: FaultDevice, start: Int) {
    let snapshot = snapshots[min(sample / snapshotSamples, snapshots.count - 1)]
    do {
      let device = try FaultDevice(plan, silences: silences)
      try device.restore(snapshot)
      device.push(snapshot.sampleCount..<sample, of: frames)
      return (device, snapshot.sampleCount)
    } catch {
      preconditionFailure("what has run once runs again: \(error)")
    }
  }

  /// A device on another image, with the memory of the healthy one.
  func device(image: [UInt8]) throws(FaultRefusal) -> FaultDevice {
    var other = plan
    other.image = image
    return try FaultDevice(other, silences: silences)
  }

  /// The decisions for which the network ran, over a whole window of columns.
  var windowDecisions: [FaultDecision] { decisions.filter { $0.raw != nil } }

  /// A decision's window of columns; what the strides leave over at its end is 0.
  func window(of decision: FaultDecision, _ model: Model) -> [Int8] {
    let byteCount = model.input.columnByteCount
    let columnCount = model.streaming?.columnsPerWindow ?? model.input.timeCount
    let end = decision.columnCount * byteCount
    return columns[end - columnCount * byteCount..<end]
      + [Int8](repeating: 0, count: (model.input.timeCount - columnCount) * byteCount)
  }

  /// The decisions that are compared, from a sample on.
  func comparedDecisions(from start: Int) -> [FaultDecision] {
    decisions.filter { $0.sample >= start && $0.subject < comparedSamples }
  }

  /// Which decisions of a faulty run differ.
  ///
  /// - Parameters:
  ///   - faulty: The run's decisions from `start` on.
  ///   - start: The sample from which on the run noted its decisions.
  /// - Returns: The first one's sample and their number.
  func changes(in faulty: [FaultDecision], from start: Int) -> (first: Int?, count: Int) {
    let right = decisions.filter { $0.sample >= start }
    if right == faulty { return (nil, 0) }
    let matching = BeatMatching(
      reference: right.map(\.subject), detected: faulty.map(\.subject), sampleRateHz: sampleRateHz)
    let expected = Dictionary(right.map { ($0.subject, $0) }) { first, _ in first }
    let found = Dictionary(faulty.map { ($0.subject, $0) }) { first, _ in first }
    var changed: [FaultDecision?] = matching.missed.map { expected[$0] }
    changed += matching.extra.map { found[$0] }
    changed += matching.matches.map { match in
      expected[match.reference]?.announced == found[match.detected]?.announced
        ? nil : expected[match.reference]
    }
    let compared = changed.compactMap(\.self).filter { $0.subject < comparedSamples }
    return (compared.map(\.sample).min(), compared.count)
  }
}
