/// AVERAGE_POOL_2D and MAX_POOL_2D.
enum Pooling {
  /// Checks the window against the tensors.
  static func validate(
    _ plan: OperatorPlan, input: Tensor, output: Tensor, at place: Int
  ) throws(ModelError) {
    let window = Window(plan.image, at: plan.parameters)
    try window.validate(input: input, output: output, at: plan.parameters)
    let (taps, overflow) = window.time.kernel.multipliedReportingOverflow(by: window.frequency.kernel)
    // The sum of so many codes of 16 bits fits 32.
    guard input.type == output.type, input.channelCount == output.channelCount, !overflow,
      taps <= 65_535, window.time.dilation == 1, window.frequency.dilation == 1
    else { throw ModelError(.invalidOperator, at: place) }
  }

  /// Computes all of the output, cell by cell in order.
  static func compute<Code: FixedWidthInteger & SignedInteger>(
    _ plan: OperatorPlan, input: Operand, output: Operand, as code: Code.Type
  ) {
    let (source, target) = (input.tensor, output.tensor)
    let window = Window(plan.image, at: plan.parameters)
    for batch in 0..<source.batchCount {
      let inputs = unsafe input.codes(as: Code.self) + (batch &* source.timeCount &* source.columnCount)
      var outputs = unsafe output.codes(as: Code.self) + (batch &* target.timeCount &* target.columnCount)
      for column in 0..<target.timeCount {
        let columns = range(window.time, output: column, inputCount: source.timeCount)
        for row in 0..<target.frequencyCount {
          let rows = range(window.frequency, output: row, inputCount: source.frequencyCount)
          for channel in 0..<target.channelCount {
            let code =
              plan.kind == .averagePool
              ? unsafe mean(UnsafePointer(inputs) + channel, of: source, columns: columns, rows: rows)
              : unsafe maximum(UnsafePointer(inputs) + channel, of: source, columns: columns, rows: rows)
            let limited = min(max(code, plan.activationMinimum), plan.activationMaximum)
            unsafe outputs[channel] = Code(truncatingIfNeeded: limited)
          }
          unsafe outputs += target.channelCount
        }
      }
    }
  }

  /// The inputs under the window; there is one at least, as padding is narrower than the window.
  @inline(__always)
  private static func range(_ step: WindowStep, output: Int, inputCount: Int) -> Range<Int> {
    let first = step.first(output)
    let taps = step.taps(from: first, inputCount: inputCount)
    return first &+ taps.first..<first &+ taps.end
  }

  /// The mean, half away from zero.
  @inline(__always)
  private static func mean<Code: FixedWidthInteger & SignedInteger>(
    _ inputs: UnsafePointer<Code>, of tensor: Tensor, columns: Range<Int>, rows: Range<Int>
  ) -> Int32 {
    var sum: Int32 = 0
    for column in columns {
      for row in rows {
        let place = (column &* tensor.frequencyCount &+ row) &* tensor.channelCount
        unsafe sum &+= Int32(truncatingIfNeeded: inputs[place])
      }
    }
    let count = Int32(truncatingIfNeeded: columns.count &* rows.count)
    guard count > 0 else { return 0 }
    return sum > 0 ? (sum &+ count / 2) / count : (sum &- count / 2) / count
  }

  @inline(__always)
  private static func maximum<Code: FixedWidthInteger & SignedInteger>(
    _ inputs: UnsafePointer<Code>, of tensor: Tensor, columns: Range<Int>, rows: Range<Int>
  ) -> Int32 {
    var greatest = Int32(truncatingIfNeeded: Code.min)
    for column in columns {
      for row in rows {
        let place = (column &* tensor.frequencyCount &+ row) &* tensor.channelCount
        greatest = unsafe max(greatest, Int32(truncatingIfNeeded: inputs[place]))
      }
    }
    return greatest
  }
}
