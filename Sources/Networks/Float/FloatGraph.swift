import Foundation
import QuantInfer

/// A float network as a graph of operators over whole windows.
///
/// It is the twin that an integer network's layers are compared with, one by one. Plain loops on the host, not made for speed.
package struct FloatGraph: Sendable {
  /// A tensor: what it is called and its dimensions, outermost first.
  package struct Tensor: Equatable, Sendable {
    /// A name for tables.
    package var name: String
    /// The dimensions.
    package var shape: [Int]

    package init(name: String, shape: [Int]) {
      self.name = name
      self.shape = shape
    }

    /// The number of values.
    package var count: Int { shape.reduce(1, *) }
    /// The length of the last dimension.
    package var channelCount: Int { shape.last ?? 1 }
  }

  /// Weights in the order of `QuantizedNetwork.Computation`, and a bias an output channel.
  package struct Weights: Equatable, Sendable {
    /// The weights.
    package var values: [Float]
    /// The biases.
    package var biases: [Float]

    package init(values: [Float], biases: [Float]) {
      self.values = values
      self.biases = biases
    }
  }

  /// What an operator computes.
  package enum Computation: Equatable, Sendable {
    /// CONV_2D.
    case convolution(QuantizedNetwork.Window, Weights)
    /// DEPTHWISE_CONV_2D.
    case depthwiseConvolution(QuantizedNetwork.Window, Weights)
    /// FULLY_CONNECTED.
    case fullyConnected(Weights)
    /// AVERAGE_POOL_2D, over the cells that are there.
    case averagePool(QuantizedNetwork.Window)
    /// MAX_POOL_2D.
    case maximumPool(QuantizedNetwork.Window)
    /// SOFTMAX along the last dimension.
    case softmax(beta: Float)
    /// RESHAPE.
    case reshape
  }

  /// An operator.
  package struct Operator: Equatable, Sendable {
    /// What it is called.
    package var kind: OperatorKind
    /// The tensor that it reads.
    package var input: Int
    /// The tensor that it writes.
    package var output: Int
    /// What the fused activation allows.
    package var activation: ClosedRange<Float>
    /// What it computes.
    package var computation: Computation

    package init(
      kind: OperatorKind, input: Int, output: Int, activation: ClosedRange<Float>, computation: Computation
    ) {
      self.kind = kind
      self.input = input
      self.output = output
      self.activation = activation
      self.computation = computation
    }
  }

  /// The tensors; the first one is the input.
  package var tensors: [Tensor]
  /// The operators in order, each reading the input or what an earlier one wrote; the last one writes the output.
  package var operators: [Operator]

  /// Creates a graph.
  package init(tensors: [Tensor], operators: [Operator]) {
    (self.tensors, self.operators) = (tensors, operators)
  }

  private static let everything = -Float.infinity...Float.infinity

  /// A network of this project, its layers as convolutions along time and fully connected operators.
  ///
  /// - Throws: `InvalidNetwork` where its parameters don't fit its specification.
  package init(_ network: FloatNetwork) throws(InvalidNetwork) {
    try network.validate()
    let shapes = try network.specification.layerShapes()
    tensors = [Tensor(name: "spectrogram", shape: [1, shapes[0].inputColumns, 1, shapes[0].inputChannels])]
    operators = []
    for (layer, shape) in shapes.enumerated() {
      tensors.append(
        Tensor(
          name: "\(shape.isDense ? "dense" : "convolution") \(layer + 1)",
          shape: shape.isDense
            ? [1, shape.outputChannels] : [1, shape.outputColumns, 1, shape.outputChannels]))
      let parameters = network.parameters[layer]
      let weights = Weights(values: parameters.weights, biases: parameters.biases)
      let time = QuantizedNetwork.Step(
        kernel: shape.kernelColumns, stride: shape.strideColumns, dilation: shape.dilationColumns)
      operators.append(
        Operator(
          kind: shape.isDense ? .fullyConnected : .convolution, input: layer, output: layer + 1,
          activation: shape.isRectified ? 0...Float.infinity : Self.everything,
          computation: shape.isDense ? .fullyConnected(weights) : .convolution(.init(time: time), weights)))
    }
  }

  /// All tensors for an input.
  package func run(_ input: [Float]) -> [[Float]] {
    var values = [input]
    for operation in operators { values.append(compute(operation, values[operation.input])) }
    return values
  }

  /// An operator's output for its input.
  package func compute(_ operation: Operator, _ input: [Float]) -> [Float] {
    let (source, target) = (tensors[operation.input], tensors[operation.output])
    precondition(input.count == source.count, "not the operator's input")
    var output: [Float]
    switch operation.computation {
    case .reshape: output = input
    case .convolution(let window, let weights):
      output = Self.convolve(input, source, target, window, weights, isDepthwise: false)
    case .depthwiseConvolution(let window, let weights):
      output = Self.convolve(input, source, target, window, weights, isDepthwise: true)
    case .fullyConnected(let weights): output = Self.multiply(input, weights)
    case .averagePool(let window): output = Self.pool(input, source, target, window, isMaximum: false)
    case .maximumPool(let window): output = Self.pool(input, source, target, window, isMaximum: true)
    case .softmax(let beta): output = Self.softmax(input, depth: source.channelCount, beta: beta)
    }
    if operation.activation != Self.everything {
      for index in output.indices {
        output[index] = min(
          max(output[index], operation.activation.lowerBound), operation.activation.upperBound)
      }
    }
    return output
  }

  /// The input cells of an output cell: the taps that lie inside.
  private static func taps(
    _ step: QuantizedNetwork.Step, _ output: Int, inputs: Int
  ) -> [(tap: Int, input: Int)] {
    (0..<step.kernel).compactMap { tap in
      let input = output * step.stride + tap * step.dilation - step.paddingBefore
      return (0..<inputs).contains(input) ? (tap, input) : nil
    }
  }

  private static func convolve(
    _ input: [Float], _ source: Tensor, _ target: Tensor, _ window: QuantizedNetwork.Window,
    _ weights: Weights, isDepthwise: Bool
  ) -> [Float] {
    let (height, width, channels) = (source.shape[1], source.shape[2], source.shape[3])
    let (rows, columns, outputs) = (target.shape[1], target.shape[2], target.shape[3])
    let taps = window.time.kernel * window.frequency.kernel
    let groupChannels = isDepthwise ? 1 : weights.values.count / (outputs * taps)
    let groupOutputs = isDepthwise ? outputs / channels : outputs / (channels / groupChannels)
    var result = [Float](repeating: 0, count: target.count)
    input.withUnsafeBufferPointer { input in
      weights.values.withUnsafeBufferPointer { values in
        for batch in 0..<source.shape[0] {
          for row in 0..<rows {
            let vertical = Self.taps(window.time, row, inputs: height)
            for column in 0..<columns {
              let horizontal = Self.taps(window.frequency, column, inputs: width)
              let place = ((batch * rows + row) * columns + column) * outputs
              for output in 0..<outputs {
                var sum = weights.biases[output]
                for (tapY, y) in vertical {
                  for (tapX, x) in horizontal {
                    let tap = tapY * window.frequency.kernel + tapX
                    let cell = ((batch * height + y) * width + x) * channels
                    let first = cell + output / groupOutputs * groupChannels
                    if isDepthwise {
                      sum += input[first] * values[tap * outputs + output]
                    } else {
                      let start = (output * taps + tap) * groupChannels
                      for channel in 0..<groupChannels {
                        sum += input[first + channel] * values[start + channel]
                      }
                    }
                  }
                }
                result[place + output] = sum
              }
            }
          }
        }
      }
    }
    return result
  }

  private static func multiply(_ input: [Float], _ weights: Weights) -> [Float] {
    let outputs = weights.biases.count
    let inputs = weights.values.count / outputs
    return (0..<input.count / inputs).flatMap { row in
      (0..<outputs).map { output in
        var sum = weights.biases[output]
        for index in 0..<inputs {
          sum += input[row * inputs + index] * weights.values[output * inputs + index]
        }
        return sum
      }
    }
  }

  private static func pool(
    _ input: [Float], _ source: Tensor, _ target: Tensor, _ window: QuantizedNetwork.Window, isMaximum: Bool
  ) -> [Float] {
    let (height, width, channels) = (source.shape[1], source.shape[2], source.shape[3])
    var result: [Float] = []
    result.reserveCapacity(target.count)
    for batch in 0..<source.shape[0] {
      for row in 0..<target.shape[1] {
        let vertical = taps(window.time, row, inputs: height)
        for column in 0..<target.shape[2] {
          let horizontal = taps(window.frequency, column, inputs: width)
          for channel in 0..<channels {
            let cells = vertical.flatMap { y in
              horizontal.map { x in input[((batch * height + y.input) * width + x.input) * channels + channel]
              }
            }
            result.append(isMaximum ? cells.max() ?? 0 : cells.reduce(0, +) / Float(max(1, cells.count)))
          }
        }
      }
    }
    return result
  }

  private static func softmax(_ input: [Float], depth: Int, beta: Float) -> [Float] {
    stride(from: 0, to: input.count, by: depth).flatMap { start in
      let row = input[start..<start + depth]
      let greatest = row.max() ?? 0
      let powers = row.map { exp(beta * ($0 - greatest)) }
      let sum = powers.reduce(0, +)
      return powers.map { $0 / sum }
    }
  }
}
