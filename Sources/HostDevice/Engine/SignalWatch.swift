import ModelFiles
import Networks
import QuantInfer
import Tasks

/// Judges a signal where no device runs: beats at which one would have no result, as after lost contact, are no
/// decisions.
package struct SignalWatch {
  private let window: BeatWindow
  private let converter: AnalogConverter
  private let lostLead: TaskDefinition.LostLead

  /// A watch for a network's window, behind a converter, which is the reference device's where none is given; of several
  /// leads with what a lost one means.
  package init(
    _ window: BeatWindow, converter: AnalogConverter = DeviceProfile.reference.converter,
    lostLead: TaskDefinition.LostLead = .noResult
  ) {
    (self.window, self.converter, self.lostLead) = (window, converter, lostLead)
  }

  /// The decisions at whose moment the device would have a result.
  ///
  /// - Throws: `MemoryError`, which the watch's own memory rules out.
  package func decisions(
    _ decisions: [BeatDecision], where signal: LabelledSignal
  ) throws(MemoryError) -> [BeatDecision] {
    var hasResult = try hasResults(atBeats: decisions.map(\.sample), in: signal.microvolts)
    for lead in signal.furtherLeads {
      hasResult = zip(hasResult, try hasResults(atBeats: decisions.map(\.sample), in: lead)).map {
        lostLead == .goOn ? $0 || $1 : $0 && $1
      }
    }
    return zip(decisions, hasResult).filter(\.1).map(\.0)
  }

  /// Whether the device would have a result at the moment of each beat's decision.
  ///
  /// - Parameters:
  ///   - samples: The beats' places.
  ///   - microvolts: The signal at the front end's rate, 0 in lost contact.
  /// - Returns: The answers, in the beats' order.
  /// - Throws: `MemoryError`, which the watch's own memory rules out.
  package func hasResults(
    atBeats samples: [Int], in microvolts: [Float]
  ) throws(MemoryError) -> [Bool] {
    let isGood = try goodSamples(microvolts)
    return samples.map { sample in
      window.columns(ofBeatAt: sample, inRecordOf: isGood.count).map {
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
