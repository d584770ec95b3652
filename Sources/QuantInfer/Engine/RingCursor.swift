/// Where an operator's ring of columns stands, two words of 16 bits in the streaming state (`ModelFormat.State`).
///
/// Whatever bits the state has lost, no place lies outside the ring and no wait is longer than a window. A wrong place is
/// gone when the ring has come round; a wrong count is found by `isSound`, as a stride would keep it for ever.
@safe
struct RingCursor {
  private let words: UnsafeMutablePointer<UInt16>

  /// The cursor of an operator; `cursors` is where the first one's lies.
  @inline(__always)
  init(_ cursors: UnsafeMutablePointer<UInt16>, of index: Int) {
    unsafe words = cursors + 2 &* index
  }

  /// The next column's place, which is the oldest one's.
  @inline(__always)
  func next(in columnCount: Int) -> Int {
    let place = unsafe Int(words[0])
    return place < columnCount ? place : 0
  }

  /// The number of new columns until the operator's next output.
  @inline(__always)
  var due: Int { ParityCount.count(of: unsafe words[1]) }

  /// Starts anew, in a ring without columns.
  @inline(__always)
  func reset(waiting columnCount: Int) {
    unsafe words[0] = 0
    unsafe words[1] = ParityCount.word(columnCount, after: 0)
  }

  @inline(__always)
  func setNext(_ place: Int) { unsafe words[0] = UInt16(truncatingIfNeeded: place) }

  @inline(__always)
  func setDue(_ columnCount: Int) { unsafe words[1] = ParityCount.word(columnCount, after: words[1]) }

  /// Whether a cursor in a state, at any alignment, is one that columns lead to.
  static func isSound(_ cursor: UnsafeRawPointer, of plan: OperatorPlan, isTail: Bool) -> Bool {
    let next = unsafe Int(cursor.loadUnaligned(as: UInt16.self))
    let word = unsafe cursor.loadUnaligned(fromByteOffset: 2, as: UInt16.self)
    let due = ParityCount.count(of: word)
    // Only the tail's operator stands at 0: the others start again as soon as they get there.
    return next < plan.ringColumnCount && ParityCount.isWhole(word)
      && due <= longestWait(plan, isTail: isTail) && (due > 0 || isTail)
  }

  /// The most columns that an operator waits for: a whole window, or its stride.
  @inline(__always)
  static func longestWait(_ plan: OperatorPlan, isTail: Bool) -> Int {
    isTail ? plan.ringColumnCount : max(plan.ringColumnCount, plan.timeStride)
  }
}
