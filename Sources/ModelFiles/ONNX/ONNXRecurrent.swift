import Networks
import QuantInfer

// GRU and LSTM, step by step: a whole window has a known number of steps.

extension ONNXImport {
  /// What a recurrent operator computes; nil for other kinds.
  mutating func recurrent(_ node: ONNXNode) throws(NotConvertible) -> [ONNXValue]? {
    guard node.node.kind == "GRU" || node.node.kind == "LSTM" else { return nil }
    let isLSTM = node.node.kind == "LSTM"
    let cell = try RecurrentCell(node, gates: isLSTM ? 4 : 3)
    var value = try node.value()
    guard value.shape.count == 3 else { throw node.refusal("goes over the shape \(value.shape)") }
    if cell.isBatchFirst { value = builder.transposed(value, [1, 0, 2]) }
    let (steps, inputs) = (value.shape[0], value.shape[2])
    guard value.shape[1] == 1, inputs == cell.inputs, (1...512).contains(steps) else {
      throw node.refusal(
        "goes over the shape \(value.shape) with weights for \(cell.inputs) inputs; 1 to 512 steps can be")
    }
    // [step, direction, 1, unit] and the last ones, [direction, 1, unit]
    var (all, last, states): ([[GraphBuilder.Operand]], [GraphBuilder.Operand], [GraphBuilder.Operand]) =
      ([], [], [])
    for direction in 0..<cell.directions {
      let isReversed = direction == 1 || cell.isReversed
      let gates = cell.weights(direction)
      var hidden: [GraphBuilder.Value?] = Array(repeating: nil, count: steps)
      var memory: GraphBuilder.Value?
      var state: GraphBuilder.Value?
      for step in isReversed ? Array((0..<steps).reversed()) : Array(0..<steps) {
        let results = try node.building { () throws(InvalidNetwork) in
          let row = try builder.reshaped(
            try builder.sliced(value, axis: 0, start: step, step: 1, count: 1), [1, inputs])
          return isLSTM
            ? try lstm(gates, row, state, memory)
            : (hidden: try gru(gates, row, state, cell.isLinearBeforeReset), memory: nil)
        }
        (state, memory) = (results.hidden, results.memory)
        hidden[step] = state
      }
      guard let state else { throw node.refusal("has no steps") }
      let units = cell.units
      let rows = try node.building { () throws(InvalidNetwork) in
        var rows: [GraphBuilder.Operand] = []
        for value in hidden.compactMap(\.self) {
          rows.append(.value(try builder.reshaped(value, [1, 1, 1, units])))
        }
        last.append(.value(try builder.reshaped(state, [1, 1, units])))
        if let memory { states.append(.value(try builder.reshaped(memory, [1, 1, units]))) }
        return rows
      }
      all.append(rows)
    }
    return try node.building { () throws(InvalidNetwork) in
      var sequences: [GraphBuilder.Operand] = []
      for rows in all { sequences.append(.value(try builder.concatenated(rows, axis: 0))) }
      func joined(_ parts: [GraphBuilder.Operand], axis: Int) throws(InvalidNetwork) -> GraphBuilder.Value {
        if parts.count == 1, case .value(let value) = parts[0] { return value }
        return try builder.concatenated(parts, axis: axis)
      }
      var results = [try joined(sequences, axis: 1), try joined(last, axis: 0)]
      if isLSTM { results.append(try joined(states, axis: 0)) }
      if cell.isBatchFirst {
        results[0] = builder.transposed(results[0], [2, 0, 1, 3])
        for index in 1..<results.count { results[index] = builder.transposed(results[index], [1, 0, 2]) }
      }
      return results.map(ONNXValue.value)
    }
  }

  /// A gate's sum: weights of the input and of the state, which is zero in the first step.
  private mutating func sum(
    _ gate: RecurrentCell.Gate, _ row: GraphBuilder.Value, _ state: GraphBuilder.Value?
  ) throws(InvalidNetwork) -> GraphBuilder.Value {
    let biases = zip(gate.inputBiases, gate.stateBiases).map { $0 + $1 }
    guard let state else { return try builder.dense(row, gate.input, biases: biases) }
    let both = try builder.concatenated([.value(row), .value(state)], axis: 1)
    let (inputs, units) = (gate.input.shape[1], gate.state.shape[1])
    var values: [Float] = []
    for unit in 0..<units {
      values += gate.input.values[unit * inputs..<(unit + 1) * inputs]
      values += gate.state.values[unit * units..<(unit + 1) * units]
    }
    return try builder.dense(both, .init(shape: [units, inputs + units], values: values), biases: biases)
  }

  /// Gates z, r, h: h' = n + z (h - n), n = tanh of the input and of what r leaves of the state.
  private mutating func gru(
    _ gates: [RecurrentCell.Gate], _ row: GraphBuilder.Value, _ state: GraphBuilder.Value?,
    _ isLinearBeforeReset: Bool
  ) throws(InvalidNetwork) -> GraphBuilder.Value {
    let update = try builder.mapped(try sum(gates[0], row, state), .logistic)
    let reset = try builder.mapped(try sum(gates[1], row, state), .logistic)
    let input = try builder.dense(row, gates[2].input, biases: gates[2].inputBiases)
    let rest: GraphBuilder.Value
    if let state, isLinearBeforeReset {
      let product = try builder.dense(state, gates[2].state, biases: gates[2].stateBiases)
      rest = try builder.combined(.multiply, .value(reset), .value(product))
    } else if let state {
      let left = try builder.combined(.multiply, .value(reset), .value(state))
      rest = try builder.dense(left, gates[2].state, biases: gates[2].stateBiases)
    } else if isLinearBeforeReset {
      let biases = ConstantArray(shape: [1, gates[2].stateBiases.count], values: gates[2].stateBiases)
      rest = try builder.scaled(reset, gains: biases, offsets: nil)
    } else {
      let biases = zip(gates[2].inputBiases, gates[2].stateBiases).map { $0 + $1 }
      let new = try builder.mapped(try builder.dense(row, gates[2].input, biases: biases), .tanh)
      return try next(new, update, state)
    }
    let new = try builder.mapped(try builder.combined(.add, .value(input), .value(rest)), .tanh)
    return try next(new, update, state)
  }

