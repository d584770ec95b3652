/// How a beat becomes a network's input, as the exporter planned it: what is about it, how that differs from the patient's
/// usual beat, and its intervals.
///
/// The input is `[sample point]`, then `[point of the difference]`, then `[interval figure]`: see `BeatTemplate` and
/// `BeatIntervals`.
public struct BeatPlan: Sendable {
  let record: FrontEndRecord

  private typealias Field = ModelFormat.FrontEnd

  /// A view of a record.
  init(record: FrontEndRecord) { self.record = record }

  /// A view of a record outside an image, whose offsets are from its own start, so that a float network is trained on what
  /// the device sees; it must outlive the view.
  package init(record start: UnsafeRawPointer) {
    unsafe record = FrontEndRecord(image: ImageBytes(unchecked: start), place: 0)
  }

  /// The samples' rate, in millihertz.
  public var sampleRateMillihertz: UInt32 { record.sampleRateMillihertz }
  /// The distance from one time at which decisions are made to the next, in samples.
  public var hopSamples: Int { record.hopSamples }
  /// Where the stretch begins, in samples before the beat.
  public var leadSamples: Int { record.firstBin }
  /// The samples of a fine point; a coarse one has twice as many.
  public var samplesPerPoint: Int { 1 &<< pointShift }
  /// Their binary logarithm.
  var pointShift: Int { Int(record.image.byte(at: record.place &+ Field.pointShift)) & 3 }
  /// The coarse points in front.
  public var earlyCount: Int { Int(record.image.byte(at: record.place &+ Field.pointCounts)) }
  /// The fine points about the beat.
  public var fineCount: Int { Int(record.image.byte(at: record.place &+ Field.pointCounts &+ 1)) }
  /// The coarse points behind.
  public var lateCount: Int { Int(record.image.byte(at: record.place &+ Field.pointCounts &+ 2)) }
  /// The points of a beat.
  public var pointCount: Int { earlyCount &+ fineCount &+ lateCount }
  /// The samples that the points cover.
  public var sampleCount: Int { (2 &* (earlyCount &+ lateCount) &+ fineCount) &<< pointShift }
  /// The inputs that a beat becomes.
  public var inputCount: Int { 2 &* pointCount &+ Self.figureCount }
  /// How far from the sample at which it was sensed a beat's peak is looked for, in samples; 0 where it stays there.
  public var reachSamples: Int { Int(record.image.byte(at: record.place &+ Field.reachSamples)) }
  /// The known beats from one that teaches the template to the next.
  public var teachEvery: Int { Int(record.image.byte(at: record.place &+ Field.teachEvery)) }
  /// The interval to the next beat counts as this many samples where that is later, or not yet there.
  public var nextLimitSamples: Int {
    Int(record.image.half(at: record.place &+ Field.nextLimitSamples))
  }
  /// The binary logarithm of a second in samples, in Q16.
  var secondLog2Q16: Int32 { record.image.signedWord(at: constants) }
  /// How far a beat may move the template, in Q4 of a point.
  package var templateStepQ4: Int32 { record.image.signedWord(at: record.place &+ Field.templateStepQ4) }
  /// IEEE 754 bits of the microvolts that one count stands for.
  public var microvoltsPerCountBits: UInt32 { record.microvoltsPerCountBits }

  /// The most that a known beat differs from the template by, in 256ths of the template's magnitude; 0 where the network
  /// runs at every beat.
  public var knownDistanceQ8: UInt32 { UInt32(record.image.half(at: record.place &+ Field.knownDistanceQ8)) }
  /// How often a known beat is still looked at: the first so many, then each 64th.
  public var askCount: Int { Int(record.image.byte(at: record.place &+ Field.askCount)) }
  /// The interval of a known beat against the mean of eight, in Q16 octaves, at least and at most.
  public var knownIntervalsLog2Q16: (least: Int32, most: Int32) {
    (
      record.image.signedWord(at: record.place &+ Field.leastIntervalLog2Q16),
      record.image.signedWord(at: record.place &+ Field.mostIntervalLog2Q16)
    )
  }

  private var constants: Int { record.image.number(at: record.place &+ Field.intervalFigures) }

  /// A figure's mean in Q16, and its codes a unit in Q2.
  package func figure(_ index: Int) -> (meanQ16: Int32, codesPerUnitQ2: Int32) {
    let place = constants &+ 4 &+ 8 &* index
    return (record.image.signedWord(at: place), record.image.signedWord(at: place &+ 4))
  }

