import CQuantInfer
import QuantInfer

/// Why a call is refused.
package struct Refusal: Error {
  /// The number of the header.
  package let status: quantinfer_status

  /// Creates a refusal of one of the header's constants, which C has as an `int`.
  @inline(__always)
  package init(_ constant: Int) { status = quantinfer_status(truncatingIfNeeded: constant) }

  /// Creates a refusal of a status that a part in C gave.
  @inline(__always)
  package init(_ status: quantinfer_status) { self.status = status }

  /// An image's errors have the same numbers.
  package init(_ error: ModelError) {
    status = quantinfer_status(truncatingIfNeeded: Int(error.kind.rawValue))
  }

  package init(_ error: MemoryError) {
    switch error {
    case .tooSmall: self.init(QUANTINFER_MEMORY_TOO_SMALL)
    case .misaligned: self.init(QUANTINFER_MEMORY_MISALIGNED)
    case .notStreamable: self.init(QUANTINFER_NOT_STREAMABLE)
    case .decidesByClockAlone: self.init(QUANTINFER_BY_CLOCK_ALONE)
    case .decidesAtBeatsAlone: self.init(QUANTINFER_AT_BEATS_ALONE)
    case .unsupportedSampleRate: self.init(QUANTINFER_SAMPLE_RATE)
    case .noSuchLead: self.init(QUANTINFER_OPTIONS)
    case .notBuilt: self.init(QUANTINFER_NOT_BUILT)
    }
  }

  package init(_ error: SavedStateError) {
    switch error {
    case .truncated: self.init(QUANTINFER_SAVED_TRUNCATED)
    case .notASavedState: self.init(QUANTINFER_NOT_A_SAVED_STATE)
    case .unsupportedVersion: self.init(QUANTINFER_SAVED_VERSION)
    case .otherOwner: self.init(QUANTINFER_SAVED_OWNER)
    case .checksumMismatch: self.init(QUANTINFER_SAVED_CHECKSUM)
    case .impossibleState: self.init(QUANTINFER_SAVED_IMPOSSIBLE)
    }
  }
}

/// The status of a call that did what it was asked.
@inline(__always)
package var accepted: quantinfer_status { quantinfer_status(truncatingIfNeeded: QUANTINFER_OK) }

extension Model {
  /// Checks an image in the caller's memory.
  @inline(__always)
  package init(image: UnsafeRawPointer?, byteCount: Int) throws(Refusal) {
    guard let image = unsafe image else { throw Refusal(QUANTINFER_NULL) }
    do throws(ModelError) {
      self = try unsafe Model(validating: UnsafeRawBufferPointer(start: image, count: max(0, byteCount)))
    } catch {
      throw Refusal(error)
    }
  }
}
