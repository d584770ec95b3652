/// A sample of each lead, taken at the same time, in counts.
///
/// What takes samples is written once, for any number of leads; for one lead the compiler drops what further leads need.
protocol Frame {
  /// A frame of a block, by its place; of so many leads.
  init(_ index: Int, of samples: UnsafePointer<Int16>, leadCount: Int)

  /// The number of leads.
  var leadCount: Int { get }

  /// A lead's sample.
  subscript(lead: Int) -> Int16 { get }
}

/// A frame of one lead.
struct OneSample: Frame {
  private let sample: Int16

  @inline(__always)
  init(_ sample: Int16) { self.sample = sample }

  @inline(__always)
  init(_ index: Int, of samples: UnsafePointer<Int16>, leadCount: Int) { sample = unsafe samples[index] }

  @inline(__always)
  var leadCount: Int { 1 }

  @inline(__always)
  subscript(lead: Int) -> Int16 { sample }
}

/// A frame of several leads: a view of the caller's memory.
@safe
struct LeadSamples: Frame {
  private let samples: UnsafePointer<Int16>
  let leadCount: Int

  @inline(__always)
  init(_ index: Int = 0, of samples: UnsafePointer<Int16>, leadCount: Int) {
    unsafe self.samples = samples + index &* leadCount
    self.leadCount = leadCount
  }

  @inline(__always)
  subscript(lead: Int) -> Int16 { unsafe samples[lead] }
}
