import Networks
import Tasks

/// The keys of an image's provenance that the commands write and read.
package enum ModelMetadata {
  /// How long after a beat its decision is taken.
  package static let decisionDelaySeconds = "decisionDelaySeconds"
  /// The samples from one decision to the next, where decisions come by the clock.
  package static let decisionHopSamples = "decisionHopSamples"
  /// The task that the network was trained for.
  package static let task = "task"
  /// How the task's beats were divided into training and test.
  package static let split = "split"
  /// The seed of the training.
  package static let seed = "seed"
  /// The width of the converter's counts.
  package static let converterBits = "converterBits"
  /// The version of the exporter that wrote the image.
  package static let exporterVersion = "exporter"
}

extension LoadedModel {
  /// A value of the provenance; nil where it isn't there.
  package func value(of key: String) -> String? {
    metadata.first { $0.key == key }?.value
  }

  /// Where a beat lies in the model's window; nil where there is no front end or the provenance lacks the delay.
  package var beatWindow: BeatWindow? {
    guard let frontEnd = model.frontEnd,
      let delaySeconds = value(of: ModelMetadata.decisionDelaySeconds).flatMap(Double.init),
      (0...60).contains(delaySeconds)
    else { return nil }
    return BeatWindow(
      settings: SpectrogramSettings(frontEnd), columnCount: model.input.timeCount, delaySeconds: delaySeconds)
  }

  /// The columns from one decision to the next, where the provenance says that decisions come by the clock.
  package var decisionHopColumns: Int? {
    guard let frontEnd = model.frontEnd,
      let samples = value(of: ModelMetadata.decisionHopSamples).flatMap({ Int($0) }), samples > 0
    else { return nil }
    return max(1, samples / frontEnd.hopSamples)
  }

  /// Whether a checkpoint's front end, window and classes are the image's.
  package func isTwin(of checkpoint: Checkpoint) -> Bool {
    guard case .spectrogram(let frontEnd) = model.frontEnd else { return false }
    let settings = checkpoint.settings
    return frontEnd.windowSamples == settings.windowSamples && frontEnd.hopSamples == settings.hopSamples
      && frontEnd.firstBin == settings.firstBin && frontEnd.binCount == settings.binCount
      && Int(frontEnd.highPassShift) == settings.highPassShift
      && Double(frontEnd.sampleRateMillihertz) == (settings.sampleRateHz * 1000).rounded()
      && model.input.timeCount == checkpoint.specification.inputColumns
      && model.output.count == checkpoint.classNames.count && classNames == checkpoint.classNames
  }
}
