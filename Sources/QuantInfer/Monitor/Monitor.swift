/// A device's whole loop: samples in, announcements out.
///
/// Samples come as frames, one of each of the model's leads. The detector listens to one lead, the watch over the signal to
/// each.
///
/// It joins the detector of beats, the pipeline, the watch over the signal, the policy of announcements and, where it is
/// asked for, the sleep between irregular beats. All that changes lies in one block of the caller's memory, so one copy
/// with one checksum saves a device, after any sample.
///
/// **Pace.** A decision comes a fixed time after each beat, with the first column by which that time has passed, or by
/// the clock, every so many columns. A clock's decision waits while the network's strides along time keep one from it;
/// with such strides beats are refused, as their decisions would be later than the network was trained to.
///
/// **Fail-safe.** While the signal is bad, and until the window holds good samples alone, there is no result, from the
/// first sample on for which the watch says so; what was decided before is then no evidence any more. Before each
/// column an unsound state is found and reset. Whatever bits the state has lost, no sample and no decision traps or leads
/// out of it; to find all of them, hold `stateChecksum` after a sample against that before the next one.
///
/// **Rhythm.** With a `rhythmPrior`, a beat's interval moves a logit of the decision about it, before the policy sees it.
///
/// **Sleep.** With a `wakePercent`, beats in rhythm don't wake the network: their decision is `asleep`, and no
/// column is computed. The last samples wait in a ring, and the front end's filter runs that far behind. For a decision
/// they go through the pipeline in one burst, so that the window's columns, and so the logits, are those of a device
/// that never sleeps, bit for bit. Without a result that could stand, every beat wakes it.
///
/// ```swift
/// var monitor = try Monitor(model: model, options: options, state: state, scratch: scratch)
/// for sample in samples where monitor.push(sample) {
///   while let decision = monitor.nextDecision(into: logits) {
///     log(decision.announcement)
///   }
/// }
/// ```
@safe
public struct Monitor: ~Copyable {
  /// A decision that was due.
  public struct Decision: Equatable, Sendable {
    /// How many samples ago the beat was; nil where the clock struck.
    public let beatAge: Int?
    /// What the device says.
    public let announcement: Announcement
    /// Whether logits were written: the network's, or what it said of the patient's usual beat.
    public let hasLogits: Bool
    /// Whether they are what the network said before of beats like this one, see `BeatPlan`.
    public var isRecalled = false
  }

  /// The model that it runs.
  public internal(set) var model: Model
  /// How it works.
  public let options: Options
  let state: UnsafeMutableRawPointer
  let places: StateLayout
  let words: UnsafeMutablePointer<Words>
  let samples: UnsafeMutablePointer<Int16>
  /// Whether beats are the network's input, not columns: then `pipeline` is idle, otherwise `beats`.
  ///
  /// Neither is optional: the payload of an optional would be copied at each use.
  private let isOfBeats: Bool
  private let hasBeatsBeside: Bool
  /// The same, and false in a build without such networks, which so has none of their code.
  @inline(__always)
  var takesBeats: Bool { Built.beatFrontEnd && isOfBeats }
  /// Whether `beats` is asked beside `pipeline`.
  @inline(__always)
  var addsBeats: Bool { Built.beatFrontEnd && hasBeatsBeside }
  var pipeline: StreamingPipeline
  var beats: BeatPipeline
  var detector: BeatDetector?
  var quality: SignalQuality
  /// Whether any signal is bad.
  let watchesSignal: Bool
  var announcer: Announcer
  var rhythm: RhythmWatch?
  var prior: RhythmPrior?

  /// The bytes that the state takes.
  ///
  /// - Throws: `MemoryError` where the model can't stream.
  public static func stateByteCount(model: Model, options: Options) throws(MemoryError) -> Int {
    try StateLayout(model, options).byteCount
  }

