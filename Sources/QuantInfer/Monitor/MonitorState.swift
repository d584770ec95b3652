extension Monitor {
  /// Where each part lies in the state: all bytes that the device keeps, without gaps.
  public struct StateLayout: Sendable {
    /// The pipeline's state, which comes first.
    public let pipeline: Range<Int>
    /// The state of a network of beats beside the pipeline's; empty where there is none.
    public let beats: Range<Int>
    /// The counters of samples, columns and pending beats.
    public let words: Range<Int>
    /// The detector of beats; empty where none runs.
    public let detector: Range<Int>
    /// The watches over the leads' signals.
    public let quality: Range<Int>
    /// The announcer.
    public let announcer: Range<Int>
    /// The watch over the rhythm; empty where the network never sleeps.
    public let rhythm: Range<Int>
    /// What beats' intervals say; empty where nobody asks.
    public let prior: Range<Int>
    /// The samples that wait while the network sleeps.
    public let samples: Range<Int>
    /// The size of it all.
    public var byteCount: Int { samples.upperBound }
    /// The frames that wait while the network sleeps: from the end of the window's first column on.
    public let sampleCount: Int
    let firstColumnSamples: Int32
    let hopSamples: Int32
    let columnCount: Int32
    let columnsPerDecision: Int32
    /// The samples that a window looks at.
    let windowSamples: Int32

    /// The layout for a model and options.
    ///
    /// - Throws: `MemoryError` where the model can't stream, or not at beats where these are the pace.
    public init(_ model: Model, _ options: Options) throws(MemoryError) {
      guard let frontEnd = model.frontEnd, model.isStreamable else { throw .notStreamable }
      guard Built.sleep || options.wakePercent <= 0, Built.rhythm || options.rhythmPrior == nil else {
        throw .notBuilt
      }
      guard options.detectorLead >= 0, options.detectorLead < model.leadCount else { throw .noSuchLead }
      let beside = model.beatNetwork
      guard beside == nil || options.columnsPerClock == 0 else { throw .decidesAtBeatsAlone }
      let pace = try Pace(model, frontEnd, options)
      var end = 0
      func next(_ byteCount: Int) -> Range<Int> {
        let start = end
        end = start &+ (byteCount &+ 3) & ~3
        return unsafe Range(uncheckedBounds: (start, end))
      }
      let reach = (pace.columnsPerWindow &- 1) &* frontEnd.hopSamples
      sampleCount = options.sleeps ? reach &+ 1 : 0
      pipeline = next(model.stateByteCount)
      beats = next(beside?.stateByteCount ?? 0)
      words = next(MemoryLayout<Words>.size)
      detector = next(
        options.findsBeats
          ? BeatDetector.stateByteCount(sampleRateMillihertz: frontEnd.sampleRateMillihertz) : 0)
      quality = next(SignalQuality.stateByteCount &* model.leadCount)
      announcer = next(Announcer.stateByteCount(options.policy))
      rhythm = next(options.sleeps ? RhythmWatch.stateByteCount : 0)
      prior = next(options.rhythmPrior == nil ? 0 : RhythmPrior.stateByteCount)
      samples = next(2 &* sampleCount &* model.leadCount)
      firstColumnSamples = Int32(clamping: pace.firstColumnSamples)
      hopSamples = Int32(clamping: frontEnd.hopSamples)
      columnCount = Int32(clamping: pace.columnsPerWindow)
      columnsPerDecision = Int32(clamping: max(1, pace.columnsPerDecision))
      windowSamples = Int32(clamping: reach &+ pace.firstColumnSamples)
    }

    /// How columns come; where beats are the input, a column is the time at which decisions are made.
    private struct Pace {
      let columnsPerWindow: Int
      let columnsPerDecision: Int
      let firstColumnSamples: Int

      init(_ model: Model, _ frontEnd: FrontEndPlan, _ options: Options) throws(MemoryError) {
        if Built.beatFrontEnd, let beats = frontEnd.beats {
          guard options.columnsPerClock == 0, !options.sleeps else { throw .decidesAtBeatsAlone }
          columnsPerWindow = max(1, quotient(beats.ringSampleCount, beats.hopSamples))
          (columnsPerDecision, firstColumnSamples) = (1, beats.hopSamples)
          return
        }
        guard let layout = model.streaming else { throw .notStreamable }
        guard layout.columnsPerDecision == 1 || options.columnsPerClock > 0 else {
          throw .decidesByClockAlone
        }
        (columnsPerWindow, columnsPerDecision) = (layout.columnsPerWindow, layout.columnsPerDecision)
        firstColumnSamples = frontEnd.windowSamples
      }
    }
  }

  /// All that lasts beside the parts' own states.
  struct Words {
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

    @inline(__always)
    init(_ places: StateLayout, _ options: Options, reason: NoResult) {
      samplesUntilColumn = places.firstColumnSamples
      columnsUntilFull = places.columnCount
      columnsUntilClock = options.columnsPerClock
      self.reason = Int32(reason.rawValue)
    }

    /// Whether every place lies in its ring; inlined, or the layout would be copied for each column.
    @inline(__always)
    func isSound(_ places: StateLayout) -> Bool {
      (0..<Int32(Self.capacity)).contains(pendingFirst) && pendingCount >= 0
        && pendingCount <= Int32(Self.capacity) && nextSample >= 0 && waitingCount >= 0
        && Int(nextSample) < max(1, places.sampleCount) && Int(waitingCount) <= places.sampleCount
        && samplesUntilColumn >= 1 && samplesUntilColumn <= max(places.firstColumnSamples, places.hopSamples)
        && columnsUntilFull >= 0 && columnsUntilFull <= places.columnCount
        && droppedCount >= 0 && computedColumns >= 0
    }
  }

  /// Whether the state is one that samples lead to, as far as it tells without a checksum; see
  /// `StreamingPipeline.isStateSound`.
  @inline(__always)
  public var isStateSound: Bool {
    switch prior {
    case .some(let prior) where Built.rhythm && !prior.isStateSound: false
    default: areInputsSound && (unsafe words.pointee.isSound(places)) && isPaceSound
    }
  }

  /// What is asked before each column: whether places lie in their rings.
  ///
  /// Where beats are the input, a damaged template, memory or interval traps nothing, and is looked at with the next beat that
  /// the network is asked about. It changes nothing, and is mutating so that the monitor isn't copied for it.
  @inline(__always)
  mutating func isStateGuarded() -> Bool {
    if takesBeats { return unsafe words.pointee.isSound(places) }
    return isSoundInPlace()
  }

  /// The same as `isStateSound`: once, and without a copy.
  @inline(never)
  private mutating func isSoundInPlace() -> Bool { isStateSound }

  private var areInputsSound: Bool {
    takesBeats ? beats.isStateSound : pipeline.isStateSound && (!addsBeats || beats.isStateSound)
  }

  /// Whether the pipeline expects its next column when the monitor does, as many samples later as wait.
  private var isPaceSound: Bool {
    let words = unsafe self.words.pointee
    guard !takesBeats else { return true }
    let lag = Int32(truncatingIfNeeded: pipeline.samplesUntilColumn) &- words.waitingCount
    return (lag &- words.samplesUntilColumn) % max(1, places.hopSamples) == 0
  }

  /// A checksum of all of the state, see `StreamingPipeline.stateChecksum`.
  ///
  /// - Complexity: O(n) in the state's size.
  public var stateChecksum: UInt32 {
    unsafe WordChecksum.checksum(UnsafeRawBufferPointer(start: state, count: places.byteCount))
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
    if !takesBeats { guard unsafe pipeline.isSound(saved) else { throw .impossibleState } }
    unsafe state.copyMemory(from: saved, byteCount: places.byteCount)
    guard isSoundInPlace(), announcer.isSoundInPlace() else {
      resetUnsound()
      throw .impossibleState
    }
  }

  private var owner: UInt32 { options.checksum(continuing: model.imageChecksum) }
}
