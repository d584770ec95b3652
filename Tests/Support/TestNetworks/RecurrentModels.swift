import Foundation
import ModelFiles
import QuantInfer

extension OperatorModels {
  /// UNIDIRECTIONAL_SEQUENCE_LSTM as a Keras layer becomes it.
  package mutating func lstm(
    _ type: TFLiteElementType, round: Int, steps: Int? = nil, inputs: Int? = nil
  ) -> TFLiteModel {
    var builder = ModelBuilder()
    let isWide = type == .int16
    let (steps, inputs, units) = (steps ?? number(1...6), inputs ?? number(1...9), number(1...9))
    let isTimeMajor = round == 1
    func shape(_ depth: Int) -> [Int] { isTimeMajor ? [steps, 1, depth] : [1, steps, depth] }
    let (x, zero) = (scale(0.01...0.1) / (isWide ? 256 : 1), zeroPoint(type))
    let input = builder.tensor(shape(inputs), type, scale: x, zeroPoint: zeroPoint(type))
    let h = scale(0.005...0.01) / (isWide ? 256 : 1)
    let output = builder.tensor(shape(units), type, scale: h, zeroPoint: zero)
    var read = [input]
    var scales: [Float] = []
    for gate in 0..<8 {
      let depth = gate < 4 ? inputs : units
      scales.append(scale(round == 3 ? 0.1...1 : 0.002...0.02))
      read.append(
        builder.constant(
          [units, depth], .int8, (0..<units * depth).map { _ in Int8(number(-127...127)) },
          scales: [scales[gate]]))
    }
    read += [-1, -1, -1]
    for gate in 0..<4 {
      let biases = (0..<units).map { _ in number(-5000...5000) }
      read.append(
        isWide
          ? builder.constant([units], .int64, biases.map { Int64($0) }, scales: [x * scales[gate]])
          : builder.constant([units], .int32, biases.map { Int32($0) }, scales: [x * scales[gate]]))
    }
    let hidden = builder.tensor([1, units], type, scale: h, zeroPoint: zero)
    let cell = builder.tensor([1, units], .int16, scale: Float(exp2(Double(number(-15 ... -9)))))
    for state in [hidden, cell] { builder.model.graph.tensors[Int(state)].isVariable = true }
    read += [-1, -1, hidden, cell, -1, -1, -1, -1]
    let options = options(71) {
      $0.activation = .init(rawValue: 4)
      $0.cellClip = round == 2 ? 0 : Float(number(1...10))
      $0.isTimeMajor = isTimeMajor
    }
    builder.add(.sequenceLSTM, options, read, to: [output])
    return builder.finished(inputs: [input], outputs: [output])
  }
}
