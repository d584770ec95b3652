/// The layout of operators' constants.
extension ModelFormat {
  /// Offsets in the constants of AVERAGE_POOL_2D and MAX_POOL_2D, and at the start of those of `Weights`.
  public enum Window {
    /// `UInt16` each, along time then frequency: kernel, stride, dilation, padding before, padding after.
    public static let steps = 0
    /// The constants' size.
    public static let byteCount = 20
  }

  /// Offsets in the constants of CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED, after a window.
  public enum Weights {
    /// `UInt32`, offset of the weights, packed as `layout` says.
    public static let weights = 20
    /// `UInt32`, offset of an `Int32` a channel, or an `Int64` for sums of 64 bits.
    ///
    /// It is the bias minus the input's zero point times the sum of the channel's weights. Three zeros follow, as they
    /// do multipliers and shifts, so that a kernel may read whole blocks of four.
    public static let biases = 24
    /// `UInt32`, offset of an `Int32` a channel: `FixedPointMultiplier.multiplierQ31`.
    public static let multipliers = 28
    /// `UInt32`, offset of an `Int8` a channel: `FixedPointMultiplier.leftShift`.
    public static let shifts = 32
    /// `UInt8`, a weight's size: 8, or 4 for two in a byte, the first in the lower half.
    public static let weightBits = 36
    /// `UInt8`, a sum's size: 32 or 64.
    public static let accumulatorBits = 37
    /// `UInt8`, 1 where some input could make a sum leave its size, and wrap; otherwise 0.
    public static let mayWrap = 38
    /// `UInt8`, see `WeightLayout`.
    public static let layout = 39
    /// `UInt16`, a convolution's number of input channels in a group.
    public static let groupChannelCount = 40
    /// `Int16`, the weights' zero point.
    public static let zeroPoint = 42
    /// The constants' size.
    public static let byteCount = 44
  }

  /// Offsets in the constants of ADD, SUB, MUL, DIV, MAXIMUM, MINIMUM, PRELU and SQUARED_DIFFERENCE.
  ///
  /// Where fewer than six dimensions are needed here and below, dimensions of 1 stand in front.
  public enum Elementwise {
    /// `UInt32` each, six: the output's dimensions.
    public static let shape = 0
    /// `Int32` each, six: the distances between the first input's elements; 0 repeats one.
    public static let firstStrides = 24
    /// The same for the second input.
    public static let secondStrides = 48
    /// `Int32` each: multiplier and left shift of the first input, the second input and the output.
    public static let multipliers = 72
    /// `UInt32`, the inputs' left shift, for ADD, SUB and SQUARED_DIFFERENCE: 0...20.
    public static let leftShift = 96
    /// The constants' size.
    public static let byteCount = 100
  }

  /// Offsets in the constants of operators that move codes: PAD, TRANSPOSE, CONCATENATION, SPLIT and the like.
  public enum Rearrangement {
    /// `UInt16`, the number of blocks.
    public static let blockCount = 0
    /// `UInt16`, 1 where the whole output is filled first; otherwise 0.
    public static let hasFill = 2
    /// `Int32`, the code that fills it.
    public static let fill = 4
    /// `UInt32`, offset of the blocks' records.
    public static let blocks = 8
    /// The constants' size.
    public static let byteCount = 12
  }

  /// Offsets in the record of a block that is copied; everything is counted in elements.
  public enum Block {
    /// `UInt32`, which of the operator's inputs.
    public static let input = 0
    /// `UInt32` each, six: the number of elements along each dimension.
    public static let shape = 4
    /// `Int32`, the first element's place in the input.
    public static let inputStart = 28
    /// `Int32` each, six: the distances between the input's elements.
    public static let inputStrides = 32
    /// `Int32`, the first element's place in the output.
    public static let outputStart = 56
    /// `Int32` each, six: the distances between the output's elements.
    public static let outputStrides = 60
    /// The record's size.
    public static let byteCount = 84
  }

  /// Offsets in the constants of MEAN, SUM, REDUCE_MAX and REDUCE_MIN.
  public enum Mean {
    /// `UInt32` each, six: the dimensions kept, in the output's order.
    public static let shape = 0
    /// `Int32` each, six: the distances between their elements in the input.
    public static let strides = 24
    /// `UInt32` each, six: the dimensions that are summed up or compared.
    public static let reducedShape = 48
    /// `Int32` each, six: the distances between their elements in the input.
    public static let reducedStrides = 72
    /// `Int32` each: multiplier and left shift from the sum to output codes.
    public static let multiplier = 96
    /// The constants' size.
    public static let byteCount = 104
  }

  /// Offsets in the constants of functions of int8 codes: LOGISTIC, RELU, QUANTIZE, ABS, ELU and the like.
  public enum Lookup {
    /// `UInt32`, offset of the output codes for -128...127, in the output's type.
    public static let table = 0
    /// The constants' size.
    public static let byteCount = 4
  }

  /// Offsets in the constants of RELU, RELU6, LEAKY_RELU, QUANTIZE, ABS and RSQRT of int16 codes.
  public enum Rescaling {
    /// RSQRT's inverse roots have so many bits behind the point; its multipliers take them off again.
    public static let rootBits: Int8 = 20
    /// `Int32` each: multiplier and left shift from the zero point up, then below the zero point.
    public static let multipliers = 0
    /// The constants' size.
    public static let byteCount = 16
  }

