import Foundation
import Networks
import QuantInfer
import ReferenceKernels
import Support
import TestNetworks

// UNIDIRECTIONAL_SEQUENCE_LSTM.

extension RandomOperators {
  mutating func lstm() -> Case {
    let type = type()
    let (steps, inputs, units) = (
      number(1...6), number(1...20), isOne(in: 4) ? number(9...40) : number(1...8)
    )
    let (x, y) = (tensor([1, steps, inputs], type), tensor([1, steps, units], type))
    let (ofInputs, ofOutputs) = (gates(units, inputs, type), gates(units, units, type))
    let sigmoid = QuantizedNetwork.Sigmoid.ofCell(logarithm: number(-27...2))!
    let limit = element([32_768, 32_767, 20_480, number(0...32_767)])
    let lstm = QuantizedNetwork.LSTM(
      inputWeights: ofInputs, recurrentWeights: ofOutputs, cellSigmoid: sigmoid, cellLimit: limit,
      cellMultiplier: product(of: .int16), outputMultiplier: product(of: type))
    let (range, codes) = (activation(type), codes(of: x))
    let reference = ReferenceLSTM(
      inputs: reference(ofInputs), recurrence: reference(ofOutputs),
      tableQ16: sigmoid.tableQ16.map { Int($0) }, cellFactor: sigmoid.multiplier, cellShift: sigmoid.shift,
      cellLimit: limit, cellMultiplier: lstm.cellMultiplier.reference,
      outputMultiplier: lstm.outputMultiplier.reference, zeroPoint: x.zeroPoint,
      outputZeroPoint: y.zeroPoint, range: range)
    // The second run begins anew.
    let runs = [codes, self.codes(of: x)]
    return Case(
      network: QuantizedNetwork(
        .sequenceLSTM, inputs: [x], output: y, activation: range, computation: .lstm(lstm)),
      runs: runs.map { [$0] }, expected: runs.map { reference.run($0, stepCount: steps) })
  }

  /// A factor from Q30 to a type's codes that leaves some of them unclamped, or any.
  private mutating func product(of type: ElementType) -> FixedPointMultiplier {
    let usual = FixedPointMultiplier(real: exp2(random.next(in: -2...2) - (type == .int8 ? 23 : 15)))
    return isOne(in: 6) ? multiplier(bringing: 1e7, shifts: -31...0) : usual
  }

  /// Weights whose sums become codes of about 1 in Q3.12, or any.
  private mutating func gates(
    _ units: Int, _ inputs: Int, _ type: ElementType
  ) -> QuantizedNetwork.Weights {
    var weights = weights(4 * units * inputs, outputs: 4 * units, type: type)
    let most: Int8 = weights.accumulatorBits == 64 ? 14 : 30
    for channel in weights.multipliers.indices {
      weights.multipliers[channel].leftShift = min(weights.multipliers[channel].leftShift, most - 5) + 5
    }
    return weights
  }

  private func reference(_ weights: QuantizedNetwork.Weights) -> ReferenceLSTM.Gates {
    ReferenceLSTM.Gates(
      weights: weights.codes.map { Int($0) }, biases: weights.biases.map { Int($0) },
      output: weights.reference(zeroPoint: 0, range: -32_768...32_767))
  }
}
