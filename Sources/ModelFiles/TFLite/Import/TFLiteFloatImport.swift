import Foundation
import Networks
import QuantInfer

extension FloatGraph {
  /// A `.tflite` model of float32 whose operators are a chain of convolutions, fully connected operators, pools,
  /// reshapes and softmax.
  ///
  /// - Throws: `NotConvertible`, which names the operator that this program doesn't have in float.
  package init(importing model: TFLiteModel) throws(NotConvertible) {
    guard model.graph.inputs.count == 1, model.graph.outputs.count == 1 else {
      throw NotConvertible(problem: "the float model hasn't just one input and one output")
    }
    self.init(tensors: [], operators: [])
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
          kind: kind, inputs: [place], output: tensors.count, activation: activation, computation: computation
        ))
      places[operation.outputIndex] = tensors.count
      tensors.append(output)
    }
    guard places[Int(model.graph.outputs[0])] == tensors.count - 1, !operators.isEmpty else {
      throw NotConvertible(problem: "the float model's last operator doesn't write its output")
    }
  }
}

extension TFLiteOperator {
  /// What the operator computes in float, with its fused activation.
  fileprivate func float(
    from input: FloatGraph.Tensor, to output: FloatGraph.Tensor
  ) throws(NotConvertible) -> (ClosedRange<Float>, FloatGraph.Computation) {
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
      return (FloatGraph.everything, .softmax(beta: try options(.softmax).beta))
    case .reshape, .squeeze, .expandDims:
      guard input.count == output.count else { throw refusal("changes the number of values") }
      return (FloatGraph.everything, .reshape)
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
    case .none: FloatGraph.everything
    case .relu: 0...Float.infinity
    case .relu6: 0...6
    case .reluMinus1To1: -1...1
    default: throw refusal("has the fused activation \(activation.rawValue), which this program doesn't have")
    }
  }
}
