/// An operator's kind, numbered as in TensorFlow Lite's schema.
public enum OperatorKind: UInt16, Sendable {
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
  /// DEPTH_TO_SPACE.
  case depthToSpace = 5
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
  /// RESIZE_BILINEAR.
  case resizeBilinear = 23
  /// SOFTMAX.
  case softmax = 25
  /// SPACE_TO_DEPTH.
  case spaceToDepth = 26
  /// SVDF.
  case svdf = 27
  /// TANH.
  case tanh = 28
  /// PAD.
  case pad = 34
  /// GATHER.
  case gather = 36
  /// BATCH_TO_SPACE_ND.
  case batchToSpace = 37
  /// SPACE_TO_BATCH_ND.
  case spaceToBatch = 38
  /// TRANSPOSE.
  case transpose = 39
  /// MEAN.
  case mean = 40
  /// SUB.
  case subtract = 41
  /// DIV.
  case divide = 42
  /// UNIDIRECTIONAL_SEQUENCE_LSTM.
  case sequenceLSTM = 44
  /// STRIDED_SLICE.
  case stridedSlice = 45
  /// EXP.
  case exponential = 47
  /// SPLIT.
  case split = 49
  /// LOG_SOFTMAX.
  case logSoftmax = 50
  /// PRELU.
  case prelu = 54
  /// MAXIMUM.
  case maximum = 55
  /// MINIMUM.
  case minimum = 57
  /// NEG.
  case negate = 59
  /// SLICE.
  case slice = 65
  /// TILE.
  case tile = 69
  /// LOG.
  case logarithm = 73
  /// SUM.
  case sum = 74
  /// SQRT.
  case squareRoot = 75
  /// RSQRT.
  case reciprocalSquareRoot = 76
  /// REDUCE_MAX.
  case reduceMaximum = 82
  /// PACK.
  case pack = 83
  /// UNPACK.
  case unpack = 88
  /// REDUCE_MIN.
  case reduceMinimum = 89
  /// RESIZE_NEAREST_NEIGHBOR.
  case resizeNearestNeighbor = 97
  /// LEAKY_RELU.
  case leakyRelu = 98
  /// SQUARED_DIFFERENCE.
  case squaredDifference = 99
  /// ABS.
  case absolute = 101
  /// SPLIT_V.
  case splitUnevenly = 102
  /// REVERSE_V2.
  case reverse = 105
  /// ELU.
  case elu = 111
  /// QUANTIZE.
  case quantize = 114
  /// HARD_SWISH.
  case hardSwish = 117
  /// BATCH_MATMUL.
  case batchMatMul = 126
  /// BROADCAST_TO.
  case broadcast = 130
}
