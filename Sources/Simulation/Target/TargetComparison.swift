import Foundation
import HostDevice
import ModelFiles
import QuantInfer
import QuantInferTarget
import Support

/// A board that takes a run's samples beside the host's device, and what of it differs.
struct TargetComparison: ~Copyable {
  /// What a run is made of.
  struct Plan {
    /// The model, and its image and patch as they go over the wire; an empty patch for the model as shipped.
    var loaded: LoadedModel
    var image: [UInt8]
    var patch: [UInt8] = []
    /// The monitor's options.
    var options: Monitor.Options
    var timing: DecisionTiming
    var source: Source
    /// The frames' rate.
    var sampleRateHz: Double
    /// The samples before which the state is saved, lost and restored.
    var brownOuts: Set<Int> = []
    /// Whether each column goes by itself, with the state after it: so that the first difference has a place.
    var comparesLayers = false

    var leadCount: Int { loaded.model.leadCount }
    var frameCount: Int {
      switch source {
      case .host(let samples): samples.count / leadCount
      case .board(let frames): frames
      }
    }
  }

  /// Whose samples both take.
  enum Source {
    /// The host's: counts, a sample of each of the model's leads a frame.
    case host([Int16])
    /// The board's own: so many frames, or as many as it has.
    case board(frames: Int)
  }

  private let plan: Plan
  private let session: TargetSession
  private let isEmulated: Bool
  private var device: RunningDevice
  private var result: TargetResult
  private var ticks = (sample: 0.0, column: 0.0, decision: 0.0, worst: 0.0)
  private let stateByteCount: Int
  private var timedDecisions = 0
  /// The board's own samples so far.
  private var acquired: [Int16] = []

  /// Runs a plan on a board.
  ///
  /// A board that falls silent half-way is a failure in the result, with what was compared until then.
  ///
  /// - Returns: What was compared, and the samples that the board took by itself.
  /// - Throws: `FileError` where the board can't be reached or can't run the model.
  static func run(
    _ plan: Plan, on address: TargetAddress, watcher: (any StreamWatcher)? = nil,
    progress: ProgressHandler? = nil
  ) throws(FileError) -> (result: TargetResult, acquired: [Int16]) {
    let session = try TargetSession(try TargetConnection.open(address))
    var comparison = try TargetComparison(plan, session, address, progress: progress)
    let start = ProcessInfo.processInfo.systemUptime
    do throws(FileError) {
      try comparison.runSamples(watcher: watcher, progress: progress)
    } catch {
      // Without samples of the board's own there is no run to tell of.
      if case .board = plan.source, comparison.result.samples == 0 { throw error }
      comparison.result.failure = error.problem
    }
    comparison.finish(seconds: ProcessInfo.processInfo.systemUptime - start)
    return (comparison.result, comparison.acquired)
  }

  private init(
    _ plan: Plan, _ session: TargetSession, _ address: TargetAddress, progress: ProgressHandler?
  ) throws(FileError) {
    let checksum = String(format: "%08x", plan.loaded.checksum)
    let source = try session.load(plan.image, patch: plan.patch, checksum: checksum, progress: progress)
    let stateByteCount = try session.begin(
      source, isPatched: !plan.patch.isEmpty, plan.options, checksum: checksum)
    device = try Self.device(plan, name: address.description)
    (self.plan, self.session, isEmulated) = (plan, session, address.isEmulated)
    self.stateByteCount = stateByteCount
    result = TargetResult(address: address.description, board: session.board, image: "\(source)")
    if case .board = plan.source { result.samplesFrom = .board }
  }

  private static func device(_ plan: Plan, name: String) throws(FileError) -> RunningDevice {
    do throws(MemoryError) {
      return try RunningDevice(plan.loaded, plan.options, plan.timing)
    } catch {
      throw .malformed(name, "the model can't be streamed (\(error))", remedy: "use a model that can")
    }
  }

  private mutating func runSamples(
    watcher: (any StreamWatcher)?, progress: ProgressHandler?
  ) throws(FileError) {
    var next = 0
    while next < plan.frameCount {
      if plan.brownOuts.contains(next) { try brownOut(at: next) }
      let wanted = next..<endOfBlock(from: next)
      let taken = try take(wanted)
      next = taken.upperBound
      progress?(TaskProgress(completed: next, total: plan.frameCount))
      watcher?.follow(board: result)
      // A source of the board's own may end before.
      guard taken == wanted else { break }
    }
    if next > 0 { try compareStates(at: next - 1) }
  }

