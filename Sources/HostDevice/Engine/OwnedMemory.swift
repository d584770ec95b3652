import Foundation
import ModelFiles
import QuantInfer

/// A whole-window engine in memory of its own.
package struct RunningEngine: ~Copyable {
  /// The engine.
  package var window: WholeWindow
  /// The tensors' memory.
  package let arena: AlignedMemory
  private let scratch: AlignedMemory
  private let loaded: LoadedModel

  /// Starts an engine.
  package init(_ loaded: LoadedModel) {
    self.loaded = loaded
    arena = AlignedMemory(byteCount: loaded.model.arenaByteCount)
    scratch = AlignedMemory(byteCount: loaded.scratchByteCount)
    do throws(MemoryError) {
      window = try WholeWindow(model: loaded.model, arena: arena.bytes, scratch: scratch.bytes)
    } catch {
      preconditionFailure("the memory is as large and aligned as the model asks")
    }
  }
}

/// A streaming pipeline alone, in memory of its own: for columns, where nothing is announced.
package struct RunningPipeline: ~Copyable {
  private var pipeline: StreamingPipeline
  private let state: AlignedMemory
  private let scratch: AlignedMemory
  private let loaded: LoadedModel

  /// Starts a pipeline.
  ///
  /// - Throws: `MemoryError` where the model can't stream.
  package init(_ loaded: LoadedModel) throws(MemoryError) {
    let state = AlignedMemory(byteCount: loaded.model.stateByteCount)
    let scratch = AlignedMemory(byteCount: loaded.scratchByteCount)
    pipeline = try StreamingPipeline(model: loaded.model, state: state.bytes, scratch: scratch.bytes)
    (self.loaded, self.state, self.scratch) = (loaded, state, scratch)
  }

  /// Takes all counts, frame by frame a sample of each lead; the codes of their columns, `[column, bin, lead]`.
  package mutating func columns(of counts: some Sequence<Int16>) -> [Int8] {
    let leadCount = loaded.model.leadCount
    var (columns, frame): ([Int8], [Int16]) = ([], [])
    for count in counts {
      frame.append(count)
      guard frame.count == leadCount else { continue }
      let isColumn = frame.withUnsafeBufferPointer { pipeline.push(frame: $0.baseAddress!) }
      frame.removeAll(keepingCapacity: true)
      if isColumn { columns += pipeline.newestColumn }
    }
    return columns
  }

  /// The codes of the decision about the newest window; nil where it isn't full.
  package func decision() -> [Int8]? {
    var codes = [Int8](repeating: 0, count: loaded.model.output.count)
    let isDecided = codes.withUnsafeMutableBufferPointer { pipeline.decideIfFull(into: $0) }
    return isDecided ? codes : nil
  }
}

extension SpectrogramPlan {
  /// A bin of the device's transform in counts, with time from the window's first sample on, as a float transform has it.
  ///
  /// - Parameters:
  ///   - parts: What `StreamingSpectrogram.spectrum` gives.
  ///   - bin: Its place in the column.
  /// - Returns: The bin's real and imaginary part.
  package func counts(
    _ parts: (real: Int32, imaginary: Int32, exponent: Int32), at bin: Int
  ) -> (real: Double, imaginary: Double) {
    let unit = exp2(Double(parts.exponent))
    let (real, imaginary) = (Double(parts.real) * unit, Double(parts.imaginary) * unit)
    guard isDirect else { return (real, imaginary) }
    let angle = -Double.pi * Double(firstBin + bin) * Double(windowSamples - 1) / Double(windowSamples)
    return (
      real * cos(angle) - imaginary * sin(angle), real * sin(angle) + imaginary * cos(angle)
    )
  }
}

/// The device's spectrogram alone, in memory of its own.
package struct RunningSpectrogram: ~Copyable {
  /// The spectrogram.
  package var spectrogram: StreamingSpectrogram
  /// Its state as words, as the model format lays it out.
  package let words: UnsafeMutableBufferPointer<Int32>
  private let plan: SpectrogramPlan
  private let state: AlignedMemory
  private let scratch: AlignedMemory

  /// A bin of the last column's transform: see `SpectrogramPlan.counts`.
  package func counts(at bin: Int) -> (real: Double, imaginary: Double) {
    plan.counts(spectrogram.spectrum(at: bin), at: bin)
  }

  /// Starts a spectrogram, at rest; its tables must outlive it.
  package init(_ plan: SpectrogramPlan) {
    self.plan = plan
    state = AlignedMemory(
      byteCount: ModelFormat.State.frontEndByteCount(windowSamples: plan.windowSamples))
    scratch = AlignedMemory(byteCount: plan.scratchByteCount)
    words = state.bytes.bindMemory(to: Int32.self)
    do throws(MemoryError) {
      spectrogram = try StreamingSpectrogram(plan: plan, state: state.bytes, scratch: scratch.bytes)
    } catch {
      preconditionFailure("the memory is as large and aligned as the spectrogram asks")
    }
  }
}

/// The beats that the runtime's detector finds by itself.
package enum DetectedBeats {
  /// Their samples, in the order in which they are found.
  ///
  /// - Parameters:
  ///   - counts: The signal.
  ///   - sampleRateHz: Its rate.
  /// - Returns: The R peaks' samples; one before the first count is left to the caller.
  /// - Throws: `MemoryError` where the detector can't run at the rate.
  package static func samples(
    in counts: some Sequence<Int16>, sampleRateHz: Double
  ) throws(MemoryError) -> [Int] {
    guard (1...4_000_000).contains(sampleRateHz * 1000) else { throw .unsupportedSampleRate }
    let rate = UInt32((sampleRateHz * 1000).rounded())
    let memory = AlignedMemory(byteCount: BeatDetector.stateByteCount(sampleRateMillihertz: rate))
    defer { withExtendedLifetime(memory) {} }
    var detector = try BeatDetector(sampleRateMillihertz: rate, state: memory.bytes)
    var samples: [Int] = []
    for (index, count) in counts.enumerated() {
      if let age = detector.push(count) { samples.append(index - Int(age)) }
    }
    return samples
  }
}
