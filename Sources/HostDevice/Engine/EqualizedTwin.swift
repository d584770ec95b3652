import Foundation
import ModelFiles
import Networks
import QuantInfer

extension FloatGraph {
  /// The same function with channels divided between layers as the image has them, so that layers can be compared value
  /// by value; the graph itself where the image isn't equalized.
  ///
  /// A scale of a channel's weights is the greatest of them in 127 steps: how much larger it is in float is the factor.
  func equalized(like loaded: LoadedModel, layers: [TwinGraph.Layer]) -> FloatGraph {
    guard loaded.provenance[.equalized] == "true", loaded.provenance[.granularity] != "tensor" else {
      return self
    }
    var graph = self
    /// By what each channel of a tensor is divided.
    var factors: [Int: [Float]] = [:]
    let integers = Dictionary(layers.map { ($0.float, $0.integer) }) { first, _ in first }
    for (index, operation) in operators.enumerated() {
      let given = factors[operation.inputs[0]]
      guard var weights = operation.weights else {
        let isAlike = tensors[operation.inputs[0]].channelCount == tensors[operation.output].channelCount
        if let given, operation.inputs.count == 1, isAlike || operation.kind == .reshape {
          factors[operation.output] = given
        }
        continue
      }
      let outputs = weights.biases.count
      let places = weights.values.count / outputs
      let isDepthwise = operation.kind == .depthwiseConvolution
      if let given {
        // The channels of a group's inputs come one after the other, for each tap.
        let groupOutputs = isDepthwise ? 1 : outputs / max(1, operation.groups(channels: given.count, places))
        let groupChannels = given.count / (outputs / groupOutputs)
        for place in weights.values.indices {
          let output = isDepthwise ? place % outputs : place / places
          let channel =
            isDepthwise
            ? output * given.count / outputs
            : output / groupOutputs * groupChannels + place % places % groupChannels
          weights.values[place] *= given[channel]
        }
      }
      guard let integer = integers[index], let plan = loaded.model.operatorPlan(integer).weights else {
        continue
      }
      let scales = loaded.weightScales(ofOperator: integer)
      let limit: Float = plan.weightBits == 4 ? 7 : 127
      var own = [Float](repeating: 1, count: outputs)
      for output in 0..<outputs {
        let channel = (0..<places).map { isDepthwise ? $0 * outputs + output : output * places + $0 }
        let span = channel.reduce(0) { max($0, abs(weights.values[$1])) }
        let factor = span / (limit * scales[output])
        guard factor.isNormal, abs(factor - 1) > 1e-4 else { continue }
        own[output] = factor
        for place in channel { weights.values[place] /= factor }
        weights.biases[output] /= factor
      }
      graph.changeWeights(ofLayer: index) { $0 = weights }
      if own.contains(where: { $0 != 1 }) { factors[operation.output] = own }
    }
    return graph
  }
}

extension FloatGraph.Operator {
  /// The number of groups of a convolution, or 1.
  fileprivate func groups(channels: Int, _ places: Int) -> Int {
    guard case .convolution(let window, _) = computation else { return 1 }
    return channels / max(1, places / (window.time.kernel * window.frequency.kernel))
  }
}

extension LoadedModel {
  /// The real number of a step of each output channel's weights.
  fileprivate func weightScales(ofOperator index: Int) -> [Float] {
    let plan = model.operatorPlan(index)
    let (input, output) = (model.tensor(plan.inputIndex(0)), model.tensor(plan.outputIndex))
    return (0..<output.channelCount).map { channel in
      guard let multiplier = plan.weights?.multiplier(channel) else { return 1 }
      let factor = multiplier.real
      return Float(factor * Double(output.step) / Double(input.step))
    }
  }
}
