/// The model image's layout, format version 3: what the exporter writes and the runtime reads.
///
/// All numbers are little-endian; offsets are bytes from the image's start unless said otherwise. The image is
/// read in place and starts at a multiple of 4. See <doc:ImageFormat>.
public enum ModelFormat {
  /// The first four bytes, `QINF`.
  public static let magic: UInt32 = 0x464E_4951
  /// The version that this runtime reads and the exporter writes.
  public static let version: UInt16 = 3
  /// The multiple at which the image, its tables and constants start.
  public static let alignment = 4

  /// No front end takes more leads.
  public static let greatestLeadCount: UInt32 = 4

  /// No tensor has more dimensions.
  public static let greatestRank = 6

  /// Offsets in the header.
  public enum Header {
    /// `UInt32`, see `ModelFormat.magic`.
    public static let magic = 0
    /// `UInt16`, see `ModelFormat.version`.
    public static let version = 4
    /// `UInt32`, the image's size; a signature may follow, see `Signature`.
    public static let imageByteCount = 8
    /// `UInt32`, CRC-32 of all other bytes: see `ModelFormat.checksum`.
    public static let checksum = 12
    /// `UInt32`, offset of the section records.
    public static let sections = 16
    /// `UInt32`, their number.
    public static let sectionCount = 20
    /// 32 bytes, SHA-256 of the image with 0 in place of these bytes and of the checksum's.
    ///
    /// The exporter computes it; the runtime compares it and hands it on.
    public static let digest = 24
    /// The digest's size.
    public static let digestByteCount = 32
    /// The header's size.
    public static let byteCount = 72
  }

  /// Offsets in a section's record.
  public enum Section {
    /// `UInt16`, see `SectionKind`.
    public static let kind = 0
    /// `UInt8`, the network that it belongs to: 0, or 1 for a second one.
    public static let network = 2
    /// `UInt8`, 1 where a reader that doesn't know the kind must refuse the image; otherwise 0.
    public static let isRequired = 3
    /// `UInt32`, offset of the content.
    public static let content = 4
    /// `UInt32`, its size; a section without content isn't there.
    public static let contentByteCount = 8
    /// The record's size.
    public static let byteCount = 16
  }

  /// Offsets in a network's record.
  public enum Network {
    /// `UInt32`, the arena of a whole-window run: the tensors.
    public static let arenaByteCount = 0
    /// `UInt32`, what kernels and front end use while they run; with more of it they can be faster.
    public static let scratchByteCount = 4
    /// `UInt32`, what a streaming run keeps between samples; 0 where the network can't stream.
    public static let stateByteCount = 8
    /// `UInt32`, offset of the tensor records.
    public static let tensors = 12
    /// `UInt32`, their number.
    public static let tensorCount = 16
    /// `UInt32`, offset of the operator records, in order of execution.
    public static let operators = 20
    /// `UInt32`, their number.
    public static let operatorCount = 24
    /// `UInt32`, offset of the port records: the inputs, then the outputs.
    public static let ports = 28
    /// `UInt16` each: the number of inputs and that of outputs.
    public static let portCounts = 32
    /// `UInt32`, offset of the front end's record; 0 where there is none.
    public static let frontEnd = 36
    /// `UInt16`, the number of leads that the front end takes a sample of at a time: 1...4; of a front end of beats, and
    /// without one, 1.
    public static let leadCount = 40
    /// The record's size.
    public static let byteCount = 44
  }

  /// The most bytes that arena, scratch and state take, each: 2^28.
  ///
  /// A device's memory is their sum with its record, a few hundred bytes, and stays within the 31 bits of a size on a
  /// 32-bit core.
  public static let greatestMemoryByteCount = 1 << 28