  /// Creates a monitor in the caller's memory, with all samples forgotten.
  ///
  /// - Parameters:
  ///   - model: A validated model.
  ///   - options: How it works.
  ///   - state: At least `stateByteCount` bytes, at a multiple of 4; it must outlive the monitor. The pipeline's state
  ///     comes first.
  ///   - scratch: At least `model.streaming.scratchByteCount` bytes, likewise; free for other use between calls.
  ///   - instructions: What inner loops may use.
  /// - Throws: `MemoryError` where the memory doesn't fit, the model can't stream, or not at beats where these are the
  ///   pace, or the detector can't run at its rate.
  public init(
    model: Model, options: Options, state: UnsafeMutableRawBufferPointer,
    scratch: UnsafeMutableRawBufferPointer, instructions: InstructionSet = .best
  ) throws(MemoryError) {
    let places = try StateLayout(model, options)
    let start = try unsafe checkedStart(of: state, byteCount: places.byteCount)
    func part(_ range: Range<Int>) -> UnsafeMutableRawBufferPointer {
      unsafe UnsafeMutableRawBufferPointer(
        start: start + range.lowerBound, count: range.upperBound &- range.lowerBound)
    }
    let takesBeats = Built.beatFrontEnd && model.frontEnd?.beats != nil
    let pipeline =
      takesBeats
      ? unsafe StreamingPipeline(idle: model, state: start)
      : try unsafe StreamingPipeline(
        model: model, state: part(places.pipeline), scratch: scratch, instructions: instructions)
    let beside = model.beatNetwork
    let beats =
      takesBeats || beside != nil
      ? try unsafe BeatPipeline(
        model: beside ?? model, state: part(takesBeats ? places.pipeline : places.beats), scratch: scratch,
        instructions: instructions)
      : unsafe BeatPipeline(idle: model, state: start)
    let detector = try unsafe Self.detector(model, options, state: part(places.detector))
    let quality = try unsafe SignalQuality(options.quality, state: part(places.quality))
    let announcer = try unsafe Announcer(
      policy: options.policy, classCount: model.output.count, state: part(places.announcer))
    let rhythm = try unsafe Self.rhythm(options, state: part(places.rhythm))
    let prior = try unsafe Self.prior(options, state: part(places.prior))
    isOfBeats = takesBeats
    hasBeatsBeside = beside != nil
    self.pipeline = pipeline
    self.beats = beats
    self.detector = detector
    self.quality = quality
    watchesSignal = options.quality != .none
    self.announcer = announcer
    self.rhythm = rhythm
    self.prior = prior
    self.model = model
    self.options = options
    self.places = places
    unsafe self.state = start
    unsafe words = (start + places.words.lowerBound).bindMemory(to: Words.self, capacity: 1)
    unsafe samples = (start + places.samples.lowerBound).bindMemory(
      to: Int16.self, capacity: max(1, places.sampleCount &* model.leadCount))
    reset()
  }

  private static func detector(
    _ model: Model, _ options: Options, state: UnsafeMutableRawBufferPointer
  ) throws(MemoryError) -> BeatDetector? {
    guard options.findsBeats, let rate = model.frontEnd?.sampleRateMillihertz else { return nil }
    return try unsafe BeatDetector(sampleRateMillihertz: rate, state: state)
  }

  private static func rhythm(
    _ options: Options, state: UnsafeMutableRawBufferPointer
  ) throws(MemoryError) -> RhythmWatch? {
    guard options.sleeps else { return nil }
    return try unsafe RhythmWatch(percent: options.wakePercent, state: state)
  }

  private static func prior(
    _ options: Options, state: UnsafeMutableRawBufferPointer
  ) throws(MemoryError) -> RhythmPrior? {
    guard Built.rhythm, let prior = options.rhythmPrior else { return nil }
    return try unsafe RhythmPrior(options: prior, state: state)
  }

  /// Forgets all samples, beats and decisions.
  public mutating func reset() { reset(because: .windowNotFull) }

