/// Which known beats the network is asked about, and what it said of the others.
///
/// A beat that is as the template and comes in time is known. The network is asked about the first ones and about every
/// 64th; the others get the mean of its answers, each of which moves that by an eighth. Every
/// few known beats one still teaches the template, see `BeatPlan.teachEvery`.
@safe
struct BeatMemory {
  /// Answers so far, 255 at most; known beats since the last one.
  private let words: UnsafeMutablePointer<Int32>

  /// The known beats from one that the network is asked about to the next.
  static var askEvery: Int32 { 64 }

  @inline(__always)
  init(_ memory: UnsafeMutableRawPointer) { unsafe words = memory.assumingMemoryBound(to: Int32.self) }

  /// Forgets all answers.
  func reset() { unsafe clear(words, byteCount: 8) }

  /// Whether a known beat now would be answered without the network.
  @inline(__always)
  func wouldAnswer(askCount: Int) -> Bool {
    unsafe words[0] >= Int32(truncatingIfNeeded: askCount) && words[1] &+ 1 < Self.askEvery
  }

  /// Whether a known beat now would teach the template.
  @inline(__always)
  func wouldTeach(every count: Int) -> Bool {
    let every = UInt32(truncatingIfNeeded: max(1, count))
    return unsafe UInt32(bitPattern: words[1]) % every == every &- 1
  }

  /// Counts a known beat.
  @inline(__always)
  func count(isAnswered: Bool) {
    if isAnswered {
      unsafe words[1] = min(max(0, words[1]), Self.askEvery) &+ 1
    } else {
      unsafe words[0] = min(max(0, words[0]), 254) &+ 1
      unsafe words[1] = 0
    }
  }

  /// The answers so far, before the newest one was counted.
  var isFirstAnswer: Bool { unsafe words[0] <= 1 }

  /// Whether counts are ones that answers lead to.
  var isSound: Bool {
    unsafe words[0] >= 0 && words[0] <= 255 && words[1] >= 0 && words[1] <= Self.askEvery
  }
}

/// The mean of the network's answers about known beats, a logit in Q8 each.
@safe
struct BeatAnswers {
  private let meansQ8: UnsafeMutablePointer<Int32>
  private let classCount: Int

  @inline(__always)
  init(_ memory: UnsafeMutableRawPointer, classCount: Int) {
    unsafe meansQ8 = memory.assumingMemoryBound(to: Int32.self)
    self.classCount = classCount
  }

  /// Forgets all answers.
  func reset() { unsafe clear(meansQ8, byteCount: 4 &* classCount) }

  /// Takes an answer; the first one as it is.
  func take(_ logits: UnsafeMutableBufferPointer<Int8>, isFirst: Bool) {
    var indices = Indices(to: classCount)
    while let index = indices.next() {
      let answerQ8 = unsafe Int32(logits[index]) &<< 8
      let meanQ8 = unsafe meansQ8[index]
      unsafe meansQ8[index] = isFirst ? answerQ8 : meanQ8 &+ (answerQ8 &- meanQ8) &>> 3
    }
  }

  /// Gives the mean answer.
  func recall(into logits: UnsafeMutableBufferPointer<Int8>) {
    var indices = Indices(to: classCount)
    while let index = indices.next() {
      unsafe logits[index] = Int8(clamping: (meansQ8[index] &+ 128) &>> 8)
    }
  }

  /// Whether the means are ones that answers lead to.
  var isSound: Bool {
    var indices = Indices(to: classCount)
    while let index = indices.next() {
      let mean = unsafe meansQ8[index]
      if mean < -(1 << 15) || mean > 1 << 15 { return false }
    }
    return true
  }
}
