/// What a network of beats looks at: the samples about a beat, the patient's usual beat, the intervals; and whether it must.
///
/// Samples only go to a ring. Of a beat that comes in time the fine points alone are first compared with the template: one that
/// is near is known, and costs no more, but one of some, which teaches the template, and those that the network is asked
/// about; see `BeatMemory`.
@safe
package struct BeatFrontEnd: ~Copyable {
  private let plan: BeatPlan
  private let samples: BeatSamples
  private let intervals: BeatIntervals
  private let template: BeatTemplate
  private let memory: BeatMemory
  /// The points of the beat that was taken last, and behind them those less the template.
  package let points: UnsafeMutablePointer<Int32>

  /// A beat that was taken.
  package struct Beat {
    /// Whether it is as the template and comes in time.
    package let isKnown: Bool
    /// Whether the network needn't be asked about it; otherwise `encode` gives the network's input.
    package let isAnswered: Bool
    /// Whether the network is asked about a known beat for the first time.
    package let isFirstAnswer: Bool
    /// The template's magnitude, as `BeatTemplate` found it.
    let magnitude: UInt32
    /// Whether the state that it met was one that beats lead to, as far as the beat looked at it.
    let isStateSound: Bool
  }

  /// Creates a front end in memory that was checked; to be reset before use.
  ///
  /// - Parameters:
  ///   - plan: How a beat becomes input.
  ///   - state: `plan.frontEndByteCount` bytes, at a multiple of 4.
  ///   - points: `plan.pointByteCount` bytes, likewise; free for other use between calls.
  package init(_ plan: BeatPlan, state: UnsafeMutableRawPointer, points: UnsafeMutableRawPointer) {
    self.plan = plan
    unsafe intervals = BeatIntervals(state)
    unsafe memory = BeatMemory(state + BeatPlan.intervalByteCount)
    let usual = BeatPlan.intervalByteCount &+ BeatPlan.memoryByteCount
    unsafe template = BeatTemplate(plan, state + usual)
    unsafe samples = BeatSamples(
      state + usual + plan.templateByteCount, ringSampleCount: plan.ringSampleCount)
    unsafe self.points = points.assumingMemoryBound(to: Int32.self)
  }

  /// Forgets all samples and beats.
  package mutating func reset() {
    intervals.reset()
    memory.reset()
    template.reset()
    samples.reset()
  }

  /// Takes a sample of a number.
  @inline(__always)
  package mutating func push(_ sample: Int16, number: UInt32) { samples.push(sample, number: number) }

  /// Takes samples from a number on.
  @inline(__always)
  mutating func push(_ block: UnsafePointer<Int16>, count: Int, from number: UInt32) {
    unsafe samples.push(block, count: count, from: number)
  }

  /// Passes a beat over about which nothing can be told: the next interval is unknown.
  package mutating func skip(beatAt beat: UInt32) { intervals.skip(to: beat) }

  /// Takes a beat, about which all samples must have come, into template and intervals.
  ///
  /// - Parameters:
  ///   - sensed: The number of the sample at which it was sensed; the beat is where its peak is.
  ///   - sensedNext: The samples from there to the next beat; the greatest number where it hasn't come.
  ///   - figures: Receives the codes of the intervals' figures, the input's last ones, where the network is asked.
  /// - Returns: Whether the network is asked, and what `encode` takes.
  package mutating func take(
    _ sensed: UInt32, next sensedNext: UInt32, figures: UnsafeMutablePointer<Int8>
  ) -> Beat {
    let reach = plan.reachSamples
    let beat = reach > 0 ? samples.peak(near: sensed, reach: reach) : sensed
    let interval = intervals.interval(to: beat, plan: plan)
    var (isKnown, isAnswered) = (false, false)
    if interval.isInTime, plan.knownDistanceQ8 > 0, template.isKnown {
      isKnown = unsafe template.isNear(beat, in: samples, points: points)
      isAnswered = isKnown && memory.wouldAnswer(askCount: plan.askCount)
    }
    if isAnswered, !memory.wouldTeach(every: plan.teachEvery) {
      // Most beats: nothing is written but what the next one's interval needs.
      memory.count(isAnswered: true)
      intervals.take(interval, to: beat)
      return Beat(
        isKnown: true, isAnswered: true, isFirstAnswer: false, magnitude: 0, isStateSound: true)
    }
    let next =
      sensedNext > 1 << 30
      ? sensedNext
      : UInt32(bitPattern: max(1, Int32(bitPattern: sensedNext &+ sensed &- beat)))
    return unsafe learn(
      beat, interval, next: next, isKnown: isKnown, isAnswered: isAnswered, figures: figures)
  }

  /// Takes a beat that teaches the template, and that the network is asked about where nothing answers.
  ///
  /// It is mutating so that the front end isn't copied for it.
  @inline(never)
  private mutating func learn(
    _ beat: UInt32, _ interval: BeatIntervals.Interval, next: UInt32, isKnown: Bool, isAnswered: Bool,
    figures: UnsafeMutablePointer<Int8>
  ) -> Beat {
    if isKnown { memory.count(isAnswered: isAnswered) }
    let sum =
      unsafe samples.finePoints(ofBeatAt: beat, plan, into: points)
      &+ samples.coarsePoints(ofBeatAt: beat, plan, into: points)
    let areOthersSound = isAnswered || (template.areCountsSound && memory.isSound && intervals.isSound)
    let (magnitude, isSound) = unsafe template.take(points, sum: sum, differences: points + plan.pointCount)
    if !isAnswered { unsafe intervals.encode(interval, next: next, plan: plan, into: figures) }
    intervals.take(interval, to: beat)
    return Beat(
      isKnown: isKnown, isAnswered: isAnswered, isFirstAnswer: isKnown && memory.isFirstAnswer,
      magnitude: magnitude, isStateSound: isSound && areOthersSound)
  }

  /// Writes the codes of the points and differences of the beat that was taken last, about which the network is asked: the
  /// input's first ones.
  package func encode(_ beat: Beat, into input: UnsafeMutablePointer<Int8>) {
    unsafe template.encode(points, magnitude: beat.magnitude, into: input)
  }

  /// Whether the state is one that beats lead to.
  var isStateSound: Bool { intervals.isSound && memory.isSound && template.isSound }
}
