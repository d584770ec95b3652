import ModelFiles
import Networks
import QuantInfer
import Support
import Tasks
import Testing
import TestNetworks

/// Of a lead's part of a column a pipeline of that lead alone is the truth, of decisions a run over the whole window and the
/// plain reference.
@Suite struct SeveralLeadsTests {
  /// A pipeline in memory of its own.
  final class Device {
    let loaded: LoadedModel
    let state: AlignedMemory
    private let scratch: AlignedMemory
    private var pipeline: StreamingPipeline

    init(_ loaded: LoadedModel) throws {
      self.loaded = loaded
      state = AlignedMemory(byteCount: loaded.model.stateByteCount)
      scratch = AlignedMemory(byteCount: loaded.model.streamingScratchByteCount)
      pipeline = try StreamingPipeline(model: loaded.model, state: state.bytes, scratch: scratch.bytes)
    }

    /// The columns of some frames, each with the decision that is possible at it.
    func run(_ frames: some Sequence<[Int16]>) -> [(column: [Int8], logits: [Int8]?)] {
      var outputs: [(column: [Int8], logits: [Int8]?)] = []
      var logits = [Int8](repeating: 0, count: loaded.model.output.count)
      for frame in frames {
        guard frame.withUnsafeBufferPointer({ pipeline.push(frame: $0.baseAddress!) }) else { continue }
        let isDecided = logits.withUnsafeMutableBufferPointer { pipeline.decideIfFull(into: $0) }
        outputs.append((Array(pipeline.newestColumn), isDecided ? logits : nil))
      }
      return outputs
    }

    func pushes(single sample: Int16) -> Bool { pipeline.push(sample) }

    func saved() throws -> [UInt8] {
      let copy = AlignedMemory(byteCount: pipeline.savedByteCount)
      try pipeline.save(into: copy.bytes)
      return Array(copy.bytes)
    }

    func restore(_ copy: [UInt8]) throws { try copy.withUnsafeBytes { try pipeline.restore(from: $0) } }
  }

  /// A front end of so many leads, the network that its columns are for, and the same front end of one lead.
  private struct Case {
    let network: QuantizedNetwork
    let leads: Int
    let bins: Int
    let image: [UInt8]
    let loaded: LoadedModel
    let single: LoadedModel

    init(_ networks: inout RandomNetworks, leads: Int, isRaw: Bool, hasStrides: Bool) throws {
      var settings =
        isRaw ? SpectrogramSettings(rawSamplesOfRateHz: 128, highPassShift: 5) : SpectrogramSettings()
      (bins, self.leads) = (settings.binCount, leads)
      network =
        hasStrides && (leads * bins) % 2 == 0
        ? networks.streamableWithStrides(bins: leads * bins)
        : networks.streamable(bins: leads * bins, depth: networks.random.nextIndex(below: 4))
      let input = network.tensors[network.inputs[0].tensor]
      let one = networks.streamable(bins: bins, depth: 0)
      single = try LoadedModel(
        image: ModelImage(one, frontEnd: FrontEndTables(settings, microvoltsPerCount: 2, input: input)).bytes)
      settings.leads = leads
      image = try ModelImage(
        network, frontEnd: FrontEndTables(settings, microvoltsPerCount: 2, input: input), mustStream: true
      ).bytes
      loaded = try LoadedModel(image: image)
    }
  }

  static func frames(_ count: Int, leads: Int, _ random: inout SeededGenerator) -> [[Int16]] {
    (0..<count).map { _ in (0..<leads).map { _ in Int16(random.next(in: -3000...3000)) } }
  }

  // claim: leads
  @Test(arguments: 2...4, [false, true])
  func columnsAreThoseOfEachLeadAndDecisionsThoseOfTheWholeWindow(leads: Int, isRaw: Bool) throws {
    var networks = RandomNetworks(random: SeededGenerator(seed: UInt64(500 + 2 * leads) + (isRaw ? 1 : 0)))
    var (columnCount, decisionCount, plainCount) = (0, 0, 0)
    for round in 0..<12 {
      let one = try Case(&networks, leads: leads, isRaw: isRaw, hasStrides: round % 2 == 1)
      let frames = Self.frames(isRaw ? 120 : 900, leads: leads, &networks.random)
      let outputs = try Device(one.loaded).run(frames)
      let alone = try (0..<leads).map { lead in
        try Device(one.single).run(frames.map { [$0[lead]] }).map(\.column)
      }
      let expected = outputs.indices.map { column in
        (0..<one.bins).flatMap { bin in (0..<leads).map { alone[$0][column][bin] } }
      }
      #expect(outputs.map(\.column) == expected, "network \(round)")
      columnCount += outputs.count
      let window = one.loaded.model.input.timeCount
      let reach = try #require(one.loaded.model.streaming).columnsPerWindow
      let full = Array(outputs.indices.filter { outputs[$0].logits != nil }.suffix(20))
      let runs = full.map { last -> [[Int]] in
        // Strides may leave the window's last columns unread: any codes will do for them.
        let codes = expected[(last - reach + 1)...].prefix(window).flatMap { $0.map(Int.init) }
        return [codes + [Int](repeating: 0, count: window * leads * one.bins - codes.count)]
      }
      let whole = try engineOutputs(one.network, runs: runs, hasRoom: false, instructions: .portable)
      #expect(full.map { outputs[$0].logits } == whole.map { $0.map { Int8($0) } }, "network \(round)")
      decisionCount += full.count
      // Those with strides have more kinds of operator than the plain reference of whole networks.
      guard round % 2 == 0 else { continue }
      for (last, run) in zip(full, runs) {
        let plain = referenceTensors(one.network, input: run[0].map { Int8($0) })
        #expect(plain[one.network.outputs[0].tensor] == outputs[last].logits, "network \(round)")
        plainCount += 1
      }
    }
    #expect(columnCount > 1000 && decisionCount > 100 && plainCount > 50)
  }

