/// Why a model image was refused.
public struct ModelError: Error, Equatable, Sendable {
  /// What is wrong.
  public enum Kind: UInt8, Sendable {
    /// The image ends before its header or before a section that it names.
    case truncated = 1
    /// It doesn't begin with `QINF`.
    case notAModelImage
    /// Its format version is not the one that this runtime reads.
    case unsupportedVersion
    /// The CRC-32 differs: a bit was flipped.
    case checksumMismatch
    /// The image's first byte is not at a multiple of 4.
    case misaligned
    /// A table or a constant lies outside the image, or is not aligned.
    case offsetOutOfRange
    /// A tensor's type, shape or place in the arena is not possible.
    case invalidTensor
    /// An operator's kind is not in this runtime.
    case unsupportedOperator
    /// An operator's shapes, kernel or options don't fit together.
    case invalidOperator
    /// A multiplier or shift is out of its range.
    case invalidMultiplier
    /// Some input could overflow an operator's sum, and the operator isn't marked so.
    case accumulatorOverflow
    /// The front end's settings or tables are not possible.
    case invalidFrontEnd
    /// The streaming plan doesn't fit the operators or the state.
    case invalidStreamingPlan
    /// The image asks for more memory than any device has, or for more than the caller's limits.
    case beyondLimits
    /// A section that must be understood is of no kind that this runtime knows.
    case unsupportedSection
    /// There are no leads, more than this runtime takes, or several of beats.
    case unsupportedLeads
  }

  /// What is wrong.
  public var kind: Kind
  /// Where in the image, in bytes from its start.
  public var byteOffset: Int

  /// Creates an error.
  public init(_ kind: Kind, at byteOffset: Int) {
    self.kind = kind
    self.byteOffset = byteOffset
  }
}
