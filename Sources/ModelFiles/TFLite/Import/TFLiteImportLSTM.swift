import Networks
import QuantInfer

extension TFLiteOperator {
  /// UNIDIRECTIONAL_SEQUENCE_LSTM as Keras' LSTM becomes it: no peepholes, projection or normalization, all four gates.
  ///
  /// Its hidden state and its cell begin each run at 0, as Keras' do; TensorFlow Lite Micro's after a reset.
  func sequenceLSTM() throws(NotConvertible) -> TFLiteImportedOperator {
    try requireCounts(inputs: 24...24)
    try requirePlainLSTM()
    let options = try options(.sequenceLSTM)
    guard options.activation.rawValue == 4 else {
      throw refusal(
        "has the activation \(options.activation.rawValue), not 4 (TANH)",
        remedy: "build the layer with Keras' activation='tanh'")
    }
    let (input, hidden, cell, output) = (try input(0), try input(18), try input(19), try output())
    try requireSameType(input, hidden, output)
    try requireSymmetric(input, hidden, cell, output)
    let units = hidden.shape.last ?? 0
    guard input.shape.count == 3, input.shape[options.isTimeMajor ? 1 : 0] == 1,
      output.shape == Array(input.shape.dropLast()) + [units], hidden.count == units, cell.count == units
    else {
      throw refusal(
        "goes from the shape \(input.shape) to \(output.shape) with a state of \(hidden.shape) and a cell of "
          + "\(cell.shape)", remedy: "convert it for a batch of 1: keras.Input(shape, batch_size=1)")
    }
    guard cell.type == .int16 else { throw refusal("has a cell of int8 codes, not int16") }
    for state in [hidden, cell] { try requireOwnState(state) }
    guard hidden.scale == output.scale, hidden.zeroPoint == output.zeroPoint else {
      throw refusal(
        "has a hidden state of the scale \(hidden.scale) and an output of \(output.scale), or other zero points"
      )
    }
    guard let logarithm = QuantizedNetwork.Sigmoid.binaryLogarithm(cell.scale),
      let sigmoid = QuantizedNetwork.Sigmoid.ofCell(logarithm: logarithm)
    else { throw refusal("has a cell of the scale \(cell.scale), which is no power of 2 in 2^-27...2^2") }
    let limit = Double(options.cellClip) / Double(cell.scale)
    return TFLiteImportedOperator(
      .lstm(
        .init(
          inputWeights: try gates(1, biases: 12, of: input, units: units),
          recurrentWeights: try gates(5, biases: nil, of: hidden, units: units), cellSigmoid: sigmoid,
          cellLimit: options.cellClip > 0 ? Int(min(limit, 32_767)) : 32_768,
          cellMultiplier: try multiplier(0x1p-30 / Double(cell.scale), mostLeftShift: 0),
          outputMultiplier: try multiplier(0x1p-30 / Double(hidden.scale), mostLeftShift: 0))),
      inputs: [input], output: output)
  }

  /// Refuses what isn't the plain layer.
  private func requirePlainLSTM() throws(NotConvertible) {
    for (places, part) in [
      (9...11, "peepholes"), (16...17, "a projection"), (20...23, "layer normalization"),
    ]
    where places.contains(where: { optionalInputIndex($0) != nil }) {
      throw refusal("has \(part)", remedy: "build the network with Keras' plain LSTM layer")
    }
    guard optionalInputIndex(1) != nil, optionalInputIndex(5) != nil, optionalInputIndex(12) != nil else {
      throw refusal(
        "has no input gate: it is coupled with the forget gate",
        remedy: "build the network with Keras' plain LSTM layer")
    }
  }

  /// Refuses a state that is no variable, or another operator's too: it would go on from one to the other.
  private func requireOwnState(_ state: QuantizedNetwork.Tensor) throws(NotConvertible) {
    let index = Int32(state.sourceIndex)
    let uses = model.graph.operators.reduce(0) { count, operation in
      count + (operation.inputs + operation.outputs).count { $0 == index }
    }
    guard state.isVariable, uses == 1, !model.graph.inputs.contains(index),
      !model.graph.outputs.contains(index)
    else { throw refusal("has the state \(TFLiteImport.label(state)), which isn't a variable of its own") }
  }

  /// The weights of all gates of an input, from four inputs on, and their biases, zeros where they have none.
  private func gates(
    _ first: Int, biases place: Int?, of input: QuantizedNetwork.Tensor, units: Int
  ) throws(NotConvertible) -> QuantizedNetwork.Weights {
    let depth = input.shape.last ?? 0
    let isWide = input.type == .int16
    var weights = QuantizedNetwork.Weights(codes: [], biases: [], multipliers: [])
    weights.accumulatorBits = isWide ? 64 : 32
    var scales: [Float] = []
    for gate in 0..<4 {
      let constant = try constant(first + gate, "weights", types: .int8)
      guard constant.shape == [units, depth] else {
        throw refusal("has weights of the shape \(constant.shape), not \([units, depth])")
      }
      let scale = try scale(constant, "weights")
      scales += Array(repeating: scale, count: units)
      weights.codes += constant.int8
      let factor = try multiplier(
        Double(input.scale) * Double(scale) / 0x1p-12, mostLeftShift: isWide ? 14 : 30)
      weights.multipliers += Array(repeating: factor, count: units)
      guard let place else {
        weights.biases += Array(repeating: 0, count: units)
        continue
      }
      let biases = try self.constant(place + gate, "biases", types: isWide ? .int64 : .int32)
      guard biases.shape == [units] else {
        throw refusal("has biases of the shape \(biases.shape), not \([units])")
      }
      weights.biases +=
        isWide ? biases.numbers(Int64.self) : biases.numbers(Int32.self).map { Int64($0) }
    }
    weights.scales = scales
    return weights
  }
}
