import Networks
import QuantInfer
import Support

/// How much of a network runs for each new column.
package enum StreamingMode: String, CaseIterable, Codable, Sendable {
  /// The operators that can take one column at a time do so; the others run at a decision. With strides along time a
  /// decision is possible every so many columns only: by the clock, not at beats. Where some pad along time, it may be
  /// fewer operators that do so, if that is less work.
  case columns
  /// A decision is possible at every column: at most the operators in front of the first stride along time, or the first
  /// branch, take columns, and fewer where that is less work.
  case everyColumn
  /// All operators run over the whole window at a decision.
  case window
}

/// What a streaming run keeps: a ring of input columns for each operator that takes one column at a time, and the
/// window of the operators behind them.
package struct StreamingPlan: Equatable, Sendable {
  /// A ring of an operator's input columns in the streaming state.
  package struct Ring: Equatable, Sendable {
    /// Bytes from the state's start.
    package var offset: Int
    /// Its length in columns.
    package var columnCount: Int
    /// Whether the sums of its columns lie behind it.
    package var hasRunningSums = false
  }

  /// A ring for each of the first operators; the last ring is the window.
  package var rings: [Ring]
  /// The streaming state's size.
  package var stateByteCount: Int
  /// New columns from one decision that is possible to the next: the product of the strides along time.
  package var columnsPerDecision: Int
  /// Whether fewer operators that take columns may be less work: where some of them pad along time, so that edges are
  /// computed at each decision, or where a window that moves along time runs at a decision anyway.
  let hasRivals: Bool

  /// Plans the rings.
  ///
  /// Operators take columns as long as each reads what its predecessor wrote, gives more than one column in a window and
  /// has columns that padding has no part in; those behind them run at a decision. They may have no window along time
  /// that moves, unless a stride along time or the mode put them there.
  ///
  /// - Parameters:
  ///   - network: The network.
  ///   - frontEnd: What turns samples into its columns.
  ///   - mode: How much of it runs for each new column.
  ///   - most: The most operators that take columns; nil for as many as the mode allows.
  ///   - tailMoves: Whether operators behind a branch may have a window along time that moves: all of it is then computed
  ///     at every decision.
  /// - Throws: `InvalidNetwork`, which names the operator that stands in the way, and why.
  package init(
    _ network: QuantizedNetwork, frontEnd: FrontEndTables, mode: StreamingMode = .columns,
    columnOperators most: Int? = nil, tailMoves: Bool = false
  ) throws(InvalidNetwork) {
    guard network.inputs.count == 1, let input = network.inputs.first?.tensor else {
      throw InvalidNetwork("the network has \(network.inputs.count) inputs")
    }
    let shape = network.tensors[input].shape
    guard shape.count == 4, shape[0] == 1, network.tensors[input].type == .int8 else {
      throw InvalidNetwork("the input isn't int8 [1, time, frequency, channel]")
    }
    guard let output = network.outputs.first?.tensor, network.tensors[output].type == .int8 else {
      throw InvalidNetwork("the output isn't int8")
    }
    guard shape[1] <= ModelFormat.State.greatestColumnCount else {
      throw InvalidNetwork("the window has \(Numbers.integer(shape[1])) columns, more than 32,767")
    }
    guard network.operators.first?.inputs.first == input else {
      throw InvalidNetwork("the first operator reads something else before the network's input")
    }
    let able = mode == .window ? 0 : Self.operatorsThatTakeColumns(network, input: input)
    let allowed = mode == .everyColumn ? Self.operatorsWithoutStride(network, among: able) : able
    let taken = min(allowed, most ?? allowed)
    try Self.checkTail(network, from: taken)
    if mode == .columns, !tailMoves { try Self.checkNothingMoves(network, from: able) }
    let edges = Self.edges(network, among: taken)
    hasRivals =
      mode != .window
      && (edges[taken].arePresent || (mode == .everyColumn && Self.somethingMoves(network, from: taken)))
    columnsPerDecision = network.operators[..<taken].reduce(1) { $0 * ($1.window?.time.stride ?? 1) }
    var offset =
      ModelFormat.State.frontEndByteCount(
        windowSamples: frontEnd.settings.windowSamples, leadCount: frontEnd.settings.leadCount)
      + ModelFormat.State.cursorByteCount * (taken + 1)
    rings = []
    for index in 0...taken {
      let operation = network.operators[index]
      let shape = network.tensors[operation.inputs[0]].shape
      let isWhole = index == taken || edges[index + 1].arePresent
      let columns = isWhole ? shape[1] : operation.window?.time.reach ?? 1
      rings.append(Ring(offset: offset, columnCount: columns))
      offset += columns * shape[2] * shape[3]
    }
    if !edges[taken].arePresent, Self.hasRunningSums(network, at: taken) {
      rings[taken].hasRunningSums = true
      // The window's sums and those of the round that has begun.
      let output = network.tensors[network.operators[taken].output]
      offset = ArenaPlan.aligned(offset) + 8 * output.count
    }
    stateByteCount = ArenaPlan.aligned(offset)
  }

  /// The number of operators at the start that can take one column at a time.
  private static func operatorsThatTakeColumns(_ network: QuantizedNetwork, input: Int) -> Int {
    var (taken, expected, edges) = (0, input, Edges.none)
    while taken < network.operators.count - 1 {
      let operation = network.operators[taken]
      let output = network.tensors[operation.output]
      let isReadOnce = network.operators.filter { $0.inputs.contains(expected) }.count == 1
      guard operation.inputs == [expected], isReadOnce, obstacle(operation, in: network) == nil,
        output.shape.count == 4, output.shape[1] > 1,
        !network.outputs.contains(where: { $0.tensor == operation.output }),
        let behind = self.edges(of: operation, in: network, behind: edges)
      else { break }
      (expected, edges) = (operation.output, behind)
      taken += 1
    }
    return taken
  }

  /// The edges in front of each of the first operators, and behind the last of them.
  private static func edges(_ network: QuantizedNetwork, among count: Int) -> [Edges] {
    network.operators[..<count].reduce(into: [Edges.none]) { edges, operation in
      let last = edges[edges.count - 1]
      edges.append(self.edges(of: operation, in: network, behind: last) ?? last)
    }
  }

  /// The edges of an operator's output; nil where no column lies between them.
  private static func edges(
    of operation: QuantizedNetwork.Operator, in network: QuantizedNetwork, behind edges: Edges
  ) -> Edges? {
    let time = operation.window?.time ?? QuantizedNetwork.Step()
    return edges.behind(
      WindowStep(
        kernel: time.kernel, stride: time.stride, dilation: time.dilation, paddingBefore: time.paddingBefore,
        paddingAfter: time.paddingAfter),
      inputCount: network.tensors[operation.inputs[0]].shape[1],
      outputCount: network.tensors[operation.output].shape[1])
  }

  /// The number of operators in front of the first one with a stride along time.
  private static func operatorsWithoutStride(_ network: QuantizedNetwork, among count: Int) -> Int {
    network.operators[..<count].firstIndex { $0.window?.time.stride ?? 1 > 1 } ?? count
  }

  /// What keeps an operator from taking one column at a time; nil where nothing does.
  private static func obstacle(
    _ operation: QuantizedNetwork.Operator, in network: QuantizedNetwork
  ) -> String? {
    guard operation.inputs.allSatisfy({ network.tensors[$0].type == .int8 }),
      network.tensors[operation.output].type == .int8
    else { return "has codes of 16 bits" }
    switch operation.computation {
    case .convolution, .depthwiseConvolution, .averagePool, .maximumPool, .lookup: return nil
    default: return "needs more than one column at a time"
    }
  }

  /// Whether the tail's first operator is a mean over all of time, or over time and frequency, that sums can follow
  /// from column to column.
  private static func hasRunningSums(_ network: QuantizedNetwork, at index: Int) -> Bool {
    let operation = network.operators[index]
    let input = network.tensors[operation.inputs[0]].shape
    let isReadOnce = network.operators.filter { $0.inputs.contains(operation.inputs[0]) }.count == 1
    guard isReadOnce else { return false }
    switch operation.computation {
    case .averagePool(let window):
      let (time, frequency) = (window.time, window.frequency)
      return time == .init(kernel: input[1], stride: time.stride)
        && (frequency == .init(kernel: input[2], stride: frequency.stride)
          || frequency == .init())
    case .mean(let mean):
      let kept = mean.shape.reduce(1, *)
      return (kept == input[2] * input[3] || kept == input[3]) && isDense(mean.shape, mean.strides, from: 1)
        && isDense(mean.reducedShape, mean.reducedStrides, from: kept)
    default: return false
    }
  }

  /// Whether a walk goes through elements one after the other, each so far from the one before.
  private static func isDense(_ shape: [Int], _ strides: [Int], from distance: Int) -> Bool {
    var expected = distance
    for (length, stride) in zip(shape, strides).reversed() where length > 1 {
      guard stride == expected else { return false }
      expected *= length
    }
    return true
  }

  /// The operators behind the columns may have no memory of their own.
  private static func checkTail(
    _ network: QuantizedNetwork, from start: Int
  ) throws(InvalidNetwork) {
    let operators = network.operators[start...]
    let window = network.operators[start].inputs[0]
    let written = Set(operators.map(\.output))
    for operation in operators {
      let name = operation.nameInErrors
      for input in operation.inputs where input != window && !written.contains(input) {
        guard network.tensors[input].constant != nil else {
          throw InvalidNetwork(
            network.tensors[input].isVariable
              ? "\(name) keeps a state of its own"
              : "\(name) reads a tensor beside the one that its predecessor wrote")
        }
      }
    }
  }

  /// The operators that can't take columns have no window along time that moves.
  private static func checkNothingMoves(
    _ network: QuantizedNetwork, from start: Int
  ) throws(InvalidNetwork) {
    // Where padding has a part in all columns, what is left runs at a decision, as a whole window does.
    let (first, edges) = (network.operators[start], Self.edges(network, among: start)[start])
    if first.moves(in: network), Self.edges(of: first, in: network, behind: edges) == nil { return }
    for (index, operation) in network.operators.enumerated().dropFirst(start)
    where operation.moves(in: network) {
      let reason =
        index == network.operators.count - 1 ? "gives a result with time in it" : "comes after a branch"
      throw InvalidNetwork("\(operation.nameInErrors) \(obstacle(operation, in: network) ?? reason)")
    }
  }

  private static func somethingMoves(_ network: QuantizedNetwork, from start: Int) -> Bool {
    network.operators[start...].contains { $0.moves(in: network) }
  }
}

extension QuantizedNetwork.Operator {
  /// Its place and kind, for errors.
  fileprivate var nameInErrors: String { "operator \(sourceIndex) (\(kind.name))" }

  /// Whether it has a window that moves along time.
  fileprivate func moves(in network: QuantizedNetwork) -> Bool {
    window != nil && network.tensors[output].shape[1] > 1
  }

  /// The window that moves along time and frequency; nil for operators without.
  var window: QuantizedNetwork.Window? {
    switch computation {
    case .convolution(let window, _), .depthwiseConvolution(let window, _): window
    case .averagePool(let window), .maximumPool(let window): window
    default: nil
    }
  }
}