  /// n + z (h - n).
  private mutating func next(
    _ new: GraphBuilder.Value, _ update: GraphBuilder.Value, _ state: GraphBuilder.Value?
  ) throws(InvalidNetwork) -> GraphBuilder.Value {
    let distance: GraphBuilder.Value
    if let state {
      distance = try builder.combined(.subtract, .value(state), .value(new))
    } else {
      distance = try builder.scaled(new, gains: ConstantArray(-1), offsets: nil)
    }
    let part = try builder.combined(.multiply, .value(update), .value(distance))
    return try builder.combined(.add, .value(new), .value(part))
  }

  /// Gates i, o, f, c: c' = f c + i tanh, h' = o tanh(c').
  private mutating func lstm(
    _ gates: [RecurrentCell.Gate], _ row: GraphBuilder.Value, _ state: GraphBuilder.Value?,
    _ memory: GraphBuilder.Value?
  ) throws(InvalidNetwork) -> (hidden: GraphBuilder.Value, memory: GraphBuilder.Value?) {
    let input = try builder.mapped(try sum(gates[0], row, state), .logistic)
    let output = try builder.mapped(try sum(gates[1], row, state), .logistic)
    let new = try builder.mapped(try sum(gates[3], row, state), .tanh)
    var next = try builder.combined(.multiply, .value(input), .value(new))
    if let memory {
      let forget = try builder.mapped(try sum(gates[2], row, state), .logistic)
      let kept = try builder.combined(.multiply, .value(forget), .value(memory))
      next = try builder.combined(.add, .value(kept), .value(next))
    }
    let limited = try builder.mapped(next, .tanh)
    return (try builder.combined(.multiply, .value(output), .value(limited)), next)
  }
}

/// A recurrent operator's weights and options.
private struct RecurrentCell {
  /// One gate's weights.
  struct Gate {
    /// `[unit, input]`.
    var input: ConstantArray
    /// `[unit, unit]`.
    var state: ConstantArray
    var inputBiases: [Float]
    var stateBiases: [Float]
  }

  let directions: Int
  let units: Int
  let inputs: Int
  let isReversed: Bool
  let isBatchFirst: Bool
  let isLinearBeforeReset: Bool
  private let gates: Int
  private let inputWeights: [Float]
  private let stateWeights: [Float]
  private let biases: [Float]

  init(_ node: ONNXNode, gates: Int) throws(NotConvertible) {
    let (w, r) = (try node.constant(1), try node.constant(2))
    let units = try node.integer("hidden_size", r.shape.last ?? 0)
    guard w.shape.count == 3, (1...2).contains(w.shape[0]), units > 0, units < 1 << 16,
      w.shape[1] == gates * units, w.shape[2] > 0, r.shape == [w.shape[0], gates * units, units]
    else { throw node.refusal("has weights of the shapes \(w.shape) and \(r.shape)") }
    let direction = try node.text("direction", "forward")
    guard
      ["forward", "reverse"].contains(direction) && w.shape[0] == 1
        || direction == "bidirectional" && w.shape[0] == 2
    else { throw node.refusal("has the direction \(direction.prefix(20)) and \(w.shape[0]) sets of weights") }
    guard node.node.attributes["clip"] == nil, node.node.attributes["activations"] == nil,
      try node.integer("input_forget", 0) == 0
    else { throw node.refusal("has other activations, a clip or coupled gates") }
    for place in 5..<max(5, min(7, node.inputs.count)) {
      guard try node.optionalConstant(place)?.values.allSatisfy({ $0 == 0 }) ?? true else {
        throw node.refusal("begins in a state that isn't zero")
      }
    }
    guard node.inputs.count <= 7 || node.inputs[7] == nil else { throw node.refusal("has peepholes") }
    guard node.inputs.count <= 4 || node.inputs[4] == nil else {
      throw node.refusal("has sequences of other lengths")
    }
    let biases = try node.optionalConstant(3)?.floats ?? []
    guard biases.isEmpty || biases.count == w.shape[0] * 2 * gates * units else {
      throw node.refusal("has \(biases.count) biases")
    }
    (directions, self.units, inputs, self.gates) = (w.shape[0], units, w.shape[2], gates)
    (isReversed, isBatchFirst) = (direction == "reverse", try node.integer("layout", 0) != 0)
    isLinearBeforeReset = try node.integer("linear_before_reset", 0) != 0
    (inputWeights, stateWeights) = (w.floats, r.floats)
    self.biases = biases.isEmpty ? [Float](repeating: 0, count: w.shape[0] * 2 * gates * units) : biases
  }

  /// A direction's gates.
  func weights(_ direction: Int) -> [Gate] {
    (0..<gates).map { gate in
      let first = (direction * gates + gate) * units
      let bias = (direction * 2 * gates + gate) * units
      return Gate(
        input: .init(
          shape: [units, inputs], values: Array(inputWeights[first * inputs..<(first + units) * inputs])),
        state: .init(
          shape: [units, units], values: Array(stateWeights[first * units..<(first + units) * units])),
        inputBiases: Array(biases[bias..<bias + units]),
        stateBiases: Array(biases[bias + gates * units..<bias + (gates + 1) * units]))
    }
  }
}