  @Test func whatHappensToALeadLeavesTheOthersColumnsAlone() throws {
    var networks = RandomNetworks(random: SeededGenerator(seed: 520))
    for lead in 0..<3 {
      let one = try Case(&networks, leads: 3, isRaw: false, hasStrides: false)
      let frames = Self.frames(600, leads: 3, &networks.random)
      let disturbed = frames.map { frame in
        var frame = frame
        frame[lead] = networks.random.nextIndex(below: 2) == 0 ? .max : .min
        return frame
      }
      let (plain, other) = try (Device(one.loaded).run(frames), Device(one.loaded).run(disturbed))
      func part(_ outputs: [(column: [Int8], logits: [Int8]?)], _ lead: Int) -> [[Int8]] {
        outputs.map { output in (0..<one.bins).map { output.column[$0 * 3 + lead] } }
      }
      for index in 0..<3 { #expect((part(plain, index) == part(other, index)) == (index != lead)) }
    }
  }

  // claim: leads
  @Test func aRestoredRunGoesOnWithTheSameBits() throws {
    var networks = RandomNetworks(random: SeededGenerator(seed: 530))
    for round in 0..<16 {
      let leads = 2 + round % 3
      let one = try Case(&networks, leads: leads, isRaw: round % 2 == 1, hasStrides: round % 4 > 1)
      let frames = Self.frames(700, leads: leads, &networks.random)
      let place = round < 3 ? round : networks.random.nextIndex(below: 500)
      let whole = try Device(one.loaded)
      _ = whole.run(frames[..<place])
      let copy = try whole.saved()
      let restored = try Device(one.loaded)
      _ = restored.run(Self.frames(77, leads: leads, &networks.random))
      try restored.restore(copy)
      let (expected, outputs) = (whole.run(frames[place...]), restored.run(frames[place...]))
      #expect(
        outputs.map(\.column) == expected.map(\.column) && outputs.map(\.logits) == expected.map(\.logits))
      // A lead whose count or place is another than the first one's is none that frames lead to.
      let part = 16 + 4 * (one.loaded.model.frontEnd?.windowSamples ?? 0)
      for slot in [8, 12] {
        var damaged = copy
        let place = SavedState.Header.byteCount + (leads - 1) * part + slot
        damaged.withUnsafeMutableBytes { bytes in
          let word = bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self)
          // Two bits, so that a count's parity stays.
          bytes.storeBytes(of: word ^ 3, toByteOffset: place, as: UInt32.self)
        }
        #expect(throws: SavedStateError.impossibleState) {
          try restored.restore(resealed(savedState: damaged))
        }
      }
    }
  }

  @Test func aSampleOfOneLeadIsNoFrameOfSeveral() throws {
    var networks = RandomNetworks(random: SeededGenerator(seed: 540))
    let one = try Case(&networks, leads: 2, isRaw: true, hasStrides: false)
    let device = try Device(one.loaded)
    let before = Array(device.state.bytes)
    #expect((0..<200).allSatisfy { _ in !device.pushes(single: 500) })
    #expect(Array(device.state.bytes) == before)
  }

  @Test func everyForgedNumberOfLeadsIsRefused() throws {
    var networks = RandomNetworks(random: SeededGenerator(seed: 550))
    let one = try Case(&networks, leads: 2, isRaw: false, hasStrides: false)
    let image = one.image
    let place = networkField(ModelFormat.Network.leadCount, of: image)
    func kind(_ image: [UInt8], leads: UInt32) -> ModelError.Kind? {
      var image = image
      for index in 0..<4 { image[place + index] = UInt8(truncatingIfNeeded: leads >> (8 * UInt32(index))) }
      do throws(ModelError) {
        _ = try LoadedModel(image: resealed(image))
        return nil
      } catch {
        return error.kind
      }
    }
    #expect(kind(image, leads: 2) == nil)
    for leads: UInt32 in [0, 5, 255, 65_535, 65_538] {
      #expect(kind(image, leads: leads) == .unsupportedLeads, "\(leads)")
    }
    // No number of the format is as great.
    #expect(kind(image, leads: 0x8000_0002) == .offsetOutOfRange)
    // Another number than the columns are for.
    for leads: UInt32 in [1, 3, 4] { #expect(kind(image, leads: leads) == .invalidFrontEnd, "\(leads)") }
    // Without a front end there are no leads.
    let bare = try ModelImage(one.network, frontEnd: nil).bytes
    let field = networkField(ModelFormat.Network.leadCount, of: bare)
    var forged = bare
    forged[field] = 2
    #expect(throws: ModelError(.unsupportedLeads, at: field)) {
      _ = try LoadedModel(image: resealed(forged))
    }
  }
}
