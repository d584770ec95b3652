import ModelFiles
import Networks
import QuantInfer
import Tasks

/// An int8 model's decisions about labelled beats, taken as the device takes them: sample by sample.
package struct FixedPointDecisions: Sendable {
  /// The windows' size and place.
  package let window: BeatWindow
  /// The converter that the model was made for.
  package let converter: AnalogConverter
  private let model: LoadedModel

  /// Prepares a model.
  ///
  /// - Throws: `InvalidNetwork` where the model can't stream, or its provenance lacks the decision's delay.
  package init(_ model: LoadedModel) throws(InvalidNetwork) {
    guard let frontEnd = model.model.frontEnd, model.model.isStreamable else {
      throw InvalidNetwork("the model takes no samples: it has no front end or can't stream")
    }
    guard let window = model.beatWindow else {
      throw InvalidNetwork("the model doesn't tell how long after a beat it decides")
    }
    guard model.model.streaming?.columnsPerDecision == 1 else {
      throw InvalidNetwork("the model can't decide at every column: it has strides along time")
    }
    self.window = window
    let bits = model.converterBits
    let microvoltsPerCount = Float(bitPattern: frontEnd.microvoltsPerCountBits)
    guard (2...16).contains(bits), microvoltsPerCount > 0, microvoltsPerCount.isFinite else {
      throw InvalidNetwork("the model's converter is impossible")
    }
    converter = AnalogConverter(bits: bits, microvoltsPerCount: microvoltsPerCount)
    self.model = model
  }

  /// The decisions about a signal's beats that have whole windows, in the order of `EvaluationWindows`.
  ///
  /// With a `rhythmPrior`, the intervals of all of its beats move a logit, as `Monitor` does.
  ///
  /// - Throws: `MemoryError`, which `init(_:)` has ruled out.
  package func decisions(
    about signal: LabelledSignal, rhythmPrior: RhythmPrior.Options? = nil
  ) throws(MemoryError) -> [BeatDecision] {
    let beats = signal.beats.compactMap { beat in
      window.columns(ofBeatAt: beat.sample, inRecordOf: signal.microvolts.count).map {
        (beat: beat, lastColumn: $0.upperBound - 1)
      }
    }
    let codes = try codes(atColumns: Set(beats.map(\.lastColumn)), of: signal.microvolts)
    let moved = try moved(
      beats.map { codes[$0.lastColumn, default: []] }, by: rhythmPrior, of: beats.map(\.beat), in: signal)
    return zip(beats, moved).map { beat, codes in
      BeatDecision(
        record: signal.record, sample: beat.beat.sample, classIndex: beat.beat.classIndex,
        logits: codes.map { Float(model.logit($0)) })
    }
  }

  /// The codes of decisions about some of a signal's beats, moved by the intervals of all.
  private func moved(
    _ decisions: [[Int8]], by options: RhythmPrior.Options?, of beats: [LabelledSignal.Beat],
    in signal: LabelledSignal
  ) throws(MemoryError) -> [[Int8]] {
    guard let options else { return decisions }
    let state = AlignedMemory(byteCount: RhythmPrior.stateByteCount)
    defer { withExtendedLifetime(state) {} }
    var prior = try RhythmPrior(options: options, state: state.bytes)
    var moved = decisions
    var next = 0
    for beat in signal.beats {
      prior.push(beatAt: UInt32(truncatingIfNeeded: beat.sample), place: 0)
      guard next < beats.count, beats[next].sample == beat.sample else { continue }
      moved[next].withUnsafeMutableBufferPointer { prior.move($0, place: 0) }
      next += 1
    }
    return moved
  }

  /// The codes of the windows that end with the columns wanted.
  private func codes(
    atColumns wanted: Set<Int>, of microvolts: [Float]
  ) throws(MemoryError) -> [Int: [Int8]] {
    let state = AlignedMemory(byteCount: model.model.stateByteCount)
    let scratch = AlignedMemory(byteCount: model.scratchByteCount)
    defer { withExtendedLifetime((model, state, scratch)) {} }
    var pipeline = try StreamingPipeline(model: model.model, state: state.bytes, scratch: scratch.bytes)
    var codes = [Int8](repeating: 0, count: model.model.output.count)
    var decided: [Int: [Int8]] = [:]
    var column = -1
    for sample in microvolts where pipeline.push(converter.count(ofMicrovolts: sample)) {
      column += 1
      guard wanted.contains(column) else { continue }
      codes.withUnsafeMutableBufferPointer { pipeline.decide(into: $0) }
      decided[column] = codes
    }
    return decided
  }
}
