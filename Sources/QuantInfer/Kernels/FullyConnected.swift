/// FULLY_CONNECTED: rows of inputs times weights.
enum FullyConnected {
  /// Checks the constants against the tensors.
  static func validate(
    _ plan: OperatorPlan, input: Tensor, output: Tensor, at place: Int
  ) throws(ModelError) {
    let weights = Weights(plan)
    let rows = output.count / output.channelCount
    guard input.type == output.type, input.count % rows == 0, weights.layout == .blocks else {
      throw ModelError(.invalidOperator, at: place)
    }
    try weights.validate(input: input, output: output, inputsPerOutput: input.count / rows, groups: 1)
  }

  /// How many bytes the output must lie before the input; see `Window.lead`.
  static func lead(input: Tensor, output: Tensor) -> Int {
    let rows = output.count / output.channelCount
    let (inputRow, outputRow) = (input.byteCount / rows, output.byteCount / rows)
    return outputRow + max(0, (outputRow - inputRow) * (rows - 1))
  }

  /// Computes all of the output.
  static func compute<Code: FixedWidthInteger & SignedInteger>(
    _ plan: OperatorPlan, input: Operand, output: Operand, scratch: Scratch, instructions: InstructionSet,
    as code: Code.Type
  ) {
    let rows = output.tensor.count / output.tensor.channelCount
    let inputCount = input.tensor.count / rows
    for row in 0..<rows {
      let inputs = unsafe Columns<Code>(
        base: UnsafePointer(input.codes(as: Code.self) + (row &* inputCount)), columnCount: inputCount,
        capacity: 1, start: 0)
      unsafe computeRow(
        plan, output: output.tensor, inputs: inputs, scratch: scratch, instructions: instructions,
        into: output.codes(as: Code.self) + (row &* output.tensor.channelCount))
    }
  }

  /// Computes one row of outputs from all columns of a row or ring, the oldest first.
  ///
  /// - Complexity: O(inputs x outputs).
  @inline(__always)
  static func computeRow<Code: FixedWidthInteger & SignedInteger>(
    _ plan: OperatorPlan, output: Tensor, inputs: Columns<Code>, scratch: Scratch,
    instructions: InstructionSet, into outputs: UnsafeMutablePointer<Code>
  ) {
    let weights = Weights(plan)
    let inputCount = inputs.capacity &* inputs.columnCount
    let quads = Weights.quads(inputCount)
    let offset = weights.zeroPoint == 0 ? 0 : weights.zeroPoint &* sum(inputs)
    if instructions.servesDirectly(Code.self, weights), !Built.anyWeights || offset == 0 {
      unsafe instructions.fullyConnectedRow(
        weights, output: output, inputs: inputs, quads: quads, scratch: scratch, into: outputs)
      return
    }
    guard scratch.byteCount >= 8 &* quads, offset == 0 else {
      unsafe computeInPlace(
        weights, output: output, inputs: inputs, quads: quads, offset: offset, into: outputs)
      return
    }
    let row = unsafe Rows(
      start: scratch.start.assumingMemoryBound(to: Int16.self), inputCount: 4 &* quads)
    let firstCount = (inputs.capacity &- inputs.start) &* inputs.columnCount
    unsafe row.put(inputs.column(0), count: firstCount, row: 0)
    unsafe row.put(inputs.base, count: inputCount &- firstCount, row: 0, at: firstCount)
    row.fill(with: 0, count: 4 &* quads &- inputCount, row: 0, at: inputCount)
    unsafe instructions.product(
      row, rowCount: 1, weights: weights, firstQuad: 0, channels: 0..<output.channelCount,
      output: outputs, outputStride: output.channelCount, zeroPoint: output.zeroPoint)
  }

  /// Computes a row of outputs without scratch.
  @inline(__always)
  private static func computeInPlace<Code: FixedWidthInteger & SignedInteger>(
    _ weights: Weights, output: Tensor, inputs: Columns<Code>, quads: Int, offset: Int32,
    into outputs: UnsafeMutablePointer<Code>
  ) {
    for channel in 0..<output.channelCount {
      let first = channel / 4 &* quads
      let lane = channel % 4 &* 4
      let code: Int32
      if weights.accumulatorBits == 32 {
        let sum: Int32 = sum(inputs, weights, at: first, lane: lane)
        code = weights.code(sum &- offset, channel: channel, zeroPoint: output.zeroPoint)
      } else {
        let sum: Int64 = sum(inputs, weights, at: first, lane: lane)
        code = weights.code(
          sum &- Int64(extending: offset), channel: channel, zeroPoint: output.zeroPoint)
      }
      unsafe outputs[channel] = Code(truncatingIfNeeded: code)
    }
  }

  /// The sum of inputs times one channel's weights.
  @inline(__always)
  private static func sum<Total: Sum, Code: FixedWidthInteger & SignedInteger>(
    _ inputs: Columns<Code>, _ weights: Weights, at firstQuad: Int, lane: Int
  ) -> Total {
    var sum: Total = 0
    var index = 0
    for column in 0..<inputs.capacity {
      let codes = unsafe inputs.column(column)
      for place in 0..<inputs.columnCount {
        let weight = Int32(weights.quad(firstQuad &+ index / 4)[lane &+ index % 4])
        sum &+= unsafe Total(extending: weight &* Int32(truncatingIfNeeded: codes[place]))
        index &+= 1
      }
    }
    return sum
  }

  /// The sum of the inputs, for weights with a zero point.
  private static func sum<Code: FixedWidthInteger & SignedInteger>(_ inputs: Columns<Code>) -> Int32 {
    var sum: Int32 = 0
    for index in 0..<inputs.capacity &* inputs.columnCount {
      unsafe sum &+= Int32(truncatingIfNeeded: inputs.base[index])
    }
    return sum
  }
}
