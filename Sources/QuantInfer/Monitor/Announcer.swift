/// What a device says about the heart.
public enum Announcement: Equatable, Sendable {
  /// A class, and by how many codes its newest logit exceeds the largest other one: below 0 where the newest raw
  /// decision was for another class, but not yet enough of them.
  case result(classIndex: Int, marginCodes: Int)
  /// Nothing can be said: the fail-safe state.
  case noResult(NoResult)
  /// Nothing was asked of the network; the last result stands.
  case asleep
}

/// Why a device has no result.
public enum NoResult: UInt8, Sendable {
  /// After a start or a reset, fewer samples have come than a window has.
  case windowNotFull = 1
  /// The samples are all but equal: a lead is off, or a drop-out.
  case flatLine
  /// The samples stand at the converter's ends: a lead is off, or the signal is too large.
  case saturation
  /// The signal is back, but the window still reaches into what was bad.
  case refilling
  /// The state or the image has lost bits.
  case unsoundState
  /// The newest raw decision's margin is below the minimum.
  case lowMargin
}

/// How raw decisions become results.
///
/// The three rules compose in this order:
/// 1. **Minimum margin**: a raw decision whose largest logit exceeds the second by less than `minimumMarginCodes` gives
///    no result, and is forgotten.
/// 2. **Majority**: the candidate is the most frequent class of the last `majorityCount` raw decisions. Of equally
///    frequent ones it is the present result, or else the one decided most recently.
/// 3. **Hysteresis**: another candidate than the present result becomes the result when it has been the candidate
///    `hysteresisCount` times in a row, or at once where a raw decision for it has a margin of at least
///    `hysteresisMarginCodes`.
public struct AnnouncementPolicy: Equatable, Sendable {
  /// The raw decisions that vote, in 1...31; 1 takes each as it comes.
  public var majorityCount = 1
  /// The times in a row that a new class must be the candidate, in 1...255; 1 takes it at once.
  public var hysteresisCount = 1
  /// The margin with which a raw decision changes the result at once, in codes; 0 for none.
  public var hysteresisMarginCodes = 0
  /// The margin below which there is no result, in codes; 0 for none.
  public var minimumMarginCodes = 0

  /// A policy that announces each raw decision.
  public init() {}

  /// The largest majority.
  public static var greatestMajorityCount: Int { 31 }
  /// The longest hysteresis.
  public static var greatestHysteresisCount: Int { 255 }

  /// The policy with each value moved to the nearest one in its range.
  var clamped: AnnouncementPolicy {
    var policy = self
    policy.majorityCount = min(max(1, majorityCount), Self.greatestMajorityCount)
    policy.hysteresisCount = min(max(1, hysteresisCount), Self.greatestHysteresisCount)
    policy.hysteresisMarginCodes = min(max(0, hysteresisMarginCodes), 256)
    policy.minimumMarginCodes = min(max(0, minimumMarginCodes), 256)
    return policy
  }
}

/// Turns raw decisions into results that a device can act on, or into no result and the reason.
///
/// All arithmetic is on codes: equal codes give equal announcements on every machine. No input and no damaged state
/// traps.
///
/// ```swift
/// var announcer = try Announcer(policy: policy, classCount: 4, state: state)
/// pipeline.decide(into: logits)
/// switch announcer.announce(UnsafeBufferPointer(logits)) {
/// case .result(let classIndex, let marginCodes): ...
/// case .noResult(let reason): ...
/// case .asleep: ...
/// }
/// ```
@safe
public struct Announcer: ~Copyable {
  /// How raw decisions become results.
  public let policy: AnnouncementPolicy
  let classCount: Int
  private let words: UnsafeMutablePointer<Words>
  /// The classes of the last raw decisions, the newest at `voteCount - 1`.
  private let votes: UnsafeMutablePointer<UInt16>

  /// What is remembered beside the votes.
  private struct Words {
    /// The present result's class; `none` without one.
    var present: UInt16 = Announcer.none
    /// The class that is on its way, and how many times in a row it has been the candidate.
    var candidate: UInt16 = Announcer.none
    var candidateCount: UInt16 = 0
    var voteCount: UInt16 = 0
  }

  private static var none: UInt16 { .max }

  /// The bytes that the state takes.
  public static func stateByteCount(_ policy: AnnouncementPolicy) -> Int {
    MemoryLayout<Words>.size &+ (policy.clamped.majorityCount &* 2 &+ 3) / 4 &* 4
  }

