import QuantInfer
import Training

/// The keys of an image's provenance that the commands write and read.
public enum ModelMetadata {
  /// How long after a beat its decision is taken.
  public static let decisionDelaySeconds = "decisionDelaySeconds"
  /// The task that the network was trained for.
  public static let task = "task"
  /// How the task's beats were divided into training and test.
  public static let split = "split"
  /// The seed of the training.
  public static let seed = "seed"
  /// The version of the exporter that wrote the image.
  public static let exporterVersion = "exporter"
}

extension LoadedModel {
  /// Whether a checkpoint's front end, window and classes are the image's.
  public func isTwin(of checkpoint: Checkpoint) -> Bool {
    guard let frontEnd = model.frontEnd else { return false }
    let settings = checkpoint.settings
    return frontEnd.windowSamples == settings.windowSamples && frontEnd.hopSamples == settings.hopSamples
      && frontEnd.firstBin == settings.firstBin && frontEnd.binCount == settings.binCount
      && Int(frontEnd.highPassShift) == settings.highPassShift
      && Double(frontEnd.sampleRateMillihertz) == (settings.sampleRateHz * 1000).rounded()
      && model.input.timeCount == checkpoint.specification.inputColumns
      && model.output.byteCount == checkpoint.classNames.count && classNames == checkpoint.classNames
  }
}
