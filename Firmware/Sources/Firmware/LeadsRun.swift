import Payload
import QuantInfer

/// Frames in, decisions out, of a model of several leads: frame by frame, over a saved state, and over whole windows.
struct LeadsRun {
  private let model: Model
  private let frameCount: Int

  /// Of a model that takes several leads and streams.
  init?(_ model: Model) {
    guard model.leadCount > 1, model.isStreamable else { return nil }
    self.model = model
    frameCount = payloadSamples.count / model.leadCount
  }

  /// Runs over all frames twice, once interrupted; false where a decision differs.
  func run() -> Bool {
    guard let whole = run(interrupted: false), let resumed = run(interrupted: true) else { return false }
    return whole == resumed
  }

  /// The checksum of all decisions; nil where one over a whole window differs.
  private func run(interrupted: Bool) -> UInt32? {
    var memory = Memory()
    let state = memory.take(model.stateByteCount)
    let scratch = memory.take(model.streamingScratchByteCount)
    let logits = memory.take(model.output.count).bindMemory(to: Int8.self)
    let columnByteCount = model.input.columnByteCount
    let window = memory.take(model.input.timeCount &* columnByteCount)
    guard var pipeline = try? StreamingPipeline(model: model, state: state, scratch: scratch),
      let samples = payloadSamples.baseAddress, window.count == model.input.timeCount &* columnByteCount,
      let streaming = model.streaming
    else { return nil }
    let copy = memory.take(interrupted ? pipeline.savedByteCount : 0)
    guard var layers = LayerRun(model, in: &memory) else { return nil }
    var decisions = Decisions()
    var columns = (count: 0, checksum: UInt32(0))
    // The window's columns in a ring, and the byte behind the newest.
    var next = 0
    func after(_ place: Int) -> Int { place &+ 1 == window.count ? 0 : place &+ 1 }
    for frame in 0..<frameCount {
      if interrupted, frame == frameCount / 2 {
        guard (try? pipeline.save(into: copy)) != nil else { return nil }
        for place in 0..<state.count { state[place] = 0xA5 }
        pipeline.reset()
        guard (try? pipeline.restore(from: UnsafeRawBufferPointer(copy))) != nil else { return nil }
      }
      guard pipeline.push(frame: samples + frame &* model.leadCount) else { continue }
      let column = UnsafeRawBufferPointer(pipeline.newestColumn)
      columns.checksum = CRC32.checksum(column, continuing: columns.checksum)
      for index in 0..<columnByteCount {
        window[next] = column[index]
        next = after(next)
      }
      columns.count &+= 1
      guard pipeline.decideIfFull(into: logits) else { continue }
      decisions.add(logits)
      // Strides leave columns at the window's end unread, which have not come yet.
      let isWhole = streaming.columnsPerWindow == model.input.timeCount
      guard isWhole, decisions.count % Decisions.sampling == 0 else { continue }
      var place = next
      for index in 0..<window.count {
        layers.input[index] = Int8(bitPattern: window[place])
        place = after(place)
      }
      layers.run()
      for index in 0..<logits.count where logits[index] != layers.output[index] { return nil }
    }
    if !interrupted { layers.print() }
    Console.put(interrupted ? "resumed " : "streaming ")
    printChecksum("columns ", columns.count, columns.checksum)
    Console.put(interrupted ? "resumed " : "streaming ")
    printChecksum("decisions ", decisions.count, decisions.checksum)
    return decisions.checksum
  }
}
