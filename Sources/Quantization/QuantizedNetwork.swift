import QuantInfer

/// A network in integers, before its places in memory are planned.
///
/// Shapes are `[time, frequency, channel]`; this project's own networks have one frequency row and the
/// spectrogram's bins as channels.
public struct QuantizedNetwork: Equatable, Sendable {
  /// A tensor: its shape and how its codes stand for real numbers.
  public struct Tensor: Equatable, Sendable {
    /// A name for tables.
    public var name: String
    /// `[time, frequency, channel]`.
    public var shape: [Int]
    /// Real = scale * (code - zeroPoint).
    public var scale: Float
    /// The code of real 0, in -128...127.
    public var zeroPoint: Int

    /// Creates a tensor's description.
    public init(name: String, shape: [Int], scale: Float, zeroPoint: Int) {
      (self.name, self.shape, self.scale, self.zeroPoint) = (name, shape, scale, zeroPoint)
    }

    /// The number of codes.
    public var count: Int { shape.reduce(1, *) }
    /// A code's real number.
    public func real(_ code: Int8) -> Float { scale * Float(Int(code) - zeroPoint) }
    /// The code nearest to a real number, ties away from zero.
    public func code(_ real: Float) -> Int8 {
      let code = (real / scale).rounded() + Float(zeroPoint)
      return Int8(max(-128, min(127, code)))
    }
  }

  /// An operator's steps along a dimension.
  public struct Step: Equatable, Sendable {
    /// The number of taps.
    public var kernel: Int
    /// The distance between outputs.
    public var stride: Int
    /// The distance between taps.
    public var dilation: Int
    /// The zeros before the first input.
    public var paddingBefore: Int
    /// The zeros after the last input.
    public var paddingAfter: Int

    /// Creates steps; without arguments they leave the dimension as it is.
    public init(
      kernel: Int = 1, stride: Int = 1, dilation: Int = 1, paddingBefore: Int = 0, paddingAfter: Int = 0
    ) {
      (self.kernel, self.stride, self.dilation) = (kernel, stride, dilation)
      (self.paddingBefore, self.paddingAfter) = (paddingBefore, paddingAfter)
    }

    /// The number of inputs from the first tap to the last one.
    public var reach: Int { (kernel - 1) * dilation + 1 }
  }

  /// An operator and its constants.
  public struct Operator: Equatable, Sendable {
    /// What it computes.
    public var kind: OperatorKind
    /// The tensor that it reads.
    public var input: Int
    /// The tensor that it writes.
    public var output: Int
    /// Along time.
    public var time = Step()
    /// Along frequency.
    public var frequency = Step()
    /// `[output channel, kernel time, kernel frequency, input channel]`, in -127...127.
    public var weights: [Int8]
    /// Real weight = scale * code: one a channel.
    public var weightScales: [Float]
    /// On the grid of input scale times weight scale: one a channel.
    public var biases: [Int32]
    /// The output codes that the fused activation allows.
    public var activation: ClosedRange<Int>

    /// Creates an operator that leaves time and frequency as they are.
    public init(
      kind: OperatorKind, input: Int, output: Int, weights: [Int8], weightScales: [Float],
      biases: [Int32], activation: ClosedRange<Int>
    ) {
      (self.kind, self.input, self.output) = (kind, input, output)
      (self.weights, self.weightScales, self.biases) = (weights, weightScales, biases)
      self.activation = activation
    }
  }

  /// The tensors.
  public var tensors: [Tensor]
  /// The operators in order of execution.
  public var operators: [Operator]
  /// The input tensor.
  public var input: Int
  /// The output tensor.
  public var output: Int

  /// Creates a network.
  public init(tensors: [Tensor], operators: [Operator], input: Int, output: Int) {
    (self.tensors, self.operators, self.input, self.output) = (tensors, operators, input, output)
  }

  /// The multiply-accumulates of an operator over the whole window.
  public func multiplyAccumulateCount(_ operation: Operator) -> Int {
    let output = tensors[operation.output]
    return output.shape[0] * output.shape[1] * operation.weights.count
  }

  /// The multiplier from an operator's accumulator to its output's codes.
  func multiplier(_ operation: Operator, channel: Int) -> FixedPointMultiplier {
    FixedPointMultiplier(
      real: Double(tensors[operation.input].scale) * Double(operation.weightScales[channel])
        / Double(tensors[operation.output].scale))
  }

  /// An operator's biases with the input's zero point folded in: bias - zero point * sum of weights.
  func foldedBiases(_ operation: Operator) -> [Int32] {
    let zeroPoint = tensors[operation.input].zeroPoint
    let inputsPerOutput = operation.weights.count / operation.biases.count
    return operation.biases.indices.map { channel in
      let row = operation.weights[channel * inputsPerOutput..<(channel + 1) * inputsPerOutput]
      let sum = row.reduce(0) { $0 + Int($1) }
      return Int32(clamping: Int(operation.biases[channel]) - zeroPoint * sum)
    }
  }
}

extension FixedPointMultiplier {
  /// The multiplier nearest to a positive real factor, as TensorFlow Lite's QuantizeMultiplier makes it.
  public init(real: Double) {
    guard real > 0, real.isFinite else {
      self.init(multiplierQ31: 0, leftShift: 0)
      return
    }
    // real = mantissa * 2^shift with the mantissa in 0.5 ..< 1.
    var shift = Int(real.exponent) + 1
    var mantissa = Int64((real.significand / 2 * 0x1p31).rounded(.toNearestOrAwayFromZero))
    if mantissa == 1 << 31 {
      mantissa /= 2
      shift += 1
    }
    if shift < -31 {
      self.init(multiplierQ31: 0, leftShift: 0)
    } else {
      self.init(multiplierQ31: Int32(mantissa), leftShift: Int8(clamping: shift))
    }
  }
}