  /// A block ends where its frame is full, with a given beat, before a brown-out, and layer by layer with a column.
  private func endOfBlock(from start: Int) -> Int {
    let room =
      switch plan.source {
      case .host: (session.board.longestPayloadBytes - 1 - 4 * 8) / (2 * plan.leadCount)
      case .board: TargetFrame.Acquired.greatestSampleCount / plan.leadCount
      }
    var end = min(plan.frameCount, start + max(1, room))
    if case .givenBeats(let beats) = plan.timing, let beat = beats.first(where: { $0 >= start }) {
      end = min(end, beat + 1)
    }
    if let moment = plan.brownOuts.filter({ $0 > start }).min() { end = min(end, moment) }
    if plan.comparesLayers, let frontEnd = plan.loaded.model.frontEnd {
      let first = frontEnd.windowSamples
      let column =
        start < first ? first : first + ((start - first) / frontEnd.hopSamples + 1) * frontEnd.hopSamples
      end = min(end, column)
    }
    return end
  }

  /// A block's frames, the host's or the board's own, through both devices; the frames that there were.
  private mutating func take(_ wanted: Range<Int>) throws(FileError) -> Range<Int> {
    let leadCount = plan.leadCount
    switch plan.source {
    case .host(let samples):
      let frames = samples[wanted.lowerBound * leadCount..<wanted.upperBound * leadCount]
      try compare(try session.push(frames, beatAges: beatAges(at: wanted.upperBound - 1)), frames, of: wanted)
      return wanted
    case .board:
      let (answer, samples) = try session.acquire(
        wanted.count, leadCount: leadCount, isFirst: wanted.lowerBound == 0)
      let block = wanted.lowerBound..<wanted.lowerBound + samples.count / leadCount
      acquired += samples
      result.lostFrames = Int(answer.taken.word(at: TargetFrame.Acquired.lostFrames))
      if !block.isEmpty { try compare(answer, samples[...], of: block) }
      return block
    }
  }

  /// How long before a frame the beats were that are given with it.
  private func beatAges(at last: Int) -> [Int] {
    guard case .givenBeats(let beats) = plan.timing else { return [] }
    return beats.filter { max(0, $0) == last }.prefix(8).map { last - $0 }
  }

  /// Compares a board's answer to a block of frames with what the host's device says to them.
  private mutating func compare(
    _ answer: TargetSession.Block, _ samples: ArraySlice<Int16>, of block: Range<Int>
  ) throws(FileError) {
    // The host's device, as ever.
    var columns = (count: 0, checksum: UInt32(0))
    var expected: [SeenDecision] = []
    for sample in block {
      let start = samples.startIndex + (sample - block.lowerBound) * plan.leadCount
      let isColumn = samples[start..<start + plan.leadCount].withUnsafeBufferPointer {
        $0.baseAddress.map { device.push(frame: $0) } ?? false
      }
      guard isColumn else { continue }
      columns.count += 1
      columns.checksum = CRC32.checksum(
        UnsafeRawBufferPointer(device.monitor.newestColumn), continuing: columns.checksum)
      while let decision = device.nextDecision() {
        expected.append(
          SeenDecision(
            sample: sample, beatAge: decision.beatAge, announcement: decision.announcement,
            logits: decision.hasLogits ? Array(device.logits) : []))
      }
    }
    result.samples = block.upperBound
    try compare(answer.decisions, with: expected, from: block.lowerBound)
    let pushed = answer.taken
    typealias Field = TargetFrame.Pushed
    if columns.count > 0 {
      result.columns += columns.count
      result.compared += 1
      let found = (count: Int(pushed.word(at: Field.columns)), checksum: pushed.word(at: Field.checksum))
      if found != columns {
        try note(
          "column", block.upperBound - 1,
          board: "\(found.count) with CRC \(String(format: "%08x", found.checksum))",
          host: "\(columns.count) with CRC \(String(format: "%08x", columns.checksum))")
      }
    }
    if plan.comparesLayers { try compareStates(at: block.upperBound - 1) }
    let unit = isEmulated ? session.instructionsPerTick : 1
    ticks.sample += unit * Double(pushed.word(at: Field.sampleTicks))
    ticks.column += unit * Double(pushed.word(at: Field.columnTicks))
    ticks.worst = max(ticks.worst, unit * Double(pushed.word(at: Field.worstTicks)))
    result.stackBytes = max(result.stackBytes, Int(pushed.word(at: Field.stackByteCount)))
  }

  private mutating func compare(
    _ frames: [TargetConnection.Frame], with expected: [SeenDecision], from start: Int
  ) throws(FileError) {
    for index in 0..<max(frames.count, expected.count) {
      result.decisions += 1
      result.compared += 1
      let here = expected.indices.contains(index) ? expected[index] : nil
      var there: SeenDecision?
      if frames.indices.contains(index) {
        there = SeenDecision(frames[index], start: start)
        if there?.logits.isEmpty == false {
          let unit = isEmulated ? session.instructionsPerTick : 1
          ticks.decision += unit * Double(frames[index].word(at: TargetFrame.Decision.ticks))
          timedDecisions += 1
        }
      }
      if here != there {
        try note(
          "decision", there?.sample ?? here?.sample ?? start, board: there?.words ?? "none",
          host: here?.words ?? "none")
      }
    }
  }

