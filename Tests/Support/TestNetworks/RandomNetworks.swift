import Networks
import QuantInfer
import ReferenceKernels
import Support

/// Random networks in integers: shapes, kernels, zero points and scales vary, as do extreme weights.
package struct RandomNetworks {
  package var random: SeededGenerator

  /// A random choice from a seed.
  package init(random: SeededGenerator) { self.random = random }

  /// A chain of unpadded convolutions of stride 1 and a dense operator: what can stream.
  package mutating func streamable(bins: Int, depth: Int) -> QuantizedNetwork {
    var layers: [(kernel: Int, dilation: Int, channels: Int)] = []
    for _ in 0..<depth {
      layers.append(
        (1 + random.nextIndex(below: 4), 1 + random.nextIndex(below: 3), 1 + random.nextIndex(below: 9)))
    }
    let reach = layers.reduce(1) { $0 + ($1.kernel - 1) * $1.dilation }
    var network = start([1, reach + random.nextIndex(below: 6), 1, bins])
    for layer in layers {
      var time = QuantizedNetwork.Step()
      (time.kernel, time.dilation) = (layer.kernel, layer.dilation)
      convolve(&network, time: time, frequency: .init(), channels: layer.channels)
    }
    connect(&network, outputs: 1 + random.nextIndex(below: 6))
    return network
  }

  /// Convolutions along time and frequency with strides, dilations and padding, then a dense operator.
  package mutating func general() -> QuantizedNetwork {
    var network = start([
      1, 8 + random.nextIndex(below: 12), 4 + random.nextIndex(below: 10), 1 + random.nextIndex(below: 4),
    ])
    for _ in 0..<1 + random.nextIndex(below: 3) {
      convolve(&network, time: step(), frequency: step(), channels: 1 + random.nextIndex(below: 7))
    }
    connect(&network, outputs: 1 + random.nextIndex(below: 5))
    return network
  }

  /// Convolutions, depthwise convolutions, pools and functions with strides and dilations along time, padded on request,
  /// then a tail of several kinds: what can stream too.
  package mutating func streamableWithStrides(bins: Int, pads: Bool = false) -> QuantizedNetwork {
    let rows = [1, 1, 2, bins][random.nextIndex(below: 4)]
    var network = start([1, 30 + random.nextIndex(below: 30), rows, bins / rows])
    for _ in 0..<1 + random.nextIndex(below: 4) {
      var time = QuantizedNetwork.Step()
      time.kernel = 1 + random.nextIndex(below: 3)
      time.stride = 1 + random.nextIndex(below: 3)
      let kind = random.nextIndex(below: 5)
      if kind < 3 { time.dilation = 1 + random.nextIndex(below: 2) }
      let shape = network.tensors[network.outputs[0].tensor].shape
      if pads && kind < 4 && random.nextIndex(below: 3) > 0 {
        // As TensorFlow's SAME has it, as PyTorch has it, or before the first column alone.
        let total = max(0, ((shape[1] - 1) / time.stride * time.stride + time.reach - shape[1]))
        switch random.nextIndex(below: 3) {
        case 0: (time.paddingBefore, time.paddingAfter) = (total / 2, total - total / 2)
        case 1: (time.paddingBefore, time.paddingAfter) = (time.reach / 2, time.reach / 2)
        default: time.paddingBefore = time.reach - 1
        }
        time.paddingBefore = min(time.paddingBefore, time.reach - 1)
        time.paddingAfter = min(time.paddingAfter, time.reach - 1)
      }
      let padded = shape[1] + time.paddingBefore + time.paddingAfter
      let columns = (padded - time.reach) / time.stride + 1
      guard shape[1] >= time.reach, columns > 1 else { continue }
      let window = QuantizedNetwork.Window(time: time)
      switch kind {
      case 0, 1: convolve(&network, time: time, frequency: .init(), channels: 1 + random.nextIndex(below: 9))
      case 2:
        let channels = shape[3]
        let weights = QuantizedNetwork.Weights(
          codes: (0..<time.kernel * channels).map { _ in Int8(random.nextIndex(below: 255) - 127) },
          biases: (0..<channels).map { _ in Int64(random.nextIndex(below: 2001) - 1000) },
          multipliers: (0..<channels).map { _ in .init(real: random.next(in: 0.001...0.01)) })
        apply(
          to: &network, .depthwiseConvolution, .depthwiseConvolution(window, weights),
          shape: [1, columns, rows, channels])
      case 3:
        let isMean = random.nextIndex(below: 2) == 0
        apply(
          to: &network, isMean ? .averagePool : .maximumPool,
          isMean ? .averagePool(window) : .maximumPool(window), shape: [1, columns, rows, shape[3]])
      default:
        let table = (0..<256).map { _ in Int16(random.nextIndex(below: 256) - 128) }
        apply(to: &network, .relu, .lookup(table), shape: shape)
      }
    }
    pool(&network, overFrequency: random.nextIndex(below: 2) == 0)
    if random.nextIndex(below: 2) == 0 {
      apply(
        to: &network, .reshape, .reshape,
        shape: [1, network.tensors[network.outputs[0].tensor].count])
    }
    connect(&network, outputs: 1 + random.nextIndex(below: 6))
    return network
  }

  /// Ends a network's columns with a mean over time, and maybe frequency too: a pool, a MEAN of either form, or none.
  private mutating func pool(_ network: inout QuantizedNetwork, overFrequency: Bool) {
    let shape = network.tensors[network.outputs[0].tensor].shape
    let (columns, rows, channels) = (shape[1], shape[2], shape[3])
    let kept = overFrequency ? [channels] : [rows, channels]
    switch random.nextIndex(below: 4) {
    case 0:
      let window = QuantizedNetwork.Window(
        time: .init(kernel: columns), frequency: .init(kernel: overFrequency ? rows : 1))
      apply(
        to: &network, .averagePool, .averagePool(window),
        shape: [1, 1, overFrequency ? 1 : rows, channels])
    case 1, 2:
      let keepsDimensions = random.nextIndex(below: 2) == 0
      let mean = QuantizedNetwork.Mean(
        shape: kept, strides: overFrequency ? [1] : [channels, 1],
        reducedShape: overFrequency ? [columns, rows] : [columns],
        reducedStrides: overFrequency ? [rows * channels, channels] : [rows * channels],
        multiplier: .init(real: random.next(in: 0.5...2) / Double(columns * (overFrequency ? rows : 1))))
      apply(
        to: &network, .mean, .mean(mean),
        shape: keepsDimensions ? [1, 1, overFrequency ? 1 : rows, channels] : [1] + kept)
    default: break
    }
  }

  private mutating func apply(
    to network: inout QuantizedNetwork, _ kind: OperatorKind, _ computation: QuantizedNetwork.Computation,
    shape: [Int]
  ) {
    let input = network.outputs[0].tensor
    network.operators.append(
      .init(
        kind: kind, inputs: [input], output: network.tensors.count, activation: -128...127,
        computation: computation))
    network.tensors.append(
      .init(
        name: "", shape: shape, scale: network.tensors[input].scale,
        zeroPoint: network.tensors[input].zeroPoint))
    network.outputs = [.init(network.tensors.count - 1)]
  }

  /// Random codes; one window in four is constant at an extreme.
  package mutating func codes(_ count: Int) -> [Int8] {
    switch random.nextIndex(below: 8) {
    case 0: return [Int8](repeating: -128, count: count)
    case 1: return [Int8](repeating: 127, count: count)
    default: return (0..<count).map { _ in Int8(truncatingIfNeeded: random.next()) }
    }
  }

  private mutating func start(_ shape: [Int]) -> QuantizedNetwork {
    QuantizedNetwork(
      tensors: [
        .init(name: "input", shape: shape, scale: 1 / 64, zeroPoint: random.nextIndex(below: 256) - 128)
      ],
      operators: [], input: 0, output: 0)
  }

  private mutating func step() -> QuantizedNetwork.Step {
    var step = QuantizedNetwork.Step()
    step.kernel = 1 + random.nextIndex(below: 3)
    step.stride = 1 + random.nextIndex(below: 2)
    step.dilation = 1 + random.nextIndex(below: 2)
    step.paddingBefore = random.nextIndex(below: step.reach)
    step.paddingAfter = random.nextIndex(below: step.reach)
    return step
  }

  private mutating func convolve(
    _ network: inout QuantizedNetwork, time: QuantizedNetwork.Step, frequency: QuantizedNetwork.Step,
    channels: Int
  ) {
    let shape = network.tensors[network.outputs[0].tensor].shape
    func outputs(_ count: Int, _ step: QuantizedNetwork.Step) -> Int {
      (count + step.paddingBefore + step.paddingAfter - step.reach) / step.stride + 1
    }
    let output = [1, outputs(shape[1], time), outputs(shape[2], frequency), channels]
    guard shape[1] >= time.reach, shape[2] >= frequency.reach else { return }
    append(
      to: &network, window: .init(time: time, frequency: frequency), shape: output,
      inputsPerOutput: time.kernel * frequency.kernel * shape[3])
  }

  private mutating func connect(_ network: inout QuantizedNetwork, outputs: Int) {
    append(
      to: &network, window: nil, shape: [1, outputs],
      inputsPerOutput: network.tensors[network.outputs[0].tensor].count)
  }

  private mutating func append(
    to network: inout QuantizedNetwork, window: QuantizedNetwork.Window?, shape: [Int], inputsPerOutput: Int
  ) {
    let channels = shape[shape.count - 1]
    let isExtreme = random.nextIndex(below: 4) == 0
    let zeroPoint = random.nextIndex(below: 256) - 128
    // A sum of n products of uniform codes spreads over some 5,400 sqrt(n): bring that to about 100 codes.
    let gain = Float(100 / (5400 * Double(inputsPerOutput).squareRoot()))
    let input = network.outputs[0].tensor
    let inputScale = network.tensors[input].scale
    let weights = QuantizedNetwork.Weights(
      codes: (0..<channels * inputsPerOutput).map { _ in
        isExtreme
          ? (random.nextIndex(below: 2) == 0 ? -127 : 127) : Int8(random.nextIndex(below: 255) - 127)
      },
      biases: (0..<channels).map { _ in Int64(random.nextIndex(below: 200_001) - 100_000) },
      scales: (0..<channels).map { _ in Float(random.next(in: 0.25...2)) * gain / 64 / inputScale },
      inputScale: inputScale, outputScale: 1 / 64)
    network.operators.append(
      .init(
        kind: window == nil ? .fullyConnected : .convolution, inputs: [input], output: network.tensors.count,
        activation: random.nextIndex(below: 2) == 0 ? -128...127 : zeroPoint...127,
        computation: window.map { .convolution($0, weights) } ?? .fullyConnected(weights)))
    network.tensors.append(.init(name: "", shape: shape, scale: 1 / 64, zeroPoint: zeroPoint))
    network.outputs = [.init(network.tensors.count - 1)]
  }
}

