#if QUANTINFER_SELECTED && !QUANTINFER_BEATS
  /// What a build without networks of beats has in its place: it takes no image with one, so nothing here is ever called, or takes
  /// room.
  struct BeatPipeline: ~Copyable {
    enum Source {
      case network
      case memory
    }

    var isStateSound: Bool { true }

    init(
      model: Model, state: UnsafeMutableRawBufferPointer, scratch: UnsafeMutableRawBufferPointer,
      instructions: InstructionSet
    ) throws(MemoryError) { throw .notBuilt }

    init(idle model: Model, state: UnsafeMutableRawPointer) {}

    mutating func reset() {}

    mutating func push(_ sample: Int16, number: UInt32) {}

    mutating func push(_ block: UnsafePointer<Int16>, count: Int, from number: UInt32) {}

    mutating func skip(beatAt beat: UInt32) {}

    mutating func pass(beatAt beat: UInt32, next: UInt32) {}

    mutating func add(
      beatAt beat: UInt32, next: UInt32, to logits: UnsafeMutableBufferPointer<Int8>
    ) -> Bool { false }

    var greatestAge: Int { 0 }

    mutating func decide(
      beatAt beat: UInt32, next: UInt32, into logits: UnsafeMutableBufferPointer<Int8>
    ) -> Source? { nil }
  }
