import ECG
import ModelFiles
import QuantInfer
import Simulation
import Testing
import TestSupport

/// The whole-window engine is the truth.
@Suite struct WholeRecordTests {
  // claim: streaming
  @Test(
    .enabled(if: Databases.has("mitdb"), "needs ../shared/data/mitdb"),
    arguments: ["ecg-beats", "ecg-beats-intra"])
  func streamingEqualsTheWholeWindowAtEveryColumnOfThirtyMinutes(name: String) throws {
    let loaded = try LoadedModel(file: ProjectFiles.path("Models/\(name)/\(name).qinf"))
    let model = loaded.model
    let rateHz = try Double(#require(model.frontEnd).sampleRateMillihertz) / 1000
    let record = try ECG.Record.read(Databases.path("mitdb") + "/207")
    let samples = try Acquisition(
      record, lead: nil, sampleRateHz: rateHz, profile: .reference, file: "207"
    ).samples
    #expect(Double(samples.count) / rateHz > 30 * 60)

    let state = AlignedMemory(byteCount: model.stateByteCount)
    let streamingScratch = AlignedMemory(byteCount: model.streamingScratchByteCount)
    var pipeline = try StreamingPipeline(model: model, state: state.bytes, scratch: streamingScratch.bytes)
    let arena = AlignedMemory(byteCount: model.arenaByteCount)
    let scratch = AlignedMemory(byteCount: loaded.scratchByteCount)
    var engine = try WholeWindow(model: model, arena: arena.bytes, scratch: scratch.bytes)
    let logits = UnsafeMutableBufferPointer<Int8>.allocate(capacity: model.output.count)
    defer { logits.deallocate() }
    let window = model.input.count
    var columns: [Int8] = []
    var (decisions, differences) = (0, 0)
    for sample in samples where pipeline.push(sample) {
      columns.append(contentsOf: pipeline.newestColumn)
      guard pipeline.isWindowFull else { continue }
      pipeline.decide(into: logits)
      _ = engine.input.update(fromContentsOf: columns.suffix(window))
      engine.run()
      decisions += 1
      if !logits.elementsEqual(engine.output) { differences += 1 }
    }
    #expect(differences == 0)
    // A decision a column from the first whole window on.
    #expect(decisions == columns.count / model.input.columnByteCount - model.input.timeCount + 1)
    #expect(decisions > 28_000)
  }
}
