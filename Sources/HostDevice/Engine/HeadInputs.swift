import ModelFiles
import Networks
import QuantInfer
import Tasks

/// What a model's last operator, a FULLY_CONNECTED of one row, reads at labelled beats.
///
/// The operators before it run as on the device, in integers, so that a head which is trained on these codes knows
/// what quantization has done to them.
package struct HeadInputs: Sendable {
  /// One beat with the codes that the head reads.
  package struct Beat: Sendable {
    /// The beat's place, in samples at the front end's rate.
    package var sample: Int
    /// The beat's true class.
    package var classIndex: Int
    /// The head's input, `[time, channel]`.
    package var codes: [Int8]

    /// Creates a beat.
    package init(sample: Int, classIndex: Int, codes: [Int8]) {
      (self.sample, self.classIndex, self.codes) = (sample, classIndex, codes)
    }
  }

  /// The windows' size and place.
  package let window: BeatWindow
  private let model: LoadedModel
  private let converter: AnalogConverter

  /// Prepares a model.
  ///
  /// - Throws: `InvalidNetwork` where the model takes no samples, or its last operator is another one.
  package init(_ model: LoadedModel) throws(InvalidNetwork) {
    let decisions = try FixedPointDecisions(model)
    (window, converter) = (decisions.window, decisions.converter)
    guard model.head != nil else {
      throw InvalidNetwork("the model's last operator is no FULLY_CONNECTED of one row of int8")
    }
    self.model = model
  }

  /// The head's inputs at a signal's beats that have whole windows, in the order of `EvaluationWindows`.
  ///
  /// - Parameters:
  ///   - signal: The signal.
  ///   - phase: The number of first samples that the device misses. On a device the columns' places against the beats
  ///     are left to chance: each phase below the hop gives other codes for the same beats.
  /// - Returns: The beats; their samples are counted from the signal's start.
  /// - Throws: `MemoryError`, which `init(_:)` has ruled out.
  package func beats(of signal: LabelledSignal, phase: Int = 0) throws(MemoryError) -> [Beat] {
    let heard = signal.microvolts.dropFirst(phase)
    var pipeline = try RunningPipeline(model)
    let columns = pipeline.columns(of: heard.lazy.map(converter.count))
    var engine = RunningEngine(model)
    let head = model.model.operatorCount - 1
    let input = model.model.tensor(model.model.operatorPlan(head).inputIndex(0))
    let columnCount = model.model.input.columnCount
    return signal.beats.compactMap { beat in
      guard let places = window.columns(ofBeatAt: beat.sample - phase, inRecordOf: heard.count) else {
        return nil
      }
      _ = engine.window.input.update(
        fromContentsOf: columns[places.lowerBound * columnCount..<places.upperBound * columnCount])
      for index in 0..<head { engine.window.runOperator(index) }
      let codes: UnsafeMutableBufferPointer<Int8> = engine.window.codes(of: input)
      return Beat(sample: beat.sample, classIndex: beat.classIndex, codes: Array(codes))
    }
  }
}

extension LoadedModel {
  /// The last operator's index, where it is a FULLY_CONNECTED of one row of int8 that gives the output; else nil.
  package var head: Int? {
    let index = model.operatorCount - 1
    let plan = model.operatorPlan(index)
    let output = model.tensor(plan.outputIndex)
    guard plan.kind == .fullyConnected, plan.outputIndex == model.outputPort(0).tensorIndex,
      output.type == .int8, output.count == output.channelCount
    else { return nil }
    return index
  }
}