  /// Offsets in a tensor's record.
  public enum Tensor {
    /// `UInt8`, see `ElementType`.
    public static let elementType = 0
    /// `UInt8`, the number of dimensions: 0...6.
    public static let rank = 1
    /// `UInt8`, see `TensorStorage`.
    public static let storage = 2
    /// `UInt16`, its index in the model that the network was imported from.
    public static let sourceIndex = 4
    /// `UInt16`, who fills it first: an operator, or `firstInput` plus the number of an input; any number of others.
    ///
    /// So a reader sees at once that an operator reads what is there.
    public static let writer = 6
    /// From here on a writer is an input of the network.
    public static let firstInput = 0x8000
    /// `UInt32` each: the dimensions, outermost first, then 1 for those that there aren't.
    public static let shape = 8
    /// `Int32`, the code of real 0.
    public static let zeroPoint = 32
    /// `UInt32`, the scale's IEEE 754 bits: real = scale * (code - zeroPoint).
    ///
    /// The runtime only hands it on.
    public static let scaleBits = 36
    /// `UInt32`, the tensor's place in the arena, or a constant's in the image: a multiple of its element's size.
    public static let place = 40
    /// The record's size.
    public static let byteCount = 44
  }

  /// Offsets in a port's record.
  public enum Port {
    /// `UInt16`, index of the tensor.
    public static let tensor = 0
    /// `UInt16`, see `PortBorder`.
    public static let border = 2
    /// `UInt16`, index in the source model of the operator between the caller's values and codes.
    public static let operatorIndex = 4
    /// `UInt16`, index in the source model of the tensor that this operator writes.
    public static let tensorIndex = 6
    /// The record's size.
    public static let byteCount = 8
  }

  /// Offsets in an operator's record.
  public enum Operator {
    /// `UInt16`, see `OperatorKind`.
    public static let kind = 0
    /// `UInt16`, its index in the model that the network was imported from.
    public static let sourceIndex = 2
    /// `UInt16`, the number of tensors that it reads.
    public static let inputCount = 4
    /// `UInt16`, index of the output tensor.
    public static let output = 6
    /// `UInt32`, offset of a `UInt16` an input: the tensors' indices.
    public static let inputs = 8
    /// `UInt32`, offset of the constants that its kind has.
    public static let parameters = 12
    /// `Int16` each: the least and the greatest output code, from the fused activation.
    public static let activation = 16
    /// `UInt32`, place of the input's ring of columns in the streaming state.
    public static let ring = 20
    /// `UInt16`, the ring's length in columns; 0 where the network can't stream.
    public static let ringColumnCount = 24
    /// `UInt16`, 1 where running sums lie behind the ring; otherwise 0.
    public static let hasRunningSums = 26
    /// The record's size.
    public static let byteCount = 28
  }

