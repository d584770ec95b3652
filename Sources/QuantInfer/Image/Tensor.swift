/// A tensor of integer codes, the last dimension's next to each other.
///
/// An ECG network's tensors are `[1, time, frequency, channel]`. Kernels that move along time and frequency see
/// every tensor like that: dimensions that a tensor lacks in front count 1, all before the last three are batches.
public struct Tensor: Equatable, Sendable {
  /// The codes' type.
  public let type: ElementType
  /// The number of dimensions.
  public let rank: Int
  /// Where the codes lie.
  public let storage: TensorStorage
  /// Its index in the model that the network was imported from.
  public let sourceIndex: Int
  /// The product of all dimensions before the last three.
  public let batchCount: Int
  /// The last dimension but two: the number of columns.
  public let timeCount: Int
  /// The last dimension but one: the number of rows in a column.
  public let frequencyCount: Int
  /// The last dimension.
  public let channelCount: Int
  /// The code of real 0, one of the type's codes.
  public let zeroPoint: Int32
  /// The scale's IEEE 754 bits: real = scale * (code - zeroPoint).
  public let scaleBits: UInt32
  /// The place in the arena, or a constant's in the image, in bytes.
  public let byteOffset: Int
  /// The number of codes.
  public let count: Int

  /// The number of codes in a column.
  public var columnCount: Int { frequencyCount &* channelCount }
  /// The size of a column, in bytes.
  public var columnByteCount: Int { columnCount &* type.byteCount }
  /// The size of the tensor, in bytes.
  public var byteCount: Int { count &* type.byteCount }

  /// The same tensor, one batch of another number of columns.
  func columns(_ timeCount: Int) -> Tensor {
    Tensor(self, timeCount: timeCount)
  }

  private init(_ other: Tensor, timeCount: Int) {
    (type, rank, storage, sourceIndex) = (other.type, other.rank, other.storage, other.sourceIndex)
    (batchCount, frequencyCount, channelCount) = (1, other.frequencyCount, other.channelCount)
    (zeroPoint, scaleBits, byteOffset) = (other.zeroPoint, other.scaleBits, other.byteOffset)
    self.timeCount = timeCount
    count = timeCount &* other.columnCount
  }

  /// No tensor has more codes, so that places and their differences fit 32 bits.
  static let greatestCount = 1 << 28

  /// Checks a record.
  static func validate(_ image: ImageBytes, at place: Int, arena: Int) throws(ModelError) {
    typealias Field = ModelFormat.Tensor
    guard let type = ElementType(rawValue: image.byte(at: place &+ Field.elementType)),
      TensorStorage(rawValue: image.byte(at: place &+ Field.storage)) != nil,
      image.byte(at: place &+ Field.rank) <= ModelFormat.greatestRank
    else { throw ModelError(.invalidTensor, at: place) }
    guard Built.int16 || type == .int8 else { throw ModelError(.unsupportedOperator, at: place) }
    var count = 1
    for axis in 0..<ModelFormat.greatestRank {
      let length = image.number(at: place &+ Field.shape &+ 4 &* axis)
      guard length > 0, length <= quotient(Self.greatestCount, count) else {
        throw ModelError(.invalidTensor, at: place &+ Field.shape &+ 4 &* axis)
      }
      count &*= length
    }
    let tensor = Tensor(validated: image, at: place)
    guard type.codes.contains(Int(tensor.zeroPoint)), isPositiveAndFinite(floatBits: tensor.scaleBits) else {
      throw ModelError(.invalidTensor, at: place &+ Field.zeroPoint)
    }
    if tensor.storage == .constant {
      try image.offset(at: place &+ Field.place, count: count, stride: type.byteCount)
    }
    let byteOffset = tensor.byteOffset
    guard byteOffset >= 0, byteOffset & (type.byteCount &- 1) == 0,
      tensor.storage == .constant || (byteOffset <= arena && tensor.byteCount <= arena &- byteOffset)
    else { throw ModelError(.invalidTensor, at: place &+ Field.place) }
  }

  /// Reads a record that was checked before.
  #if arch(x86_64) || arch(arm64)
    // A record that is copied in wider pieces than it was written in waits for memory: longer than to read it.
    @inline(__always)
  #endif
  init(validated image: ImageBytes, at place: Int) {
    typealias Field = ModelFormat.Tensor
    type =
      !Built.int16 || image.byte(at: place &+ Field.elementType) == ElementType.int8.rawValue ? .int8 : .int16
    storage = TensorStorage(rawValue: image.byte(at: place &+ Field.storage)) ?? .computed
    let dimensions = TensorDimensions(image, at: place)
    rank = dimensions.rank
    sourceIndex = Int(image.half(at: place &+ Field.sourceIndex))
    channelCount = dimensions.beforeEnd(1)
    frequencyCount = dimensions.beforeEnd(2)
    timeCount = dimensions.beforeEnd(3)
    batchCount = dimensions.beforeEnd(4) &* dimensions.beforeEnd(5) &* dimensions.beforeEnd(6)
    count = batchCount &* timeCount &* frequencyCount &* channelCount
    zeroPoint = image.signedWord(at: place &+ Field.zeroPoint)
    scaleBits = image.word(at: place &+ Field.scaleBits)
    byteOffset = image.number(at: place &+ Field.place)
  }
}

/// The dimensions in a tensor's record, from the last one on.
@safe
struct TensorDimensions {
  let rank: Int
  private let image: ImageBytes
  private let end: Int

  @inline(__always)
  init(_ image: ImageBytes, at place: Int) {
    self.image = image
    rank = Int(image.byte(at: place &+ ModelFormat.Tensor.rank))
    end = place &+ ModelFormat.Tensor.shape &+ 4 &* rank
  }

  /// The dimension so many before the end; 1 where there is none.
  @inline(__always)
  func beforeEnd(_ back: Int) -> Int { back > rank ? 1 : image.number(at: end &- 4 &* back) }
}

/// A tensor at the network's border.
public struct Port: Equatable, Sendable {
  /// The tensor's index.
  public let tensorIndex: Int
  /// What the caller's values are in the source model; the runtime takes and gives codes all the same.
  public let border: PortBorder
  /// The index in the source model of the operator between those values and the codes.
  public let sourceOperatorIndex: Int
  /// The index in the source model of the tensor that this operator writes.
  public let sourceTensorIndex: Int
}

/// What a source model's caller has where the runtime has codes.
public enum PortBorder: UInt16, Sendable {
  /// The codes.
  case codes = 0
  /// Real numbers.
  case float
  /// Codes of uint8, 128 above the int8 ones.
  case unsigned
  /// For each row of codes the index of the greatest, the first of equals.
  case greatestIndex
  /// For each row of codes the index of the least, the first of equals.
  case leastIndex
}

/// Whether the bits of an IEEE 754 number of 32 bits are those of one above zero, and neither infinite nor NaN.
func isPositiveAndFinite(floatBits: UInt32) -> Bool { floatBits > 0 && floatBits < 0x7F80_0000 }
