import QuantInfer

/// Why something can't be brought into another format.
public struct NotConvertible: Error, Equatable, Sendable {
  /// The operator that stands in the way; nil where it is the model as a whole.
  public var operatorIndex: Int?
  /// What that operator is called.
  public var operatorName: String?
  /// What is in the way.
  public var problem: String
}

extension LoadedModel {
  /// The network that the image was made from: its biases without the input's zero point, and weight scales
  /// that give the image's multipliers to the last bit.
  ///
  /// - Throws: `NotConvertible`, where no network of floating-point scales gives this image.
  public func network() throws(NotConvertible) -> QuantizedNetwork {
    let tensors = (0..<model.tensorCount).map { index in
      let tensor = model.tensor(index)
      return QuantizedNetwork.Tensor(
        name: "tensor \(index)", shape: [tensor.timeCount, tensor.frequencyCount, tensor.channelCount],
        scale: Float(bitPattern: tensor.scaleBits), zeroPoint: Int(tensor.zeroPoint))
    }
    for (index, tensor) in tensors.enumerated() where !(tensor.scale.isNormal && tensor.scale > 0) {
      throw NotConvertible(problem: "tensor \(index) has the scale \(tensor.scale)")
    }
    let table = word(at: ModelFormat.Header.operators)
    var operators: [QuantizedNetwork.Operator] = []
    for index in 0..<model.operatorCount {
      operators.append(
        try recovered(index, at: table + index * ModelFormat.Operator.byteCount, tensors: tensors))
    }
    return QuantizedNetwork(
      tensors: tensors, operators: operators, input: word(at: ModelFormat.Header.inputTensor),
      output: word(at: ModelFormat.Header.outputTensor))
  }

  private func recovered(
    _ index: Int, at place: Int, tensors: [QuantizedNetwork.Tensor]
  ) throws(NotConvertible) -> QuantizedNetwork.Operator {
    typealias Field = ModelFormat.Operator
    let plan = model.operatorPlan(index)
    guard let kind = plan.kind else { throw NotConvertible(operatorIndex: index, problem: "is unknown") }
    let (input, output) = (tensors[plan.inputIndex], tensors[plan.outputIndex])
    let channels = output.shape[2]
    let inputsPerOutput =
      kind == .fullyConnected ? input.count : plan.time.kernel * plan.frequency.kernel * input.shape[2]
    let weights = word(at: place + Field.weights)
    let biases = word(at: place + Field.biases)
    let multipliers = word(at: place + Field.multipliers)
    let shifts = word(at: place + Field.shifts)
    var operation = QuantizedNetwork.Operator(
      kind: kind, input: plan.inputIndex, output: plan.outputIndex,
      weights: (0..<channels * inputsPerOutput).map { Int8(bitPattern: model.byte(at: weights + $0)) },
      weightScales: [], biases: [],
      activation: Int(plan.activationMinimum)...Int(plan.activationMaximum))
    operation.time = QuantizedNetwork.Step(plan.time)
    operation.frequency = QuantizedNetwork.Step(plan.frequency)
    for channel in 0..<channels {
      let row = operation.weights[channel * inputsPerOutput..<(channel + 1) * inputsPerOutput]
      let folded = Int(Int32(truncatingIfNeeded: word(at: biases + 4 * channel)))
      guard let bias = Int32(exactly: folded + input.zeroPoint * row.reduce(0) { $0 + Int($1) }) else {
        throw NotConvertible(
          operatorIndex: index, problem: "has a bias in channel \(channel) that is beyond 32 bits")
      }
      let multiplier = FixedPointMultiplier(
        multiplierQ31: Int32(truncatingIfNeeded: word(at: multipliers + 4 * channel)),
        leftShift: Int8(bitPattern: model.byte(at: shifts + channel)))
      guard let scale = weightScale(multiplier, input: input.scale, output: output.scale) else {
        throw NotConvertible(
          operatorIndex: index,
          problem: "has a multiplier in channel \(channel) that comes from no single-precision weight scale")
      }
      operation.biases.append(bias)
      operation.weightScales.append(scale)
    }
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

  /// A little-endian 32-bit number of the validated image.
  private func word(at place: Int) -> Int {
    (0..<4).reduce(0) { $0 | Int(model.byte(at: place + $1)) << (8 * $1) }
  }
}

extension QuantizedNetwork.Step {
  fileprivate init(_ step: KernelStep) {
    self.init(
      kernel: step.kernel, stride: step.stride, dilation: step.dilation,
      paddingBefore: step.paddingBefore, paddingAfter: step.paddingAfter)
  }
}
