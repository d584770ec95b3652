/// DEPTHWISE_CONV_2D: each output channel reads one input channel.
enum Depthwise {
  /// Checks the constants against the tensors.
  static func validate(
    _ plan: OperatorPlan, input: Tensor, output: Tensor, at place: Int
  ) throws(ModelError) {
    let window = Window(plan.image, at: plan.parameters)
    let weights = Weights(plan)
    try window.validate(input: input, output: output, at: plan.parameters)
    let taps = window.inputsPerOutput(groupChannelCount: 1)
    guard input.type == output.type, weights.zeroPoint == 0, taps > 0, plan.kind == .depthwiseConvolution,
      output.channelCount % input.channelCount == 0
    else { throw ModelError(.invalidOperator, at: place) }
    try weights.validate(input: input, channelCount: output.channelCount, inputsPerOutput: taps, groups: 1)
  }

  /// Computes all of the output, cell by cell in order.
  static func compute<Code: FixedWidthInteger & SignedInteger>(
    _ plan: OperatorPlan, input: Operand, output: Operand, scratch: Scratch, instructions: InstructionSet,
    as code: Code.Type
  ) {
    let (source, target) = (input.tensor, output.tensor)
    let window = Window(plan)
    let weights = Weights(plan)
    for batch in 0..<source.batchCount {
      let inputs = unsafe input.codes(as: Code.self) + (batch &* source.timeCount &* source.columnCount)
      let outputs = unsafe output.codes(as: Code.self) + (batch &* target.timeCount &* target.columnCount)
      let columns = unsafe Columns<Code>(
        base: UnsafePointer(inputs), columnCount: source.columnCount, capacity: source.timeCount, start: 0)
      let isDone = unsafe instructions.depthwiseColumns(
        columns, input: source, output: target, window: window, weights: weights, scratch: scratch,
        into: outputs)
      for column in isDone ? 0..<0 : 0..<target.timeCount {
        unsafe instructions.depthwiseColumn(
          column, window: window, weights: weights, input: source, inputs: UnsafePointer(inputs),
          output: target, into: outputs + (column &* target.columnCount))
      }
    }
  }

  /// Computes one output column by plain loops.
  @inline(__always)
  static func computeColumn<Code: FixedWidthInteger & SignedInteger>(
    _ column: Int, window: Window, weights: Weights, input: Tensor, inputs: UnsafePointer<Code>,
    output: Tensor, into outputs: UnsafeMutablePointer<Code>
  ) {
    let multiplier = output.channelCount / input.channelCount
    let time = Taps(window.time, output: column, inputCount: input.timeCount)
    for row in 0..<output.frequencyCount {
      let frequency = Taps(window.frequency, output: row, inputCount: input.frequencyCount)
      for channel in 0..<output.channelCount {
        let cell = Cell(
          time: time, frequency: frequency, input: input, channel: channel / multiplier, weights: weights,
          outputChannel: channel, outputChannelCount: output.channelCount)
        let code =
          weights.accumulatorBits == 32
          ? weights.code(unsafe cell.sum(inputs) as Int32, channel: channel, zeroPoint: output.zeroPoint)
          : weights.code(unsafe cell.sum(inputs) as Int64, channel: channel, zeroPoint: output.zeroPoint)
        unsafe outputs[row &* output.channelCount &+ channel] = Code(truncatingIfNeeded: code)
      }
    }
  }

  /// A window's taps along one dimension, for one output.
  private struct Taps {
    let step: WindowStep
    let firstInput: Int
    let inside: (first: Int, end: Int)

    init(_ step: WindowStep, output: Int, inputCount: Int) {
      self.step = step
      firstInput = step.first(output)
      inside = step.taps(from: firstInput, inputCount: inputCount)
    }
  }

  /// One output channel of one output cell.
  private struct Cell {
    let time: Taps
    let frequency: Taps
    let input: Tensor
    let channel: Int
    let weights: Weights
    let outputChannel: Int
    let outputChannelCount: Int

    /// The sum of weights times inputs.
    @inline(__always)
    func sum<Total: Sum, Code: FixedWidthInteger & SignedInteger>(
      _ inputs: UnsafePointer<Code>
    ) -> Total {
      var sum: Total = 0
      var index = outputChannel
      for timeTap in 0..<time.step.kernel {
        for frequencyTap in 0..<frequency.step.kernel {
          let weight = weights.tap(index)
          index &+= outputChannelCount
          let code = unsafe code(inputs, timeTap: timeTap, frequencyTap: frequencyTap)
          sum &+= Total(extending: weight &* code)
        }
      }
      return sum
    }

    /// An input under the window, or the zero point in the padding.
    @inline(__always)
    private func code<Code: FixedWidthInteger & SignedInteger>(
      _ inputs: UnsafePointer<Code>, timeTap: Int, frequencyTap: Int
    ) -> Int32 {
      guard timeTap >= time.inside.first, timeTap < time.inside.end,
        frequencyTap >= frequency.inside.first, frequencyTap < frequency.inside.end
      else { return input.zeroPoint }
      let column = time.firstInput &+ timeTap &* time.step.dilation
      let row = frequency.firstInput &+ frequencyTap &* frequency.step.dilation
      let place = (column &* input.frequencyCount &+ row) &* input.channelCount &+ channel
      return unsafe Int32(truncatingIfNeeded: inputs[place])
    }
  }
}