  /// Saves, loses and restores both states, and compares what was saved.
  private mutating func brownOut(at sample: Int) throws(FileError) {
    let snapshot = device.snapshot()
    let here = snapshot.saved.withUnsafeBytes { CRC32.checksum($0) }
    device.loseMemory { 0xA5 }
    do throws(SavedStateError) {
      try device.restore(snapshot)
    } catch {
      preconditionFailure("what was just saved is whole: \(error)")
    }
    guard let there = try session.save() else { return }
    try compareState(here, there, at: sample)
  }

  private mutating func compareStates(at sample: Int) throws(FileError) {
    try compareState(
      CRC32.checksum(UnsafeRawBufferPointer(device.state)), try session.stateChecksum(), at: sample)
  }

  private mutating func compareState(_ here: UInt32, _ there: UInt32, at sample: Int) throws(FileError) {
    result.states += 1
    result.compared += 1
    guard here != there else { return }
    try note(
      "state", sample, board: String(format: "CRC %08x", there), host: String(format: "CRC %08x", here))
  }

  /// Counts a difference, and looks where the first one is.
  private mutating func note(_ what: String, _ sample: Int, board: String, host: String) throws(FileError) {
    result.differing += 1
    guard result.firstDifference == nil else { return }
    result.firstDifference = .init(what: what, sample: sample, board: board, host: host, part: nil)
    let here = Array(device.state)
    guard stateByteCount == here.count else {
      result.firstDifference?.part = "the state's size: \(stateByteCount) bytes there, \(here.count) here"
      return
    }
    let there = try session.state(byteCount: stateByteCount)
    guard let place = zip(here, there).enumerated().first(where: { $0.element.0 != $0.element.1 })?.offset
    else { return }
    result.firstDifference?.part = Self.part(of: place, plan.loaded, plan.options)
  }

  /// The name of what a byte of the state belongs to.
  private static func part(of place: Int, _ loaded: LoadedModel, _ options: Monitor.Options) -> String {
    let names = ModelSummary(loaded).operations.operators.enumerated().map { "\($0) \($1.name)" }
    let parts = (try? Monitor.StateLayout(loaded.model, options))?.parts(
      of: loaded.model, operatorNames: names)
    let name = parts?.place(ofByte: place)?.name
    return "\(name ?? "the state"), byte \(place)"
  }

  private mutating func finish(seconds: Double) {
    let duration = Double(result.samples) / plan.sampleRateHz
    if seconds > 0, result.samples > 0 { result.realTimeFactor = duration / seconds }
    guard session.board.counter != "none", result.samples > 0 else { return }
    func mean(_ sum: Double, _ count: Int) -> Double? { count == 0 ? nil : sum / Double(count) }
    result.ticks = .init(
      unit: isEmulated ? "instructions" : "cycles",
      perSample: mean(ticks.sample, result.samples - result.columns),
      perColumn: mean(ticks.column, result.columns), perDecision: mean(ticks.decision, timedDecisions),
      worstSample: ticks.worst, perSecond: (ticks.sample + ticks.column + ticks.decision) / duration)
  }
}

/// A decision as it was seen, on either side.
private struct SeenDecision: Equatable {
  /// The sample after which it came.
  var sample: Int
  var beatAge: Int?
  var announcement: Announcement
  /// The codes; empty where the network didn't decide.
  var logits: [Int8]

  init(sample: Int, beatAge: Int?, announcement: Announcement, logits: [Int8]) {
    (self.sample, self.beatAge, self.announcement, self.logits) = (sample, beatAge, announcement, logits)
  }

  /// A decision as it came over the wire, after a block that began at a sample.
  init(_ frame: TargetConnection.Frame, start: Int) {
    typealias Field = TargetFrame.Decision
    switch frame.byte(at: Field.reason) {
    case 0:
      announcement = .result(
        classIndex: Int(frame.half(at: Field.classIndex)),
        marginCodes: Int(Int16(bitPattern: frame.half(at: Field.marginCodes))))
    case Field.asleep: announcement = .asleep
    case let reason: announcement = .noResult(NoResult(rawValue: reason) ?? .unsoundState)
    }
    let age = Int32(bitPattern: frame.word(at: Field.beatAge))
    beatAge = age < 0 ? nil : Int(age)
    sample = start + Int(frame.half(at: Field.sample))
    logits =
      frame.byte(at: Field.hasLogits) == 0
      ? [] : frame.payload.dropFirst(Field.logits).map { Int8(bitPattern: $0) }
  }

  var words: String {
    let announced =
      switch announcement {
      case .result(let classIndex, let marginCodes): "class \(classIndex) by \(marginCodes)"
      case .noResult(let reason): "no result (\(reason.words))"
      case .asleep: "asleep"
      }
    return announced + (logits.isEmpty ? "" : ", logits \(logits.map { String($0) }.joined(separator: " "))")
  }
}
