import ConformanceCases
import Networks
import QuantInfer
import TestNetworks

extension ConformanceCase {
  /// The case as a network in integers.
  var network: QuantizedNetwork {
    var tensors = operators[0].inputs.map(\.networkTensor)
    var previous = Array(tensors.indices)
    let ports = previous.map { QuantizedNetwork.Port($0) }
    var networkOperators: [QuantizedNetwork.Operator] = []
    for operation in operators {
      if let state = operation.state {
        previous.append(tensors.count)
        tensors.append(state)
      }
      networkOperators.append(
        .init(
          kind: operation.kind, inputs: previous, output: tensors.count, activation: operation.activation,
          computation: operation.networkComputation))
      previous = [tensors.count]
      tensors.append(operation.output.networkTensor)
    }
    return QuantizedNetwork(
      tensors: tensors, operators: networkOperators, inputs: ports, outputs: [.init(previous[0])])
  }
}

extension ConformanceCase.Tensor {
  fileprivate var networkTensor: QuantizedNetwork.Tensor {
    .init(name: "", shape: shape, type: bits == 8 ? .int8 : .int16, scale: 1, zeroPoint: zeroPoint)
  }
}

extension ConformanceCase.Operator {
  fileprivate var kind: OperatorKind {
    switch computation {
    case .convolution: .convolution
    case .depthwiseConvolution: .depthwiseConvolution
    case .fullyConnected: .fullyConnected
    case .averagePool: .averagePool
    case .maximumPool: .maximumPool
    case .add: .add
    case .multiply: .multiply
    case .minimum: .minimum
    case .maximum: .maximum
    case .pad: .pad
    case .transpose: .transpose
    case .softmax: .softmax
    case .svdf: .svdf
    }
  }

  /// The state of SVDF.
  fileprivate var state: QuantizedNetwork.Tensor? {
    guard case .svdf(let filter) = computation else { return nil }
    var state = QuantizedNetwork.Tensor(
      name: "", shape: [inputs[0].shape[0], filter.timeWeights.count],
      type: filter.stateBits == 8 ? .int8 : .int16, scale: 1, zeroPoint: 0)
    state.isVariable = true
    return state
  }

  fileprivate var networkComputation: QuantizedNetwork.Computation {
    switch computation {
    case .convolution(let window, let weights): return .convolution(window.network, weights.network)
    case .depthwiseConvolution(let window, let weights):
      return .depthwiseConvolution(window.network, weights.network)
    case .fullyConnected(let weights): return .fullyConnected(weights.network)
    case .averagePool(let window): return .averagePool(window.network)
    case .maximumPool(let window): return .maximumPool(window.network)
    case .add(let addition):
      var elementwise = elementwise
      elementwise.leftShift = addition.leftShift
      elementwise.firstMultiplier = addition.first.network
      elementwise.secondMultiplier = addition.second.network
      elementwise.outputMultiplier = addition.output.network
      return .elementwise(elementwise)
    case .multiply(let multiplier):
      var elementwise = elementwise
      elementwise.outputMultiplier = multiplier.network
      return .elementwise(elementwise)
    case .minimum, .maximum: return .elementwise(elementwise)
    case .pad(let before, _, let value):
      let strides = rowMajorStrides(output.shape)
      return .rearrangement(
        [
          .init(
            input: 0, shape: inputs[0].shape, inputStart: 0, inputStrides: rowMajorStrides(inputs[0].shape),
            outputStart: zip(before, strides).reduce(0) { $0 + $1.0 * $1.1 }, outputStrides: strides)
        ], fill: value)
    case .transpose(let permutation):
      let strides = rowMajorStrides(inputs[0].shape)
      return .rearrangement(
        [
          .init(
            input: 0, shape: output.shape, inputStart: 0, inputStrides: permutation.map { strides[$0] },
            outputStart: 0, outputStrides: rowMajorStrides(output.shape))
        ], fill: nil)
    case .softmax(let multiplier, let leastDifference):
      return .softmax(
        .init(
          depth: inputs[0].shape[1], multiplier: multiplier.network, leastDifference: leastDifference))
    case .svdf(let filter):
      return .svdf(
        .init(
          featureWeights: filter.featureWeights.map { Int8($0) },
          timeWeights: filter.timeWeights.map { Int16($0) }, biases: filter.biases.map { Int32($0) },
          rank: filter.rank, featureMultiplier: filter.featureMultiplier.network,
          outputMultiplier: filter.outputMultiplier.network))
    }
  }

  private var elementwise: QuantizedNetwork.Elementwise {
    .init(first: inputs[0].shape, second: inputs[1].shape)
  }
}

extension ConformanceCase.Multiplier {
  fileprivate var network: FixedPointMultiplier {
    FixedPointMultiplier(multiplierQ31: Int32(multiplierQ31), leftShift: Int8(leftShift))
  }
}

extension ConformanceCase.Window {
  fileprivate var network: QuantizedNetwork.Window {
    .init(time: height.network, frequency: width.network)
  }
}

extension ConformanceCase.Step {
  fileprivate var network: QuantizedNetwork.Step {
    .init(
      kernel: kernel, stride: stride, dilation: dilation, paddingBefore: paddingBefore,
      paddingAfter: paddingAfter)
  }
}

extension ConformanceCase.Weights {
  fileprivate var network: QuantizedNetwork.Weights {
    var weights = QuantizedNetwork.Weights(
      codes: codes.map { Int8($0) }, biases: biases.map { Int64($0) }, multipliers: multipliers.map(\.network)
    )
    (weights.bits, weights.accumulatorBits) = (bits, accumulatorBits)
    return weights
  }
}
