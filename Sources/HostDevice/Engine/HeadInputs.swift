import ModelFiles
import Networks
import QuantInfer
import Tasks

/// What a model's head, the FULLY_CONNECTED of one row that gives its classes, reads at labelled beats.
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
  /// - Throws: `InvalidNetwork` where the model takes no samples, or has no such head.
  package init(_ model: LoadedModel) throws(InvalidNetwork) {
    let decisions = try FixedPointDecisions(model)
    (window, converter) = (decisions.window, decisions.converter)
    guard model.head != nil else {
      throw InvalidNetwork(
        "the model doesn't end with a FULLY_CONNECTED of one row of int8, but for a SOFTMAX behind it")
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
    let heardCount = max(0, signal.microvolts.count - phase)
    var pipeline = try RunningPipeline(model)
    let columns = pipeline.columns(
      of: converter.frames(of: signal).dropFirst(phase * model.model.leadCount))
    var engine = RunningEngine(model)
    let head = model.head ?? 0
    let input = model.model.tensor(model.model.operatorPlan(head).inputIndex(0))
    let codeCount = model.model.input.columnByteCount
    return signal.beats.compactMap { beat in
      guard let places = window.columns(ofBeatAt: beat.sample - phase, inRecordOf: heardCount) else {
        return nil
      }
      _ = engine.window.input.update(
        fromContentsOf: columns[places.lowerBound * codeCount..<places.upperBound * codeCount])
      for index in 0..<head { engine.window.runOperator(index) }
      let codes: UnsafeMutableBufferPointer<Int8> = engine.window.codes(of: input)
      return Beat(sample: beat.sample, classIndex: beat.classIndex, codes: Array(codes))
    }
  }
}

extension LoadedModel {
  /// The head's index: the FULLY_CONNECTED of one row of int8 that gives the output, or what a SOFTMAX, a LOG_SOFTMAX or
  /// a RESHAPE makes the output of, which leave the order of classes as it is; nil where there is none.
  package var head: Int? {
    var expected = model.outputPort(0).tensorIndex
    for index in (0..<model.operatorCount).reversed() {
      let plan = model.operatorPlan(index)
      let output = model.tensor(plan.outputIndex)
      guard plan.outputIndex == expected, output.type == .int8 else { return nil }
      switch plan.kind {
      case .fullyConnected: return output.count == output.channelCount ? index : nil
      case .softmax, .logSoftmax, .reshape: expected = plan.inputIndex(0)
      default: return nil
      }
    }
    return nil
  }
}
