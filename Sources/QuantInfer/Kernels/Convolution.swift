/// CONV_2D, and DEPTHWISE_CONV_2D of a single input channel.
///
/// The inputs under the window are gathered in the scratch, in 16 bits, for as many output cells as it has room for;
/// they then meet all output channels' weights. So an output may lie where its input lies, see `Window.lead`.
enum Convolution {
  /// The scratch for two cells; more of it serves more cells at once.
  static func scratchByteCount(inputsPerOutput: Int) -> Int { 2 * 2 * 4 * Weights.quads(inputsPerOutput) }

  /// The number of inputs that an output's sum has.
  static func inputsPerOutput(_ window: Window, groupChannelCount: Int) -> Int {
    let (taps, overflow) = window.time.kernel.multipliedReportingOverflow(by: window.frequency.kernel)
    let (inputs, overflows) = taps.multipliedReportingOverflow(by: groupChannelCount)
    return overflow || overflows || inputs > Tensor.greatestCount ? 0 : inputs
  }

  /// Checks the constants against the tensors.
  static func validate(
    _ plan: OperatorPlan, input: Tensor, output: Tensor, scratchByteCount: Int, at place: Int
  ) throws(ModelError) {
    let window = Window(plan.image, at: plan.parameters)
    let weights = Weights(plan)
    try window.validate(input: input, output: output, at: plan.parameters)
    let inputsPerOutput = inputsPerOutput(window, groupChannelCount: weights.groupChannelCount)
    guard input.type == output.type, weights.zeroPoint == 0, inputsPerOutput > 0,
      input.channelCount % weights.groupChannelCount == 0,
      plan.kind == .convolution || input.channelCount == 1,
      Self.scratchByteCount(inputsPerOutput: inputsPerOutput) <= scratchByteCount
    else { throw ModelError(.invalidOperator, at: place) }
    try weights.validate(
      input: input, output: output, inputsPerOutput: inputsPerOutput,
      groups: input.channelCount / weights.groupChannelCount)
  }

  /// Computes all of the output.
  static func compute<Code: FixedWidthInteger & SignedInteger>(
    _ plan: OperatorPlan, input: Operand, output: Operand, scratch: Scratch, instructions: InstructionSet,
    as code: Code.Type
  ) {
    let (source, target) = (input.tensor, output.tensor)
    let convolution = Prepared(
      window: Window(plan.image, at: plan.parameters), weights: Weights(plan), input: source,
      output: target, instructions: instructions)
    for batch in 0..<source.batchCount {
      let first = unsafe input.codes(as: Code.self) + (batch &* source.timeCount &* source.columnCount)
      let columns = unsafe Columns<Code>(
        base: UnsafePointer(first), columnCount: source.columnCount, capacity: source.timeCount, start: 0)
      unsafe convolution.computeColumns(
        0..<target.timeCount, of: columns, columnCount: source.timeCount, scratch: scratch,
        into: output.codes(as: Code.self) + (batch &* target.timeCount &* target.columnCount))
    }
  }

  /// Computes one output column from a ring of as many input columns as the window reaches over.
  static func computeColumn(
    _ plan: OperatorPlan, input: Tensor, output: Tensor, ring: Columns<Int8>, scratch: Scratch,
    instructions: InstructionSet, into column: UnsafeMutablePointer<Int8>
  ) {
    let convolution = Prepared(
      window: Window(plan.image, at: plan.parameters), weights: Weights(plan), input: input, output: output,
      instructions: instructions)
    unsafe convolution.computeColumns(
      0..<1, of: ring, columnCount: ring.capacity, scratch: scratch, into: column)
  }

  /// A convolution's constants, read from the image.
  private struct Prepared {
    let window: Window
    let weights: Weights
    let input: Tensor
    let output: Tensor
    let instructions: InstructionSet

