/// A number of TensorFlow Lite's schema that later versions may extend: any value can be read.
package protocol TFLiteNumber: RawRepresentable, Hashable, Sendable {
  /// Creates one from the schema's value, known or not.
  init(rawValue: RawValue)
}

/// A tensor's element type.
package struct TFLiteElementType: TFLiteNumber, FlatBufferScalar {
  /// The schema's value.
  package let rawValue: Int8
  /// Creates a type from the schema's value.
  package init(rawValue: Int8) { self.rawValue = rawValue }

  /// IEEE 754 single precision.
  package static let float32 = Self(rawValue: 0)
  /// 32-bit signed.
  package static let int32 = Self(rawValue: 2)
  /// 8-bit unsigned.
  package static let uint8 = Self(rawValue: 3)
  /// 64-bit signed.
  package static let int64 = Self(rawValue: 4)
  /// True or false, a byte each.
  package static let bool = Self(rawValue: 6)
  /// 16-bit signed.
  package static let int16 = Self(rawValue: 7)
  /// 8-bit signed.
  package static let int8 = Self(rawValue: 9)
  /// 4-bit signed, two a byte.
  package static let int4 = Self(rawValue: 17)
}

/// Where a window lies on its input's border.
package struct TFLitePadding: TFLiteNumber, FlatBufferScalar {
  /// The schema's value.
  package let rawValue: Int8
  /// Creates a padding from the schema's value.
  package init(rawValue: Int8) { self.rawValue = rawValue }

  /// As many outputs as strides begin in the input; what is missing is padded, the odd one after.
  package static let same = Self(rawValue: 0)
  /// Windows that lie in the input whole.
  package static let valid = Self(rawValue: 1)
}

/// What limits an operator's output.
package struct TFLiteActivation: TFLiteNumber, FlatBufferScalar {
  /// The schema's value.
  package let rawValue: Int8
  /// Creates an activation from the schema's value.
  package init(rawValue: Int8) { self.rawValue = rawValue }

  /// Nothing.
  package static let none = Self(rawValue: 0)
  /// At least 0.
  package static let relu = Self(rawValue: 1)
  /// -1 to 1.
  package static let reluMinus1To1 = Self(rawValue: 2)
  /// 0 to 6.
  package static let relu6 = Self(rawValue: 3)
}

/// What an operator computes.
package struct TFLiteOperatorKind: TFLiteNumber, FlatBufferScalar {
  /// The schema's value.
  package let rawValue: Int32
  /// Creates a kind from the schema's value.
  package init(rawValue: Int32) { self.rawValue = rawValue }

  // The names are the schema's in this language's spelling.
  static let add = Self(rawValue: 0)
  static let averagePool2D = Self(rawValue: 1)
  static let concatenation = Self(rawValue: 2)
  static let conv2D = Self(rawValue: 3)
  static let depthwiseConv2D = Self(rawValue: 4)
  static let depthToSpace = Self(rawValue: 5)
  package static let dequantize = Self(rawValue: 6)
  static let floor = Self(rawValue: 8)
  static let fullyConnected = Self(rawValue: 9)
  static let logistic = Self(rawValue: 14)
  static let maxPool2D = Self(rawValue: 17)
  static let mul = Self(rawValue: 18)
  static let relu = Self(rawValue: 19)
  static let relu6 = Self(rawValue: 21)
  static let reshape = Self(rawValue: 22)
  static let resizeBilinear = Self(rawValue: 23)
  static let softmax = Self(rawValue: 25)
  static let spaceToDepth = Self(rawValue: 26)
  static let svdf = Self(rawValue: 27)
  static let tanh = Self(rawValue: 28)
  static let custom = Self(rawValue: 32)
  static let pad = Self(rawValue: 34)
  static let gather = Self(rawValue: 36)
  static let batchToSpaceND = Self(rawValue: 37)
  static let spaceToBatchND = Self(rawValue: 38)
  static let transpose = Self(rawValue: 39)
  static let mean = Self(rawValue: 40)
  static let sub = Self(rawValue: 41)
  static let div = Self(rawValue: 42)
  static let squeeze = Self(rawValue: 43)
  static let sequenceLSTM = Self(rawValue: 44)
  static let stridedSlice = Self(rawValue: 45)
  static let exp = Self(rawValue: 47)
  static let split = Self(rawValue: 49)
  static let logSoftmax = Self(rawValue: 50)
  static let cast = Self(rawValue: 53)
  static let prelu = Self(rawValue: 54)
  static let maximum = Self(rawValue: 55)
  package static let argMax = Self(rawValue: 56)
  static let minimum = Self(rawValue: 57)
  static let neg = Self(rawValue: 59)
  static let padV2 = Self(rawValue: 60)
  static let slice = Self(rawValue: 65)
  static let sin = Self(rawValue: 66)
  static let transposeConv = Self(rawValue: 67)
  static let tile = Self(rawValue: 69)
  static let expandDims = Self(rawValue: 70)
  static let log = Self(rawValue: 73)
  static let sum = Self(rawValue: 74)
  static let sqrt = Self(rawValue: 75)
  static let rsqrt = Self(rawValue: 76)
  static let shape = Self(rawValue: 77)
  package static let argMin = Self(rawValue: 79)
  static let reduceProd = Self(rawValue: 81)
  static let reduceMax = Self(rawValue: 82)
  static let pack = Self(rawValue: 83)
  static let unpack = Self(rawValue: 88)
  static let reduceMin = Self(rawValue: 89)
  static let floorDiv = Self(rawValue: 90)
  static let square = Self(rawValue: 92)
  static let fill = Self(rawValue: 94)
  static let floorMod = Self(rawValue: 95)
  static let range = Self(rawValue: 96)
  static let resizeNearestNeighbor = Self(rawValue: 97)
  static let leakyRelu = Self(rawValue: 98)
  static let squaredDifference = Self(rawValue: 99)
  static let abs = Self(rawValue: 101)
  static let splitV = Self(rawValue: 102)
  static let ceil = Self(rawValue: 104)
  static let reverseV2 = Self(rawValue: 105)
  static let cos = Self(rawValue: 108)
  static let rank = Self(rawValue: 110)
  static let elu = Self(rawValue: 111)
  package static let quantize = Self(rawValue: 114)
  static let round = Self(rawValue: 116)
  static let hardSwish = Self(rawValue: 117)
  static let batchMatMul = Self(rawValue: 126)
  static let callOnce = Self(rawValue: 129)
  static let broadcastTo = Self(rawValue: 130)
  static let varHandle = Self(rawValue: 142)
  static let readVariable = Self(rawValue: 143)
  static let assignVariable = Self(rawValue: 144)
}
