import Networks
import QuantInfer

/// Why something can't be brought into another format.
package struct NotConvertible: Error, Equatable, Sendable {
  /// The operator that stands in the way; nil where it is the model as a whole.
  package var operatorIndex: Int?
  /// What that operator is called.
  package var operatorName: String?
  /// What is in the way.
  package var problem: String
  /// What to do about it; nil where there is no more to say than that it is in the way.
  package var remedy: String?

  /// Creates an error.
  package init(
    operatorIndex: Int? = nil, operatorName: String? = nil, problem: String, remedy: String? = nil
  ) {
    (self.operatorIndex, self.operatorName, self.problem) = (operatorIndex, operatorName, problem)
    self.remedy = remedy
  }
}

extension LoadedModel {
  /// The network that the image was made from, where it has convolutions and fully connected operators only: its
  /// biases without the input's zero point, and weight scales that give the image's multipliers to the last bit.
  ///
  /// - Throws: `NotConvertible`, where there are other operators, or no network of floating-point scales gives this
  ///   image.
  package func network() throws(NotConvertible) -> QuantizedNetwork {
    var tensors: [QuantizedNetwork.Tensor] = []
    for index in 0..<model.tensorCount {
      let tensor = model.tensor(index)
      let scale = Float(bitPattern: tensor.scaleBits)
      guard scale.isNormal && scale > 0 else {
        throw NotConvertible(problem: "tensor \(index) has the scale \(scale)")
      }
      guard tensor.storage == .computed else {
        throw NotConvertible(problem: "tensor \(index) isn't computed")
      }
      tensors.append(
        .init(
          name: "tensor \(index)", shape: model.shape(ofTensor: index), type: tensor.type, scale: scale,
          zeroPoint: Int(tensor.zeroPoint)))
    }
    var operators: [QuantizedNetwork.Operator] = []
    for index in 0..<model.operatorCount { operators.append(try recovered(index, tensors: tensors)) }
    return QuantizedNetwork(
      tensors: tensors, operators: operators,
      inputs: (0..<model.inputCount).map { .init(model.inputPort($0).tensorIndex) },
      outputs: (0..<model.outputCount).map { .init(model.outputPort($0).tensorIndex) })
  }

  private func recovered(
    _ index: Int, tensors: [QuantizedNetwork.Tensor]
  ) throws(NotConvertible) -> QuantizedNetwork.Operator {
    let plan = model.operatorPlan(index)
    guard let kind = plan.kind, let weights = plan.weights, kind != .depthwiseConvolution,
      weights.accumulatorBits == 32, weights.weightBits == 8, weights.zeroPoint == 0
    else {
      throw NotConvertible(
        operatorIndex: index,
        problem: "is \(plan.kind?.name ?? "unknown"), or of a type that can't be written")
    }
    let (input, output) = (tensors[plan.inputIndex(0)], tensors[plan.outputIndex])
    let channels = model.tensor(plan.outputIndex).channelCount
    let window = plan.window.map {
      QuantizedNetwork.Window(time: .init($0.time), frequency: .init($0.frequency))
    }
    let inputsPerOutput =
      window.map { $0.time.kernel * $0.frequency.kernel * weights.groupChannelCount }
      ?? input.count / (output.count / channels)
    let groups = window == nil ? 1 : model.tensor(plan.inputIndex(0)).channelCount / weights.groupChannelCount
    var codes: [Int8] = []
    var biases: [Int64] = []
    var scales: [Float] = []
    for channel in 0..<channels {
      let row = (0..<inputsPerOutput).map {
        weights.weight(
          channel: channel, input: $0, inputsPerOutput: inputsPerOutput, groupOutputs: channels / groups,
          channelCount: channels)
      }
      codes += row
      let folded = Int(weights.bias(channel))
      guard let bias = Int32(exactly: folded + input.zeroPoint * row.reduce(0) { $0 + Int($1) }) else {
        throw NotConvertible(
          operatorIndex: index, problem: "has a bias in channel \(channel) that is beyond 32 bits")
      }
      biases.append(Int64(bias))
      guard let scale = weightScale(weights.multiplier(channel), input: input.scale, output: output.scale)
      else {
        throw NotConvertible(
          operatorIndex: index,
          problem: "has a multiplier in channel \(channel) that comes from no single-precision weight scale")
      }
      scales.append(scale)
    }
    let recovered = QuantizedNetwork.Weights(
      codes: codes, biases: biases, scales: scales, inputScale: input.scale, outputScale: output.scale)
    var operation = QuantizedNetwork.Operator(
      kind: kind, inputs: [plan.inputIndex(0)], output: plan.outputIndex,
      activation: Int(plan.activationMinimum)...Int(plan.activationMaximum),
      computation: window.map { .convolution($0, recovered) } ?? .fullyConnected(recovered))
    operation.sourceIndex = plan.sourceIndex
    return operation
  }

  /// The weight scale that gives a multiplier; nil where there is none.
  ///
  /// A multiplier has 31 bits and a scale 24, so that there is at most one.
  private func weightScale(_ multiplier: FixedPointMultiplier, input: Float, output: Float) -> Float? {
    guard multiplier.multiplierQ31 != 0 else { return 0 }
    let factor = Double(multiplier.multiplierQ31) * exp2(Int(multiplier.leftShift) - 31)
    let nearest = Float(factor * Double(output) / Double(input))
    return [nearest, nearest.nextUp, nearest.nextDown].first { scale in
      scale.isFinite && scale > 0
        && FixedPointMultiplier(real: Double(input) * Double(scale) / Double(output)) == multiplier
    }
  }

  private func exp2(_ exponent: Int) -> Double {
    Double(sign: .plus, exponent: exponent, significand: 1)
  }
}

extension QuantizedNetwork.Step {
  fileprivate init(_ step: WindowStep) {
    self.init(
      kernel: step.kernel, stride: step.stride, dilation: step.dilation,
      paddingBefore: step.paddingBefore, paddingAfter: step.paddingAfter)
  }
}
