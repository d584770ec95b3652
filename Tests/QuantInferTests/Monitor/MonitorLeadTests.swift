import ECG
import HostDevice
import ModelFiles
import Networks
import QuantInfer
import Simulation
import Support
import Tasks
import Testing
import TestNetworks
import TestSupport

/// The device that takes its frames one by one, that hears good signals and is never interrupted, is the truth.
@Suite struct MonitorLeadTests {
  /// What a run leaves behind.
  private struct Trace: Equatable {
    var decisions: [[Int]] = []
    var states: [UInt32] = []
    /// The samples of the beats that decisions were about.
    var beats: [Int] = []

    /// The samples at which there was a result, and the logits then.
    var results: [Int: [Int]] {
      Dictionary(decisions.filter { $0[2] >= 0 }.map { ($0[0], Array($0[4...])) }) { first, _ in first }
    }
  }

  private static let leads = 2

  /// A network over spectra of two leads whose weights are random.
  private static func model() throws -> LoadedModel {
    var networks = RandomNetworks(random: SeededGenerator(seed: 600))
    var settings = SpectrogramSettings()
    settings.leads = leads
    let network = networks.streamable(bins: settings.columnCodeCount, depth: 3)
    let tables = try FrontEndTables(
      settings, microvoltsPerCount: DeviceProfile.reference.converter.microvoltsPerCount)
    return try LoadedModel(image: ModelImage(network, frontEnd: tables, mustStream: true).bytes)
  }

  /// Two minutes of a record, and the same turned about, smaller and 0.3 s later in a ring as a second lead, with the stretches in
  /// which each is off.
  private static func frames(off: [(lead: Int, samples: Range<Int>)] = []) throws -> [Int16] {
    let record = try Record.read(ProjectFiles.record)
    let first = try Acquisition(
      record, lead: nil, sampleRateHz: 128, profile: .reference, file: "mitdb-208"
    ).samples.prefix(120 * 128)
    let leads = [Array(first), first.indices.map { 0 - first[($0 + first.count - 38) % first.count] / 2 }]
    return (0..<leads[0].count).flatMap { index in
      leads.indices.map { lead in
        off.contains { $0.lead == lead && $0.samples.contains(index) } ? 2047 : leads[lead][index]
      }
    }
  }

  private static func options(
    _ model: Model, _ pace: Monitor.Pace, change: (inout Monitor.Options) -> Void = { _ in }
  ) -> Monitor.Options {
    var options = Monitor.Options()
    options.pace = pace
    options.delaySamples = 64
    if let frontEnd = model.frontEnd {
      options.quality = .init(
        DeviceProfile.reference.converter, frontEnd: frontEnd, columnCount: model.input.timeCount)
    }
    change(&options)
    return options
  }

  private func trace(
    _ loaded: LoadedModel, _ options: Monitor.Options, _ samples: [Int16], brownOuts: Set<Int> = [],
    blocks: (Int) -> Int = { _ in 1 }
  ) throws -> Trace {
    let byteCount = try Monitor.stateByteCount(model: loaded.model, options: options)
    let state = AlignedMemory(byteCount: byteCount)
    let scratch = AlignedMemory(byteCount: loaded.model.streamingScratchByteCount)
    var monitor = try Monitor(
      model: loaded.model, options: options, state: state.bytes, scratch: scratch.bytes)
    var logits = [Int8](repeating: 0, count: loaded.model.output.count)
    var trace = Trace()
    var (taken, block, columns) = (0, 0, 0)
    try samples.withUnsafeBufferPointer { all in
      while taken < samples.count / Self.leads {
        if brownOuts.contains(taken) {
          let copy = AlignedMemory(byteCount: monitor.savedByteCount)
          try monitor.save(into: copy.bytes)
          for index in state.bytes.indices { state.bytes[index] = 0xA5 }
          try monitor.restore(from: UnsafeRawBufferPointer(copy.bytes))
        }
        let rest = UnsafeBufferPointer(rebasing: all[(taken * Self.leads)...])
        let wanted = blocks(block)
        var endsColumn: Bool
        if wanted == 1 {
          (taken, endsColumn) = (taken + 1, monitor.push(frame: rest.baseAddress!))
        } else {
          // Half a frame behind the block is not taken.
          let count = min(wanted * Self.leads + 1, rest.count)
          let fed = monitor.feed(UnsafeBufferPointer(rebasing: rest[..<count]))
          #expect(fed.count > 0 && fed.count <= wanted)
          (taken, endsColumn) = (taken + fed.count, fed.endsColumn)
        }
        block += 1
        guard endsColumn else { continue }
        columns += 1
        while let decision = logits.withUnsafeMutableBufferPointer({ monitor.nextDecision(into: $0) }) {
          let said: [Int] =
            switch decision.announcement {
            case .result(let classIndex, let margin): [classIndex, margin]
            case .noResult(let reason): [-1, Int(reason.rawValue)]
            case .asleep: [-2, 0]
            }
          trace.decisions.append([taken, decision.beatAge ?? -1] + said + logits.map(Int.init))
          if let age = decision.beatAge { trace.beats.append(taken - 1 - age) }
        }
        if columns % 16 == 0 { trace.states.append(CRC32.checksum(UnsafeRawBufferPointer(state.bytes))) }
      }
    }
    withExtendedLifetime((loaded, state, scratch)) {}
    return trace
  }