    /// Computes output columns, cell by cell in order.
    ///
    /// - Parameters:
    ///   - range: Which output columns.
    ///   - columns: The input.
    ///   - columnCount: The number of input columns; beyond them lies padding.
    ///   - scratch: Room for the inputs of two cells at least.
    ///   - result: Receives the first of the columns.
    @inline(__always)
    func computeColumns<Code: FixedWidthInteger & SignedInteger>(
      _ range: Range<Int>, of columns: Columns<Code>, columnCount: Int, scratch: Scratch,
      into result: UnsafeMutablePointer<Code>
    ) {
      let inputsPerOutput = window.time.kernel &* window.frequency.kernel &* weights.groupChannelCount
      let quads = Weights.quads(inputsPerOutput)
      let cellCount = range.count &* output.frequencyCount
      let atOnce = scratch.byteCount / (8 &* quads)
      let patches = unsafe scratch.start.assumingMemoryBound(to: Int16.self)
      let groups = input.channelCount / weights.groupChannelCount
      let groupOutputs = output.channelCount / groups
      let groupQuads = (groupOutputs &+ 3) / 4 &* quads
      var cell = 0
      while cell < cellCount {
        let count = min(atOnce, cellCount &- cell)
        for group in 0..<groups {
          for index in 0..<count {
            let column = range.lowerBound &+ (cell &+ index) / output.frequencyCount
            let row = (cell &+ index) % output.frequencyCount
            let patch = unsafe patches + (index &* quads &* 4)
            unsafe gather(
              column: column, row: row, group: group, of: columns, columnCount: columnCount, into: patch)
            for index in inputsPerOutput..<quads &* 4 { unsafe patch[index] = 0 }
          }
          unsafe instructions.product(
            rows: patches, rowCount: count, quads: quads, weights: weights, firstQuad: group &* groupQuads,
            channels: group &* groupOutputs..<(group &+ 1) &* groupOutputs,
            output: result + (cell &* output.channelCount &+ group &* groupOutputs),
            outputStride: output.channelCount, zeroPoint: output.zeroPoint)
        }
        cell &+= count
      }
    }

    /// Collects the inputs under the window of one output cell, the zero point in the padding.
    @inline(__always)
    private func gather<Code: FixedWidthInteger & SignedInteger>(
      column: Int, row: Int, group: Int, of columns: Columns<Code>, columnCount: Int,
      into patch: UnsafeMutablePointer<Int16>
    ) {
      let (time, frequency, channels) = (window.time, window.frequency, weights.groupChannelCount)
      let (firstColumn, firstRow) = (time.first(column), frequency.first(row))
      let timeTaps = time.taps(from: firstColumn, inputCount: columnCount)
      let frequencyTaps = frequency.taps(from: firstRow, inputCount: input.frequencyCount)
      let tapStride = frequency.dilation &* input.channelCount
      let rowOffset = firstRow &* input.channelCount &+ group &* channels
      let isWhole = frequencyTaps.first == 0 && frequencyTaps.end == frequency.kernel
      let isRun = channels == input.channelCount && frequency.dilation == 1
      let tapCount = frequency.kernel &* channels
      if isWhole && isRun && tapCount == columns.columnCount && time.dilation == 1 && timeTaps.first == 0
        && timeTaps.end == time.kernel && columns.isContiguous(firstColumn, count: time.kernel)
      {
        unsafe widen(columns.column(firstColumn), into: patch, count: time.kernel &* tapCount)
        return
      }
      let padding = Int16(truncatingIfNeeded: input.zeroPoint)
      for timeTap in 0..<time.kernel {
        let target = unsafe patch + (timeTap &* tapCount)
        if timeTap < timeTaps.first || timeTap >= timeTaps.end {
          for index in 0..<tapCount { unsafe target[index] = padding }
          continue
        }
        let source = unsafe columns.column(firstColumn &+ timeTap &* time.dilation)
        if isWhole && isRun {
          unsafe widen(source + rowOffset, into: target, count: tapCount)
          continue
        }
        for frequencyTap in 0..<frequency.kernel {
          let cell = unsafe target + (frequencyTap &* channels)
          if frequencyTap < frequencyTaps.first || frequencyTap >= frequencyTaps.end {
            for index in 0..<channels { unsafe cell[index] = padding }
          } else {
            unsafe widen(source + (rowOffset &+ frequencyTap &* tapStride), into: cell, count: channels)
          }
        }
      }
    }
  }
}
