/// What is compiled in: everything, or what a build selects.
///
/// With `-DQUANTINFER_SELECTED`, only RESHAPE and what further conditions name, such as `QUANTINFER_CONVOLUTION`; the
/// compiler drops the code of the others, and an image that needs them is refused as one with an unsupported operator.
/// `exporter export --format c` writes down what an image needs. `QUANTINFER_PATCH` adds patches, see `ModelPatch`.
enum Built {
  /// The operator of a number in the image; nil of one that is not built.
  @inline(__always)
  static func kind(_ number: UInt16) -> OperatorKind? {
    #if QUANTINFER_SELECTED
      if convolution || depthwise {
        if number == OperatorKind.convolution.rawValue { return .convolution }
        if number == OperatorKind.depthwiseConvolution.rawValue { return .depthwiseConvolution }
      }
      if fullyConnected, number == OperatorKind.fullyConnected.rawValue { return .fullyConnected }
      if number == OperatorKind.reshape.rawValue { return .reshape }
      guard !onlyFewKinds else { return nil }
    #endif
    return OperatorKind(rawValue: number)
  }

  #if !QUANTINFER_SELECTED || QUANTINFER_CONVOLUTION
    static var convolution: Bool { true }
  #else
    static var convolution: Bool { false }
  #endif

  #if !QUANTINFER_SELECTED || QUANTINFER_DEPTHWISE
    static var depthwise: Bool { true }
  #else
    static var depthwise: Bool { false }
  #endif

  #if !QUANTINFER_SELECTED || QUANTINFER_FULLY_CONNECTED
    static var fullyConnected: Bool { true }
  #else
    static var fullyConnected: Bool { false }
  #endif

  /// AVERAGE_POOL_2D, MAX_POOL_2D, MEAN and other reductions.
  #if !QUANTINFER_SELECTED || QUANTINFER_POOLING
    static var pooling: Bool { true }
  #else
    static var pooling: Bool { false }
  #endif

  /// ADD, SUB, MUL and other pairs, BATCH_MATMUL, SVDF, and what moves codes: PAD, TRANSPOSE, CONCATENATION, SPLIT and the like.
  #if !QUANTINFER_SELECTED || QUANTINFER_ELEMENTWISE
    static var elementwise: Bool { true }
  #else
    static var elementwise: Bool { false }
  #endif

  /// LOGISTIC, TANH, RELU, QUANTIZE and other functions of a code, and SOFTMAX.
  #if !QUANTINFER_SELECTED || QUANTINFER_FUNCTIONS
    static var functions: Bool { true }
  #else
    static var functions: Bool { false }
  #endif

  /// UNIDIRECTIONAL_SEQUENCE_LSTM.
  #if !QUANTINFER_SELECTED || QUANTINFER_LSTM
    static var lstm: Bool { true }
  #else
    static var lstm: Bool { false }
  #endif

  /// Tensors of 16 bits, and sums of 64.
  #if !QUANTINFER_SELECTED || QUANTINFER_INT16
    static var int16: Bool { true }
  #else
    static var int16: Bool { false }
  #endif

  /// Operators over whole tensors: `WholeWindow`, and behind the columns more than one FULLY_CONNECTED or a mean.
  #if !QUANTINFER_SELECTED || QUANTINFER_WHOLE_WINDOW
    static var wholeWindow: Bool { true }
  #else
    static var wholeWindow: Bool { false }
  #endif

  /// Columns of operators that pad along time: `Edges`.
  #if !QUANTINFER_SELECTED || QUANTINFER_EDGES
    static var edges: Bool { true }
  #else
    static var edges: Bool { false }
  #endif

  /// Whether no other kinds are built than CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED and RESHAPE.
  static var onlyFewKinds: Bool { !pooling && !elementwise && !functions && !lstm }

  /// Whether every operator but RESHAPE has weights.
  static var onlyProducts: Bool { onlyConvolutions && !elementwise }

  /// Whether nothing but a convolution in blocks can take columns.
  static var onlyConvolutions: Bool { !depthwise && !pooling && !functions }

  /// More than one lead.
  #if !QUANTINFER_SELECTED || QUANTINFER_LEADS
    static var leads: Bool { true }
  #else
    static var leads: Bool { false }
  #endif

  /// Spectrograms by a fast transform: `RealFFT`; without it those of a direct one alone.
  #if !QUANTINFER_SELECTED || QUANTINFER_FAST_TRANSFORM
    static var fastTransform: Bool { true }
  #else
    static var fastTransform: Bool { false }
  #endif

  /// Raw samples as the network's input.
  #if !QUANTINFER_SELECTED || QUANTINFER_SAMPLES
    static var sampleFrontEnd: Bool { true }
  #else
    static var sampleFrontEnd: Bool { false }
  #endif

  /// A monitor's network that sleeps between beats in rhythm.
  #if !QUANTINFER_SELECTED || QUANTINFER_SLEEP
    static var sleep: Bool { true }
  #else
    static var sleep: Bool { false }
  #endif

  /// What beats' intervals say in a monitor: `RhythmPrior`.
  #if !QUANTINFER_SELECTED || QUANTINFER_RHYTHM
    static var rhythm: Bool { true }
  #else
    static var rhythm: Bool { false }
  #endif

  /// Beats as the network's input.
  #if !QUANTINFER_SELECTED || QUANTINFER_BEATS
    static var beatFrontEnd: Bool { true }
  #else
    static var beatFrontEnd: Bool { false }
  #endif

  /// Weights of 4 bits, those with a zero point, and those that are not aligned to 4 bytes.
  #if !QUANTINFER_SELECTED || QUANTINFER_INT4
    static var anyWeights: Bool { true }
  #else
    static var anyWeights: Bool { false }
  #endif
}