/// Every tensor of a network for one window, by the plain reference.
package func referenceTensors(_ network: QuantizedNetwork, input: [Int8]) -> [[Int8]] {
  var tensors = [[Int]](repeating: [], count: network.tensors.count)
  tensors[network.inputs[0].tensor] = input.map { Int($0) }
  for operation in network.operators {
    let source = network.tensors[operation.inputs[0]]
    let target = network.tensors[operation.output]
    let codes = tensors[operation.inputs[0]]
    switch operation.computation {
    case .convolution(let window, let weights):
      tensors[operation.output] = referenceConvolution(
        codes, shape: source.shape, zeroPoint: source.zeroPoint, weights: weights.codes.map { Int($0) },
        biases: weights.biases.map { Int($0) }, time: window.time.reference,
        frequency: window.frequency.reference, outputShape: target.shape,
        output: weights.reference(zeroPoint: target.zeroPoint, range: operation.activation))
    case .fullyConnected(let weights):
      tensors[operation.output] = referenceFullyConnected(
        codes, zeroPoint: source.zeroPoint, weights: weights.codes.map { Int($0) },
        biases: weights.biases.map { Int($0) }, outputCount: weights.biases.count,
        output: weights.reference(zeroPoint: target.zeroPoint, range: operation.activation))
    default: preconditionFailure("these networks have no other operators")
    }
  }
  return tensors.map { $0.map { Int8($0) } }
}

extension FixedPointMultiplier {
  /// The reference's multiplier.
  package var reference: ReferenceMultiplier {
    ReferenceMultiplier(multiplierQ31: Int(multiplierQ31), leftShift: Int(leftShift))
  }
}

extension QuantizedNetwork.Step {
  /// The reference's steps.
  package var reference: ReferenceStep {
    ReferenceStep(kernel: kernel, stride: stride, dilation: dilation, paddingBefore: paddingBefore)
  }
}

extension QuantizedNetwork.Weights {
  /// What turns sums into codes, for the reference.
  package func reference(zeroPoint: Int, range: ClosedRange<Int>) -> ReferenceOutput {
    ReferenceOutput(
      multipliers: multipliers.map(\.reference), zeroPoint: zeroPoint, range: range,
      accumulatorBits: accumulatorBits)
  }
}
