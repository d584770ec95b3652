/// A tensor `[time, frequency, channel]` of int8 codes, channels next to each other.
public struct Tensor: Equatable, Sendable {
  /// The number of columns.
  public let timeCount: Int
  /// The number of rows in a column.
  public let frequencyCount: Int
  /// The number of channels.
  public let channelCount: Int
  /// The code of real 0, in -128...127.
  public let zeroPoint: Int32
  /// The scale's IEEE 754 bits: real = scale * (code - zeroPoint).
  public let scaleBits: UInt32
  /// The tensor's place in the arena, in bytes.
  public let arenaOffset: Int

  /// The size of a column, in bytes.
  public var columnByteCount: Int { frequencyCount &* channelCount }
  /// The size of the tensor, in bytes and codes.
  public var byteCount: Int { timeCount &* columnByteCount }

  /// No dimension is longer than this, so that products of two fit 32 bits.
  static let longestDimension = 32_767

  /// Reads a record and checks it.
  init(_ image: ImageBytes, at place: Int, arena: Range<Int>) throws(ModelError) {
    self.init(validated: image, at: place)
    guard ElementType(rawValue: image.byte(at: place + ModelFormat.Tensor.elementType)) == .int8,
      (-128...127).contains(zeroPoint), isPositiveAndFinite(floatBits: scaleBits)
    else { throw ModelError(.invalidTensor, at: place) }
    let lengths = 1...Self.longestDimension
    guard lengths.contains(timeCount), lengths.contains(frequencyCount), lengths.contains(channelCount),
      columnByteCount <= Int(Int32.max) / timeCount, arena.contains(arenaOffset),
      byteCount <= arena.upperBound - arenaOffset
    else { throw ModelError(.invalidTensor, at: place + ModelFormat.Tensor.shape) }
  }

  /// Reads a record that was checked before.
  init(validated image: ImageBytes, at place: Int) {
    typealias Field = ModelFormat.Tensor
    timeCount = Int(truncatingIfNeeded: image.signedWord(at: place + Field.shape))
    frequencyCount = Int(truncatingIfNeeded: image.signedWord(at: place + Field.shape + 4))
    channelCount = Int(truncatingIfNeeded: image.signedWord(at: place + Field.shape + 8))
    zeroPoint = image.signedWord(at: place + Field.zeroPoint)
    scaleBits = image.word(at: place + Field.scaleBits)
    arenaOffset = Int(truncatingIfNeeded: image.signedWord(at: place + Field.arenaOffset))
  }

  /// Whether two tensors share a byte of the arena.
  func overlaps(_ other: Tensor) -> Bool {
    arenaOffset < other.arenaOffset + other.byteCount && other.arenaOffset < arenaOffset + byteCount
  }
}

/// Whether the bits of an IEEE 754 number of 32 bits are those of one above zero, and neither infinite nor NaN.
func isPositiveAndFinite(floatBits: UInt32) -> Bool { floatBits > 0 && floatBits < 0x7F80_0000 }
