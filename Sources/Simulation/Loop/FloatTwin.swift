import Networks

/// The float model beside the device: the same counts through FFTW in double precision and the float network.
final class FloatTwin {
  let spectrogram: ReferenceSpectrogram
  private let execution: FloatExecution
  private let checkpoint: Checkpoint
  private let microvoltsPerCount: Double
  private let windowCodeCount: Int
  /// The network's input, column by column, of all columns so far.
  private var input: [Float] = []
  /// The levels of all columns so far, before rounding: `[column, bin]`.
  private(set) var levels: [Float] = []

  init(_ checkpoint: Checkpoint, microvoltsPerCount: Float, columnCapacity: Int) throws(InvalidNetwork) {
    self.checkpoint = checkpoint
    self.microvoltsPerCount = Double(microvoltsPerCount)
    spectrogram = ReferenceSpectrogram(checkpoint.settings)
    execution = try FloatExecution(FloatGraph(checkpoint))
    windowCodeCount = checkpoint.specification.inputColumns * checkpoint.settings.binCount
    input.reserveCapacity(columnCapacity * checkpoint.settings.binCount)
    levels.reserveCapacity(columnCapacity * checkpoint.settings.binCount)
  }

  /// Takes a sample, in counts.
  ///
  /// Returns whether it completed a column.
  func push(_ sample: Int16) -> Bool {
    guard spectrogram.push(Double(sample) * microvoltsPerCount) else { return false }
    let settings = checkpoint.settings
    for level in spectrogram.latestColumn {
      levels.append(Float(level))
      input.append(Float((level - settings.centerLevel) / settings.levelsPerUnit))
    }
    return true
  }

  /// The logits of the window that ends with the newest column.
  func decide() -> [Float] {
    execution.logits(ofWindow: Array(input.suffix(windowCodeCount)))
  }
}
