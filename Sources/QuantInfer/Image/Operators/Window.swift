/// How a window moves along one dimension.
public struct WindowStep: Equatable, Sendable {
  /// The window's number of taps.
  public let kernel: Int
  /// The distance between outputs, in inputs.
  public let stride: Int
  /// The distance between taps, in inputs.
  public let dilation: Int
  /// The number of cells of padding before the first input.
  public let paddingBefore: Int
  /// The number of cells of padding after the last input.
  public let paddingAfter: Int

  /// Creates steps; each number is one that fits 16 bits, kernel, stride and dilation are at least 1.
  public init(kernel: Int, stride: Int, dilation: Int, paddingBefore: Int, paddingAfter: Int) {
    (self.kernel, self.stride, self.dilation) = (kernel, stride, dilation)
    (self.paddingBefore, self.paddingAfter) = (paddingBefore, paddingAfter)
  }

  /// A single input.
  static let cell = WindowStep(kernel: 1, stride: 1, dilation: 1, paddingBefore: 0, paddingAfter: 0)

  /// The number of inputs from the first tap to the last one, both included.
  public var reach: Int { (kernel &- 1) &* dilation &+ 1 }

  /// The number of outputs for a number of inputs; 0 where the window doesn't fit or an option is impossible.
  func outputCount(for inputCount: Int) -> Int {
    // Sizes of 16 and of 28 bits; the reach is that of two of 16.
    guard kernel > 0, stride > 0, dilation > 0, kernel &- 1 < quotient(Tensor.greatestCount, dilation) else {
      return 0
    }
    let padded = padded(inputCount)
    guard paddingBefore < reach, paddingAfter < reach, padded >= reach else { return 0 }
    return quotient(padded &- reach, stride) &+ 1
  }

  /// A number of inputs and the padding around them.
  func padded(_ inputCount: Int) -> Int { inputCount &+ paddingBefore &+ paddingAfter }

  /// The input under the first tap for an output; negative in the padding.
  @inline(__always)
  func first(_ output: Int) -> Int { output &* stride &- paddingBefore }

  /// The taps that lie on inputs, for the input under the first tap: `first ..< end`.
  @inline(__always)
  func taps(from firstInput: Int, inputCount: Int) -> (first: Int, end: Int) {
    if firstInput >= 0 && firstInput &+ reach <= inputCount { return (0, kernel) }
    let first = firstInput >= 0 ? 0 : (dilation &- 1 &- firstInput) / dilation
    let room = inputCount &- firstInput
    let end = room <= 0 ? 0 : (room &+ dilation &- 1) / dilation
    return (min(first, kernel), max(min(end, kernel), min(first, kernel)))
  }
}

/// A window that moves along time and frequency.
public struct Window: Equatable, Sendable {
  /// Along time.
  public let time: WindowStep
  /// Along frequency.
  public let frequency: WindowStep

  /// A window of one cell.
  public static let cell = Window(time: .cell, frequency: .cell)

  private init(time: WindowStep, frequency: WindowStep) {
    (self.time, self.frequency) = (time, frequency)
  }

  /// Reads the constants at a place of the image.
  init(_ image: ImageBytes, at place: Int) {
    self.init(time: Self.step(image, at: place), frequency: Self.step(image, at: place &+ 2))
  }

  /// An operator's window, with a single column's padding along time where the operator computes one.
  init(_ plan: OperatorPlan) {
    let time = Self.step(plan.image, at: plan.parameters)
    let frequency = Self.step(plan.image, at: plan.parameters &+ 2)
    if let padding = plan.timePadding {
      self.init(time: time.padded(padding), frequency: frequency)
    } else {
      self.init(time: time, frequency: frequency)
    }
  }

  /// One dimension's constants: those along frequency begin two bytes after those along time.
  static func step(_ image: ImageBytes, at place: Int) -> WindowStep {
    WindowStep(
      kernel: Int(image.half(at: place)), stride: Int(image.half(at: place &+ 4)),
      dilation: Int(image.half(at: place &+ 8)), paddingBefore: Int(image.half(at: place &+ 12)),
      paddingAfter: Int(image.half(at: place &+ 16)))
  }

  static func timeStride(_ image: ImageBytes, at place: Int) -> Int { Int(image.half(at: place &+ 4)) }

