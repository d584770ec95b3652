/// A model's front end at work, whichever it is: a view of memory that was checked.
///
/// Each lead has a filter and a window of samples of its own; a column holds, bin by bin, the code of each lead.
@safe
struct StreamingFrontEnd {
  private let record: FrontEndRecord
  private let words: UnsafeMutablePointer<Int32>
  private let scratch: UnsafeMutableRawPointer
  private let leadCount: Int

  /// The front end of a model's record; the scratch of a validated model is enough for it.
  @inline(__always)
  init(
    _ record: FrontEndRecord, leadCount: Int, state: UnsafeMutableRawPointer, scratch: UnsafeMutableRawPointer
  ) {
    self.record = record
    self.leadCount = leadCount
    unsafe words = state.assumingMemoryBound(to: Int32.self)
    unsafe self.scratch = scratch
  }

  @inline(__always)
  private func samples(ofLead lead: Int) -> SampleWindow {
    let offset = lead &* SampleWindow.wordCount(windowSamples: record.windowSamples)
    return unsafe SampleWindow(record, words: words + offset)
  }

  /// Forgets all samples.
  func reset() {
    var leads = Indices(to: leadCount)
    while let lead = leads.next() { samples(ofLead: lead).reset() }
  }

  /// The samples of a lead that are still missing for the next column.
  var samplesUntilColumn: Int { samples(ofLead: 0).samplesUntilColumn }

  /// Takes a frame.
  ///
  /// Returns whether a column is complete.
  @inline(__always)
  func push(_ frame: some Frame) -> Bool {
    let isColumn = samples(ofLead: 0).push(frame[0])
    var leads = Indices(from: 1, to: frame.leadCount)
    while let lead = leads.next() { _ = samples(ofLead: lead).push(frame[lead]) }
    return isColumn
  }

  /// Takes frames, one at least, up to the first one that completes a column.
  ///
  /// Returns how many were taken, and whether a column is complete with the last of them.
  @inline(__always)
  func push(_ frames: UnsafePointer<Int16>, count: Int) -> (count: Int, isColumn: Bool) {
    let taken = unsafe samples(ofLead: 0).push(frames, stride: leadCount, count: count)
    var leads = Indices(from: 1, to: leadCount)
    while let lead = leads.next() {
      // Its own count may have lost a bit: its columns are nobody's.
      var place = 0
      while place < taken.count {
        let first = unsafe frames + (place &* leadCount &+ lead)
        place &+= unsafe samples(ofLead: lead).push(first, stride: leadCount, count: taken.count &- place)
          .count
      }
    }
    return taken
  }

  /// Computes the newest column.
  func computeColumn(into column: UnsafeMutablePointer<Int8>) {
    switch FrontEndPlan(record.image, at: record.place) {
    case .spectrogram(let plan):
      if Built.leads, leadCount > 1 {
        unsafe computeLeads(plan, into: column)
      } else {
        unsafe compute(plan, ofLead: 0, into: column)
      }
    case .samples(let plan):
      guard Built.sampleFrontEnd else { return }
      unsafe column[0] = plan.code(samples(ofLead: 0).newest[0])
      var leads = Indices(from: 1, to: leadCount)
      while let lead = leads.next() { unsafe column[lead] = plan.code(samples(ofLead: lead).newest[0]) }
    case .beats: break
    }
  }

  private func compute(_ plan: SpectrogramPlan, ofLead lead: Int, into codes: UnsafeMutablePointer<Int8>) {
    var spectrogram = unsafe StreamingSpectrogram(
      plan: plan, samples: samples(ofLead: lead), scratch: scratch)
    unsafe spectrogram.computeColumn(into: codes)
  }

  /// Computes each lead's codes, and puts them beside one another.
  private func computeLeads(_ plan: SpectrogramPlan, into column: UnsafeMutablePointer<Int8>) {
    // The transform has served when the codes come, and is longer than they are.
    let codes = unsafe scratch.assumingMemoryBound(to: Int8.self)
    var leads = Indices(to: leadCount)
    while let lead = leads.next() {
      unsafe compute(plan, ofLead: lead, into: codes)
      var bins = Indices(to: plan.binCount)
      while let bin = bins.next() { unsafe column[bin &* leadCount &+ lead] = codes[bin] }
    }
  }
}
