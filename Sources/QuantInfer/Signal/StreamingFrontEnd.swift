/// A model's front end at work, whichever it is: a view of memory that was checked.
@safe
struct StreamingFrontEnd {
  private let record: FrontEndRecord
  private let samples: SampleWindow
  private let scratch: UnsafeMutableRawPointer

  /// The front end of a model's record; the scratch of a validated model is enough for it.
  @inline(__always)
  init(_ record: FrontEndRecord, state: UnsafeMutableRawPointer, scratch: UnsafeMutableRawPointer) {
    self.record = record
    unsafe samples = SampleWindow(record, words: state.assumingMemoryBound(to: Int32.self))
    unsafe self.scratch = scratch
  }

  /// Forgets all samples.
  func reset() { samples.reset() }

  /// The samples that are still missing for the next column.
  var samplesUntilColumn: Int { samples.samplesUntilColumn }

  /// Takes a sample, in counts.
  ///
  /// Returns whether a column is complete.
  @inline(__always)
  func push(_ sample: Int16) -> Bool { samples.push(sample) }

  /// Computes the newest column.
  func computeColumn(into column: UnsafeMutablePointer<Int8>) {
    switch FrontEndPlan(record.image, at: record.place) {
    case .spectrogram(let plan):
      var spectrogram = unsafe StreamingSpectrogram(plan: plan, samples: samples, scratch: scratch)
      unsafe spectrogram.computeColumn(into: column)
    case .samples(let plan): if Built.sampleFrontEnd { unsafe column[0] = plan.code(samples.newest[0]) }
    case .beats: break
    }
  }
}