  /// Checks the window against the tensors that it leads from and to.
  ///
  /// The input with its padding has as many codes as a tensor may have, so that places in the padding and their
  /// differences fit 32 bits too.
  func validate(input: Tensor, output: Tensor, at place: Int) throws(ModelError) {
    guard time.outputCount(for: input.timeCount) == output.timeCount,
      frequency.outputCount(for: input.frequencyCount) == output.frequencyCount,
      input.batchCount == output.batchCount,
      time.padded(input.timeCount)
        <= quotient(
          quotient(
            quotient(Tensor.greatestCount, frequency.padded(input.frequencyCount)), input.channelCount),
          input.batchCount)
    else { throw ModelError(.invalidOperator, at: place) }
  }

  /// The number of inputs that an output's sum has; 0 where it is impossible.
  func inputsPerOutput(groupChannelCount: Int) -> Int {
    let (taps, overflow) = time.kernel.multipliedReportingOverflow(by: frequency.kernel)
    let (inputs, overflows) = taps.multipliedReportingOverflow(by: groupChannelCount)
    return overflow || overflows || inputs > Tensor.greatestCount ? 0 : inputs
  }

  /// How many bytes an output must lie before its input, so that a kernel that goes from cell to cell in order never
  /// writes over what it still needs.
  ///
  /// Negative where the output may even lie behind the input's start.
  ///
  /// - Parameters:
  ///   - input: The input's tensor.
  ///   - output: The output's tensor.
  ///   - gathersFirst: Whether the kernel has read all that it needs for a cell before it writes the cell.
  /// - Returns: The distance.
  /// - Complexity: O(1), whatever sizes an image claims.
  func lead(input: Tensor, output: Tensor, gathersFirst: Bool) -> Int {
    let outputCell = output.channelCount &* output.type.byteCount
    let (outputColumn, inputColumn) = (output.columnByteCount, input.columnByteCount)
    let (outputBatch, inputBatch) = (output.timeCount &* outputColumn, input.timeCount &* inputColumn)
    func alongTime(_ columns: Range<Int>) -> Int {
      time.lead(columns, outputSize: outputColumn, inputCount: input.timeCount, inputSize: inputColumn)
    }
    // A column is written before the next one's input is needed; the next batch needs all of its input.
    var lead = max(outputBatch &- inputBatch, alongTime(1..<output.timeCount))
    // Within it a cell is written before the next one's input is needed, or before its own.
    let cells = gathersFirst ? 1..<output.frequencyCount : 0..<output.frequencyCount
    if !cells.isEmpty {
      let alongFrequency = frequency.lead(
        cells, outputSize: outputCell, inputCount: input.frequencyCount,
        inputSize: input.channelCount &* input.type.byteCount)
      lead = max(
        lead, alongTime(0..<output.timeCount) &+ alongFrequency &+ (gathersFirst ? 0 : outputCell))
    }
    // Each further batch moves the output by its size, and what is needed by the input's.
    return lead &+ max(0, (outputBatch &- inputBatch) &* (output.batchCount &- 1))
  }
}

extension WindowStep {
  /// The most bytes from the first input that one of some outputs needs back to where that output starts.
  ///
  /// Outputs and inputs lie side by side; an output in the padding needs the input at that end. `Int.min` where there is
  /// no output.
  fileprivate func lead(_ outputs: Range<Int>, outputSize: Int, inputCount: Int, inputSize: Int) -> Int {
    guard !outputs.isEmpty else { return Int.min }
    func lead(_ output: Int) -> Int {
      let output = min(max(output, outputs.lowerBound), outputs.upperBound &- 1)
      return output &* outputSize &- max(0, min(first(output), inputCount &- 1)) &* inputSize
    }
    // It is linear up to the padding's end, from there to the input's end, and behind it: the most is at an end.
    let (start, end) = (paddingBefore / stride, (inputCount &- 1 &+ paddingBefore) / stride)
    return max(
      max(lead(outputs.lowerBound), lead(outputs.upperBound &- 1)),
      max(max(lead(start), lead(start &+ 1)), max(lead(end), lead(end &+ 1))))
  }
}

/// The padding along time of a single column, in place of its operator's.
struct TimePadding {
  let before: Int
  let after: Int
}

extension WindowStep {
  /// The same window with other padding.
  func padded(_ padding: TimePadding) -> WindowStep {
    WindowStep(
      kernel: kernel, stride: stride, dilation: dilation, paddingBefore: padding.before,
      paddingAfter: padding.after)
  }
}
