import Foundation
import Networks
import QuantInfer
import Support
import Tasks

/// Where a model image comes from: lines of a key and a value, in the order in which they were said.
package struct Provenance: ExpressibleByDictionaryLiteral, Sendable {
  /// All the keys that this program writes and reads.
  package enum Key: String, Sendable {
    /// The task that the network was trained for, and how its beats were divided into training and test.
    case task, split
    /// The seed of the training.
    case seed
    /// How long after a beat its decision is taken.
    case decisionDelaySeconds
    /// The samples from one decision to the next, where decisions come by the clock.
    case decisionHopSamples
    /// The corner of the electrode's coupling that the network was trained behind; 0 for none.
    case couplingHz
    /// The width of the converter's counts.
    case converterBits
    /// What shares a weight scale.
    case granularity
    /// How activations' ranges were chosen, on how many windows, and the seed of the windows drawn.
    case calibration, calibrationWindows, calibrationSeed
    /// What is not as usual about the integers.
    case weights, activations, rounding, equalized, biasesCorrected
    /// The probability from which on a cohort's model says yes, and the patients that it has learnt from.
    case decisionThreshold, cohortPatients
    /// What kind of data the network has learnt from, where no patient was measured.
    case data
    /// The model file that the network was imported from, and that file's checksum.
    case source, sourceChecksum
    /// How the source network's inputs and outputs lie in the image's, where values are given in its own layout.
    case inputLayout, outputLayout
    /// The version of the exporter that wrote the image.
    case exporter
  }

  /// The lines; an image of another version may have other keys.
  package let lines: [(key: String, value: String)]

  /// What an image says.
  init(lines: [(key: String, value: String)]) { self.lines = lines }

  /// Says what is there; a key without a value is left out.
  package init(dictionaryLiteral values: (Key, String?)...) {
    lines = values.compactMap { key, value in value.map { (key.rawValue, $0) } }
  }

  /// What is said of a trained network for a device's converter; with `seed` the training's seed, too.
  package init(_ trained: Checkpoint, converter: AnalogConverter, seed: UInt64? = nil) {
    self = [
      .task: trained.task, .split: trained.split, .seed: seed.map { "\($0)" },
      .decisionDelaySeconds: "\(trained.decisionDelaySeconds)",
      .couplingHz: trained.settings.couplingHz.map { "\($0)" },
      .decisionHopSamples: trained.ownTask?.hopSamples.map { "\($0)" }, .converterBits: "\(converter.bits)",
    ]
  }

  /// This program's version.
  package static let exporter: Provenance = [.exporter: Release.version]

  /// One after the other.
  package static func + (first: Provenance, second: Provenance) -> Provenance {
    Provenance(lines: first.lines + second.lines)
  }

  /// A value; nil where it isn't there.
  package subscript(key: Key) -> String? { lines.first { $0.key == key.rawValue }?.value }
}

extension LoadedModel {
  /// Where a beat lies in the model's window; nil where there is no front end or the provenance lacks the delay.
  package var beatWindow: BeatWindow? {
    guard let frontEnd = model.frontEnd,
      let delaySeconds = provenance[.decisionDelaySeconds].flatMap(Double.init),
      (0...60).contains(delaySeconds)
    else { return nil }
    var settings = SpectrogramSettings(frontEnd, leadCount: model.leadCount)
    settings.couplingHz = couplingHz
    return BeatWindow(
      settings: settings, columnCount: model.input.timeCount, delaySeconds: delaySeconds,
      isByClock: task?.isByClock ?? false)
  }

  /// The corner of the electrode's coupling that the network was trained behind; 0 for none, nil where that isn't said.
  package var couplingHz: Double? {
    provenance[.couplingHz].flatMap(Double.init).flatMap { SpectrogramSettings.isCoupling($0) ? $0 : nil }
  }

  /// The task that the network answers; nil where it is none that this program knows, or has other classes.
  package var task: TaskDefinition? {
    let text = taskText
    let task =
      text.hasPrefix("{")
      ? try? TaskDefinition(parsing: Data(text.utf8), file: "the image's task")
      : (provenance[.task]).flatMap(TaskDefinition.init(named:))
    return task?.classNames == classNames ? task : nil
  }

  /// The columns from one decision to the next, where the provenance says that decisions come by the clock.
  package var decisionHopColumns: Int? {
    guard let frontEnd = model.frontEnd,
      let samples = provenance[.decisionHopSamples].flatMap({ Int($0) }), samples > 0
    else { return nil }
    return max(1, samples / frontEnd.hopSamples)
  }

  /// The time from one decision to the next, in seconds, where the provenance says that decisions come by the clock.
  package var secondsOfClock: Double? {
    guard let frontEnd = model.frontEnd, let columns = decisionHopColumns else { return nil }
    return Double(columns * frontEnd.hopSamples) * 1000 / Double(frontEnd.sampleRateMillihertz)
  }

  /// The width of the counts that the front end takes; 16 where the provenance doesn't say.
  package var converterBits: Int { provenance[.converterBits].flatMap { Int($0) } ?? 16 }

  /// Whether a checkpoint's front end, window, layers' widths and classes are the image's.
  package func isTwin(of checkpoint: Checkpoint) -> Bool {
    guard let plan = model.frontEnd else { return false }
    let (frontEnd, settings) = (SpectrogramSettings(plan, leadCount: model.leadCount), checkpoint.settings)
    let (beats, other) = (model.beatNetwork, checkpoint.beatNetwork)
    guard beats.map(\.widths) == other.map(\.widths), beats?.input.count == other?.settings.columnCodeCount
    else { return false }
    return frontEnd.leadCount == settings.leadCount
      && frontEnd.windowSamples == settings.windowSamples && frontEnd.hopSamples == settings.hopSamples
      && frontEnd.firstBin == settings.firstBin && frontEnd.binCount == settings.binCount
      && frontEnd.highPassShift == settings.highPassShift
      && Double(plan.sampleRateMillihertz) == (settings.sampleRateHz * 1000).rounded()
      && couplingHz == settings.couplingHz
      && model.input.timeCount == checkpoint.specification.inputColumns
      && model.output.count == checkpoint.classNames.count && classNames == checkpoint.classNames
      && model.widths == checkpoint.widths
  }
}

extension Model {
  /// The outputs of each operator with weights, a place.
  fileprivate var widths: [Int] {
    (0..<operatorCount).map { operatorPlan($0) }.filter { $0.weights != nil }.map {
      tensor($0.outputIndex).channelCount
    }
  }
}

extension Checkpoint {
  /// The outputs of each layer with weights, a place.
  fileprivate var widths: [Int] {
    (try? specification.layerShapes())?.filter(\.hasWeights).map(\.outputChannels) ?? []
  }
}
