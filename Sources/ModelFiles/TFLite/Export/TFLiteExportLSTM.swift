import Networks
import QuantInfer

extension TFLiteExport.Written {
  /// UNIDIRECTIONAL_SEQUENCE_LSTM with weights, biases and states for each gate, and none of what it leaves out.
  func wayOfLSTM(_ lstm: QuantizedNetwork.LSTM) -> TFLiteExport.Way {
    let (shape, result, units) = (input.shape, output, lstm.unitCount)
    return { export, inputs, output in
      var cell = QuantizedNetwork.Tensor(
        name: "cell", shape: [1, units], type: .int16, scale: Float(0x1p-30 / lstm.cellMultiplier.real),
        zeroPoint: 0)
      var hidden = result
      (hidden.shape, hidden.isVariable, cell.isVariable) = ([1, units], true, true)
      var options = TFLiteOptions(.sequenceLSTM)
      options.activation = .init(rawValue: 4)
      options.cellClip = lstm.cellLimit < 32_768 ? Float(lstm.cellLimit) * cell.scale : 0
      options.isTimeMajor = shape[0] > 1
      var read = inputs
      read += export.addGates(lstm.inputWeights, units)
      read += export.addGates(lstm.recurrentWeights, units)
      read += Self.leftOut(3)
      read += export.addBiases(lstm.inputWeights, units)
      read += Self.leftOut(2)
      read.append(export.add(hidden, name: "hidden"))
      read.append(export.add(cell, name: "cell"))
      read += Self.leftOut(4)
      export.add(.sequenceLSTM, options, read, to: output)
    }
  }

  /// Inputs that aren't there.
  private static func leftOut(_ count: Int) -> [Int32] { Array(repeating: -1, count: count) }
}

extension TFLiteExport {
  /// Adds the weights of each gate, with the scale of its first unit.
  fileprivate mutating func addGates(_ weights: QuantizedNetwork.Weights, _ units: Int) -> [Int32] {
    let size = weights.codes.count / 4
    return (0..<4).map { gate in
      add(
        name: "weights", shape: [units, size / max(1, units)], type: .int8,
        bytes: weights.codes[gate * size..<(gate + 1) * size].map(UInt8.init(bitPattern:)),
        scales: [weights.scales?[gate * units] ?? 1])
    }
  }

  fileprivate mutating func addBiases(_ weights: QuantizedNetwork.Weights, _ units: Int) -> [Int32] {
    let isWide = weights.accumulatorBits == 64
    return (0..<4).map { gate in
      let biases = weights.biases[gate * units..<(gate + 1) * units]
      return add(
        name: "biases", shape: [units], type: isWide ? .int64 : .int32,
        bytes: isWide
          ? Self.littleEndian(Array(biases)) : Self.littleEndian(biases.map { Int32(truncatingIfNeeded: $0) })
      )
    }
  }
}