#else
  /// Beat in, decision out: a beat's input through a small network.
  ///
  /// The network runs where the beat differs from the patient's usual one or comes out of time, and for some that don't, whose
  /// mean answer all the others get: see `BeatFrontEnd`.
  @safe
  struct BeatPipeline: ~Copyable {
    /// The model that it runs.
    let model: Model
    private let plan: BeatPlan
    private let network: BeatNetwork
    private let input: UnsafeMutablePointer<Int8>
    /// The input's last codes, of the intervals.
    private let figures: UnsafeMutablePointer<Int8>
    private let output: UnsafePointer<Int8>
    /// The output's codes; kept, as reading a tensor takes a fifth of a known beat's instructions.
    private let classCount: Int
    /// The code of a logit of 0.
    private let zeroPoint: Int32
    private var frontEnd: BeatFrontEnd
    private let answers: BeatAnswers

    /// Creates a pipeline in the caller's memory, with all samples and beats forgotten.
    ///
    /// - Parameters:
    ///   - model: A validated model with a front end of beats.
    ///   - state: At least `model.stateByteCount` bytes, at a multiple of 4; it must outlive the pipeline.
    ///   - scratch: At least `model.streamingScratchByteCount` bytes, likewise; free for other use between calls.
    ///   - instructions: What inner loops may use.
    /// - Throws: `MemoryError` where the memory doesn't fit or the model is another's.
    init(
      model: Model, state: UnsafeMutableRawBufferPointer, scratch: UnsafeMutableRawBufferPointer,
      instructions: InstructionSet = .best
    ) throws(MemoryError) {
      guard let plan = model.frontEnd?.beats, model.isStreamable else { throw .notStreamable }
      let stateStart = try unsafe checkedStart(of: state, byteCount: model.stateByteCount)
      let scratchStart = try unsafe checkedStart(of: scratch, byteCount: plan.scratchByteCount(of: model))
      // The points come first, then the kernels' scratch, then the tensors.
      let kernels = unsafe scratchStart + plan.pointByteCount
      let arena = unsafe kernels + model.scratchByteCount
      self.model = model
      self.plan = plan
      classCount = model.output.count
      zeroPoint = model.output.zeroPoint
      unsafe input = (arena + model.input.byteOffset).assumingMemoryBound(to: Int8.self)
      unsafe figures = input + 2 &* plan.pointCount
      unsafe output = UnsafePointer((arena + model.output.byteOffset).assumingMemoryBound(to: Int8.self))
      unsafe frontEnd = BeatFrontEnd(plan, state: stateStart, points: scratchStart)
      unsafe answers = BeatAnswers(stateStart + plan.frontEndByteCount, classCount: classCount)
      network = unsafe BeatNetwork(
        Workspace(
          model: model, arena: arena,
          // The points' place too: the network runs when they are codes.
          scratch: Scratch(start: scratchStart, byteCount: plan.pointByteCount + model.scratchByteCount),
          instructions: instructions))
      reset()
    }

    /// A pipeline that is never used: that of a model whose input are columns.
    init(idle model: Model, state: UnsafeMutableRawPointer) {
      let plan = BeatPlan(record: model.frontEndRecord)
      self.model = model
      self.plan = plan
      classCount = 0
      zeroPoint = 0
      unsafe input = state.assumingMemoryBound(to: Int8.self)
      unsafe figures = input
      unsafe output = UnsafePointer(state.assumingMemoryBound(to: Int8.self))
      unsafe frontEnd = BeatFrontEnd(plan, state: state, points: state)
      unsafe answers = BeatAnswers(state, classCount: 0)
      network = unsafe BeatNetwork(
        Workspace(
          model: model, arena: state, scratch: Scratch(start: state, byteCount: 0), instructions: .best))
    }

    /// Forgets all samples and beats.
    mutating func reset() {
      frontEnd.reset()
      answers.reset()
    }

    /// Takes a sample of a number.
    @inline(__always)
    mutating func push(_ sample: Int16, number: UInt32) { frontEnd.push(sample, number: number) }

    /// Takes samples from a number on.
    mutating func push(_ block: UnsafePointer<Int16>, count: Int, from number: UInt32) {
      unsafe frontEnd.push(block, count: count, from: number)
    }

    /// Passes a beat over about which nothing can be told: the next interval is unknown.
    mutating func skip(beatAt beat: UInt32) { frontEnd.skip(beatAt: beat) }

    /// What a decision came from.
    enum Source {
      case network
      case memory
    }

    /// Decides about a beat; the samples about it must have come.
    ///
    /// A call of its own, whose instructions are counted.
    ///
    /// - Parameters:
    ///   - beat: The number of its sample.
    ///   - next: The samples to the next beat; the greatest number where it hasn't come.
    ///   - logits: Receives the output's codes.
    /// - Returns: What they came from; nil where there is no room for them, or the state is one that no beats lead to.
    @inline(never)
    mutating func decide(
      beatAt beat: UInt32, next: UInt32, into logits: UnsafeMutableBufferPointer<Int8>
    ) -> Source? {
      guard logits.count >= classCount, let codes = logits.baseAddress else { return nil }
      let beat = unsafe frontEnd.take(beat, next: next, figures: figures)
      if beat.isAnswered {
        unsafe answers.recall(into: logits)
        return .memory
      }
      // What no beats lead to would be forgotten late or never. Beats like no template ask, and so do some of those that are.
      guard beat.isStateSound, answers.isSound else { return nil }
      unsafe frontEnd.encode(beat, into: input)
      network.run()
      unsafe codes.update(from: output, count: classCount)
      if beat.isKnown { unsafe answers.take(logits, isFirst: beat.isFirstAnswer) }
      return .network
    }

    /// Takes a beat that nobody decides about: the patient's usual beat and the intervals go on.
    mutating func pass(beatAt beat: UInt32, next: UInt32) {
      _ = unsafe frontEnd.take(beat, next: next, figures: figures)
    }

    /// Decides about a beat, and adds what it says to another network's logits, whose codes are of the same scale.
    ///
    /// Where a sum is beyond the greatest code, all are lowered alike: only differences count.
    ///
    /// - Returns: Whether it did; see `decide(beatAt:next:into:)`.
    mutating func add(
      beatAt beat: UInt32, next: UInt32, to logits: UnsafeMutableBufferPointer<Int8>
    ) -> Bool {
      let own = unsafe UnsafeMutableBufferPointer(
        start: UnsafeMutablePointer(mutating: output), count: classCount)
      guard logits.count >= classCount, unsafe decide(beatAt: beat, next: next, into: own) != nil else {
        return false
      }
      var greatest = Int32(Int8.max)
      var indices = Indices(to: classCount)
      while let index = indices.next() {
        greatest = max(greatest, unsafe Int32(logits[index]) &+ Int32(own[index]) &- zeroPoint)
      }
      indices = Indices(to: classCount)
      while let index = indices.next() {
        let sum = unsafe Int32(logits[index]) &+ Int32(own[index]) &- zeroPoint
        unsafe logits[index] = Int8(clamping: sum &- (greatest &- Int32(Int8.max)))
      }
      return true
    }

    /// How many samples ago a beat may have been at most: what is about it still lies in the ring.
    var greatestAge: Int { plan.greatestAge }

    /// Whether the state is one that beats lead to.
    var isStateSound: Bool { frontEnd.isStateSound && answers.isSound }
  }
#endif
