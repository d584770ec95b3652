/// The columns at both ends of a window that padding along time has a part in.
///
/// What lies between them depends on the columns under an operator's own window alone, so that it is computed once and
/// moves with the window. The edges are other ones for each window: they are computed at a decision, from ring to ring.
/// Behind an operator that pads, edges go on from tensor to tensor; each such ring is as long as the tensor.
public struct Edges: Equatable, Sendable {
  /// The number of columns at the window's start.
  public let before: Int
  /// The number of columns at its end.
  public let after: Int
  /// Whether an operator on the way pads along time.
  public let arePresent: Bool

  /// Those of a network's input: none.
  public static var none: Edges { Edges(before: 0, after: 0, arePresent: false) }

  /// The number of columns at both ends.
  public var count: Int { before &+ after }

  /// What a window along time makes of its input's edges.
  ///
  /// - Parameters:
  ///   - time: The window.
  ///   - inputCount: The input's number of columns.
  ///   - outputCount: The output's.
  /// - Returns: The output's edges; nil where no column lies between them.
  public func behind(_ time: WindowStep, inputCount: Int, outputCount: Int) -> Edges? {
    guard arePresent || time.paddingBefore | time.paddingAfter != 0 else { return self }
    // The first column that reads nothing before the input's inner columns, and the last one that reads nothing behind.
    let first = quotient(before &+ time.paddingBefore &+ time.stride &- 1, time.stride)
    let room = time.room(behind: self, inputCount: inputCount)
    guard room >= 0, time.outputCount(for: inputCount) == outputCount else { return nil }
    let last = quotient(room, time.stride)
    guard last >= first else { return nil }
    return Edges(before: first, after: outputCount &- 1 &- last, arePresent: true)
  }
}

/// An operator's input and output, their columns and edges.
struct EdgedWindow {
  let time: WindowStep
  let inputCount: Int
  let outputCount: Int
  let input: Edges
  let output: Edges

  /// Those of an operator of a valid streaming plan; of the tail's first, the input's alone.
  init(_ plan: OperatorPlan, of model: Model, behind edges: Edges, isTail: Bool) {
    (time, input) = (plan.time, edges)
    inputCount = model.tensor(plan.inputIndex(0)).timeCount
    outputCount = model.tensor(plan.outputIndex).timeCount
    output =
      isTail ? edges : edges.behind(time, inputCount: inputCount, outputCount: outputCount) ?? edges
  }

  /// Nobody's: where nothing pads.
  static var none: EdgedWindow { EdgedWindow() }

  private init() { (time, inputCount, outputCount, input, output) = (.cell, 0, 0, .none, .none) }

  /// The inner columns of the input that come until the first inner column of the output does.
  var columnsUntilFirst: Int {
    output.arePresent
      ? output.before &* time.stride &- time.paddingBefore &+ time.reach &- input.before : time.reach
  }

  /// The inner columns of the input since the newest inner one of the output, when a window is complete.
  var columnsLeft: Int {
    output.arePresent ? remainder(time.room(behind: input, inputCount: inputCount), time.stride) : 0
  }

  /// Which column of the output is the newest inner one; 0 where the input's ring has no more columns than that one reads.
  var newestInner: Int { output.arePresent ? outputCount &- 1 &- output.after : 0 }

  /// The input's columns that a column of the output reads.
  func columns(under index: Int) -> Range<Int> {
    let first = time.first(index)
    return unsafe Range(uncheckedBounds: (max(0, first), min(first &+ time.reach, inputCount)))
  }

  /// The padding along time under a column of the output.
  func padding(of index: Int) -> TimePadding {
    let (first, columns) = (time.first(index), columns(under: index))
    return TimePadding(
      before: columns.lowerBound &- first, after: first &+ time.reach &- columns.upperBound)
  }
}

extension WindowStep {
  /// How far the first tap of an output may be from the input's padding before the last one leaves its inner columns.
  fileprivate func room(behind edges: Edges, inputCount: Int) -> Int {
    inputCount &- edges.after &- reach &+ paddingBefore
  }
}
