import Foundation
import QuantInfer
import Support
import Training

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
  }

  /// The tensors; the first one is the input.
  package var tensors: [Tensor]
  /// The operators in order, each reading the input or what an earlier one wrote; the last one writes the output.
  package var operators: [Operator]

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

  /// A `.tflite` model of float32 whose operators are a chain of convolutions, fully connected operators, pools,
  /// reshapes and softmax.
  ///
  /// - Throws: `NotConvertible`, which names the operator that this program doesn't have in float.
  package init(importing model: TFLiteModel) throws(NotConvertible) {
    guard model.graph.inputs.count == 1, model.graph.outputs.count == 1 else {
      throw NotConvertible(problem: "the float model hasn't just one input and one output")
    }
    tensors = []
    operators = []
    var places: [Int: Int] = [:]
    func described(_ index: Int) throws(NotConvertible) -> Tensor {
      let source = model.graph.tensors[index]
      guard source.type == .float32 else {
        throw NotConvertible(problem: "tensor \(index) is \(source.type.name), not float32")
      }
      return Tensor(
        name: String(source.name.onOneLine.prefix(60)),
        shape: try TFLiteOperator.shape(of: index, in: model))
    }
    let input = Int(model.graph.inputs[0])
    tensors.append(try described(input))
    places[input] = 0
    for index in model.graph.operators.indices {
      let operation = TFLiteOperator(model, index)
      guard operation.operation.outputs.count == 1 else { throw operation.refusal("has several outputs") }
      let source = try operation.inputIndex(0)
      guard let place = places[source] else { throw operation.refusal("reads what no operator computes") }
      let output = try described(operation.outputIndex)
      let (activation, computation) = try operation.float(from: tensors[place], to: output)
      guard let kind = operation.imageKind else { throw operation.refusal("isn't one of this program's") }
      operators.append(
        Operator(
          kind: kind, input: place, output: tensors.count, activation: activation, computation: computation))
      places[operation.outputIndex] = tensors.count
      tensors.append(output)
    }
    guard places[Int(model.graph.outputs[0])] == tensors.count - 1, !operators.isEmpty else {
      throw NotConvertible(problem: "the float model's last operator doesn't write its output")
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

extension TFLiteOperator {
  /// What the operator computes in float, with its fused activation.
  fileprivate func float(
    from input: FloatGraph.Tensor, to output: FloatGraph.Tensor
  ) throws(NotConvertible) -> (ClosedRange<Float>, FloatGraph.Computation) {
    let everything = -Float.infinity...Float.infinity
    /// A tensor's shape as the importer's functions take it.
    func shaped(_ tensor: FloatGraph.Tensor) -> QuantizedNetwork.Tensor {
      .init(name: tensor.name, shape: tensor.shape, scale: 1, zeroPoint: 0)
    }
    func requireImages() throws(NotConvertible) {
      guard input.shape.count == 4, output.shape.count == 4, input.shape[0] == output.shape[0] else {
        throw refusal("goes from the shape \(input.shape) to \(output.shape)")
      }
    }
    switch kind {
    case .conv2D, .depthwiseConv2D:
      try requireImages()
      let isDepthwise = kind == .depthwiseConv2D
      let options = try options(isDepthwise ? .depthwiseConv2D : .conv2D)
      let kernel = try floats(1, "weights")
      let channels = output.shape[3]
      guard kernel.shape.count == 4,
        isDepthwise
          ? kernel.shape[0] == 1 && kernel.shape[3] == channels && channels.isMultiple(of: input.shape[3])
          : kernel.shape[0] == channels && input.shape[3].isMultiple(of: kernel.shape[3])
            && channels.isMultiple(of: input.shape[3] / kernel.shape[3])
      else { throw refusal("has weights of the shape \(kernel.shape)") }
      let window = try window(options, kernel: kernel.shape[1...2], from: shaped(input), to: shaped(output))
      let weights = FloatGraph.Weights(values: kernel.values, biases: try biases(channels))
      return (
        try floatRange(options.activation),
        isDepthwise ? .depthwiseConvolution(window, weights) : .convolution(window, weights)
      )
    case .fullyConnected:
      let options = try options(.fullyConnected)
      let matrix = try floats(1, "weights")
      guard matrix.shape.count == 2, options.weightsFormat == 0, output.channelCount == matrix.shape[0],
        input.count.isMultiple(of: matrix.shape[1]),
        input.count / matrix.shape[1] == output.count / matrix.shape[0]
      else { throw refusal("has weights of the shape \(matrix.shape)") }
      return (
        try floatRange(options.activation),
        .fullyConnected(.init(values: matrix.values, biases: try biases(matrix.shape[0])))
      )
    case .averagePool2D, .maxPool2D:
      try requireImages()
      guard input.shape[3] == output.shape[3] else { throw refusal("changes the number of channels") }
      let options = try options(.pool2D)
      let window = try window(
        options, kernel: [Int(options.filterHeight), Int(options.filterWidth)], from: shaped(input),
        to: shaped(output))
      return (
        try floatRange(options.activation), kind == .maxPool2D ? .maximumPool(window) : .averagePool(window)
      )
    case .softmax:
      guard input.shape == output.shape else { throw refusal("changes the shape") }
      return (everything, .softmax(beta: try options(.softmax).beta))
    case .reshape, .squeeze, .expandDims:
      guard input.count == output.count else { throw refusal("changes the number of values") }
      return (everything, .reshape)
    default: throw refusal("isn't one of the operators that this program runs in float")
    }
  }

  /// A constant's real numbers: float ones, or those that int8 codes stand for, as TensorFlow Lite's dynamic-range
  /// models have weights.
  private func floats(_ place: Int, _ role: String) throws(NotConvertible) -> (values: [Float], shape: [Int])
  {
    let constant = try constant(place, role, types: .float32, .int8)
    guard constant.type == .int8 else {
      return (constant.numbers(UInt32.self).map { Float(bitPattern: $0) }, constant.shape)
    }
    let scales = constant.quantization.scales
    let dimension = Int(constant.quantization.dimension)
    guard !constant.quantization.zeroPoints.contains(where: { $0 != 0 }),
      scales.count == 1
        || (constant.shape.indices.contains(dimension) && scales.count == constant.shape[dimension])
    else { throw refusal("has \(role) of int8 without scales that fit them") }
    // Codes that follow each other share a scale, and the scales come round.
    let inner = scales.count == 1 ? 1 : constant.shape[(dimension + 1)...].reduce(1, *)
    let values = constant.int8.enumerated().map { Float($1) * scales[$0 / inner % scales.count] }
    return (values, constant.shape)
  }

  private func biases(_ count: Int) throws(NotConvertible) -> [Float] {
    guard optionalInputIndex(2) != nil else { return [Float](repeating: 0, count: count) }
    let biases = try floats(2, "biases").values
    guard biases.count == count else { throw refusal("has \(biases.count) biases, not \(count)") }
    return biases
  }

  private func floatRange(_ activation: TFLiteActivation) throws(NotConvertible) -> ClosedRange<Float> {
    switch activation {
    case .none: -Float.infinity...Float.infinity
    case .relu: 0...Float.infinity
    case .relu6: 0...6
    case .reluMinus1To1: -1...1
    default: throw refusal("has the fused activation \(activation.rawValue), which this program doesn't have")
    }
  }
}