  /// Creates an announcer in the caller's memory, without a result.
  ///
  /// - Parameters:
  ///   - policy: The rules; values out of range count as the nearest ones within it.
  ///   - classCount: The number of logits.
  ///   - state: At least `stateByteCount` bytes, at a multiple of 4; it must outlive the announcer.
  /// - Throws: `MemoryError` where the memory doesn't fit.
  public init(
    policy: AnnouncementPolicy, classCount: Int, state: UnsafeMutableRawBufferPointer
  ) throws(MemoryError) {
    let start = try unsafe checkedStart(of: state, byteCount: Self.stateByteCount(policy))
    self.policy = policy.clamped
    self.classCount = min(max(0, classCount), Int(UInt16.max))
    unsafe words = start.bindMemory(to: Words.self, capacity: 1)
    unsafe votes = (start + MemoryLayout<Words>.size).bindMemory(
      to: UInt16.self, capacity: self.policy.majorityCount)
    reset()
  }

  /// Forgets all decisions: there is no result until the next one.
  public mutating func reset() {
    unsafe words.initialize(to: Words())
    var places = Indices(to: policy.majorityCount)
    while let place = places.next() { unsafe votes[place] = Self.none }
  }

  /// The present result's class; nil without one.
  public var presentClass: Int? {
    let present = unsafe words.pointee.present
    return present < classCount ? Int(present) : nil
  }

  /// Takes a raw decision.
  ///
  /// - Parameter logits: The codes, one a class; more than that are not looked at.
  /// - Returns: What to say after it.
  /// - Complexity: O(classes + `majorityCount` squared).
  public mutating func announce(_ logits: UnsafeBufferPointer<Int8>) -> Announcement {
    guard classCount > 0, logits.count >= classCount else { return announceNothing(.unsoundState) }
    let (decided, decidedMargin) = unsafe largest(logits)
    guard decidedMargin >= policy.minimumMarginCodes else { return .noResult(.lowMargin) }
    if policy.majorityCount == 1, policy.hysteresisCount == 1 {
      // What the rules below come to, in fewer instructions.
      unsafe votes[0] = UInt16(truncatingIfNeeded: decided)
      unsafe words.pointee = Words(present: UInt16(truncatingIfNeeded: decided), voteCount: 1)
      return .result(classIndex: decided, marginCodes: decidedMargin)
    }
    return unsafe vote(decided, margin: decidedMargin, logits)
  }

  /// Lets a class be one of several that decide together; by itself, as a policy of single ones would save registers for it.
  @inline(never)
  private mutating func vote(
    _ decided: Int, margin decidedMargin: Int, _ logits: UnsafeBufferPointer<Int8>
  ) -> Announcement {
    vote(UInt16(truncatingIfNeeded: decided))
    let winner = winner
    change(to: winner, isCertain: isCertain(decidedMargin, for: winner, decided: decided))
    let present = unsafe Int(words.pointee.present)
    guard present < classCount else { return announceNothing(.unsoundState) }
    return .result(
      classIndex: present,
      marginCodes: present == decided ? decidedMargin : unsafe margin(of: present, in: logits))
  }

  /// Says that there is no result, and forgets the decisions that led to the last one: they are no evidence for
  /// what comes after a gap.
  @discardableResult
  public mutating func announceNothing(_ reason: NoResult) -> Announcement {
    reset()
    return .noResult(reason)
  }

  // What the parts below need of the announcer is inlined, or it would be copied for each.

  /// The index of the largest code, the first of equal ones, and how far it lies above the largest other one.
  @inline(__always)
  private func largest(_ logits: UnsafeBufferPointer<Int8>) -> (index: Int, margin: Int) {
    var (found, largest, other) = unsafe (0, Int(logits[0]), Int(Int8.min))
    var indices = Indices(from: 1, to: classCount)
    while let index = indices.next() {
      let code = unsafe Int(logits[index])
      if code > largest {
        (found, other, largest) = (index, largest, code)
      } else {
        other = max(other, code)
      }
    }
    return (found, largest &- other)
  }

  /// How far a class's code lies above the largest other one.
  private func margin(of classIndex: Int, in logits: UnsafeBufferPointer<Int8>) -> Int {
    var other = Int(Int8.min)
    var indices = Indices(to: classCount)
    while let index = indices.next() {
      if index != classIndex { other = max(other, unsafe Int(logits[index])) }
    }
    return unsafe Int(logits[classIndex]) &- other
  }

