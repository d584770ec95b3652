import Foundation
import Networks

extension LoadedModel {
  /// The shipped model's float twin with this model's patch: its last layer's weights and biases move by as much as the
  /// codes do.
  ///
  /// - Parameters:
  ///   - twin: The shipped model's float twin.
  ///   - shipped: The model without the patch.
  /// - Returns: The patched model's float twin; nil where the twin has another last layer.
  package func patchedTwin(_ twin: TwinNetwork, shipped: LoadedModel) -> TwinNetwork? {
    guard let patch, let new = denseConstants(ofOperator: patch.operatorIndex),
      let old = shipped.denseConstants(ofOperator: patch.operatorIndex), old.codes.count == new.codes.count,
      let head = twin.graph.operators.lastIndex(where: { $0.weights != nil }),
      var weights = twin.graph.operators[head].weights, weights.values.count == new.codes.count,
      weights.biases.count == new.biases.count
    else { return nil }
    let plan = model.operatorPlan(patch.operatorIndex)
    let (input, output) = (model.tensor(plan.inputIndex(0)), model.tensor(plan.outputIndex))
    let inputScale = Float(bitPattern: input.scaleBits)
    let inputs = new.codes.count / new.biases.count
    var scales: [Float] = []
    for channel in new.biases.indices {
      guard let multiplier = plan.weights?.multiplier(channel) else { return nil }
      scales.append(
        Float(multiplier.multiplierQ31) * Float(exp2(Double(multiplier.leftShift) - 31))
          * Float(bitPattern: output.scaleBits) / inputScale)
    }
    // Where channels were evened out between layers, a step of a weight is another one in float.
    let factors =
      provenance[.equalized] == "true"
      ? (0..<inputs).map { Self.factor(of: $0, in: weights.values, old.codes, scales, inputs) }
      : [Float](repeating: 1, count: inputs)
    for channel in new.biases.indices {
      // The folded biases hold the zero point times the weights.
      var bias = Int(new.biases[channel]) - Int(old.biases[channel])
      for input in 0..<inputs {
        let place = channel * inputs + input
        let change = Int(new.codes[place]) - Int(old.codes[place])
        bias += Int(self.model.tensor(plan.inputIndex(0)).zeroPoint) * change
        weights.values[place] += Float(change) * scales[channel] * factors[input]
      }
      weights.biases[channel] += Float(bias) * scales[channel] * inputScale
    }
    var patched = twin
    patched.graph.changeWeights(ofLayer: head) { $0 = weights }
    return patched
  }

  /// By how much an input's weights are larger in float than in the image, in the least squares.
  private static func factor(
    of input: Int, in weights: [Float], _ codes: [Int8], _ scales: [Float], _ inputs: Int
  ) -> Float {
    var (cross, square): (Float, Float) = (0, 0)
    for (channel, scale) in scales.enumerated() {
      let real = Float(codes[channel * inputs + input]) * scale
      cross += weights[channel * inputs + input] * real
      square += real * real
    }
    return square > 0 ? cross / square : 1
  }
}
