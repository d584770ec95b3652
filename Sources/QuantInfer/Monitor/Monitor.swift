/// A device's whole loop: samples in, announcements out.
///
/// It joins the detector of beats, the pipeline, the watch over the signal, the policy of announcements and, where it is
/// asked for, the sleep between irregular beats. All that changes lies in one block of the caller's memory, so one copy
/// with one checksum saves a device, after any sample.
///
/// **Pace.** A decision comes a fixed time after each beat, with the first column by which that time has passed, or by
/// the clock, every so many columns. Either waits while the network's strides along time keep a decision from it.
///
/// **Fail-safe.** While the signal is bad, and until the window holds good samples alone, there is no result, from the
/// first sample on for which the watch says so; what was decided before is then no evidence any more. Each column
/// finds an unsound state, which is reset. A device whose memory may lose bits also asks `isStateSound` before it
/// pushes a sample.
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
  /// What starts a decision.
  public enum Pace: Equatable, Sendable {
    /// A beat that the runtime's detector finds.
    case detectedBeats
    /// A beat that the caller names by `addBeat`.
    case givenBeats
    /// So many columns since the last one.
    case everyColumns(Int)
  }

  /// How a monitor works.
  public struct Options: Equatable, Sendable {
    /// What starts a decision.
    public var pace = Pace.detectedBeats
    /// How long after a beat its decision waits, in samples.
    public var delaySamples = 0
    /// How raw decisions become results.
    public var policy = AnnouncementPolicy()
    /// What signal is bad.
    public var quality = SignalQuality.Limits.none
    /// The deviation of a beat's interval that wakes the network, in percent; 0 for a network that never sleeps.
    public var wakePercent = 0
    /// What beats' intervals say of their classes; nil for decisions of the network alone, as the clock's are.
    public var rhythmPrior: RhythmPrior.Options?

    /// A decision without delay after each detected beat, announced as it comes.
    public init() {}

    /// Whether the network sleeps between irregular beats.
    var sleeps: Bool { wakePercent > 0 }

    var findsBeats: Bool { pace == .detectedBeats || sleeps }

    /// The columns from one stroke of the clock to the next; 0 without a clock.
    var columnsPerClock: Int32 {
      if case .everyColumns(let columns) = pace { return Int32(clamping: max(1, columns)) }
      return 0
    }
  }

  /// A decision that was due.
  public struct Decision: Equatable, Sendable {
    /// How many samples ago the beat was; nil where the clock struck.
    public let beatAge: Int?
    /// What the device says.
    public let announcement: Announcement
    /// Whether the network decided: its logits were written.
    public let hasLogits: Bool
  }

  /// The model that it runs.
  public let model: Model
  /// How it works.
  public let options: Options
  let state: UnsafeMutableRawPointer
  private let places: Places
  private let words: UnsafeMutablePointer<Words>
  private let samples: UnsafeMutablePointer<Int16>
  private var pipeline: StreamingPipeline
  private var detector: BeatDetector?
  private var quality: SignalQuality
  private var announcer: Announcer
  private var rhythm: RhythmWatch?
  private var prior: RhythmPrior?

  /// The bytes that the state takes.
  ///
  /// - Throws: `MemoryError` where the model can't stream.
  public static func stateByteCount(model: Model, options: Options) throws(MemoryError) -> Int {
    try Places(model, options).byteCount
  }

  /// The bytes of the state in which samples wait while the network sleeps; 0 where it never does.
  public static func sampleRingByteCount(model: Model, options: Options) throws(MemoryError) -> Int {
    2 &* (try Places(model, options).sampleCount)
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
  /// - Throws: `MemoryError` where the memory doesn't fit, the model can't stream or the detector can't run at its rate.
  public init(
    model: Model, options: Options, state: UnsafeMutableRawBufferPointer,
    scratch: UnsafeMutableRawBufferPointer, instructions: InstructionSet = .best
  ) throws(MemoryError) {
    let places = try Places(model, options)
    let start = try unsafe checkedStart(of: state, byteCount: places.byteCount)
    func part(_ range: Range<Int>) -> UnsafeMutableRawBufferPointer {
      unsafe UnsafeMutableRawBufferPointer(start: start + range.lowerBound, count: range.count)
    }
    let pipeline = try unsafe StreamingPipeline(
      model: model, state: part(places.pipeline), scratch: scratch, instructions: instructions)
    let detector = try unsafe Self.detector(model, options, state: part(places.detector))
    let quality = try unsafe SignalQuality(options.quality, state: part(places.quality))
    let announcer = try unsafe Announcer(
      policy: options.policy, classCount: model.output.count, state: part(places.announcer))
    let rhythm = try unsafe Self.rhythm(options, state: part(places.rhythm))
    let prior = try unsafe Self.prior(options, state: part(places.prior))
    self.pipeline = pipeline
    self.detector = detector
    self.quality = quality
    self.announcer = announcer
    self.rhythm = rhythm
    self.prior = prior
    self.model = model
    self.options = options
    self.places = places
    unsafe self.state = start
    unsafe words = (start + places.words.lowerBound).bindMemory(to: Words.self, capacity: 1)
    unsafe samples = (start + places.samples.lowerBound).bindMemory(
      to: Int16.self, capacity: max(1, places.sampleCount))
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
    guard let prior = options.rhythmPrior else { return nil }
    return try unsafe RhythmPrior(options: prior, state: state)
  }

  /// Forgets all samples, beats and decisions.
  public mutating func reset() { reset(because: .windowNotFull) }

  private mutating func reset(because reason: NoResult) {
    pipeline.reset()
    detector?.reset()
    quality.reset()
    announcer.reset()
    rhythm?.reset()
    prior?.reset()
    unsafe words.initialize(to: Words(places, options, reason: reason))
    unsafe samples.initialize(repeating: 0, count: places.sampleCount)
  }

  /// Forgets everything where the state or the image has lost bits, as a checksum tells.
  ///
  /// There is no result, with this reason, until the next decision.
  public mutating func resetUnsound() { reset(because: .unsoundState) }

  /// Takes a sample, in counts.
  ///
  /// Returns whether a column ends with it: then decisions may be due.
  ///
  /// - Complexity: O(1) for most samples, one column's work each hop; nothing of the network while it sleeps.
  public mutating func push(_ sample: Int16) -> Bool {
    unsafe words.pointee.sampleNumber &+= 1
    if quality.push(sample) != nil { silence() }
    if let age = detector?.push(sample) { noteDetectedBeat(samplesAgo: UInt32(bitPattern: age)) }
    let isColumn = countSample()
    if isColumn, !isStateSound {
      resetUnsound()
      return false
    }
    if options.sleeps {
      delay(sample)
    } else {
      _ = pipeline.push(sample)
    }
    return isColumn
  }

  /// Takes a beat that was so many samples ago, where the pace is that of given beats.
  ///
  /// Up to 32 beats wait for their decision at a time; a further one makes the oldest give way.
  public mutating func addBeat(samplesAgo: Int) {
    schedule(UInt32(truncatingIfNeeded: max(0, samplesAgo)), isIrregular: true)
  }

  /// Why there is no result at present; nil where there is one.
  public var noResult: NoResult? {
    quality.reason ?? NoResult(rawValue: UInt8(truncatingIfNeeded: unsafe words.pointee.reason))
  }

  /// The beats that are still to be decided about.
  public var pendingBeatCount: Int { unsafe Int(words.pointee.pendingCount) }

  /// The columns that had to be computed for the decisions since the newest sample; 0 where the network never sleeps.
  public var burstColumnCount: Int { unsafe Int(words.pointee.computedColumns) }

  /// The newest column's codes, valid until the next call of `push`; while the network sleeps, those of an old one.
  public var newestColumn: UnsafeBufferPointer<Int8> { unsafe pipeline.newestColumn }

  /// Makes the next decision that is due; to be called after each `push` that returned true, until it returns nil.
  ///
  /// - Parameter logits: Receives the output's codes where the network decided.
  /// - Returns: The decision; nil where no more are due.
  /// - Precondition: `logits` has room for `model.output.count` codes.
  public mutating func nextDecision(into logits: UnsafeMutableBufferPointer<Int8>) -> Decision? {
    guard let due = nextDue() else { return nil }
    func decision(_ announcement: Announcement, hasLogits: Bool = false) -> Decision {
      Decision(beatAge: due.beatAge, announcement: announcement, hasLogits: hasLogits)
    }
    guard unsafe words.pointee.columnsUntilFull == 0 else {
      return decision(.noResult(noResult ?? .windowNotFull))
    }
    if options.sleeps {
      if let reason = quality.reason { return decision(.noResult(reason)) }
      if noResult == nil, !due.isIrregular { return decision(.asleep) }
      catchUp()
    }
    guard pipeline.isWindowFull else { return decision(.noResult(.windowNotFull)) }
    unsafe pipeline.decide(into: logits)
    if let place = due.place { unsafe prior?.move(logits, place: place) }
    return decision(unsafe announce(UnsafeBufferPointer(logits)), hasLogits: true)
  }

  /// What the policy and the signal make of a raw decision.
  private mutating func announce(_ logits: UnsafeBufferPointer<Int8>) -> Announcement {
    if let reason = quality.reason { return announcer.announceNothing(reason) }
    if !announcer.isStateSound { return fail(.unsoundState) }
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
  private mutating func silence() {
    guard unsafe words.pointee.reason != Int32(NoResult.refilling.rawValue) else { return }
    announcer.reset()
    if unsafe words.pointee.reason == 0 || words.pointee.reason == Int32(NoResult.lowMargin.rawValue) {
      unsafe words.pointee.reason = Int32(NoResult.refilling.rawValue)
    }
  }
}

// MARK: - When to decide

extension Monitor {
  /// What is due: a beat so many samples ago, or the clock; and whether it is worth waking for.
  private struct Due {
    var beatAge: Int?
    /// The beat's place among those pending.
    var place: Int?
    var isIrregular: Bool
  }

  private mutating func noteDetectedBeat(samplesAgo age: UInt32) {
    let beat = unsafe words.pointee.sampleNumber &- age
    var isIrregular = true
    if unsafe words.pointee.hasBeat != 0 {
      let interval = unsafe beat &- words.pointee.lastBeat
      isIrregular = rhythm?.push(Int32(truncatingIfNeeded: min(interval, UInt32(Int32.max)))) ?? true
    }
    unsafe words.pointee.lastBeat = beat
    unsafe words.pointee.hasBeat = 1
    if isIrregular { unsafe words.pointee.awakeSamples = places.windowSamples }
    if options.pace == .detectedBeats { schedule(age, isIrregular: isIrregular) }
  }

  private mutating func schedule(_ age: UInt32, isIrregular: Bool) {
    var words = unsafe self.words.pointee
    if Int(words.pendingCount) >= Words.capacity {
      words.pendingFirst = Int32(Words.place(words.pendingFirst &+ 1))
      words.pendingCount &-= 1
      words.droppedCount = min(words.droppedCount, .max &- 1) &+ 1
    }
    let place = Words.place(words.pendingFirst &+ words.pendingCount)
    words.pendingCount &+= 1
    words.pending[place] = words.sampleNumber &- age
    let bit: UInt32 = 1 &<< UInt32(truncatingIfNeeded: place)
    prior?.push(beatAt: words.pending[place], place: place)
    words.irregular = isIrregular ? words.irregular | bit : words.irregular & ~bit
    unsafe self.words.pointee = words
  }

  /// Counts a sample, and the column that ends with it.
  private func countSample() -> Bool {
    var words = unsafe self.words.pointee
    words.awakeSamples = max(0, words.awakeSamples &- 1)
    words.samplesUntilColumn &-= 1
    words.isColumn = 0
    if words.samplesUntilColumn <= 0 {
      words.isColumn = 1
      words.samplesUntilColumn = places.hopSamples
      words.columnsUntilFull =
        words.columnsUntilFull > 0 ? words.columnsUntilFull &- 1 : places.columnsPerDecision &- 1
      if words.columnsUntilFull == 0 { words.hasBeenFull = 1 }
      if options.columnsPerClock > 0 {
        words.columnsUntilClock &-= 1
        if words.columnsUntilClock <= 0 {
          words.clockStruck = 1
          words.columnsUntilClock = options.columnsPerClock
        }
      }
    }
    unsafe self.words.pointee = words
    return words.isColumn != 0
  }

  private mutating func nextDue() -> Due? {
    var words = unsafe self.words.pointee
    // What is due waits for the column that the strides allow a decision at.
    guard words.isColumn != 0, words.columnsUntilFull == 0 || words.hasBeenFull == 0 else { return nil }
    if words.clockStruck != 0 {
      unsafe self.words.pointee.clockStruck = 0
      return Due(beatAge: nil, isIrregular: words.awakeSamples > 0)
    }
    guard words.pendingCount > 0 else { return nil }
    let place = Words.place(words.pendingFirst)
    let age = words.sampleNumber &- words.pending[place]
    guard age >= UInt32(clamping: options.delaySamples) else { return nil }
    words.pendingFirst = Int32(Words.place(words.pendingFirst &+ 1))
    words.pendingCount &-= 1
    unsafe self.words.pointee = words
    return Due(
      beatAge: Int(age), place: place,
      isIrregular: words.irregular &>> UInt32(truncatingIfNeeded: place) & 1 == 1)
  }

  /// The beats that had to give way to newer ones before they were decided about.
  public var droppedBeatCount: Int { unsafe Int(words.pointee.droppedCount) }
}

// MARK: - Sleep

extension Monitor {
  /// Lets a sample wait, and the front end's filter take the one that has waited longest.
  private mutating func delay(_ sample: Int16) {
    var words = unsafe self.words.pointee
    if Int(words.waitingCount) == places.sampleCount {
      _ = unsafe pipeline.pass(samples[Int(words.nextSample)])
      words.hasPassed = 1
      words.waitingCount &-= 1
    }
    unsafe samples[Int(words.nextSample)] = sample
    words.nextSample = (words.nextSample &+ 1) % Int32(truncatingIfNeeded: places.sampleCount)
    words.waitingCount &+= 1
    words.computedColumns = 0
    unsafe self.words.pointee = words
  }

  /// Lets all waiting samples through the pipeline.
  private mutating func catchUp() {
    var words = unsafe self.words.pointee
    guard words.waitingCount > 0 else { return }
    if words.hasPassed != 0 { pipeline.forgetColumns() }
    var place = (Int(words.nextSample) &- Int(words.waitingCount) &+ places.sampleCount) % places.sampleCount
    for _ in 0..<words.waitingCount {
      if unsafe pipeline.push(samples[place]) { words.computedColumns &+= 1 }
      place = place &+ 1 == places.sampleCount ? 0 : place &+ 1
    }
    words.waitingCount = 0
    words.hasPassed = 0
    unsafe self.words.pointee = words
  }
}

// MARK: - The state

extension Monitor {
  /// Where each part lies in the state, and what its counters start from.
  private struct Places {
    let pipeline: Range<Int>
    let words: Range<Int>
    let detector: Range<Int>
    let quality: Range<Int>
    let announcer: Range<Int>
    let rhythm: Range<Int>
    let prior: Range<Int>
    let samples: Range<Int>
    var byteCount: Int { samples.upperBound }
    /// The samples that wait while the network sleeps: from the end of the window's first column on.
    let sampleCount: Int
    let firstColumnSamples: Int32
    let hopSamples: Int32
    let columnCount: Int32
    let columnsPerDecision: Int32
    /// The samples that a window looks at.
    let windowSamples: Int32

    init(_ model: Model, _ options: Options) throws(MemoryError) {
      guard let frontEnd = model.frontEnd, let layout = model.streaming else { throw .notStreamable }
      var end = 0
      func next(_ byteCount: Int) -> Range<Int> {
        let start = end
        end = start &+ (byteCount &+ 3) / 4 &* 4
        return start..<end
      }
      let columns = layout.columnsPerWindow
      let reach = (columns &- 1) &* frontEnd.hopSamples
      sampleCount = options.sleeps ? reach &+ 1 : 0
      pipeline = next(model.stateByteCount)
      words = next(MemoryLayout<Words>.size)
      detector = next(
        options.findsBeats
          ? BeatDetector.stateByteCount(sampleRateMillihertz: frontEnd.sampleRateMillihertz) : 0)
      quality = next(SignalQuality.stateByteCount)
      announcer = next(Announcer.stateByteCount(options.policy))
      rhythm = next(options.sleeps ? RhythmWatch.stateByteCount : 0)
      prior = next(options.rhythmPrior == nil ? 0 : RhythmPrior.stateByteCount)
      samples = next(2 &* sampleCount)
      firstColumnSamples = Int32(clamping: frontEnd.windowSamples)
      hopSamples = Int32(clamping: frontEnd.hopSamples)
      columnCount = Int32(clamping: columns)
      columnsPerDecision = Int32(clamping: max(1, layout.columnsPerDecision))
      windowSamples = Int32(clamping: reach &+ frontEnd.windowSamples)
    }
  }

  /// All that lasts beside the parts' own states.
  private struct Words {
    static var capacity: Int { 32 }

    /// A place among the pending beats, whatever a damaged state makes of it.
    static func place(_ index: Int32) -> Int { Int(index) & (capacity &- 1) }

    /// The newest sample's number; it wraps, as only differences are taken.
    var sampleNumber: UInt32 = 0
    var samplesUntilColumn: Int32
    /// 0 where the newest column completes a window that the network can decide about.
    var columnsUntilFull: Int32
    var hasBeenFull: Int32 = 0
    var columnsUntilClock: Int32
    var isColumn: Int32 = 0
    var clockStruck: Int32 = 0
    /// Why there is no result while the signal is good; 0 where there is one.
    var reason: Int32
    var hasBeat: Int32 = 0
    var lastBeat: UInt32 = 0
    /// How long an irregular beat still keeps a clock's decisions awake.
    var awakeSamples: Int32 = 0
    var pendingFirst: Int32 = 0
    var pendingCount: Int32 = 0
    var droppedCount: Int32 = 0
    /// A bit for each place among the pending beats.
    var irregular: UInt32 = 0
    var nextSample: Int32 = 0
    var waitingCount: Int32 = 0
    /// Whether samples went through the filter without their columns.
    var hasPassed: Int32 = 0
    var computedColumns: Int32 = 0
    /// The numbers of the beats' samples.
    var pending = InlineArray<32, UInt32>(repeating: 0)

    init(_ places: Places, _ options: Options, reason: NoResult) {
      samplesUntilColumn = places.firstColumnSamples
      columnsUntilFull = places.columnCount
      columnsUntilClock = options.columnsPerClock
      self.reason = Int32(reason.rawValue)
    }

    /// Whether every place lies in its ring.
    func isSound(_ places: Places) -> Bool {
      (0..<Int32(Self.capacity)).contains(pendingFirst) && pendingCount >= 0
        && pendingCount <= Int32(Self.capacity) && nextSample >= 0 && waitingCount >= 0
        && Int(nextSample) < max(1, places.sampleCount) && Int(waitingCount) <= places.sampleCount
        && samplesUntilColumn <= max(places.firstColumnSamples, places.hopSamples)
        && columnsUntilFull >= 0 && columnsUntilFull <= places.columnCount
        && droppedCount >= 0 && computedColumns >= 0
    }
  }

  /// Whether the next sample stays within the state; see `StreamingPipeline.isStateSound`.
  public var isStateSound: Bool {
    switch prior {
    case .some(let prior) where !prior.isStateSound: false
    default: pipeline.isStateSound && (unsafe words.pointee.isSound(places))
    }
  }

  /// The size of a saved state, in bytes.
  public var savedByteCount: Int { SavedState.Header.byteCount &+ places.byteCount }

  /// Saves the whole state as one copy, after any sample; see `StreamingPipeline.save`.
  ///
  /// - Parameter copy: Receives `savedByteCount` bytes, at any alignment.
  /// - Throws: `MemoryError` where they don't fit.
  public func save(into copy: UnsafeMutableRawBufferPointer) throws(MemoryError) {
    try unsafe SavedState.write(
      .monitor, owner: owner, state: UnsafeRawPointer(state), byteCount: places.byteCount, into: copy)
  }

  /// Goes on from a saved state: with the same decisions and announcements as if nothing had happened.
  ///
  /// - Parameter copy: The saved state of the same model and options, at any alignment; what follows it is not looked
  ///   at.
  /// - Throws: `SavedStateError`; the monitor then is as it was, or reset where the state is impossible.
  public mutating func restore(from copy: UnsafeRawBufferPointer) throws(SavedStateError) {
    let saved = try unsafe SavedState.checked(
      .monitor, owner: owner, byteCount: places.byteCount, from: copy)
    guard unsafe pipeline.isSound(saved) else { throw .impossibleState }
    unsafe state.copyMemory(from: saved, byteCount: places.byteCount)
    guard isStateSound, announcer.isStateSound else {
      resetUnsound()
      throw .impossibleState
    }
  }

  /// The model image's checksum, continued over the options.
  private var owner: UInt32 {
    var pace = (kind: Int32(0), columns: Int32(0))
    switch options.pace {
    case .detectedBeats: break
    case .givenBeats: pace.kind = 1
    case .everyColumns(let columns): pace = (2, Int32(clamping: columns))
    }
    let policy = options.policy.clamped
    let limits = options.quality
    let prior = options.rhythmPrior ?? .init(classIndex: -1, codesPerOctave: 0, neutralPartLog2Q16: 0)
    let words: InlineArray<18, Int32> = [
      pace.kind, pace.columns, Int32(clamping: options.delaySamples), Int32(clamping: options.wakePercent),
      Int32(clamping: policy.majorityCount), Int32(clamping: policy.hysteresisCount),
      Int32(clamping: policy.hysteresisMarginCodes), Int32(clamping: policy.minimumMarginCodes),
      Int32(limits.lowestCount), Int32(limits.highestCount),
      limits.flatCounts, limits.flatSamples, limits.saturatedSamples,
      limits.saturationSpanSamples, limits.refillSamples,
      Int32(clamping: prior.classIndex), Int32(clamping: prior.codesPerOctave), prior.neutralPartLog2Q16,
    ]
    return unsafe withUnsafeBytes(of: words) {
      unsafe CRC32.checksum($0, continuing: model.imageChecksum)
    }
  }
}
