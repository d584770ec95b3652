/// How a kernel moves along one dimension.
public struct KernelStep: Equatable, Sendable {
  /// The kernel's number of taps.
  public let kernel: Int
  /// The distance between outputs, in inputs.
  public let stride: Int
  /// The distance between taps, in inputs.
  public let dilation: Int
  /// The number of zeros before the first input.
  public let paddingBefore: Int
  /// The number of zeros after the last input.
  public let paddingAfter: Int

  /// The number of inputs from the first tap to the last one, both included.
  public var reach: Int { (kernel &- 1) &* dilation &+ 1 }

  /// The number of outputs for a number of inputs; 0 where the kernel doesn't fit or an option is impossible.
  func outputCount(for inputCount: Int) -> Int {
    let padded = inputCount + paddingBefore + paddingAfter
    guard kernel > 0, stride > 0, dilation > 0, paddingBefore < reach, paddingAfter < reach, padded >= reach
    else { return 0 }
    return (padded - reach) / stride + 1
  }
}

/// One operator as the exporter planned it.
@safe
public struct OperatorPlan: @unchecked Sendable {
  /// What it computes.
  public let kind: OperatorKind?
  /// The index of the tensor that it reads.
  public let inputIndex: Int
  /// The index of the tensor that it writes.
  public let outputIndex: Int
  /// A convolution's steps along time.
  public let time: KernelStep
  /// A convolution's steps along frequency.
  public let frequency: KernelStep
  /// The least output code, from the fused activation.
  public let activationMinimum: Int32
  /// The greatest output code.
  public let activationMaximum: Int32
  /// The place of the input's ring of columns in the streaming state, in bytes.
  public let ringOffset: Int
  /// The length of that ring, in columns.
  public let ringColumnCount: Int
  /// Int8 `[output channel, kernel time, kernel frequency, input channel]`.
  let weights: UnsafePointer<Int8>
  /// A bias an output channel.
  let biases: UnsafePointer<Int32>
  /// `FixedPointMultiplier.multiplierQ31` an output channel.
  let multipliersQ31: UnsafePointer<Int32>
  /// `FixedPointMultiplier.leftShift` an output channel.
  let leftShifts: UnsafePointer<Int8>

  private let image: ImageBytes
  private let place: Int

  /// Reads a record; the pointers may be followed only once `validate` has passed.
  init(_ image: ImageBytes, at place: Int) {
    typealias Field = ModelFormat.Operator
    self.image = image
    self.place = place
    kind = OperatorKind(rawValue: image.half(at: place + Field.kind))
    inputIndex = Int(image.half(at: place + Field.input))
    outputIndex = Int(image.half(at: place + Field.output))
    time = Self.step(image, at: place + Field.kernel)
    frequency = Self.step(image, at: place + Field.kernel + 1)
    activationMinimum = Int32(Int16(bitPattern: image.half(at: place + Field.activation)))
    activationMaximum = Int32(Int16(bitPattern: image.half(at: place + Field.activation + 2)))
    ringOffset = Int(truncatingIfNeeded: image.signedWord(at: place + Field.ring))
    ringColumnCount = Int(truncatingIfNeeded: image.signedWord(at: place + Field.ringColumnCount))
    unsafe weights = Self.pointer(image, at: place + Field.weights)
    unsafe biases = Self.pointer(image, at: place + Field.biases)
    unsafe multipliersQ31 = Self.pointer(image, at: place + Field.multipliers)
    unsafe leftShifts = Self.pointer(image, at: place + Field.shifts)
  }

