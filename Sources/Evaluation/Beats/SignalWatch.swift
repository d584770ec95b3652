import HostDevice
import ModelFiles
import Networks
import QuantInfer
import Tasks

/// Judges a signal where there is a float network alone as a device does: beats on a lead without signal are no
/// decisions.
struct SignalWatch {
  private let window: BeatWindow
  private let converter: AnalogConverter

  /// A watch for a network's window, behind the reference device's converter.
  init(_ window: BeatWindow) {
    self.window = window
    converter = DeviceProfile.reference.converter
  }

  /// The decisions at whose moment the device would have a result.
  ///
  /// - Throws: `MemoryError`, which the watch's own memory rules out.
  func decisions(
    _ decisions: [BeatDecision], where signal: LabelledSignal
  ) throws(MemoryError) -> [BeatDecision] {
    var isGood = try goodSamples(signal.microvolts)
    for lead in signal.furtherLeads {
      isGood = zip(isGood, try goodSamples(lead)).map { $0 && $1 }
    }
    return decisions.filter { decision in
      window.columns(ofBeatAt: decision.sample, inRecordOf: isGood.count).map {
        isGood[window.settings.lastSample(ofColumn: $0.upperBound - 1)]
      } ?? false
    }
  }

  private func goodSamples(_ microvolts: [Float]) throws(MemoryError) -> [Bool] {
    let limits = SignalQuality.Limits(
      converter, sampleRateHz: window.settings.sampleRateHz,
      refillSamples: window.sampleCount
        + (window.settings.highPassShift > 0 ? 3 << window.settings.highPassShift : 0))
    let memory = AlignedMemory(byteCount: SignalQuality.stateByteCount)
    var quality = try SignalQuality(limits, state: memory.bytes)
    return microvolts.map { quality.push(converter.count(ofMicrovolts: $0)) == nil }
  }
}
