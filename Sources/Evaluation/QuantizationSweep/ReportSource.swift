import Foundation
import HostDevice
import ModelFiles
import Networks
import QuantInfer
import Quantization
import Tasks

/// The beats of the records, which all points share.
package struct ReportBeats: Sendable {
  /// The signals at the checkpoint's rate.
  let signals: [LabelledSignal]
  /// For each beat, in order of signals, its signal's index.
  let signalIndices: [Int]
  /// For each beat its true class.
  let labels: [Int]
  /// The first beat of each signal.
  let firstBeats: [Int]

  init(_ signals: [LabelledSignal]) {
    self.signals = signals
    signalIndices = signals.indices.flatMap { index in signals[index].beats.map { _ in index } }
    labels = signals.flatMap { $0.beats.map(\.classIndex) }
    firstBeats = signals.indices.map { index in signals[..<index].reduce(0) { $0 + $1.beats.count } }
  }
}

/// A float network with what points are made of and compared with.
package struct ReportSource: Sendable {
  let key: SourceKey
  let checkpoint: Checkpoint
  let network: FloatGraph
  /// Calibration windows in the order in which they are taken.
  let calibration: [[Float]]
  /// The float decisions: `[beat, class]` logits; a beat without a whole window has NaN.
  let logits: [Float]
  /// The windows of some test beats: the beat's index and its float input.
  let windows: [(beat: Int, input: [Float])]

  /// How many windows layers are looked at on.
  static let windowCount = 384

  /// Runs the float network over all beats, as heard by the reference converter.
  ///
  /// - Parameters:
  ///   - key: Which source.
  ///   - checkpoint: Its network.
  ///   - beats: The test beats.
  ///   - training: The signals to calibrate on.
  ///   - calibrationCount: The most calibration windows that a point asks for.
  ///   - seed: The seed of the windows drawn.
  ///   - threads: The number of threads.
  /// - Throws: `InvalidNetwork` where the network can't be.
  init(
    _ key: SourceKey, _ checkpoint: Checkpoint, beats: ReportBeats, training: [LabelledSignal],
    calibrationCount: Int, seed: UInt64, threads: Int
  ) throws {
    (self.key, self.checkpoint, network) = (key, checkpoint, try FloatGraph(checkpoint))
    let converter = FrontEndVariant().converter
    let (window, network) = (checkpoint.window, network)
    let classCount = checkpoint.classNames.count
    let labelled = beats.labels.count
    let chosen = Set((0..<Self.windowCount).map { $0 * labelled / Self.windowCount })
    let perSignal = try Array(beats.signals.indices).concurrentMap(threads: threads, progress: { _ in }) {
      index in
      let signal = beats.signals[index]
      let windows = EvaluationWindows([converter.heard(signal)], window: window)
      let decisions = try windows.decisions(of: network)
      var logits = [Float](repeating: .nan, count: signal.beats.count * classCount)
      var inputs: [(beat: Int, input: [Float])] = []
      var next = 0
      for (decision, beat) in zip(decisions, windows.records[0].beats) {
        while signal.beats[next].sample != beat.sample || signal.beats[next].classIndex != beat.classIndex {
          next += 1
        }
        logits.replaceSubrange(next * classCount..<(next + 1) * classCount, with: decision.logits)
        if chosen.contains(beats.firstBeats[index] + next) {
          let levels = windows.levels(of: beat, in: windows.records[0])
          inputs.append(
            (beats.firstBeats[index] + next, levels.map { window.settings.networkInput(ofLevel: $0) }))
        }
        next += 1
      }
      return (logits, inputs)
    }
    logits = perSignal.flatMap(\.0)
    windows = perSignal.flatMap(\.1)
    // As `exporter quantize` does: from all training windows, each class in its turn.
    calibration = EvaluationWindows(training.map(converter.heard), window: window)
      .calibrationWindows(count: calibrationCount, seed: seed)
  }

  /// The network of a point in integers.
  func quantized(_ point: ReportPoint) throws(InvalidNetwork) -> QuantizedNetwork {
    try QuantizedNetwork.quantized(
      network, settings: point.frontEnd.settings(checkpoint.settings),
      calibrationWindows: Array(calibration.prefix(point.calibrationWindows)),
      awareness: checkpoint.awareness,
      options: point.quantization)
  }

  /// The image of a network with a front end.
  func image(
    _ network: QuantizedNetwork, _ frontEnd: FrontEndVariant
  ) throws(InvalidNetwork) -> LoadedModel {
    let image = try ModelImage.make(
      of: network, trained: checkpoint, converter: frontEnd.converter,
      frontEnd: frontEnd.tables(checkpoint.settings, for: network))
    do throws(ModelError) {
      return try LoadedModel(image: image.bytes)
    } catch {
      throw InvalidNetwork("the image can't be loaded: \(error)")
    }
  }
}

/// A front end's columns of all records, and the places of the beats' windows among them.
package struct ColumnSet: Sendable {
  /// For each signal `[column, bin, lead]` codes.
  let columns: [[Int8]]
  /// For each beat its window's first column; -1 for a beat without a whole window.
  let firstColumns: [Int]
  /// The codes of a window.
  let windowCodeCount: Int
  /// The codes of a column.
  let columnCodeCount: Int

  /// A beat's codes.
  func codes(ofBeat beat: Int, _ beats: ReportBeats) -> ArraySlice<Int8>? {
    guard firstColumns[beat] >= 0 else { return nil }
    let start = firstColumns[beat] * columnCodeCount
    return columns[beats.signalIndices[beat]][start..<start + windowCodeCount]
  }

  /// A signal's columns, by the runtime's front end, and the first columns of its beats' windows.
  static func columns(
    of signal: LabelledSignal, _ variant: FrontEndVariant, _ window: BeatWindow, _ image: BareFrontEndImage
  ) -> (codes: [Int8], firstColumns: [Int]) {
    let settings = variant.settings(window.settings)
    let (converter, gain) = (variant.converter, variant.gain)
    let codes = image.columns(of: converter.frames(of: signal.withLeads { $0.map { $0 * gain } }))
    var place = window
    place.settings = settings
    let first = signal.beats.map {
      place.columns(ofBeatAt: $0.sample, inRecordOf: signal.microvolts.count)?.lowerBound ?? -1
    }
    return (codes, first)
  }
}

/// Runs an image over the windows of all beats.
enum PointRun {
  /// The logits `[beat, class]`; NaN for a beat without a whole window.
  static func logits(_ loaded: LoadedModel, _ columns: ColumnSet, _ beats: ReportBeats) -> [Float] {
    let model = loaded.model
    var engine = RunningEngine(loaded)
    let output = model.output
    var logits: [Float] = []
    logits.reserveCapacity(beats.labels.count * output.count)
    for beat in beats.labels.indices {
      guard let codes = columns.codes(ofBeat: beat, beats) else {
        logits += [Float](repeating: .nan, count: output.count)
        continue
      }
      _ = engine.window.input.update(fromContentsOf: codes)
      engine.window.run()
      logits += engine.window.codes(output).map { output.real(of: $0) }
    }
    return logits
  }
}
