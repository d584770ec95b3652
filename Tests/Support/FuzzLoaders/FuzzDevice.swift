import Foundation
import HostDevice
import ModelFiles
import QuantInfer
import Support

/// A model that streams, in memory of exactly the size that it asks for.
package final class FuzzDevice: @unchecked Sendable {
  /// The shipped model, which patches and saved states are for; nil where its file isn't there.
  package static let shared: FuzzDevice? = {
    let root = URL(fileURLWithPath: #filePath).appending(path: "../../../..").standardizedFileURL
    let file = root.appending(path: "Models/ecg-beats/ecg-beats.qinf").path
    return (try? LoadedModel(file: file)).flatMap(FuzzDevice.init)
  }()

  private let loaded: LoadedModel
  private let state: AlignedMemory
  private let scratch: AlignedMemory
  private var pipeline: StreamingPipeline
  private var logits: [Int8]

  /// Sets a model up; nil where it can't stream, or takes much memory.
  package init?(_ loaded: LoadedModel) {
    let model = loaded.model
    guard let streaming = model.streaming, model.stateByteCount < 1 << 20, model.output.count < 1 << 16,
      streaming.scratchByteCount < 1 << 20
    else { return nil }
    state = AlignedMemory(byteCount: model.stateByteCount)
    scratch = AlignedMemory(byteCount: streaming.scratchByteCount)
    do {
      pipeline = try StreamingPipeline(model: model, state: state.bytes, scratch: scratch.bytes)
    } catch {
      return nil
    }
    self.loaded = loaded
    logits = [Int8](repeating: 0, count: model.output.count)
  }

  /// Takes some samples, and decides where it can.
  package func push(_ count: Int) {
    for sample in 0..<count where pipeline.push(Int16(truncatingIfNeeded: sample * 7919)) {
      guard pipeline.isWindowFull else { continue }
      logits.withUnsafeMutableBufferPointer { pipeline.decide(into: $0) }
    }
  }

  /// Restores its own saved state with some bits of it changed, goes on with it, and forgets it.
  ///
  /// - Parameter changes: What is added to the state's bytes, without a carry.
  package func restore(changedBy changes: [UInt8]) {
    var copy = saved()
    for place in copy.indices.prefix(changes.count) { copy[place] ^= changes[place] }
    copy = Sealed.state(copy)
    guard (try? copy.withUnsafeBytes { try pipeline.restore(from: $0) }) != nil else { return }
    push(300)
    pipeline.reset()
  }

  /// Runs a copy of itself with a patch.
  package func apply(patch: [UInt8]) {
    guard let patched = try? loaded.applying(patch: patch) else { return }
    FuzzDevice(patched)?.push(300)
  }

  /// Its state as it saves it.
  package func saved() -> [UInt8] {
    let copy = AlignedMemory(byteCount: pipeline.savedByteCount)
    guard (try? pipeline.save(into: copy.bytes)) != nil else { return [] }
    return Array(copy.bytes)
  }
}