  /// Checks everything that the kernel relies on.
  func validate(
    at place: Int, input: Tensor, output: Tensor, scratchByteCount: Int
  ) throws(ModelError) {
    typealias Field = ModelFormat.Operator
    guard let kind else { throw ModelError(.unsupportedOperator, at: place) }
    let inputsPerOutput: Int
    switch kind {
    case .convolution:
      let (taps, _) = time.kernel.multipliedReportingOverflow(by: frequency.kernel)
      let (patch, overflow) = taps.multipliedReportingOverflow(by: input.channelCount)
      guard time.outputCount(for: input.timeCount) == output.timeCount,
        frequency.outputCount(for: input.frequencyCount) == output.frequencyCount,
        !overflow, patch <= scratchByteCount
      else { throw ModelError(.invalidOperator, at: place + Field.kernel) }
      inputsPerOutput = patch
    case .fullyConnected:
      guard output.timeCount == 1, output.frequencyCount == 1 else {
        throw ModelError(.invalidOperator, at: place + Field.output)
      }
      inputsPerOutput = input.byteCount
    }
    guard !input.overlaps(output) else { throw ModelError(.invalidOperator, at: place + Field.output) }
    guard activationMinimum >= -128, activationMaximum <= 127, activationMinimum <= activationMaximum else {
      throw ModelError(.invalidOperator, at: place + Field.activation)
    }
    let channels = output.channelCount
    let (weightCount, overflow) = channels.multipliedReportingOverflow(by: inputsPerOutput)
    guard !overflow else { throw ModelError(.offsetOutOfRange, at: place + Field.weights) }
    _ = try image.offset(at: place + Field.weights, count: weightCount, stride: 1)
    _ = try image.offset(at: place + Field.biases, count: channels, stride: 4)
    _ = try image.offset(at: place + Field.multipliers, count: channels, stride: 4)
    _ = try image.offset(at: place + Field.shifts, count: channels, stride: 1)
    for channel in 0..<channels {
      try validateChannel(channel, inputsPerOutput: inputsPerOutput, at: place)
    }
  }

  /// No input code can make this channel's accumulator leave 32 bits, also when it is shifted left.
  private func validateChannel(_ channel: Int, inputsPerOutput: Int, at place: Int) throws(ModelError) {
    let multiplier = multiplier(channel)
    let mantissas: ClosedRange<Int32> = 0x4000_0000...0x7FFF_FFFF
    guard multiplier.multiplierQ31 == 0 || mantissas.contains(multiplier.multiplierQ31),
      (-31...30).contains(multiplier.leftShift)
    else { throw ModelError(.invalidMultiplier, at: place + ModelFormat.Operator.multipliers) }
    var bound = unsafe biases[channel].magnitude
    let first = channel * inputsPerOutput
    for index in first..<first + inputsPerOutput {
      let (sum, overflow) = bound.addingReportingOverflow(
        unsafe UInt32(truncatingIfNeeded: weights[index].magnitude) &* 128)
      guard !overflow else {
        throw ModelError(.accumulatorOverflow, at: place + ModelFormat.Operator.weights)
      }
      bound = sum
    }
    let leftShift = UInt32(truncatingIfNeeded: max(0, Int32(multiplier.leftShift)))
    guard bound <= UInt32(Int32.max) &>> leftShift else {
      throw ModelError(.accumulatorOverflow, at: place + ModelFormat.Operator.biases)
    }
  }

  /// An output channel's multiplier.
  @inline(__always)
  func multiplier(_ channel: Int) -> FixedPointMultiplier {
    unsafe FixedPointMultiplier(multiplierQ31: multipliersQ31[channel], leftShift: leftShifts[channel])
  }

  /// An accumulator as an output code: scaled, moved to the zero point, limited by the activation.
  @inline(__always)
  func code(_ accumulator: Int32, channel: Int, zeroPoint: Int32) -> Int8 {
    let scaled = multiplier(channel).scale(accumulator) &+ zeroPoint
    return Int8(truncatingIfNeeded: min(max(scaled, activationMinimum), activationMaximum))
  }

  private static func step(_ image: ImageBytes, at place: Int) -> KernelStep {
    KernelStep(
      kernel: Int(image.byte(at: place)), stride: Int(image.byte(at: place + 2)),
      dilation: Int(image.byte(at: place + 4)), paddingBefore: Int(image.byte(at: place + 6)),
      paddingAfter: Int(image.byte(at: place + 8)))
  }

  private static func pointer<Element>(_ image: ImageBytes, at field: Int) -> UnsafePointer<Element> {
    // An offset outside the image is refused by `validate` before the pointer is followed.
    unsafe (image.base + Int(truncatingIfNeeded: image.signedWord(at: field)))
      .assumingMemoryBound(to: Element.self)
  }
}
