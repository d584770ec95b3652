/// A model's front end at work, whichever it is.
@safe
struct StreamingFrontEnd: ~Copyable {
  private let plan: FrontEndPlan
  private let samples: SampleWindow
  private let scratch: UnsafeMutableRawPointer

  /// A front end in the caller's memory, with all samples forgotten; see `StreamingSpectrogram`.
  ///
  /// The scratch has been checked: a model's is enough for its front end.
  init(
    _ plan: FrontEndPlan, state: UnsafeMutableRawBufferPointer, scratch: UnsafeMutableRawPointer
  ) throws(MemoryError) {
    samples = try unsafe SampleWindow(plan.record, state: state)
    self.plan = plan
    unsafe self.scratch = scratch
  }

  /// Forgets all samples.
  func reset() { samples.reset() }

  /// Takes a sample, in counts.
  ///
  /// Returns whether a column is complete.
  @inline(__always)
  func push(_ sample: Int16) -> Bool { samples.push(sample) }

  /// Computes the newest column.
  func computeColumn(into column: UnsafeMutablePointer<Int8>) {
    switch plan {
    case .spectrogram(let plan):
      var spectrogram = unsafe StreamingSpectrogram(plan: plan, samples: samples, scratch: scratch)
      unsafe spectrogram.computeColumn(into: column)
    case .samples(let plan): if Built.sampleFrontEnd { unsafe column[0] = plan.code(samples.newest[0]) }
    }
  }
}
