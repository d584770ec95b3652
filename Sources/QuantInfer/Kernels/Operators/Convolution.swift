/// CONV_2D and DEPTHWISE_CONV_2D: with weights in blocks here, as taps in `Depthwise`.
///
/// The inputs under the window are gathered in the scratch, in 16 bits, for as many output cells as it has room for;
/// they then meet all output channels' weights. So an output may lie where its input lies, see `Window.lead`.
enum Convolution: Kernel {
  @inline(__always)
  static var traits: KernelTraits {
    KernelTraits(
      isBuilt: Built.convolution || Built.depthwise, parameterByteCount: ModelFormat.Weights.byteCount,
      hasWindow: true, hasWeights: true, takesColumns: true)
  }

  /// The scratch for two cells; more of it serves more cells at once.
  static func scratchByteCount(inputsPerOutput: Int) -> Int { 16 &* Weights.quads(inputsPerOutput) }

  /// Checks the constants against the tensors.
  static func validate(
    _ plan: OperatorPlan, input: Tensor, output: Tensor, of model: Model, at place: Int
  ) throws(ModelError) {
    if Weights(plan).layout == .taps {
      guard Built.depthwise else { throw ModelError(.unsupportedOperator, at: place) }
      try Depthwise.validate(plan, input: input, output: output, at: place)
    } else {
      guard Built.convolution else { throw ModelError(.unsupportedOperator, at: place) }
      try validate(
        plan, input: input, output: output, scratchByteCount: model.scratchByteCount, at: place)
    }
  }

  /// The same for weights in blocks.
  private static func validate(
    _ plan: OperatorPlan, input: Tensor, output: Tensor, scratchByteCount: Int, at place: Int
  ) throws(ModelError) {
    let window = Window(plan.image, at: plan.parameters)
    let weights = Weights(plan)
    try window.validate(input: input, output: output, at: plan.parameters)
    let inputsPerOutput = window.inputsPerOutput(groupChannelCount: weights.groupChannelCount)
    guard input.type == output.type, weights.zeroPoint == 0, inputsPerOutput > 0,
      remainder(input.channelCount, weights.groupChannelCount) == 0,
      plan.kind == .convolution || input.channelCount == 1,
      Self.scratchByteCount(inputsPerOutput: inputsPerOutput) <= scratchByteCount
    else { throw ModelError(.invalidOperator, at: place) }
    try weights.validate(
      input: input, channelCount: output.channelCount, inputsPerOutput: inputsPerOutput,
      groups: quotient(input.channelCount, weights.groupChannelCount))
  }

  static func lead(_ plan: OperatorPlan, input: Int, source: Tensor, target: Tensor) -> Int? {
    let weights = Weights(plan)
    let isGathered = weights.layout == .blocks
    if isGathered && weights.groupChannelCount != source.channelCount { return nil }
    return Window(plan.image, at: plan.parameters)
      .lead(input: source, output: target, gathersFirst: isGathered)
  }

  /// Computes all of the output.
  static func compute<Code: FixedWidthInteger & SignedInteger>(
    _ plan: OperatorPlan, input: Operand, output: Operand, in workspace: Workspace, as code: Code.Type
  ) {
    if Built.depthwise, Weights(plan).layout == .taps {
      Depthwise.compute(
        plan, input: input, output: output, scratch: workspace.scratch, instructions: workspace.instructions,
        as: code)
    } else if Built.convolution, Built.wholeWindow {
      compute(
        plan, input: input, output: output, scratch: workspace.scratch, instructions: workspace.instructions,
        as: code)
    }
  }

