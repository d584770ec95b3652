/// AVERAGE_POOL_2D and MAX_POOL_2D.
enum Pooling: Kernel {
  @inline(__always)
  static var traits: KernelTraits {
    KernelTraits(
      isBuilt: Built.pooling, parameterByteCount: ModelFormat.Window.byteCount, hasWindow: true,
      takesColumns: true)
  }

  /// Checks the window against the tensors.
  static func validate(
    _ plan: OperatorPlan, input: Tensor, output: Tensor, of model: Model, at place: Int
  ) throws(ModelError) {
    let window = Window(plan.image, at: plan.parameters)
    try window.validate(input: input, output: output, at: plan.parameters)
    let (taps, overflow) = window.time.kernel.multipliedReportingOverflow(by: window.frequency.kernel)
    // The sum of so many codes of 16 bits fits 32.
    guard input.type == output.type, input.channelCount == output.channelCount, !overflow,
      taps <= 65_535, window.time.dilation == 1, window.frequency.dilation == 1
    else { throw ModelError(.invalidOperator, at: place) }
  }

  static func lead(_ plan: OperatorPlan, input: Int, source: Tensor, target: Tensor) -> Int? {
    Window(plan.image, at: plan.parameters).lead(input: source, output: target, gathersFirst: false)
  }

  /// Computes all of the output, cell by cell in order.
  static func compute<Code: FixedWidthInteger & SignedInteger>(
    _ plan: OperatorPlan, input: Operand, output: Operand, in workspace: Workspace, as code: Code.Type
  ) {
    let (source, target) = (input.tensor, output.tensor)
    let window = Window(plan)
    let isMean = plan.kind == .averagePool
    let activation = (minimum: plan.activationMinimum, maximum: plan.activationMaximum)
    // Whole windows one behind the other are a single call: those of a column, or of the columns where these are cells.
    let isAlongTime = target.frequencyCount == 1
    let whole =
      isAlongTime
      ? wholeWindows(window.time, inputCount: source.timeCount, outputCount: target.timeCount)
      : wholeWindows(
        window.frequency, inputCount: source.frequencyCount, outputCount: target.frequencyCount)
    let cellStride =
      isAlongTime
      ? window.time.stride &* source.columnCount : window.frequency.stride &* source.channelCount
    for batch in 0..<source.batchCount {
      let inputs = unsafe input.codes(as: Code.self) + (batch &* source.timeCount &* source.columnCount)
      var outputs = unsafe output.codes(as: Code.self) + (batch &* target.timeCount &* target.columnCount)
      var (column, row) = (0, 0)
      while column < target.timeCount {
        let columns = range(window.time, output: column, inputCount: source.timeCount)
        let rows = range(window.frequency, output: row, inputCount: source.frequencyCount)
        let first = (columns.lowerBound &* source.frequencyCount &+ rows.lowerBound) &* source.channelCount
        let place = isAlongTime ? column : row
        var cells = whole.contains(place) ? whole.upperBound &- place : 1
        let isDone =
          unsafe !columns.isEmpty && !rows.isEmpty
          && workspace.instructions.pooledCells(
            cells, apart: cellStride, UnsafePointer(inputs) + first, of: source, columns: columns.count,
            rows: rows.count, isMean: isMean, activation: activation, into: outputs)
        if !isDone {
          cells = 1
          unsafe poolCell(
            isMean, activation, UnsafePointer(inputs), of: source, columns: columns, rows: rows, into: outputs
          )
        }
        unsafe outputs += cells &* target.channelCount
        row &+= cells
        if row >= target.frequencyCount { (column, row) = (column &+ (isAlongTime ? cells : 1), 0) }
      }
    }
  }

  /// The outputs whose windows have no padding under them.
  @inline(__always)
  private static func wholeWindows(_ step: WindowStep, inputCount: Int, outputCount: Int) -> Range<Int> {
    let first = quotient(step.paddingBefore &+ step.stride &- 1, step.stride)
    let room = inputCount &+ step.paddingBefore &- step.reach
    let end = room < 0 ? 0 : min(quotient(room, step.stride) &+ 1, outputCount)
    return min(first, end)..<end
  }

  /// The inputs under the window; there is one at least, as padding is narrower than the window.
  @inline(__always)
  private static func range(_ step: WindowStep, output: Int, inputCount: Int) -> Range<Int> {
    let first = step.first(output)
    let taps = step.taps(from: first, inputCount: inputCount)
    return first &+ taps.first..<first &+ taps.end
  }

  /// Computes an output cell, sixteen channels at a time.
  @inline(__always)
  private static func poolCell<Code: FixedWidthInteger & SignedInteger>(
    _ isMean: Bool, _ activation: (minimum: Int32, maximum: Int32), _ inputs: UnsafePointer<Code>,
    of tensor: Tensor, columns: Range<Int>, rows: Range<Int>, into outputs: UnsafeMutablePointer<Code>
  ) {
    let cells = Int32(truncatingIfNeeded: columns.count &* rows.count)
    guard cells > 0 else { return }
    var channel = 0
    while channel < tensor.channelCount {
      let count = min(16, tensor.channelCount &- channel)
      var pooled = SIMD16<Int32>(
        repeating: isMean ? 0 : Int32(truncatingIfNeeded: Code.min))
      for column in columns {
        for row in rows {
          let cell = (column &* tensor.frequencyCount &+ row) &* tensor.channelCount &+ channel
          let codes = unsafe sixteen(inputs + cell, count: count)
          pooled = isMean ? pooled &+ codes : pointwiseMax(pooled, codes)
        }
      }
      for index in 0..<count {
        let code = isMean ? mean(of: pooled[index], cells: cells) : pooled[index]
        unsafe outputs[channel &+ index] = Code(
          truncatingIfNeeded: min(max(code, activation.minimum), activation.maximum))
      }
      channel &+= 16
    }
  }

  /// The mean of so many codes, rounded half away from zero.
  @inline(__always)
  static func mean(of sum: Int32, cells: Int32) -> Int32 {
    (sum > 0 ? sum &+ cells / 2 : sum &- cells / 2) / cells
  }

  /// A code within the activation's range.
  @inline(__always)
  static func limited(_ code: Int32, _ plan: OperatorPlan) -> Int32 {
    min(max(code, plan.activationMinimum), plan.activationMaximum)
  }

  /// Up to sixteen codes, widened; the rest is 0.
  @inline(__always)
  private static func sixteen<Code: FixedWidthInteger & SignedInteger>(
    _ codes: UnsafePointer<Code>, count: Int
  ) -> SIMD16<Int32> {
    if count == 16 && Code.self == Int8.self {
      let all = unsafe UnsafeRawPointer(codes).loadUnaligned(as: SIMD16<Int8>.self)
      return SIMD16<Int32>(truncatingIfNeeded: all)
    }
    var some = SIMD16<Int32>.zero
    for index in 0..<count { some[index] = unsafe Int32(truncatingIfNeeded: codes[index]) }
    return some
  }
}
