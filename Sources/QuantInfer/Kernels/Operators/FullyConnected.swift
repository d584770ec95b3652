/// FULLY_CONNECTED: rows of inputs times weights.
enum FullyConnected: Kernel {
  @inline(__always)
  static var traits: KernelTraits {
    KernelTraits(
      isBuilt: Built.fullyConnected, parameterByteCount: ModelFormat.Weights.byteCount, hasWeights: true)
  }

  /// Checks the constants against the tensors.
  static func validate(
    _ plan: OperatorPlan, input: Tensor, output: Tensor, of model: Model, at place: Int
  ) throws(ModelError) {
    let weights = Weights(plan)
    let rows = quotient(output.count, output.channelCount)
    guard input.type == output.type, remainder(input.count, rows) == 0, weights.layout == .blocks else {
      throw ModelError(.invalidOperator, at: place)
    }
    try weights.validate(
      input: input, channelCount: output.channelCount, inputsPerOutput: quotient(input.count, rows), groups: 1
    )
  }

  /// How many bytes the output must lie before the input; see `Window.lead`.
  static func lead(_ plan: OperatorPlan, input: Int, source: Tensor, target: Tensor) -> Int? {
    let rows = quotient(target.count, target.channelCount)
    let (inputRow, outputRow) = (quotient(source.byteCount, rows), quotient(target.byteCount, rows))
    return outputRow &+ max(0, (outputRow &- inputRow) &* (rows &- 1))
  }

  /// Computes all of the output.
  static func compute<Code: FixedWidthInteger & SignedInteger>(
    _ plan: OperatorPlan, input: Operand, output: Operand, in workspace: Workspace, as code: Code.Type
  ) {
    let rowCount = quotient(output.tensor.count, output.tensor.channelCount)
    let inputCount = quotient(input.tensor.count, rowCount)
    let weights = Weights(plan)
    // Fewer rows don't pay for their preparation of the weights.
    if rowCount > 3, weights.zeroPoint == 0, workspace.instructions.servesDirectly(Code.self, weights) {
      let rows = unsafe Columns<Code>(
        base: UnsafePointer(input.codes(as: Code.self)), columnCount: inputCount, capacity: rowCount, start: 0
      )
      let isDone = unsafe workspace.instructions.fullyConnectedRows(
        rows, weights: weights, output: output.tensor, scratch: workspace.scratch,
        into: output.codes(as: Code.self))
      if isDone { return }
    }
    var rows = Indices(to: rowCount)
    while let row = rows.next() {
      let inputs = unsafe Columns<Code>(
        base: UnsafePointer(input.codes(as: Code.self) + (row &* inputCount)), columnCount: inputCount,
        capacity: 1, start: 0)
      unsafe computeRow(
        plan, output: output.tensor, inputs: inputs, scratch: workspace.scratch,
        instructions: workspace.instructions,
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
        weights, channelCount: output.channelCount, zeroPoint: output.zeroPoint, inputs: inputs,
        scratch: scratch, into: outputs)
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
    var blocks = Indices(to: Weights.quads(output.channelCount))
    while let block = blocks.next() {
      let place = block &* quads
      let channels = unsafe Range(uncheckedBounds: (4 &* block, min(4 &* block &+ 4, output.channelCount)))
      if weights.accumulatorBits == 32 {
        let sums: BlockSums<Int32> = sums(inputs, weights, at: place)
        unsafe sums.encode(
          channels, less: offset, weights: weights, zeroPoint: output.zeroPoint, into: outputs)
      } else {
        let sums: BlockSums<Int64> = sums(inputs, weights, at: place)
        unsafe sums.encode(
          channels, less: offset, weights: weights, zeroPoint: output.zeroPoint, into: outputs)
      }
    }
  }

  /// The sums of inputs times the weights of a block of channels.
  @inline(__always)
  private static func sums<Total: Sum, Code: FixedWidthInteger & SignedInteger>(
    _ inputs: Columns<Code>, _ weights: Weights, at firstQuad: Int
  ) -> BlockSums<Total> {
    var sums = BlockSums<Total>()
    // Two stretches, whatever the ring's start.
    let count = inputs.capacity &* inputs.columnCount
    let firstCount = count &- inputs.start &* inputs.columnCount
    var (index, end) = (0, firstCount)
    var codes = unsafe inputs.column(0)
    while true {
      while index < end {
        let quads = index & 3 == 0 ? (end &- index) &>> 2 : 0
        if quads > 0 {
          unsafe sums.add(codes, quads: quads, times: weights, at: firstQuad &+ index &>> 2)
        } else {
          unsafe sums.add(Int32(truncatingIfNeeded: codes[0]), index, times: weights, at: firstQuad)
        }
        index &+= max(1, 4 &* quads)
        unsafe codes += max(1, 4 &* quads)
      }
      if end == count { return sums }
      (end, unsafe codes) = unsafe (count, inputs.base)
    }
  }

  /// The sum of the inputs, for weights with a zero point.
  private static func sum<Code: FixedWidthInteger & SignedInteger>(_ inputs: Columns<Code>) -> Int32 {
    var sum: Int32 = 0
    var indices = Indices(to: inputs.capacity &* inputs.columnCount)
    while let index = indices.next() {
      unsafe sum &+= Int32(truncatingIfNeeded: inputs.base[index])
    }
    return sum
  }
}
