import ConformanceCases
import ReferenceKernels

extension ConformanceCase {
  /// The output codes by the reference kernels.
  func referenceOutput() -> [Int] {
    var state: [Int] = []
    var codes: [Int] = []
    for inputs in runs {
      var values = inputs
      for operation in operators { values = [operation.referenceOutput(values, state: &state)] }
      codes = values[0]
    }
    return codes
  }
}

extension ConformanceCase.Operator {
  private func output(_ weights: ConformanceCase.Weights) -> ReferenceOutput {
    ReferenceOutput(
      multipliers: weights.multipliers.map(\.reference), zeroPoint: output.zeroPoint, range: activation,
      accumulatorBits: weights.accumulatorBits)
  }

  fileprivate func referenceOutput(_ values: [[Int]], state: inout [Int]) -> [Int] {
    let input = inputs[0]
    switch computation {
    case .convolution(let window, let weights):
      return referenceConvolution(
        values[0], shape: input.shape, zeroPoint: input.zeroPoint, weights: weights.codes,
        biases: weights.biases, time: window.height.reference, frequency: window.width.reference,
        outputShape: output.shape, output: output(weights))
    case .depthwiseConvolution(let window, let weights):
      return referenceDepthwiseConvolution(
        values[0], shape: input.shape, zeroPoint: input.zeroPoint, weights: weights.codes,
        biases: weights.biases, time: window.height.reference, frequency: window.width.reference,
        outputShape: output.shape, output: output(weights))
    case .fullyConnected(let weights):
      return referenceFullyConnected(
        values[0], zeroPoint: input.zeroPoint, weights: weights.codes, biases: weights.biases,
        outputCount: weights.biases.count, output: output(weights))
    case .averagePool(let window):
      return referenceAveragePool(
        values[0], shape: input.shape, time: window.height.reference, frequency: window.width.reference,
        outputShape: output.shape, range: activation)
    case .maximumPool(let window):
      return referenceMaximumPool(
        values[0], shape: input.shape, time: window.height.reference, frequency: window.width.reference,
        outputShape: output.shape, range: activation)
    case .add(let addition):
      return referenceAdd(
        pair(values),
        ReferenceAddition(
          firstZeroPoint: input.zeroPoint, secondZeroPoint: inputs[1].zeroPoint,
          leftShift: addition.leftShift, firstMultiplier: addition.first.reference,
          secondMultiplier: addition.second.reference, outputMultiplier: addition.output.reference,
          outputZeroPoint: output.zeroPoint, range: activation))
    case .multiply(let multiplier):
      return referenceMultiply(
        pair(values), firstZeroPoint: input.zeroPoint, secondZeroPoint: inputs[1].zeroPoint,
        multiplier: multiplier.reference, outputZeroPoint: output.zeroPoint, range: activation)
    case .minimum: return referenceMinimum(pair(values))
    case .maximum: return referenceMaximum(pair(values))
    case .pad(let before, let after, let value):
      return referencePad(values[0], shape: input.shape, before: before, after: after, value: value)
    case .transpose(let permutation):
      return referenceTranspose(values[0], shape: input.shape, permutation: permutation)
    case .softmax(let multiplier, let leastDifference):
      return referenceSoftmax(
        values[0], depth: input.shape[1], multiplier: multiplier.reference, leastDifference: leastDifference,
        outputBits: output.bits)
    case .svdf(let filter):
      if state.isEmpty { state = [Int](repeating: 0, count: input.shape[0] * filter.timeWeights.count) }
      return ReferenceSVDF(
        featureWeights: filter.featureWeights, timeWeights: filter.timeWeights, biases: filter.biases,
        rank: filter.rank, filterCount: filter.filterCount, zeroPoint: input.zeroPoint,
        featureMultiplier: filter.featureMultiplier.reference, stateZeroPoint: 0,
        stateBits: filter.stateBits, outputMultiplier: filter.outputMultiplier.reference,
        outputZeroPoint: output.zeroPoint, range: activation
      ).step(values[0], state: &state)
    }
  }

  private func pair(_ values: [[Int]]) -> ReferencePair {
    ReferencePair(values[0], inputs[0].shape, values[1], inputs[1].shape)
  }
}

extension ConformanceCase.Multiplier {
  fileprivate var reference: ReferenceMultiplier {
    ReferenceMultiplier(multiplierQ31: multiplierQ31, leftShift: leftShift)
  }
}

extension ConformanceCase.Step {
  fileprivate var reference: ReferenceStep {
    ReferenceStep(kernel: kernel, stride: stride, dilation: dilation, paddingBefore: paddingBefore)
  }
}
