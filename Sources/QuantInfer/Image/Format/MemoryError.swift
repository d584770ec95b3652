/// Why an engine could not be set up in the memory given to it.
public enum MemoryError: Error, Equatable, Sendable {
  /// Fewer bytes than the model needs.
  case tooSmall(requiredByteCount: Int)
  /// The first byte is not at a multiple of 4.
  case misaligned
  /// The model has no front end, or no streaming plan.
  case notStreamable
  /// With its strides along time the model can't decide at every column, and so not at the delay after a beat that it was
  /// trained with; see `StreamingLayout.columnsPerDecision`.
  case decidesByClockAlone
  /// Beats are the model's input: it decides at them alone, not by the clock, and has no network to put to sleep.
  case decidesAtBeatsAlone
  /// The beat detector doesn't work at this sampling rate.
  case unsupportedSampleRate
  /// The beat detector is to listen to a lead that the model hasn't.
  case noSuchLead
  /// An option needs what this build was made without: `QUANTINFER_SLEEP`, `QUANTINFER_RHYTHM` or `QUANTINFER_WHOLE_WINDOW`.
  case notBuilt
}

/// The first byte of memory that is large enough and aligned.
func checkedStart(
  of memory: UnsafeMutableRawBufferPointer, byteCount: Int
) throws(MemoryError) -> UnsafeMutableRawPointer {
  guard memory.count >= byteCount, let start = memory.baseAddress else {
    throw .tooSmall(requiredByteCount: byteCount)
  }
  guard UInt(bitPattern: start) % UInt(ModelFormat.alignment) == 0 else { throw .misaligned }
  return unsafe start
}
