import Foundation
import Networks

extension LoadedModel {
  /// A checkpoint of the shipped model with this model's patch: its head's weights and biases move by as much as the
  /// codes do.
  ///
  /// - Parameters:
  ///   - checkpoint: The shipped model's float twin.
  ///   - shipped: The model without the patch.
  /// - Returns: The patched model's float twin; nil where the checkpoint has another last layer.
  package func patchedTwin(_ checkpoint: Checkpoint, shipped: LoadedModel) -> Checkpoint? {
    guard let patch, let new = denseConstants(ofOperator: patch.operatorIndex),
      let old = shipped.denseConstants(ofOperator: patch.operatorIndex), old.codes.count == new.codes.count,
      let last = checkpoint.layers.indices.last, checkpoint.layers[last].normalization == nil,
      checkpoint.layers[last].weights.count == new.codes.count,
      checkpoint.layers[last].biases.count == new.biases.count
    else { return nil }
    let plan = model.operatorPlan(patch.operatorIndex)
    let (input, output) = (model.tensor(plan.inputIndex(0)), model.tensor(plan.outputIndex))
    let inputScale = Float(bitPattern: input.scaleBits)
    let inputs = new.codes.count / new.biases.count
    var twin = checkpoint
    for channel in new.biases.indices {
      guard let multiplier = plan.weights?.multiplier(channel) else { return nil }
      let scale =
        Float(multiplier.multiplierQ31) * Float(exp2(Double(multiplier.leftShift) - 31))
        * Float(bitPattern: output.scaleBits) / inputScale
      // The folded biases hold the zero point times the weights.
      var bias = Int(new.biases[channel]) - Int(old.biases[channel])
      for place in channel * inputs..<(channel + 1) * inputs {
        let change = Int(new.codes[place]) - Int(old.codes[place])
        bias += Int(input.zeroPoint) * change
        twin.layers[last].weights[place] += Float(change) * scale
      }
      twin.layers[last].biases[channel] += Float(bias) * scale * inputScale
    }
    return twin
  }
}