  @inline(__always)
  private func isCertain(_ margin: Int, for winner: UInt16, decided: Int) -> Bool {
    policy.hysteresisMarginCodes > 0 && Int(winner) == decided && margin >= policy.hysteresisMarginCodes
  }

  /// Adds a vote; the oldest makes room.
  private func vote(_ newest: UInt16) {
    let count = min(unsafe Int(words.pointee.voteCount), policy.majorityCount)
    let isFull = count == policy.majorityCount
    if isFull {
      var indices = Indices(from: 1, to: count)
      while let index = indices.next() { unsafe votes[index &- 1] = votes[index] }
    }
    unsafe votes[isFull ? count &- 1 : count] = newest
    unsafe words.pointee.voteCount = UInt16(truncatingIfNeeded: isFull ? count : count &+ 1)
  }

  /// The most frequent class of the votes.
  @inline(__always)
  private var winner: UInt16 {
    let count = min(unsafe Int(words.pointee.voteCount), policy.majorityCount)
    let present = unsafe words.pointee.present
    var winner = Self.none
    var mostVotes = 0
    // From the newest on, so that it wins among equals; the present result wins over all.
    var ages = Indices(to: count)
    while let age = ages.next() {
      let index = count &- 1 &- age
      let own = unsafe votes[index]
      var ownVotes = 0
      var others = Indices(to: count)
      while let other = others.next() {
        if unsafe votes[other] == own { ownVotes &+= 1 }
      }
      if ownVotes > mostVotes || (ownVotes == mostVotes && own == present) {
        (winner, mostVotes) = (own, ownVotes)
      }
    }
    return winner
  }

  /// Lets the candidate become the result where it has come often or clearly enough.
  private func change(to winner: UInt16, isCertain: Bool) {
    var words = unsafe self.words.pointee
    if winner == words.present {
      (words.candidate, words.candidateCount) = (Self.none, 0)
    } else {
      let count = winner == words.candidate ? Int(words.candidateCount) &+ 1 : 1
      (words.candidate, words.candidateCount) = (winner, UInt16(truncatingIfNeeded: count))
      if isCertain || words.present == Self.none || count >= policy.hysteresisCount {
        words.present = winner
        (words.candidate, words.candidateCount) = (Self.none, 0)
      }
    }
    unsafe self.words.pointee = words
  }

  /// Whether the state is one that decisions lead to; a device whose memory may lose bits asks before it announces.
  @inline(__always)
  public var isStateSound: Bool {
    let words = unsafe self.words.pointee
    func isClass(_ index: UInt16) -> Bool { index == Self.none || index < classCount }
    guard isClass(words.present), isClass(words.candidate), words.candidateCount < policy.hysteresisCount,
      words.voteCount <= policy.majorityCount
    else { return false }
    var indices = Indices(to: policy.majorityCount)
    while let index = indices.next() {
      if unsafe !isClass(votes[index]) { return false }
    }
    return true
  }

  /// The same: once, and without a copy.
  @inline(never)
  mutating func isSoundInPlace() -> Bool { isStateSound }
}

extension Announcer {
  /// The size of a saved state, in bytes.
  public var savedByteCount: Int { SavedState.Header.byteCount &+ Self.stateByteCount(policy) }

  /// Saves the state, after any decision; see `StreamingPipeline.save`.
  ///
  /// - Parameter copy: Receives `savedByteCount` bytes, at any alignment.
  /// - Throws: `MemoryError` where they don't fit.
  public func save(into copy: UnsafeMutableRawBufferPointer) throws(MemoryError) {
    try unsafe SavedState.write(
      .announcer, owner: UInt32(truncatingIfNeeded: classCount), state: UnsafeRawPointer(words),
      byteCount: Self.stateByteCount(policy), into: copy)
  }

  /// Goes on from a saved state.
  ///
  /// - Parameter copy: The saved state, at any alignment; what follows it is not looked at.
  /// - Throws: `SavedStateError`; the announcer then is as it was, or, where the state is impossible, without a result.
  public mutating func restore(from copy: UnsafeRawBufferPointer) throws(SavedStateError) {
    let byteCount = Self.stateByteCount(policy)
    let saved = try unsafe SavedState.checked(
      .announcer, owner: UInt32(truncatingIfNeeded: classCount), byteCount: byteCount, from: copy)
    unsafe UnsafeMutableRawPointer(words).copyMemory(from: saved, byteCount: byteCount)
    guard isStateSound else {
      reset()
      throw .impossibleState
    }
  }
}
