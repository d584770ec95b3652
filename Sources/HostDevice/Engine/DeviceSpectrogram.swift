import ModelFiles
import QuantInfer

/// Runs the device's spectrogram, at rest, in memory of its own.
///
/// - Parameters:
///   - plan: The spectrogram.
///   - body: Gets it, and its state as words, as the model format lays it out.
/// - Returns: What `body` returns.
package func withDeviceSpectrogram<Result>(
  _ plan: SpectrogramPlan, _ body: (inout StreamingSpectrogram, UnsafeMutableBufferPointer<Int32>) -> Result
) -> Result {
  let state = AlignedMemory(
    byteCount: ModelFormat.State.frontEndByteCount(windowSamples: plan.windowSamples))
  let scratch = AlignedMemory(
    byteCount: SpectrogramPlan.scratchByteCount(windowSamples: plan.windowSamples, binCount: plan.binCount))
  defer { withExtendedLifetime((state, scratch)) {} }
  do {
    var device = try StreamingSpectrogram(plan: plan, state: state.bytes, scratch: scratch.bytes)
    return body(&device, state.bytes.bindMemory(to: Int32.self))
  } catch {
    preconditionFailure("the memory is as large and aligned as the spectrogram asks")
  }
}