  private mutating func reset(because reason: NoResult) {
    if takesBeats || addsBeats { beats.reset() }
    if !takesBeats { pipeline.reset() }
    detector?.reset()
    resetWatch()
    announcer.reset()
    if Built.sleep { rhythm?.reset() }
    if Built.rhythm { prior?.reset() }
    unsafe words.initialize(to: Words(places, options, reason: reason))
    unsafe samples.initialize(repeating: 0, count: places.sampleCount &* model.leadCount)
  }

  /// Forgets everything where the state or the image has lost bits, as a checksum tells.
  ///
  /// There is no result, with this reason, until the next decision.
  public mutating func resetUnsound() { reset(because: .unsoundState) }

  /// Takes a sample of a model of one lead, in counts; one of several takes nothing so, and never decides.
  ///
  /// Returns whether a column ends with it: then decisions may be due. It is a call of its own, and calls what may
  /// change the monitor: inlined, or lent to what doesn't, the whole of it would be copied for each sample.
  ///
  /// - Complexity: O(1) for most samples, one column's work each hop; nothing of the network while it sleeps.
  @inline(never)
  public mutating func push(_ sample: Int16) -> Bool {
    guard !Built.leads || model.leadCount == 1 else { return false }
    return take(OneSample(sample))
  }

  /// Takes a frame: `model.leadCount` samples, one of each lead, in counts.
  ///
  /// Returns whether a column ends with it, as `push(_:)` does.
  public mutating func push(frame: UnsafePointer<Int16>) -> Bool {
    guard Built.leads, model.leadCount > 1 else { return unsafe push(frame[0]) }
    return unsafe pushLeads(frame)
  }

  @inline(never)
  private mutating func pushLeads(_ frame: UnsafePointer<Int16>) -> Bool {
    unsafe take(LeadSamples(of: frame, leadCount: model.leadCount))
  }

  /// Takes a frame of as many leads as the model has.
  @inline(__always)
  mutating func take(_ frame: some Frame) -> Bool {
    if isColumnNext, !isStateGuarded() { resetUnsound() }
    unsafe words.pointee.sampleNumber &+= 1
    if watchesSignal { watch(frame) }
    if let age = detector?.push(frame[options.detectorLead]) { note(beatSamplesAgo: UInt32(bitPattern: age)) }
    let isColumn = countSample()
    if takesBeats || addsBeats { unsafe beats.push(frame[0], number: words.pointee.sampleNumber) }
    if takesBeats { return isColumn }
    if options.sleeps {
      delay(frame)
    } else {
      _ = pipeline.take(frame)
    }
    return isColumn
  }

  /// Whether a column ends with the next sample, or is further away than any can be.
  @inline(__always)
  private var isColumnNext: Bool {
    unsafe words.pointee.samplesUntilColumn <= 1 || !isColumnWithinReach
  }

  /// Whether the next column is as near as every one is, unless the count of samples until then has lost a bit.
  @inline(__always)
  var isColumnWithinReach: Bool {
    let missing = unsafe words.pointee.samplesUntilColumn
    return missing >= 1 && missing <= max(places.firstColumnSamples, places.hopSamples)
  }

  /// Takes a beat that was so many samples ago, where the pace is that of given beats; they come in order of time.
  ///
  /// A device that senses the heart by an amplifier names its beats here, and runs no detector.
  ///
  /// Up to 32 beats wait for their decision at a time; a further one makes the oldest give way.
  @inline(never)
  public mutating func addBeat(samplesAgo: Int) {
    guard options.pace == .givenBeats else { return }
    note(beatSamplesAgo: UInt32(truncatingIfNeeded: max(0, samplesAgo)))
  }

  /// Why there is no result at present; nil where there is one.
  public var noResult: NoResult? {
    badSignal ?? NoResult(rawValue: UInt8(truncatingIfNeeded: unsafe words.pointee.reason))
  }

  /// The beats that are still to be decided about.
  public var pendingBeatCount: Int { unsafe Int(words.pointee.pendingCount) }

  /// How many samples ago the oldest beat was that is still to be decided about; nil where none waits.
  public var oldestPendingBeatAge: Int? {
    let words = unsafe self.words.pointee
    guard words.pendingCount > 0 else { return nil }
    return Int(words.sampleNumber &- words.pending[Words.place(words.pendingFirst)])
  }

