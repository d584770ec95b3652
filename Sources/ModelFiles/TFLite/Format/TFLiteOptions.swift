/// An operator's options: what kind of options they are, and the values that the kind has.
///
/// A value that the kind doesn't have keeps its initial value and is neither read nor written.
package struct TFLiteOptions: Equatable, Sendable {
  /// The kinds of options: members of the schema's union `BuiltinOptions`.
  package struct Kind: TFLiteNumber, FlatBufferScalar {
    /// The schema's value.
    package let rawValue: UInt8
    /// Creates a kind from the schema's value.
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    static let none = Self(rawValue: 0)
    static let conv2D = Self(rawValue: 1)
    static let depthwiseConv2D = Self(rawValue: 2)
    static let pool2D = Self(rawValue: 5)
    static let svdf = Self(rawValue: 6)
    static let fullyConnected = Self(rawValue: 8)
    static let softmax = Self(rawValue: 9)
    static let concatenation = Self(rawValue: 10)
    static let add = Self(rawValue: 11)
    static let reshape = Self(rawValue: 17)
    static let mul = Self(rawValue: 21)
    static let pad = Self(rawValue: 22)
    static let transpose = Self(rawValue: 26)
    static let reducer = Self(rawValue: 27)
    static let sub = Self(rawValue: 28)
    static let stridedSlice = Self(rawValue: 32)
    static let dequantize = Self(rawValue: 38)
    static let maximumMinimum = Self(rawValue: 39)
    static let leakyRelu = Self(rawValue: 75)
    static let quantize = Self(rawValue: 89)
    static let resizeBilinear = Self(rawValue: 15)
    static let spaceToDepth = Self(rawValue: 19)
    static let gather = Self(rawValue: 23)
    static let div = Self(rawValue: 29)
    static let squeeze = Self(rawValue: 30)
    static let split = Self(rawValue: 35)
    static let cast = Self(rawValue: 37)
    static let argMax = Self(rawValue: 40)
    static let transposeConv = Self(rawValue: 49)
    static let shape = Self(rawValue: 55)
    static let argMin = Self(rawValue: 57)
    static let pack = Self(rawValue: 59)
    static let unpack = Self(rawValue: 64)
    static let sequenceLSTM = Self(rawValue: 71)
    static let resizeNearestNeighbor = Self(rawValue: 74)
    static let splitV = Self(rawValue: 79)
    static let depthToSpace = Self(rawValue: 94)
    static let batchMatMul = Self(rawValue: 101)
    static let callOnce = Self(rawValue: 103)
    static let varHandle = Self(rawValue: 111)
    static let readVariable = Self(rawValue: 112)
    static let assignVariable = Self(rawValue: 113)
    static let gelu = Self(rawValue: 116)

    /// Whether the kind's values can be read and written.
    package var isKnown: Bool { Self.known.contains(self) }

    private static let known: Set<Self> = [
      none, conv2D, depthwiseConv2D, pool2D, svdf, fullyConnected, softmax, concatenation, add, reshape, mul,
      pad, transpose, reducer, sub, stridedSlice, dequantize, maximumMinimum, leakyRelu, quantize,
      resizeBilinear, spaceToDepth, gather, div, squeeze, split, cast, argMax, transposeConv, shape, argMin,
      pack,
      unpack, sequenceLSTM, resizeNearestNeighbor, splitV, depthToSpace, batchMatMul,
      callOnce, varHandle, readVariable, assignVariable, gelu,
    ]
  }

  /// Which values there are.
  package let kind: Kind
  /// Where windows lie on the input's border.
  package var padding = TFLitePadding.same
  /// The fused activation.
  package var activation = TFLiteActivation.none
  /// The distance between windows along the width.
  package var strideWidth: Int32 = 0
  /// The distance between windows along the height.
  package var strideHeight: Int32 = 0
  /// The distance between taps along the width.
  package var dilationWidth: Int32 = 1
  /// The distance between taps along the height.
  package var dilationHeight: Int32 = 1
  /// The outputs of a depthwise convolution's channel.
  package var depthMultiplier: Int32 = 0
  /// A pool's width.
  package var filterWidth: Int32 = 0
  /// A pool's height.
  package var filterHeight: Int32 = 0
  /// The type of the sum that a 16-bit operator's bias asks for.
  package var quantizedBiasType = TFLiteElementType.float32
  /// How a fully connected operator's weights lie: 0 is in rows.
  package var weightsFormat: Int8 = 0
  /// Whether a reduction or a fully connected operator keeps the number of dimensions.
  package var keepsDimensions = false
  /// Whether float inputs are quantized around their own middle.
  package var quantizesInputsAsymmetrically = false
  /// Whether 16-bit scales are powers of two.
  package var hasPowerOfTwoScale = true
  /// The dimension along which to concatenate, pack, unpack or gather.
  package var axis: Int32 = 0
  /// The number of inputs to pack, outputs to unpack, or parts to split into.
  package var partCount: Int32 = 0
  /// The number of dimensions in front along which each place gathers for itself.
  package var batchDimensions: Int32 = 0
  /// The dimensions that a squeeze drops; empty for all of 1.
  package var squeezedDimensions: [Int32] = []
  /// The rows and columns of a block that becomes channels, or comes from them.
  package var blockSize: Int32 = 0
  /// Whether the corners of a resized image stay where they are.
  package var alignsCorners = false
  /// Whether a resized image's places are those of its cells' centres.
  package var hasHalfPixelCenters = false
  /// The type of the indices or dimensions that come out.
  package var outputType = TFLiteElementType.float32
  /// The type that is cast.
  package var inputType = TFLiteElementType.float32
  /// Whether the first matrix is transposed.
  package var transposesFirst = false
  /// Whether the second matrix is transposed.
  package var transposesSecond = false
  /// Whether GELU is the approximation by the hyperbolic tangent.
  package var isApproximate = false
  /// The limit of a recurrent cell's state; 0 for none.
  package var cellClip: Float = 0
  /// The limit of a recurrent projection; 0 for none.
  package var projectionClip: Float = 0
  /// Whether time is the outermost dimension.
  package var isTimeMajor = false
  /// Whether recurrent weights are diagonal.
  package var hasDiagonalRecurrence = false
  /// A softmax's factor.
  package var beta: Float = 0
  /// A leaky activation's slope below 0.
  package var alpha: Float = 0
  /// The rank of an SVDF.
  package var rank: Int32 = 0
  /// The shape that a reshape gives.
  package var newShape: [Int32] = []
  /// The dimensions of a slice, a bit each, that begin at their start.
  package var beginMask: Int32 = 0
  /// The dimensions that end at their end.
  package var endMask: Int32 = 0
  /// The dimension that stands for all that aren't named.
  package var ellipsisMask: Int32 = 0
  /// The dimensions that are new.
  package var newAxisMask: Int32 = 0
  /// The dimensions that are dropped.
  package var shrinkAxisMask: Int32 = 0
  /// The subgraph that runs once, before the first run.
  package var firstSubgraph: Int32 = 0
  /// The name of a state.
  package var sharedName = ""
  /// Whether a slice's ends count from its begins.
  package var endIsOffset = false

  /// Creates options with the schema's initial values.
  package init(_ kind: Kind) { self.kind = kind }
}

