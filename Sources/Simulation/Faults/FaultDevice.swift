import ModelFiles
import QuantInfer
import Support

/// A decision as a fault campaign remembers it.
struct FaultDecision: Equatable, Sendable {
  /// The true sample after which the device decided.
  var sample: Int
  /// The true sample of the beat that it decided about, or of the decision where there is no beat.
  var subject: Int
  /// The class.
  var classIndex: Int
  /// The columns that had come.
  var columnCount: Int
}

/// Why a device doesn't start.
enum FaultRefusal: Error {
  /// Validation refused the image.
  case image(ModelError.Kind)
  /// The image can't stream, or asks for more memory than the device has.
  case memory
}

/// A device's signal path in memory of its own, whose bits can be flipped: image, state, scratch, detector.
final class FaultDevice {
  /// All that a device saves.
  struct Snapshot: Sendable {
    var pipeline: [UInt8]
    var detector: [UInt8]
    fileprivate var schedule: DecisionSchedule
    var sampleCount: Int
    fileprivate var columnCount: Int
  }

  let image: AlignedMemory
  let model: Model
  let state: AlignedMemory
  /// Empty where no detector runs.
  let detectorState: AlignedMemory
  private let scratch: AlignedMemory
  private var pipeline: StreamingPipeline
  private var detector: BeatDetector?
  private var schedule: DecisionSchedule
  private var columnCount = 0
  private var logits: [Int8]
  /// The samples that the device has counted.
  private(set) var sampleCount = 0
  private(set) var decisions: [FaultDecision] = []
  /// The columns' codes, where they are kept.
  private(set) var columns: [Int8] = []
  private let keepsColumns: Bool
  /// From which of its samples on the device's count differs from the true one, and by how much.
  private var jump = (at: Int.max, by: 0)

  /// Starts a device on an image.
  ///
  /// - Parameters:
  ///   - bytes: The image.
  ///   - policy: When to decide.
  ///   - delaySamples: How long after a beat.
  ///   - memoryByteCount: The memory that the device has for state and scratch.
  ///   - keepsColumns: Whether the columns' codes are kept.
  /// - Throws: `FaultRefusal` where validation refuses the image or the memory doesn't do.
  init(
    image bytes: [UInt8], policy: DecisionPolicy, delaySamples: Int, memoryByteCount: Int = .max,
    keepsColumns: Bool = false
  ) throws(FaultRefusal) {
    image = AlignedMemory(byteCount: bytes.count)
    image.bytes.copyBytes(from: bytes)
    do throws(ModelError) {
      model = try Model(validating: UnsafeRawBufferPointer(image.bytes))
    } catch {
      throw .image(error.kind)
    }
    guard let frontEnd = model.frontEnd, model.isStreamable, model.output.type == .int8,
      model.stateByteCount + model.streamingScratchByteCount <= memoryByteCount
    else { throw .memory }
    state = AlignedMemory(byteCount: model.stateByteCount)
    scratch = AlignedMemory(byteCount: model.streamingScratchByteCount)
    let rate = frontEnd.sampleRateMillihertz
    let detectorByteCount =
      policy == .detectedBeats ? BeatDetector.stateByteCount(sampleRateMillihertz: rate) : 0
    detectorState = AlignedMemory(byteCount: detectorByteCount)
    do throws(MemoryError) {
      pipeline = try StreamingPipeline(model: model, state: state.bytes, scratch: scratch.bytes)
      if policy == .detectedBeats {
        detector = try BeatDetector(sampleRateMillihertz: rate, state: detectorState.bytes)
      } else {
        detector = nil
      }
    } catch {
      throw .memory
    }
    schedule = DecisionSchedule(policy, delaySamples: delaySamples, capacity: 0)
    logits = [Int8](repeating: 0, count: model.output.count)
    self.keepsColumns = keepsColumns
  }

  /// Takes a sample.
  ///
  /// - Parameters:
  ///   - sample: The sample, in counts.
  ///   - isLate: Whether a column that it completes is skipped: the network's work was not done in time.
  /// - Returns: Whether it completed a column.
  @discardableResult
  func push(_ sample: Int16, isLate: Bool = false) -> Bool {
    let index = sampleCount
    sampleCount += 1
    if let ago = detector?.push(sample) { schedule.add(beat: index - Int(ago)) }
    if isLate { return pushLate(sample) }
    guard pipeline.push(sample) else { return false }
    if keepsColumns { columns.append(contentsOf: pipeline.newestColumn) }
    columnCount += 1
    let (isFull, isFirst) = (pipeline.isWindowFull, columnCount < model.streaming?.columnsPerWindow ?? 0)
    while let beat = schedule.next(at: index, isPossible: isFull || isFirst) {
      guard isFull else { continue }
      logits.withUnsafeMutableBufferPointer { pipeline.decide(into: $0) }
      let decision = FaultDecision(
        sample: trueSample(index), subject: trueSample(max(0, beat.sample ?? index)),
        classIndex: logits.placeOfLargest, columnCount: columnCount)
      // After a brown-out a beat may come up again; its first answer was given.
      let isRepeated = jump.at < Int.max && decisions.contains { $0.subject == decision.subject }
      if !isRepeated { decisions.append(decision) }
    }
    return true
  }

  /// The front end takes the sample; the network's part of the state stays as it is.
  private func pushLate(_ sample: Int16) -> Bool {
    let first = ModelFormat.State.frontEndByteCount(windowSamples: model.frontEnd?.windowSamples ?? 0)
    let network = UnsafeMutableRawBufferPointer(rebasing: state.bytes[first...])
    let before = Array(network)
    guard pipeline.push(sample) else { return false }
    network.copyBytes(from: before)
    return true
  }

  /// Whether the next sample can be pushed without leaving the state.
  var isStateSound: Bool { pipeline.isStateSound }

  /// All that the device needs to go on from here.
  func snapshot() -> Snapshot {
    var saved = [UInt8](repeating: 0, count: pipeline.savedByteCount)
    saved.withUnsafeMutableBytes { try? pipeline.save(into: $0) }
    var savedDetector = [UInt8](repeating: 0, count: detector?.savedByteCount ?? 0)
    savedDetector.withUnsafeMutableBytes { try? detector?.save(into: $0) }
    return Snapshot(
      pipeline: saved, detector: savedDetector, schedule: schedule, sampleCount: sampleCount,
      columnCount: columnCount)
  }

  /// Goes on from a snapshot.
  ///
  /// - Throws: `SavedStateError` where its state is damaged or another's.
  func restore(_ snapshot: Snapshot) throws(SavedStateError) {
    do {
      try snapshot.pipeline.withUnsafeBytes { try pipeline.restore(from: $0) }
      try snapshot.detector.withUnsafeBytes { bytes in
        if detector != nil { try detector?.restore(from: bytes) }
      }
    } catch {
      throw error as? SavedStateError ?? .notASavedState
    }
    (schedule, sampleCount, columnCount) = (snapshot.schedule, snapshot.sampleCount, snapshot.columnCount)
  }

  /// Says that the device's count is off by some samples from here on.
  func missSamples(_ count: Int) { jump = (sampleCount, count) }

  private func trueSample(_ counted: Int) -> Int { counted >= jump.at ? max(0, counted + jump.by) : counted }
}
