import CQuantInfer
import Foundation
import HostDevice
import ModelFiles
import Networks
import QuantInfer
import QuantInferC
import QuantInferDeviceC
import Support
import Tasks
import TestNetworks
import Testing
import TestSupport

/// Frames of several leads through the C interface; the Swift one is the truth.
@Suite struct LeadInterfaceTests {
  private static func image(leads: Int) throws -> [UInt8] {
    var networks = RandomNetworks(random: SeededGenerator(seed: 700))
    var settings = SpectrogramSettings()
    settings.leads = leads
    let network = networks.streamable(bins: settings.columnCodeCount, depth: 2)
    return try ModelImage(
      network, frontEnd: FrontEndTables(settings, microvoltsPerCount: 2), mustStream: true
    ).bytes
  }

  private static func samples(_ frames: Int, leads: Int) -> [Int16] {
    var random = SeededGenerator(seed: 701)
    return (0..<frames * leads).map { _ in Int16(random.next(in: -900...900)) }
  }

  private static func options(_ model: Model) -> Monitor.Options {
    var options = Monitor.Options()
    (options.pace, options.detectorLead, options.lostLead) = (.everyColumns(3), 1, .goOn)
    (options.quality.flatSamples, options.quality.refillSamples) = (20, 10)
    return options
  }

  // claim: leads
  @Test(arguments: 2...4)
  func decisionsOfFramesAreTheMonitors(leads: Int) throws {
    let image = try Self.image(leads: leads)
    var samples = Self.samples(3000, leads: leads)
    // The first lead is flat for a while.
    for frame in 1000..<1400 { samples[frame * leads] = 5 }
    let loaded = try LoadedModel(image: image)
    let options = Self.options(loaded.model)
    var device = try RunningDevice(loaded.model, options, scratchByteCount: loaded.scratchByteCount)
    var expected: [Told] = []
    device.run(samples) { sample, decision, logits in expected.append(Told(sample, decision, logits)) }
    #expect(expected.count > 80)
    for blockCount in [1, 7, 64, 1000] {
      let c = try MonitorDevice(options, image: image)
      #expect(try c.decisions(samples[...], blockCount: blockCount) == expected, "\(blockCount)")
    }
    // From an interrupt, through the queue.
    let c = try MonitorDevice(options, image: image)
    var frames = [Int16](repeating: 0, count: 32 * leads)
    var queue = quantinfer_queue()
    var (told, place) = ([Told](), 0)
    try frames.withUnsafeMutableBufferPointer { memory in
      try #require(
        quantinfer_queue_init(&queue, memory.baseAddress, 32, UInt32(leads)) == QUANTINFER_OK)
      while place < 3000 {
        let count = min(1 + place % 23, 3000 - place)
        samples.withUnsafeBufferPointer {
          quantinfer_monitor_feed(&queue, $0.baseAddress! + place * leads, count)
        }
        place += count
        var progress = quantinfer_progress.empty
        repeat {
          #expect(quantinfer_monitor_work(c.monitor, &queue, &progress) == QUANTINFER_OK)
          #expect(progress.lost_count == 0)
          told += c.decisions()
        } while progress.frame_count > 0
      }
    }
    #expect(told == expected)
  }

  @Test func thePipelineTakesFramesAndRefusesSingleSamples() throws {
    let image = try Self.image(leads: 2)
    let loaded = try LoadedModel(image: image)
    let (state, scratch) = (
      AlignedMemory(byteCount: loaded.model.stateByteCount),
      AlignedMemory(byteCount: loaded.model.streamingScratchByteCount)
    )
    var pipeline = try StreamingPipeline(model: loaded.model, state: state.bytes, scratch: scratch.bytes)
    let (flash, memory) = (AlignedMemory(byteCount: image.count), AlignedMemory(byteCount: 16_384))
    flash.bytes.copyBytes(from: image)
    var device: OpaquePointer?
    try #require(
      quantinfer_pipeline_init(
        &device, flash.bytes.baseAddress, image.count, memory.bytes.baseAddress, memory.bytes.count)
        == QUANTINFER_OK)
    let samples = Self.samples(1000, leads: 2)
    var decisions = 0
    samples.withUnsafeBufferPointer { all in
      for frame in 0..<1000 {
        let start = all.baseAddress! + 2 * frame
        #expect(!quantinfer_pipeline_push(device, start.pointee))
        let isFull = pipeline.push(frame: start) && pipeline.isWindowFull
        #expect(quantinfer_pipeline_push_frame(device, start) == isFull)
        guard isFull else { continue }
        var logits = [Int8](repeating: 0, count: loaded.model.output.count)
        var expected = logits
        expected.withUnsafeMutableBufferPointer { pipeline.decide(into: $0) }
        _ = quantinfer_pipeline_decide(device, &logits, logits.count)
        #expect(logits == expected)
        decisions += 1
      }
    }
    #expect(decisions > 80)
    #expect(!quantinfer_pipeline_push_frame(device, nil))
    withExtendedLifetime((loaded, state, scratch, flash, memory)) {}
  }

  @Test func aWrongNumberOfLeadsIsRefused() throws {
    let image = try Self.image(leads: 2)
    let flash = AlignedMemory(byteCount: image.count)
    flash.bytes.copyBytes(from: image)
    var (info, needs) = (quantinfer_info.empty, quantinfer_needs.empty)
    #expect(quantinfer_inspect(flash.bytes.baseAddress, image.count, &info) == QUANTINFER_OK)
    #expect(info.lead_count == 2)
    let loaded = try LoadedModel(image: image)
    func status(_ change: (inout quantinfer_options) -> Void) -> Int {
      var options = quantinfer_options(Self.options(loaded.model))
      change(&options)
      return Int(quantinfer_monitor_inspect(flash.bytes.baseAddress, image.count, &options, &needs))
    }
    #expect(status { $0.lead_count = 2 } == Int(QUANTINFER_OK))
    let wrong: [(inout quantinfer_options) -> Void] = [
      { $0.lead_count = 1 }, { $0.lead_count = 3 }, { $0.detector_lead = 2 }, { $0.detector_lead = -1 },
      { $0.lost_lead = 2 }, { $0.lost_lead = -1 },
    ]
    for change in wrong { #expect(status(change) == Int(QUANTINFER_OPTIONS)) }
    // A queue of frames of another number of leads.
    let device = try MonitorDevice(Self.options(loaded.model), image: image)
    var (queue, frames) = (quantinfer_queue(), [Int16](repeating: 0, count: 16))
    var progress = quantinfer_progress.empty
    frames.withUnsafeMutableBufferPointer { memory in
      #expect(quantinfer_queue_init(&queue, memory.baseAddress, 16, 1) == QUANTINFER_OK)
      #expect(quantinfer_monitor_work(device.monitor, &queue, &progress) == QUANTINFER_OPTIONS)
    }
  }
}
