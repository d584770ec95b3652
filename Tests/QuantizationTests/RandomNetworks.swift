import QuantInfer
import Quantization
import ReferenceKernels
import Support

/// Random networks in integers: shapes, kernels, zero points and scales vary, as do extreme weights.
struct RandomNetworks {
  var random: SeededGenerator

  /// A chain of unpadded convolutions of stride 1 and a dense operator: what can stream.
  mutating func streamable(bins: Int, depth: Int) -> QuantizedNetwork {
    var layers: [(kernel: Int, dilation: Int, channels: Int)] = []
    for _ in 0..<depth {
      layers.append(
        (1 + random.nextIndex(below: 4), 1 + random.nextIndex(below: 3), 1 + random.nextIndex(below: 9)))
    }
    let reach = layers.reduce(1) { $0 + ($1.kernel - 1) * $1.dilation }
    var network = start([reach + random.nextIndex(below: 6), 1, bins])
    for layer in layers {
      var time = QuantizedNetwork.Step()
      (time.kernel, time.dilation) = (layer.kernel, layer.dilation)
      convolve(&network, time: time, frequency: .init(), channels: layer.channels)
    }
    connect(&network, outputs: 1 + random.nextIndex(below: 6))
    return network
  }

  /// Convolutions along time and frequency with strides, dilations and padding, then a dense operator.
  mutating func general() -> QuantizedNetwork {
    var network = start([
      8 + random.nextIndex(below: 12), 4 + random.nextIndex(below: 10), 1 + random.nextIndex(below: 4),
    ])
    for _ in 0..<1 + random.nextIndex(below: 3) {
      convolve(&network, time: step(), frequency: step(), channels: 1 + random.nextIndex(below: 7))
    }
    connect(&network, outputs: 1 + random.nextIndex(below: 5))
    return network
  }

  /// Random codes; one window in four is constant at an extreme.
  mutating func codes(_ count: Int) -> [Int8] {
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
    let shape = network.tensors[network.output].shape
    func outputs(_ count: Int, _ step: QuantizedNetwork.Step) -> Int {
      (count + step.paddingBefore + step.paddingAfter - step.reach) / step.stride + 1
    }
    let output = [outputs(shape[0], time), outputs(shape[1], frequency), channels]
    guard shape[0] >= time.reach, shape[1] >= frequency.reach else { return }
    append(
      to: &network, .convolution, shape: output, inputsPerOutput: time.kernel * frequency.kernel * shape[2])
    network.operators[network.operators.count - 1].time = time
    network.operators[network.operators.count - 1].frequency = frequency
  }

  private mutating func connect(_ network: inout QuantizedNetwork, outputs: Int) {
    append(
      to: &network, .fullyConnected, shape: [1, 1, outputs],
      inputsPerOutput: network.tensors[network.output].count)
  }

  private mutating func append(
    to network: inout QuantizedNetwork, _ kind: OperatorKind, shape: [Int], inputsPerOutput: Int
  ) {
    let channels = shape[2]
    let isExtreme = random.nextIndex(below: 4) == 0
    let zeroPoint = random.nextIndex(below: 256) - 128
    // A sum of n products of uniform codes spreads over some 5,400 sqrt(n): bring that to about 100 codes.
    let gain = Float(100 / (5400 * Double(inputsPerOutput).squareRoot()))
    let inputScale = network.tensors[network.output].scale
    network.operators.append(
      .init(
        kind: kind, input: network.output, output: network.tensors.count,
        weights: (0..<channels * inputsPerOutput).map { _ in
          isExtreme
            ? (random.nextIndex(below: 2) == 0 ? -127 : 127) : Int8(random.nextIndex(below: 255) - 127)
        },
        weightScales: (0..<channels).map { _ in
          Float(random.next(in: 0.25...2)) * gain / 64 / inputScale
        },
        biases: (0..<channels).map { _ in Int32(random.nextIndex(below: 200_001) - 100_000) },
        activation: random.nextIndex(below: 2) == 0 ? -128...127 : zeroPoint...127))
    network.tensors.append(.init(name: "\(kind)", shape: shape, scale: 1 / 64, zeroPoint: zeroPoint))
    network.output = network.tensors.count - 1
  }
}

/// Every tensor of a network for one window, by the plain reference.
func referenceTensors(_ network: QuantizedNetwork, input: [Int8]) -> [[Int8]] {
  var tensors = [[Int8]](repeating: [], count: network.tensors.count)
  tensors[network.input] = input
  for operation in network.operators {
    let source = network.tensors[operation.input]
    let target = network.tensors[operation.output]
    let multipliers = operation.weightScales.map { scale in
      FixedPointMultiplier(real: Double(source.scale) * Double(scale) / Double(target.scale))
    }
    let output = ReferenceOutput(
      multipliersQ31: multipliers.map { Int64($0.multiplierQ31) },
      leftShifts: multipliers.map { Int64($0.leftShift) }, zeroPoint: target.zeroPoint,
      range: operation.activation)
    func step(_ step: QuantizedNetwork.Step) -> ReferenceStep {
      ReferenceStep(
        kernel: step.kernel, stride: step.stride, dilation: step.dilation, paddingBefore: step.paddingBefore)
    }
    switch operation.kind {
    case .convolution:
      tensors[operation.output] = referenceConvolution(
        tensors[operation.input], shape: source.shape, zeroPoint: source.zeroPoint,
        weights: operation.weights, biases: operation.biases, time: step(operation.time),
        frequency: step(operation.frequency), outputShape: target.shape, output: output)
    case .fullyConnected:
      tensors[operation.output] = referenceFullyConnected(
        tensors[operation.input], zeroPoint: source.zeroPoint, weights: operation.weights,
        biases: operation.biases, output: output)
    }
  }
  return tensors
}