  /// The columns that had to be computed for the decisions since the newest sample; 0 where the network never sleeps.
  public var burstColumnCount: Int { unsafe Int(words.pointee.computedColumns) }

  /// The newest column's codes, valid until the next call of `push`; while the network sleeps, those of an old one.
  ///
  /// Empty where beats are the network's input.
  public var newestColumn: UnsafeBufferPointer<Int8> {
    unsafe takesBeats ? UnsafeBufferPointer(start: nil, count: 0) : pipeline.newestColumn
  }

  /// Makes the next decision that is due; to be called after each `push` that returned true, until it returns nil.
  ///
  /// - Parameter logits: Receives the output's codes where the network decided.
  /// - Returns: The decision; nil where no more are due.
  /// - Precondition: `logits` has room for `model.output.count` codes; with less the state is reset, as unsound.
  public mutating func nextDecision(into logits: UnsafeMutableBufferPointer<Int8>) -> Decision? {
    guard let due = nextDue() else { return nil }
    func decision(
      _ announcement: Announcement, hasLogits: Bool = false, isRecalled: Bool = false
    ) -> Decision {
      Decision(
        beatAge: due.beatAge, announcement: announcement, hasLogits: hasLogits, isRecalled: isRecalled)
    }
    if takesBeats {
      guard unsafe words.pointee.columnsUntilFull == 0, badSignal == nil else {
        unsafe beats.skip(beatAt: words.pointee.number(of: due))
        return decision(.noResult(noResult ?? .windowNotFull))
      }
      guard let source = unsafe decideAboutBeat(due, into: logits) else {
        resetUnsound()
        return decision(.noResult(.unsoundState))
      }
      return decision(
        unsafe announce(UnsafeBufferPointer(logits)), hasLogits: true, isRecalled: source == .memory)
    }
    guard unsafe words.pointee.columnsUntilFull == 0 else {
      skipBeat(due)
      return decision(.noResult(noResult ?? .windowNotFull))
    }
    if options.sleeps {
      if let reason = badSignal {
        skipBeat(due)
        return decision(.noResult(reason))
      }
      if noResult == nil, !due.isIrregular {
        passBeat(due)
        return decision(.asleep)
      }
      catchUp()
    }
    // Both count columns: where they differ, a bit of one count was lost.
    guard unsafe pipeline.decideIfFull(into: logits), unsafe addBeatLogits(due, to: logits) else {
      resetUnsound()
      return decision(.noResult(.unsoundState))
    }
    if Built.rhythm, let place = due.place { unsafe prior?.move(logits, place: place) }
    return decision(unsafe announce(UnsafeBufferPointer(logits)), hasLogits: true)
  }

  /// What the policy and the signal make of a raw decision.
  private mutating func announce(_ logits: UnsafeBufferPointer<Int8>) -> Announcement {
    if let reason = badSignal { return announcer.announceNothing(reason) }
    if !announcer.isSoundInPlace() { return fail(.unsoundState) }
    let announcement = unsafe announcer.announce(logits)
    switch announcement {
    case .noResult(let reason): unsafe words.pointee.reason = Int32(reason.rawValue)
    case .result, .asleep: unsafe words.pointee.reason = 0
    }
    return announcement
  }

  private mutating func fail(_ reason: NoResult) -> Announcement {
    unsafe words.pointee.reason = Int32(reason.rawValue)
    return announcer.announceNothing(reason)
  }

  /// Takes the result back, at the first bad sample.
  mutating func silence() {
    guard unsafe words.pointee.reason != Int32(NoResult.refilling.rawValue) else { return }
    announcer.reset()
    if unsafe words.pointee.reason == 0 || words.pointee.reason == Int32(NoResult.lowMargin.rawValue) {
      unsafe words.pointee.reason = Int32(NoResult.refilling.rawValue)
    }
  }
}