  /// All of these, one after the other.
  var figures: UnsafePointer<Int32> {
    // Behind a second's logarithm.
    unsafe record.image.pointer(at: record.place &+ Field.intervalFigures) + 1
  }

  /// The samples that the ring keeps: a power of two.
  ///
  /// From the start of the earliest stretch to the hop behind the decision.
  public var ringSampleCount: Int {
    var count = 64
    while count < reachSamples &+ leadSamples &+ max(nextLimitSamples, sampleCount) &+ hopSamples {
      count &<<= 1
    }
    return count
  }

  /// How many samples ago a beat may have been, so that what is about it still lies in the ring.
  package var greatestAge: Int { ringSampleCount &- leadSamples &- reachSamples &- 1 }

  /// The samples before and behind a sensed beat over which the level is taken that its peak is furthest from.
  static var levelReach: Int { 16 }

  /// The most samples that points cover, that an interval's limit and a hop have: ring and sums stay small.
  static var greatestSampleCount: Int { 2048 }

  /// The most points; see `BeatTemplate`.
  static var greatestPointCount: Int { 60 }

  /// The figures of a beat's intervals; see `BeatIntervals`.
  public static var figureCount: Int { 10 }

  /// The bytes of the interval figures' constants.
  static var figureByteCount: Int { 4 &+ 8 &* Self.figureCount }

  /// Checks a record that lies in the image.
  func validate(input: Tensor) throws(ModelError) {
    let (image, place) = (record.image, record.place)
    guard image.byte(at: place &+ Field.pointShift) <= 3, hopSamples >= 1,
      hopSamples <= Self.greatestSampleCount, (1...Self.greatestPointCount).contains(pointCount),
      fineCount >= 1,
      sampleCount <= Self.greatestSampleCount,
      nextLimitSamples >= 1, nextLimitSamples <= Self.greatestSampleCount,
      leadSamples <= sampleCount, leadSamples &+ nextLimitSamples >= sampleCount &+ reachSamples,
      reachSamples == 0 || leadSamples &+ reachSamples >= Self.levelReach,
      (1...32).contains(teachEvery),
      record.binCount == inputCount, input.count == inputCount
    else { throw ModelError(.invalidFrontEnd, at: place) }
    guard templateStepQ4 >= 1, templateStepQ4 <= 1 << 20 else {
      throw ModelError(.invalidFrontEnd, at: place &+ Field.templateStepQ4)
    }
    try image.offset(at: place &+ Field.intervalFigures, count: Self.figureByteCount / 4, stride: 4)
    var figures = Indices(to: Self.figureCount)
    while let index = figures.next() {
      let (mean, codes) = figure(index)
      // Within 32 octaves, and products of 31 bits.
      guard (-(1 << 21)...1 << 21).contains(mean), (0...4096).contains(codes) else {
        throw ModelError(.invalidFrontEnd, at: place &+ Field.intervalFigures)
      }
    }
    guard (-(1 << 21)...1 << 21).contains(secondLog2Q16), knownDistanceQ8 <= 255 else {
      throw ModelError(.invalidFrontEnd, at: place &+ Field.knownDistanceQ8)
    }
  }
}

extension BeatPlan {
  /// The bytes of `BeatIntervals`: 13 words.
  static var intervalByteCount: Int { 52 }
  /// The bytes of `BeatMemory`: two counts.
  static var memoryByteCount: Int { 8 }
  /// The bytes of `BeatTemplate`: a count, a magnitude and a sum, then a point each.
  var templateByteCount: Int { 12 &+ 4 &* pointCount }
  /// The state of `BeatFrontEnd`: intervals, memory, template, ring of samples.
  package var frontEndByteCount: Int {
    Self.intervalByteCount &+ Self.memoryByteCount &+ templateByteCount &+ 2 &* ringSampleCount
  }

  /// The state between samples, in bytes: the front end's, then the mean of what the network said.
  package func stateByteCount(classCount: Int) -> Int { frontEndByteCount &+ 4 &* classCount }

  /// A beat's points and differences, in bytes.
  package var pointByteCount: Int { 8 &* pointCount }

  /// What a decision needs beside the state: points, the kernels' scratch, the network's tensors.
  func scratchByteCount(of model: Model) -> Int {
    pointByteCount &+ model.scratchByteCount &+ model.arenaByteCount
  }
}
