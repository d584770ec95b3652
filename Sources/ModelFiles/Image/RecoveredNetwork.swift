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
  /// The network that the image was made from: biases without the input's zero point, and weight scales that give the
  /// image's multipliers to the last bit.
  ///
  /// - Throws: `NotConvertible`, where no network of floating-point scales gives this image.
  package func network() throws(NotConvertible) -> QuantizedNetwork {
    var tensors: [QuantizedNetwork.Tensor] = []
    for index in 0..<model.tensorCount {
      let tensor = model.tensor(index)
      let scale = Float(bitPattern: tensor.scaleBits)
      guard scale.isNormal && scale > 0 else {
        throw NotConvertible(problem: "tensor \(index) has the scale \(scale)")
      }
      var described = QuantizedNetwork.Tensor(
        name: "tensor \(index)", shape: model.shape(ofTensor: index), type: tensor.type, scale: scale,
        zeroPoint: Int(tensor.zeroPoint))
      let bytes = ImageReader(model, at: tensor.byteOffset)
      switch tensor.storage {
      case .computed: break
      case .variable: described.isVariable = true
      case .constant: described.constant = bytes.codes(at: 0, count: tensor.count, tensor.type)
      }
      tensors.append(described)
    }
    var operators: [QuantizedNetwork.Operator] = []
    for index in 0..<model.operatorCount {
      let plan = model.operatorPlan(index)
      guard let kind = plan.kind else { throw NotConvertible(operatorIndex: index, problem: "is unknown") }
      let computation: QuantizedNetwork.Computation
      if let weights = plan.weights {
        computation = try recovered(index, plan, weights, tensors: tensors)
      } else if let gates = plan.gates {
        computation = .lstm(try recovered(index, plan, gates, tensors: tensors))
      } else {
        computation = ImageReader(model, at: plan.parameters).computation(plan, kind, of: model)
      }
      var operation = QuantizedNetwork.Operator(
        kind: kind, inputs: (0..<plan.inputCount).map { plan.inputIndex($0) }, output: plan.outputIndex,
        activation: Int(plan.activationMinimum)...Int(plan.activationMaximum), computation: computation)
      operation.sourceIndex = plan.sourceIndex
      operators.append(operation)
    }
    return QuantizedNetwork(
      tensors: tensors, operators: operators,
      inputs: (0..<model.inputCount).map { .init(model.inputPort($0).tensorIndex) },
      outputs: (0..<model.outputCount).map { .init(model.outputPort($0).tensorIndex) })
  }

  /// A convolution's or fully connected operator's computation.
  private func recovered(
    _ index: Int, _ plan: OperatorPlan, _ weights: QuantInfer.Weights, tensors: [QuantizedNetwork.Tensor]
  ) throws(NotConvertible) -> QuantizedNetwork.Computation {
    let (input, output) = (tensors[plan.inputIndex(0)], tensors[plan.outputIndex])
    let channels = model.tensor(plan.outputIndex).channelCount
    let window = plan.window.map {
      QuantizedNetwork.Window(time: .init($0.time), frequency: .init($0.frequency))
    }
    let taps = window.map { $0.time.kernel * $0.frequency.kernel }
    let isDepthwise = plan.kind == .depthwiseConvolution
    let inputsPerOutput =
      taps.map { isDepthwise ? $0 : $0 * weights.groupChannelCount }
      ?? input.count / (output.count / channels)
    let groups =
      taps == nil || isDepthwise
      ? 1 : model.tensor(plan.inputIndex(0)).channelCount / weights.groupChannelCount
    var recovered = try recovered(
      index, weights, channels: channels, inputsPerOutput: inputsPerOutput, groups: groups, input: input,
      outputScale: output.scale)
    if isDepthwise {
      recovered.codes = (0..<inputsPerOutput).flatMap { tap in
        (0..<channels).map { recovered.codes[$0 * inputsPerOutput + tap] }
      }
    }
    guard let window else { return .fullyConnected(recovered) }
    return isDepthwise ? .depthwiseConvolution(window, recovered) : .convolution(window, recovered)
  }

  /// An LSTM's constants.
  private func recovered(
    _ index: Int, _ plan: OperatorPlan, _ gates: Gates, tensors: [QuantizedNetwork.Tensor]
  ) throws(NotConvertible) -> QuantizedNetwork.LSTM {
    let (input, output) = (tensors[plan.inputIndex(0)], tensors[plan.outputIndex])
    let units = model.tensor(plan.outputIndex).channelCount
    func weights(
      _ weights: QuantInfer.Weights, inputs: Int, of tensor: QuantizedNetwork.Tensor
    ) throws(NotConvertible) -> QuantizedNetwork.Weights {
      try recovered(
        index, weights, channels: 4 * units, inputsPerOutput: inputs, groups: 1, input: tensor,
        outputScale: 0x1p-12)
    }
    return ImageReader(model, at: plan.parameters).lstm(
      inputs: try weights(gates.inputs, inputs: input.count / (output.count / units), of: input),
      recurrence: try weights(gates.recurrence, inputs: units, of: output))
  }

  /// The weights, a row for each channel.
  private func recovered(
    _ index: Int, _ weights: QuantInfer.Weights, channels: Int, inputsPerOutput: Int, groups: Int,
    input: QuantizedNetwork.Tensor, outputScale: Float
  ) throws(NotConvertible) -> QuantizedNetwork.Weights {
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
      let sum = row.reduce(0) { $0 + Int($1) - Int(weights.zeroPoint) }
      let bias = weights.bias(channel) &+ Int64(input.zeroPoint * sum)
      guard weights.accumulatorBits == 64 || Int32(exactly: bias) != nil else {
        throw NotConvertible(
          operatorIndex: index, problem: "has a bias in channel \(channel) that is beyond 32 bits")
      }
      biases.append(bias)
      guard let scale = weightScale(weights.multiplier(channel), input: input.scale, output: outputScale)
      else {
        throw NotConvertible(
          operatorIndex: index,
          problem: "has a multiplier in channel \(channel) that comes from no single-precision weight scale")
      }
      scales.append(scale)
    }
    var recovered = QuantizedNetwork.Weights(
      codes: codes, biases: biases, scales: scales, inputScale: input.scale, outputScale: outputScale)
    (recovered.bits, recovered.zeroPoint) = (weights.weightBits, Int(weights.zeroPoint))
    recovered.accumulatorBits = weights.accumulatorBits
    return recovered
  }

  /// The weight scale that gives a multiplier; nil where there is none.
  ///
  /// A multiplier has 31 bits and a scale 24, so that there is at most one.
  private func weightScale(_ multiplier: FixedPointMultiplier, input: Float, output: Float) -> Float? {
    guard multiplier.multiplierQ31 != 0 else { return 0 }
    let nearest = Float(multiplier.real * Double(output) / Double(input))
    return [nearest, nearest.nextUp, nearest.nextDown].first { scale in
      scale.isFinite && scale > 0
        && FixedPointMultiplier(real: Double(input) * Double(scale) / Double(output)) == multiplier
    }
  }
}

extension QuantizedNetwork.Step {
  init(_ step: WindowStep) {
    self.init(
      kernel: step.kernel, stride: step.stride, dilation: step.dilation,
      paddingBefore: step.paddingBefore, paddingAfter: step.paddingAfter)
  }
}
