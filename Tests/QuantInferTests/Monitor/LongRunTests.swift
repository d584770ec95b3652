import ECG
import Foundation
import ModelFiles
import QuantInfer
import Simulation
import Support
import Testing
import TestSupport

/// What holds for a year of ECG without waiting for one.
///
/// All that a device keeps from one sample to the next is the pipeline's and the detector's state. Where a record that
/// is repeated brings back the state that it met, each later repetition does the same as this one, by induction: there
/// is no drift to wait for. One word alone goes on, the detector's place in its rings, and the wrap of that is run
/// through.
@Suite struct LongRunTests {
  /// A decision: how many samples after the start, about which beat, and its codes.
  private struct Decision: Equatable {
    var sample: Int
    var codes: [Int8]
  }

  /// A device's pipeline and detector, decisions after each beat.
  private final class Device {
    let loaded: LoadedModel
    let state: AlignedMemory
    let scratch: AlignedMemory
    let detectorState: AlignedMemory
    var pipeline: StreamingPipeline
    var detector: BeatDetector

    init() throws {
      loaded = try LoadedModel(file: ProjectFiles.model)
      let model = loaded.model
      state = AlignedMemory(byteCount: model.stateByteCount)
      scratch = AlignedMemory(byteCount: model.streamingScratchByteCount)
      let rate = try #require(model.frontEnd).sampleRateMillihertz
      detectorState = AlignedMemory(byteCount: BeatDetector.stateByteCount(sampleRateMillihertz: rate))
      pipeline = try StreamingPipeline(model: model, state: state.bytes, scratch: scratch.bytes)
      detector = try BeatDetector(sampleRateMillihertz: rate, state: detectorState.bytes)
    }

    /// Decides at the first column after each beat.
    func run(_ samples: [Int16]) -> [Decision] {
      var isDue = false
      return run(samples[...], isDue: &isDue)
    }

    /// Goes on with some samples, counted as they lie in the whole.
    func run(_ samples: ArraySlice<Int16>, isDue: inout Bool) -> [Decision] {
      var decisions: [Decision] = []
      let codes = UnsafeMutableBufferPointer<Int8>.allocate(capacity: loaded.model.output.count)
      defer { codes.deallocate() }
      for index in samples.indices {
        if detector.push(samples[index]) != nil { isDue = true }
        guard pipeline.push(samples[index]), isDue, pipeline.isWindowFull else { continue }
        pipeline.decide(into: codes)
        decisions.append(Decision(sample: index, codes: Array(codes)))
        isDue = false
      }
      return decisions
    }

    func saved() throws -> (pipeline: [UInt8], detector: [UInt8]) {
      let copy = AlignedMemory(byteCount: pipeline.savedByteCount)
      let detectorCopy = AlignedMemory(byteCount: detector.savedByteCount)
      try pipeline.save(into: copy.bytes)
      try detector.save(into: detectorCopy.bytes)
      return (Array(copy.bytes), Array(detectorCopy.bytes))
    }

    func restore(_ saved: (pipeline: [UInt8], detector: [UInt8])) throws {
      try saved.pipeline.withUnsafeBytes { try pipeline.restore(from: $0) }
      try saved.detector.withUnsafeBytes { try detector.restore(from: $0) }
    }

    /// All that lasts: each column ring from its oldest column on, wherever that lies, and the rest as it is, without
    /// the words of the detector that only age: its place in its rings, of which the samples make whole turns, and the
    /// age of a missed peak where there is none.
    var lasting: [UInt8] {
      let model = loaded.model
      let cursors = ModelFormat.State.frontEndByteCount(windowSamples: model.frontEnd?.windowSamples ?? 0)
      var lasting = Array(state.bytes[..<cursors])
      for index in 0..<model.operatorCount {
        let plan = model.operatorPlan(index)
        let cursor = cursors + ModelFormat.State.cursorByteCount * index
        let next = Int(state.bytes.loadUnaligned(fromByteOffset: cursor, as: UInt16.self))
        let columnByteCount = model.tensor(plan.inputIndex(0)).columnByteCount
        let end = plan.ringOffset + plan.ringColumnCount * columnByteCount
        let oldest = plan.ringOffset + next * columnByteCount
        lasting += Array(state.bytes[oldest..<end]) + Array(state.bytes[plan.ringOffset..<oldest])
      }
      var detector = Array(detectorState.bytes)
      detector.replaceSubrange(0..<4, with: [0, 0, 0, 0])
      if detector[16..<20].allSatisfy({ $0 == 0 }) {
        for place in 20..<28 { detector[place] = 0 }
      }
      return lasting + detector
    }
  }

