/// MEAN and AVERAGE_POOL_2D over all of time, from sums that follow the window column by column.
///
/// A new column is added and the one that leaves its ring taken off, so that a decision costs the scaling alone. The
/// sums are those of the whole window, to the bit. A second set begins anew at the ring's first place and takes over
/// when the ring comes round: a flipped bit is forgotten after two rounds, as a window forgets it after one.
@safe
struct RunningSums {
  /// The window's sums, then those of the round that has begun: `count` each.
  private let sums: UnsafeMutablePointer<Int32>
  /// The number of sums: the operator's outputs.
  private let count: Int
  private let columnCount: Int

  /// The sums' place in the streaming state: behind the ring, at the next multiple of 4.
  static func offset(behindRingEnd end: Int) -> Int { (end &+ 3) & ~3 }

  /// What an output's sums take: the window's and the round's.
  static var bytesPerOutput: Int { 8 }

  /// Whether sums can serve an operator that is valid: each output is the mean of every so many codes of the input.
  static func serve(_ plan: OperatorPlan, input: Tensor, output: Tensor) -> Bool {
    guard input.type == .int8, output.type == .int8, input.batchCount == 1,
      input.columnCount % output.count == 0
    else { return false }
    switch plan.kind {
    case .mean: return Mean.isInterleaved(plan, output: output)
    case .averagePool:
      guard let window = plan.window, window.time.kernel == input.timeCount,
        window.time.paddingBefore == 0, window.time.paddingAfter == 0,
        window.frequency.paddingBefore == 0, window.frequency.paddingAfter == 0
      else { return false }
      return output.columnCount == input.columnCount || window.frequency.kernel == input.frequencyCount
    default: return false
    }
  }

  /// The sums of an operator that reads a ring.
  init(_ plan: OperatorPlan, input: Tensor, output: Tensor, state: UnsafeMutableRawPointer) {
    let end = plan.ringOffset &+ plan.ringColumnCount &* input.columnByteCount
    unsafe sums = (state + Self.offset(behindRingEnd: end)).assumingMemoryBound(to: Int32.self)
    (count, columnCount) = (output.count, input.columnCount)
  }

  /// Takes off the column that a new one is about to replace.
  func remove(_ column: UnsafePointer<Int8>) {
    var first = 0
    while first < columnCount {
      var outputs = Indices(to: count)
      while let index = outputs.next() {
        unsafe sums[index] &-= Int32(truncatingIfNeeded: column[first &+ index])
      }
      first &+= count
    }
  }

  /// Adds a new column; the ring's last one ends a round.
  func add(_ column: UnsafePointer<Int8>, endsRound: Bool) {
    let begun = unsafe sums + count
    var first = 0
    while first < columnCount {
      var outputs = Indices(to: count)
      while let index = outputs.next() {
        let code = unsafe Int32(truncatingIfNeeded: column[first &+ index])
        unsafe sums[index] &+= code
        unsafe begun[index] &+= code
      }
      first &+= count
    }
    guard endsRound else { return }
    var outputs = Indices(to: count)
    while let index = outputs.next() {
      unsafe sums[index] = begun[index]
      unsafe begun[index] = 0
    }
  }

  /// Makes the operator's outputs.
  func finish(
    _ plan: OperatorPlan, input: Tensor, output: Tensor, into outputs: UnsafeMutablePointer<Int8>
  ) {
    let elements = Int32(truncatingIfNeeded: quotient(input.count, output.count))
    var indices = Indices(to: count)
    while let index = indices.next() {
      let code: Int32 =
        plan.kind == .mean
        ? Mean.code(of: unsafe sums[index], plan, elements: elements, input: input, output: output)
        : Pooling.limited(Pooling.mean(of: unsafe sums[index], cells: elements), plan)
      unsafe outputs[index] = Int8(truncatingIfNeeded: code)
    }
  }
}
