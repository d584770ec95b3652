import HostDevice
import ModelFiles
import Networks
import QuantInfer
import Tasks

/// The beats that a device finds in a lead by itself, one sample at a time.
package struct DeviceBeats: Sendable {
  /// A beat that the runtime's detector found.
  package struct Beat: Equatable, Sendable {
    /// The R peak's sample.
    package var sample: Int
    /// The logits of the decision about it; nil where there was none: before the network's first window was full, or
    /// where the recording ended before the decision.
    package var logits: [Float]?

    /// The class of the largest logit, the first of equal ones; nil where there was no decision.
    package var decidedClass: Int? {
      logits.map { logits in logits.indices.reduce(0) { logits[$1] > logits[$0] ? $1 : $0 } }
    }
  }

  /// The beats, in order of time.
  package private(set) var all: [Beat]

  /// Finds beats alone.
  ///
  /// - Throws: `MemoryError` where the detector can't run at the rate.
  package init(in counts: [Int16], sampleRateHz: Double) throws(MemoryError) {
    all = try DetectedBeats.samples(in: counts, sampleRateHz: sampleRateHz)
      .map { Beat(sample: max(0, $0)) }.sorted { $0.sample < $1.sample }
  }

  /// Finds beats and lets the model decide about each, as the device that ships does; a beat at which it has no result
  /// has no decision.
  ///
  /// - Parameters:
  ///   - counts: The signal, frame by frame a sample of each of the model's leads; beats are found in the first.
  ///   - model: The model.
  ///   - converter: Its converter.
  ///   - hasRhythm: Whether the beats' intervals move a logit.
  /// - Throws: `MemoryError` where the model can't stream or the detector can't run at its rate.
  package init(
    in counts: [Int16], model: LoadedModel, converter: AnalogConverter, hasRhythm: Bool = false
  ) throws(MemoryError) {
    guard let frontEnd = model.model.frontEnd else { throw .notStreamable }
    let first = stride(from: 0, to: counts.count, by: model.model.leadCount).map { counts[$0] }
    try self.init(in: first, sampleRateHz: Double(frontEnd.sampleRateMillihertz) / 1000)
    let announcing = hasRhythm ? Announcing.withRhythm : Announcing()
    var device = try RunningDevice(
      model, Monitor.Options(.detectedBeats, announcing: announcing, of: model, converter: converter),
      .detectedBeats)
    var decided: [Int: [Float]] = [:]
    device.run(counts) { sample, decision, logits in
      guard decision.hasResult, let age = decision.beatAge else { return }
      decided[sample - age] = logits.map { Float(model.logit($0)) }
    }
    for index in all.indices { all[index].logits = decided[all[index].sample] }
  }

  /// The float twin's decisions about the same beats, each over the window that the device decided on.
  ///
  /// - Parameters:
  ///   - network: The float twin.
  ///   - beside: Its network of beats; nil for none.
  ///   - window: The windows' size and place.
  ///   - heard: The signal as the converter hears it.
  ///   - normalClass: The class whose logit the beats' intervals move; nil for decisions of the network alone.
  ///   - range: Where a moved logit stays.
  /// - Returns: The beats with the twin's logits.
  /// - Throws: `InvalidNetwork` where the network's input isn't a window.
  package func decided(
    by network: FloatGraph, beside: FloatBeatNetwork? = nil, window: BeatWindow,
    hearing heard: LabelledSignal, normalClass: Int? = nil,
    within range: ClosedRange<Float> = -.infinity ... .infinity
  ) throws(InvalidNetwork) -> DeviceBeats {
    var signal = heard
    signal.beats = all.filter { $0.logits != nil }.map { .init(sample: $0.sample, classIndex: 0) }
    var decisions = try EvaluationWindows([signal], window: window, beside: beside).decisions(of: network)
    if let normalClass {
      decisions = FloatRhythmPrior.moved(
        decisions, normalClass: normalClass, beats: all.map(\.sample), within: range)
    }
    let logits = Dictionary(decisions.map { ($0.sample, $0.logits) }) { first, _ in first }
    var beats = self
    for index in beats.all.indices { beats.all[index].logits = logits[beats.all[index].sample] }
    return beats
  }
}