  /// The same for weights in blocks.
  private static func compute<Code: FixedWidthInteger & SignedInteger>(
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

  /// Computes one output column from a ring of input columns: all of them, or as many as the window reaches over.
  static func computeColumn(
    _ plan: OperatorPlan, column index: Int, input: Tensor, output: Tensor, ring: Columns<Int8>,
    scratch: Scratch,
    instructions: InstructionSet, into column: UnsafeMutablePointer<Int8>
  ) {
    let convolution = Prepared(
      window: Window(plan.image, at: plan.parameters), weights: Weights(plan), input: input, output: output,
      instructions: instructions)
    unsafe convolution.computeColumns(
      unsafe Range(uncheckedBounds: (index, index &+ 1)), of: ring, columnCount: ring.capacity,
      scratch: scratch, into: column)
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
      if instructions.servesDirectly(Code.self, weights) {
        unsafe instructions.convolve(
          range, of: columns, columnCount: columnCount, input: input, output: output, window: window,
          weights: weights, scratch: scratch, into: result)
        return
      }
      let inputsPerOutput = window.time.kernel &* window.frequency.kernel &* weights.groupChannelCount
      let cellCount = (range.upperBound &- range.lowerBound) &* output.frequencyCount
      let patchCount = 4 &* Weights.quads(inputsPerOutput)
      let atOnce = quotient(scratch.byteCount, 2 &* patchCount)
      let groupCount = quotient(input.channelCount, weights.groupChannelCount)
      let groupOutputs = quotient(output.channelCount, groupCount)
      let groupQuads = Weights.quads(groupOutputs) &* Weights.quads(inputsPerOutput)
      let patches = unsafe Rows(
        start: scratch.start.assumingMemoryBound(to: Int16.self), inputCount: patchCount)
      var (cell, column, row) = (0, range.lowerBound, 0)
      while cell < cellCount {
        let count = min(atOnce, cellCount &- cell)
        var groups = Indices(to: groupCount)
        while let group = groups.next() {
          gather(
            count, from: (column, row), group: group, of: columns, columnCount: columnCount, into: patches)
          unsafe instructions.product(
            patches, rowCount: count, weights: weights, firstQuad: group &* groupQuads,
            channels: Range(uncheckedBounds: (group &* groupOutputs, (group &+ 1) &* groupOutputs)),
            output: result + (cell &* output.channelCount &+ group &* groupOutputs),
            outputStride: output.channelCount, zeroPoint: output.zeroPoint)
        }
        cell &+= count
        row &+= count
        let whole = quotient(row, output.frequencyCount)
        column &+= whole
        row &-= whole &* output.frequencyCount
      }
    }

    /// Collects the inputs of some output cells, each in a row of its own, filled up with zeros.
    @inline(__always)
    private func gather<Code: FixedWidthInteger & SignedInteger>(
      _ count: Int, from first: (column: Int, row: Int), group: Int, of columns: Columns<Code>,
      columnCount: Int, into patches: Rows
    ) {
      if window == .cell && weights.groupChannelCount == input.channelCount
        && patches.inputCount == input.channelCount
        && columns.isContiguous(first.column, count: columnCount &- first.column)
      {
        let cells = unsafe columns.column(first.column) + (first.row &* input.channelCount)
        unsafe patches.put(cells, count: count &* patches.inputCount, row: 0)
        return
      }
      let inputsPerOutput = window.time.kernel &* window.frequency.kernel &* weights.groupChannelCount
      if inputsPerOutput < patches.inputCount {
        var indices = Indices(to: count)
        while let patch = indices.next() {
          patches.fill(with: 0, count: patches.inputCount &- inputsPerOutput, row: patch, at: inputsPerOutput)
        }
      }
      var (column, row, done) = (first.column, first.row, 0)
      while done < count {
        let end = min(output.frequencyCount, row &+ count &- done)
        gather(
          unsafe Range(uncheckedBounds: (row, end)), ofColumn: column, group: group, of: columns,
          columnCount: columnCount, into: patches,
          from: done)
        done &+= end &- row
        column &+= 1
        row = 0
      }
    }

    /// Collects the inputs of neighbouring cells of an output column, the zero point in the padding.
    @inline(__always)
    private func gather<Code: FixedWidthInteger & SignedInteger>(
      _ rows: Range<Int>, ofColumn column: Int, group: Int, of columns: Columns<Code>, columnCount: Int,
      into patches: Rows, from firstPatch: Int
    ) {
      let (time, frequency, channels) = (window.time, window.frequency, weights.groupChannelCount)
      let firstColumn = time.first(column)
      let timeTaps = time.taps(from: firstColumn, inputCount: columnCount)
      let runCount = frequency.kernel &* channels
      let isRun = channels == input.channelCount && frequency.dilation == 1
      if isRun && runCount == columns.columnCount && time.dilation == 1
        && rows.upperBound &- rows.lowerBound == 1
        && frequency.first(rows.lowerBound) == 0 && timeTaps == (0, time.kernel)
        && columns.isContiguous(firstColumn, count: time.kernel)
      {
        // The window covers whole columns that lie one behind the other.
        unsafe patches.put(columns.column(firstColumn), count: time.kernel &* runCount, row: firstPatch)
        return
      }
      let padding = Int16(truncatingIfNeeded: input.zeroPoint)
      var taps = Indices(to: time.kernel)
      while let timeTap = taps.next() {
        var patch = firstPatch
        let place = timeTap &* runCount
        let isInside = timeTap >= timeTaps.first && timeTap < timeTaps.end
        let source = unsafe columns.column(isInside ? firstColumn &+ timeTap &* time.dilation : 0)
        var cells = Indices(from: rows.lowerBound, to: rows.upperBound)
        while let row = cells.next() {
          let firstRow = frequency.first(row)
          if isInside && isRun && firstRow >= 0 && firstRow &+ frequency.kernel <= input.frequencyCount {
            unsafe patches.put(source + (firstRow &* channels), count: runCount, row: patch, at: place)
          } else {
            var rowTaps = Indices(to: frequency.kernel)
            while let tap = rowTaps.next() {
              let inputRow = firstRow &+ tap &* frequency.dilation
              let cell = place &+ tap &* channels
              if isInside && inputRow >= 0 && inputRow < input.frequencyCount {
                let codes = unsafe source + (inputRow &* input.channelCount &+ group &* channels)
                unsafe patches.put(codes, count: channels, row: patch, at: cell)
              } else {
                patches.fill(with: padding, count: channels, row: patch, at: cell)
              }
            }
          }
          patch &+= 1
        }
      }
    }
  }
}
