/// The model image's layout, format version 1: what the exporter writes and the runtime reads.
///
/// All numbers are little-endian; offsets are bytes from the image's start unless said otherwise. The image is
/// read in place and starts at a multiple of 4. See <doc:ModelFormat>.
public enum ModelFormat {
  /// The first four bytes, `QINF`.
  public static let magic: UInt32 = 0x464E_4951
  /// The version that this runtime reads and the exporter writes.
  public static let version: UInt16 = 1
  /// The checksum covers everything from this offset on.
  public static let checksumStart = 16
  /// The multiple at which the image, its tables and constants start.
  public static let alignment = 4

  /// Offsets in the header.
  public enum Header {
    /// `UInt32`, see `ModelFormat.magic`.
    public static let magic = 0
    /// `UInt16`, see `ModelFormat.version`.
    public static let version = 4
    /// `UInt32`, the image's size.
    public static let imageByteCount = 8
    /// `UInt32`, CRC-32 of the bytes from `ModelFormat.checksumStart` on.
    public static let checksum = 12
    /// `UInt32`, the arena of a whole-window run: scratch, then tensors.
    public static let arenaByteCount = 16
    /// `UInt32`, the arena's first part, shared by kernels and front end; all that a streaming run needs.
    public static let scratchByteCount = 20
    /// `UInt32`, what a streaming run keeps between samples; 0 where the network can't stream.
    public static let stateByteCount = 24
    /// `UInt32`, offset of the tensor records.
    public static let tensors = 28
    /// `UInt32`, their number.
    public static let tensorCount = 32
    /// `UInt32`, offset of the operator records, in order of execution.
    public static let operators = 36
    /// `UInt32`, their number.
    public static let operatorCount = 40
    /// `UInt32`, index of the input tensor.
    public static let inputTensor = 44
    /// `UInt32`, index of the output tensor.
    public static let outputTensor = 48
    /// `UInt32`, offset of the front end's record; 0 where there is none.
    public static let frontEnd = 52
    /// `UInt32` offset and `UInt32` size of the class names: UTF-8, a line a class.
    public static let classNames = 56
    /// `UInt32` offset and `UInt32` size of the provenance: UTF-8, a line `key=value` each.
    public static let metadata = 64
    /// The header's size.
    public static let byteCount = 72
  }

  /// Offsets in a tensor's record.
  public enum Tensor {
    /// `UInt8`, see `ElementType`.
    public static let elementType = 0
    /// `UInt32` each: time, frequency, channel.
    public static let shape = 4
    /// `Int32`, the code of real 0.
    public static let zeroPoint = 16
    /// `UInt32`, the scale's IEEE 754 bits: real = scale * (code - zeroPoint).
    ///
    /// The runtime only hands it on.
    public static let scaleBits = 20
    /// `UInt32`, the tensor's place in the arena.
    public static let arenaOffset = 24
    /// The record's size.
    public static let byteCount = 28
  }

  /// Offsets in an operator's record.
  public enum Operator {
    /// `UInt16`, see `OperatorKind`.
    public static let kind = 0
    /// `UInt16`, index of the input tensor.
    public static let input = 2
    /// `UInt16`, index of the output tensor.
    public static let output = 4
    /// `UInt8` each, along time then frequency: kernel, stride, dilation, padding before, padding after.
    public static let kernel = 6
    /// `Int16` each: the least and the greatest output code, from the fused activation.
    public static let activation = 16
    /// `UInt32`, offset of int8 weights `[output channel, kernel time, kernel frequency, input channel]`.
    public static let weights = 20
    /// `UInt32`, offset of an `Int32` a channel: bias minus the input's zero point times the weights' sum.
    public static let biases = 24
    /// `UInt32`, offset of an `Int32` a channel: `FixedPointMultiplier.multiplierQ31`.
    public static let multipliers = 28
    /// `UInt32`, offset of an `Int8` a channel: `FixedPointMultiplier.leftShift`.
    public static let shifts = 32
    /// `UInt32`, place of the input's ring of columns in the streaming state.
    public static let ring = 36
    /// `UInt32`, the ring's length in columns; 0 where the network can't stream.
    public static let ringColumnCount = 40
    /// The record's size.
    public static let byteCount = 44
  }

