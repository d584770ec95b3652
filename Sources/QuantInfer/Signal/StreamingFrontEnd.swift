/// A model's front end at work, whichever it is.
@safe
struct StreamingFrontEnd: ~Copyable {
  private let plan: FrontEndPlan
  private let samples: SampleWindow
  /// The transform; nil for raw samples.
  private var spectrogram: StreamingSpectrogram?

  /// A front end in the caller's memory, with all samples forgotten; see `StreamingSpectrogram`.
  init(
    _ plan: FrontEndPlan, state: UnsafeMutableRawBufferPointer, scratch: UnsafeMutableRawBufferPointer
  ) throws(MemoryError) {
    let samples = try unsafe SampleWindow(plan, state: state)
    let spectrogram = try unsafe Self.spectrogram(plan, state: state, scratch: scratch)
    self.plan = plan
    self.samples = samples
    self.spectrogram = spectrogram
  }

  private static func spectrogram(
    _ plan: FrontEndPlan, state: UnsafeMutableRawBufferPointer, scratch: UnsafeMutableRawBufferPointer
  ) throws(MemoryError) -> StreamingSpectrogram? {
    guard case .spectrogram(let plan) = plan else { return nil }
    return try unsafe StreamingSpectrogram(plan: plan, state: state, scratch: scratch)
  }

  /// Forgets all samples.
  func reset() { samples.reset() }

  /// Takes a sample, in counts.
  ///
  /// Returns whether a column is complete.
  @inline(__always)
  func push(_ sample: Int16) -> Bool { samples.push(sample) }

  /// Computes the newest column.
  @inline(__always)
  mutating func computeColumn(into column: UnsafeMutablePointer<Int8>) {
    switch plan {
    case .spectrogram: unsafe spectrogram?.computeColumn(into: column)
    case .samples(let plan): unsafe column[0] = plan.code(samples[0])
    }
  }
}