  // claim: leads
  @Test(arguments: [Monitor.Pace.detectedBeats, .everyColumns(5)], [0, 10])
  func blocksAndBrownOutsGiveTheBitsOfFrames(pace: Monitor.Pace, wakePercent: Int) throws {
    let loaded = try Self.model()
    let samples = try Self.frames(off: [(1, 40 * 128..<45 * 128)])
    let options = Self.options(loaded.model, pace) { $0.wakePercent = wakePercent }
    let single = try trace(loaded, options, samples)
    #expect(single.decisions.count > 60 && single.results.count > 20 && single.states.count > 100)
    for length in [2, 7, 33, 500] {
      #expect(try trace(loaded, options, samples, blocks: { _ in length }) == single, "\(length)")
    }
    var random = SeededGenerator(seed: 601)
    let moments = Set((0..<40).map { _ in random.nextIndex(below: samples.count / 2) } + [0, 1, 2])
    #expect(try trace(loaded, options, samples, brownOuts: moments) == single)
  }

  @Test func aSleepingNetworkHasTheLogitsOfOneThatNeverSleeps() throws {
    let loaded = try Self.model()
    let samples = try Self.frames()
    let plain = try trace(loaded, Self.options(loaded.model, .detectedBeats), samples)
    let asleep = try trace(
      loaded, Self.options(loaded.model, .detectedBeats) { $0.wakePercent = 10 }, samples)
    let results = asleep.results
    #expect(results.count > 10 && results.count < plain.results.count)
    for (sample, logits) in results { #expect(logits == plain.results[sample], "at \(sample)") }
  }

  // claim: leads
  @Test func aLostLeadSilencesOrLeavesTheOtherToGoOnAsTheOptionsSay() throws {
    let loaded = try Self.model()
    let off = 40 * 128..<60 * 128
    let (one, both) = try (Self.frames(off: [(1, off)]), Self.frames(off: [(0, off), (1, off)]))
    let silent = Self.options(loaded.model, .everyColumns(5))
    let lasting = Self.options(loaded.model, .everyColumns(5)) { $0.lostLead = .goOn }
    // From a second after the lead went off; the watch needs so long to know.
    let inside = off.lowerBound + 128..<off.upperBound
    func count(_ options: Monitor.Options, _ samples: [Int16]) throws -> (inside: Int, outside: Int) {
      let results = try trace(loaded, options, samples).results.keys
      return (results.count { inside.contains($0) }, results.count { $0 < off.lowerBound })
    }
    let (silentOne, lastingOne) = try (count(silent, one), count(lasting, one))
    #expect(silentOne.inside == 0 && silentOne.outside > 50)
    #expect(lastingOne.inside > 50 && lastingOne.outside == silentOne.outside)
    #expect(try count(lasting, both).inside == 0)
    // The lead that is bad says why, and the other nothing.
    let state = AlignedMemory(byteCount: try Monitor.stateByteCount(model: loaded.model, options: lasting))
    let scratch = AlignedMemory(byteCount: loaded.model.streamingScratchByteCount)
    var monitor = try Monitor(
      model: loaded.model, options: lasting, state: state.bytes, scratch: scratch.bytes)
    one.withUnsafeBufferPointer { all in
      for frame in 0..<50 * 128 { _ = monitor.push(frame: all.baseAddress! + 2 * frame) }
    }
    #expect(monitor.reason(ofLead: 0) == nil && monitor.reason(ofLead: 1) == .saturation)
    #expect(monitor.reason(ofLead: 2) == nil && monitor.reason(ofLead: -1) == nil)
  }

  @Test func theDetectorHearsTheLeadThatIsNamed() throws {
    let loaded = try Self.model()
    let samples = try Self.frames()
    for lead in 0..<2 {
      let options = Self.options(loaded.model, .detectedBeats) { $0.detectorLead = lead }
      let found = try trace(loaded, options, samples).beats
      let alone = try DetectedBeats.samples(
        in: stride(from: lead, to: samples.count, by: 2).map { samples[$0] }, sampleRateHz: 128)
      #expect(found.count > 80 && found == alone.filter { found.first! <= $0 && $0 <= found.last! })
    }
    for lead in [-1, 2, 100] {
      let options = Self.options(loaded.model, .detectedBeats) { $0.detectorLead = lead }
      #expect(throws: MemoryError.noSuchLead) {
        _ = try Monitor.stateByteCount(model: loaded.model, options: options)
      }
    }
  }

  @Test func optionsSurviveTheirNumbers() {
    var options = Monitor.Options()
    (options.detectorLead, options.lostLead) = (3, .goOn)
    #expect(Monitor.Options(encoded: options.encoded) == options)
  }
}