extension TFLiteOptions: FlatBufferTable {
  mutating func visit(_ fields: inout some FlatBufferFields) throws(FlatBufferError) {
    switch kind {
    case .conv2D:
      try visitWindow(&fields, activation: 3)
      try visitDilation(&fields, width: 4)
      try fields.scalar(6, &quantizedBiasType, default: .float32)
    case .depthwiseConv2D:
      try visitWindow(&fields, activation: 4)
      try fields.scalar(3, &depthMultiplier, default: 0)
      try visitDilation(&fields, width: 5)
    case .pool2D:
      try visitWindow(&fields, activation: 5)
      try fields.scalar(3, &filterWidth, default: 0)
      try fields.scalar(4, &filterHeight, default: 0)
    case .svdf:
      try fields.scalar(0, &rank, default: 0)
      try fields.scalar(1, &activation, default: .none)
      try fields.scalar(2, &quantizesInputsAsymmetrically, default: false)
    case .fullyConnected:
      try fields.scalar(0, &activation, default: .none)
      try fields.scalar(1, &weightsFormat, default: 0)
      try fields.scalar(2, &keepsDimensions, default: false)
      try fields.scalar(3, &quantizesInputsAsymmetrically, default: false)
      try fields.scalar(4, &quantizedBiasType, default: .float32)
      try fields.refuse(5, "a quantization specification")
    case .softmax: try fields.scalar(0, &beta, default: 0)
    case .concatenation:
      try fields.scalar(0, &axis, default: 0)
      try fields.scalar(1, &activation, default: .none)
    case .add, .sub:
      try fields.scalar(0, &activation, default: .none)
      try fields.scalar(1, &hasPowerOfTwoScale, default: true)
    case .mul: try fields.scalar(0, &activation, default: .none)
    case .reshape: try fields.vector(0, &newShape)
    case .reducer: try fields.scalar(0, &keepsDimensions, default: false)
    case .stridedSlice:
      try fields.scalar(0, &beginMask, default: 0)
      try fields.scalar(1, &endMask, default: 0)
      try fields.scalar(2, &ellipsisMask, default: 0)
      try fields.scalar(3, &newAxisMask, default: 0)
      try fields.scalar(4, &shrinkAxisMask, default: 0)
      try fields.scalar(5, &endIsOffset, default: false)
    case .leakyRelu: try fields.scalar(0, &alpha, default: 0)
    case .div: try fields.scalar(0, &activation, default: .none)
    case .resizeBilinear, .resizeNearestNeighbor:
      let first = kind == .resizeBilinear ? 2 : 0
      try fields.scalar(first, &alignsCorners, default: false)
      try fields.scalar(first + 1, &hasHalfPixelCenters, default: false)
    case .spaceToDepth, .depthToSpace: try fields.scalar(0, &blockSize, default: 0)
    case .gather:
      try fields.scalar(0, &axis, default: 0)
      try fields.scalar(1, &batchDimensions, default: 0)
    case .squeeze: try fields.vector(0, &squeezedDimensions)
    case .split, .splitV: try fields.scalar(0, &partCount, default: 0)
    case .pack, .unpack:
      try fields.scalar(0, &partCount, default: 0)
      try fields.scalar(1, &axis, default: 0)
    case .cast:
      try fields.scalar(0, &inputType, default: .float32)
      try fields.scalar(1, &outputType, default: .float32)
    case .argMax, .argMin, .shape: try fields.scalar(0, &outputType, default: .float32)
    case .transposeConv:
      try visitWindow(&fields, activation: 3)
      try fields.scalar(4, &quantizedBiasType, default: .float32)
    case .batchMatMul:
      try fields.scalar(0, &transposesFirst, default: false)
      try fields.scalar(1, &transposesSecond, default: false)
      try fields.scalar(2, &quantizesInputsAsymmetrically, default: false)
    case .callOnce: try fields.scalar(0, &firstSubgraph, default: 0)
    case .varHandle: try fields.string(1, &sharedName)
    case .gelu: try fields.scalar(0, &isApproximate, default: false)
    case .sequenceLSTM:
      try fields.scalar(0, &activation, default: .none)
      try fields.scalar(1, &cellClip, default: 0)
      try fields.scalar(2, &projectionClip, default: 0)
      try fields.scalar(3, &isTimeMajor, default: false)
      try fields.scalar(4, &quantizesInputsAsymmetrically, default: false)
      try fields.scalar(5, &hasDiagonalRecurrence, default: false)
    default: break  // The rest have no values, or are unknown.
    }
  }

  private mutating func visitWindow(
    _ fields: inout some FlatBufferFields, activation field: Int
  ) throws(FlatBufferError) {
    try fields.scalar(0, &padding, default: .same)
    try fields.scalar(1, &strideWidth, default: 0)
    try fields.scalar(2, &strideHeight, default: 0)
    try fields.scalar(field, &activation, default: .none)
  }

  private mutating func visitDilation(
    _ fields: inout some FlatBufferFields, width field: Int
  ) throws(FlatBufferError) {
    try fields.scalar(field, &dilationWidth, default: 1)
    try fields.scalar(field + 1, &dilationHeight, default: 1)
  }
}
