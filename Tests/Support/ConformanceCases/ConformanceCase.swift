import QuantInfer

/// A case of CMSIS-NN's unit tests: operators with all their constants, what goes in and what must come out.
public struct ConformanceCase: Sendable {
  /// The case's name.
  public var name: String
  /// The operators, each of which reads what the one before it wrote: one but for whole networks.
  public var operators: [Operator]
  /// The inputs of the first operator, run by run; only a filter with a state runs more than once.
  public var runs: [[[Int]]]
  /// The last run's output codes.
  public var expected: [Int]

  /// A tensor: its shape and how its codes stand for real numbers.
  public struct Tensor: Equatable, Sendable {
    /// The dimensions, outermost first.
    public var shape: [Int]
    /// 8 or 16.
    public var bits: Int
    /// The code of real 0.
    public var zeroPoint: Int

    /// The number of codes.
    public var count: Int { shape.reduce(1, *) }
  }

  /// An operator.
  public struct Operator: Equatable, Sendable {
    /// What it reads.
    public var inputs: [Tensor]
    /// What it writes.
    public var output: Tensor
    /// The output codes that the fused activation allows.
    public var activation: ClosedRange<Int>
    /// What it computes.
    public var computation: Computation
  }

  /// What an operator computes.
  public enum Computation: Equatable, Sendable {
    /// CONV_2D; weights `[output channel, height, width, channel of the group]`.
    case convolution(Window, Weights)
    /// DEPTHWISE_CONV_2D; weights `[height, width, output channel]`.
    case depthwiseConvolution(Window, Weights)
    /// FULLY_CONNECTED; weights `[output, input]`.
    case fullyConnected(Weights)
    /// AVERAGE_POOL_2D.
    case averagePool(Window)
    /// MAX_POOL_2D.
    case maximumPool(Window)
    /// ADD.
    case add(Addition)
    /// MUL.
    case multiply(Multiplier)
    /// MINIMUM.
    case minimum
    /// MAXIMUM.
    case maximum
    /// PAD.
    case pad(before: [Int], after: [Int], value: Int)
    /// TRANSPOSE: output dimension d is input dimension `permutation[d]`.
    case transpose(permutation: [Int])
    /// SOFTMAX along the last dimension.
    case softmax(Multiplier, leastDifference: Int)
    /// SVDF; its state starts at 0.
    case svdf(SVDF)
  }

  /// A window's steps along one dimension.
  public struct Step: Equatable, Sendable {
    /// The number of taps.
    public var kernel: Int
    /// The distance between outputs.
    public var stride: Int
    /// The distance between taps.
    public var dilation: Int
    /// The positions before the first input that the first window covers.
    public var paddingBefore: Int
    /// The positions after the last input that the last window covers.
    public var paddingAfter: Int
  }

  /// A window's steps along both dimensions.
  public struct Window: Equatable, Sendable {
    /// Along the height, which is this project's time.
    public var height: Step
    /// Along the width, which is this project's frequency.
    public var width: Step
  }

  /// A real factor: `multiplierQ31 * 2^(leftShift - 31)`.
  public struct Multiplier: Equatable, Sendable {
    /// The mantissa.
    public var multiplierQ31: Int
    /// The power of two; positive means left.
    public var leftShift: Int
  }

  /// Weights and what turns their sums into codes.
  public struct Weights: Equatable, Sendable {
    /// In the operator's order, a number a weight.
    public var codes: [Int]
    /// 8, or 4 for codes of -8...7.
    public var bits: Int
    /// One an output channel.
    public var biases: [Int]
    /// One an output channel.
    public var multipliers: [Multiplier]
    /// 32, or 64 where the biases have 64 bits.
    public var accumulatorBits: Int
  }

  /// The constants of ADD.
  public struct Addition: Equatable, Sendable {
    /// The left shift of both inputs.
    public var leftShift: Int
    /// From the shifted first input to the common scale.
    public var first: Multiplier
    /// From the shifted second input to the common scale.
    public var second: Multiplier
    /// From the sum to output codes.
    public var output: Multiplier
  }

  /// The constants of SVDF.
  public struct SVDF: Equatable, Sendable {
    /// `[filter, input]`.
    public var featureWeights: [Int]
    /// `[filter, memory]`.
    public var timeWeights: [Int]
    /// One a unit.
    public var biases: [Int]
    /// The number of filters that add up to a unit.
    public var rank: Int
    /// The number of filters.
    public var filterCount: Int
    /// From a feature's sum to the state's codes.
    public var featureMultiplier: Multiplier
    /// From a unit's sum to output codes.
    public var outputMultiplier: Multiplier
    /// 16 or 8.
    public var stateBits: Int
  }
}