  /// Offsets in the constants of LOGISTIC and TANH of int16 codes.
  public enum Sigmoid {
    /// `UInt32`, offset of 256 `UInt16`: the logistic function of k / 24 in Q16.
    public static let table = 0
    /// `Int32`, the codes' multiplier.
    public static let multiplier = 4
    /// `UInt32`, the right shift after it: 0...31.
    public static let shift = 8
    /// The constants' size.
    public static let byteCount = 12
  }

  /// Offsets in the constants of SOFTMAX.
  public enum Softmax {
    /// `UInt32`, the number of elements that share a sum.
    public static let depth = 0
    /// `Int32` each: multiplier and left shift.
    public static let multiplier = 4
    /// `Int32`, differences below it count as 0.
    public static let leastDifference = 12
    /// `UInt32` each, offsets of 513 `Int16` for int16 codes: exponentials, then reciprocals; 0 for int8 codes.
    public static let tables = 16
    /// The constants' size.
    public static let byteCount = 24
  }

  /// Offsets in the constants of BATCH_MATMUL: output element (batch, row, column) is the sum of products along the depth.
  public enum BatchProduct {
    /// `UInt32` each, six: the output's dimensions.
    public static let shape = 0
    /// `Int32` each, six: the distances between the first input's elements along them; 0 where it repeats one.
    public static let firstStrides = 24
    /// The same for the second input.
    public static let secondStrides = 48
    /// `UInt32` each, six: the depth, and ones before it.
    public static let depth = 72
    /// `Int32` each, six: the distances between the first input's elements along the depth.
    public static let firstDepthStrides = 96
    /// The same for the second input.
    public static let secondDepthStrides = 120
    /// `Int32` each: multiplier and left shift from the sum to output codes.
    public static let multiplier = 144
    /// The constants' size.
    public static let byteCount = 152
  }

  /// Offsets in the constants of LOG_SOFTMAX.
  public enum LogSoftmax {
    /// `UInt32`, the number of elements that share a sum.
    public static let depth = 0
    /// `Int32` each: multiplier and left shift.
    public static let multiplier = 4
    /// `Int32`, differences below it count as 0.
    public static let leastDifference = 12
    /// `Int32` each: multiplier and left shift back to differences of codes.
    public static let reverseMultiplier = 16
    /// The constants' size.
    public static let byteCount = 24
  }

  /// Offsets in the constants of RESIZE_BILINEAR.
  public enum Resize {
    /// `Int32`, from output rows to input rows, Q10; not below 0.
    public static let heightScaleQ10 = 0
    /// `Int32`, from output columns to input columns, Q10; not below 0.
    public static let widthScaleQ10 = 4
    /// `UInt32`, 1 where places are those of the cells' centres, otherwise 0.
    public static let hasHalfPixelCenters = 8
    /// The constants' size.
    public static let byteCount = 12
  }

  /// Offsets in the constants of SVDF.
  public enum SVDF {
    /// `UInt32`, the number of filters that add up to a unit.
    public static let rank = 0
    /// `UInt32`, offset of `Int8` `[filter, input]`.
    public static let featureWeights = 4
    /// `UInt32`, offset of `[filter, memory]` in the state's type.
    public static let timeWeights = 8
    /// `UInt32`, offset of an `Int32` a unit.
    public static let biases = 12
    /// `Int32` each: multiplier and left shift to the state's codes, then to the output's.
    public static let multipliers = 16
    /// The constants' size.
    public static let byteCount = 32
  }

  /// Offsets in the constants of UNIDIRECTIONAL_SEQUENCE_LSTM, after the `Weights` of its inputs.
  ///
  /// Both have four times as many channels as the output: those of the input gate, the forget gate, the cell gate and the
  /// output gate. Their codes are Q3.12.
  public enum LSTM {
    /// The `Weights` of the output of the step before.
    public static let recurrence = Weights.byteCount
    /// `UInt32`, offset of 256 `UInt16`: the logistic function of k / 24 in Q16.
    public static let table = 88
    /// `Int32`, the multiplier from the cell's codes to 256ths of the table's steps, before the shift.
    public static let cellMultiplier = 92
    /// `UInt32`, the right shift after it: 0...31.
    public static let cellShift = 96
    /// `Int32`, the greatest magnitude of the cell's codes: 0...32,768.
    public static let cellLimit = 100
    /// `Int32` each: multiplier and left shift from products in Q30 to the cell's codes, then to the output's.
    public static let multipliers = 104
    /// The constants' size.
    public static let byteCount = 120

    /// What the operator needs of a run's scratch: a row of inputs or of the output before, two sets of gates, and the
    /// cell, 16 bits each.
    @inline(__always)
    public static func scratchByteCount(inputs: Int, units: Int) -> Int {
      8 &* QuantInfer.Weights.quads(max(inputs, units)) &+ 18 &* units
    }
  }
}

/// How an operator's weights are packed.
public enum WeightLayout: UInt8, Sendable {
  /// Blocks of four output channels `[group, block, quad of inputs, channel, input of the quad]`.
  ///
  /// Inputs are counted `[kernel time, kernel frequency, channel]`; zeros fill incomplete quads and blocks.
  case blocks = 0
  /// Taps `[kernel time, kernel frequency, output channel]`, for depthwise convolutions.
  case taps
}