  // claim: state
  @Test func aRecordInterruptedAnywhereGivesTheSameDecisions() throws {
    let samples = try samples()
    let plain = try Device().run(samples)
    var random = SeededGenerator(seed: 51)
    var device = try Device()
    var decisions: [Decision] = []
    var (start, isDue) = (0, false)
    while start < samples.count {
      let end = min(samples.count, start + 1 + random.nextIndex(below: 700))
      decisions += device.run(samples[start..<end], isDue: &isDue)
      let saved = try device.saved()
      // A new device, whose memory holds something else.
      device = try Device()
      for memory in [device.state, device.detectorState] {
        for index in memory.bytes.indices { memory.bytes[index] = UInt8(truncatingIfNeeded: random.next()) }
      }
      try device.restore(saved)
      start = end
    }
    #expect(decisions.count == plain.count && plain.count > 400)
    let isAlike = decisions == plain
    #expect(isAlike)
  }

  @Test func aDamagedOrForeignDetectorStateIsRefused() throws {
    let device = try Device()
    _ = device.run(try samples())
    let saved = try device.saved()
    let before = Array(device.detectorState.bytes)
    for byte in saved.detector.indices {
      var damaged = saved
      damaged.detector[byte] ^= 1 << UInt8(byte % 8)
      #expect(throws: SavedStateError.self) { try device.restore(damaged) }
    }
    #expect(throws: SavedStateError.notASavedState) {
      try device.restore((pipeline: saved.pipeline, detector: saved.pipeline))
    }
    let isUntouched = Array(device.detectorState.bytes) == before
    #expect(isUntouched)
    var other = try BeatDetector(sampleRateMillihertz: 130_000, state: device.detectorState.bytes)
    let error = #expect(throws: SavedStateError.self) {
      try saved.detector.withUnsafeBytes { try other.restore(from: $0) }
    }
    #expect(error == .otherOwner)
  }

  private func samples() throws -> [Int16] {
    let record = try Record.read(ProjectFiles.record)
    let acquisition = try Acquisition(
      record, lead: nil, sampleRateHz: 128, profile: .reference, file: "mitdb-208")
    // Whole turns of the detector's rings.
    return Array(acquisition.samples.prefix(acquisition.samples.count / 256 * 256))
  }

  @Test func aRepeatedRecordBringsBackItsState() throws {
    let samples = try samples()
    let device = try Device()
    var (states, decisions): ([[UInt8]], [[Decision]]) = ([], [])
    for _ in 0..<12 {
      decisions.append(device.run(samples))
      states.append(device.lasting)
    }
    let last = try #require(states.last)
    let comesBack = states.dropLast().lastIndex(of: last)
    let earlier = try #require(comesBack, "the state doesn't come back")
    // The pass after the earlier one went the way of the pass after the last one.
    let isAlike = device.run(samples) == decisions[earlier + 1]
    #expect(isAlike)
    #expect(decisions[earlier].count > 400)
  }

  /// The detector's place is the first word of its state, the age of a missed peak the seventh.
  @Test(arguments: [Int32(bitPattern: .max - 999), Int32.max - 999])
  func aDetectorNearItsWrapFindsTheSameBeats(place: Int32) throws {
    let samples = try samples()
    let plain = try Device().run(samples)
    let device = try Device()
    device.detectorState.bytes.storeBytes(of: place, toByteOffset: 0, as: Int32.self)
    device.detectorState.bytes.storeBytes(of: .max - 999, toByteOffset: 24, as: Int32.self)
    let isAlike = device.run(samples) == plain
    #expect(isAlike)
    let now = device.detectorState.bytes.load(as: Int32.self)
    #expect(now == place &+ Int32(samples.count) && (now < place) == (place > 0))
    #expect(plain.count > 400)
  }

  // claim: long-run
  @Test func aLoopThatStartsJustBefore2To32SamplesDecidesAlike() throws {
    let record = try Record.read(ProjectFiles.record)
    let acquisition = try Acquisition(
      record, lead: nil, sampleRateHz: 128, profile: .reference, file: "mitdb-208")
    func decisions(from first: Int) throws -> [DeviceDecision] {
      let loop = try DeviceLoop(
        LoadedModel(file: ProjectFiles.model), modelFile: "", twin: nil, twinFile: "",
        acquisition: acquisition, timing: .detectedBeats, firstSample: first)
      try loop.run()
      return loop.decisions.map { decision in
        var decision = decision
        decision.sample -= first
        decision.beatSample = decision.beatSample.map { $0 - first }
        return decision
      }
    }
    let plain = try decisions(from: 0)
    for first in [1 << 31 - 1000, 1 << 32 - 1000] { #expect(try decisions(from: first) == plain) }
    #expect(plain.count > 400)
  }

  // claim: long-run
  @Test(
    .enabled(if: ProcessInfo.processInfo.environment["LONG_RUN"] != nil, "takes minutes: set LONG_RUN=DAYS"))
  func daysOfECGDecideAlikeFromPassToPass() throws {
    let samples = try samples()
    let days = Int(ProcessInfo.processInfo.environment["LONG_RUN"] ?? "") ?? 30
    let device = try Device()
    for _ in 0..<12 { _ = device.run(samples) }
    let expected = device.run(samples)
    for pass in 0..<days * 86_400 * 128 / samples.count {
      let isAlike = device.run(samples) == expected
      try #require(isAlike, "pass \(pass)")
    }
  }
}