  /// Offsets in the front end's record: a spectrogram's, that of raw samples, whose window is 1, or that of beats, whose
  /// window is 0.
  public enum FrontEnd {
    /// `UInt32`, the samples' rate in millihertz.
    public static let sampleRateMillihertz = 0
    /// `UInt16`, the transform's length in samples: a power of two in 16...512; 1 for raw samples.
    public static let windowSamples = 4
    /// `UInt16`, samples from one column to the next; 1 for raw samples.
    public static let hopSamples = 6
    /// `UInt16`, the first frequency bin; 0 for raw samples.
    public static let firstBin = 8
    /// `UInt16`, the number of bins; 1 for raw samples.
    public static let binCount = 10
    /// `UInt8`, see `HighPassFilter`; 0 for raw samples that aren't filtered.
    public static let highPassShift = 12
    /// `Int8`, the transform's exponent never falls below this, so that the floor fits 32 bits.
    public static let minimumExponent = 13
    /// `UInt16`, codes for a doubling of the power, in Q6: 1...4096; and `directTransform`.
    public static let codesPerPowerDoublingQ6 = 14
    /// `UInt32`, offset of an `Int32` a sample: the window in Q31.
    public static let window = 16
    /// `UInt32`, offset of two `Int16` (cosine, sine) for each angle `2 pi k / windowSamples`, k below half the
    /// window: in Q14.
    ///
    /// Of a direct transform, for each bin a row of cosines and one of sines, `windowSamples / 4` `Int16` each,
    /// with `18 - log2(windowSamples)` bits behind the point: of `-2 pi bin (m + 1/2) / windowSamples`, m from 0 on.
    public static let twiddles = 20
    /// The bit of `codesPerPowerDoublingQ6` that says that the transform is direct.
    public static let directTransform: UInt16 = 1 << 15
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
    /// Raw samples: two `Int32`, the mantissa and left shift from Q12 counts to codes.
    public static let sampleMultiplier = 16
    /// Raw samples: `Int32`, the Q12 counts that become `zeroLevelCode`.
    public static let sampleOffsetQ12 = 24
    /// Beats: `UInt16`, the samples from the first point to the beat.
    public static let leadSamples = 8
    /// Beats: `UInt8`, the binary logarithm of a fine point's samples: 0...3.
    public static let pointShift = 13
    /// Beats: `UInt16`, the interval to a next beat that is later, or not there, in samples.
    public static let nextLimitSamples = 14
    /// Beats: three `UInt8`, the coarse points in front, the fine ones, the coarse ones behind.
    public static let pointCounts = 16
    /// Beats: `UInt8`, the known beats that the network is asked about before its mean answer is taken.
    public static let askCount = 19
    /// Beats: `UInt32`, offset of an `Int32`, a second's binary logarithm in samples in Q16, and two for each figure of the
    /// intervals: its mean in Q16, and its codes a unit in Q2.
    public static let intervalFigures = 20
    /// Beats: `UInt16`, how far a known beat is from the template at most, in 256ths of that; 0 for none that is known.
    public static let knownDistanceQ8 = 24
    /// Beats: `UInt8`, how far from the sensed sample the beat's peak is looked for, in samples; 0 for a beat that stays where
    /// it was sensed.
    public static let reachSamples = 26
    /// Beats: `UInt8`, the known beats from one that teaches the template to the next, in 1...32.
    public static let teachEvery = 27
    /// Beats: `Int32`, the least interval of a known beat against the mean of eight, in Q16 octaves.
    public static let leastIntervalLog2Q16 = 28
    /// Beats: `Int32`, the greatest.
    public static let mostIntervalLog2Q16 = 32
    /// Beats: `Int32`, how far a beat moves a point of the template at most, in Q4.
    public static let templateStepQ4 = 36
    /// The record's size.
    public static let byteCount = 44
  }

  /// The streaming state's layout.
  public enum State {
    /// The front end's part: the filter's two values, the ring's position and the samples till the next column with
    /// their parity in bit 15, four `Int32`, then an `Int32` for each sample of the window, of which raw samples have one.
    ///
    /// Of several leads so many such parts, one after the other, whose counts are the same.
    public static func frontEndByteCount(windowSamples: Int, leadCount: Int = 1) -> Int {
      leadCount &* (16 &+ 4 &* windowSamples)
    }
    /// A cursor for each operator's ring: the next column's place, and the number of new columns until the operator's
    /// next output with its parity in bit 15, two `UInt16`.
    public static let cursorByteCount = 4
    /// The most columns of a ring, and the greatest product of strides.
    public static let greatestColumnCount = 32_767
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

/// What a section holds.
public enum SectionKind: UInt16, Sendable {
  /// A network's record: see `ModelFormat.Network`.
  case network = 1
  /// The class names: UTF-8, a line a class.
  case classNames = 2
  /// The provenance: UTF-8, a line `key=value` each.
  case provenance = 3
  /// The name of the task that the network answers, UTF-8.
  case task = 4
}

/// Where a tensor's codes lie.
public enum TensorStorage: UInt8, Sendable {
  /// In the arena.
  case computed = 0
  /// In the image.
  case constant
  /// In the arena, kept from one run to the next.
  case variable
}