  /// Offsets in the front end's record.
  public enum FrontEnd {
    /// `UInt32`, the samples' rate in millihertz.
    public static let sampleRateMillihertz = 0
    /// `UInt16`, the transform's length in samples: a power of two in 16...512.
    public static let windowSamples = 4
    /// `UInt16`, samples from one column to the next.
    public static let hopSamples = 6
    /// `UInt16`, the first frequency bin.
    public static let firstBin = 8
    /// `UInt16`, the number of bins.
    public static let binCount = 10
    /// `UInt8`, see `HighPassFilter`.
    public static let highPassShift = 12
    /// `Int8`, the transform's exponent never falls below this, so that the floor fits 32 bits.
    public static let minimumExponent = 13
    /// `UInt16`, codes for a doubling of the power, in Q6.
    public static let codesPerPowerDoublingQ6 = 14
    /// `UInt32`, offset of an `Int32` a sample: the window in Q31.
    public static let window = 16
    /// `UInt32`, offset of two `Int16` (cosine, sine) for each angle `2 pi k / windowSamples`, k below half the
    /// window: in Q14.
    public static let twiddles = 20
    /// `UInt32`, the mantissa of the floor's power, in `2^31 ..< 2^32`.
    public static let floorMantissa = 24
    /// `Int32`, its exponent: power = mantissa * 2^exponent, in squared counts.
    public static let floorExponent = 28
    /// `Int32`, the floor power's binary logarithm in Q16.
    public static let floorLog2Q16 = 32
    /// `Int32`, the code of an amplitude of zero.
    public static let zeroLevelCode = 36
    /// `UInt32`, IEEE 754 bits of the microvolts that one count stands for.
    ///
    /// The runtime only hands it on.
    public static let microvoltsPerCountBits = 40
    /// The record's size.
    public static let byteCount = 44
  }

  /// The streaming state's layout.
  public enum State {
    /// The front end's part: the filter's two values, the ring's position and the samples till the next column,
    /// four `Int32`, then an `Int32` for each sample of the window.
    public static func frontEndByteCount(windowSamples: Int) -> Int { 16 + 4 * windowSamples }
    /// A cursor for each operator's ring: the next column's place and the number of columns held, two `UInt16`.
    public static let cursorByteCount = 4
  }
}

/// A tensor's element type, numbered as in TensorFlow Lite's schema.
public enum ElementType: UInt8, Sendable {
  /// 16-bit signed codes.
  case int16 = 7
  /// 8-bit signed codes.
  case int8 = 9

  /// The size of a code, in bytes.
  @inline(__always)
  public var byteCount: Int { self == .int8 ? 1 : 2 }
  /// The codes that there are.
  public var codes: ClosedRange<Int> { self == .int8 ? -128...127 : -32_768...32_767 }
}

/// An operator's kind, numbered as in TensorFlow Lite's schema.
public enum OperatorKind: UInt16, CaseIterable, Sendable {
  /// ADD.
  case add = 0
  /// AVERAGE_POOL_2D.
  case averagePool = 1
  /// CONCATENATION.
  case concatenation = 2
  /// CONV_2D, along time and frequency.
  case convolution = 3
  /// DEPTHWISE_CONV_2D.
  case depthwiseConvolution = 4
  /// FULLY_CONNECTED.
  case fullyConnected = 9
  /// LOGISTIC.
  case logistic = 14
  /// MAX_POOL_2D.
  case maximumPool = 17
  /// MUL.
  case multiply = 18
  /// RELU.
  case relu = 19
  /// RELU6.
  case relu6 = 21
  /// RESHAPE.
  case reshape = 22
  /// SOFTMAX.
  case softmax = 25
  /// SVDF.
  case svdf = 27
  /// TANH.
  case tanh = 28
  /// PAD.
  case pad = 34
  /// TRANSPOSE.
  case transpose = 39
  /// MEAN.
  case mean = 40
  /// SUB.
  case subtract = 41
  /// STRIDED_SLICE.
  case stridedSlice = 45
  /// MAXIMUM.
  case maximum = 55
  /// MINIMUM.
  case minimum = 57
  /// LEAKY_RELU.
  case leakyRelu = 98
  /// QUANTIZE.
  case quantize = 114
}
